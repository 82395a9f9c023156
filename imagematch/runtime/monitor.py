"""How a running stage talks to whoever waits for it: progress out, a wish to stop in."""

from typing import Protocol


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
