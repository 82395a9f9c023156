"""Kept pictures from end to end: what is gone is still verified, and what is forgotten is gone."""

import shutil
from pathlib import Path

import pytest

from imagematch.records import QueryOptions
from imagematch.runtime.monitor import Unwatched
from imagematch.services import indexing
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.index import Index
from imagematch.stores.photos import PhotoStore
from tests import recipes
from tests.conftest import CommandLine
from tests.world import ad_sites, mirrored, photo, save

KEEP = "[store]\nkeep_pictures = true\nbatch = 2\n"


class Killed(BaseException):
    """Stands for the end of the process: nothing in the code may catch it for good."""


def settings(index: Path, text: str) -> None:
    index.mkdir(exist_ok=True)
    (index / "settings.toml").write_text('[describe]\npreset = "hashes"\n' + text)


def indexed(index: Path, folder: Path, **request: object) -> None:
    wanted = IndexRequest(FolderSource(folder, site_from_path=True), **request)  # type: ignore[arg-type]
    recipes.index_folder(index, wanted, Unwatched())


def kept(index: Path) -> set[str]:
    with Index.read(index) as opened:
        return {photo for _, photos in opened.pictures.groups() for photo in photos}


def described(index: Path) -> set[str]:
    with Index.read(index) as opened:
        return {
            sha for digit in "0123456789abcdef" for sha in opened.photos.described_hashes(digit)
        }


def rules(index: Path) -> list[tuple[str, str, bool]]:
    """Of each stored match its kind, the rule that decided, and whether a kept picture served."""
    return [
        (judgement.kind, judgement.evidence.rule, bool(geometry and geometry.kept))
        for _, _, judgement in recipes.stored_matches(index)
        for geometry in [judgement.evidence.geometry]
    ]


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    """Four photos, of which one is too small for likeness to count."""
    save(photo(9, 40, 40), tmp_path / "ads" / "site0" / "anna" / "tiny.png")
    return ad_sites(tmp_path / "ads", range(3))


@pytest.fixture
def later(tmp_path: Path) -> Path:
    """A copy of one of them, that came later."""
    return save(mirrored(photo(1)), tmp_path / "later" / "site9" / "berta" / "again.jpg").parents[2]


# --- verifying ---------------------------------------------------------------------------------


def test_a_copy_of_a_photo_that_is_gone_is_verified_where_pictures_are_kept(
    imagematch: CommandLine, tmp_path: Path, ads: Path, later: Path
) -> None:
    index = tmp_path / "index"
    settings(index, KEEP)
    indexed(index, ads)
    assert kept(index) == described(index)
    assert len(kept(index)) == 4
    shutil.rmtree(ads)
    indexed(index, later)
    assert rules(index) == [("copy", "geometry", True)]
    [copy] = later.rglob("*.jpg")
    query = save(mirrored(photo(2)), tmp_path / "query.jpg")
    ran = imagematch("query", query, "--explain", tmp_path / "drawn", "--index", index)
    assert "small grey picture kept of it" in ran.out
    assert len(list((tmp_path / "drawn").glob("*.png"))) == 1
    page = tmp_path / "links.html"
    imagematch("link", "--html", page, "--index", index)
    copy.unlink()
    with_one = page.read_text().count("data:image/jpeg")
    imagematch("link", "--html", page, "--index", index)
    assert page.read_text().count("data:image/jpeg") == with_one > 0


@pytest.mark.parametrize("damaged", [False, True], ids=["nothing kept", "garbage kept"])
def test_without_a_sound_picture_the_pair_stays_unverified(
    tmp_path: Path, ads: Path, later: Path, damaged: bool
) -> None:
    index = tmp_path / "index"
    traceless = "keep_traces = false\n"
    settings(index, KEEP + traceless if damaged else "[store]\n" + traceless)
    indexed(index, ads)
    assert (index / "pictures").exists() == damaged
    for picture in (index / "pictures").rglob("*.jpg"):
        picture.write_bytes(picture.read_bytes().replace(b"\xff\xd8", b"\xff\xd9", 1))
    shutil.rmtree(ads)
    indexed(index, later)
    assert rules(index) in ([], [("copy", "unverified", False)])
    query = QueryOptions(min_confidence=0)
    [answer] = recipes.query_photos(
        index, [str(save(mirrored(photo(2)), tmp_path / "query.jpg"))], query, Unwatched()
    )
    found = {match.judgement.evidence.rule for match in answer.matches}
    assert found == {"unverified"}


