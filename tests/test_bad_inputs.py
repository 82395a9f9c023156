"""Fuzzed, odd and broken files: a run ends, accounts for all of them, and leaves no worker."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from imagematch.records import FAILURE_CODES, QueryOptions
from imagematch.runtime.monitor import Unwatched
from imagematch.services.indexing import IndexRequest
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.census import Census
from imagematch.stores.index import Index
from imagematch.stores.schema import SKIPPED
from tests import recipes
from tests.contents import contents
from tests.processes import expect_nobody_left, marked_environment, new_mark

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]

#: MiB, resident, of the process that keeps the index and two workers together. This test has
#: measured 485.
_MEMORY_MIB = 1536


class MemoryWatch:
    """Samples the memory of a process and its children until the process ends."""

    def __init__(self, pid: int) -> None:
        self.peak_mib = 0.0
        self._process = psutil.Process(pid)
        self._thread = threading.Thread(target=self._sample)
        self._over = threading.Event()

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.1):
            total = 0
            try:
                for process in [self._process, *self._process.children(recursive=True)]:
                    total += process.memory_info().rss
            except psutil.Error:
                continue  # one of them ended meanwhile
            self.peak_mib = max(self.peak_mib, total / 2**20)


def test_a_folder_of_broken_files_is_accounted_for_to_the_last(
    shared_data: Path, tmp_path: Path
) -> None:
    folder, index = shared_data / "bad_inputs", tmp_path / "index"
    index.mkdir()
    (index / "settings.toml").write_text("[workers]\ncount = 2\n")
    command = [sys.executable, "-m", "imagematch.cli", "index", str(folder)]
    command += ["--index", str(index), "--preset", "hashes", "--json"]
    mark = new_mark()
    with (
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=marked_environment(mark),
        ) as process,
        MemoryWatch(process.pid) as memory,
    ):
        out, err = process.communicate(timeout=540)
    counts = json.loads(out)
    assert process.returncode == 1
    assert counts["seen"] == sum(1 for path in folder.rglob("*") if path.is_file()) == 2509
    accounted = ("described", "known", "skipped", "failed")
    assert counts["seen"] == sum(counts[part] for part in accounted)
    assert 0 < counts["skipped"] < 200  # texts, sounds and data without a picture's name
    assert counts["failed"] > 500
    assert memory.peak_mib < _MEMORY_MIB
    # The list is cut short; libtiff and its like must not write there at all.
    assert len(err.splitlines()) < 40
    assert f"{counts['failed']:,} failed:" in err
    expect_nobody_left(mark)
    _expect_reasons(index)


def _expect_reasons(index: Path) -> None:
    """Every file has a fingerprint or a reason in plain words."""
    said = contents(index)
    photos = {photo["sha256"]: photo for photo in said["photos"]}
    for file in said["files"]:
        photo = photos.get(file["sha256"], file)
        if photo.get("state") == "described":
            continue
        code, message = file["code"] or photo["code"], file["message"] or photo["message"]
        if code == SKIPPED:
            continue
        assert code in FAILURE_CODES, file
        assert code != "internal", (file["path"], message)
        assert message, file
        assert "Error" not in message, (file["path"], message)
        assert len(message) < 300, (file["path"], message)
    with Index.read(index) as opened:
        assert Census(opened.catalogue).internal() == (0, 0)
        assert opened.photos.counts()["pending"] == 0
        assert opened.compare(repair=False) == []


def test_files_that_once_ended_a_run_are_no_errors_of_imagematch(
    shared_data: Path, tmp_path: Path
) -> None:
    """Those found in use and in public reports, indexed and looked up with the default model."""
    folder = shared_data / "found"
    if not folder.is_dir():
        pytest.skip(f"there are no files in {folder}")
    index = tmp_path / "index"
    report = recipes.index_folder(index, IndexRequest(FolderSource(folder)), Unwatched())
    assert report.described > 0
    with Index.read(index) as opened:
        census = Census(opened.catalogue)
        internal = [file for file in census.failed_files() if file.failure.code == "internal"]
        assert internal == []
        assert list(census.failed_pairs()) == []
    asked = [str(path) for path in sorted((folder / "runs").iterdir())]
    for result in recipes.query_photos(index, asked, QueryOptions(), Unwatched()):
        assert result.failure is None or result.failure.code != "internal", result
