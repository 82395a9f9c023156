"""What the workers of a run were asked to do, noted while it runs as ever."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from benchmark.speed.bare import Tape, Work
from imagematch.runtime.executors import Executor, open_executor
from imagematch.runtime.monitor import Monitor
from imagematch.runtime.tasks import Check, ChunkFunction, Outcome
from imagematch.services import indexing
from imagematch.services.session import Session
from imagematch.settings import WorkerSettings
from imagematch.stages import photo_workers
from imagematch.stages.fingerprints import FileTask


def record(directory: Path, request: indexing.IndexRequest, monitor: Monitor) -> Tape:
    """Index a folder into a new index, and note the work."""
    tapes: list[Tape] = []

    def opened(settings: WorkerSettings, warm_up: Callable[[], object] | None = None) -> Executor:
        tape = Tape(warm_up, settings.chunk, [])
        tapes.append(tape)
        return _Recorder(open_executor(settings, warm_up), tape)

    with replaced(photo_workers, "open_executor", opened), Session(directory) as session:
        indexing.index_folder(session, request, monitor)
    (tape,) = tapes
    return tape


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Something else under a name, for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class _Recorder:
    """An executor that notes what passes through it."""

    def __init__(self, inner: Executor, tape: Tape) -> None:
        self._inner = inner
        self._tape = tape

    def run[T, R](
        self,
        function: ChunkFunction[T, R],
        tasks: Iterable[T],
        check: Check[T, R] | None = None,
        *,
        urgent: bool = False,
    ) -> Iterator[Outcome[T, R]]:
        """See `Executor.run`."""
        work = Work(function, [])
        self._tape.work.append(work)

        def noted() -> Iterator[T]:
            for task in tasks:
                work.tasks.append(_as_on_disk(task))
                yield task

        return self._inner.run(function, noted(), check, urgent=urgent)

    def start(self, count: int = sys.maxsize) -> None:
        """See `Executor.start`."""
        self._inner.start(count)

    def close(self) -> None:
        """See `Executor.close`."""
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _as_on_disk(task: object) -> object:
    """The task without the bytes that a scan has read: the bare loop reads its files, too."""
    return replace(task, data=b"") if isinstance(task, FileTask) else task
