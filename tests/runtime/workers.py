"""Functions that the tests of the executors and of the lock run in other processes."""

import ctypes
import errno
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import override

from imagematch.errors import EmbedderUnavailable, PhotoError

_warmed = False
_kept: list[bytes] = []


def behave(chunk: Sequence[str]) -> list[str]:
    """Do to the process what each word says; a harmless word comes back in capitals."""
    return [_behave(word) for word in chunk]


def _behave(word: str) -> str:
    match word:
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(3)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            time.sleep(60)
        case "stuck":  # native code that never gives the interpreter back
            ctypes.PyDLL(None).sleep(60)
        case "greedy":
            return str(len(bytearray(64 * 2**30)))
        case "reserving":  # as CUDA does on starting
            nothing = ctypes.CDLL(None)
            nothing.mmap.restype = ctypes.c_void_p
            nothing.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 4]
            no_access, private_unfilled = 0, 0x4022  # PRIVATE, ANONYMOUS, NORESERVE
            at = nothing.mmap(None, 64 * 2**30, no_access, private_unfilled, -1, 0)
            return "refused" if at == 2**64 - 1 else "reserved"
        case "noisy":
            os.write(1, b"noise on 1\n" * 1000)
            os.write(2, b"noise on 2\n" * 1000)
        case "bug":
            raise LookupError("a bug in the function")
        case "unportable":
            raise Unportable("one", "two")
        case "speechless":
            raise Speechless
        case "unknown class":
            raise type("MadeUp", (Exception,), {})("of a class that no module has")
        case "panic":
            raise Panic("the native part gave up")
        case "system exit":
            sys.exit(0)
        case "keyboard interrupt":
            raise KeyboardInterrupt
        case "recursion":
            _behave(word)
        case "group":
            raise ExceptionGroup("several", [ValueError("one"), TypeError("two")])
        case "endless":
            raise ValueError("words and words\n" * 100_000)
        case "unpicklable result":
            return lambda: None  # type: ignore[return-value]
        case "explosive result":
            return Explosive()  # type: ignore[return-value]
        case "refused":
            raise PhotoError("corrupt", "no picture in it")
        case "failure":
            from imagematch.records import Failure

            return Failure("empty", "zero bytes")  # type: ignore[return-value]
        case "model missing":
            raise EmbedderUnavailable("the model is gone")
        case "disk full":
            raise OSError(errno.ENOSPC, "no room")
    return word.upper()


class Unportable(Exception):
    """Pickles, but can't be built again from what it pickles to."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


class Speechless(Exception):
    """Can't even say what is wrong."""

    @override
    def __str__(self) -> str:
        raise RuntimeError("no words")


class Panic(BaseException):
    """What native code written in Rust raises: no `Exception`."""


class Explosive:
    """A result that can be sent, but not received."""

    @override
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return _explode, ("boom",)


def _explode(word: str) -> None:
    raise RuntimeError(word)


def record_and_double(folder: Path, chunk: Sequence[int]) -> list[int]:
    """Leave a line in a file of this process, so that a test sees who worked on what."""
    with (folder / str(os.getpid())).open("a") as log:
        log.write(f"{chunk}\n")
    return [2 * task for task in chunk]


def die_once(folder: Path, chunk: Sequence[str]) -> list[str]:
    """Die on the first call of all, as if something else had killed the process."""
    with suppress(FileExistsError):
        (folder / "died").touch(exist_ok=False)
        os._exit(1)
    return list(chunk)


def swap_ends(chunk: Sequence[bytes]) -> list[bytes]:
    """Return every task backwards; for big tasks and big results."""
    return [task[::-1] for task in chunk]


def leave_gaps(chunk: Sequence[int]) -> list[int]:
    """Use this many MB in small pieces, keep a few of them, and return the MB resident after."""
    for megabytes in chunk:
        pieces = [bytes(2_000) for _ in range(500 * megabytes)]
        _kept.extend(pieces[::500])
        del pieces
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return [pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000] * len(chunk)


def forget_one(chunk: Sequence[int]) -> list[int]:
    """Return one result too few."""
    return list(chunk)[1:]


def return_nothing(chunk: Sequence[object]) -> None:
    """Return no results at all."""


def surroundings(chunk: Sequence[str]) -> list[str | None]:
    """Return the values of environment variables."""
    return [os.environ.get(name) for name in chunk]


def modules(chunk: Sequence[str]) -> list[bool]:
    """Tell which modules this process has imported."""
    return [name in sys.modules for name in chunk]


def warm_up_slowly() -> None:
    """Take longer than any time limit of the tests."""
    global _warmed
    time.sleep(1.5)
    _warmed = True


def is_warm(chunk: Sequence[object]) -> list[bool]:
    """Tell whether `warm_up_slowly` has run in this process."""
    return [_warmed for _ in chunk]


def warm_up_in_vain() -> None:
    """Fail like a missing model does."""
    raise FileNotFoundError("the model is missing")


def warm_up_fatally() -> None:
    """Die while starting."""
    os._exit(9)


def niceness(chunk: Sequence[object]) -> list[int]:
    return [os.nice(0) for _ in chunk]
