"""Files that survive a crash: whole and old, or whole and new, never in between.

Every store writes its files through here: into a temporary file beside the target, flushed to the
disk, renamed over the target. A killed process leaves at most a temporary file, which the owner
of the directory sweeps when it opens it the next time.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

#: How temporary files end; nothing else in an index does.
PARTIAL_SUFFIX = ".partial"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What a file must look like: enough to tell that it is whole."""

    bytes: int
    sha256: str  # hex


class Writer(Protocol):
    """The one method that writing needs."""

    def write(self, data: Any, /) -> int: ...


def write_atomic(path: Path, data: bytes) -> None:
    """Replace a file's content; when this returns, it is on the disk.

    Raises:
        OSError: the disk is full or the file system refuses; the old file is as it was.
    """
    with atomic_file(path) as file:
        file.write(data)


def write_all(files: Mapping[Path, bytes], staging: Path) -> None:
    """Replace the content of many files; when this returns, all of them are on the disk.

    Each is whole and old or whole and new, as with `write_atomic`; as a whole they are not, but
    each directory is flushed only once.

    Args:
        staging: directory for the temporary files, on the same file system; the one to be swept.

    Raises:
        OSError: see `write_atomic`; some files may be new already.
    """
    staged: dict[Path, Path] = {}
    try:
        for path, data in files.items():
            partial = staging / f".{path.name}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}"
            staged[path] = partial
            with partial.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, partial in staged.items():
            os.replace(partial, path)  # noqa: PTH105 (see `atomic_file`)
    except BaseException:
        for partial in staged.values():
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        raise
    for directory in {path.parent for path in files}:
        fsync_directory(directory)


def write_array(path: Path, array: np.ndarray) -> FileRecord:
    """Write an array as .npy, durably. See `write_array_blocks`."""
    return write_array_blocks(path, array.dtype, array.shape, [array])


def write_array_blocks(
    path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], blocks: Iterable[np.ndarray]
) -> FileRecord:
    """Write an array that need not fit into memory as .npy (version 1.0), durably.

    Args:
        shape: of the whole array.
        blocks: its rows in order, in as many pieces as is convenient.

    Raises:
        OSError: see `write_atomic`.
        ValueError: the blocks do not add up to `shape` and `dtype`; nothing was written.

    Source of the format: numpy.lib.format (NEP 1).
    """
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    rows = 0
    with atomic_file(path) as file:
        hashing = HashingWriter(file)
        np.lib.format.write_array_header_1_0(hashing, header)
        for block in blocks:
            if block.dtype != dtype or block.shape[1:] != shape[1:]:
                raise ValueError(f"{path}: a block is {block.dtype} {block.shape}, not {header}")
            hashing.write(np.ascontiguousarray(block).data)
            rows += len(block)
        if rows != shape[0]:
            raise ValueError(f"{path}: the blocks hold {rows} rows, not {shape[0]}")
    return hashing.record()


@contextmanager
def atomic_file(path: Path) -> Iterator[Writer]:
    """A file to write to that takes the place of `path` when the block ends well.

    Raises:
        OSError: see `write_atomic`; the temporary file is gone again.
    """
    # The name keeps the umask's permissions, which `tempfile` would narrow to the owner: an index
    # may be shared by a team.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)  # noqa: PTH105 (beside os.fsync: the two durable steps)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    fsync_directory(path.parent)


def fsync_directory(directory: Path) -> None:
    """Make renames in a directory durable, where the operating system knows how (not Windows)."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:  # Windows can't open directories
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_partials(directory: Path) -> int:
    """Delete temporary files that killed processes left; only for the directory's one writer.

    Returns:
        How many were deleted.
    """
    swept = 0
    for path in directory.glob(f".*{PARTIAL_SUFFIX}"):
        path.unlink(missing_ok=True)
        swept += 1
    return swept


def file_record(path: Path) -> FileRecord:
    """Read a whole file and say what it looks like.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileRecord(os.fstat(file.fileno()).st_size, digest)


class HashingWriter:
    """Passes bytes on to a file and remembers their checksum."""

    def __init__(self, file: Writer) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._bytes = 0

    def write(self, data: bytes | memoryview, /) -> int:
        self._file.write(data)
        self._digest.update(data)
        self._bytes += memoryview(data).nbytes
        return memoryview(data).nbytes

    def record(self) -> FileRecord:
        return FileRecord(self._bytes, self._digest.hexdigest())
