"""Rows of mapped vectors are read from disk when they are asked for, and no others."""

import mmap
import os
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from imagematch.stores import mmap_advice

WIDTH = 512
ROW_BYTES = 4 * WIDTH

needs_residency = pytest.mark.skipif(
    not hasattr(os, "RWF_NOWAIT"), reason="the system does not tell what is in memory"
)


def is_resident(file: int, offset: int) -> bool:
    try:
        return os.preadv(file, [bytearray(16)], offset, os.RWF_NOWAIT) == 16
    except BlockingIOError:
        return False
    except OSError:
        pytest.skip("the file system does not tell what is in memory")


@needs_residency
def test_fetched_rows_come_into_memory_without_being_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    np.save(path, np.ones((20_000, WIDTH), np.float32))
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        vectors = np.asarray(np.load(path, mmap_mode="r"))
        first = path.stat().st_size - vectors.nbytes
        if is_resident(file, first + 9000 * ROW_BYTES):
            pytest.skip("the system keeps in memory what it is asked to drop")
        mmap_advice.expect_jumps(vectors)
        mmap_advice.fetch(vectors[100:], np.array([9900, 15_000]))
        wanted = [first + row * ROW_BYTES for row in (10_000, 15_100)]
        end = time.monotonic() + 30
        while not all(is_resident(file, start) for start in wanted):
            assert time.monotonic() < end
            time.sleep(0.01)
        # Another row than before: to ask for one has the system read it, too.
        assert not is_resident(file, first + 3000 * ROW_BYTES)
    finally:
        os.close(file)


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="the system can't be told")
def test_forgotten_rows_take_no_memory_of_the_process(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.ones((20_000, WIDTH), np.float32))
    vectors = np.asarray(np.load(tmp_path / "vectors.npy", mmap_mode="r"))
    before = psutil.Process().memory_info().rss
    assert vectors.sum() == vectors.size
    assert psutil.Process().memory_info().rss - before > 30e6
    mmap_advice.forget(vectors)
    assert psutil.Process().memory_info().rss - before < 10e6
    assert vectors[19_999, WIDTH - 1] == 1


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="the system can't be told")
def test_copied_rows_leave_nothing_in_the_memory_of_the_process(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).random((20_000, WIDTH), np.float32)
    np.save(tmp_path / "vectors.npy", stored)
    vectors = np.asarray(np.load(tmp_path / "vectors.npy", mmap_mode="r"))[3:]
    rows = np.sort(np.random.default_rng(1).permutation(len(vectors))[:5000])
    before = psutil.Process().memory_info().rss
    copies = mmap_advice.copied(vectors, rows)
    grown = psutil.Process().memory_info().rss - before
    assert (copies == stored[3:][rows]).all()
    assert grown < copies.nbytes + 10e6
    before = psutil.Process().memory_info().rss
    assert (vectors[rows] == copies).all()
    assert psutil.Process().memory_info().rss - before > 20e6  # rows that are looked at stay


def test_rows_are_copied_in_any_order_and_none_of_them() -> None:
    vectors = np.arange(12, dtype=np.float32).reshape(4, 3)
    assert mmap_advice.copied(vectors, np.array([3, 0, 3])).tolist() == vectors[[3, 0, 3]].tolist()
    assert mmap_advice.copied(vectors, np.empty(0, np.int64)).shape == (0, 3)


def test_vectors_that_are_not_mapped_are_left_alone() -> None:
    vectors = np.ones((10, WIDTH), np.float32)
    mmap_advice.expect_jumps(vectors)
    mmap_advice.fetch(vectors, np.arange(10))
    mmap_advice.forget(vectors)
    assert (vectors == 1).all()


def test_the_first_and_the_last_row_can_be_fetched(tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.arange(30, dtype=np.float32).reshape(10, 3))
    vectors = np.asarray(np.load(tmp_path / "vectors.npy", mmap_mode="r"))
    mmap_advice.fetch(vectors, np.array([0, 9]))
    assert vectors[9, 2] == 29
