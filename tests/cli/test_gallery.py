"""`imagematch gallery`: references come, answer and go."""

from pathlib import Path

from tests.conftest import CommandLine
from tests.world import ad_sites, mirrored, photo, save


def test_a_gallery_is_added_listed_and_removed(imagematch: CommandLine, tmp_path: Path) -> None:
    at = ("--index", tmp_path / "index")
    ads = ad_sites(tmp_path / "ads", range(3))
    assert imagematch("index", ads, *at, "--preset", "hashes", "--site-from-path").code == 0
    assert "No galleries yet" in imagematch("gallery", "list", *at).err
    save(mirrored(photo(2)), tmp_path / "cases" / "2.jpg")
    added = imagematch("gallery", "add", "cases", tmp_path / "cases", *at, "--json")
    assert (added.code, added.json()["matches"]) == (0, 1)
    listed = imagematch("gallery", "list", *at, "--json").json()
    assert listed == {"galleries": [{"name": "cases", "files": 1, "photos": 1}]}
    assert "cases: 1 photo in 1 file" in imagematch("gallery", "list", *at).out
    assert "Removed gallery cases" in imagematch("gallery", "remove", "cases", *at).err
    assert imagematch("gallery", "list", *at, "--json").json() == {"galleries": []}
    assert imagematch("link", *at, "--json").json()["gallery_hits"] == []


def test_adding_to_a_gallery_again_brings_it_up_to_date(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    words = ("gallery", "add", "cases", tmp_path / "cases", "--index", tmp_path / "index", "--json")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "settings.toml").write_text('[describe]\npreset = "hashes"\n')
    save(photo(1), tmp_path / "cases" / "1.jpg")
    assert imagematch(*words).json()["described"] == 1
    save(photo(2), tmp_path / "cases" / "2.jpg")
    counts = imagematch(*words).json()
    assert (counts["described"], counts["known"]) == (1, 1)


def test_what_is_no_gallery_can_not_be_removed(imagematch: CommandLine, tmp_path: Path) -> None:
    at = ("--index", tmp_path / "index")
    ads = ad_sites(tmp_path / "ads", range(1))
    assert imagematch("index", ads, *at, "--preset", "hashes").code == 0
    for name, words in (("ads", "not a gallery"), ("nobody", "there is no collection 'nobody'")):
        ran = imagematch("gallery", "remove", name, *at)
        assert (ran.code, words in ran.err) == (2, True)


def test_a_gallery_with_broken_files_ends_with_one(imagematch: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "broken.jpg").write_text("no photo")
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "settings.toml").write_text('[describe]\npreset = "hashes"\n')
    ran = imagematch("gallery", "add", "cases", tmp_path / "cases", "--index", tmp_path / "index")
    assert (ran.code, "broken.jpg" in ran.err) == (1, True)
