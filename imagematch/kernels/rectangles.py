"""Upright pictures pasted onto a picture: RGB array in, boxes out.

Where one picture lies on another, the pixels step along four straight lines that meet at corners,
with a rim of any colour or none. Each line is sought as a run of steps, two lines of like extent
are paired, and the other two sides are looked up between them.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from imagematch.kernels.panels import Box
from imagematch.records import Bytes, Flags

#: Longer side of the reduced picture in which lines are sought, px.
_SIDE = 256

#: A pixel is on a line where the picture steps by at least _STEP levels, _RATIO times more than
#: beside the line. With these and _COMPLETE, of 60 photos pasted without a rim 32 are found, with a
#: white rim of one px 53, with a red one of four 54; of 70 untouched photos, 22 have a rectangle
#: by mistake (0.66 a photo). A _COMPLETE of 0.85 finds one more of the 60 and is mistaken 0.84
#: times a photo, 0.9 finds three less at 0.6.
_STEP = 10
_RATIO = 1.3

#: Along a line, this share of every _RUN px must step.
_SHARE = 0.6
_RUN = 9

#: Share of each of the four sides that must step.
_COMPLETE = 0.88

#: The ends of a line are found to within so many px.
_LOOSE = 4

#: A side has at least this share of the picture's shorter side, and so many px (reduced).
_LEAST_SHARE, _LEAST_SIDE = 0.1, 12

#: A rectangle's area as a share of the picture's.
_AREA = (0.012, 0.85)

#: Longest lines that are paired: a picture full of lines (blinds, shelves) is no composite.
_MOST_LINES = 120

#: Two rectangles are one when they share this much (intersection over union).
_SAME = 0.75

_MOST = 3

type Lines = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def find_rectangles(rgb: Bytes) -> list[Box]:
    """Find the upright rectangles that are set apart from what surrounds them on all four sides.

    Args:
        rgb: shape (H, W, 3), uint8.

    Returns:
        At most 3 boxes in px of `rgb`, the most complete first. A side may be that of the picture.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    shortest = max(_LEAST_SIDE, round(_LEAST_SHARE * min(size)))
    if min(size) < 2 * shortest:
        return []
    across, down = _steps(small), _steps(small.swapaxes(0, 1))
    found = [*_paired(across, down, shortest)]
    found += [(sure, _turned(box)) for sure, box in _paired(down, across, shortest)]
    found.sort(key=lambda entry: (-entry[0], entry[1].top, entry[1].left))
    kept: list[Box] = []
    for _, box in found:
        if len(kept) < _MOST and all(box.overlap(other) < _SAME for other in kept):
            kept.append(box)
    wide, high = width / size[0], height / size[1]
    return [
        Box(
            round(box.top * high),
            round(box.bottom * high),
            round(box.left * wide),
            round(box.right * wide),
        )
        for box in kept
    ]


def _steps(small: Bytes) -> Flags:
    """Where a vertical line may pass, shape (w, h): a row for each line, its pixels in order."""
    columns = small.swapaxes(0, 1).astype(np.int16)
    steps = np.zeros(columns.shape[:2], np.int16)
    red, green, blue = np.moveaxis(np.abs(columns[2:] - columns[:-2]), 2, 0)
    steps[1:-1] = np.maximum(np.maximum(red, green), blue)
    beside = np.pad(steps, ((3, 3), (0, 0)), mode="edge").astype(np.float32)
    around = (beside[:-6] + beside[6:]) / 2
    here = (steps >= _STEP) & (steps >= _RATIO * around)
    # The line may pass between two columns, and each has a part of it.
    here[:-1] |= here[1:]
    return np.asarray(here, np.bool_)


def _paired(own: Flags, other: Flags, shortest: int) -> Iterator[tuple[float, Box]]:
    """Rectangles between two lines of `own`, with the completeness of their worst side."""
    lines = _lines(own, shortest)
    place, start, end = lines[:, 0], lines[:, 1], lines[:, 2]
    apart = place[None] - place[:, None]
    like = (
        (apart >= shortest)
        & (np.abs(start[None] - start[:, None]) <= _LOOSE)
        & (np.abs(end[None] - end[:, None]) <= _LOOSE)
    )
    whole = own.shape[0] * own.shape[1]
    sums = np.cumsum(np.pad(own, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    for one, two in zip(*np.nonzero(like), strict=True):
        left, right = int(place[one]), int(place[two])
        top, bottom = int(start[one] + start[two]) // 2, int(end[one] + end[two]) // 2
        if not _AREA[0] * whole < (right - left) * (bottom - top) < _AREA[1] * whole:
            continue
        at_edges = top <= _LOOSE, bottom >= own.shape[1] - 1 - _LOOSE
        if all(at_edges):
            continue  # a stripe, which panels are for
        steps = min(sums[line, bottom] - sums[line, top] for line in (left, right))
        if steps < _COMPLETE * (bottom - top):
            continue  # most pairs end here, before the dearer look for the other two sides
        sure = min(
            steps / (bottom - top),
            1.0 if at_edges[0] else _completeness(other, top, left, right),
            1.0 if at_edges[1] else _completeness(other, bottom, left, right),
        )
        if sure >= _COMPLETE:
            yield float(sure), Box(top, bottom, left, right)


def _lines(steps: Flags, shortest: int) -> Lines:
    """Runs of steps along lines, shape (N, 3): the line, first pixel, end; the longest first."""
    dense = cv2.blur(steps.astype(np.float32), (_RUN, 1), borderType=cv2.BORDER_CONSTANT)
    edges = np.diff(np.pad((dense >= _SHARE).astype(np.int8), ((0, 0), (1, 1))), axis=1)
    line, start = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    runs = np.stack([line, start, end], axis=1).astype(np.int64)
    runs = runs[end - start >= shortest]
    longest = np.argsort(runs[:, 1] - runs[:, 2], kind="stable")[:_MOST_LINES]
    return np.asarray(runs[longest], np.int64)


def _completeness(steps: Flags, line: int, start: int, end: int) -> float:
    """The largest share that steps, among the lines about this one."""
    near = steps[max(0, line - _LOOSE) : line + _LOOSE + 1, start:end]
    return float(near.mean(axis=1).max()) if near.size else 0.0


def _turned(box: Box) -> Box:
    return Box(box.left, box.right, box.top, box.bottom)
