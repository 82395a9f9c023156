"""A catalogue in a PostgreSQL database: how to connect, who may write, and what its errors mean.

The driver is the extra `postgres`; without it, indexes with their catalogue in a file still work.
"""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, IntegrityError

from imagematch.errors import (
    ImagematchError,
    IndexDamaged,
    IndexLocked,
    IndexUnavailable,
    SettingsError,
    StorageFull,
)

#: Seconds to wait for a server that does not answer, and for the sessions of a killed writer.
_CONNECT_SECONDS, _LOCK_SECONDS = 10, 10

#: Parts of a URL that must not be shown.
_SECRETS = ("password", "sslpassword")

#: One lock for each schema of a database; PostgreSQL wants two numbers of 32 bits.
_LOCK = "hashtext('imagematch'), hashtext(current_schema())"

#: Sessions of a writer share the lock, so that it is free only when the last of them has ended.
#: A server notices within minutes that the machine of a session is gone, instead of hours.
_WRITER = (
    "SET tcp_keepalives_idle = 60",
    "SET tcp_keepalives_interval = 10",
    f"SELECT pg_advisory_lock_shared({_LOCK})",
)

#: To write, nobody else may share it; whoever holds it exclusively for a moment is alone.
_ALONE = (
    f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'",
    f"SELECT pg_advisory_lock({_LOCK})",
    f"SELECT pg_advisory_unlock({_LOCK})",
)


def parse(text: str) -> URL:
    """Understand the setting `store.catalogue`.

    Raises:
        SettingsError: it is not the address of a PostgreSQL database. The message does not repeat
            it, because it may hold a password.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        url = URL.create("unknown")
    if url.drivername not in ("postgresql", "postgresql+psycopg") or not url.database:
        raise SettingsError(
            "store.catalogue in settings.toml is not the address of a PostgreSQL database; it "
            'looks like "postgresql+psycopg://USER@HOST/DATABASE", or is "" for a file'
        )
    return url.set(drivername="postgresql+psycopg")


def shown(url: URL) -> str:
    """The address without passwords."""
    return url.difference_update_query(_SECRETS).render_as_string(hide_password=True)


def engine(url: URL, *, runs: bool) -> Engine:
    """What connects to the database. Every transaction sees one state.

    Args:
        runs: whether it is for a run over photos, of which there is one at a time.

    Raises:
        IndexUnavailable: the driver is not installed.
    """
    given = {"connect_timeout": str(_CONNECT_SECONDS), **url.query, "client_encoding": "utf8"}
    try:
        made = create_engine(
            url.set(query=given),
            isolation_level="REPEATABLE READ",
            max_overflow=-1,  # as many connections as there are threads that ask
            # An index may stay open for days, over which a server is started anew; but a run whose
            # session is lost has lost the lock with it.
            pool_pre_ping=not runs,
        )
    except ImportError as error:
        raise IndexUnavailable(
            f"the catalogue {shown(url)} needs the driver for PostgreSQL, which can't be loaded "
            f'({error}); install it: pip install "imagematch[postgres]"'
        ) from error
    if runs:
        event.listen(made, "connect", _share_lock)
    return made


def _share_lock(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        for statement in _WRITER:
            cursor.execute(statement)
    connection.commit()


def claim(made: Engine) -> None:
    """Wait until no other writer has a session; a killed one's last commit may be under way.

    Raises:
        IndexUnavailable: the database can't hold names in every script.
        DatabaseError: see `explained`.
    """
    with made.begin() as connection:
        for statement in _ALONE:
            connection.exec_driver_sql(statement)
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise IndexUnavailable(
            f"the database {shown(made.url)} holds text as {encoding}; make one with "
            f"CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )


def explained(error: DatabaseError, where: str) -> ImagematchError | None:
    """What an error of the database means for the index; None where our SQL is at fault."""
    if isinstance(error, DataError | IntegrityError):
        return None
    said = " ".join(str(error.orig).split())
    # Codes: PostgreSQL's documentation, appendix A. A connection that fails has none.
    state: str = getattr(error.orig, "sqlstate", None) or "08000"
    if state == "53100":
        return StorageFull(f"no room left to write {where}; free some space and run again")
    if state == "55P03":
        return IndexLocked(f"another process is writing to {where}; wait for it or stop it")
    if state == "42P07":
        return IndexUnavailable(
            f"{where} has tables of another index or program ({said}); give each index a database "
            f"or a schema of its own"
        )
    if state.startswith(("08", "28", "53", "57")) or state in ("3F000", "42501"):
        return IndexUnavailable(
            f"the database {where} can't be used at the moment: {said}; check that its server "
            f"runs, and store.catalogue in the index's settings.toml"
        )
    return IndexDamaged(
        f"the catalogue {where} can't be used: {said}; `imagematch doctor` checks the index"
    )
