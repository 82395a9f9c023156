"""`imagematch index` as a person types it."""

import json
import os
import sys
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from imagematch.presets import PRESETS
from tests.conftest import CommandLine
from tests.world import ad_sites, photo, save

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "index.schema.json"

#: Names that break shells, terminals, pages and tables; on Linux any bytes but NUL and / go.
HOSTILE = [
    "new\nline.jpg",
    "\u202egpj.evil.jpg",
    "<script>alert(1)<\u2044script>.jpg",
    "-rf.jpg",
    "--index.jpg",
    "[red]markup[bold].jpg",
    "x" * 246 + ".jpg",
    "=1+1.jpg",
    "\x1b[31mred.jpg",
    "' OR 1=1 --.jpg",
    "فتاة.jpg",
    os.fsdecode(b"latin-\xe9.jpg"),
]


def test_json_is_one_object_that_follows_the_schema(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ads = ad_sites(tmp_path / "ads", range(3))
    (ads / "empty.jpg").write_bytes(b"")
    words = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes", "--json")
    first, second = imagematch(*words), imagematch(*words)
    for ran, described, new in ((first, 3, 1), (second, 0, 0)):
        counts = ran.json()
        jsonschema.validate(counts, json.loads(SCHEMA.read_text()))
        assert counts["described"] == described
        parts = ("described", "known", "skipped", "failed")
        assert counts["seen"] == sum(counts[part] for part in parts) == 4
        assert (counts["failed"], counts["failed_new"]) == (1, new)
        assert ran.code == new
        assert ("empty.jpg: empty: the file has no content" in ran.err) == bool(new)
    assert second.err.startswith("1 file failed before and still can't be described")


def test_words_for_people_say_what_was_done_and_what_is_next(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    (ads / "site9" / "anna").mkdir(parents=True)
    save(photo(0)[:, ::-1], ads / "site9" / "anna" / "0.jpg")
    words = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes", "--site-from-path")
    ran = imagematch(*words)
    assert ran.code == 0
    assert "3 files seen" in ran.out
    assert "1 new match\n" in ran.out
    assert "imagematch link --index" in ran.err


def test_help_explains_each_preset_in_a_line(imagematch: CommandLine) -> None:
    lines = [line.split(maxsplit=1) for line in imagematch("index", "--help").out.splitlines()]
    for name, preset in PRESETS.items():
        assert [name, preset.about] in lines


def test_many_failures_do_not_flood_the_terminal(imagematch: CommandLine, tmp_path: Path) -> None:
    for number in range(60):
        path = tmp_path / "ads" / f"{number}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"no photo, {number}")
    ran = imagematch("index", tmp_path / "ads", "--index", tmp_path / "index", "--preset", "hashes")
    assert ran.code == 1
    assert "60 failed:" in ran.err
    assert "and 40 more" in ran.err
    assert len(ran.err.splitlines()) < 40


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse most of these names")
def test_hostile_names_pass_through_every_command(imagematch: CommandLine, tmp_path: Path) -> None:
    ads, index = tmp_path / "ads", tmp_path / "index"
    for number, name in enumerate(HOSTILE):
        folder = f"{number}<b>&\u202e[bold]"
        save(photo(number), ads / "site\n<i>" / folder / name)
        save(photo(number)[:, ::-1], ads / "other" / folder / "copy.jpg")
    ran = imagematch("index", ads, "--index", index, "--preset", "hashes", "--site-from-path")
    assert (ran.code, ran.err.count("failed")) == (0, 0)

    queried = imagematch("query", ads, "--index", index, "--jsonl")
    assert queried.code == 0
    answers = queried.lines()
    assert [answer["status"] for answer in answers] == ["ok"] * 2 * len(HOSTILE)
    shown = {match["path"].rpartition("/")[2] for each in answers for match in each["matches"]}
    undecodable = os.fsdecode(b"latin-\xe9.jpg")
    assert shown == {*HOSTILE, "copy.jpg", "latin-\\xe9.jpg"} - {undecodable}

    for page in ("link.html", "pairs.csv", "graph.gexf"):
        kind = page.rpartition(".")[2]
        assert imagematch("link", "--index", index, f"--{kind}", tmp_path / page).code == 0
    photos = [ads / "site\n<i>" / f"{n}<b>&\u202e[bold]" / name for n, name in enumerate(HOSTILE)]
    ran = imagematch("query", *photos, "--index", index, "--html", tmp_path / "query.html")
    assert ran.code == 0
    for page in ("link.html", "query.html"):
        html = (tmp_path / page).read_text(encoding="utf-8")
        assert "<script>alert" not in html
        assert "<i>" not in html
        assert "\u202e" not in html
    assert len(imagematch("link", "--index", index, "--json").json()["links"]) == len(HOSTILE)
    for words in (("link",), ("query", *photos)):
        ran = imagematch(*words, "--index", index)
        assert ran.code == 0
        assert not {"\u202e", "\x1b"} & set(ran.out + ran.err)
        assert "[red]markup[bold].jpg" in ran.out


def test_a_name_with_a_leading_dash_needs_no_trick_inside_a_folder(
    imagematch: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(photo(1), tmp_path / "ads" / "--json.jpg")
    index = tmp_path / "index"
    assert imagematch("index", tmp_path / "ads", "--index", index, "--preset", "hashes").code == 0
    monkeypatch.chdir(tmp_path / "ads")
    ran = imagematch("query", "--index", index, "--jsonl", "--", "--json.jpg")
    assert ran.json()["matches"][0]["path"] == "--json.jpg"


def test_the_index_directory_may_come_from_the_environment(
    imagematch: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGEMATCH_INDEX", str(tmp_path / "elsewhere"))
    ads = ad_sites(tmp_path / "ads", range(1))
    assert imagematch("index", ads, "--preset", "hashes").code == 0
    assert (tmp_path / "elsewhere" / "catalogue.sqlite").exists()


def test_files_with_further_pictures_are_counted(imagematch: CommandLine, tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(2))
    slides = [Image.fromarray(photo(seed)) for seed in (5, 6, 7)]
    slides[0].save(ads / "slides.gif", save_all=True, append_images=slides[1:], duration=900)
    slides[0].save(ads / "pages.tif", save_all=True, append_images=slides[1:])
    words = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes")
    first, second = imagematch(*words), imagematch(*words)
    assert "2 described files hold further pictures" in first.err
    assert "further pictures" not in second.err  # they are known by now
    assert (first.code, second.code) == (0, 0)
