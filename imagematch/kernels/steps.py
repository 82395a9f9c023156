"""How far a picture steps at each of its pixels: RGB array in, one map for each way out.

Lines that part pictures are sought in these maps, by panels along whole lines, by rectangles along
pieces of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np

from imagematch.records import Bytes

type Counts = np.ndarray[tuple[int, ...], np.dtype[np.int32]]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The steps of a picture of shape (H, W, 3), levels of 255 of the channel that steps furthest.

    Both maps have a row for each line that may pass, and are 0 on the first and the last one.

    Attributes:
        down: shape (H, W), uint8; what lies above a pixel against what lies below it.
        across: shape (W, H), uint8; left of it against right of it.
    """

    down: Bytes
    across: Bytes


def steps(rgb: Bytes) -> Steps:
    """Measure the steps of a picture, shape (H, W, 3), uint8."""
    planes = cv2.split(rgb)
    return Steps(_down(planes), _down([cv2.transpose(plane) for plane in planes]))


def sums(flags: Bytes) -> Counts:
    """Of each line, how many of its pixels are 1 before each of them.

    Args:
        flags: 0 or 1, shape (lines, pixels).

    Returns:
        Shape (lines, pixels + 1), int32.
    """
    return np.asarray(np.diff(cv2.integral(flags), axis=0), np.int32)


def _down(planes: Sequence[np.ndarray]) -> Bytes:
    """Two px apart: a step that scaling has smeared over two lines is still a full step."""
    found = np.zeros(planes[0].shape, np.uint8)
    if len(found) > 2:
        found[1:-1] = reduce(cv2.max, (cv2.absdiff(plane[2:], plane[:-2]) for plane in planes))
    return found
