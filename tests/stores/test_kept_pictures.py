"""Kept pictures on the disk: durable, of described photos only, and nothing else is touched."""

import os
import shutil
from pathlib import Path

import pytest

from imagematch.kernels import kept_picture
from imagematch.stores.durable import PARTIAL_SUFFIX
from imagematch.stores.index import Index
from imagematch.stores.kept_pictures import PictureStats, PictureStore
from tests.stores.builders import add, create, describe, scanned, sha
from tests.world import photo


def picture(name: str) -> bytes:
    return kept_picture.encode(photo(1, 64, 48), sha(name), 64, 48)


def filled(store: PictureStore, *names: str) -> PictureStore:
    store.replace({sha(name): picture(name) for name in names})
    return store


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path / "pictures")


def everything(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_pictures_lie_where_their_photos_hash_says(store: PictureStore) -> None:
    filled(store, "a", "b")
    assert everything(store.directory) == {f"{sha(n)[:2]}/{sha(n)}.jpg" for n in ("a", "b")}
    assert store.path(sha("a")).read_bytes() == picture("a")
    assert store.stats() == PictureStats(2, len(picture("a")) + len(picture("b")))
    assert [photos for _, photos in store.groups()] == sorted([[sha("a")], [sha("b")]])


def test_an_index_that_keeps_none_gets_no_directory(store: PictureStore) -> None:
    store.replace({sha("a"): b""})
    store.discard([sha("b")])
    assert not store.directory.exists()
    assert store.stats() == PictureStats(0, 0)
    assert list(store.groups()) == []
    assert list(store.damaged()) == []


def test_a_photo_without_a_picture_loses_the_one_it_had(store: PictureStore) -> None:
    filled(store, "a", "b")
    store.replace({sha("a"): b"", sha("c"): picture("c")})
    assert {photo for _, photos in store.groups() for photo in photos} == {sha("b"), sha("c")}


def test_damaged_swapped_and_endless_pictures_are_found(store: PictureStore) -> None:
    filled(store, "sound", "cut", "swapped", "garbage", "pipe", "huge")
    store.path(sha("cut")).write_bytes(picture("cut")[:-1])
    shutil.copy(store.path(sha("sound")), store.path(sha("swapped")))
    store.path(sha("garbage")).write_bytes(b"garbage")
    store.path(sha("pipe")).unlink()
    os.mkfifo(store.path(sha("pipe")))
    os.truncate(store.path(sha("huge")), 2**30)
    bad = ("cut", "swapped", "garbage", "pipe", "huge")
    assert set(store.damaged()) == {sha(name) for name in bad}
    store.discard(store.damaged())
    assert list(store.damaged()) == []
    assert store.stats().count == 1


def test_files_that_are_none_of_ours_are_left_alone(store: PictureStore) -> None:
    filled(store, "a")
    group = store.path(sha("a")).parent
    others = [
        *(store.directory / name for name in ("ab.txt", "notes/1.jpg", "zz/1.jpg", "0")),
        *(group / name for name in ("1.jpg", f"{sha('a')}.png", f"{sha('a')}.jpg.bak")),
        group / ("0" * 64 + ".jpg" if group.name != "00" else "1" * 64 + ".jpg"),
    ]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
    (group / f"{sha('a')[:2]}{'0' * 62}.jpg").mkdir()
    assert store.stats().count == 1
    assert list(store.damaged()) == []
    assert [photos for _, photos in store.groups()] == [[sha("a")]]


# --- killed runs -------------------------------------------------------------------------------


def test_writing_that_fails_leaves_old_files_and_no_partial(
    store: PictureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(store, "a")
    before = everything(store.directory)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.replace({sha("a"): b"new", sha("b"): picture("b")})
    assert everything(store.directory) == before
    assert store.path(sha("a")).read_bytes() == picture("a")


def test_a_run_killed_while_writing_leaves_what_the_next_writer_sweeps(tmp_path: Path) -> None:
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        filled(index.pictures, "a")
    left = directory / "pictures" / f".{sha('b')}.jpg.1234{PARTIAL_SUFFIX}"
    left.write_bytes(b"half")
    with Index.read(directory):
        pass
    assert left.exists()
    with Index.write(directory, "test"):
        pass
    assert not left.exists()


def test_a_run_killed_between_picture_and_row_leaves_nothing_for_long(tmp_path: Path) -> None:
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        root = add(index, scanned("a.jpg", "a"), scanned("b.jpg", "b"))
        filled(index.pictures, "a", "b")
    found = ["2 kept pictures belong to no described photo"]
    with Index.write(directory, "test") as index:
        assert index.compare(repair=False) == found
        describe(index, root)  # as the next run does
        assert index.compare(repair=False) == []
        filled(index.pictures, "never described")
        assert index.compare(repair=True) == ["1 kept picture belongs to no described photo"]
        assert index.compare(repair=False) == []
        assert index.pictures.stats().count == 2


def test_vectors_that_a_killed_run_left_take_its_pictures_with_them(tmp_path: Path) -> None:
    directory = create(tmp_path / "index")
    with Index.write(directory, "test") as index:
        ids = describe(index, add(index, scanned("a.jpg", "a"), scanned("b.jpg", "b")))
        filled(index.pictures, "a", "b")
        index.photos.forget_fingerprints(ids[:1])
    with Index.write(directory, "test") as index:
        assert "1 kept picture belongs to no described photo" in index.settled
        assert [photos for _, photos in index.pictures.groups()] == [[sha("b")]]


def test_last_photos_of_a_collection_are_those_that_its_removal_forgets(tmp_path: Path) -> None:
    with Index.write(create(tmp_path / "index"), "test") as index:
        describe(index, add(index, scanned("a.jpg", "shared"), scanned("b.jpg", "ad")))
        files = scanned("r.jpg", "shared"), scanned("o.jpg", "only"), scanned("p.jpg", "waits")
        add(index, *files, collection="refs", root="/refs")
        refs = index.collections.get("refs")
        assert sorted(index.collections.last_photos(refs)) == sorted([sha("only"), sha("waits")])
        assert len(index.collections.remove(refs)) == 2
