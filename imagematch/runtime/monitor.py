"""How a running stage talks to whoever waits for it: progress out, a wish to stop in."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from imagematch.errors import Stopped


@runtime_checkable
class Monitor(Protocol):
    """Watches a run. Doors implement it; stages call it."""

    def stage(self, name: str, total: int | None) -> None:
        """A stage begins: what it does, and how many steps it has, if that is known."""
        ...

    def advance(self, count: int = 1) -> None:
        """Some steps of the current stage are done."""
        ...

    def check(self) -> None:
        """Called where a stage can stop without loss.

        Raises:
            Stopped: somebody asked for it.
        """
        ...


class Unwatched:
    """A monitor that shows nothing and never stops: for library use and tests."""

    def stage(self, name: str, total: int | None) -> None:
        """See `Monitor.stage`."""

    def advance(self, count: int = 1) -> None:
        """See `Monitor.advance`."""

    def check(self) -> None:
        """See `Monitor.check`."""


#: Told of a run's progress: the stage, the steps done of it, and all of them where that is known.
#: What it returns is ignored, but for False, which asks the run to stop.
type Progress = Callable[[str, int, int | None], object]


class _Teller:
    """A monitor that tells a function of the progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stage, self._done = "", 0
        self._total: int | None = None
        self._stopping = False

    def stage(self, name: str, total: int | None) -> None:
        """See `Monitor.stage`."""
        self._stage, self._done, self._total = name, 0, total
        self._tell()

    def advance(self, count: int = 1) -> None:
        """See `Monitor.advance`."""
        self._done += count
        self._tell()

    def check(self) -> None:
        """See `Monitor.check`."""
        if self._stopping:
            raise Stopped(f"on request, at {self._stage} ({self._done} done); what is done is kept")

    def _tell(self) -> None:
        if self._progress(self._stage, self._done, self._total) is False:
            self._stopping = True


def monitor_of(progress: Progress | Monitor | None) -> Monitor:
    """The monitor that tells of a run's progress: to a function, as it likes, or to nobody."""
    if progress is None:
        return Unwatched()
    return progress if isinstance(progress, Monitor) else _Teller(progress)
