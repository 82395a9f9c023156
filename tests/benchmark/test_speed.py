"""What the speed benchmark measures is what happened, and its parts fit together."""

import math
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmark.speed import (
    bare,
    making,
    memory,
    peers,
    photo_sets,
    plain_loop,
    processes,
    recording,
    step_times,
    throughput,
    unchanged,
)
from benchmark.speed.bare import Tape, Work
from benchmark.speed.measurements import Timed
from imagematch.errors import Stopped, UsageError
from imagematch.records import Floats, FoundFile
from imagematch.runtime.monitor import Unwatched
from imagematch.services import indexing
from imagematch.sources.folder import walk
from imagematch.sources.folder_source import FolderSource
from tests.world import ad_sites, mirrored, photo, save

posix = pytest.mark.skipif(sys.platform == "win32", reason="scripts and times of POSIX")
QUIET = Unwatched()

#: Stands for an interpreter with peers: immaculate works, pdqhash fails, imagehash is not there.
FAKE = """#!/bin/sh
case "$1" in
  -c) echo '{"immaculate": "0.3.0", "pdqhash": "9.9"}' ;;
  -m) sleep 0.05; echo '{"exact": []}' ;;
  *) echo "something" >&2; echo "no such hash" >&2; exit 5 ;;
esac
"""


@pytest.fixture
def environment(tmp_path: Path) -> peers.Environment:
    python = tmp_path / "peers" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(FAKE)
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    return peers.environment(tmp_path / "peers")


@pytest.fixture
def hashes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No preset with a model, to save the time of loading it."""
    monkeypatch.setattr(throughput, "PRESETS", ("hashes",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six photos, one of them twice, and a file that is none."""
    made = ad_sites(tmp_path / "photos", range(6))
    save(mirrored(photo(0)), made / "again.jpg")
    (made / "broken.jpg").write_text("no photo", encoding="utf-8")
    return made


# --- commands ------------------------------------------------------------------------------------


@posix
def test_a_command_is_measured_with_its_children() -> None:
    busy = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); print('x')"
    ran = processes.run([sys.executable, "-c", child], QUIET)
    assert (ran.code, ran.output.strip()) == (0, "x")
    assert ran.seconds >= 0.3
    assert ran.processor >= 0.25
    assert math.isnan(ran.peak)


def test_memory_counts_what_a_child_takes() -> None:
    pytest.importorskip("psutil")
    child = "import time; kept = b'x' * 60_000_000; time.sleep(0.4)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    ran = processes.run([sys.executable, "-c", parent], QUIET, memory=True)
    assert ran.peak > 60_000_000


def test_a_failure_is_told_in_its_own_words() -> None:
    command = [sys.executable, "-c", "import sys; print('why', file=sys.stderr); sys.exit(4)"]
    ran = processes.run(command, QUIET)
    assert (ran.code, ran.said) == (4, "why")
    with pytest.raises(UsageError, match=r"exit code 4: why"):
        processes.checked(ran, command)


def test_without_psutil_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(UsageError, match=r"pip install psutil"):
        processes.require()


# --- peers ---------------------------------------------------------------------------------------


def test_without_an_environment_every_peer_is_missing(tmp_path: Path) -> None:
    for folder in (None, tmp_path, tmp_path / "nowhere"):
        nobody = peers.environment(folder)
        assert {nobody.missing(peer) for peer in peers.all_peers()} == {"not installed"}


@posix
def test_what_is_installed_is_found_with_its_version(environment: peers.Environment) -> None:
    missing = [peer.package for peer in peers.all_peers() if environment.missing(peer)]
    assert missing == ["imagehash"]
    assert environment.versions == {"immaculate": "0.3.0", "pdqhash": "9.9"}


