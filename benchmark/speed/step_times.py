"""Where the processor time of indexing goes, step by step.

The recipe runs as ever, but in one process and on one thread, and while it does, the functions
below are timed from outside: the product itself knows nothing of it.
"""

import functools
import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmark.speed.measurements import Steps
from benchmark.speed.recording import replaced
from imagematch.kernels import comparison, decode, embeddings, hashes, keypoints, views
from imagematch.runtime.executors import Executor, SerialExecutor
from imagematch.runtime.monitor import Monitor, Unwatched
from imagematch.services import indexing
from imagematch.services.session import Session
from imagematch.settings import WorkerSettings
from imagematch.sources.folder_source import FolderSource
from imagematch.stages import describe, fingerprints, photo_workers, scan, search, verify

OTHER = "everything else"

#: What is timed: where the name is looked up when it is called, the name, and the step that it is.
#: A step within another one counts for itself alone.
TIMED: tuple[tuple[object, str, str], ...] = (
    (scan, "begin", "scan"),
    (scan.Scan, "photos", "scan"),
    (scan, "read_once", "read and SHA-256"),
    (fingerprints, "read_photo", "read and SHA-256"),
    (decode, "decode", "decode"),
    (hashes, "phash", "pHash"),
    (hashes, "pdq", "PDQ"),
    (hashes, "pixel_sha256", "SHA-256 of pixels"),
    (hashes, "quality_gate", "quality gate"),
    (fingerprints, "sizes", "smaller sizes"),
    (views, "views_of", "views"),
    (views, "further_views", "views"),
    (embeddings.ModelEmbedder, "embed", "embedding"),
    (describe, "_store", "store fingerprints"),
    (search, "run", "search"),
    (keypoints, "extract_coarse", "keypoints"),
    (keypoints, "on_photographs", "keypoints"),
    (keypoints, "extract", "keypoints"),
    (comparison, "coarse_check", "compare pairs"),
    (comparison, "coarse_pixel_check", "compare pairs"),
    (comparison, "compare", "compare pairs"),
    (verify, "_store", "store matches"),
)


def measure(preset: str, folder: Path, others: Path, scratch: Path, monitor: Monitor) -> Steps:
    """Index a folder into a new index, and see what takes how long.

    Args:
        others: a folder with other photos, if possible, that are indexed first: what is remembered
            of a photo must not help when it is timed.
        scratch: an empty folder.

    Raises:
        Stopped: as asked through the monitor.
    """
    request = indexing.IndexRequest(FolderSource(folder), preset=preset)
    before = indexing.IndexRequest(FolderSource(others), preset=preset)
    with replaced(photo_workers, "open_executor", _serial):
        # The model and lazy imports come first: they are the price of starting.
        with Session(scratch / "warm") as session:
            indexing.index_folder(session, before, Unwatched())
        monitor.check()
        clock = _Clock()
        with _all_timed(clock), Session(scratch / "timed") as session:
            # Threads of linear algebra spin while they wait for work; workers have none of them.
            start = time.thread_time()
            report = indexing.index_folder(session, request, Unwatched())
            total = time.thread_time() - start
    monitor.check()
    seconds = {step: clock.spent[step] for _, _, step in TIMED if step in clock.spent}
    seconds[OTHER] = max(0.0, total - sum(seconds.values()))
    return Steps(preset, report.described, seconds)


def _serial(_: WorkerSettings, warm_up: Callable[[], object] | None = None) -> Executor:
    if warm_up is not None:
        warm_up()
    return SerialExecutor()


class _Clock:
    """Processor time by step, each without the steps inside it."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._lock = threading.Lock()
        self._own = threading.local()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what is done inside, on the thread that does it."""
        inner: list[float] = self._own.__dict__.setdefault("inner", [0.0])
        inner.append(0.0)
        start = time.thread_time()
        try:
            yield
        finally:
            seconds = time.thread_time() - start
            alone = seconds - inner.pop()
            inner[-1] += seconds
            with self._lock:
                self.spent[name] = self.spent.get(name, 0.0) + alone


@contextmanager
def _all_timed(clock: _Clock) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, name, step in TIMED:
            timed = _timed(clock, step, getattr(owner, name))
            stack.enter_context(replaced(owner, name, timed))
        yield


def _timed(clock: _Clock, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def each_timed(*arguments: Any, **named: Any) -> Iterator[Any]:
        steps = function(*arguments, **named)
        while True:
            with clock.step(step):
                one = next(steps, None)
            if one is None:
                return
            yield one

    @functools.wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        with clock.step(step):
            return function(*arguments, **named)

    return each_timed if inspect.isgeneratorfunction(function) else timed
