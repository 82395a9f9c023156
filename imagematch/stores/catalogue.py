"""The catalogue: what is known about photos, files, sightings, profiles and matches.

All SQL lives here and in the modules beside it, one for each subject. One run writes at a time (see
`stores.lock`), what people decide is written beside it, and many read: each reader is shown the
last committed state, by SQLite's write-ahead log or by PostgreSQL.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    create_engine,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError, OperationalError

from imagematch.errors import (
    ImagematchError,
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexTooNew,
    IndexTooOld,
    IndexUnavailable,
    StorageFull,
)
from imagematch.stores import postgresql, schema
from imagematch.stores.durable import fsync_directory

#: Where a catalogue is: the file of SQLite, or the address of a PostgreSQL database.
type Place = Path | URL

#: What a catalogue is opened for: a run over photos, of which there is one at a time; a decision of
#: a person, in a transaction of its own beside a run; or to look at it.
type Purpose = Literal["run", "decide", "read"]

#: Option of a connection whose transaction writes.
_WRITING = "imagematch_writes"

#: What a transaction may do: a reader's would fail to write, so that a mistake can't go unseen.
_READS: Mapping[str, Any] = {"postgresql_readonly": True}
_WRITES: Mapping[str, Any] = {"postgresql_readonly": False, _WRITING: True}

#: Seconds that a change waits for another one to be committed, which each is at once, and a reader
#: while SQLite checkpoints its log.
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
    """An open catalogue, for many threads. Use `begin()` or `change()` for each transaction."""

    def __init__(
        self, engine: Engine, where: str, purpose: Purpose, pinned: Connection | None = None
    ) -> None:
        self._engine = engine
        self._where = where
        self._purpose: Purpose = purpose
        self._pinned = pinned

    @classmethod
    def exists(cls, place: Place) -> bool:
        """Whether there is a catalogue, which is complete then.

        Raises:
            IndexUnavailable: the database can't be asked.
        """
        if isinstance(place, Path):
            return place.is_file()
        with closing(cls._connect(place, "read")) as catalogue, catalogue.begin() as connection:
            return schema.meta.name in inspect(connection).get_table_names()

    @classmethod
    def create(cls, place: Place, embedder: str, owner: str = "") -> None:
        """Make a new catalogue and close it.

        A file is made beside its place and moved there, and a database gets all tables in one
        transaction: a catalogue that exists is complete.

        Args:
            embedder: value of the key "embedder", which an index can't do without.
            owner: value of the key "owner", for a database that several might name; "" for none.
        """
        if isinstance(place, Path):
            cls._create_file(place, embedder)
            return
        notes = {"embedder": embedder, "owner": owner}
        with closing(cls._connect(place, "run")) as catalogue:
            catalogue._fill(notes)

    @classmethod
    def _create_file(cls, path: Path, embedder: str) -> None:
        draft = path.with_name(path.name + ".new")
        # SQLite would replay a journal or log that an earlier file of this name left behind.
        for left in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + left).unlink(missing_ok=True)
            if left:
                path.with_name(path.name + left).unlink(missing_ok=True)
        catalogue = cls(_engine(draft), str(draft), "run")
        catalogue._fill({"embedder": embedder})
        catalogue.close()
        draft.replace(path)
        fsync_directory(path.parent)

    def _fill(self, notes: Mapping[str, str]) -> None:
        with self.change() as connection:
            # Tables of these names that are there already would be somebody else's.
            schema.METADATA.create_all(connection, checkfirst=False)
            for key, value in {"schema_version": str(schema.VERSION), **notes}.items():
                self._set_default(connection, key, value)

    @classmethod
    def open(cls, place: Place, purpose: Purpose) -> "Catalogue":
        """Open an existing catalogue; a run brings it up to the current schema.

        Raises:
            IndexMissing: there is no such file.
            IndexDamaged: it is not a catalogue, or is damaged.
            IndexTooNew: a newer imagematch wrote it.
            IndexTooOld: an older one did, and this is no run.
            IndexUnavailable: the database can't be reached.
            IndexLocked: another machine writes to the database.
        """
        if isinstance(place, Path) and not place.is_file():
            raise IndexMissing(f"{place} does not exist; `imagematch index FOLDER` makes an index")
        catalogue = cls._connect(place, purpose)
        try:
            if purpose == "run":
                catalogue._migrate()
            else:
                catalogue._require_current()
        except BaseException:
            catalogue.close()
            raise
        return catalogue

    @classmethod
    def _connect(cls, place: Place, purpose: Purpose) -> "Catalogue":
        if isinstance(place, Path):
            return cls(_engine(place, purpose), str(place), purpose)
        schema.add_postgresql_indexes()
        engine = postgresql.engine(place, runs=purpose == "run")
        catalogue = cls(engine, postgresql.shown(place), purpose)
        if purpose == "run":
            try:
                with catalogue._explaining():
                    postgresql.claim(engine)
            except BaseException:
                catalogue.close()
                raise
        return catalogue

    @property
    def _in_file(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction that reads, and sees one state."""
        with self._explaining():
            if self._pinned is not None:
                yield self._pinned
            else:
                with self._engine.execution_options(**_READS).begin() as connection:
                    yield connection

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """One transaction that writes: committed at the end of the block, or else rolled back.

        On SQLite, one waits for the other from their beginning: a transaction that has read and
        only then wants to write would fail where somebody else has written meanwhile.
        """
        options = _READS if self._purpose == "read" else _WRITES  # with the first, it fails
        with self._explaining(), self._engine.execution_options(**options).begin() as connection:
            yield connection

    @contextmanager
    def pinned(self) -> Iterator["Catalogue"]:
        """The catalogue in the state of now, whatever is written meanwhile; for one thread.

        What is written meanwhile stays in SQLite's log, so nobody should keep this for hours.
        """
        with self.begin() as connection:
            connection.execute(select(schema.meta.c.value).limit(1))  # or it is the state of later
            yield Catalogue(self._engine, self._where, "read", connection)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Say what an error of the database means, unless our SQL is at fault."""
        try:
            yield
        except DatabaseError as error:
            if self._in_file:
                explained = self._explained(error)
            else:
                explained = postgresql.explained(error, self._where)
            if explained is None:
                raise
            raise explained from error

    def _explained(self, error: DatabaseError) -> ImagematchError | None:
        # Of its subclasses, only this one is about the file rather than about our SQL.
        if type(error) not in (DatabaseError, OperationalError):
            return None
        if "locked" in str(error.orig):
            return IndexLocked(
                f"another process has been writing to {self._where} for {_BUSY_SECONDS} s; try "
                f"again when it is done"
            )
        if "full" in str(error.orig):
            return StorageFull(
                f"no room left to write {self._where}; free some space and run again"
            )
        if "readonly" in str(error.orig) and self._purpose != "read":  # whose writes are our fault
            return IndexUnavailable(
                f"{self._where} can't be written to; check that you may write to it and its folder"
            )
        return IndexDamaged(
            f"the catalogue {self._where} can't be used: {error.orig}; "
            f"`imagematch doctor` checks the index"
        )

    def close(self) -> None:
        """Let go of the file or the database."""
        self._engine.dispose()

    def description(self) -> str:
        """Where the catalogue is, and in which version of what."""
        with self.begin() as connection:
            version = connection.dialect.server_version_info or ()
        name = "SQLite" if self._in_file else "PostgreSQL"
        return f"{name} {'.'.join(map(str, version))}, {self._where}"

    def check(self) -> list[str]:
        """What the database itself finds wrong with its file, in its own words."""
        if not self._in_file:
            # A server looks after its own files; that nobody has dropped a table is left to us.
            with self.begin() as connection:
                lost = schema.METADATA.tables.keys() - set(inspect(connection).get_table_names())
            return [f"catalogue: the table {name} is gone" for name in sorted(lost)]
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
        with self.change() as connection:
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
            with self.change() as connection:
                schema.MIGRATIONS[step](connection)
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
        with self.change() as connection:
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
        with self.change() as connection:
            connection.execute(
                update(table)
                .where(table.c.id == run_id)
                .values(state=state, counts=dict(counts), finished=now(), message=message)
            )

    def last_done(self, root: str | None = None) -> int:
        """The last run that ended well, of a folder or of all; 0 for none."""
        table = schema.runs
        wanted = select(func.max(table.c.id)).where(table.c.state == "done")
        if root is not None:
            wanted = wanted.where(table.c.root == root)
        with self.begin() as connection:
            return connection.execute(wanted).scalar() or 0

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


def which_file(path: Path) -> tuple[int, ...] | None:
    """Another value where a file is to be opened anew; None where there is none.

    That is where it is another file, or was read as one that nobody writes to, and somebody did.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    last = (found.st_mtime_ns, found.st_size) if _is_frozen(path) else ()
    return found.st_dev, found.st_ino, *last


def _is_frozen(path: Path) -> bool:
    """Whether a reader may write nothing beside the file, as SQLite wants to for its log.

    Then nobody can be writing under the same rights either, so the file may be read as it is.
    """
    log = path.with_name(path.name + "-wal")
    return not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)


def _engine(path: Path, purpose: Purpose | None = None) -> Engine:
    """What connects to a file; without a purpose, to one that is being made."""
    # As a URL object, because `?` and `%` in the name of a folder would mean something in a text.
    place = URL.create("sqlite", database=str(path))
    if purpose == "read" and _is_frozen(path):
        place = URL.create(
            "sqlite", database=path.absolute().as_uri(), query={"immutable": "1", "uri": "1"}
        )
    engine = create_engine(
        place,
        max_overflow=-1,  # as many connections as there are threads that ask
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
        if purpose is not None and purpose != "read":
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITING, False)
        connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
