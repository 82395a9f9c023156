"""What goes wrong ends with the right exit code, a message with the next step, and no traceback."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from imagematch.settings import DescribeSettings
from imagematch.stores.lock import write_lock
from tests.conftest import CommandLine, Ran, World
from tests.contents import contents, differences
from tests.world import ad_sites, mirrored, photo, save


def expect(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


def test_no_command_shows_the_help(imagematch: CommandLine) -> None:
    expect(imagematch(), 2)
    helped = imagematch("--help")
    assert (helped.code, "Usage:" in helped.out) == (0, True)


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("index",),
        ("query",),
        ("query", "x.jpg", "--top", "0"),
        ("query", "x.jpg", "--min-confidence", "1.5"),
        ("query", "x.jpg", "--json", "--jsonl"),
        ("index", ".", "--preset", "nonsense"),
    ],
)
def test_a_wrong_call_is_usage(imagematch: CommandLine, words: tuple[str, ...]) -> None:
    expect(imagematch(*words), 2, "Error")


@pytest.mark.parametrize(
    "words",
    [("query", "x.jpg"), ("link",), ("gallery", "list"), ("gallery", "remove", "x"), ("status",)],
)
def test_a_missing_index_says_how_to_make_one(
    imagematch: CommandLine, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ran = imagematch(*words, "--index", tmp_path / "nowhere")
    expect(ran, 3, "there is no index in", "imagematch index FOLDER")
    assert not (tmp_path / "nowhere").exists()


def test_a_missing_folder_is_named_and_leaves_no_index(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ran = imagematch("index", tmp_path / "nowhere", "--index", tmp_path / "index")
    expect(ran, 3, str(tmp_path / "nowhere"), "check the path")
    assert not (tmp_path / "index").exists()


def test_a_file_in_place_of_a_folder_is_usage(imagematch: CommandLine, tmp_path: Path) -> None:
    file = save(photo(1), tmp_path / "photo.jpg")
    expect(imagematch("index", file, "--index", tmp_path / "index"), 2, "is not a folder")
    assert not (tmp_path / "index").exists()


def test_an_index_that_can_not_be_made_is_named(imagematch: CommandLine, tmp_path: Path) -> None:
    ads, file = ad_sites(tmp_path / "ads", range(1)), tmp_path / "file"
    file.write_text("a file")
    for place in (file, file / "below"):
        ran = imagematch("index", ads, "--index", place, "--preset", "hashes")
        assert ran.code in (2, 3)
        expect(ran, ran.code, str(place))
    assert file.read_text() == "a file"


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that even root can't fill")
def test_a_folder_that_may_not_be_written_to_is_named(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ads = ad_sites(tmp_path / "ads", range(1))
    expect(imagematch("index", ads, "--index", "/proc/index", "--preset", "hashes"), 3, "/proc/")


def test_broken_settings_are_named(imagematch: CommandLine, tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(1))
    (tmp_path / "index").mkdir()
    for text in ("no toml [", "[describe]\npresett = 1\n", '[store]\nbatch = "many"\n'):
        (tmp_path / "index" / "settings.toml").write_text(text)
        expect(imagematch("index", ads, "--index", tmp_path / "index"), 2, "settings.toml")


def test_a_broken_manifest_is_usage(imagematch: CommandLine, tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(1))
    (tmp_path / "ads.csv").write_text("name,site\nx,y\n")
    for manifest in (tmp_path / "ads.csv", tmp_path / "nowhere.csv"):
        words = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes")
        expect(imagematch(*words, "--manifest", manifest), 2, str(manifest))


def test_a_manifest_with_bad_rows_ends_with_one(imagematch: CommandLine, tmp_path: Path) -> None:
    ads = ad_sites(tmp_path / "ads", range(1))
    (tmp_path / "ads.csv").write_text(
        "path,site\nsite0/profile0/0.jpg,x\n../out.jpg,x\ngone.jpg,x\n"
    )
    words = ("index", ads, "--index", tmp_path / "index", "--preset", "hashes")
    ran = imagematch(*words, "--manifest", tmp_path / "ads.csv")
    expect(ran, 1, "bad_row, line 3", "row_without_file, line 4")


def test_another_preset_is_refused_with_the_way_out(imagematch: CommandLine, world: World) -> None:
    ran = imagematch("index", world.ads, "--index", world.index, "--preset", "balanced")
    expect(ran, 2, "--redescribe", "hashes", "balanced")


def test_missing_weights_are_named_with_what_still_works(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ads, index = ad_sites(tmp_path / "ads", range(1)), tmp_path / "index"
    index.mkdir()
    settings = index / "settings.toml"
    settings.write_text(f"[describe]\nmodel = '{tmp_path / 'weights.onnx'}'\n")
    expect(imagematch("index", ads, "--index", index), 2, "weights.onnx", "hashes")
    (tmp_path / "weights.onnx").write_bytes(b"other weights")
    settings.write_text(
        f"[describe]\nmodel = '{tmp_path / 'weights.onnx'}'\nmodel_sha256 = '{'0' * 64}'\n"
    )
    expect(imagematch("index", ads, "--index", index), 2, "SHA-256", "hashes")
    assert DescribeSettings().model == ""
    assert imagematch("index", ads, "--index", index, "--preset", "hashes").code == 0


def test_a_locked_index_names_the_holder_and_can_still_be_read(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    ads, index = ad_sites(tmp_path / "ads", range(2)), tmp_path / "index"
    assert imagematch("index", ads, "--index", index, "--preset", "hashes").code == 0
    with write_lock(index, "imagematch index somewhere"):
        for words in (("index", ads), ("gallery", "add", "x", ads), ("gallery", "remove", "x")):
            ran = imagematch(*words, "--index", index)
            expect(ran, 3, f"process {os.getpid()}", "imagematch index somewhere")
        query = ads / "site0" / "profile0" / "0.jpg"
        assert imagematch("query", query, "--index", index).code == 0
        assert imagematch("link", "--index", index).code == 0
    assert imagematch("index", ads, "--index", index).code == 0


@pytest.mark.parametrize("damage", ["cut", "gone", "catalogue"])
def test_a_damaged_index_is_named(
    imagematch: CommandLine, world: World, tmp_path: Path, damage: str
) -> None:
    index = tmp_path / "index"
    shutil.copytree(world.index, index)
    shard = max((index / "vectors" / "pdq").glob("*.npy"))
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-7])
    elif damage == "gone":
        shard.unlink()
    else:
        (index / "catalogue.sqlite").write_bytes(b"\0" * 5000)
    ran = imagematch("query", world.ads / "site0", "--index", index)
    expect(ran, 3, "catalogue.sqlite" if damage == "catalogue" else shard.name, "doctor")


# --- signals and full disks, in a process of its own --------------------------------------------

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "imagematch.cli", *map(str, words)]


def slow_index(tmp_path: Path) -> tuple[str | Path, ...]:
    """The words of a run that takes a while: many small batches, one worker."""
    ads = ad_sites(tmp_path / "ads", range(60))
    for seed in range(0, 60, 6):
        save(mirrored(photo(seed)), ads / "site9" / f"again{seed}" / "x.jpg")
    for index in (tmp_path / "index", tmp_path / "reference"):
        index.mkdir()
        (index / "settings.toml").write_text(
            "[store]\nbatch = 2\n[workers]\ncount = 1\nchunk = 1\n"
        )
    return "index", ads, "--site-from-path", "--preset", "hashes", "--index"


@contextmanager
def stopped_while(
    words: tuple[str | Path, ...], ready: Callable[[], bool], number: int
) -> Iterator["subprocess.Popen[str]"]:
    """Start a command, and send it a signal as soon as it is where we want it."""
    with subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not ready():
            assert process.poll() is None, "it ended too soon"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        yield process
        assert not psutil.wait_procs(children, timeout=20)[1]


@needs_posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_asked_to_stop_says_how_to_go_on_and_does(
    imagematch: CommandLine, tmp_path: Path, number: int
) -> None:
    words, index = slow_index(tmp_path), tmp_path / "index"

    def describing() -> bool:
        return len(list((index / "vectors" / "pdq").glob("*.npy"))) > 4

    with stopped_while((*words, index), describing, number) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again to go on" in err
    assert "Traceback" not in err
    assert imagematch(*words, index).code == 0
    assert imagematch(*words, tmp_path / "reference").code == 0
    assert differences(contents(index), contents(tmp_path / "reference")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB, for those who may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1000k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        done = False
    if not done:
        pytest.skip("this user can't mount a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_is_said_plainly_and_the_next_run_completes(
    imagematch: CommandLine, tmp_path: Path, small_disk: Path
) -> None:
    words, index = slow_index(tmp_path), small_disk / "index"
    shutil.copytree(tmp_path / "index", index)
    expect(imagematch(*words, index), 3, "room", "free some space")
    grow = ["mount", "-o", "remount,size=100m", str(small_disk)]
    subprocess.run(grow, check=True)
    assert imagematch(*words, index).code == 0
    assert imagematch(*words, tmp_path / "reference").code == 0
    assert differences(contents(index), contents(tmp_path / "reference")) == []


@needs_posix
def test_of_two_runs_at_once_the_second_is_told_about_the_first(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    words, index = slow_index(tmp_path), tmp_path / "index"
    with subprocess.Popen(command(*words, index), stderr=subprocess.DEVNULL) as first:
        deadline = time.monotonic() + 60
        while not (index / ".lock.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        second = imagematch(*words, index)
        assert first.wait(120) == 0
    expect(second, 3, f"process {first.pid}", "wait for it or stop it")
