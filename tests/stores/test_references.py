"""References: of the catalogue in any order of events, the photos that a search must look at."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from imagematch.errors import IndexTooOld
from imagematch.records import FoundFile
from imagematch.settings import DEFAULTS
from imagematch.stores.directory import catalogue_path
from imagematch.stores.index import HeldIndex, Index
from imagematch.stores.photos import vector_id
from tests.stores.builders import MODEL, add, create, decision, describe, scanned


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.create(tmp_path / "index", "test", DEFAULTS, MODEL) as opened:
        yield opened


def photos(index: Index) -> list[int]:
    found: list[int] = index.references().photos.tolist()
    return found


def ignore(index: Index, *files: str, root: str) -> int:
    """Scan files into a collection on the ignore list."""
    entry = index.collections.ensure("ignored", "ignored")
    root_id = index.collections.ensure_root(entry, Path(root))
    index.sightings.add_files(root_id, 1, [scanned(file) for file in files], [])
    return root_id


def test_photos_of_galleries_are_told_from_ads(index: Index) -> None:
    assert photos(index) == []
    describe(index, add(index, scanned("a.jpg"), scanned("b.jpg", "shared")))
    assert photos(index) == []
    describe(
        index,
        add(index, scanned("r.jpg", "shared"), scanned("s.jpg"), collection="refs", root="/r"),
    )
    assert photos(index) == [2, 3]
    references = index.references()
    assert [2 in references, 1 in references, 9 in references] == [True, False, False]
    assert references.among([3, 1, 2]) == [3, 2]


def test_photos_of_the_ignore_list_are_references(index: Index) -> None:
    describe(index, add(index, scanned("a.jpg"), scanned("b.jpg")))
    describe(index, add(index, scanned("r.jpg"), collection="refs", root="/r"))
    index.decisions.add([decision("ignore", "b.jpg")])
    ignore(index, "i.jpg", root="/i")
    assert photos(index) == [2, 3, 4]
    assert index.references().ignored.tolist() == [2, 4]


def test_an_ignored_photo_that_comes_later_is_a_reference(index: Index) -> None:
    index.decisions.add([decision("ignore", "late.jpg")])
    assert photos(index) == []
    add(index, scanned("late.jpg"))
    assert photos(index) == [1]


def test_a_gallery_that_is_removed_and_added_again(index: Index) -> None:
    add(index, scanned("a.jpg"), scanned("b.jpg", "shared"))
    gallery = [scanned("r.jpg", "shared"), scanned("s.jpg")]
    add(index, *gallery, collection="refs", root="/r")
    assert photos(index) == [2, 3]
    index.collections.remove(index.collections.get("refs"))
    assert photos(index) == []
    add(index, *gallery, collection="refs", root="/r")
    assert photos(index) == [2, 4]  # the ad that it shows, too, stayed


def test_a_scan_that_is_not_complete_counts_file_by_file(index: Index) -> None:
    """As one that was killed leaves it."""
    root = add(index, scanned("r.jpg"), collection="refs", root="/r")
    assert photos(index) == [1]
    added = index.sightings.add_files(root, 2, [scanned("s.jpg"), scanned("t.jpg")], [])
    assert photos(index) == [1, 2, 3]
    index.sightings.discard_files(root, added.files[1:])
    index.sightings.finish_scan(root, 2, [], {})
    assert photos(index) == [1, 2]


def test_a_replaced_file_shows_both_photos(index: Index) -> None:
    root = add(index, scanned("r.jpg"), collection="refs", root="/r")
    index.sightings.add_files(root, 2, [scanned("r.jpg", "other")], [1])
    assert photos(index) == [1, 2]
    index.sightings.refresh_files(root, [(2, FoundFile("r.jpg", 11, 2, ()))])
    assert photos(index) == [1, 2]


def test_an_index_of_the_version_before_is_read_once_it_is_brought_up_to_date(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "index"
    with Index.create(directory, "test", DEFAULTS, MODEL) as index:
        describe(index, add(index, scanned("a.jpg")))
        describe(index, add(index, scanned("r.jpg"), collection="refs", root="/r"))
    with closing(sqlite3.connect(catalogue_path(directory))) as raw, raw:
        raw.execute("DROP INDEX files_by_root")
        raw.execute("UPDATE meta SET value = '5' WHERE key = 'schema_version'")
    with pytest.raises(IndexTooOld), Index.read(directory):
        pass
    with Index.write(directory, "test") as index:
        assert index.settled == []
    with Index.read(directory) as index:
        assert photos(index) == [2]
        assert index.pdq.search(
            index.pdq.get(np.array([vector_id(1)])), 5, among=index.references().vectors
        ).ids.tolist() == [[vector_id(2), -1, -1, -1, -1]]


def test_a_held_index_reads_references_once(tmp_path: Path) -> None:
    directory = create(tmp_path / "index")
    held = HeldIndex(directory)
    with Index.write(directory, "test") as index:
        describe(index, add(index, scanned("r.jpg"), collection="refs", root="/r"))
        with held.state() as first:
            before = first.references()
        with held.state() as second:
            assert second.references() is before
        describe(index, add(index, scanned("a.jpg")))
        with held.state() as third:
            assert third.references().vectors is before.vectors
            index.decisions.add([decision("ignore", "a.jpg")])
            assert photos(third) == [1]
        with held.state() as fourth:
            assert photos(fourth) == [1, 2]
    held.close()