# --- keeping and forgetting --------------------------------------------------------------------


def test_photos_from_before_get_a_picture_by_describing_them_again(
    tmp_path: Path, ads: Path
) -> None:
    index = tmp_path / "index"
    settings(index, "")
    indexed(index, ads)
    settings(index, KEEP)
    indexed(index, ads)
    assert kept(index) == set()
    indexed(index, ads, redescribe=True)
    assert kept(index) == described(index)
    assert len(kept(index)) == 4
    settings(index, "")
    save(photo(20), ads / "site0" / "anna" / "new.jpg")
    indexed(index, ads)
    assert len(described(index) - kept(index)) == 1
    indexed(index, ads, redescribe=True)
    assert kept(index) == set()


def test_a_photo_that_can_not_be_described_again_loses_its_picture(
    tmp_path: Path, ads: Path
) -> None:
    index = tmp_path / "index"
    settings(index, KEEP)
    indexed(index, ads)
    settings(index, KEEP + "[decode]\nmax_pixels = 2000\n")
    indexed(index, ads, redescribe=True)
    assert kept(index) == described(index)
    assert len(kept(index)) == 1


def test_a_removed_gallery_takes_the_pictures_that_nothing_else_shows(
    tmp_path: Path, ads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "index"
    settings(index, KEEP)
    indexed(index, ads)
    before = kept(index)
    save(photo(50), tmp_path / "missing" / "only.jpg")
    shutil.copy(ads / "site1" / "profile1" / "1.jpg", tmp_path / "missing" / "shared.jpg")
    indexed(index, tmp_path / "missing", collection="missing", kind=indexing.GALLERY)
    assert len(kept(index)) == len(before) + 1

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("imagematch.stores.collections.CollectionStore.remove", die)
        with pytest.raises(Killed):
            recipes.remove_gallery(index, "missing")
    assert kept(index) == before  # whatever happens from here on, no picture is left over
    assert recipes.remove_gallery(index, "missing") == 1
    assert kept(index) == before == described(index)


@pytest.mark.parametrize("step", ["save_described", "save_failed"])
def test_a_run_killed_after_pictures_and_before_rows_ends_like_one_never_killed(
    tmp_path: Path, ads: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    index = tmp_path / "index"
    settings(index, KEEP)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(PhotoStore, step, die)
        with pytest.raises(Killed):
            indexed(index, ads)
    assert kept(index)
    indexed(index, ads)
    assert kept(index) == described(index)
    assert len(kept(index)) == 4
    with Index.read(index) as opened:
        assert opened.compare(repair=False) == []


# --- status and doctor -------------------------------------------------------------------------


def test_status_says_how_many_are_kept_and_how_large_they_are(
    imagematch: CommandLine, tmp_path: Path, ads: Path
) -> None:
    index = tmp_path / "index"
    settings(index, KEEP)
    indexed(index, ads)
    data = imagematch("status", "--json", "--index", index).json()
    sizes = [path.stat().st_size for path in (index / "pictures").rglob("*.jpg")]
    assert data["pictures"] == {"kept": 4, "bytes": sum(sizes)}
    assert sum(sizes) < data["bytes"]
    assert "Pictures     small ones of 4 photos" in imagematch("status", "--index", index).out


def test_doctor_finds_and_deletes_damaged_pictures(
    imagematch: CommandLine, tmp_path: Path, ads: Path
) -> None:
    index = tmp_path / "index"
    settings(index, KEEP)
    indexed(index, ads)
    assert "pictures: 4 are kept, checksums agree" in imagematch("doctor", "--index", index).out
    min((index / "pictures").rglob("*.jpg")).write_bytes(b"garbage")
    assert "1 of 4 kept pictures is damaged" in imagematch("doctor", "--index", index).out
    ran = imagematch("doctor", "--repair", "--index", index)
    assert "1 kept picture was damaged and is deleted" in ran.out
    assert "pictures: 3 are kept, checksums agree" in ran.out
    assert len(kept(index)) == 3
