"""`imagematch reindex --watch`: how a watch looks in a terminal, and how a signal ends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagematch.cli.console import Watch, say, watching
from imagematch.cli.outcomes import show_pass
from imagematch.services import scheduling
from imagematch.services.reindexing import PassReport
from imagematch.services.scheduling import JobsFile


def run(directory: Path, path: Path, name: str | None, actor: str, *, as_json: bool) -> None:
    """Run jobs when they are due, until a signal asks to stop.

    Args:
        name: of the only job to run; None: all.
        actor: who has it done; "" for the account's name.

    Raises:
        JobsError: the jobs file is invalid at the start.
    """
    file = JobsFile(path, name)
    with watching(quiet=True) as idle:
        scheduling.run(directory, file, _Terminal(idle, as_json=as_json), actor)
    say("The watch has ended.")


class _Terminal:
    """Shows passes on the console.

    Args:
        idle: watches for signals between two passes.
    """

    def __init__(self, idle: Watch, *, as_json: bool) -> None:
        self._idle = idle
        self._as_json = as_json
        self._stopped = False

    @property
    def stopping(self) -> bool:
        """See `Attendant.stopping`."""
        return self._stopped or self._idle.stopping

    def say(self, message: str) -> None:
        """See `Attendant.say`."""
        say(message)

    @contextmanager
    def working(self) -> Iterator[Watch]:
        """See `Attendant.working`."""
        with watching(quiet=self._as_json) as monitor:
            yield monitor
            self._stopped = monitor.stopping

    def show(self, report: PassReport) -> None:
        """See `Attendant.show`."""
        show_pass(report, as_json=self._as_json)
