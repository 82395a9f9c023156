"""Run a function over tasks in worker processes that a hostile file may kill; the run goes on.

Tasks go in lazily, outcomes come out in the order of the tasks. Every worker has its own pipe and
its own thread in this process, and shares nothing with the others: pools that share one pipe
(pebble, concurrent.futures) break as a whole when a worker is killed between two tasks, or while
it sends a result.
"""

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import batched
from operator import attrgetter
from typing import Any, Protocol, Self

from imagematch.errors import SettingsError
from imagematch.records import Failure
from imagematch.settings import DEFAULTS, WorkerSettings
from imagematch.stores import unforeseen
from imagematch.stores.worker import OUT_OF_MEMORY, Preparation, apply, receive, send

#: Chunks in flight or finished and not yet asked for, a worker: enough that no worker waits while
#: the caller stores outcomes, few enough that memory does not grow with the number of tasks.
_CHUNKS_PER_WORKER = 3
#: Starting a worker takes 1-3 s (imports, loading the model), more on a busy machine or slow disk.
_SECONDS_TO_START = 120.0
_ATTEMPTS_TO_START = 3
#: From the end of its pipe to the end of a process: the kernel frees its memory first.
_SECONDS_TO_DIE = 10.0
#: What the native libraries of a worker are told. Workers are the parallelism: thread pools inside
#: them would only compete. And glibc is to keep the memory of one photo for the next, which would
#: ask the kernel for it again, page by page: 95 pages a photo of 500 px, instead of 17. What was
#: not used for a while, a worker hands back itself.
NATIVE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),  # the most that glibc takes
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}
_SERVE = "import sys; from imagematch.stores.worker import serve; serve(*map(int, sys.argv[1:]))"

type ChunkFunction[T, R] = Callable[[Sequence[T]], Sequence[R]]
type Check[T, R] = Callable[[T, R], object]


@dataclass(frozen=True, slots=True)
class Outcome[T, R]:
    """What became of one task: a result, or the reason why there is none.

    Attributes:
        failure: code "timeout", "memory" or "crashed" where its worker was lost, "internal" where
            the function raised or returned nonsense; None where there is a result.
    """

    task: T
    result: R | None
    failure: Failure | None


class Executor(Protocol):
    """Runs a function over many tasks. A context manager; leaving it stops everything."""

    def run[T, R](
        self,
        function: ChunkFunction[T, R],
        tasks: Iterable[T],
        check: Check[T, R] | None = None,
    ) -> Iterator[Outcome[T, R]]:
        """Yield one outcome a task, in the order of the tasks.

        Whatever the function raises is the failure of one task; only what is about the run as a
        whole (`unforeseen.stops_run`) is raised here.

        Args:
            function: picklable (of a module, or a `functools.partial`); gets a chunk of tasks and
                returns one result or `Failure` a task, in order. It deals with the errors that it
                expects: for one that it raises, the chunk is run again, task by task.
            tasks: consumed a bounded number of chunks ahead, in the caller's thread.
            check: raises where the result of a task is nonsense, which then is an "internal"
                failure; called in this process.

        Raises:
            KeepsFailing: so many tasks in a row failed with "internal" as the settings allow.
        """
        ...

    def start(self) -> None:
        """Get the workers ready in the background; `run` tells what goes wrong with that."""
        ...

    def close(self) -> None:
        """Stop all work at once; what was in flight is lost."""
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
        self._in_a_row = unforeseen.InARow(DEFAULTS.workers.internal_in_a_row)

    def run[T, R](
        self,
        function: ChunkFunction[T, R],
        tasks: Iterable[T],
        check: Check[T, R] | None = None,
    ) -> Iterator[Outcome[T, R]]:
        """See `Executor.run`."""
        attempt = partial(_attempt_here, function)
        outcomes = (
            outcome
            for chunk in batched(tasks, self._chunk)
            for outcome in _settle(attempt, list(chunk), check)
        )
        return self._in_a_row.watch(outcomes, attrgetter("failure"))

    def start(self) -> None:
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
        self._crew: _Crew | None = None
        self._in_a_row = unforeseen.InARow(settings.internal_in_a_row)

    def run[T, R](
        self,
        function: ChunkFunction[T, R],
        tasks: Iterable[T],
        check: Check[T, R] | None = None,
    ) -> Iterator[Outcome[T, R]]:
        """See `Executor.run`. A run that is given up while work is in flight stops all workers."""
        with closing(self._outcomes(function, tasks, check)) as outcomes:
            yield from self._in_a_row.watch(outcomes, attrgetter("failure"))

    def _outcomes[T, R](
        self, function: ChunkFunction[T, R], tasks: Iterable[T], check: Check[T, R] | None
    ) -> Generator[Outcome[T, R], None, None]:
        crew = self._ready_crew()
        ahead: deque[Future[list[Outcome[T, R]]]] = deque()
        try:
            for chunk in batched(tasks, self._settings.chunk):
                ahead.append(crew.submit(function, list(chunk), check))
                if len(ahead) == crew.size * _CHUNKS_PER_WORKER:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        except GeneratorExit:
            if ahead:  # nobody wants what is in flight
                self.close()
            raise
        except BaseException:  # Ctrl-C too
            self.close()
            raise

    def start(self) -> None:
        """See `Executor.start`."""
        crew = self._ready_crew()
        for _ in range(crew.size):
            crew.submit(_nothing, [None])

    def _ready_crew(self) -> "_Crew":
        self._crew = self._crew or _Crew(self._settings, self._warm_up)
        return self._crew

    def close(self) -> None:
        """Stop all workers at once and wait until they are gone."""
        crew, self._crew = self._crew, None
        if crew is not None:
            crew.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _nothing(chunk: Sequence[None]) -> Sequence[None]:
    return chunk


