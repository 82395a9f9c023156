"""What the system is told about vectors that are mapped into memory, where it listens."""

import mmap

import numpy as np

from imagematch.records import Bytes, Floats
from imagematch.stores.vectors import Ids


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
    first = vectors.ctypes.data - np.frombuffer(mapped, np.uint8).ctypes.data
    width = vectors.strides[0]
    for row in rows.tolist():
        start = first + row * width
        page = start - start % mmap.PAGESIZE
        mapped.madvise(mmap.MADV_WILLNEED, page, start + width - page)


def forget(vectors: Floats | Bytes) -> None:
    """Have it take the memory of rows that were looked at; they are read again when they are."""
    mapped = _mapped(vectors)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def _mapped(vectors: Floats | Bytes) -> mmap.mmap | None:
    base = vectors.base
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) else None
