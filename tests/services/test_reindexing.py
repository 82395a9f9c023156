"""A pass over jobs: what it tells apart, what it reports as new, and what stops it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagematch.errors import Stopped
from imagematch.runtime.monitor import Unwatched
from imagematch.services import jobs
from imagematch.services.reindexing import PassReport
from imagematch.stores import lock
from imagematch.stores.catalogue import Catalogue
from tests import recipes
from tests.conftest import CommandLine
from tests.services.jobs_folder import hashes_index, photo

JOB = '[[job]]\nname = "nightly"\nfolder = "ads"\nsite_from_path = true\n'


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Two profiles that share one photo, a jobs file and a place for the index."""
    photo(tmp_path / "ads/s1/anna/1.jpg", 1)
    photo(tmp_path / "ads/s1/anna/2.jpg", 2)
    photo(tmp_path / "ads/s2/bella/1.jpg", 1, quality=70)
    photo(tmp_path / "ads/s2/bella/3.jpg", 3)
    (tmp_path / "jobs.toml").write_text(JOB)
    hashes_index(tmp_path / "index")
    return tmp_path


def reindexed(base: Path, monitor: Unwatched | None = None) -> PassReport:
    found = jobs.load(base / "jobs.toml")
    return recipes.reindex(base / "index", found, monitor or Unwatched())


