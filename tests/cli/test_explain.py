"""`imagematch query --explain`: a drawing for each match, and the reason in words."""

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import CommandLine, World
from tests.world import ad_sites, mirrored, photo, save


@pytest.fixture
def query(tmp_path: Path) -> Path:
    return save(mirrored(photo(4)), tmp_path / "my photo (1).jpg", quality=50)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_match_is_drawn_and_said_in_one_sentence(
    imagematch: CommandLine, world: World, query: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "drawings"
    ran = imagematch("query", query, "--index", world.index, "--explain", folder)
    assert ran.code == 0
    [name] = names(folder)
    assert re.fullmatch(r"my_photo_1_[0-9a-f]{12}-[0-9a-f]{12}\.png", name)
    assert Image.open(folder / name).size[0] == 1672
    [found, match, why, where] = ran.out.replace("\u00a0", " ").splitlines()
    assert found == str(query)
    assert re.fullmatch(r"  copy \S+, \d\d\.\d %, certain: site1/profile4/4.jpg \(ads.*\)", match)
    assert why.startswith("    The same photo, mirrored: ")
    assert why.endswith(" of the smaller photo is covered.")
    assert where == f"    Drawing: {folder / name}"
    assert "Wrote 1 drawing to" in ran.err


def test_a_photo_seen_in_several_places_is_drawn_once(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    same = world.ads / "site9" / "berta" / "same.jpg"
    ran = imagematch("query", same, "--index", world.index, "--explain", tmp_path / "d")
    assert len(names(tmp_path / "d")) == 1
    assert ran.out.count("Drawing: ") == 2
    assert "byte for byte" in ran.out


def test_the_forms_for_programs_stay_as_they_are(
    imagematch: CommandLine, world: World, query: Path, tmp_path: Path
) -> None:
    words = ("query", query, "--index", world.index)
    for form in ("--jsonl", "--json"):
        ran = imagematch(*words, form, "--explain", tmp_path / form)
        assert ran.out == imagematch(*words, form).out
        assert len(names(tmp_path / form)) == 1


def test_a_page_shows_each_drawing_once_and_is_safe(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    same, page = world.ads / "site9" / "berta" / "same.jpg", tmp_path / "page.html"
    words = ("query", same, "--index", world.index, "--html", page)
    assert imagematch(*words).code == 0
    plain = page.read_text("utf-8")
    assert imagematch(*words, "--explain", tmp_path / "d").code == 0
    explained = page.read_text("utf-8")
    assert plain.count("aspect-ratio:1200/") == 0
    assert explained.count("aspect-ratio:1200/") == 1
    assert explained.count('class="shot drawn"') == 1
    assert "img-src data:" in explained


def test_asking_again_replaces_the_drawing_and_spares_other_files(
    imagematch: CommandLine, world: World, query: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    words = ("query", query, "--index", world.index, "--explain", folder)
    assert imagematch(*words).code == 0
    [name] = names(folder)
    assert imagematch(*words).code == 0
    assert names(folder) == [name]
    (folder / name).write_text("mine now")
    assert imagematch(*words).code == 0
    assert (folder / name).read_text() == "mine now"
    assert names(folder) == [name, name.replace(".png", "_2.png")]


def test_a_photo_whose_file_is_gone_is_reported_and_not_drawn(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ads, index = ad_sites(tmp_path / "ads", range(3)), tmp_path / "index"
    assert imagematch("index", ads, "--index", index, "--preset", "hashes").code == 0
    query = save(photo(1), tmp_path / "query.png")
    (ads / "site1" / "profile1" / "1.jpg").unlink()
    words = ("query", query, "--index", index, "--min-confidence", 0)
    ran = imagematch(*words, "--explain", tmp_path / "d")
    assert ran.code == 0
    assert "nobody has seen its pixels" in ran.out
    assert "no drawing of" in ran.err
    assert "Wrote 0 drawings" in ran.err
    assert names(tmp_path / "d") == []


def test_a_query_that_failed_has_no_drawing(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_text("no photo")
    words = ("query", tmp_path / "broken.jpg", "--index", world.index)
    assert imagematch(*words, "--explain", tmp_path / "d").code == 1
    assert names(tmp_path / "d") == []


def test_a_folder_that_can_not_be_made_is_refused_before_the_query(
    imagematch: CommandLine, world: World, query: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    ran = imagematch("query", query, "--index", world.index, "--explain", tmp_path / "file")
    assert (ran.code, ran.out) == (2, "")
    assert "can't be made" in ran.err
