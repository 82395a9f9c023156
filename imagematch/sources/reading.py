"""Bytes of a file that may be hostile: never waits for a FIFO, never reads more than the limit.

A locator in, bytes out: this is the one place where a locator becomes an open file.
"""

import hashlib
import os
import pathlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import BinaryIO

from imagematch.errors import PhotoError
from imagematch.kernels.containers import HEAD_BYTES
from imagematch.kernels.sidecars import kind_of_sidecar, named_like_picture
from imagematch.records import Locator

# Opening a FIFO waits for its other end unless it is non-blocking; Windows has neither.
_SAFELY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)

#: Bytes of a long file that are read at a time.
_BLOCK = 2**20


@contextmanager
def opened(locator: Locator) -> Iterator[BufferedReader]:
    """A file to read from.

    Raises:
        PhotoError: "unreadable", also for what the file system says within the block.
    """
    try:
        descriptor = os.open(str(locator), os.O_RDONLY | _SAFELY)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PhotoError("unreadable", "not a regular file any more")
            yield file
    except OSError as error:
        raise PhotoError("unreadable", f"can't be read: {error.strerror or error}") from error


def exists(locator: Locator) -> bool:
    """Whether there is anything in the place."""
    return pathlib.Path(str(locator)).exists()


def read_bytes(locator: Locator, max_bytes: int) -> bytes:
    """Read a whole file.

    Raises:
        PhotoError: "unreadable", or "too_large" when it has more than `max_bytes`.
    """
    with opened(locator) as file:
        check_size(os.fstat(file.fileno()).st_size, max_bytes)
        data = file.read(max_bytes + 1)
    check_size(len(data), max_bytes)  # it may have grown meanwhile
    return data


@dataclass(frozen=True, slots=True)
class Contents:
    """What reading a file once tells.

    Attributes:
        skipped: what it counts as that is plainly no picture, see `kernels.sidecars`; then it was
            not read to its end, and nothing else is told.
        sha256: hex.
        data: all its bytes; empty where they are more than the caller wants to hold.
    """

    skipped: str = ""
    sha256: str = ""
    data: bytes = b""


def read_once(file: BinaryIO, name: str, size: int, max_bytes: int, most_held: int) -> Contents:
    """Read a file that nobody knows.

    Args:
        name: of the file, or its path; one that is named like a picture is taken for one.
        size: that it should have, bytes.
        most_held: bytes; of a longer file only the hash comes out.

    Raises:
        PhotoError: "too_large" when it has more than `max_bytes`.
        OSError: it can't be read.
    """
    head = b"" if named_like_picture(name) else file.read(HEAD_BYTES)
    if skipped := kind_of_sidecar(name, head):
        return Contents(skipped)
    check_size(size, max_bytes)
    data = head + file.read(max(0, min(size, most_held) - len(head)) + 1)
    digest, length = hashlib.sha256(data), len(data)
    while block := file.read(_BLOCK):  # it is long, or has grown meanwhile
        length += len(block)
        check_size(length, max_bytes)
        digest.update(block)
    held = length == len(data) <= most_held
    return Contents(sha256=digest.hexdigest(), data=data if held else b"")


def sha256_of(locator: Locator, max_bytes: int) -> str:
    """Hash a file without holding it in memory; raises as `read_bytes` does."""
    with opened(locator) as file:
        check_size(os.fstat(file.fileno()).st_size, max_bytes)
        return hashlib.file_digest(file, "sha256").hexdigest()


def kind_of_skipped(locator: Locator) -> str:
    """What a file counts as that is plainly no picture, see `kernels.sidecars`; "" for any other.

    A file that is named like a picture is not opened: its decoder says what it is.

    Raises:
        PhotoError: "unreadable".
    """
    if named_like_picture(locator.path):
        return ""
    with opened(locator) as file:
        return kind_of_sidecar(locator.path, file.read(HEAD_BYTES))


def check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise PhotoError(
            "too_large", f"{size} bytes, over the limit of {max_bytes} (decode.max_bytes)"
        )
