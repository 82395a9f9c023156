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

from imagematch.records import Bytes

#: Longer side of the reduced picture in which lines are sought, px.
_SIDE = 256

#: A seam is where the picture steps by at least _STEP levels, _RATIO times more than just before
#: and behind, along _COMPLETE of the line. Chosen on 460 mixed photos; of 459 others, 16 % have
#: a panel by mistake (0.26 a photo), and of 92 collages of 4 and 92 screenshots made from these,
#: 100 % and 96 % have one.
_STEP = 10
_RATIO = 1.5
_COMPLETE = 0.6

#: A panel is at least this share of the picture and this many px (reduced) on each side.
_MIN_AREA = 0.04
_MIN_SIDE = 28

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


def reduced(rgb: Bytes) -> Bytes:
    """The picture at the size in which lines are sought, 256 px at most; reducing twice is once."""
    height, width = rgb.shape[:2]
    scale = _SIDE / max(height, width)
    if scale >= 1.0:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


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
    small = reduced(rgb)
    whole = Box(0, small.shape[0], 0, small.shape[1])
    leaves = [box for box in _split(small, whole, _MAX_DEPTH) if _is_panel(small, box, whole)]
    leaves.sort(key=lambda box: (-box.area, box.top, box.left))
    return tuple(enlarged(leaves[:_MAX_PANELS], small, rgb))


def _split(small: Bytes, box: Box, depth: int) -> Iterator[Box]:
    """Cut along complete lines, rows and columns in turn, until there are none."""
    if depth == 0 or min(box.bottom - box.top, box.right - box.left) < _MIN_SIDE:
        yield box
        return
    pixels = box.cut(small)
    rows, columns = _lines(pixels, axis=0), _lines(pixels, axis=1)
    if not rows and not columns:
        yield box
        return
    if len(rows) >= len(columns):
        parts = [
            Box(box.top + start, box.top + end, box.left, box.right)
            for start, end in pairwise([0, *rows, pixels.shape[0]])
        ]
    else:
        parts = [
            Box(box.top, box.bottom, box.left + start, box.left + end)
            for start, end in pairwise([0, *columns, pixels.shape[1]])
        ]
    for part in parts:
        yield from _split(small, part, depth - 1)


def _lines(pixels: Bytes, axis: int) -> list[int]:
    """Where a seam runs along a whole row (axis 0) or column (axis 1), ascending."""
    signed = np.moveaxis(pixels, axis, 0).astype(np.int16)
    if len(signed) < _MIN_SIDE:
        return []
    # Two px apart: a step that scaling has smeared over two lines is still a full step.
    red, green, blue = np.moveaxis(np.abs(signed[2:] - signed[:-2]), 2, 0)
    steps = np.maximum(np.maximum(red, green), blue)
    here, around = steps[2:-2], np.maximum(steps[:-4], steps[4:])
    complete = ((here >= _STEP) & (here >= _RATIO * around)).mean(axis=1)
    lines: list[int] = []
    for line in np.flatnonzero(complete >= _COMPLETE):
        # A thick edge gives neighbouring lines; the most complete one stands for all.
        if lines and line - lines[-1] <= 3:
            if complete[line] > complete[lines[-1]]:
                lines[-1] = int(line)
        else:
            lines.append(int(line))
    return [line + 3 for line in lines]  # steps[2:-2] starts at the picture's fourth line


def _is_panel(small: Bytes, box: Box, whole: Box) -> bool:
    if box == whole or box.area < _MIN_AREA * whole.area:
        return False
    if min(box.bottom - box.top, box.right - box.left) < _MIN_SIDE:
        return False
    gray = np.asarray(cv2.cvtColor(box.cut(small), cv2.COLOR_RGB2GRAY), np.uint8)
    levels = np.bincount(gray.ravel() // 4, minlength=64) / gray.size
    plain = np.convolve(levels, np.ones(3), mode="same").max()
    return bool(gray.std() >= _MIN_CONTRAST and plain < _MAX_PLAIN)
