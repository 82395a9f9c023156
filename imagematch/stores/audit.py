"""The audit log of an index: who did what and when, one JSON object a line, only ever appended to.

It shows later how a result came about, so a record is on the disk before its event is reported.
"""

import getpass
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagematch import __version__

#: Characters that json leaves as they are but that a terminal obeys, or that reverse what a person
#: reads: C1 controls, line separators, and the bidirectional overrides and isolates.
_UNSAFE = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the log.

    Attributes:
        time: ISO 8601, UTC.
        event: what happened: "index", "query", "decision".
        user: the account on this machine.
        version: of imagematch.
        details: what the event was about.
        actor: who did it, as they or the program that served them said; the account, where nobody
            said anything else.
    """

    time: str
    event: str
    user: str
    version: str
    details: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The whole log, oldest first.

    Attributes:
        torn: lines that are no entry: a process was killed, or the disk was full, while writing.
    """

    entries: tuple[AuditEntry, ...]
    torn: int


class AuditLog:
    """The log in one file, which the first record creates. Several processes may append."""

    def __init__(self, path: Path, actor: str = "") -> None:
        """Args:
        actor: who does what is recorded; "" for the account on this machine.
        """
        self._path = path
        self._actor = actor or account()

    def record(self, event: str, **details: Any) -> None:
        """Append one entry, and return when it is on the disk.

        Args:
            details: what JSON can hold; anything else (a path, a time) is written as its text.

        Raises:
            OSError: the log can't be written to.
            ValueError: a number is infinite or not a number.
        """
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "actor": self._actor,
            "user": account(),
            "version": __version__,
            "details": details,
        }
        _append(self._path, _line(entry))

    def read(self) -> AuditTrail:
        """Read the log; an absent one is empty."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            lines = []
        entries = [_entry(line) for line in lines if line]
        whole = tuple(entry for entry in entries if entry is not None)
        return AuditTrail(whole, torn=len(entries) - len(whole))


def _line(entry: Mapping[str, Any]) -> bytes:
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False, default=str)
    # All of these can only stand within a JSON string, where \uXXXX means the same. Lone
    # surrogates stand for undecodable bytes of file names (`os.fsdecode`).
    text = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text.encode("utf-8", errors="backslashreplace") + b"\n"


def _append(path: Path, line: bytes) -> None:
    """Append in one write, on a line of its own even after a torn one."""
    binary = getattr(os, "O_BINARY", 0)  # Windows
    log = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | binary, 0o666)
    try:
        end = os.lseek(log, 0, os.SEEK_END)
        if end:
            os.lseek(log, end - 1, os.SEEK_SET)
            if os.read(log, 1) != b"\n":
                line = b"\n" + line
        if os.write(log, line) < len(line):
            raise OSError(f"{path}: the audit record was cut short; is the disk full?")
        os.fsync(log)
    finally:
        os.close(log)


def _entry(line: bytes) -> AuditEntry | None:
    try:
        entry = AuditEntry(**json.loads(line))
    except (ValueError, TypeError):
        return None
    texts = (entry.time, entry.event, entry.user, entry.version, entry.actor)
    sound = all(isinstance(text, str) for text in texts) and isinstance(entry.details, dict)
    return entry if sound else None


def account() -> str:
    """Who runs this process, by the name of their account on this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, as in some containers
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"
