"""Edges one px wide: gray array in, masks out (Canny 1986).

`cv2.Canny` gives the same, but where OpenCV has one thread, as in a worker, it leaves the work to
Intel's IPP, which writes past its memory on regular lines (tiles, blinds, a grid over a photo) and
so kills the process. Here gradient and peaks are whole arrays, and the two thresholds are decided
by connected components.
"""

import cv2
import numpy as np

from imagematch.records import Bytes

#: Tangents of 22.5 and 67.5 degrees: between them a gradient counts as diagonal.
_FLAT, _STEEP = np.float32(2**0.5 - 1), np.float32(2**0.5 + 1)

type _Steps = np.ndarray[tuple[int, ...], np.dtype[np.int16]]


def peaks(gray: Bytes) -> _Steps:
    """Where the gradient is steeper than beside it, in its own direction.

    Args:
        gray: shape (H, W), uint8.

    Returns:
        Shape (H, W), int16; the gradient |dx| + |dy| (Sobel, 0-2040), 0 where it is no peak.
    """
    across = cv2.Sobel(gray, cv2.CV_16S, 1, 0, borderType=cv2.BORDER_REPLICATE)
    down = cv2.Sobel(gray, cv2.CV_16S, 0, 1, borderType=cv2.BORDER_REPLICATE)
    wide, high = np.abs(across), np.abs(down)
    steepness = wide + high
    around = np.pad(steepness, 1)
    flat = high < _FLAT * wide
    steep = high > _STEEP * wide
    rising = (across < 0) != (down < 0)
    # On a plateau two px wide, the first one is the edge.
    peak = np.where(
        flat,
        (steepness > _beside(around, 0, -1)) & (steepness >= _beside(around, 0, 1)),
        np.where(
            steep,
            (steepness > _beside(around, -1, 0)) & (steepness >= _beside(around, 1, 0)),
            np.where(
                rising,
                (steepness > _beside(around, -1, 1)) & (steepness > _beside(around, 1, -1)),
                (steepness > _beside(around, -1, -1)) & (steepness > _beside(around, 1, 1)),
            ),
        ),
    )
    return np.where(peak, steepness, np.int16(0))


def edges(steepness: _Steps, low: int, high: int) -> Bytes:
    """Join peaks to edges: those above `low` that touch, where one of them is above `high`.

    Args:
        steepness: from `peaks`.

    Returns:
        Shape (H, W), uint8, 1 on an edge.
    """
    count, parts = cv2.connectedComponents((steepness > low).astype(np.uint8), connectivity=8)
    strong = np.zeros(count, np.uint8)
    strong[parts[steepness > high]] = 1
    return np.asarray(strong[parts], np.uint8)


def _beside(around: _Steps, down: int, across: int) -> _Steps:
    """The values that far from each, of an array with a rim of one."""
    height, width = around.shape[0] - 2, around.shape[1] - 2
    return around[1 + down : 1 + down + height, 1 + across : 1 + across + width]
