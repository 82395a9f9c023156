"""A real watch, from its start to SIGTERM."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from imagematch.errors import IndexLocked
from imagematch.stores.lock import write_lock
from tests.services.jobs_folder import hashes_index, photo

JOB = '[[job]]\nname = "ads"\nfolder = "ads"\nsite_from_path = true\nevery = "1s"\n'


@contextmanager
def watch(base: Path, *arguments: str) -> Iterator[psutil.Popen]:
    """A running `imagematch reindex --watch`; its messages are in watch.err."""
    with (base / "watch.err").open("w") as messages:
        process = psutil.Popen(
            [sys.executable, "-m", "imagematch.cli", "reindex", "--watch", *arguments],
            cwd=base,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "IMAGEMATCH_INDEX": str(base / "index"),
            },
            stdout=subprocess.DEVNULL,
            stderr=messages,
        )
        try:
            yield process
        finally:
            if process.poll() is None:  # the test has failed; workers die with their parent
                process.kill()
                process.wait()


def wait_for[T](probe: Callable[[], T], seconds: float = 60) -> T:
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.05)
    return found


def stop(process: psutil.Popen) -> int:
    """Send SIGTERM; returns the exit status, and fails if a child lives on."""
    children = process.children(recursive=True)
    process.send_signal(signal.SIGTERM)
    status = process.wait(60)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive
    return int(status)


def reports(base: Path) -> list[dict[str, Any]]:
    paths = sorted((base / "index/reports").glob("20*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def messages(base: Path) -> str:
    return (base / "watch.err").read_text()


@pytest.fixture
def base(tmp_path: Path) -> Path:
    photo(tmp_path / "ads/s1/anna/1.jpg", 1)
    photo(tmp_path / "ads/s2/bella/2.jpg", 2)
    (tmp_path / "jobs.toml").write_text(JOB)
    hashes_index(tmp_path / "index")
    return tmp_path


posix_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")


@pytest.mark.slow
@posix_signals
def test_a_watch_picks_up_files_and_jobs_and_ends_cleanly_on_sigterm(base: Path) -> None:
    with watch(base) as process:
        wait_for(lambda: len(reports(base)) >= 2)
        photo(base / "incoming.jpg", 1, quality=60)
        (base / "ads/s2/bella").joinpath("new.jpg").write_bytes(
            (base / "incoming.jpg").read_bytes()
        )
        wait_for(lambda: any(report["matches"] for report in reports(base)))

        (base / "jobs.toml").write_text("[[job]")
        wait_for(lambda: "The jobs stay as they were" in messages(base))
        (base / "jobs.toml").write_text(JOB.replace('"ads"\nf', '"renamed"\nf'))
        wait_for(lambda: reports(base)[-1]["jobs"][0]["name"] == "renamed")

        assert stop(process) == 0

    assert sum(len(report["matches"]) for report in reports(base)) == 1
    assert "ads: next run" in messages(base)
    assert "The watch has ended." in messages(base)


@pytest.mark.slow
@posix_signals
def test_sigterm_in_the_middle_of_a_pass_leaves_no_worker_and_loses_nothing(base: Path) -> None:
    for number in range(3, 300):
        photo(base / f"ads/s1/anna/{number}.jpg", number)
    with watch(base) as process:
        wait_for(lambda: process.children(recursive=True))  # a worker: photos are being described
        assert stop(process) == 0
    assert not reports(base)

    with watch(base) as process:
        wait_for(lambda: reports(base))
        assert stop(process) == 0
    (job,) = reports(base)[0]["jobs"]
    assert (job["seen"], job["failed"]) == (299, 0)


@pytest.mark.slow
@posix_signals
def test_a_watch_outlives_a_job_that_fails_and_an_index_that_is_locked(base: Path) -> None:
    (base / "ads").rename(base / "unplugged")
    with watch(base) as process:
        wait_for(lambda: "Job ads failed" in messages(base))
        (base / "unplugged").rename(base / "ads")
        wait_for(lambda: reports(base)[-1]["jobs"][0]["status"] == "ok")

        wait_for(lambda: _locked_out(base))
        assert process.is_running()
        assert stop(process) == 0


def _locked_out(base: Path) -> bool:
    """Hold the index for a while, unless the watch holds it now; whether the watch said so."""
    try:
        with write_lock(base / "index", "a test"):
            wait_for(lambda: "Trying again" in messages(base))
    except IndexLocked:
        return False
    return f"process {os.getpid()}" in messages(base)
