"""Talking to the person at the terminal: messages, progress, and the wish to stop."""

import codecs
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import batched
from types import FrameType
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console

from imagematch.cli.pace import Pace, in_words
from imagematch.errors import Stopped
from imagematch.formatting import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_STAGES = {
    "scan": "Reading files and describing new photos",
    "describe": "Describing photos",
    "search": "Searching for likenesses",
    "verify": "Verifying pairs",
    "identify": "Reading phones, names and addresses",
    "query": "Looking up photos",
    "compare": "Comparing photos",
    "hashes": "Looking up hashes",
    "explain": "Drawing matches",
}

#: What a stage counts: one of it, and many.
_UNITS = {
    "scan": ("file", "files"),
    "describe": ("photo", "photos"),
    "search": ("photo", "photos"),
    "verify": ("pair", "pairs"),
    "identify": ("ad", "ads"),
    "query": ("photo", "photos"),
    "compare": ("pair", "pairs"),
    "hashes": ("hash", "hashes"),
    "explain": ("match", "matches"),
}

#: Seconds between two lines of progress where there is no terminal, and two looks of a bar at what
#: is done: some stages have a million steps, and moving a bar takes longer than one of them.
_LINE_EVERY, _BAR_EVERY = 10.0, 0.1

_KEPT = "What is done is kept; run the same command again to go on."

#: In JSON text it can only stand within a string, where an escape means the same.
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")

_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Write a line to stderr; hidden characters of strangers' file names are spelled out."""
    _errors.print("\n".join(printable(line) for line in message.split("\n")), markup=False)


def write_all(parts: Iterable[str]) -> None:
    """Write data of any length to stdout as it comes; a console would lay out every line."""
    for some in batched(parts, 1000):
        click.echo("".join(some), nl=False)


def write_json(text: str) -> None:
    """Write JSON text and a line break to stdout as UTF-8, whatever encoding stdout has.

    Where that is another one (a redirect on Windows, an old terminal), all but ASCII is escaped, so
    that the text is the same JSON to whoever reads it in either.
    """
    write_json_parts((text, "\n"))


def write_json_parts(parts: Iterable[str]) -> None:
    """The same for JSON text of any length, which comes in parts and brings its line breaks."""
    stream = sys.stdout
    as_it_is = _is_utf8(stream.encoding)
    bytes_of_stream = getattr(stream, "buffer", None)  # the layer above encodes its own way
    for some in batched(parts, 1000):
        text = "".join(some)
        if not as_it_is:
            text = _escaped(text)
        if bytes_of_stream is None:
            stream.write(text)
        else:
            stream.flush()
            bytes_of_stream.write(text.encode())
        stream.flush()


def _escaped(text: str) -> str:
    """The same JSON text in ASCII."""
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def _is_utf8(encoding: str | None) -> bool:
    return encoding is not None and codecs.lookup(encoding).name == "utf-8"


def output() -> Console:
    """The console for data on stdout, with colours only on a terminal."""
    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


class Watch:
    """A monitor that shows progress on stderr, and stops when a signal asks for it."""

    def __init__(
        self,
        *,
        quiet: bool = False,
        kept: str = _KEPT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Args:
        kept: what becomes of the work that was done when a signal stops it.
        clock: seconds, for progress.
        """
        self._clock = clock
        self._quiet = quiet
        self._kept = kept
        self._stop = False
        self._name = ""
        self._pace = Pace(None, clock)
        self._next_line, self._next_move = 0.0, 0.0
        self._bars: Progress | None = None
        self._bar: TaskID | None = None
        if _errors.is_terminal and not quiet:
            from imagematch.cli.bars import bars  # only a terminal shows them

            self._bars = bars(_errors)

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_bar()
        if self._bars:
            self._bars.stop()

    def stage(self, name: str, total: int | None) -> None:
        """See `Monitor.stage`."""
        self._end_bar()
        self._name, self._pace = name, Pace(total, self._clock)
        self._next_line = self._clock() + _LINE_EVERY
        if total == 0:
            self._bar = None
        elif self._bars:
            told = partial(in_words, self._pace, *_UNITS.get(name, ()))
            self._bar = self._bars.add_task(_STAGES.get(name, name), total=total, told=told)
        elif not self._quiet:
            say(f"{_STAGES.get(name, name)}{'' if total is None else f': {total}'}")

    def advance(self, count: int = 1) -> None:
        """See `Monitor.advance`."""
        now = self._pace.advance(count)
        if self._bars and self._bar is not None:
            if now >= self._next_move or self._pace.finished:
                self._next_move = now + _BAR_EVERY
                self._bars.update(self._bar, completed=self._pace.done)
        elif not self._quiet and now >= self._next_line:
            self._next_line = now + _LINE_EVERY
            told = in_words(self._pace, *_UNITS.get(self._name, ()))
            say(f"  {self._progress()}{f', {told}' if told else ''}")

    def _end_bar(self) -> None:
        """Leave the bar of a stage as it ended; one without an end has one now."""
        if self._bars and self._bar is not None:
            total = self._pace.done if self._pace.total is None else self._pace.total
            self._pace.total = total
            told = in_words(self._pace, *_UNITS.get(self._name, ()))
            self._bars.update(self._bar, completed=self._pace.done, total=total, told=lambda: told)
        self._bar = None

    def check(self) -> None:
        """See `Monitor.check`."""
        if self._stop:
            kept = self._kept
            if self._name in ("query", "hashes") and kept == _KEPT:
                kept = "A query stores nothing."
            raise Stopped(
                f"on request, while {_STAGES.get(self._name, self._name).lower()} "
                f"({self._progress()}). {kept}"
            )

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stop

    def ask_to_stop(self) -> None:
        """Make the next `check` raise `Stopped`."""
        self._stop = True

    def _progress(self) -> str:
        done, total = self._pace.done, self._pace.total
        return f"{done}" if total is None else f"{done} of {total}"


@contextmanager
def watching(*, quiet: bool = False, kept: str = _KEPT) -> Iterator[Watch]:
    """A monitor that SIGINT (Ctrl-C) and SIGTERM stop; a second Ctrl-C stops at once."""
    watch = Watch(quiet=quiet, kept=kept)

    def stop(number: int, _frame: FrameType | None) -> None:
        if watch.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        watch.ask_to_stop()
        # Not `say`: a signal may arrive while a line is being written.
        os.write(2, b"\nStopping as soon as the work at hand is safe...\n")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with watch:
            yield watch
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
