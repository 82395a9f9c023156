"""The parts of a composite picture: RGB array in, boxes out.

Collages, screenshots and letterboxed pictures put a photo beside things that are not the photo, and
one embedding of the whole then describes neither. Their parts are bounded by straight lines that
run across the whole picture, which hardly ever happens inside a photograph. So the picture is cut
along such lines again and again (a recursive X-Y cut, Nagy and Seth 1984), and what remains are the
panels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from imagematch.kernels.sizes import sizes
from imagematch.kernels.steps import Counts, Steps, steps, sums
from imagematch.records import Bytes

#: A seam is where the picture steps by at least _STEP levels, _RATIO times more than just before
#: and behind, along _COMPLETE of the line. Chosen on 460 mixed photos. Of the 920 of the tuning
#: half, 6 % have a panel by mistake (0.15 a photo); of composites of these, 101 of 130 collages of
#: four and 113 of 130 web pages have one where the photo is.
_STEP = 10
_RATIO = 1.5
_COMPLETE = 0.6

#: A panel is at least this share of the picture and this many px (reduced) on each side.
_MIN_AREA = 0.04
_MIN_SIDE = 28

#: One that is more of the picture than this is as well described by the whole of it.
_MAX_AREA = 0.85

#: A panel with a smaller standard deviation of luminance is border or background.
_MIN_CONTRAST = 14.0

#: Nor is a panel a photo when this share of it is of one grey level, give or take 6: a chat, a
#: title bar, a caption.
_MAX_PLAIN = 0.6

_MAX_PANELS = 12

_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in px of the picture: rows [top, bottom), columns [left, right)."""

    top: int
    bottom: int
    left: int
    right: int

    def cut(self, rgb: Bytes) -> Bytes:
        """The pixels inside, shape (h, w, 3), contiguous."""
        return np.ascontiguousarray(rgb[self.top : self.bottom, self.left : self.right])

    @property
    def area(self) -> int:
        return (self.bottom - self.top) * (self.right - self.left)

    def overlap(self, other: "Box") -> float:
        """What the two have in common: intersection over union, 0-1."""
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        across = min(self.right, other.right) - max(self.left, other.left)
        common = max(0, down) * max(0, across)
        return common / (self.area + other.area - common)


def enlarged(boxes: Iterable[Box], small: Bytes, rgb: Bytes) -> Iterator[Box]:
    """Boxes in px of the reduced picture, in px of the picture itself."""
    down, across = rgb.shape[0] / small.shape[0], rgb.shape[1] / small.shape[1]
    for box in boxes:
        yield Box(
            round(box.top * down),
            round(box.bottom * down),
            round(box.left * across),
            round(box.right * across),
        )


def find_panels(rgb: Bytes) -> tuple[Box, ...]:
    """Propose the parts that may be photos of their own.

    Args:
        rgb: shape (H, W, 3), uint8.

    Returns:
        Boxes in px of `rgb`, largest first, at most 12; empty for an ordinary photo.
    """
    small = sizes(rgb).small
    return tuple(enlarged(panels_of(small, steps(small)), small, rgb))


def panels_of(small: Bytes, steps: Steps) -> list[Box]:
    """The same in a small picture whose steps are known."""
    whole = Box(0, small.shape[0], 0, small.shape[1])
    seams = _seams(steps.down), _seams(steps.across)
    leaves = [box for box in _split(seams, whole, _MAX_DEPTH) if _is_panel(small, box, whole)]
    leaves.sort(key=lambda box: (-box.area, box.top, box.left))
    return leaves[:_MAX_PANELS]


def _split(seams: tuple[Counts, Counts], box: Box, depth: int) -> Iterator[Box]:
    """Cut along complete lines, rows and columns in turn, until there are none."""
    if depth == 0:
        yield box
        return
    rows = _lines(seams[0], (box.top, box.bottom), (box.left, box.right))
    columns = _lines(seams[1], (box.left, box.right), (box.top, box.bottom))
    if not rows and not columns:
        yield box
        return
    if len(rows) >= len(columns):
        parts = [
            Box(start, end, box.left, box.right)
            for start, end in pairwise([box.top, *rows, box.bottom])
        ]
    else:
        parts = [
            Box(box.top, box.bottom, start, end)
            for start, end in pairwise([box.left, *columns, box.right])
        ]
    for part in parts:
        yield from _split(seams, part, depth - 1)


def _seams(steps: Bytes) -> Counts:
    """Of each line, how many of its pixels have a seam before each of them, see `sums`."""
    high = steps.astype(np.int16)
    seam = np.zeros(steps.shape, np.uint8)
    around = np.maximum(high[:-4], high[4:])
    seam[2:-2] = (high[2:-2] >= _STEP) & (2 * high[2:-2] >= round(2 * _RATIO) * around)
    return sums(seam)


def _lines(seams: Counts, lines: tuple[int, int], pixels: tuple[int, int]) -> list[int]:
    """Where a seam runs along a whole line of a box, ascending.

    Args:
        seams: that way, see `_seams`.
        lines, pixels: first and end of the box, among lines and along them.
    """
    first, end = lines
    if end - first < _MIN_SIDE:
        return []
    # Steps are compared with those two lines off, which must lie in the box like the pixels that
    # they are taken from.
    inner = seams[first + 3 : end - 3]
    complete = (inner[:, pixels[1]] - inner[:, pixels[0]]) / (pixels[1] - pixels[0])
    found: list[int] = []
    for line in np.flatnonzero(complete >= _COMPLETE):
        # A thick edge gives neighbouring lines; the most complete one stands for all.
        if found and line - found[-1] <= 3:
            if complete[line] > complete[found[-1]]:
                found[-1] = int(line)
        else:
            found.append(int(line))
    return [first + 3 + line for line in found]


def _is_panel(small: Bytes, box: Box, whole: Box) -> bool:
    if not _MIN_AREA * whole.area <= box.area <= _MAX_AREA * whole.area:
        return False
    if min(box.bottom - box.top, box.right - box.left) < _MIN_SIDE:
        return False
    gray = np.asarray(cv2.cvtColor(box.cut(small), cv2.COLOR_RGB2GRAY), np.uint8)
    return bool(gray.std() >= _MIN_CONTRAST and plain_share(gray) < _MAX_PLAIN)


def plain_share(gray: Bytes) -> float:
    """The share of a picture, shape (H, W), that is of one grey level, give or take 6; 0-1."""
    levels = np.bincount(gray.ravel() // 4, minlength=64) / gray.size
    return float(np.convolve(levels, np.ones(3), mode="same").max())