def command(base: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imagematch.cli", "reindex", "--index", "index", *arguments],
        cwd=base,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def files(base: Path) -> dict[tuple[str, str], str | None]:
    """Path and state of all files that the catalogue remembers, with when they were last seen."""
    with sqlite3.connect(base / "index/catalogue.sqlite") as connection:
        rows = connection.execute("SELECT path, state, last_seen FROM files").fetchall()
    connection.close()
    return {(path, state): last_seen for path, state, last_seen in rows}


def shown(report: PassReport) -> list[set[str]]:
    """The pairs of paths in the JSON report of a pass."""
    data = json.loads(report.json_path.read_text(encoding="utf-8"))
    return [{pair["left"]["path"], pair["right"]["path"]} for pair in data["matches"]]


# --- what a pass tells apart -------------------------------------------------------------------


def test_new_changed_moved_and_vanished_files_are_told_apart_and_keep_their_history(
    base: Path,
) -> None:
    reindexed(base)
    photo(base / "ads/s1/anna/4.jpg", 4)
    photo(base / "ads/s1/anna/2.jpg", 20)
    (base / "ads/s2/bella/3.jpg").rename(base / "ads/s2/bella/three.jpg")
    (base / "ads/s2/bella/1.jpg").unlink()

    (job,) = reindexed(base).outcomes

    assert job.report is not None
    assert (job.report.new, job.report.changed, job.report.moved, job.report.vanished) == (
        1,
        1,
        1,
        1,
    )
    remembered = files(base)
    assert set(remembered) == {
        ("s1/anna/1.jpg", "present"),
        ("s1/anna/2.jpg", "present"),
        ("s1/anna/2.jpg", "replaced"),
        ("s1/anna/4.jpg", "present"),
        ("s2/bella/1.jpg", "vanished"),
        ("s2/bella/three.jpg", "present"),
    }
    assert remembered["s2/bella/1.jpg", "vanished"]
    assert remembered["s1/anna/2.jpg", "replaced"]


def test_a_second_pass_does_nothing(base: Path) -> None:
    reindexed(base)

    again = reindexed(base)

    assert again.new_matches == 0
    assert again.html_path is None
    (job,) = again.outcomes
    assert job.report is not None
    assert (job.report.known, job.report.described, job.report.matches) == (4, 0, 0)


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
def test_an_unplugged_drive_stops_its_job_and_marks_nothing_as_gone(base: Path, left: str) -> None:
    (base / "jobs.toml").write_text(JOB + '[[job]]\nname = "other"\nfolder = "more"\n')
    photo(base / "more/5.jpg", 5)
    reindexed(base)
    before = files(base)
    shutil.rmtree(base / "ads")
    if left == "an empty folder":
        (base / "ads").mkdir()

    nightly, other = reindexed(base).outcomes

    assert nightly.report is None
    assert str(base / "ads") in nightly.error
    assert other.report is not None
    assert files(base) == before


def test_a_mostly_empty_folder_stops_its_job_until_a_person_allows_the_loss(base: Path) -> None:
    for number in range(10, 20):
        photo(base / f"ads/s1/anna/{number}.jpg", number)
    reindexed(base)
    before = files(base)
    for number in range(10, 20):
        (base / f"ads/s1/anna/{number}.jpg").unlink()

    stopped = command(base, "--json")

    assert stopped.returncode == 1
    (job,) = json.loads(stopped.stdout)["jobs"]
    assert job["status"] == "failed"
    assert "10 of the 14 files known" in job["error"]
    assert files(base) == before

    allowed = command(base, "--json", "--job", "nightly", "--allow-lost")

    assert allowed.returncode == 0
    assert json.loads(allowed.stdout)["jobs"][0]["vanished"] == 10


def test_a_bad_manifest_fails_its_job_and_no_other(base: Path) -> None:
    text = JOB + 'manifest = "ads.csv"\n[[job]]\nname = "other"\nfolder = "more"\n'
    (base / "jobs.toml").write_text(text)
    (base / "ads.csv").write_text("a,b\n1,2\n")
    photo(base / "more/5.jpg", 5)

    nightly, other = reindexed(base).outcomes

    assert "ads.csv" in nightly.error
    assert other.report is not None
    assert other.report.described == 1


# --- news --------------------------------------------------------------------------------------


def test_a_match_is_reported_by_the_first_pass_that_could_and_by_no_other(base: Path) -> None:
    first = reindexed(base)
    second = reindexed(base)
    photo(base / "ads/s3/cleo/2.jpg", 2, quality=60)
    third = reindexed(base)

    assert shown(first) == [{"s1/anna/1.jpg", "s2/bella/1.jpg"}]
    assert shown(second) == []
    assert shown(third) == [{"s1/anna/2.jpg", "s3/cleo/2.jpg"}]
    assert third.html_path is not None
    assert "s3/cleo/2.jpg" in third.html_path.read_text(encoding="utf-8")
    latest = base / "index/reports/latest.html"
    assert latest.read_bytes() == third.html_path.read_bytes()


def test_the_same_bytes_at_another_profile_are_news(base: Path) -> None:
    reindexed(base)
    (base / "ads/s3/cleo").mkdir(parents=True)
    shutil.copy(base / "ads/s1/anna/2.jpg", base / "ads/s3/cleo/x.jpg")

    assert shown(reindexed(base)) == [{"s1/anna/2.jpg", "s3/cleo/x.jpg"}]


def test_a_match_with_a_gallery_is_news(base: Path) -> None:
    reindexed(base)
    gallery = '[[job]]\nname = "refs"\nfolder = "refs"\ncollection = "missing"\ngallery = true\n'
    (base / "jobs.toml").write_text(JOB + gallery)
    photo(base / "refs/r.jpg", 3, quality=50)

    assert shown(reindexed(base)) == [{"r.jpg", "s2/bella/3.jpg"}]


class _StopsAt(Unwatched):
    """A monitor that stops a pass at the first check within a stage."""

    def __init__(self, stage: str) -> None:
        self._wanted, self._stage = stage, ""

    def stage(self, name: str, total: int | None) -> None:
        del total
        self._stage = name

    def check(self) -> None:
        if self._stage == self._wanted:
            raise Stopped("for the test")


def test_what_a_stopped_pass_found_is_in_the_next_report(base: Path) -> None:
    with pytest.raises(Stopped):
        reindexed(base, _StopsAt("verify"))

    assert shown(reindexed(base)) == [{"s1/anna/1.jpg", "s2/bella/1.jpg"}]


def test_news_is_repeated_and_not_lost_when_a_pass_dies_while_it_reports(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Catalogue, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            reindexed(base)
    written = list((base / "index/reports").glob("20*.json"))

    again = reindexed(base)

    assert len(written) == 1
    assert again.json_path not in written
    assert shown(again) == [{"s1/anna/1.jpg", "s2/bella/1.jpg"}]


# --- one at a time -----------------------------------------------------------------------------


class _Meddler(Unwatched):
    """A monitor that starts a second pass while the first one is at work."""

    def __init__(self, base: Path) -> None:
        self._world = base
        self.second: subprocess.CompletedProcess[str] | None = None
        self.holders: list[str | None] = []

    def stage(self, name: str, total: int | None) -> None:
        del total
        self.holders.append(lock.holder(self._world / "index"))
        if name == "describe" and self.second is None:
            self.second = command(self._world)


def test_of_two_passes_at_once_the_second_names_the_first_and_exits_3(base: Path) -> None:
    (base / "jobs.toml").write_text(JOB + '[[job]]\nname = "other"\nfolder = "more"\n')
    photo(base / "more/5.jpg", 5)
    meddler = _Meddler(base)

    report = reindexed(base, meddler)

    assert meddler.second is not None
    assert meddler.second.returncode == 3
    assert f"process {os.getpid()}" in meddler.second.stderr
    assert "imagematch reindex" in meddler.second.stderr
    assert all(job.report for job in report.outcomes)
    assert None not in meddler.holders  # from the first job to the last


# --- the command -------------------------------------------------------------------------------


def test_the_command_prints_one_object_with_all_jobs(base: Path) -> None:
    (base / "jobs.toml").write_text(JOB + '[[job]]\nname = "gone"\nfolder = "nowhere"\n')

    done = command(base, "--json")

    assert done.returncode == 1
    data = json.loads(done.stdout)
    assert [(job["name"], job["status"]) for job in data["jobs"]] == [
        ("nightly", "ok"),
        ("gone", "failed"),
    ]
    counts = data["jobs"][0]
    assert counts["seen"] == (
        counts["described"] + counts["known"] + counts["skipped"] + counts["failed"]
    )
    assert data["new_matches"] == 1
    assert (base / data["report"]).is_file()
    assert "nowhere" in done.stderr


def test_the_jobs_file_in_the_index_directory_comes_first(base: Path) -> None:
    text = '[[job]]\nname = "inner"\nfolder = "../ads"\nsite_from_path = true\n'
    (base / "index/jobs.toml").write_text(text)

    done = command(base)

    assert done.returncode == 0, done.stderr
    assert "inner: 4 files seen" in done.stdout
    assert "4 new, 0 changed, 0 moved, 0 vanished" in done.stdout
    assert "1 new match since the last report" in done.stdout


def test_a_folder_is_one_root_however_it_is_spelled(base: Path) -> None:
    reindexed(base)
    (base / "deep").mkdir()

    text = JOB.replace('"ads"', '"deep/../ads"')
    (base / "jobs.toml").write_text(text)
    (job,) = reindexed(base).outcomes

    assert job.report is not None
    assert job.report.new == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--job", "weekly"), "there is no job 'weekly'; the jobs are nightly"),
        (("--jobs", "none.toml"), "there is no jobs file none.toml"),
        (("--watch",), "no job has a schedule"),
        (("--allow-lost",), "--allow-lost needs --job"),
        (("--watch", "--allow-lost"), "not for --watch"),
    ],
)
def test_a_wrong_call_exits_2_and_says_what_is_wanted(
    base: Path,
    arguments: tuple[str, ...],
    words: str,
    imagematch: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(base)

    done = imagematch("reindex", "--index", "index", *arguments)

    assert done.code == 2
    assert words in done.err


def test_clusters_that_changed_are_told_of_once(base: Path) -> None:
    def told(report: PassReport) -> list[tuple[str, str, int]]:
        data = json.loads(report.json_path.read_text(encoding="utf-8"))
        assert len(data["clusters"]) == len(report.changed)
        return [(each["what"], each["id"], len(each["profiles"])) for each in data["clusters"]]

    first = reindexed(base)
    assert told(first) == [("new", "C1", 2)]
    photo(base / "ads/s3/clara/1.jpg", 1, quality=60)
    grown = reindexed(base)
    assert told(grown) == [("grew", "C1", 1)]
    assert grown.html_path is not None
    page = grown.html_path.read_text(encoding="utf-8")
    assert "C1 grew by 1 profile" in page
    assert "s3/clara" in page
    assert told(reindexed(base)) == []