def _settle[T, R](
    attempt: Callable[[Sequence[T]], Sequence[R] | Failure],
    chunk: Sequence[T],
    check: Check[T, R] | None,
) -> list[Outcome[T, R]]:
    """Try a chunk, and if that fails its tasks one by one, so that only the guilty ones fail."""
    answer = attempt(chunk)
    if isinstance(answer, Failure) and len(chunk) > 1:
        return [outcome for task in chunk for outcome in _settle(attempt, [task], check)]
    if isinstance(answer, Failure) and answer.code == "crashed":
        # Somebody else may have killed the worker, such as the kernel when memory is short.
        answer = attempt(chunk)
    if isinstance(answer, Failure):
        return [Outcome(chunk[0], None, answer)]
    return [_checked(task, result, check) for task, result in zip(chunk, answer, strict=True)]


def _checked[T, R](task: T, result: R | Failure, check: Check[T, R] | None) -> Outcome[T, R]:
    if isinstance(result, Failure):
        return Outcome(task, None, result)
    try:
        if check is not None:
            check(task, result)
    except Exception as error:  # noqa: BLE001 - nonsense may raise anything when it is looked at
        return Outcome(task, None, unforeseen.failure(error))
    return Outcome(task, result, None)


def _attempt_here[T, R](function: ChunkFunction[T, R], chunk: Sequence[T]) -> Sequence[R] | Failure:
    try:
        return apply(function, chunk)
    except MemoryError:
        return Failure("memory", "needs more memory than this process can get")
    except Exception as error:
        if unforeseen.stops_run(error):
            raise
        return unforeseen.failure(error)


def _usable_cores() -> int:
    """CPU cores that this process may run on, fewer than the machine has in many containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Crew:
    """Threads that each own one worker process and wait for it.

    A worker is started by the thread that owns it, which lives until `stop`: on Linux a worker
    asks the kernel to be killed when the thread that started it ends.
    """

    def __init__(self, settings: WorkerSettings, warm_up: Callable[[], object] | None) -> None:
        self.size = settings.count or _usable_cores()
        self._settings = settings
        self._warm_up = warm_up
        self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="imagematch-worker")
        self._own = threading.local()
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._stopped = False

    def submit[T, R](
        self, function: ChunkFunction[T, R], chunk: Sequence[T], check: Check[T, R] | None = None
    ) -> Future[list[Outcome[T, R]]]:
        """Queue a chunk; never blocks."""
        attempt: Callable[[Sequence[T]], Sequence[R] | Failure] = partial(self._attempt, function)
        return self._threads.submit(_settle, attempt, chunk, check)

    def stop(self) -> None:
        """Kill all workers, and return when they and their threads are gone."""
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.bury()

    def _attempt[T, R](
        self, function: ChunkFunction[T, R], chunk: Sequence[T]
    ) -> Sequence[R] | Failure:
        worker = self._worker_for(function)
        answer: Sequence[R] | Failure = worker.ask(
            chunk, self._settings.seconds_per_file * len(chunk)
        )
        return answer

    def _worker_for(self, function: ChunkFunction[Any, Any]) -> "_Worker":
        """This thread's worker, started where need be, with `function` imported and warm."""
        for _ in range(_ATTEMPTS_TO_START):
            try:
                worker = self._own_worker()
            except OSError as error:  # no process, file or memory is left for another one
                answer = unforeseen.failure(error)
                continue
            if worker.function is function:
                return worker
            answer = worker.ask(Preparation(self._warm_up, function), _SECONDS_TO_START)
            if not isinstance(answer, Failure):
                worker.function = function
                return worker
        raise SettingsError(
            f"worker processes can't start; the last of {_ATTEMPTS_TO_START}: {answer.message}. "
            f"If memory is short, raise memory_mb (now {self._settings.memory_mb}) or lower count "
            f"(now {self.size}) in the group [workers] of the settings."
        )

    def _own_worker(self) -> "_Worker":
        worker: _Worker | None = getattr(self._own, "worker", None)
        if worker is not None and worker.alive:
            return worker
        with self._lock:
            if self._stopped:
                raise CancelledError
            if worker is not None:
                worker.bury()
                self._workers.remove(worker)
            self._own.worker = worker = _Worker(self._settings.memory_mb)
            self._workers.add(worker)
        return worker


