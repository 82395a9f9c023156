"""Threads for FAISS and NumPy: work on parts of many queries in, the results of each part out.

FAISS's own threads wait for each other many times in one call, busily. Beside other work, such as
the workers that describe photos, they then take ten times the processor time of one thread, as
measured on two cores. So FAISS gets one thread, and queries are shared out here.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import faiss


def spread[T](work: Callable[[slice], T], count: int, *, least: int = 1) -> list[T]:
    """Do work on `count` things in shares, one a core, at the same time.

    Args:
        work: is given the share as a slice; calls neither this nor `alone`.
        least: things that are worth a share.

    Returns:
        The results in order.
    """
    pool = _pool()
    shares = max(1, min(_cores(), count // least))
    ends = [count * share // shares for share in range(shares + 1)]
    return list(pool.map(work, map(slice, ends[:-1], ends[1:])))


def alone[T](work: Callable[[], T]) -> T:
    """Do work that uses FAISS in one thread."""
    return _pool().submit(work).result()


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_cores(), "faiss", faiss.omp_set_num_threads, (1,))


@cache
def _cores() -> int:
    cores: int = faiss.omp_get_max_threads()
    return cores
