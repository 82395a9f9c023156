"""A command as a process of its own: what it took of time, processor and memory."""

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from imagematch.errors import UsageError
from imagematch.runtime.monitor import Monitor

#: Seconds between two looks at the memory of a process tree; one look takes about 5 ms.
_LOOK_EVERY = 0.05

#: Keeps Python from writing down what it compiles, so that it compiles it at each start: no
#: installed package is used like that.
_COMPILE_ALWAYS = "PYTHONDONTWRITEBYTECODE"


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of a command.

    Attributes:
        code: its exit code.
        seconds: wall clock, whole process.
        processor: processor time of all its processes, s; NaN on Windows, which does not tell.
        peak: the most memory of all its processes together, bytes; shared pages are shared out
            where the system tells (PSS on Linux). NaN where nobody looked.
        output: what it printed.
        said: the last line of its complaints.
    """

    code: int
    seconds: float
    processor: float
    peak: float
    output: str
    said: str


def imagematch(*words: object) -> list[str]:
    """The command line of this very imagematch."""
    return [sys.executable, "-m", "imagematch.cli", *map(str, words)]


def run(
    command: Sequence[str],
    monitor: Monitor,
    *,
    memory: bool = False,
    keep: bool = True,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run a command to its end.

    Args:
        memory: look at its memory all the time, which slows it down by some percent.
        keep: what it prints.
        environment: variables that differ from this process's.

    Raises:
        Stopped: as asked through the monitor, when the command has ended.
        OSError: there is no such program.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        before = _of_children()
        start = time.perf_counter()
        with subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output if keep else subprocess.DEVNULL,
            stderr=errors,
            env={**_environment(), **(environment or {})},
        ) as process:
            with _watched(process.pid, memory) as watch:
                try:
                    # Waits without polling, so that the time is exact.
                    code = process.wait()
                except BaseException:  # a second Ctrl-C
                    process.kill()
                    raise
            seconds = time.perf_counter() - start
        processor = _of_children() - before
        peak = watch.peak if watch else math.nan
        monitor.check()
        for file in (output, errors):
            file.seek(0)
        text, complaints = (file.read().decode(errors="replace") for file in (output, errors))
    said = complaints.strip().rpartition("\n")[2]
    return Ran(code, seconds, processor, peak, text, said)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != _COMPILE_ALWAYS}


def checked(ran: Ran, command: Sequence[str]) -> Ran:
    """The run of a command that must not fail; exit code 1 means that some photos did.

    Raises:
        UsageError: it failed.
    """
    if ran.code not in (0, 1):
        raise UsageError(f"`{' '.join(command)}` ended with exit code {ran.code}: {ran.said}")
    return ran


@contextmanager
def _watched(pid: int, wanted: bool) -> Iterator["_Watch | None"]:
    """Look at the memory of a process and its children meanwhile."""
    if not wanted:
        yield None
        return
    require()
    watch = _Watch(pid)
    watch.start()
    try:
        yield watch
    finally:
        watch.over.set()
        watch.join()


class _Watch(threading.Thread):
    """Looks at memory again and again until it is over."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.over = threading.Event()
        self._pid = pid
        self._most = 0

    @property
    def peak(self) -> float:
        """The most that was seen, bytes."""
        return self._most or math.nan

    def run(self) -> None:
        """Look."""
        while not self.over.wait(_LOOK_EVERY):
            self._most = max(self._most, sum(_memory(self._pid)))


def require() -> None:
    """See that memory can be measured.

    Raises:
        UsageError: psutil is not installed.
    """
    try:
        import psutil  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"measuring memory needs psutil, which can't be loaded ({error}); install it: "
            "pip install psutil"
        ) from error


def _memory(pid: int) -> Iterator[int]:
    """Bytes of each process of a tree."""
    import psutil

    try:
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            memory = member.memory_full_info() if psutil.LINUX else member.memory_info()
            yield getattr(memory, "pss", memory.rss)
    except psutil.Error:  # it has just ended
        return


def _of_children() -> float:
    """Processor time of all processes that this one has waited for, and of theirs, s."""
    times = os.times()
    return math.nan if os.name == "nt" else times.children_user + times.children_system
