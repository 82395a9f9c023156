"""Latency of queries while the index that they ask is being written to, beside that while it rests.

The queries are asked in this process, each of an index that is opened anew; the writing goes on in
a process of its own.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from imagematch import staff
from imagematch.monitor import Unwatched
from imagematch.records import QueryOptions
from imagematch.stages import query
from imagematch.stores.index import Index


@dataclass(frozen=True, slots=True)
class Latency:
    """How long queries took, s."""

    queries: int
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class UnderLoad:
    """The same queries of an index at rest, and while it was reindexed."""

    idle: Latency
    busy: Latency


def measure_under_load(
    directory: Path,
    photos: Sequence[Path],
    jobs: Path,
    seconds: float,
    watch: Callable[[str], object],
) -> UnderLoad:
    """Ask an index for some photos, first at rest, then during `imagematch reindex`.

    Args:
        photos: to ask for, again and again.
        jobs: a jobs file with work for longer than `seconds`; it is stopped after them.
        seconds: to ask for, each time.

    Raises:
        RuntimeError: the work was done before the queries were.
    """
    with Index.read(directory) as index:
        settings = index.settings
    # The crew is kept, as by a web server: to start it for each query would hide everything else.
    with staff.workers(settings) as executor:

        def asked() -> Iterator[float]:
            for photo in cycle(map(str, photos)):
                start = time.perf_counter()
                with Index.read(directory) as index:
                    list(query.run(index, executor, [photo], QueryOptions(), Unwatched()))
                yield time.perf_counter() - start

        _latency(asked(), 0)  # starts the crew
        watch("asking an index at rest")
        idle = _latency(asked(), seconds)
        watch("asking during a reindex")
        command = [sys.executable, "-m", "imagematch.cli", "reindex", "--json"]
        command += ["--jobs", str(jobs), "--index", str(directory)]
        writing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            busy = _latency(asked(), seconds)
            if writing.poll() is not None:
                raise RuntimeError(f"{jobs} gave work for less than {seconds} s")
        finally:
            writing.terminate()
            writing.wait()
    return UnderLoad(idle, busy)


def _latency(took: Iterator[float], seconds: float) -> Latency:
    found: list[float] = []
    end = time.perf_counter() + seconds
    for each in took:
        found.append(each)
        if time.perf_counter() >= end:
            break
    return Latency(len(found), *map(float, np.quantile(found, (0.5, 0.99))))
