"""The sets of photos that speed is measured on, as they are."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.speed.measurements import Photos
from imagematch.errors import UsageError
from imagematch.records import FoundFile
from imagematch.sources.folder import walk


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
    return Laid(target, about(name, target, paths))


def about(name: str, folder: Path, paths: Sequence[str]) -> Photos:
    """What there is to know of a set of photos."""
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
