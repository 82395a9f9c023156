"""What nobody foresaw: an exception in, the failure of one file or pair out, or the end of a run.

A picture can make any library raise anything. That is told of the picture and reported, and costs
nobody else. Only what would happen to every picture alike ends a run.
"""

import errno
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from types import TracebackType
from typing import TYPE_CHECKING

from imagematch.amounts import counted
from imagematch.errors import ImagematchError, KeepsFailing, PhotoError, ShapeError

if TYPE_CHECKING:  # numpy comes with it, which not every worker needs
    from imagematch.records import Failure

#: The code of a failure that is a fault of imagematch.
INTERNAL = "internal"

#: Most characters that are kept of a traceback and of what an exception says: what it says may
#: quote the data that it is about.
_TRACEBACK, _TEXT = 6000, 200

#: The disk or the quota is full.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


def stops_run(error: BaseException) -> bool:
    """Whether an error is about the run, and not about the file or pair at hand."""
    if isinstance(error, ImagematchError):
        return not isinstance(error, (PhotoError, ShapeError))
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def is_out_of_memory(error: BaseException) -> bool:
    """Whether code ran into the memory limit; native code raises errors of its own kinds."""
    text = _text_of(error).lower()
    return (
        isinstance(error, MemoryError)
        or "bad_alloc" in text
        or "insufficient memory" in text
        or "failed to allocate" in text
    )


def details_of(error: BaseException) -> tuple[str, str, str]:
    """Code, message and traceback of what an exception means for one file or pair."""
    if isinstance(error, PhotoError):
        return error.code, str(error), ""
    if is_out_of_memory(error):
        return "memory", "the memory limit of a worker (workers.memory_mb) was reached", ""
    said = _text_of(error)
    what = f"{type(error).__name__}: {said}" if said else type(error).__name__
    place = _place(error.__traceback__)
    return INTERNAL, f"imagematch itself failed on it{place}: {what}", _traceback(error)


def failure_from(error: BaseException) -> "Failure":
    """What an exception means for one file or pair, as the reason why it failed."""
    from imagematch.records import Failure

    return Failure(*details_of(error))


class ConsecutiveFailures:
    """Counts internal failures that follow each other, and ends the run at too many.

    They are held back until something else comes: those that end a run were never seen by who
    stores them, so that the next run tries them again.
    """

    def __init__(self, most: int) -> None:
        """Args:
        most: the number that ends a run; 0: none does.
        """
        self._most = most
        self._count = 0

    def watch[T](
        self, outcomes: Iterable[T], failure_of: Callable[[T], "Failure | None"]
    ) -> Iterator[T]:
        """Pass outcomes on.

        Raises:
            KeepsFailing: too many in a row.
        """
        held: list[T] = []
        for outcome in outcomes:
            failed = failure_of(outcome)
            if failed is None or failed.code != INTERNAL:
                self._count = 0
                yield from held
                held.clear()
                yield outcome
                continue
            held.append(outcome)
            self._count += 1
            if self._count == self._most:
                self._count = 0
                raise KeepsFailing(_broken(self._most, failed))
        yield from held


def _broken(count: int, last: "Failure") -> str:
    return (
        f"{counted(count, 'file or pair', 'files or pairs')} in a row failed by an error in "
        f"imagematch itself, most likely because something it needs is broken. What was done "
        f"before is kept, and what failed is tried again by the next run. Run `imagematch doctor` "
        f"and mend what it finds. If it finds nothing, please report this (see `imagematch status "
        f"--failures`), and set internal_in_a_row = 0 in the group [workers] of the settings to go "
        f"on past such files. The last error: {last.message}"
    )


def _text_of(error: BaseException) -> str:
    """The text of an exception on one line, whatever its class does when it is asked."""
    try:
        text = " ".join(str(error)[: 2 * _TEXT].split())
    except Exception:  # noqa: BLE001 - a class may raise anything
        return "it can't say what is wrong"
    return text if len(text) <= _TEXT else text[:_TEXT] + "..."


def _place(trace: TracebackType | None) -> str:
    """The line that raised, as " (FILE:LINE)"."""
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"


def _traceback(error: BaseException) -> str:
    """The tracebacks of an error and of those that led to it, cut in the middle where long."""
    parts: list[str] = []
    seen: set[int] = set()
    last: BaseException | None = error
    while last is not None and id(last) not in seen:
        seen.add(id(last))
        # Not `format_exception`, which would quote all that an error says.
        lines = traceback.format_tb(last.__traceback__)
        parts.append("".join([*lines, f"{type(last).__name__}: {_text_of(last)}\n"]))
        last = last.__cause__ or (None if last.__suppress_context__ else last.__context__)
    text = "which led to\n".join(reversed(parts))
    if len(text) <= _TRACEBACK:
        return text
    half = _TRACEBACK // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
