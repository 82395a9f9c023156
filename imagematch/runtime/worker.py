"""What runs inside a worker process: requests come in on its standard input, replies go out.

The other end is `imagematch.runtime.executors`. A worker protects the user's terminal, the machine
and itself from the files that it opens, and never outlives the process that started it.
"""

import ctypes
import itertools
import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from imagematch.runtime.failures import details_of, stops_run
from imagematch.runtime.memory import trim_memory

#: Exit status of a worker that ran into its memory limit; not one that Python or a shell uses.
OUT_OF_MEMORY = 112

#: Requests between two times that free memory goes back to the system: often enough that what large
#: photos leave in pieces does not pile up, too seldom to take time.
_REQUESTS_TO_TIDY = 32

_LENGTH_BYTES = 8  # of the message that follows, big-endian
_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


@dataclass(frozen=True, slots=True)
class Preparation:
    """The request to get ready for chunks; any other request is a chunk of tasks.

    Attributes:
        warm_up: called once in the life of a worker.
        function: imported by being unpickled; runs the chunks from here on.
    """

    warm_up: Callable[[], object] | None
    function: Callable[[Sequence[Any]], Sequence[Any]]


def apply[T, R](function: Callable[[Sequence[T]], Sequence[R]], chunk: Sequence[T]) -> list[R]:
    """Call `function` with a chunk, and see that there is one result a task.

    Raises:
        ValueError: the function returned fewer or more results than tasks.
        TypeError: it returned nothing of the kind.
    """
    results = list(function(chunk))
    if len(results) != len(chunk):
        raise ValueError(f"{function} returned {len(results)} results for {len(chunk)} tasks")
    return results


def nothing(chunk: Sequence[Any]) -> Sequence[Any]:
    """What a worker is ready to do before it is known what it is to do."""
    return chunk


def send(pipe: IO[bytes], message: bytes) -> None:
    """Write one message."""
    pipe.write(len(message).to_bytes(_LENGTH_BYTES))
    pipe.write(message)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Read one message; None if the other side ended before or within it."""
    header = pipe.read(_LENGTH_BYTES)
    if len(header) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(header)
    message = pipe.read(length)
    return message if len(message) == length else None


def serve(memory_mb: int, parent: int) -> None:
    """Answer requests until the parent closes the pipe or is gone.

    Args:
        memory_mb: limit of the memory that it may write to, MiB; 0: none. Held on Linux only.
        parent: process id of the process that started this one.
    """
    _leave_signals_to_parent()
    requests, replies = _take_pipes()
    _protect_machine(memory_mb, parent)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_collect, args=(requests, inbox), daemon=True).start()
    worker = _Answerer()
    for count in itertools.count(1):
        send(replies, worker.answer(inbox.get()))
        if not count % _REQUESTS_TO_TIDY:
            trim_memory()


def warm_up_at_low_priority(nice: int, warm_up: Callable[[], object]) -> None:
    """Let other programs go first from now on, and warm up.

    Args:
        nice: how far, 0-19, beyond what the parent does; nothing on Windows.
    """
    if nice and hasattr(os, "nice"):
        os.nice(nice)
    warm_up()


def _leave_signals_to_parent() -> None:
    """Ctrl-C, a closed terminal and systemd signal the workers too; only the parent decides."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _take_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Move the pipes away from where libraries in C print."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return requests, replies


def _collect(requests: IO[bytes], inbox: queue.SimpleQueue[bytes]) -> None:
    """Take requests as they come; the end of the pipe ends the process, whatever it is doing."""
    try:
        while (request := receive(requests)) is not None:
            inbox.put(request)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    os._exit(0)


class _Answerer:
    """Turns requests into replies: pickled tuples of a word and what belongs to it.

    "done": the results; "failed": code, message and traceback of a chunk that failed; "raised": an
    exception that ends the run, and its traceback.
    """

    def __init__(self) -> None:
        self._function: Callable[[Sequence[Any]], Sequence[Any]] | None = None
        self._warm = False

    def answer(self, request: bytes) -> bytes:
        """Never raises, but may end the process."""
        preparing = False
        try:
            asked = pickle.loads(request)  # noqa: S301 - parent's
            preparing = isinstance(asked, Preparation)
            return _dump(("done", self._do(asked)))
        except MemoryError:
            # A fresh process is the only way to get fragmented memory back.
            os._exit(OUT_OF_MEMORY)
        except BaseException as error:
            if preparing and not isinstance(error, Exception):
                raise
            if preparing or stops_run(error):
                return _dump(("raised", _portable(error), traceback.format_exc()))
            # Not the exception: its class may be unknown to the parent, or not survive the pipe.
            return _dump(("failed", *details_of(error)))

    def _do(self, request: Any) -> list[Any] | None:
        if not isinstance(request, Preparation):
            assert self._function is not None
            return apply(self._function, request)
        if request.warm_up is not None and not self._warm:
            request.warm_up()
        self._warm = True
        self._function = request.function
        return None


def _dump(value: object) -> bytes:
    return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def _portable(error: BaseException) -> BaseException:
    """The exception itself if it survives the pipe, else its text."""
    try:
        pickle.loads(_dump(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - a class may raise anything on being rebuilt
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _protect_machine(memory_mb: int, parent: int) -> None:
    if sys.platform == "win32":
        return
    import resource  # not on Windows

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _die_with(parent)
        with suppress(OSError):
            # Should the machine run out of memory, take a worker and not who keeps the index.
            Path("/proc/self/oom_score_adj").write_text("500", encoding="utf-8")
        if memory_mb:
            # Since Linux 4.7, private memory that may be written to, wherever it is. Not addresses
            # (RLIMIT_AS): drivers of graphics cards reserve more of them than there is memory.
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            limit = memory_mb * 2**20
            limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies: native code may block `_collect`."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the request was in place
        os._exit(0)
