"""Runs that are killed at any moment: what the next run completes is as if nothing had happened.

The command line runs in a process of its own, which is killed after a random time (from a fixed
seed), again and again, until a run gets to its end. Batches are tiny, so that there are many
commits to be killed between. Then the index must say what one says that was never disturbed.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from benchmark.copies import edits
from tests.contents import contents, differences, progress
from tests.processes import expect_nobody_left, marked_environment, new_mark
from tests.world import ad_sites, photo, reposted, save

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="sends signals as POSIX has them"),
]

#: Commits after every few photos and pairs; nothing else is changed.
_MAIN = """
from imagematch.stages import search, verify
search.BATCH = verify._BATCH = 5
from imagematch.cli import main
main()
"""
_SETTINGS = """
[store]
batch = 4
merge_shards = 3
[workers]
count = 2
chunk = 1
"""

#: How a run ends. In the order of cruelty: the whole group at once, as by the OOM killer or a
#: power cut; only the process that keeps the index; one worker; and the polite requests.
_WAYS = ("group", "group", "parent", "parent", "worker", "term", "int")


@dataclass(slots=True)
class Killer:
    """Runs commands on one index and kills them.

    Attributes:
        longest: seconds that an undisturbed run takes, about.
        kills: how many runs were ended before their time.
        moments: how far the index had come at the kills.
    """

    index: Path
    longest: float
    dice: random.Random
    kills: int = 0
    moments: set[tuple[int, ...]] = field(default_factory=set)
    mark: str = field(default_factory=new_mark)

    def until_done(self, *words: str | Path, done: tuple[int, ...] = (0, 1)) -> None:
        """Run a command until it gets to its end, killing it before that some times."""
        for attempt in range(200):
            # Later attempts get more time, or a long last step would never be over.
            longest = self.longest * (1.0 + attempt / 10)
            if self.one(*words, seconds=self.dice.uniform(0.15, longest)) in done:
                return
        pytest.fail("200 runs were killed, and none got to its end")

    def one(self, *words: str | Path, seconds: float) -> int | None:
        """Run a command for a while; its exit code if it ended by itself, else None."""
        process = self._started(*words)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._end(process, self.dice.choice(_WAYS))
            code = process.wait(60)
        expect_nobody_left(self.mark)
        if code in (0, 1, 2):
            said = self._said.read_text(errors="replace")
            assert "Traceback" not in said, said  # Python, too, ends with 1
            return code
        assert code in (130, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT), code
        self.kills += 1
        self.moments.add(progress(self.index))
        return None

    def _started(self, *words: str | Path) -> "subprocess.Popen[bytes]":
        with self._said.open("wb") as said:
            return subprocess.Popen(
                [sys.executable, "-c", _MAIN, *map(str, words), "--index", str(self.index)],
                env=marked_environment(self.mark),
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )

    @property
    def _said(self) -> Path:
        return self.index.with_suffix(".stderr")

    def _end(self, process: "subprocess.Popen[bytes]", way: str) -> None:
        if way == "worker":
            # The run goes on with another worker, and has to come to the same result.
            for worker in psutil.Process(process.pid).children()[:1]:
                worker.kill()
            time.sleep(self.dice.uniform(0, 0.5))
            way = "parent"
        number = {"term": signal.SIGTERM, "int": signal.SIGINT}.get(way, signal.SIGKILL)
        if way == "group":
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def photos(folder: Path, count: int) -> Path:
    """Photos with planted copies, a byte-identical one, flat ones and files that fail."""
    ad_sites(folder, range(count))
    for seed in range(0, count, 4):
        again = reposted(photo(seed), seed)
        save(again, folder / "site8" / f"copies{seed % 3}" / f"{seed}.jpg")
        small = edits.recompress(photo(seed), None, 0.7)  # type: ignore[arg-type]  # draws nothing
        save(small, folder / "site9" / f"copies{seed % 5}" / f"{seed}.png")
    same = folder / "site0" / "profile0" / "0.jpg"
    shutil.copy(same, folder / "site9" / "copies0" / "same bytes.jpg")
    save(photo(0) // 255, folder / "site9" / "copies0" / "blank.png")
    (folder / "site9" / "copies0" / "empty.jpg").write_bytes(b"")
    (folder / "site9" / "copies0" / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    return folder


def undisturbed(index: Path, *commands: tuple[str | Path, ...]) -> float:
    """Run commands on an index to their ends; returns the seconds of the longest."""
    longest = 0.0
    for words in commands:
        start = time.monotonic()
        command = [sys.executable, "-c", _MAIN, *map(str, words), "--index", str(index)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        longest = max(longest, time.monotonic() - start)
    return longest


def prepared(index: Path) -> Path:
    """An empty folder for an index, with settings that wait in it."""
    shutil.rmtree(index, ignore_errors=True)
    index.mkdir()
    (index / "settings.toml").write_text(_SETTINGS)
    return index


def expect_same(index: Path, reference: Path) -> None:
    assert differences(contents(index), contents(reference)) == []
    left = [path for path in index.rglob("*") if ".partial" in path.name or ".new" in path.name]
    assert left == []


type Round = Callable[[Killer], None]


def kill_often(killer: Killer, reference: Path, least: int, play: Round) -> None:
    """Play rounds, each on a new index that must end like the reference, until it is enough."""
    while killer.kills < least:
        prepared(killer.index)
        play(killer)
        expect_same(killer.index, reference)
    # Kills that all come at the same moment would show little.
    assert len(killer.moments) >= least / 6, killer.moments


def test_killed_indexing_ends_like_one_never_killed(tmp_path: Path) -> None:
    ads = photos(tmp_path / "ads", 28)
    words = ("index", ads, "--site-from-path", "--preset", "hashes")
    longest = undisturbed(prepared(tmp_path / "reference"), words)
    assert len(contents(tmp_path / "reference")["matches"]) >= 7

    def play(killer: Killer) -> None:
        killer.until_done(*words)

    killer = Killer(tmp_path / "index", longest, random.Random(1))
    kill_often(killer, tmp_path / "reference", 30, play)


def test_killed_updates_of_a_folder_that_changes_end_like_ones_never_killed(tmp_path: Path) -> None:
    ads = photos(tmp_path / "ads", 16)
    later = tmp_path / "later"
    shutil.copytree(ads, later)
    save(photo(99), later / "site0" / "profile0" / "0.jpg")  # replaced
    (later / "site1" / "profile1" / "1.jpg").rename(later / "site1" / "profile1" / "new name.jpg")
    (later / "site2" / "profile2" / "2.jpg").unlink()
    save(reposted(photo(5), 5), later / "site7" / "new" / "5.jpg")
    save(photo(5), tmp_path / "gallery" / "5.png")
    index_ads = ("index", tmp_path / "now", "--site-from-path", "--preset", "hashes")
    gallery = ("gallery", "add", "missing", tmp_path / "gallery")

    def show(version: Path) -> None:
        """Put a version of the folder in its place; copies keep their times."""
        shutil.rmtree(tmp_path / "now", ignore_errors=True)
        shutil.copytree(version, tmp_path / "now")

    show(ads)
    longest = undisturbed(prepared(tmp_path / "reference"), index_ads, gallery)
    show(later)
    undisturbed(tmp_path / "reference", index_ads)
    states = {file["state"] for file in contents(tmp_path / "reference")["files"]}
    assert states == {"present", "vanished", "replaced"}

    def play(killer: Killer) -> None:
        show(ads)
        killer.until_done(*index_ads)
        killer.until_done(*gallery)
        show(later)
        killer.until_done(*index_ads)

    killer = Killer(tmp_path / "index", longest, random.Random(2))
    kill_often(killer, tmp_path / "reference", 9, play)


def test_killed_removals_of_a_gallery_end_like_one_never_there(tmp_path: Path) -> None:
    ads = photos(tmp_path / "ads", 8)
    save(photo(0), tmp_path / "gallery" / "0.png")
    save(photo(500), tmp_path / "gallery" / "500.png")
    index_ads = ("index", ads, "--site-from-path", "--preset", "hashes")
    undisturbed(prepared(tmp_path / "reference"), index_ads)
    with_gallery = prepared(tmp_path / "with gallery")
    undisturbed(with_gallery, index_ads, ("gallery", "add", "missing", tmp_path / "gallery"))
    start = time.monotonic()
    killer = Killer(tmp_path / "index", 1.0, random.Random(3))
    shutil.copytree(with_gallery, killer.index)
    assert killer.one("gallery", "remove", "missing", seconds=60) == 0
    killer.longest = time.monotonic() - start
    while killer.kills < 8:
        shutil.rmtree(killer.index)
        shutil.copytree(with_gallery, killer.index)
        # 2: it is gone already.
        killer.until_done("gallery", "remove", "missing", done=(0, 2))
        killer.one(*index_ads, seconds=60)
        expect_same(killer.index, tmp_path / "reference")


@pytest.mark.model
def test_killed_changes_of_the_preset_end_like_an_index_of_that_preset(tmp_path: Path) -> None:
    ads = photos(tmp_path / "ads", 12)
    first = ("index", ads, "--site-from-path", "--preset", "hashes")
    change = ("index", ads, "--site-from-path", "--preset", "balanced", "--redescribe")
    longest = undisturbed(prepared(tmp_path / "reference"), change)
    undisturbed(prepared(tmp_path / "hashed"), first)
    killer = Killer(tmp_path / "index", longest, random.Random(4))
    while killer.kills < 6:
        shutil.rmtree(killer.index, ignore_errors=True)
        shutil.copytree(tmp_path / "hashed", killer.index)
        killer.until_done(*change)
        # The old model's store goes when the index is opened the next time; 0: no failure is new.
        assert killer.one(*change[:-1], seconds=60) == 0
        expect_same(killer.index, tmp_path / "reference")
        stores = sorted(path.name.split("-")[0] for path in (killer.index / "vectors").iterdir())
        assert stores == ["embedding", "pdq"]
