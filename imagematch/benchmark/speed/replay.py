"""The bare kernels: what workers did in a run, done again in a tight loop with nothing around it.

`record` indexes a folder as ever and notes which functions the workers got with which tasks. Run as
a program, this module then calls the same functions with the same tasks in as many processes, and
throws the results away: no scan, no catalogue, no vectors, no order, no pipes. What indexing takes
beyond that is the price of the pipeline.
"""

import argparse
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched, islice
from pathlib import Path
from typing import Any, Self

from imagematch import pipeline
from imagematch.monitor import Monitor
from imagematch.settings import WorkerSettings
from imagematch.stores.executors import ChunkFunction, Executor, Outcome, open_executor

_MODULE = "imagematch.benchmark.speed.replay"  # also where it runs as a program

#: As workers are started: they are the parallelism.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)


@dataclass(frozen=True, slots=True)
class Work:
    """One use of the workers: a function, and the tasks that it got in chunks."""

    function: ChunkFunction[Any, Any]
    tasks: list[Any]


@dataclass(frozen=True, slots=True)
class Tape:
    """All that the workers of a run were asked to do.

    Attributes:
        work: in the order of the run; the first is describing.
    """

    warm_up: Callable[[], object] | None
    chunk: int
    work: list[Work]

    def save(self, path: Path, *, first_only: bool = False) -> Path:
        """Write it for the program; `first_only`: the describing alone."""
        work = self.work[:1] if first_only else self.work
        path.write_bytes(pickle.dumps(Tape(self.warm_up, self.chunk, work)))
        return path


def record(directory: Path, request: pipeline.IndexRequest, monitor: Monitor) -> Tape:
    """Index a folder into a new index, and note the work."""
    tapes: list[Tape] = []

    def opened(settings: WorkerSettings, warm_up: Callable[[], object] | None = None) -> Executor:
        tape = Tape(warm_up, settings.chunk, [])
        tapes.append(tape)
        return _Recorder(open_executor(settings, warm_up), tape)

    with replaced(pipeline, "open_executor", opened):
        pipeline.index_folder(directory, request, monitor)
    (tape,) = tapes
    return tape


def command(tape: Path, processes: int) -> list[str]:
    """The command line that does it again."""
    return [sys.executable, "-m", _MODULE, str(tape), "--of", str(processes)]


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
        self, function: ChunkFunction[T, R], tasks: Iterable[T]
    ) -> Iterator[Outcome[T, R]]:
        """See `Executor.run`."""
        work = Work(function, [])
        self._tape.work.append(work)

        def noted() -> Iterator[T]:
            for task in tasks:
                work.tasks.append(task)
                yield task

        return self._inner.run(function, noted())

    def close(self) -> None:
        """See `Executor.close`."""
        self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


# --- as a program --------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Do the work of a tape again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("tape", type=Path)
    parser.add_argument("--of", type=int, required=True, help="processes")
    parser.add_argument("--share", type=int, help="of one process; without it, start them all")
    asked = parser.parse_args(arguments)
    if asked.share is None:
        _start_all(asked.tape, asked.of)
    else:
        _do_share(pickle.loads(asked.tape.read_bytes()), asked.share, asked.of)  # noqa: S301


def _start_all(tape: Path, of: int) -> None:
    environment = {**os.environ, **_ONE_THREAD}
    running = [
        subprocess.Popen([*command(tape, of), "--share", str(share)], env=environment)
        for share in range(of)
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(2)


def _do_share(tape: Tape, share: int, of: int) -> None:
    """Every n-th chunk, about as a pool hands them out."""
    if tape.warm_up is not None:
        tape.warm_up()
    for work in tape.work:
        for chunk in islice(batched(work.tasks, tape.chunk), share, None, of):
            work.function(chunk)


if __name__ == "__main__":
    main()
