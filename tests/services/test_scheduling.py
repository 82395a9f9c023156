"""What is due when, and when the jobs file is read again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagematch.errors import JobsError
from imagematch.services import schedules
from imagematch.services.jobs import Job
from imagematch.services.scheduling import JobsFile, Timetable
from imagematch.sources.folder_source import FolderSource

HOURLY = Job("hourly", FolderSource(Path("/a")), schedule=schedules.interval("1h"))
NIGHTLY = Job("nightly", FolderSource(Path("/b")), schedule=schedules.cron("0 3 * * *"))
BY_HAND = Job("by hand", FolderSource(Path("/c")))


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = datetime(2026, 5, 6, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def wait(self, **span: float) -> None:
        self.time += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timetable(clock: Clock) -> Timetable:
    table = Timetable(clock)
    table.replace([NIGHTLY, HOURLY, BY_HAND])
    return table


def test_an_interval_is_due_at_once_and_then_after_each_interval(
    timetable: Timetable, clock: Clock
) -> None:
    assert timetable.take() == (HOURLY,)
    assert timetable.take() == ()
    clock.wait(minutes=59)
    assert timetable.take() == ()
    clock.wait(minutes=1)
    assert timetable.take() == (HOURLY,)


def test_what_was_missed_while_the_machine_slept_runs_once_in_the_order_of_the_file(
    timetable: Timetable, clock: Clock
) -> None:
    timetable.take()
    clock.wait(days=10)

    assert timetable.take() == (NIGHTLY, HOURLY)
    assert timetable.take() == ()


def test_a_job_without_a_schedule_is_never_due(timetable: Timetable, clock: Clock) -> None:
    assert BY_HAND not in [job for job, _ in timetable]
    clock.wait(days=10)
    assert BY_HAND not in timetable.take()


def test_a_job_that_found_the_index_locked_is_due_again_soon(
    timetable: Timetable, clock: Clock
) -> None:
    timetable.retry(timetable.take())

    assert timetable.take() == ()
    clock.wait(minutes=2)
    assert timetable.take() == (HOURLY,)


def test_a_job_that_stays_as_it_is_keeps_its_time_when_the_file_changes(
    timetable: Timetable, clock: Clock
) -> None:
    timetable.take()
    clock.wait(minutes=30)
    other = Job("other", FolderSource(Path("/d")), schedule=schedules.interval("1d"))

    timetable.replace([HOURLY, other])

    assert timetable.take() == (other,)
    clock.wait(minutes=30)
    assert timetable.take() == (HOURLY,)
    assert [job.name for job, _ in timetable] == ["hourly", "other"]


def test_a_changed_jobs_file_is_noticed_once(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text('[[job]]\nname = "a"\nfolder = "ads"\n')
    file = JobsFile(path, None)

    assert not file.changed()
    with pytest.raises(JobsError, match="no job has a schedule"):
        file.load()
    path.write_text('[[job]]\nname = "a"\nfolder = "ads"\nevery = "1h"\n')
    assert file.changed()
    assert not file.changed()
    assert [job.name for job in file.load()] == ["a"]
