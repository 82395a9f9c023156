"""The sets of photos that speed is measured on: some of a folder, and large ones made of them."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from imagematch.benchmark.speed.records import Photos
from imagematch.errors import UsageError
from imagematch.kernels import decode
from imagematch.monitor import Monitor
from imagematch.records import Bytes, FoundFile
from imagematch.settings import DEFAULTS, WorkerSettings
from imagematch.sources.folder import walk
from imagematch.sources.reading import read_bytes
from imagematch.stores.executors import open_executor

#: Pixels of the long and the short side of a 12-megapixel camera.
_LARGE = 4000, 3000
#: JPEG quality and grain (standard deviation, levels) that give files of 3 to 5 MB, as cameras do.
_LARGE_QUALITY, _GRAIN = 92, 3.0


@dataclass(frozen=True, slots=True)
class Laid:
    """A folder with exactly the photos of a set."""

    folder: Path
    about: Photos


def files_of(folder: Path, leave_out: Sequence[Path] = ()) -> list[str]:
    """Paths of all photos below a folder that every contender reads, relative to it, in order.

    Raises:
        UsageError: there is none.
        SourceUnavailable: there is no such folder.
    """
    found = [entry for entry in walk(folder, leave_out=leave_out) if isinstance(entry, FoundFile)]
    paths = [entry.path for entry in found if _megapixels(folder / entry.path)]
    if not paths:
        raise UsageError(
            f"there are no photos in {folder}: {len(found)} files, none of which can be used. "
            "A thousand photos or more give sensible figures"
        )
    return paths


def evenly(paths: Sequence[str], count: int) -> list[str]:
    """So many of some paths, evenly spread; all where there are no more."""
    count = min(count, len(paths))
    return [paths[at * len(paths) // count] for at in range(count)]


def lay_out(name: str, folder: Path, paths: Sequence[str], target: Path) -> Laid:
    """A new folder with some photos, linked where the disk allows it."""
    target.mkdir()
    for path in paths:
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        _link(folder / path, target / path)
    return Laid(target, _about(name, target, paths))


def make_large(
    name: str, folder: Path, paths: Sequence[str], target: Path, seed: int, monitor: Monitor
) -> Laid:
    """A new folder with a 12-megapixel JPEG made from each of some photos.

    They are enlarged and get grain, so that files are as large and as hard to decode as those of a
    camera; what they show stays what it was.
    """
    target.mkdir()
    # A picture of 12 megapixels as floats takes half a gigabyte.
    with open_executor(WorkerSettings(chunk=1, memory_mb=0)) as executor:
        make = partial(_enlarge_all, folder, target, seed)
        for outcome in executor.run(make, list(enumerate(paths))):
            monitor.advance()
            monitor.check()
            if outcome.failure is not None:
                raise UsageError(f"{outcome.task[1]} can't be enlarged: {outcome.failure.message}")
    return Laid(target, _about(name, target, sorted(path.name for path in target.iterdir())))


def _enlarge_all(
    folder: Path, target: Path, seed: int, tasks: Sequence[tuple[int, str]]
) -> list[None]:
    for number, path in tasks:
        _enlarge(folder / path, target, number, seed)
    return [None] * len(tasks)


def _enlarge(source: Path, target: Path, number: int, seed: int) -> None:
    data = read_bytes(str(source), DEFAULTS.decode.max_bytes)
    rgb = decode.decode(data, DEFAULTS.decode).rgb
    upright = rgb.shape[0] > rgb.shape[1]
    width, height = _LARGE[::-1] if upright else _LARGE
    large = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng((seed, number)).normal(0, _GRAIN, (height, width, 1))
    grainy: Bytes = np.clip(large + grain.astype(np.float32), 0, 255).astype(np.uint8)
    written = BytesIO()
    Image.fromarray(grainy).save(written, "JPEG", quality=_LARGE_QUALITY)
    (target / f"{number:05}.jpg").write_bytes(written.getvalue())


def _about(name: str, folder: Path, paths: Sequence[str]) -> Photos:
    pixels = [_megapixels(folder / path) for path in paths]
    sizes = [(folder / path).stat().st_size / 1e6 for path in paths]
    return Photos(name, len(paths), float(np.mean(pixels)), float(np.mean(sizes)))


def _megapixels(path: Path) -> float:
    """Of a photo, by its header; 0 where Pillow alone, which the peers rely on, knows none."""
    try:
        with Image.open(path) as photo:
            return photo.width * photo.height / 1e6
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # all of them Pillow's
        return 0.0


def _link(source: Path, target: Path) -> None:
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)
