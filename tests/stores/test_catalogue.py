"""The catalogue: whole or absent, one writer and many readers, versions, and what goes wrong."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from imagematch.errors import (
    IndexDamaged,
    IndexMissing,
    IndexTooNew,
    IndexTooOld,
    IndexUnavailable,
    StorageFull,
)
from imagematch.records import Failure
from imagematch.stores import catalogue as catalogue_module
from imagematch.stores import schema
from imagematch.stores.catalogue import Catalogue, Purpose
from imagematch.stores.decision_history import DecisionStore
from imagematch.stores.photos import PhotoStore
from imagematch.stores.sightings import SightingStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.sqlite"
    Catalogue.create(path, "{}")
    return path


def opened(path: Path, purpose: Purpose) -> "closing[Catalogue]":
    return closing(Catalogue.open(path, purpose))


# --- creation ----------------------------------------------------------------------------------

KILLED = """
import os, sys
from pathlib import Path
from imagematch.stores import catalogue
def die(*_): os._exit(9)
if sys.argv[2] == "before the rows":
    catalogue.Catalogue._set_default = staticmethod(die)
elif sys.argv[2] == "before the rename":
    Path.replace = die
else:
    catalogue.fsync_directory = die
catalogue.Catalogue.create(Path(sys.argv[1]), "{}")
"""


@pytest.mark.parametrize(
    ("moment", "exists"),
    [("before the rows", False), ("before the rename", False), ("after the rename", True)],
)
def test_killed_creation_leaves_no_catalogue_or_a_whole_one(
    tmp_path: Path, moment: str, exists: bool
) -> None:
    path = tmp_path / "catalogue.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), moment], check=False)
    assert done.returncode == 9
    assert path.exists() == exists
    if not exists:
        Catalogue.create(path, "{}")
    with opened(path, "run") as catalogue:
        assert catalogue.version() == schema.VERSION
        assert catalogue.check() == []
    assert not list(tmp_path.glob("*.new*"))


def test_log_of_a_deleted_catalogue_does_not_come_back_in_the_next(path: Path) -> None:
    with opened(path, "run") as catalogue:
        catalogue.put("secret", "old")
        log = path.with_name(path.name + "-wal")
        kept = log.read_bytes()
    path.unlink()
    log.write_bytes(kept)
    Catalogue.create(path, "{}")
    with opened(path, "run") as catalogue:
        assert catalogue.get("secret") is None
        assert catalogue.check() == []


@pytest.mark.parametrize("name", ["what?is", "100%25", "a#b", "a b", "пример", "file:x", "a&b=c"])
def test_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    path = tmp_path / name / "catalogue.sqlite"
    Catalogue.create(path, "{}")
    with opened(path, "read") as catalogue:
        assert catalogue.get("embedder") == "{}"
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


# --- readers and the writer --------------------------------------------------------------------


def test_reader_sees_the_last_commit_while_a_writer_works(path: Path) -> None:
    with opened(path, "run") as writer, opened(path, "read") as reader:
        writer.put("key", "old")
        with writer.change() as connection:
            connection.execute(text("UPDATE meta SET value = 'new' WHERE key = 'key'"))
            assert reader.get("key") == "old"
        assert reader.get("key") == "new"


def test_transaction_of_a_reader_sees_one_state(path: Path) -> None:
    with opened(path, "run") as writer, opened(path, "read") as reader:
        writer.put("key", "old")
        query = text("SELECT value FROM meta WHERE key = 'key'")
        with reader.begin() as connection:
            assert connection.execute(query).scalar() == "old"
            writer.put("key", "new")
            assert connection.execute(query).scalar() == "old"


def test_reader_cannot_write(path: Path) -> None:
    with opened(path, "read") as reader:
        with pytest.raises(IndexDamaged, match="readonly"):
            reader.put("key", "value")
        assert reader.get("key") is None


def test_who_may_not_write_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is damaged then. SQLite says the same of a file without the right to write."""
    with opened(path, "decide") as catalogue:
        monkeypatch.setattr(catalogue_module, "_WRITES", catalogue_module._READS)
        with pytest.raises(IndexUnavailable, match="check that you may write") as raised:
            catalogue.put("key", "value")
    assert not isinstance(raised.value, IndexDamaged)


