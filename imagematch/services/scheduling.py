"""Jobs on their schedules, one pass at a time, until told to stop.

`schedules` says when a job is due; this process's only thread does the work, so that
signals, the index and the workers are all in one place. What fell due in the meantime, or while
the machine slept, runs once.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from imagematch.errors import ImagematchError, IndexLocked, JobsError, Stopped
from imagematch.runtime.monitor import Monitor
from imagematch.services import jobs, reindexing
from imagematch.services.jobs import Job
from imagematch.services.reindexing import PassReport
from imagematch.services.session import Session

#: Seconds between two looks at the clock and at the jobs file.
_TICK = 0.5
#: Until a job whose index is locked is tried again.
_RETRY = timedelta(minutes=1)

type _Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class Timetable:
    """When each job is due next. A job with an interval is due at once, then after each interval.

    Args:
        clock: gives the time, in UTC.
    """

    def __init__(self, clock: _Clock = _now) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._due: dict[str, datetime] = {}

    def replace(self, wanted: Sequence[Job]) -> None:
        """Keep these jobs from now on; a job that stays as it is keeps its time."""
        before, self._jobs = self._jobs, {job.name: job for job in wanted if job.schedule}
        self._due = {
            name: self._due[name] if before.get(name) == job else self._first(job)
            for name, job in self._jobs.items()
        }

    def _first(self, job: Job) -> datetime:
        assert job.schedule is not None
        return self._clock() if job.schedule.every else job.schedule.next(self._clock())

    def take(self) -> tuple[Job, ...]:
        """The jobs that are due, in the order of the file; each gets its next time."""
        moment = self._clock()
        due = tuple(job for name, job in self._jobs.items() if self._due[name] <= moment)
        for job in due:
            assert job.schedule is not None
            self._due[job.name] = job.schedule.next(moment)
        return due

    def retry(self, wanted: Sequence[Job]) -> None:
        """Have some jobs due again soon, unless they are even earlier."""
        soon = self._clock() + _RETRY
        for job in wanted:
            self._due[job.name] = min(soon, self._due[job.name])

    def __iter__(self) -> Iterator[tuple[Job, datetime]]:
        """The jobs with their next times."""
        return ((job, self._due[name]) for name, job in self._jobs.items())


class JobsFile:
    """The jobs file, read again whenever it has changed."""

    def __init__(self, path: Path, name: str | None) -> None:
        self._path = path
        self._name = name
        self._stamp = self._look()

    def load(self) -> tuple[Job, ...]:
        """The jobs to watch.

        Raises:
            JobsError: the file is invalid, or no job in it has a schedule.
        """
        found = jobs.select(jobs.load(self._path), self._name)
        if not any(job.schedule for job in found):
            raise JobsError(
                f"{self._path}: no job has a schedule to watch; give it one, such as "
                f'schedule = "0 3 * * *" or every = "6h", or leave out --watch'
            )
        return found

    def changed(self) -> bool:
        """Whether the file is another one than at the last call."""
        before, self._stamp = self._stamp, self._look()
        return before != self._stamp

    def _look(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


class Attendant(Protocol):
    """Tells people how a watch goes, and says when it is to end. Doors implement it."""

    @property
    def stopping(self) -> bool:
        """Whether somebody asked to stop, also while a pass ran."""
        ...

    def say(self, message: str) -> None:
        """Tell something that people should know."""
        ...

    def working(self) -> AbstractContextManager[Monitor]:
        """The monitor of one pass."""
        ...

    def show(self, report: PassReport) -> None:
        """Tell what a pass did."""
        ...


def run(directory: Path, file: JobsFile, attendant: Attendant, actor: str = "") -> None:
    """Run jobs when they are due, until the attendant says that it is enough.

    No worker stays between two passes: there may be a day between them.

    A pass that fails is told of, and the watch goes on. While another process writes to the index,
    its jobs wait.

    Raises:
        JobsError: the jobs file is invalid at the start; later, the jobs stay as they were.
    """
    timetable = Timetable()
    _keep(timetable, file.load(), attendant)
    while not attendant.stopping:
        if file.changed():
            _read_again(file, timetable, attendant)
        due = timetable.take()
        if due:
            _attempt(Session(directory, actor=actor, nice=True), due, timetable, attendant)
        else:
            time.sleep(_TICK)


def _keep(timetable: Timetable, wanted: Sequence[Job], attendant: Attendant) -> None:
    """Go by these jobs from now on, and say when each is due."""
    timetable.replace(wanted)
    for job in wanted:
        if job.schedule is None:
            attendant.say(f"{job.name}: has no schedule; only a plain `imagematch reindex` runs it")
    for job, due in timetable:
        attendant.say(f"{job.name}: next run {_local(due)} ({job.schedule})")


def _local(due: datetime) -> str:
    return f"{due.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _read_again(file: JobsFile, timetable: Timetable, attendant: Attendant) -> None:
    try:
        wanted = file.load()
    except JobsError as error:
        attendant.say(f"Error: {error}. The jobs stay as they were.")
        return
    attendant.say("The jobs file has changed.")
    _keep(timetable, wanted, attendant)


def _attempt(
    session: Session, due: Sequence[Job], timetable: Timetable, attendant: Attendant
) -> None:
    """Run a pass and tell how it went, whatever happens to it."""
    with session, attendant.working() as monitor:
        try:
            report = reindexing.run(session, due, monitor)
        except Stopped as error:
            attendant.say(f"Stopped: {error}")
        except IndexLocked as error:
            timetable.retry(due)
            attendant.say(f"Error: {error} Trying again in {_RETRY.seconds} s.")
        except (ImagematchError, OSError) as error:
            attendant.say(f"Error: {error}. The watch goes on.")
        else:
            attendant.show(report)
