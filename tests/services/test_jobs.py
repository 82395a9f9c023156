"""The jobs file: what it may say, and what each mistake in it is called."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import tzlocal
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import JobsError
from imagematch.services import jobs, schedules
from imagematch.sources.folder_source import FolderSource

WEDNESDAY = datetime(2026, 5, 6, 12, tzinfo=UTC)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "jobs.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_jobs_file_and_have_one_spelling(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    path = written(
        tmp_path / "deep",
        '[[job]]\nname = "a"\nfolder = "../ads/"\nmanifest = "m.csv"\nsite_from_path = true\n',
    )

    assert jobs.load(path) == (
        jobs.Job(
            "a",
            FolderSource(
                tmp_path / "ads",
                tmp_path / "deep" / "m.csv",
                site_from_path=True,
                identifiers=(),
            ),
        ),
    )


def test_the_folder_of_a_job_with_only_a_manifest_is_the_manifests(tmp_path: Path) -> None:
    (job,) = jobs.load(written(tmp_path, '[[job]]\nname = "a"\nmanifest = "in/ads.csv"\n'))

    assert (job.source.folder, job.source.manifest) == (
        tmp_path / "in",
        tmp_path / "in" / "ads.csv",
    )


def test_a_file_from_a_windows_editor_is_read(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_bytes(b"\xef\xbb\xbf[[job]]\r\nname = 'a'\r\nfolder = 'ads'\r\nevery = '6h'\r\n")

    (job,) = jobs.load(path)

    assert job.schedule == schedules.Schedule("6h", timedelta(hours=6))


def test_the_example_in_the_docs_is_a_valid_jobs_file() -> None:
    example = Path(__file__).parents[2] / "docs" / "jobs.example.toml"

    assert {job.gallery for job in jobs.load(example)} == {True, False}


A = '[[job]]\nname = "a"\nfolder = "ads"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no job"),
        ("jobs = 3", "'jobs' is unknown"),
        ("[job]\nname = 'a'", "[[job]]"),
        ("job = [3]", "job 1 is no table"),
        ("[[job]", "can't be read"),
        ('[[job]]\nfolder = "ads"', "job 1 has no name"),
        ('[[job]]\nname = "a"', "job 'a' has no folder"),
        (A + "folders = 3", "job 'a': unknown key 'folders'; known: name, folder"),
        (A + 'gallery = "yes"', "job 'a': gallery is 'yes', but must be true or false"),
        (A + "manifest = 3", "job 'a': manifest is 3, but must be text"),
        (A + 'manifest = " "', "job 'a': manifest is ' ', but must be text that is not empty"),
        (A + "gallery = true", "job 'a': a gallery needs a name"),
        (A + 'every = "6h"\nschedule = "0 3 * * *"', "job 'a' has both"),
        (A + 'every = "6 weeks"', "job 'a': '6 weeks' is no interval"),
        (A + 'every = "0m"', "job 'a': '0m' is no interval"),
        (A + 'schedule = "0 3 * *"', "job 'a': '0 3 * *' is no cron expression: it has 4 fields"),
        (A + 'schedule = "@daily"', "it has 1 field, but needs 5"),
        (A + 'schedule = "61 3 * * *"', "job 'a': '61 3 * * *' is no cron expression: bad minute"),
        (A + 'schedule = "0 3 * * 8"', "bad day-of-week"),
        (A + 'schedule = "0 3 * * moon"', "bad day-of-week"),
        (A + 'schedule = "0 3 * * 5-2"', "bad day-of-week"),
        (A + 'schedule = "0 3 31 2 *"', "job 'a': '0 3 31 2 *' is no cron expression: bad day-of-"),
        (A + 'schedule = "0 3 */30 2 mon#5"', "names a day that never comes"),
        (A + A.replace("ads", "other"), "two jobs are called 'a'"),
        (A + A.replace('"a"', '"b"'), "the jobs 'a' and 'b' both read"),
        (
            A + '[[job]]\nname = "b"\nfolder = "b"\ncollection = "ads"\ngallery = true',
            "'ads' is a gallery in one of the jobs 'a' and 'b'",
        ),
    ],
)
def test_a_mistake_names_the_job_and_what_is_wanted(tmp_path: Path, text: str, words: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(JobsError) as caught:
        jobs.load(path)

    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(JobsError, match=r"there is no jobs file .*--jobs"):
        jobs.load(tmp_path / "jobs.toml")


def test_an_unknown_job_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    known = jobs.load(written(tmp_path, A + A.replace('"a"', '"b"').replace("ads", "more")))

    assert [job.name for job in jobs.select(known, "b")] == ["b"]
    with pytest.raises(JobsError, match="there is no job 'c'; the jobs are a, b"):
        jobs.select(known, "c")


# --- schedules ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0", {6}),
        ("7", {6}),
        ("1", {0}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("1-5", {0, 1, 2, 3, 4}),
        ("fri-sun", {4, 5, 6}),
        ("5-7", {4, 5, 6}),
        ("SAT,2", {5, 1}),
        ("*/3", {6, 2, 5}),
        ("*", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_weekdays_are_counted_as_in_a_crontab(text: str, days: set[int]) -> None:
    schedule = schedules.cron(f"0 3 * * {text}")

    due, seen = WEDNESDAY, set()
    for _ in range(14):
        due = schedule.next(due)
        seen.add(due.weekday())  # 0 is Monday here

    assert seen == days


def test_a_day_and_a_weekday_mean_either_as_in_a_crontab() -> None:
    schedule = schedules.cron("0 3 13 * fri")

    due, found = WEDNESDAY, []
    for _ in range(3):
        due = schedule.next(due)
        found.append((due.month, due.day))

    assert found == [(5, 8), (5, 13), (5, 15)]


@pytest.mark.parametrize(
    ("text", "before", "wanted"),
    [
        # Clocks go from 2:00 to 3:00 on 29 March, and from 3:00 back to 2:00 on 25 October 2026.
        (
            "30 2 * * *",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        (
            "30 2 * * *",
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        (
            "0 * * * *",
            "2026-10-25T01:30+02:00",
            ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"],
        ),
    ],
)
def test_a_nightly_job_runs_once_when_clocks_change_and_an_hourly_one_each_hour(
    monkeypatch: pytest.MonkeyPatch, text: str, before: str, wanted: list[str]
) -> None:
    monkeypatch.setattr(tzlocal, "get_localzone", lambda: ZoneInfo("Europe/Brussels"))
    due, found = datetime.fromisoformat(before), []
    for _ in wanted:
        due = schedules.cron(text).next(due)
        found.append(due.astimezone(UTC))

    assert found == [datetime.fromisoformat(time) for time in wanted]


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    after=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),
)
def test_the_next_time_lies_ahead_and_fits(minute: int, hour: int, after: datetime) -> None:
    schedule = schedules.cron(f"{minute} {hour} * * *")

    due = schedule.next(after.replace(tzinfo=UTC))

    assert due > after.replace(tzinfo=UTC)
    assert schedule.next(due) > due
    assert due.minute == minute


@pytest.mark.parametrize(
    ("text", "seconds"), [("2s", 2), ("30m", 1800), ("6h", 21600), ("1d", 86400), (" 90 m ", 5400)]
)
def test_an_interval_is_added_in_real_time(text: str, seconds: int) -> None:
    schedule = schedules.interval(text)

    assert schedule.next(WEDNESDAY) - WEDNESDAY == timedelta(seconds=seconds)