def change_and_fail(catalogue: Catalogue) -> None:
    with catalogue.change() as connection:
        connection.execute(text("UPDATE meta SET value = 'new'"))
        raise RuntimeError


def test_exception_rolls_a_transaction_back(path: Path) -> None:
    with opened(path, "run") as catalogue:
        catalogue.put("key", "old")
        with pytest.raises(RuntimeError):
            change_and_fail(catalogue)
        assert catalogue.get("key") == "old"


def test_foreign_keys_hold(path: Path) -> None:
    with opened(path, "run") as catalogue:
        with pytest.raises(IntegrityError), catalogue.change() as connection:
            connection.execute(schema.roots.insert().values(collection_id=77, path="/x", raw=b""))
        assert catalogue.check() == []


# --- versions ----------------------------------------------------------------------------------


NEXT = schema.VERSION + 1


def next_version(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    def migrate(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    monkeypatch.setattr(schema, "VERSION", NEXT)
    monkeypatch.setattr(schema, "MIGRATIONS", {NEXT: migrate})


ADD_COLUMN = "ALTER TABLE photos ADD COLUMN mood TEXT"


def test_writer_brings_an_older_catalogue_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_version(monkeypatch, ADD_COLUMN)
    with pytest.raises(IndexTooOld, match="doctor --repair"):
        Catalogue.open(path, "read")
    for _ in range(2):
        with opened(path, "run") as catalogue:
            assert catalogue.version() == NEXT
            with catalogue.begin() as connection:
                assert connection.execute(text("SELECT mood FROM photos")).all() == []


def test_failed_migration_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        next_version(patched, ADD_COLUMN, "UPDATE moods SET a = 1")
        with pytest.raises(IndexDamaged, match="no such table"):
            Catalogue.open(path, "run")
    with opened(path, "read") as catalogue:
        assert catalogue.version() == NEXT - 1
    next_version(monkeypatch, ADD_COLUMN)
    with opened(path, "run") as catalogue:
        assert catalogue.version() == NEXT


@pytest.fixture
def first_version(tmp_path: Path) -> Path:
    """A catalogue of version 1 with data, as that version wrote it."""
    path = tmp_path / "old" / "catalogue.sqlite"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript((Path(__file__).parent / "catalogue_v1.sql").read_text("utf-8"))
    return path


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables that version 1 had, but for the version itself."""
    with closing(sqlite3.connect(path)) as raw:
        tables = schema.METADATA.tables.keys() - {
            "decisions",
            "folders",
            "inodes",
            "traces",
            "failures",
            "failed_pairs",
            "identifiers",
            "identifier_sightings",
            "unread_sightings",
            "identifier_columns",
            "operator_decisions",
        }
        return {
            table: raw.execute(f"SELECT * FROM {table} WHERE {where}").fetchall()
            for table in tables
            for where in ("key <> 'schema_version'" if table == "meta" else "1",)
        }


def test_catalogue_of_the_first_version_keeps_its_data_and_gets_decisions(
    first_version: Path,
) -> None:
    before = rows_of(first_version)
    assert len(before["photos"]) == 3
    assert len(before["matches"]) == 1
    with pytest.raises(IndexTooOld, match="version 1"):
        Catalogue.open(first_version, "read")
    with opened(first_version, "run") as catalogue:
        assert catalogue.version() == schema.VERSION
        assert catalogue.check() == []
        assert DecisionStore(catalogue).history() == []
    assert rows_of(first_version) == before


def test_what_failed_before_failures_were_kept_is_old_and_tried_again(
    first_version: Path,
) -> None:
    with closing(sqlite3.connect(first_version)) as raw, raw:
        raw.execute("UPDATE photos SET state = 'failed', code = 'corrupt' WHERE id = 1")
        (root,) = raw.execute("SELECT root_id FROM files WHERE photo_id = 1").fetchone()
    with opened(first_version, "run") as catalogue:
        sightings, photos = SightingStore(catalogue), PhotoStore(catalogue)
        assert sightings.count_failed(root) - sightings.count_failed(root, 1) >= 1
        assert photos.retry(root, "here") == 1
        photos.save_failed([(1, Failure("corrupt", "bad"))], "here", 99)
        assert photos.retry(root, "here") == 0
        assert sightings.failed_files(root, 10, 50) == []


def test_migrated_catalogue_has_the_tables_of_a_new_one(path: Path, first_version: Path) -> None:
    with opened(first_version, "run"):
        pass
    wanted = "SELECT type, name, sql FROM sqlite_master ORDER BY name"
    told = []
    for place in (path, first_version):
        with closing(sqlite3.connect(place)) as raw:
            told.append([(*row[:2], (row[2] or "").split()) for row in raw.execute(wanted)])
    assert told[0] == told[1]


@pytest.mark.parametrize("purpose", ["run", "decide", "read"])
def test_newer_catalogue_is_refused(path: Path, purpose: Purpose) -> None:
    with opened(path, "run") as catalogue:
        catalogue.put("schema_version", "99")
    before = path.read_bytes()
    with pytest.raises(IndexTooNew, match="schema 99"):
        Catalogue.open(path, purpose)
    assert path.read_bytes() == before


# --- damage ------------------------------------------------------------------------------------


@pytest.mark.parametrize("purpose", ["run", "decide", "read"])
@pytest.mark.parametrize("content", [b"", b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 4096])
def test_file_that_is_no_catalogue_is_named(
    tmp_path: Path, content: bytes, purpose: Purpose
) -> None:
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(content)
    with pytest.raises(IndexDamaged, match=r"catalogue\.sqlite"):
        Catalogue.open(path, purpose)


def test_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    with pytest.raises(IndexDamaged, match="not a catalogue of imagematch"):
        Catalogue.open(path, "run")


def test_missing_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing):
        Catalogue.open(tmp_path / "catalogue.sqlite", "run")
    assert list(tmp_path.iterdir()) == []


def test_check_finds_a_row_that_points_nowhere(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(
            "INSERT INTO roots (collection_id, path, raw, site_from_path, manifest)"
            " VALUES (77, '/x', x'', 0, '')"
        )
        raw.commit()
    with opened(path, "read") as catalogue:
        assert catalogue.check() == ["catalogue: row 1 of roots points nowhere"]


def test_full_disk_is_said_and_costs_nothing_that_was_committed(path: Path) -> None:
    with opened(path, "run") as catalogue:
        catalogue.put("key", "old")
        with catalogue.begin() as connection:
            # The pool hands the same connection to the next transaction.
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(StorageFull, match="no room left"):
            catalogue.put("key", "x" * 1_000_000)
        assert catalogue.get("key") == "old"


# --- runs --------------------------------------------------------------------------------------


def test_run_that_never_ended_was_killed(path: Path) -> None:
    with opened(path, "run") as catalogue:
        first = catalogue.start_run("index", "", "/a")
        second = catalogue.start_run("reindex", "nightly", "/b")
        catalogue.finish_run(second, "done", {"seen": 3, "spent": {"scan": 0.5}})
        newest, oldest = catalogue.last_runs(5)
        assert (oldest.id, oldest.state) == (first, "killed")
        assert oldest.finished is not None
        assert (newest.state, newest.job, newest.counts["spent"]) == (
            "done",
            "nightly",
            {"scan": 0.5},
        )
        assert [run.id for run in catalogue.last_runs(1)] == [second]


def test_message_that_is_no_valid_text_is_kept_readable(path: Path) -> None:
    with opened(path, "run") as catalogue:
        run_id = catalogue.start_run("index", "", "/x/\udcff")
        catalogue.finish_run(run_id, "failed", {}, "no such folder: \udcff")
        (run,) = catalogue.last_runs(1)
        assert (run.root, run.message) == ("/x/\\udcff", "no such folder: \\udcff")
