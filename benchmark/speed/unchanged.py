"""Looking at a large tree again: what `reindex` takes beside `find`, which only lists it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.speed import processes
from benchmark.speed.measurements import Pass, Unchanged
from imagematch.runtime.monitor import Monitor

#: Photos with a content of their own, at most. All other files are links to one of them, but for
#: those that are to be changed, which are copies: a touched link would touch them all. Enough that
#: no file gets more links than file systems allow (ext4: 65,000).
_CONTENTS = 500
#: Files of a profile, and profiles of a site.
_OF_PROFILE, _OF_SITE = 100, 50
#: Share of the files that are renamed, or touched.
_SOME = 0.01


def measure(files: int, rounds: int, scratch: Path, monitor: Monitor) -> Unchanged:
    """Make a tree, index it, and let `reindex` and `find` take turns.

    Args:
        scratch: an empty folder.

    Raises:
        UsageError: imagematch failed.
        Stopped: as asked through the monitor.
    """
    monitor.stage("Making a tree of small files", files)
    tree = scratch / "tree"
    to_change = list(make_tree(tree, files, monitor))
    jobs = scratch / "jobs.toml"
    jobs.write_text(
        f'[[job]]\nname = "tree"\nfolder = "{tree.name}"\nsite_from_path = true\n', "utf-8"
    )
    words = ("reindex", "--jobs", jobs, "--index", scratch / "index", "--json")
    command = processes.imagematch(*words)
    index = scratch / "index"
    index.mkdir()
    # The photos are too small for an embedding anyway.
    (index / "settings.toml").write_text('[describe]\npreset = "hashes"\n', "utf-8")

    def reindexed(*, memory: bool = False) -> processes.Ran:
        return processes.checked(processes.run(command, monitor, memory=memory), command)

    monitor.stage("Looking at it for the first time", None)
    first = reindexed().seconds
    monitor.stage("Looking at it again", 2 + 4 * rounds)
    peak = reindexed(memory=True).peak  # also fills the caches
    _find(tree, monitor)
    monitor.advance(2)
    found: list[float] = []
    again: list[float] = []
    for _ in range(rounds):
        found += _find(tree, monitor)
        again.append(reindexed().seconds)
        monitor.advance(2)
    changes = [Pass("unchanged", 0, tuple(again))]
    for what, change in (("renamed", _rename), ("touched", _touch)):
        seconds = []
        for number in range(rounds):
            for path in to_change:
                change(path, number)
            seconds.append(reindexed().seconds)
            monitor.advance()
        changes.append(Pass(what, len(to_change), tuple(seconds)))
    return Unchanged(files, first, tuple(found), tuple(changes), peak)


def make_tree(tree: Path, files: int, monitor: Monitor) -> Iterator[Path]:
    """Fill TREE/SITE/PROFILE/N.png with tiny photos; yields those that may be changed."""
    contents: list[Path] = []
    most = min(_CONTENTS, max(1, files // 4))
    for number in range(files):
        profile = number // _OF_PROFILE
        path = tree / f"site{profile // _OF_SITE}" / f"profile{profile}" / f"{number}.png"
        if number % _OF_PROFILE == 0:
            path.parent.mkdir(parents=True)
            monitor.check()
        if number < most:
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(path)
            contents.append(path)
        elif number < most + max(1, int(files * _SOME)):
            shutil.copyfile(contents[number % most], path)
            yield path
        else:
            _link(contents[number % most], path)
        monitor.advance()


def _link(source: Path, target: Path) -> None:
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)


def _find(tree: Path, monitor: Monitor) -> list[float]:
    """Seconds that `find` takes; nothing where there is none that can do this."""
    try:
        ran = processes.run(["find", str(tree), "-printf", r"%s %T@ %p\n"], monitor, keep=False)
    except OSError:
        return []
    return [ran.seconds] if ran.code == 0 else []


def _rename(path: Path, number: int) -> None:
    """Another name each time, from whatever name it has by now."""
    before = path if number == 0 else path.with_name(f"{path.stem}-{number - 1}{path.suffix}")
    before.rename(path.with_name(f"{path.stem}-{number}{path.suffix}"))


def _touch(path: Path, number: int) -> None:
    """Another time for all links of a file; it has its last name by then."""
    (latest,) = path.parent.glob(f"{path.stem}-*{path.suffix}")
    stamp = latest.stat().st_mtime_ns + (number + 1) * 10**9
    os.utime(latest, ns=(stamp, stamp))