class _Worker:
    """One worker process, as seen from its thread.

    Attributes:
        function: what it is prepared to run.
    """

    def __init__(self, memory_mb: int) -> None:
        # Not multiprocessing: its "spawn" runs the caller's main script again, can't start from
        # `python -`, and gives the child only the environment that this process has itself.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _SERVE, str(memory_mb), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libtiff, libpng and libjpeg write there as they please
            env={**os.environ, **NATIVE, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests = self._process.stdin
        self._replies = self._process.stdout
        self._memory_mb = memory_mb
        self._expired = False
        self.function: ChunkFunction[Any, Any] | None = None

    @property
    def alive(self) -> bool:
        return not self._expired and self._process.poll() is None

    def ask(self, request: object, seconds: float) -> Any:
        """Send a request and wait for the answer.

        Returns:
            What the worker answered, or the `Failure` of the chunk, or that it died of.

        Raises:
            Exception: what ends the run, with its traceback in the worker as a note.
        """
        message = pickle.dumps(request, protocol=pickle.HIGHEST_PROTOCOL)
        watch = threading.Timer(seconds, self._expire)
        watch.start()
        try:
            send(self._requests, message)
            reply = receive(self._replies)
        except OSError:  # a broken pipe
            reply = None
        finally:
            watch.cancel()
            watch.join()
        if reply is None:
            return self._cause_of_death(seconds)
        try:
            word, *said = pickle.loads(reply)  # noqa: S301 - from our own child
        except Exception as error:  # noqa: BLE001 - what a result raises on being rebuilt
            return unforeseen.failure(error)
        if word == "failed":
            return Failure(*said)
        if word == "raised":
            raised, where = said
            raised.add_note(where)
            raise raised
        return said[0]

    def kill(self) -> None:
        """End the process from any thread; a worker has nothing to tidy up."""
        self._process.kill()

    def bury(self) -> int:
        """Wait for the end of the process; returns its exit status, or minus a signal."""
        try:
            status = self._process.wait(_SECONDS_TO_DIE)
        except subprocess.TimeoutExpired:  # its pipe ended, yet it lives: something closed it
            self.kill()
            status = self._process.wait()
        for pipe in (self._requests, self._replies):
            with suppress(OSError):  # what could not be sent is still in the buffer
                pipe.close()
        return status

    def _expire(self) -> None:
        self._expired = True
        self.kill()

    def _cause_of_death(self, seconds: float) -> Failure:
        status = self.bury()
        if self._expired:
            return Failure("timeout", f"still busy after {seconds:g} s; the worker was stopped")
        if status == OUT_OF_MEMORY:
            limit = f" ({self._memory_mb} MiB)" if self._memory_mb else ""
            return Failure("memory", f"needs more memory than a worker may use{limit}")
        return Failure("crashed", f"the worker process died ({_in_words(status)})")


def _in_words(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    number = -status
    name = (signal.strsignal(number) or "unknown").lower()
    hint = ", perhaps because the machine ran out of memory" if name == "killed" else ""
    return f"signal {number}, {name}{hint}"
