"""The sets of photos that speed is measured on, as made of others: large ones, and many."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.speed import photo_sets
from benchmark.speed.photo_sets import Laid
from imagematch.errors import UsageError
from imagematch.kernels import decode, resizing
from imagematch.records import Bytes, Locator
from imagematch.runtime.executors import open_executor
from imagematch.runtime.monitor import Monitor
from imagematch.runtime.tasks import ChunkFunction
from imagematch.settings import DEFAULTS, WorkerSettings
from imagematch.sources.reading import read_bytes

#: Pixels of the long and the short side of a 12-megapixel camera.
_LARGE = 4000, 3000
#: JPEG quality and grain (standard deviation, levels) that give files of 3 to 5 MB, as cameras do.
_LARGE_QUALITY, _GRAIN = 92, 3.0
#: Sites that show many photos, with the JPEG quality and the share of the size that they keep.
_SITES = ("one", 90, 1.0), ("other", 75, 0.8)


@dataclass(frozen=True, slots=True)
class _Window:
    """One picture to make: of a photo that is divided into `side` by `side` windows, this one."""

    number: int
    path: str
    side: int = 1
    row: int = 0
    column: int = 0

    def cut(self, rgb: Bytes) -> Bytes:
        """What the window shows of the photo."""
        rows = _part(rgb.shape[0], self.row, self.side)
        return rgb[rows, _part(rgb.shape[1], self.column, self.side)]


def make_large(
    name: str, folder: Path, paths: Sequence[str], target: Path, seed: int, monitor: Monitor
) -> Laid:
    """A new folder with a 12-megapixel JPEG made from each of some photos.

    They are enlarged and get grain, so that files are as large and as hard to decode as those of a
    camera; what they show stays what it was.
    """
    target.mkdir()
    # A picture of 12 megapixels as floats takes half a gigabyte.
    workers = WorkerSettings(chunk=1, memory_mb=0)
    monitor.stage("Enlarging photos", len(paths))
    tasks = [_Window(number, path) for number, path in enumerate(paths)]
    _make(workers, partial(_enlarge_all, folder, target, seed), tasks, monitor)
    made = sorted(path.name for path in target.iterdir())
    return Laid(target, photo_sets.about(name, target, made))


def make_many(
    folder: Path, paths: Sequence[str], count: int, target: Path, seed: int, monitor: Monitor
) -> list[str]:
    """A new folder with more photos than there are, each picture on two sites, as ads have them.

    Pictures are windows of photos, side by side and enlarged to the size of the whole, so that no
    two of them show the same; grain gives back what enlarging takes away. The more of them are
    wanted, the smaller are the windows.

    Returns:
        Paths relative to the folder. Those of one picture follow each other, and photos take turns
        in a random order: however many of the first are taken, they are like all of them.
    """
    for site, _, _ in _SITES:
        (target / site).mkdir(parents=True)
    pictures = math.ceil(count / len(_SITES))
    side = math.ceil(math.sqrt(math.ceil(pictures / len(paths))))
    turns = np.random.default_rng(seed).permutation(len(paths))
    tasks = [
        _Window(
            number, paths[turns[number % len(paths)]], side, *divmod(number // len(paths), side)
        )
        for number in range(pictures)
    ]
    monitor.stage("Making photos", pictures)
    _make(WorkerSettings(), partial(_cut_all, folder, target, seed), tasks, monitor)
    made = [_name(site, task.number) for task in tasks for site, _, _ in _SITES]
    return made[:count]


def _make(
    settings: WorkerSettings,
    make: ChunkFunction[_Window, None],
    tasks: Sequence[_Window],
    monitor: Monitor,
) -> None:
    with open_executor(settings) as executor:
        for outcome in executor.run(make, tasks):
            monitor.advance()
            monitor.check()
            if outcome.failure is not None:
                path, why = outcome.task.path, outcome.failure.message
                raise UsageError(f"{path} can't be enlarged: {why}")


def _enlarge_all(folder: Path, target: Path, seed: int, windows: Sequence[_Window]) -> list[None]:
    for window in windows:
        rgb = _decoded(folder / window.path)
        upright = rgb.shape[0] > rgb.shape[1]
        large = _enlarged(rgb, _LARGE[::-1] if upright else _LARGE, (seed, window.number))
        _write(large, target / f"{window.number:05}.jpg", _LARGE_QUALITY)
    return [None] * len(windows)


def _cut_all(folder: Path, target: Path, seed: int, windows: Sequence[_Window]) -> list[None]:
    for window in windows:
        rgb = _decoded(folder / window.path)
        height, width = rgb.shape[:2]
        whole = _enlarged(window.cut(rgb), (width, height), (seed, window.number))
        for site, quality, share in _SITES:
            smaller = max(round(width * share), 1), max(round(height * share), 1)
            published = resizing.resize(whole, *smaller)
            _write(published, target / _name(site, window.number), quality)
    return [None] * len(windows)


def _part(length: int, at: int, parts: int) -> slice:
    """One of some equal parts of a length; at least a pixel."""
    start, end = length * at // parts, length * (at + 1) // parts
    return slice(start, max(end, start + 1))


def _name(site: str, number: int) -> str:
    return f"{site}/{number:06}.jpg"


def _decoded(path: Path) -> Bytes:
    return decode.decode(
        read_bytes(Locator.outside(path), DEFAULTS.decode.max_bytes), DEFAULTS.decode
    ).rgb


def _enlarged(rgb: Bytes, size: tuple[int, int], seed: tuple[int, int]) -> Bytes:
    """A picture of this width and height, with grain."""
    large = resizing.resize(rgb, *size)
    grain = np.random.default_rng(seed).normal(0, _GRAIN, (*large.shape[:2], 1))
    return resizing.to_bytes(large + grain.astype(np.float32))


def _write(rgb: Bytes, path: Path, quality: int) -> None:
    written = BytesIO()
    Image.fromarray(rgb).save(written, "JPEG", quality=quality)
    path.write_bytes(written.getvalue())
