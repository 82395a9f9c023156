"""Bytes of a file that may be hostile: never waits for a FIFO, never reads more than the limit.

A locator in, bytes out: this is the one place where a locator becomes an open file.
"""

import hashlib
import os
import pathlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

from imagematch.errors import PhotoError
from imagematch.kernels.containers import HEAD_BYTES
from imagematch.kernels.sidecars import kind_of_sidecar, named_like_picture
from imagematch.records import Locator

# Opening a FIFO waits for its other end unless it is non-blocking; Windows has neither.
_SAFELY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


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
        _check_size(os.fstat(file.fileno()).st_size, max_bytes)
        data = file.read(max_bytes + 1)
    _check_size(len(data), max_bytes)  # it may have grown meanwhile
    return data


def sha256_of(locator: Locator, max_bytes: int) -> str:
    """Hash a file without holding it in memory; raises as `read_bytes` does."""
    with opened(locator) as file:
        _check_size(os.fstat(file.fileno()).st_size, max_bytes)
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


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise PhotoError(
            "too_large", f"{size} bytes, over the limit of {max_bytes} (decode.max_bytes)"
        )
