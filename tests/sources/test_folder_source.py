"""A folder as a source: what holds where nothing is asked for, and what is refused at once."""

import os
from pathlib import Path

import pytest

from imagematch.errors import ManifestError, PhotoError, SourceUnavailable, UsageError
from imagematch.records import FoundFile, Locator, ManifestNote, RootLabels
from imagematch.settings import DEFAULTS
from imagematch.sources.folder_source import FolderSource, marked
from imagematch.sources.source import FoundFolder, Source


@pytest.fixture
def ads(tmp_path: Path) -> Path:
    (tmp_path / "ads" / "site").mkdir(parents=True)
    (tmp_path / "ads" / "site" / "a.jpg").write_bytes(b"bytes")
    return tmp_path / "ads"


def test_labels_that_nobody_asks_for_are_those_of_the_last_scan(ads: Path) -> None:
    manifest = ads.parent / "m.csv"
    manifest.write_text("path\n")
    before = RootLabels(site_from_path=True, manifest=str(manifest))
    assert FolderSource(ads).labels(before) == before
    assert FolderSource(ads, site_from_path=False).labels(before) == RootLabels(
        False, str(manifest)
    )
    assert FolderSource(ads, no_manifest=True).labels(before) == RootLabels(True)
    assert FolderSource(ads, manifest).labels(RootLabels()) == RootLabels(False, str(manifest))


def test_manifest_of_the_last_scan_that_is_gone_is_not_left_out_in_silence(ads: Path) -> None:
    with pytest.raises(ManifestError, match="--no-manifest"):
        FolderSource(ads).labels(RootLabels(manifest=str(ads / "gone.csv")))


def test_source_without_a_manifest_gives_folders_and_with_one_files(ads: Path) -> None:
    manifest = ads / "m.csv"
    manifest.write_text("path,site\nsite/a.jpg,north\nsite/b.jpg,north\n")
    plain = list(FolderSource(ads).entries(RootLabels(), DEFAULTS.scan, [manifest]))
    assert all(isinstance(entry, FoundFolder) for entry in plain)
    described = list(FolderSource(ads).entries(RootLabels(False, str(manifest)), DEFAULTS.scan))
    [file] = [entry for entry in described if isinstance(entry, FoundFile)]
    assert (file.path, file.sightings[0].site) == ("site/a.jpg", "north")
    [note] = [entry for entry in described if isinstance(entry, ManifestNote)]
    assert note.problem == "row_without_file"


def test_what_a_source_gives_can_be_opened(ads: Path) -> None:
    source: Source = FolderSource(ads)
    with source.open(Locator(str(source.root), "site/a.jpg")) as file:
        assert file.read() == b"bytes"
    with pytest.raises(PhotoError, match="can't be read"), source.open(Locator(str(ads), "gone")):
        pass


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_root_is_one_however_the_way_to_it_is_spelled(ads: Path) -> None:
    (ads.parent / "link").symlink_to(ads)
    assert FolderSource(ads.parent / "link").root == FolderSource(ads / "site" / "..").root == ads


def test_what_can_not_be_scanned_is_refused_before_anything_is_made(ads: Path) -> None:
    with pytest.raises(SourceUnavailable):
        FolderSource(ads / "gone").check()
    with pytest.raises(ManifestError):
        FolderSource(ads, ads / "gone.csv").check()
    FolderSource(ads).check()


def test_locator_names_the_file_as_it_was_given() -> None:
    assert str(Locator("/ads", "a/b.jpg")) == os.path.join("/ads", "a/b.jpg")  # noqa: PTH118
    assert str(Locator.outside("./a.jpg")) == "./a.jpg"


def test_marked_columns_hold_until_others_are_given(ads: Path) -> None:
    columns = marked({" Telegram ": "handle", "PROFILE": "handle"})
    assert columns == (("Telegram", "handle"), ("profile", "handle"))
    before = RootLabels(identifiers=columns)
    assert FolderSource(ads).labels(before) == before
    assert FolderSource(ads, identifiers=()).labels(before) == RootLabels()
    for wrong in ({"a": "name"}, {"path": "url"}, {" ": "url"}, {"x" * 201: "url"}):
        with pytest.raises(UsageError):
            marked(wrong)


def test_marked_column_that_no_row_has_is_noted(ads: Path) -> None:
    manifest = ads / "m.csv"
    manifest.write_text("path,profile,tg,snap\nsite/a.jpg,anna,@lola,\n")
    columns = marked({"tg": "handle", "snap": "handle", "email": "email"})
    labels = RootLabels(False, str(manifest), columns)
    found = list(FolderSource(ads).entries(labels, DEFAULTS.scan))
    notes = [(entry.problem, entry.where) for entry in found if isinstance(entry, ManifestNote)]
    assert notes == [("no_such_column", "snap")]
