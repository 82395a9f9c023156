"""Real photos that look alike: frames of one shoot, and what has close embeddings.

Paths go in, pairs of paths come out. Frames are neighbours in a camera's numbering or in time whose
pictures share keypoints; most folders of scraped photos have none. Stereo pairs come with
scikit-image, where it is installed. Close embeddings find garments on one floor, portraits before
one wall, and views of one room, without knowing of floors, walls or rooms.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from importlib.resources import as_file, files
from importlib.util import find_spec
from itertools import pairwise, zip_longest
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from imagematch.errors import PhotoError
from imagematch.kernels import comparison, decode, keypoints
from imagematch.kernels.embeddings import Embedder
from imagematch.records import Bytes, Locator
from imagematch.settings import DEFAULTS
from imagematch.sources.reading import read_bytes

#: Photos taken within this time are of one shoot, s.
_SECONDS = 5.0

#: Pairs whose keypoints are compared, at most: about 0.2 s each.
_MOST_COMPARED = 150

#: Frames of one scene share most of their colours; others need no closer look. A share, 0-1.
_LEAST_COLOURS = 0.5

#: Cosine of two embeddings from which photos look alike to a person, and up to which they are two
#: photos: in the measured folders, the closest that were two had 0.80, a photo that was saved twice
#: with other edges 0.90.
_ALIKE, _ONE_PHOTO = 0.25, 0.85

_NUMBERED = re.compile(r"(?P<before>.*?)(?P<number>\d+)(?P<after>\D*)")
_TAKEN_AT = 0x9003  # EXIF DateTimeOriginal, in the Exif directory 0x8769
_EXIF = 0x8769


def find(photos: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Pairs of neighbours that share keypoints; those that can't be read are passed over."""
    pairs = sorted({*_by_name(photos), *_by_time(photos)})
    if len(pairs) > _MOST_COMPARED:
        chosen = np.linspace(0, len(pairs) - 1, _MOST_COMPARED).astype(int)
        pairs = [pairs[number] for number in chosen]
    for left, right in pairs:
        try:
            if _share_keypoints(_rgb(left), _rgb(right)):
                yield left, right
        except PhotoError:
            continue


def look_alikes(photos: Sequence[Path], embedder: Embedder) -> list[tuple[Path, Path]]:
    """Pairs of photos with close embeddings, the closest first; folders take turns.

    Without turns, a folder of portraits would leave no room for the few that show one room. Photos
    that can't be read are passed over.
    """
    known = []
    for path in photos:
        with suppress(PhotoError):
            known.append((path, embedder.embed([_rgb(path)])[0]))
    if not known:
        return []
    rows = np.stack([row for _, row in known])
    cosines = np.triu(rows @ rows.T, 1)
    left, right = np.nonzero((cosines >= _ALIKE) & (cosines < _ONE_PHOTO))
    queues: dict[tuple[Path, Path], list[tuple[Path, Path]]] = {}
    for place in np.argsort(-cosines[left, right], kind="stable"):
        pair = known[left[place]][0], known[right[place]][0]
        queues.setdefault((pair[0].parent, pair[1].parent), []).append(pair)
    turns = zip_longest(*queues.values())
    return [pair for turn in turns for pair in turn if pair is not None]


def stereo_pairs() -> Iterator[tuple[Path, Path]]:
    """Stereo photos that installed packages bring; nothing is downloaded."""
    if find_spec("skimage") is None:
        return
    folder = files("skimage").joinpath("data")
    sides = folder.joinpath("motorcycle_left.png"), folder.joinpath("motorcycle_right.png")
    if all(side.is_file() for side in sides):
        with as_file(sides[0]) as left, as_file(sides[1]) as right:
            yield left, right


def _by_name(photos: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    """Pairs in one folder whose names differ by one in their last number."""
    numbered: dict[tuple[Path, str, str, int], Path] = {}
    for path in sorted(photos):
        if found := _NUMBERED.fullmatch(path.stem):
            key = path.parent, found["before"], found["after"], int(found["number"])
            numbered.setdefault(key, path)
    for (parent, before, after, number), path in numbered.items():
        if after_it := numbered.get((parent, before, after, number + 1)):
            yield min(path, after_it), max(path, after_it)


def _by_time(photos: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    timed = sorted((taken, path) for path in photos if (taken := _taken_at(path)) is not None)
    for (earlier, left), (later, right) in pairwise(timed):
        if (later - earlier).total_seconds() <= _SECONDS:
            yield min(left, right), max(left, right)


def _taken_at(path: Path) -> datetime | None:
    """When a JPEG was taken, as its camera says."""
    try:
        data = read_bytes(Locator.outside(path), DEFAULTS.decode.max_bytes)
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            text = image.getexif().get_ifd(_EXIF).get(_TAKEN_AT)
        return datetime.strptime(str(text), "%Y:%m:%d %H:%M:%S")
    except Exception:  # noqa: BLE001 - the plugin raises anything at all on hostile files
        return None


def _rgb(path: Path) -> Bytes:
    return decode.decode(
        read_bytes(Locator.outside(path), DEFAULTS.decode.max_bytes), DEFAULTS.decode
    ).rgb


def _share_keypoints(left: Bytes, right: Bytes) -> bool:
    if np.minimum(_colours(left), _colours(right)).sum() < _LEAST_COLOURS:
        return False
    settings = DEFAULTS.verify
    query, photo = (keypoints.extract(rgb, rgb.shape[1], settings) for rgb in (left, right))
    return comparison.compare(query, photo, settings).inliers >= settings.min_inliers


def _colours(rgb: Bytes) -> np.ndarray:
    """The share of each of 216 colours, shape (216,)."""
    counts = cv2.calcHist([rgb], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3).ravel()
    return np.asarray(counts / counts.sum())
