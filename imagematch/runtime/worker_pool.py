"""Worker processes, each owned by one thread of this process: chunks of tasks in, outcomes out.

A worker that hangs, fills its memory or dies is replaced. Every worker has its own pipe and shares
nothing with the others: pools that share one pipe (pebble, concurrent.futures) break as a whole
when a worker is killed between two tasks, or while it sends a result.
"""

import itertools
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from imagematch.errors import SettingsError
from imagematch.records import Failure
from imagematch.runtime.failures import failure_from
from imagematch.runtime.tasks import Check, ChunkFunction, Outcome, settle
from imagematch.runtime.worker import OUT_OF_MEMORY, Preparation, nothing, receive, send
from imagematch.settings import WorkerSettings

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
_SERVE = "import sys; from imagematch.runtime.worker import serve; serve(*map(int, sys.argv[1:]))"


def _usable_cores() -> int:
    """CPU cores that this process may run on, fewer than the machine has in many containers."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(order=True, slots=True)
class _Chunk:
    """Work in the queue of a pool: urgent work first, else what came first."""

    rank: int
    number: int
    work: Callable[[], Any] | None = field(compare=False)  # None: the thread is to end
    done: Future[Any] = field(compare=False)


_STOP, _URGENT, _LATER = range(3)


class WorkerPool:
    """Threads that each own one worker process and wait for it. Any thread may submit.

    A worker is started by the thread that owns it, which lives until `stop`: on Linux a worker
    asks the kernel to be killed when the thread that started it ends.
    """

    def __init__(self, settings: WorkerSettings, warm_up: Callable[[], object] | None) -> None:
        self.size = settings.count or _usable_cores()
        self._settings = settings
        self._warm_up = warm_up
        self._waiting: queue.PriorityQueue[_Chunk] = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0
        self._own = threading.local()
        self._lock = threading.Lock()
        self._workers: set[_Worker] = set()
        self._stopped = False

    def submit[T, R](
        self,
        function: ChunkFunction[T, R],
        chunk: Sequence[T],
        check: Check[T, R] | None = None,
        *,
        urgent: bool = False,
    ) -> Future[list[Outcome[T, R]]]:
        """Queue a chunk; never blocks. A chunk that is cancelled before its turn is never run.

        Args:
            urgent: goes before all that is not, but for what has begun.

        Raises:
            CancelledError: the pool is stopped.
        """
        attempt: Callable[[Sequence[T]], Sequence[R] | Failure] = partial(self._attempt, function)
        done: Future[list[Outcome[T, R]]] = Future()
        with self._lock:
            if self._stopped:
                raise CancelledError
            self._put(_URGENT if urgent else _LATER, partial(settle, attempt, chunk, check), done)
            self._unfinished += 1
            self._grow(self._unfinished)
        return done

    def start(self, count: int) -> None:
        """Have so many workers get ready, if there may be as many; never blocks."""
        with self._lock:
            if not self._stopped:
                self._grow(count)

    def _grow(self, count: int) -> None:
        while len(self._threads) < min(count, self.size):
            # A daemon, or a program that forgot to close the pool would never end.
            thread = threading.Thread(target=self._serve, name="imagematch-worker", daemon=True)
            thread.start()  # it may be that the system has no further one
            self._threads.append(thread)

    def stop(self) -> None:
        """Kill all workers, and return when they and their threads are gone."""
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.kill()
            for _ in self._threads:
                self._put(_STOP, None, Future())
        for thread in self._threads:
            thread.join()
        while not self._waiting.empty():
            self._waiting.get().done.cancel()
        for worker in self._workers:
            worker.bury()

    def _put(self, rank: int, work: Callable[[], Any] | None, done: Future[Any]) -> None:
        self._waiting.put(_Chunk(rank, next(self._numbers), work, done))

    def _serve(self) -> None:
        """Work off the queue until told to end: what a thread does all its life.

        Its worker gets ready before it takes a chunk, which others may be done with by then.
        """
        trouble = self._trouble_to_start()
        while (chunk := self._waiting.get()).work is not None:
            if chunk.done.set_running_or_notify_cancel():
                try:
                    if trouble is not None:
                        raise trouble
                    result = chunk.work()
                except BaseException as error:  # noqa: BLE001 - for who waits for the chunk
                    chunk.done.set_exception(error)
                else:
                    chunk.done.set_result(result)
            trouble = None
            with self._lock:
                self._unfinished -= 1

    def _trouble_to_start(self) -> BaseException | None:
        try:
            self._worker_for(nothing)
        except BaseException as error:  # noqa: BLE001 - for who waits for the first chunk
            return error
        return None

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
                answer = failure_from(error)
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
            return failure_from(error)
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
