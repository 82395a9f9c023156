"""Describing: each file gets its fingerprint or its reason, whatever happens to the workers."""

from pathlib import Path

import pytest

from imagematch.records import IndexReport
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stages import describe
from imagematch.stores.index import Index
from tests import recipes
from tests.stages.killers import describe_or_die
from tests.world import ad_sites, photo, save


def indexed(index: Path, folder: Path) -> IndexReport:
    request = IndexRequest(FolderSource(folder, site_from_path=True), preset="hashes")
    return recipes.index_folder(index, request, Unwatched())


def test_a_file_that_kills_its_worker_fails_alone_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ads = ad_sites(tmp_path / "ads", range(8))
    save(photo(90), ads / "site0" / "profile0" / "kills.jpg")
    with monkeypatch.context() as patched:
        patched.setattr(describe, "describe_files", describe_or_die)
        report = indexed(tmp_path / "index", ads)
    assert (report.seen, report.described, report.failed) == (9, 8, 1)
    assert report.failures[0].path == "site0/profile0/kills.jpg"
    assert report.failures[0].failure.code == "crashed"
    # It may have had another cause, so the next run tries again.
    report = indexed(tmp_path / "index", ads)
    assert (report.described, report.known, report.failed) == (1, 8, 0)


def test_a_photo_in_several_places_is_described_once_from_any_that_is_left(tmp_path: Path) -> None:
    ads = tmp_path / "ads"
    for name in ("a", "b", "c"):
        save(photo(1), ads / "site" / name / "x.jpg")
    report = indexed(tmp_path / "index", ads)
    assert (report.seen, report.described, report.known) == (3, 1, 2)


def test_only_photos_that_can_be_searched_get_vectors(tmp_path: Path) -> None:
    save(photo(1), tmp_path / "ads" / "good.jpg")
    save(photo(2) // 255, tmp_path / "ads" / "flat.png")
    save(photo(3, 40, 40), tmp_path / "ads" / "tiny.png")
    indexed(tmp_path / "index", tmp_path / "ads")
    with Index.read(tmp_path / "index") as index:
        assert index.photos.counts()["described"] == 3
        assert len(index.pdq.ids()) == 1
        assert index.compare(repair=False) == []
