"""One writer an index at a time: a lock that dies with its process, and a note of who holds it.

The lock itself is the operating system's, on `.lock`, so a killed process never blocks the next.
`.lock.json` beside it says who holds the lock, for the message that others get.
"""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from imagematch.errors import IndexLocked, IndexMissing, IndexUnavailable

_LOCK = ".lock"
_NOTE = ".lock.json"


@dataclass(frozen=True, slots=True)
class _Holder:
    """The note of who holds the lock."""

    pid: int
    host: str
    purpose: str
    since: str  # ISO 8601, UTC

    @classmethod
    def me(cls, purpose: str) -> Self:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(os.getpid(), socket.gethostname(), purpose, since)

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """The note as it stands; None where there is none that can be understood."""
        try:
            noted = cls(**json.loads((directory / _NOTE).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return noted if isinstance(noted.since, str) else None

    def write(self, directory: Path) -> None:
        """Replace the note in one step, so that nobody reads half of one."""
        draft = directory / f"{_NOTE}.new"
        draft.write_text(json.dumps(asdict(self)), encoding="ascii")
        draft.replace(directory / _NOTE)

    def __str__(self) -> str:
        day, _, time = self.since.partition("T")
        return f"process {self.pid} on host {self.host} ({self.purpose}) since {day} {time[:5]} UTC"


@contextmanager
def write_lock(directory: Path, purpose: str) -> Iterator[None]:
    """Hold the right to write to an index while the block runs.

    Args:
        directory: of the index.
        purpose: what the others are told, such as "imagematch index photos".

    Raises:
        IndexLocked: at once, if any process (this one too) holds the lock.
        IndexMissing: there is no such directory.
        IndexUnavailable: it can't be written to.
    """
    lock = _acquired(directory)
    try:
        _Holder.me(purpose).write(directory)
        yield
    finally:
        _release(lock, directory)


def holder(directory: Path) -> str | None:
    """Say in words who is writing to an index; None if nobody is.

    Where this user may not open the lock, the note is believed as it stands.
    """
    noted = _Holder.read(directory)
    if noted is None:
        return None
    try:
        lock = _acquired(directory)
    except IndexUnavailable:
        return str(noted)
    _release(lock, directory)  # and with it the note that a killed process left
    return None


def _acquired(directory: Path) -> FileLock:
    if not directory.is_dir():  # filelock would make it
        raise IndexMissing(f"{directory} is not a folder; there is no index to lock.")
    # Not bound to a thread: whoever holds the lock may let go of it anywhere.
    lock = FileLock(directory / _LOCK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise IndexLocked(
            f"{directory} is being written to by {_Holder.read(directory) or 'another process'}; "
            "wait for it or stop it."
        ) from None
    except OSError as error:
        raise IndexUnavailable(
            f"{directory} can't be locked for writing: {error.strerror}. Check that you may write "
            "to this folder."
        ) from error
    return lock


def _release(lock: FileLock, directory: Path) -> None:
    try:
        (directory / _NOTE).unlink(missing_ok=True)
    finally:
        lock.release()
