"""Upright pictures pasted onto a picture: RGB array in, boxes out.

Where one picture lies on another, the pixels step along four straight lines that meet at corners,
with a rim of any colour or none. Each line is sought as a run of steps, two lines of like extent
are paired, and the other two sides are looked up between them.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from imagematch.kernels.panels import Box, plain_share
from imagematch.kernels.steps import Counts, Steps, sums
from imagematch.records import Bytes, Doubles, Flags

#: A pixel is on a line where the picture steps by at least _STEP levels, _RATIO times more than
#: beside the line. With these, _COMPLETE and _LEAST_ODDS, of pictures pasted onto photos of the
#: tuning half 63 of 70 with a rim are found, 29 of 60 without one, and 42 of 65 that two further
#: edits altered; of its 920 photos, 13 % have a rectangle by mistake (0.20 a photo).
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

#: A rectangle that only looks pasted on (a window, a book) is small, goes on across its sides, is
#: plain inside, or shares sides with the picture. The weights are those of a logistic regression on
#: 243 pictures that are pasted on and 817 rectangles of the same 920 photos, rounded; but that of
#: size is 3, where 5 fits best: how small pasted pictures are was drawn by a rule. A limit of -4.5
#: keeps 242 of the 243 at 0.30 mistakes a photo, -4 keeps 240 at 0.22, -3.5 keeps 237 at 0.14;
#: without one it is 0.61. Of 90 pasted pictures whose shorter side has 12 % of the picture's,
#: 47 are found, and 60 without a limit; from 16 % on there is no such loss.
_PER_SIZE, _PER_SIDE, _PER_LIKENESS, _PER_PLAIN = 3.0, 1.0, -4.5, -6.0
_LEAST_ODDS = -3.9

#: The stripes that are compared begin and end this far from the side, px: behind its smear.
_BESIDE = (1, 4)

#: Levels squared; stripes with less variance have no likeness to speak of.
_FLAT = 1.0

#: Two rectangles are one when they share this much (intersection over union).
_SAME = 0.75

_MOST, _MOST_PROPOSED = 3, 6

type Lines = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
type Places = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def rectangles_of(small: Bytes, steps: Steps) -> list[Box]:
    """Find the upright rectangles that are set apart from what surrounds them on all four sides.

    Args:
        small: shape (H, W, 3), uint8; the smallest size, see `kernels.sizes`.
        steps: of that picture.

    Returns:
        At most 3 boxes in px of `small`, the most complete first. A side may be that of the
        picture.
    """
    proposed = _proposed(small.shape, steps)
    if not proposed:
        return []
    gray = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    return [box for box in proposed if _odds(gray, box) >= _LEAST_ODDS][:_MOST]


def _proposed(shape: tuple[int, ...], steps: Steps) -> list[Box]:
    """Rectangles that are set apart, the most complete first, none of them twice."""
    shortest = max(_LEAST_SIDE, round(_LEAST_SHARE * min(shape[:2])))
    if min(shape[:2]) < 2 * shortest:
        return []
    across, down = sums(_passable(steps.across)), sums(_passable(steps.down))
    found = [*_paired(across, down, shortest)]
    found += [(sure, _turned(box)) for sure, box in _paired(down, across, shortest)]
    found.sort(key=_order)
    kept: list[Box] = []
    for _, box in found:
        if len(kept) < _MOST_PROPOSED and all(box.overlap(other) < _SAME for other in kept):
            kept.append(box)
    return kept


def _order(entry: tuple[float, Box]) -> tuple[float, int, int]:
    """The most complete first; of those the last: a step is found on lines before it, too."""
    sure, box = entry
    return -sure, -box.top - box.bottom - box.left - box.right, box.top


def _odds(gray: Bytes, box: Box) -> float:
    """How likely a rectangle is a picture of its own: logarithm of the odds, but for a constant."""
    side = min(box.bottom - box.top, box.right - box.left) / min(gray.shape)
    likeness = [_likeness(*stripes) for stripes in _stripes(gray, box)]
    return float(
        _PER_SIZE * np.log(side)
        + _PER_SIDE * len(likeness)
        + _PER_LIKENESS * sum(likeness) / max(1, len(likeness))
        + _PER_PLAIN * plain_share(box.cut(gray))
    )


def _stripes(gray: Bytes, box: Box) -> Iterator[tuple[Bytes, Bytes]]:
    """What lies just inside and outside of each side that is not the picture's."""
    rows, columns = (box.top, box.bottom), (box.left, box.right)
    near, far = _BESIDE
    for picture, lines, (start, end) in ((gray, rows, columns), (gray.T, columns, rows)):
        for line in lines:
            if _LOOSE < line < len(picture) - 1 - _LOOSE:
                yield (
                    picture[line - far : line - near, start:end],
                    picture[line + near + 1 : line + far + 1, start:end],
                )


