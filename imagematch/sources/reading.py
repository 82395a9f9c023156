"""Bytes of a file that may be hostile: never waits for a FIFO, never reads more than the limit."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

from imagematch.errors import PhotoError
from imagematch.kernels.containers import HEAD_BYTES
from imagematch.kernels.sidecars import kind_of_sidecar, named_like_picture

# Opening a FIFO waits for its other end unless it is non-blocking; Windows has neither.
_SAFELY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def read_bytes(path: str, max_bytes: int) -> bytes:
    """Read a whole file.

    Raises:
        PhotoError: "unreadable", or "too_large" when it has more than `max_bytes`.
    """
    with _opened(path, max_bytes) as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:  # it has grown meanwhile
        raise _too_large(len(data), max_bytes)
    return data


def sha256_of(path: str, max_bytes: int) -> str:
    """Hash a file without holding it in memory; raises as `read_bytes` does."""
    with _opened(path, max_bytes) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kind_of_skipped(path: str) -> str:
    """What a file counts as that is plainly no picture, see `kernels.sidecars`; "" for any other.

    A file that is named like a picture is not opened: its decoder says what it is.

    Raises:
        PhotoError: "unreadable".
    """
    if named_like_picture(path):
        return ""
    with _opened(path) as file:
        return kind_of_sidecar(path, file.read(HEAD_BYTES))


@contextmanager
def _opened(path: str, max_bytes: int | None = None) -> Iterator[BufferedReader]:
    try:
        with open(os.open(path, os.O_RDONLY | _SAFELY), "rb") as file:  # noqa: PTH123  a descriptor
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise PhotoError("unreadable", "not a regular file any more")
            if max_bytes is not None and found.st_size > max_bytes:
                raise _too_large(found.st_size, max_bytes)
            yield file
    except OSError as error:
        raise PhotoError("unreadable", f"can't be read: {error.strerror or error}") from error


def _too_large(size: int, max_bytes: int) -> PhotoError:
    return PhotoError(
        "too_large", f"{size} bytes, over the limit of {max_bytes} (decode.max_bytes)"
    )
