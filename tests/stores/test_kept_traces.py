"""Traces in the catalogue: there with the described photo, gone with it."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from imagematch.records import Failure
from imagematch.settings import DEFAULTS
from imagematch.stores.index import Index
from imagematch.stores.kept_traces import TraceStats
from imagematch.stores.layout import save_settings
from imagematch.stores.photos import Described
from tests.stores.builders import add, create, scanned, store_vectors


def described(index: Index, root_id: int, traces: list[bytes]) -> list[int]:
    """Describe a root's photos with these traces; returns their ids."""
    entries = [
        Described(one.photo_id, replace(one.fingerprint, trace=trace), one.views)
        for one, trace in zip(store_vectors(index, root_id), traces, strict=True)
    ]
    index.photos.save_described(entries, "test")
    return [entry.photo_id for entry in entries]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return create(tmp_path / "index")


def test_traces_are_there_with_their_photos_and_counted(directory: Path) -> None:
    with Index.write(directory, "test") as index:
        ids = described(index, add(index, *map(scanned, "abc")), [b"one", b"", b"three"])
        assert index.traces.of(ids) == {ids[0]: b"one", ids[2]: b"three"}
        assert index.traces.of([]) == index.traces.of([99_999]) == {}
        assert index.traces.stats() == TraceStats(2, 8)


def test_a_photo_that_is_described_anew_or_fails_loses_its_old_trace(directory: Path) -> None:
    with Index.write(directory, "test") as index:
        root_id = add(index, *map(scanned, "abc"))
        ids = described(index, root_id, [b"one", b"two", b"three"])
        index.photos.forget_fingerprints([ids[1]])
        assert set(index.traces.of(ids)) == {ids[0], ids[2]}
        index.photos.save_failed([(ids[1], Failure("corrupt", "damaged"))], "", 1)
        index.photos.forget_fingerprints()
        assert index.traces.stats() == TraceStats(0, 0)


def test_removing_a_gallery_takes_its_traces(directory: Path) -> None:
    with Index.write(directory, "test") as index:
        kept = described(index, add(index, scanned("a")), [b"one"])
        ids = described(
            index, add(index, scanned("b"), collection="missing", root="/missing"), [b"two"]
        )
        gone = index.collections.remove(index.collections.get("missing"))
        assert gone == ids
        assert index.traces.of([*kept, *ids]) == {kept[0]: b"one"}


def test_a_transaction_that_fails_leaves_neither_row_nor_trace(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with Index.write(directory, "test") as index:
        root_id = add(index, scanned("a"))
        with monkeypatch.context() as patched:
            patched.setattr("imagematch.stores.photos.replace_traces", fail)
            with pytest.raises(RuntimeError):
                described(index, root_id, [b"one"])
        assert index.photos.counts()["described"] == 0
        assert index.traces.stats() == TraceStats(0, 0)


def test_an_index_that_is_to_keep_none_deletes_them_on_opening(directory: Path) -> None:
    with Index.write(directory, "test") as index:
        described(index, add(index, *map(scanned, "ab")), [b"one", b"two"])
    store = replace(DEFAULTS.store, keep_traces=False)
    save_settings(directory, replace(DEFAULTS, store=store))
    with Index.write(directory, "test") as index:
        assert index.settled == ["2 traces are deleted, because store.keep_traces is off"]
        assert index.traces.stats() == TraceStats(0, 0)
    with Index.write(directory, "test") as index:
        assert index.settled == []


def test_a_catalogue_from_before_gets_room_for_them(directory: Path) -> None:
    with closing(sqlite3.connect(directory / "catalogue.sqlite")) as connection:
        connection.execute("DROP TABLE traces")
        connection.execute("UPDATE meta SET value = '3' WHERE key = 'schema_version'")
        connection.commit()
    with Index.write(directory, "test") as index:
        ids = described(index, add(index, scanned("a")), [b"one"])
        assert index.traces.of(ids) == {ids[0]: b"one"}