@posix
def test_an_interpreter_that_fails_is_no_environment(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert peers.environment(tmp_path).versions == {}


@pytest.mark.parametrize("package", ["imagehash", "pdqhash"])
def test_a_plain_loop_hashes_what_it_can(
    folder: Path,
    package: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["plain_loop.py", package, str(folder)])
    plain_loop.main()
    assert capsys.readouterr().out == "7 hashed, 1 failed\n"


# --- photos --------------------------------------------------------------------------------------


@given(st.integers(1, 500), st.integers(1, 600))
def test_some_photos_are_spread_over_all(there: int, wanted: int) -> None:
    paths = [f"{number:03}.jpg" for number in range(there)]
    chosen = photo_sets.evenly(paths, wanted)
    assert len(chosen) == min(there, wanted)
    assert chosen == sorted(set(chosen))
    gaps = np.diff([int(path[:3]) for path in chosen])
    assert not len(gaps) or gaps.max() - gaps.min() <= 1


def test_only_photos_are_measured(folder: Path) -> None:
    found = photo_sets.files_of(folder)
    assert len(found) == 7
    assert "broken.jpg" not in found
    with pytest.raises(UsageError, match="none of which can be used"):
        photo_sets.files_of(_only_text(folder.parent / "texts"))


def _only_text(folder: Path) -> Path:
    folder.mkdir()
    (folder / "a.txt").write_text("no photo")
    return folder


def test_large_photos_have_twelve_megapixels_and_the_size_of_a_cameras(
    folder: Path, tmp_path: Path
) -> None:
    upright = save(np.ascontiguousarray(photo(9).transpose(1, 0, 2)), folder / "upright.jpg")
    paths = ["again.jpg", upright.name]
    laid = making.make_large("large", folder, paths, tmp_path / "large", 0, QUIET)
    assert laid.about.count == 2
    assert laid.about.megapixels == pytest.approx(12)
    assert 1 < laid.about.megabytes < 8
    sizes = [Image.open(path).size for path in sorted(laid.folder.iterdir())]
    assert sizes == [(4000, 3000), (3000, 4000)]


@pytest.mark.parametrize("count", [1, 8, 41])
def test_many_photos_are_made_of_few_and_half_are_copies(
    folder: Path, tmp_path: Path, count: int
) -> None:
    paths = photo_sets.files_of(folder)
    made = making.make_many(folder, paths, count, tmp_path / "many", 0, QUIET)
    there = [entry.path for entry in walk(tmp_path / "many") if isinstance(entry, FoundFile)]
    assert len(made) == count
    assert set(made) <= set(there)
    shown = [_thumbnail(tmp_path / "many" / path) for path in made]
    for first, second in zip(shown[::2], shown[1::2], strict=False):
        assert np.abs(first - second).mean() < 4
    for first, second in combinations(shown[::2], 2):
        assert np.abs(first - second).mean() > 8


def _thumbnail(path: Path) -> Floats:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB").resize((32, 32)), np.float32)


# --- the bare kernels ----------------------------------------------------------------------------


def note(folder: Path, tasks: Sequence[int]) -> list[None]:
    """Write each task and the process into a file of its own."""
    for task in tasks:
        (folder / f"{task}-{os.getpid()}").touch()
    return [None] * len(tasks)


@posix
@pytest.mark.parametrize("of", [1, 2, 3])
def test_every_task_is_done_once_whatever_the_number_of_processes(
    tmp_path: Path, of: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    done = tmp_path / "done"
    done.mkdir()
    tape = Tape(None, 4, [Work(partial(note, done), list(range(30))), Work(list, [])])
    command = bare.command(tape.save(tmp_path / "tape"), of)
    subprocess.run(command, check=True, timeout=60)
    tasks, who = zip(*(path.name.split("-") for path in done.iterdir()), strict=True)
    assert sorted(map(int, tasks)) == list(range(30))
    assert len(set(who)) == of


@pytest.mark.slow
def test_what_workers_did_is_noted_and_can_be_done_again(folder: Path, tmp_path: Path) -> None:
    request = indexing.IndexRequest(FolderSource(folder), preset="hashes")
    tape = recording.record(tmp_path / "index", request, QUIET)
    describing, *verifying = tape.work
    assert len(describing.tasks) == 8  # and one of them fails
    assert any(work.tasks for work in verifying)  # the photo that is there twice
    path = tape.save(tmp_path / "tape", first_only=True)
    ran = processes.run(bare.command(path, 2), QUIET)
    assert (ran.code, ran.said) == (0, "")


# --- throughput ----------------------------------------------------------------------------------


@posix
@pytest.mark.slow
@pytest.mark.usefixtures("hashes_only")
def test_contenders_take_turns_and_the_missing_say_so(
    folder: Path, environment: peers.Environment, tmp_path: Path
) -> None:
    (tmp_path / "work").mkdir()
    laid = photo_sets.lay_out("few", folder, photo_sets.files_of(folder), tmp_path / "few")
    measured = throughput.measure(laid, environment, tmp_path / "work", QUIET, rounds=2, workers=2)
    timed = {one.name: one for one in measured.timed}
    ours = timed["imagematch hashes"]
    assert len(ours.seconds) == len(ours.processor) == 2
    assert ours.photos == 7
    assert ours.written > 10_000
    assert ours.peak > 10**7
    assert timed["immaculate pdq"].rate > ours.rate
    assert timed["imagehash pHash, a plain loop"].note == "not installed"
    assert timed["pdqhash, a plain loop"].note == "failed: no such hash"
    assert timed["pdqhash, a plain loop"].seconds == ()
    ratios = {(ratio.of, ratio.to): ratio for ratio in measured.ratios}
    against = ratios["imagematch hashes", "immaculate pdq"]
    assert against.low <= against.value <= against.high
    assert (against.target, against.met) == (0.7, against.value >= 0.7)
    assert ratios["imagematch hashes", "bare kernels of hashes"].target == 0.85


def test_a_ratio_compares_runs_of_one_round() -> None:
    ours = Timed("a", 100, seconds=(1.0, 10.0, 2.0))
    theirs = Timed("b", 100, seconds=(2.0, 20.0, 5.0))
    ratio = throughput.ratio(ours, theirs, 2.2)
    assert (ratio.value, ratio.low, ratio.high, ratio.met) == (2.0, 2.0, 2.5, False)
    missing = throughput.ratio(ours, Timed("c", 100, note="not installed"), 2.2)
    assert math.isnan(missing.value)
    assert missing.met is None


def test_rates_are_those_of_the_median_round() -> None:
    timed = Timed("a", 100, seconds=(1.0, 5.0, 2.0), processor=(4.0, 3.0, 2.0))
    assert (timed.rate, timed.best_rate, timed.each) == (50.0, 100.0, 0.03)


# --- where time goes -----------------------------------------------------------------------------


@pytest.mark.slow
def test_steps_add_up_and_leave_nothing_behind(folder: Path, tmp_path: Path) -> None:
    before = [getattr(owner, name) for owner, name, _ in step_times.TIMED]
    (tmp_path / "work").mkdir()
    others = ad_sites(tmp_path / "others", range(20, 22))
    measured = step_times.measure("hashes", folder, others, tmp_path / "work", QUIET)
    assert [getattr(owner, name) for owner, name, _ in step_times.TIMED] == before
    assert measured.photos == 7
    for step in ("scan", "decode", "PDQ", "quality gate", "keypoints", "compare pairs", "search"):
        assert measured.seconds[step] > 0, step
    assert "embedding" not in measured.seconds
    assert all(seconds >= 0 for seconds in measured.seconds.values())


def test_a_step_inside_another_counts_for_itself_alone() -> None:
    clock = step_times._Clock()

    def work() -> None:
        sum(range(300_000))

    with clock.step("outer"):
        work()
        for _ in range(4):
            with clock.step("inner"):
                work()
    assert clock.spent["inner"] > 1.5 * clock.spent["outer"] > 0


# --- memory and trees ----------------------------------------------------------------------------


@pytest.mark.slow
def test_memory_is_measured_at_sizes_that_quadruple(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psutil")
    monkeypatch.setattr(memory, "_FIRST", 2)
    (tmp_path / "work").mkdir()
    paths = photo_sets.files_of(folder)
    peaks = memory.measure(["hashes"], folder, paths, tmp_path / "work", QUIET)
    assert [peak.photos for peak in peaks] == [2, 7]
    assert all(peak.bytes > 10**7 for peak in peaks)
    (growth,) = memory.growth(peaks)
    assert growth.sizes == (2, 7)


@pytest.mark.parametrize("files", [10, 230])
def test_a_tree_has_as_many_files_and_some_that_can_be_changed_alone(
    tmp_path: Path, files: int
) -> None:
    to_change = list(unchanged.make_tree(tmp_path / "tree", files, QUIET))
    every = list((tmp_path / "tree").rglob("*.png"))
    assert len(every) == files
    assert len(to_change) == max(1, files // 100)
    assert all(path.stat().st_nlink == 1 for path in to_change)
    assert Image.open(every[-1]).size == (8, 8)


@posix
@pytest.mark.slow
def test_looking_again_counts_what_was_changed(tmp_path: Path) -> None:
    pytest.importorskip("psutil")
    measured = unchanged.measure(120, 2, tmp_path, QUIET)
    assert [(one.what, one.changed) for one in measured.passes] == [
        ("unchanged", 0),
        ("renamed", 1),
        ("touched", 1),
    ]
    assert all(len(one.seconds) == 2 for one in measured.passes)
    assert measured.first > 0
    assert measured.peak > 10**7
    if measured.find:
        assert measured.ratio > 1


class _Stopping(Unwatched):
    """Somebody asked to stop."""

    def check(self) -> None:
        raise Stopped("on request")


def test_a_wish_to_stop_is_heard_between_two_commands() -> None:
    with pytest.raises(Stopped):
        processes.run([sys.executable, "-c", ""], _Stopping())
