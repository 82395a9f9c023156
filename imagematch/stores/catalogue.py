"""The catalogue: what is known about photos, files, sightings, profiles and matches.

All SQL lives here and in the modules beside it, one for each subject. One process writes (see
`stores.lock`), many read: SQLite's write-ahead log shows each reader the last committed state.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, select, text, update
from sqlalchemy.exc import DatabaseError, OperationalError

from imagematch.errors import IndexDamaged, IndexMissing, IndexTooNew, IndexTooOld, StorageFull
from imagematch.stores import schema
from imagematch.stores.durable import fsync_directory

#: Seconds that a reader waits while SQLite checkpoints its log.
_BUSY_SECONDS = 30


def now() -> str:
    """The time as the catalogue writes it: ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the pipeline, as the catalogue keeps it."""

    id: int
    what: str
    job: str
    root: str
    started: str
    finished: str | None
    state: str
    message: str
    counts: Mapping[str, Any]


class Catalogue:
    """An open catalogue. Use `begin()` for each transaction."""

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self._where = where

    @classmethod
    def create(cls, path: Path, embedder: str) -> None:
        """Make a new catalogue and close it.

        It is made beside its place and moved there: a catalogue that exists is complete.

        Args:
            embedder: value of the key "embedder", which an index can't do without.
        """
        draft = path.with_name(path.name + ".new")
        # SQLite would replay a journal or log that an earlier file of this name left behind.
        for left in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + left).unlink(missing_ok=True)
            if left:
                path.with_name(path.name + left).unlink(missing_ok=True)
        catalogue = cls(_engine(draft, "create"), str(draft))
        with catalogue.begin() as connection:
            schema.METADATA.create_all(connection)
            catalogue._set_default(connection, "schema_version", str(schema.VERSION))
            catalogue._set_default(connection, "embedder", embedder)
        catalogue.close()
        draft.replace(path)
        fsync_directory(path.parent)

    @classmethod
    def open(cls, path: Path, *, writable: bool) -> "Catalogue":
        """Open an existing catalogue; a writer brings it up to the current schema.

        Raises:
            IndexMissing: there is no such file.
            IndexDamaged: it is not a catalogue, or is damaged.
            IndexTooNew: a newer imagematch wrote it.
            IndexTooOld: an older one did, and this is a reader.
        """
        if not path.is_file():
            raise IndexMissing(f"{path} does not exist; `imagematch index FOLDER` makes an index")
        catalogue = cls(_engine(path, "write" if writable else "read"), str(path))
        try:
            if writable:
                catalogue._migrate()
            else:
                catalogue._require_current()
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction: committed at the end of the block, rolled back on an exception."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            # Of its subclasses, only this one is about the file rather than about our SQL.
            if type(error) not in (DatabaseError, OperationalError):
                raise
            if "full" in str(error.orig):
                raise StorageFull(
                    f"no room left to write {self._where}; free some space and run again"
                ) from error
            raise IndexDamaged(
                f"the catalogue {self._where} can't be used: {error.orig}; "
                f"`imagematch doctor` checks the index"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def check(self) -> list[str]:
        """What the database itself finds wrong with its file, in its own words."""
        if self._engine.dialect.name != "sqlite":
            return []
        with self.begin() as connection:
            rows = connection.execute(text("PRAGMA integrity_check")).scalars().all()
            orphans = connection.execute(text("PRAGMA foreign_key_check")).all()
        found = [f"catalogue: {row}" for row in rows if row != "ok"]
        return found + [f"catalogue: row {row[1]} of {row[0]} points nowhere" for row in orphans]

    # --- settings of the index -----------------------------------------------------------------

    def get(self, key: str) -> str | None:
        """A value of the table `meta`."""
        with self.begin() as connection:
            return connection.execute(
                select(schema.meta.c.value).where(schema.meta.c.key == key)
            ).scalar()

    def put(self, key: str, value: str) -> None:
        """Set a value of the table `meta`."""
        with self.begin() as connection:
            self._set_default(connection, key, value)
            connection.execute(
                update(schema.meta).where(schema.meta.c.key == key).values(value=value)
            )

    @staticmethod
    def _set_default(connection: Connection, key: str, value: str) -> None:
        connection.execute(schema.insert_new(connection, schema.meta), {"key": key, "value": value})

    def version(self) -> int:
        """Version of the schema that the file has."""
        found = self.get("schema_version")
        if found is None or not found.isdigit():
            raise IndexDamaged(f"{self._where} is a database, but not a catalogue of imagematch")
        return int(found)

    def _migrate(self) -> None:
        version = self.version()
        self._refuse_newer(version)
        for step in range(version + 1, schema.VERSION + 1):
            with self.begin() as connection:
                for statement in schema.MIGRATIONS[step]:
                    connection.execute(text(statement))
                connection.execute(
                    update(schema.meta)
                    .where(schema.meta.c.key == "schema_version")
                    .values(value=str(step))
                )

    def _require_current(self) -> None:
        version = self.version()
        self._refuse_newer(version)
        if version < schema.VERSION:
            raise IndexTooOld(
                f"{self._where} has the schema of an older imagematch (version {version}, "
                f"wanted {schema.VERSION}); `imagematch doctor --repair` brings it up to date"
            )

    def _refuse_newer(self, version: int) -> None:
        if version > schema.VERSION:
            raise IndexTooNew(
                f"{self._where} was written by a newer imagematch (schema {version}, this one "
                f"knows up to {schema.VERSION}); install that version to use the index"
            )

    # --- runs ----------------------------------------------------------------------------------

    def start_run(self, what: str, job: str, root: str) -> int:
        """Note that a run begins; runs that never ended must have been killed."""
        table = schema.runs
        with self.begin() as connection:
            connection.execute(
                update(table)
                .where(table.c.state == "running")
                .values(state="killed", finished=now())
            )
            run_id: int = connection.execute(
                insert(table)
                .values(what=what, job=job, root=root, started=now(), state="running", counts={})
                .returning(table.c.id)
            ).scalar_one()
        return run_id

    def finish_run(
        self, run_id: int, state: str, counts: Mapping[str, Any], message: str = ""
    ) -> None:
        """Note how a run ended."""
        table = schema.runs
        with self.begin() as connection:
            connection.execute(
                update(table)
                .where(table.c.id == run_id)
                .values(state=state, counts=dict(counts), finished=now(), message=message)
            )

    def last_runs(self, limit: int) -> tuple[Run, ...]:
        """The latest runs, newest first."""
        table = schema.runs
        with self.begin() as connection:
            rows = connection.execute(select(table).order_by(table.c.id.desc()).limit(limit)).all()
        return tuple(
            Run(
                row.id,
                row.what,
                row.job,
                row.root,
                row.started,
                row.finished,
                row.state,
                row.message,
                row.counts,
            )
            for row in rows
        )


def _engine(path: Path, mode: Literal["create", "write", "read"]) -> Engine:
    # As a URL object, because `?` and `%` in the name of a folder would mean something in a text.
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={
            "timeout": _BUSY_SECONDS,
            "check_same_thread": False,
            # Python would open no transaction for SELECT, nor for the ALTER of a migration.
            "isolation_level": None,
        },
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")  # a commit survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        if mode == "write":
            cursor.execute("PRAGMA journal_mode=WAL")
        elif mode == "read":
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
