"""What the system is told about vectors that are mapped into memory, where it listens."""

import mmap
from typing import Any

import numpy as np

from imagematch.records import Bytes, Floats
from imagematch.stores.vectors import Ids

#: Rows that are copied before the system gets their memory back.
_AT_ONCE = 512


def expect_jumps(vectors: Floats | Bytes) -> None:
    """Have it not read on beyond each row that is looked at: the next one is far away."""
    mapped = _mapped(vectors)
    if mapped is not None and hasattr(mmap, "MADV_RANDOM"):
        mapped.madvise(mmap.MADV_RANDOM)


def fetch(vectors: Floats | Bytes, rows: Ids) -> None:
    """Have it read some rows, all at the same time: looked at in turn, each waits for the disk.

    Args:
        rows: shape (P,). Each costs a microsecond where it is in memory already.
    """
    mapped = _mapped(vectors)
    if mapped is None or not hasattr(mmap, "MADV_WILLNEED"):
        return
    first, width = _offset(mapped, vectors), vectors.strides[0]
    for row in rows.tolist():
        start = first + row * width
        page = start - start % mmap.PAGESIZE
        mapped.madvise(mmap.MADV_WILLNEED, page, start + width - page)


def copied(vectors: Floats | Bytes, rows: Ids) -> Any:
    """A copy of some rows, which leaves none of them in the memory of the process.

    Each row that is looked at comes with 64 KiB around it: after some tens of thousands of rows,
    files of gigabytes were in memory.

    Args:
        rows: shape (P,); ascending, they come fastest.
    """
    taken = np.empty((len(rows), vectors.shape[1]), vectors.dtype)
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        taken[start : start + _AT_ONCE] = vectors[some]
        forget(vectors[int(some.min()) : int(some.max()) + 1])
    return taken


def forget(vectors: Floats | Bytes) -> None:
    """Have it take the memory of rows that were looked at; they are read again when they are."""
    mapped = _mapped(vectors)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        start = _offset(mapped, vectors)
        page = start - start % mmap.PAGESIZE
        mapped.madvise(mmap.MADV_DONTNEED, page, start + vectors.nbytes - page)


def _offset(mapped: mmap.mmap, vectors: Floats | Bytes) -> int:
    """Where the first of some rows begins in a mapped file, bytes."""
    return vectors.ctypes.data - np.frombuffer(mapped, np.uint8).ctypes.data


def _mapped(vectors: Floats | Bytes) -> mmap.mmap | None:
    base = vectors.base
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