def _likeness(one: Bytes, two: Bytes) -> float:
    """How much two stripes change alike from pixel to pixel: a correlation, -1 to 1.

    Args:
        one, two: shape (lines, pixels); from two pixels on.
    """
    first, second = (np.diff(stripe.mean(axis=0)) for stripe in (one, two))
    first, second = first - first.mean(), second - second.mean()
    # A stripe of one level is like nothing.
    strength = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / (strength + _FLAT * first.size))


def _passable(steps: Bytes) -> Bytes:
    """Where a line may pass, 0 or 1, shape (lines, pixels)."""
    high = steps.astype(np.int16)
    beside = cv2.copyMakeBorder(high, 3, 3, 0, 0, cv2.BORDER_REPLICATE)
    here = (high >= _STEP) & (20 * high >= round(10 * _RATIO) * (beside[:-6] + beside[6:]))
    # The line may pass between two others, and each has a part of it.
    here[:-1] |= here[1:]
    return here.view(np.uint8)


def _paired(own: Counts, other: Counts, shortest: int) -> Iterator[tuple[float, Box]]:
    """Rectangles between two lines of `own`, with the completeness of their worst side.

    Args:
        own, other: where lines may pass this way and the other one, see `sums`.
    """
    lines = _lines(own, shortest)
    one, two = _alike(lines, shortest)
    place, start, end = lines[:, 0], lines[:, 1], lines[:, 2]
    left, right = place[one], place[two]
    top, bottom = (start[one] + start[two]) // 2, (end[one] + end[two]) // 2
    area, all_of_it = (right - left) * (bottom - top), len(own) * len(other)
    # From one edge to the other goes a stripe, which panels are for.
    stripe = _at_start(top) & _at_end(bottom, other)
    sure = np.minimum(_share(own, left, top, bottom), _share(own, right, top, bottom))
    kept = np.flatnonzero(
        (area > _AREA[0] * all_of_it)
        & (area < _AREA[1] * all_of_it)
        & ~stripe
        & (sure >= _COMPLETE)
    )
    if not kept.size:
        return
    left, right, top, bottom, sure = left[kept], right[kept], top[kept], bottom[kept], sure[kept]
    above, top = _best_near(other, top, left, right)
    below, bottom = _best_near(other, bottom, left, right)
    sure = np.minimum(sure, np.minimum(above, below))
    for at in np.flatnonzero(sure >= _COMPLETE):
        yield float(sure[at]), Box(int(top[at]), int(bottom[at]), int(left[at]), int(right[at]))


def _alike(lines: Lines, shortest: int) -> tuple[Places, Places]:
    """Pairs of lines of like extent, the second one further on."""
    place, start, end = lines.astype(np.int16).T[:, None]
    return np.nonzero(
        (place - place.T >= shortest)
        & (np.abs(start - start.T) <= _LOOSE)
        & (np.abs(end - end.T) <= _LOOSE)
    )


def _at_start(places: Places) -> Flags:
    return np.asarray(places <= _LOOSE, np.bool_)


def _at_end(places: Places, lines: Counts) -> Flags:
    return np.asarray(places >= len(lines) - 1 - _LOOSE, np.bool_)


def _lines(steps: Counts, shortest: int) -> Lines:
    """Runs of steps along lines, shape (N, 3): the line, first pixel, end; the longest first."""
    pixels, half = steps.shape[1] - 1, _RUN // 2
    around = np.empty((len(steps), pixels), np.int32)
    around[:, half : pixels - half] = steps[:, _RUN:] - steps[:, :-_RUN]
    around[:, :half] = steps[:, half + 1 : _RUN]
    around[:, pixels - half :] = steps[:, -1:] - steps[:, pixels - 2 * half : pixels - half]
    dense = np.zeros((len(steps), pixels + 1), np.bool_)  # no run goes on to the next line
    dense[:, :-1] = around >= _SHARE * _RUN
    flat = dense.ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        edges = np.concatenate([[0], edges])
    start, end = edges[::2], edges[1::2]
    long = end - start >= shortest
    start, end = start[long], end[long]
    longest = np.argsort(start - end, kind="stable")[:_MOST_LINES]
    line, first = np.divmod(start[longest], pixels + 1)
    return np.stack([line, first, end[longest] - line * (pixels + 1)], axis=1)


def _share(steps: Counts, line: Places, start: Places, end: Places) -> Doubles:
    """The share of lines that steps, between two of their pixels."""
    return np.asarray((steps[line, end] - steps[line, start]) / (end - start), np.float64)


def _best_near(steps: Counts, line: Places, start: Places, end: Places) -> tuple[Doubles, Places]:
    """The line about each that steps most, and its share; where that is the picture's edge, all."""
    # Of lines that are as good the last: a step is found on the one or two lines before it, too.
    about = line + np.arange(_LOOSE, -_LOOSE - 1, -1)[:, None]
    shares = _share(steps, about.clip(0, len(steps) - 1), start, end)
    best = shares.argmax(axis=0)
    near, share = line + _LOOSE - best, shares.max(axis=0)
    edge = _at_start(line) | _at_end(line, steps)
    return np.where(edge, 1.0, share), np.where(edge, line, near)


def _turned(box: Box) -> Box:
    return Box(box.left, box.right, box.top, box.bottom)
