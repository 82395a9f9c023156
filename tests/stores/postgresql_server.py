"""A PostgreSQL server for tests: on a socket in a folder of its own, gone at the end."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL

_SECONDS_TO_START = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; anybody on this machine who may enter its folder is its administrator."""

    folder: Path
    user: str
    numbers: Iterator[int]

    def connect(self, database: str = "postgres") -> "psycopg.Connection[Any]":
        """An administrator's session."""
        return psycopg.connect(
            host=str(self.folder), user=self.user, dbname=database, autocommit=True
        )

    def url(self, database: str = "postgres", **query: str) -> URL:
        return URL.create(
            "postgresql+psycopg",
            self.user,
            database=database,
            query={"host": str(self.folder), **query},
        )

    def new_schema(self) -> URL:
        """The address of an empty schema."""
        name = f"case{next(self.numbers)}"
        with self.connect() as session:
            session.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        return self.url(options=f"-csearch_path={name}")

    def new_database(self) -> URL:
        """The address of an empty database."""
        name = f"case{next(self.numbers)}"
        with self.connect() as session:
            session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)


@contextmanager
def running_server() -> Iterator[Server]:
    """Start a server; skips the test where there is none, or nobody who may run it."""
    programs = _programs()
    identity = _identity()
    # Its own folder, because the server's user may not enter those of pytest, and because the name
    # of a socket has room for about 100 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        if identity:
            shutil.chown(folder, **identity)
        data = folder / "data"
        subprocess.run(
            [programs / "initdb", "-D", data, "-E", "UTF8", "--no-locale", "-A", "trust", "-N"],
            check=True,
            capture_output=True,
            cwd=folder,
            **_as(identity),
        )
        listening = ["-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(programs / "postgres"), "-D", str(data), *listening],
                stdout=log,
                stderr=log,
                cwd=folder,
                **_as(identity),
            )
        try:
            server = Server(folder, (data / "PG_VERSION").owner(), count())
            _wait_for(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(30)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """The folder of the server's programs; Debian keeps them off the PATH."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            return place
    pytest.skip("there is no PostgreSQL server on this machine")


def _identity() -> dict[str, str]:
    """Who runs the server: it refuses to be root."""
    if os.name != "posix":
        pytest.skip("a server on a socket needs POSIX")
    if os.geteuid() != 0:
        return {}
    import grp
    import pwd

    for user in ("postgres", "nobody"):
        try:
            return {"user": user, "group": grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name}
        except KeyError:
            continue
    pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _as(identity: dict[str, str]) -> dict[str, Any]:
    return {**identity, "extra_groups": []} if identity else {}


def _wait_for(server: Server, process: "subprocess.Popen[Any]") -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"no server: {(server.folder / 'log').read_text(errors='replace')}")
            time.sleep(0.05)
        else:
            return
