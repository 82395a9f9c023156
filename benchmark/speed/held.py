"""An index that stays open: a first query, and queries of many threads beside other work.

Everything goes on in this process, by one `imagematch.Index`: four threads ask, one adds photos and
one decides.
"""

import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from statistics import median

import imagematch
from benchmark.speed import photo_sets, processes
from benchmark.speed.busy import latency, make_others
from benchmark.speed.measurements import Held, Latency
from imagematch.errors import UsageError
from imagematch.runtime.monitor import Monitor

#: How long queries are asked, each time, s, photos that are asked for in turn, and threads.
_SECONDS, _ASKED, _THREADS = 30.0, 50, 4

#: New photos for each that is there already: more than are described meanwhile.
_OTHERS = 5

#: Between two decisions, s: faster than any person.
_DECIDE_EVERY = 0.05

#: What any program of this kind loads.
_IMPORTS = "import numpy, cv2, faiss, sqlalchemy, onnxruntime"


def measure(
    folder: Path, paths: Sequence[str], rounds: int, scratch: Path, monitor: Monitor
) -> Held:
    """Index photos, ask for some of them in processes of their own, then by threads.

    Args:
        paths: of the photos, relative to the folder.
        rounds: of the first queries.
        scratch: an empty folder.

    Raises:
        UsageError: the other photos were described before the queries were asked.
        Stopped: as asked through the monitor.
    """
    laid = photo_sets.lay_out("", folder, paths, scratch / "asked")
    asked = [laid.folder / path for path in photo_sets.evenly(paths, _ASKED)]
    monitor.stage("Indexing photos to ask for", None)
    with imagematch.open(scratch / "index", create=True) as index:
        index.add(laid.folder)
    monitor.stage("Asking in a process of its own", rounds)
    cold, imports = [], []
    for photo in islice(asked, rounds):
        monitor.check()
        command = processes.imagematch("query", photo, "--index", scratch / "index", "--json")
        cold.append(processes.run(command, monitor).seconds)
        imports.append(processes.run([sys.executable, "-c", _IMPORTS], monitor).seconds)
        monitor.advance()
    make_others(folder, paths, scratch / "others", _OTHERS)
    monitor.stage("Asking by threads", None)
    with imagematch.open(scratch / "index") as index:
        _ask(index, asked, 1, lambda: False, 0)  # starts the workers
        alone = _ask(index, asked, 1, lambda: False, _SECONDS)
        monitor.check()
        together = _ask(index, asked, _THREADS, lambda: False, _SECONDS)
        monitor.check()
        beside, decisions = _beside(index, asked, scratch / "others")
    return Held(median(cold), median(imports), alone, together, beside, decisions)


def _beside(index: imagematch.Index, asked: Sequence[Path], others: Path) -> tuple[Latency, int]:
    """Ask while photos are added and somebody decides; also how many decisions were made."""
    over = threading.Event()
    decisions = 0

    def add() -> None:
        try:
            index.add(others, collection="others", progress=lambda *_: not over.is_set())
        except imagematch.Stopped:
            return
        raise UsageError("the other photos were described too fast to ask meanwhile")

    def decide() -> None:
        nonlocal decisions
        while not over.wait(_DECIDE_EVERY):
            index.settle_hot([str(asked[0])], "reopen" if decisions % 2 else "keep")
            decisions += 1

    with ThreadPoolExecutor(2) as threads:
        work = [threads.submit(add), threads.submit(decide)]
        try:
            found = _ask(index, asked, _THREADS, work[0].done, _SECONDS)
        finally:
            over.set()
        for one in work:
            one.result()
    return found, decisions


def _ask(
    index: imagematch.Index,
    asked: Sequence[Path],
    count: int,
    over: Callable[[], bool],
    seconds: float,
) -> Latency:
    """Ask by some threads, each for other photos in turn, and note how long each answer took."""
    end = time.perf_counter() + seconds

    def one(first: int) -> list[float]:
        took: list[float] = []
        while not took or (time.perf_counter() < end and not over()):
            start = time.perf_counter()
            index.query(asked[(first + count * len(took)) % len(asked)])
            took.append(time.perf_counter() - start)
        return took

    with ThreadPoolExecutor(count) as threads:
        return latency([each for took in threads.map(one, range(count)) for each in took])
