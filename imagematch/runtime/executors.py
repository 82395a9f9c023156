"""Run a function over tasks in worker processes that a hostile file may kill; the run goes on.

Tasks go in lazily, outcomes come out in the order of the tasks.
"""

import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import closing
from functools import partial
from itertools import batched
from operator import attrgetter
from typing import Protocol, Self

from imagematch.errors import Stopped
from imagematch.records import Failure
from imagematch.runtime.failures import ConsecutiveFailures, failure_from, stops_run
from imagematch.runtime.tasks import Check, ChunkFunction, Outcome, settle
from imagematch.runtime.worker import apply
from imagematch.runtime.worker_pool import WorkerPool
from imagematch.settings import DEFAULTS, WorkerSettings

#: Chunks in flight or finished and not yet asked for, a worker: enough that no worker waits while
#: the caller stores outcomes, few enough that memory does not grow with the number of tasks.
_CHUNKS_PER_WORKER = 3


#: As many workers as the settings allow.
_ALL = sys.maxsize


class Executor(Protocol):
    """Runs a function over many tasks, for many threads at once.

    A context manager; leaving it stops everything.
    """

    def run[T, R](
        self,
        function: ChunkFunction[T, R],
        tasks: Iterable[T],
        check: Check[T, R] | None = None,
        *,
        urgent: bool = False,
    ) -> Iterator[Outcome[T, R]]:
        """Yield one outcome a task, in the order of the tasks.

        Whatever the function raises is the failure of one task; only what is about the run as a
        whole (`runtime.failures.stops_run`) is raised here. A run that is given up costs no other
        run anything: what it has begun is finished in vain, the rest is left.

        Args:
            function: picklable (of a module, or a `functools.partial`); gets a chunk of tasks and
                returns one result or `Failure` a task, in order. It deals with the errors that it
                expects: for one that it raises, the chunk is run again, task by task.
            tasks: consumed a bounded number of chunks ahead, in the caller's thread.
            check: raises where the result of a task is nonsense, which then is an "internal"
                failure; called in this process.
            urgent: somebody waits for it, so it overtakes what is not.

        Raises:
            KeepsFailing: so many tasks in a row failed with "internal" as the settings allow, in
                the runs of one thread.
            Stopped: the executor was closed meanwhile.
        """
        ...

    def start(self, count: int = _ALL) -> None:
        """Get workers ready in the background; `run` tells what goes wrong with that.

        Args:
            count: workers; no more than the settings allow.
        """
        ...

    def close(self) -> None:
        """Stop all work of all threads at once; what was in flight is lost."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_executor(
    settings: WorkerSettings, warm_up: Callable[[], object] | None = None
) -> Executor:
    """Return the executor that `settings` ask for; its workers start with the first task.

    Args:
        warm_up: picklable; called once in each new worker, before the clock of any task runs:
            the place to import and load what is slow. What it raises, `run` raises.
    """
    return ProcessExecutor(settings, warm_up)


class SerialExecutor:
    """Runs everything in this process, without limits: for tests and debugging."""

    def __init__(self, chunk: int = DEFAULTS.workers.chunk) -> None:
        self._chunk = chunk
        self._in_a_row = ConsecutiveFailures(DEFAULTS.workers.internal_in_a_row)

    def run[T, R](
        self,
        function: ChunkFunction[T, R],
        tasks: Iterable[T],
        check: Check[T, R] | None = None,
        *,
        urgent: bool = False,  # noqa: ARG002 - nothing waits here
    ) -> Iterator[Outcome[T, R]]:
        """See `Executor.run`."""
        attempt = partial(_attempt_here, function)
        outcomes = (
            outcome
            for chunk in batched(tasks, self._chunk)
            for outcome in settle(attempt, list(chunk), check)
        )
        return self._in_a_row.watch(outcomes, attrgetter("failure"))

    def start(self, count: int = _ALL) -> None:
        """Do nothing: there are no workers."""

    def close(self) -> None:
        """Do nothing: nothing runs between two calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ProcessExecutor:
    """Runs chunks in worker processes that are limited, watched and replaced.

    A worker that takes longer than `seconds_per_file` times the length of its chunk, runs into its
    memory limit or dies is replaced, and the tasks of its chunk are run again one by one: only a
    task that costs a worker all alone fails. Starting a worker never counts towards that time.

    Raises, from `run`:
        SettingsError: workers can't even start.
    """

    def __init__(
        self, settings: WorkerSettings, warm_up: Callable[[], object] | None = None
    ) -> None:
        self._settings = settings
        self._warm_up = warm_up
        self._pool: WorkerPool | None = None
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    def run[T, R](
        self,
        function: ChunkFunction[T, R],
        tasks: Iterable[T],
        check: Check[T, R] | None = None,
        *,
        urgent: bool = False,
    ) -> Iterator[Outcome[T, R]]:
        """See `Executor.run`."""
        in_a_row = getattr(self._of_thread, "in_a_row", None)
        if in_a_row is None:
            in_a_row = ConsecutiveFailures(self._settings.internal_in_a_row)
            self._of_thread.in_a_row = in_a_row
        submit = partial(self._ready_pool().submit, function, check=check, urgent=urgent)
        with closing(self._outcomes(submit, tasks)) as outcomes:
            yield from in_a_row.watch(outcomes, attrgetter("failure"))

    def _outcomes[T, R](
        self, submit: Callable[[list[T]], Future[list[Outcome[T, R]]]], tasks: Iterable[T]
    ) -> Generator[Outcome[T, R], None, None]:
        ahead: deque[Future[list[Outcome[T, R]]]] = deque()
        most = self._ready_pool().size * _CHUNKS_PER_WORKER
        try:
            for chunk in batched(tasks, self._settings.chunk):
                ahead.append(submit(list(chunk)))
                if len(ahead) == most:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        except CancelledError as error:
            raise Stopped("the work was stopped, because its workers were") from error
        finally:
            for chunk_ahead in ahead:
                chunk_ahead.cancel()

    def start(self, count: int = _ALL) -> None:
        """See `Executor.start`."""
        self._ready_pool().start(count)

    def _ready_pool(self) -> WorkerPool:
        with self._lock:
            self._pool = self._pool or WorkerPool(self._settings, self._warm_up)
            return self._pool

    def close(self) -> None:
        """Stop all workers at once and wait until they are gone."""
        self._ready_pool().stop()  # it stays, so that nobody starts another one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _attempt_here[T, R](function: ChunkFunction[T, R], chunk: Sequence[T]) -> Sequence[R] | Failure:
    try:
        return apply(function, chunk)
    except MemoryError:
        return Failure("memory", "needs more memory than this process can get")
    except Exception as error:
        if stops_run(error):
            raise
        return failure_from(error)
