"""How fast a stage goes at the moment, and how long it will still take at that."""

import math
import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from imagematch import amounts

#: Seconds that a rate is of: short enough to follow a change, long enough for slow photos.
WINDOW = 30.0
#: Seconds between two notes of what is done, and until a rate says something.
_NOTE_EVERY = 0.5
_AT_LEAST = 1.0


class Pace:
    """Counts the steps of one stage.

    Photos that come in bunches, such as the chunks of workers, must not make it flicker; a stage
    that is stuck must not look as if it went on; and the time that workers take to start must not
    make it look slow for long. So the rate is that of the last half minute, beginning with the
    first step, until now.
    """

    def __init__(self, total: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = 0
        self._clock = clock
        self._start = clock()
        self._notes: deque[tuple[float, int]] = deque()  # when, and how much was done by then

    def advance(self, count: int) -> float:
        """Some steps are done; returns the time."""
        now = self._clock()
        self.done += count
        if not self._notes or now - self._notes[-1][0] >= _NOTE_EVERY:
            self._notes.append((now, self.done))
            # The last note before the window is where the window begins.
            while len(self._notes) > 2 and now - self._notes[1][0] >= WINDOW:
                self._notes.popleft()
        return now

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.total is not None and self.done >= self.total

    @property
    def elapsed(self) -> float:
        """Seconds since the stage began."""
        return self._clock() - self._start

    @property
    def rate(self) -> float | None:
        """Steps a second; None where that can't be told yet."""
        if not self._notes:
            return None
        now = self._clock()
        since, before = self._notes[0]
        for then, done in self._notes:
            # Nothing for longer than the window: then the last step that there was counts.
            if now - then >= WINDOW and done < self.done:
                since, before = then, done
        if now - since < _AT_LEAST or self.done == before:
            return None
        return (self.done - before) / (now - since)

    @property
    def seconds_left(self) -> float | None:
        """Until this stage ends, if it goes on like this; None where that can't be told."""
        rate = self.rate
        if self.total is None or not rate:
            return None
        return max(0.0, (self.total - self.done) / rate)


def in_words(pace: Pace, one: str = "", many: str = "") -> str:
    """The rate of a stage and the time that it still takes; when it is done, what it took.

    Args:
        one, many: what the steps are called, see `amounts.counted`.
    """
    if pace.finished:
        told = amounts.average(pace.done, pace.elapsed, one, many)
        times = [f"took {_hours(pace.elapsed)}"]
    else:
        told = amounts.rate(pace.rate, one, many) if pace.rate else ""
        left = pace.seconds_left
        times = [] if left is None else [f"{_hours(left)} left"]
    return ", ".join([*([told] if told else []), *times])


def _hours(seconds: float) -> str:
    """Hours, minutes and seconds; rounded up, since nobody minds being early."""
    return str(timedelta(seconds=math.ceil(seconds)))
