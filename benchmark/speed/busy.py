"""Asking an index while it is written to: what that does to the time of an answer.

The queries are asked in this process, each of an index that is opened anew; the writing goes on in
a process of its own.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmark.speed import photo_sets, processes
from benchmark.speed.measurements import Latency, UnderLoad
from imagematch.errors import UsageError
from imagematch.records import QueryOptions
from imagematch.runtime.monitor import Monitor, Unwatched
from imagematch.services import indexing, querying
from imagematch.services.session import Session
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.index import Index

#: How long queries are asked, each time, s, and photos that are asked for in turn.
_SECONDS, _ASKED = 40.0, 50

#: How often to look whether the reindex has described photos, s.
_LOOK = 1.0

#: New photos for each that is there already: more than are described meanwhile.
_OTHERS = 100


def measure(folder: Path, paths: Sequence[str], scratch: Path, monitor: Monitor) -> UnderLoad:
    """Index photos, then ask for some of them at rest and during `imagematch reindex` of others.

    Args:
        paths: of the photos, relative to the folder.
        scratch: an empty folder.

    Raises:
        UsageError: the reindex was done before the queries were.
        Stopped: as asked through the monitor.
    """
    laid = photo_sets.lay_out("", folder, paths, scratch / "asked")
    index = scratch / "index"
    monitor.stage("Indexing photos to ask for", None)
    with Session(index) as session:
        request = indexing.IndexRequest(FolderSource(laid.folder), "asked")
        indexing.index_folder(session, request, Unwatched())
    monitor.check()
    monitor.stage("Making photos to reindex", None)
    make_others(folder, paths, scratch / "others", _OTHERS)
    jobs = scratch / "jobs.toml"
    jobs.write_text('[[job]]\nname = "others"\nfolder = "others"\n', "utf-8")

    def watch(words: str) -> None:
        monitor.check()
        monitor.stage(words.capitalize(), None)

    asked = [laid.folder / path for path in photo_sets.evenly(paths, _ASKED)]
    try:
        return measure_under_load(index, asked, jobs, _SECONDS, watch)
    except RuntimeError as error:
        raise UsageError(
            f"{_OTHERS * len(paths):,} photos are described too fast here to ask for others "
            f"meanwhile; leave `busy` out of --parts"
        ) from error


def make_others(folder: Path, paths: Sequence[str], target: Path, times: int) -> None:
    """Files that are new to an index: bytes behind the end of a picture make it another photo.

    Args:
        times: files for each path.
    """
    for number in range(times):
        for path in paths:
            other = target / f"{number}" / path
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes((folder / path).read_bytes() + b"%d" % number)


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
    # The workers are kept, as by a web server: starting them for each query would hide all else.
    with Session(directory) as session:

        def asked() -> Iterator[float]:
            for photo in cycle(map(str, photos)):
                start = time.perf_counter()
                list(querying.query_photos(session, [photo], QueryOptions(), Unwatched()))
                yield time.perf_counter() - start

        _latency(asked(), 0)  # starts the workers
        watch("asking an index at rest")
        idle = _latency(asked(), seconds)
        command = processes.imagematch("reindex", "--json", "--jobs", jobs, "--index", directory)
        writing = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def check() -> None:
            if writing.poll() is not None:
                raise RuntimeError(f"{jobs} gave work for less than {seconds} s")

        try:
            _wait_until_described(directory, check, watch)
            watch("asking during a reindex")
            busy = _latency(asked(), seconds)
            check()
        finally:
            writing.terminate()
            writing.wait()
    return UnderLoad(idle, busy)


def _wait_until_described(
    directory: Path, check: Callable[[], None], watch: Callable[[str], object]
) -> None:
    """Wait out the scan, which is over long before the rest.

    Args:
        check: raises where there is nothing to wait for any more.
    """

    def described() -> int:
        with Index.read(directory) as index:
            return index.photos.counts()["described"]

    before = described()
    while described() == before:
        check()
        watch("waiting until a reindex describes photos")
        time.sleep(_LOOK)


def _latency(took: Iterator[float], seconds: float) -> Latency:
    found: list[float] = []
    end = time.perf_counter() + seconds
    for each in took:
        found.append(each)
        if time.perf_counter() >= end:
            break
    return latency(found)


def latency(seconds: Sequence[float]) -> Latency:
    """Median and slowest hundredth of what some queries took."""
    return Latency(len(seconds), *map(float, np.quantile(seconds, (0.5, 0.99))))
