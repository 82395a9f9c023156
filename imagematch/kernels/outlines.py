"""Pictures pasted onto a picture: RGB array in, the corners of its rectangles out.

An inset is bounded by four straight edges that close, upright or tilted. Closed outlines are rare
in photographs; those that do occur (a book, a window) cost an embedding, and in an indexed
composite the place of a crop.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from imagematch.kernels.edges import edges, peaks
from imagematch.records import Bytes, Floats

#: Longer side of the reduced picture in which outlines are sought, px.
_SIDE = 256

#: Thresholds of the edge detector, lower and upper: faint edges, then strong ones.
_EDGES = ((20, 60), (60, 150))

#: Levels of a rim or a ground that a picture is set apart by: lighter or darker than these.
_LIGHT, _DARK = (215, 240), (25,)

#: A frame's area as a share of the picture's, least and most.
_AREA = (0.012, 0.85)

#: Its shortest side: this share of the picture's shorter side, and at least so many px (reduced).
_SIDE_SHARE, _SIDE_PX = 0.06, 10

#: How far a corner may be from a right angle, as the cosine: 66 to 114 degrees.
_MOST_COSINE = 0.4

#: An outline is simplified to corners that are at most this share of its length away from it.
_SIMPLIFY = 0.03

#: Two outlines are one frame when their boxes share this much (intersection over union).
_SAME = 0.75

_MOST_FRAMES = 10


def find_outlines(rgb: Bytes) -> list[Floats]:
    """Find the quadrilaterals that are bounded by closed, straight edges.

    Args:
        rgb: shape (H, W, 3), uint8.

    Returns:
        Corners, each shape (4, 2), float32: x and y in px of `rgb`, clockwise from the upper left
        one; the largest frame first, at most 10.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    kept: list[Floats] = []
    # The inner edge of a rim before the outer one: of two like frames the smaller is the picture.
    for corners in sorted(_quadrilaterals(small), key=_area):
        if all(_overlap(corners, other) < _SAME for other in kept):
            kept.append(corners)
    shrunk = np.array([width / size[0], height / size[1]], np.float32)
    return [_clockwise(corners) * shrunk for corners in reversed(kept)][:_MOST_FRAMES]


def _quadrilaterals(small: Bytes) -> Iterator[Floats]:
    height, width = small.shape[:2]
    least, most = (share * height * width for share in _AREA)
    shortest = _SIDE_SHARE * min(height, width) + _SIDE_PX
    for marked in _outlines(small):
        if marked.all():
            continue  # its outline is the border of the picture, which in a few px has a small area
        contours, _ = cv2.findContours(marked, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            if len(contour) < 4 or not least < cv2.contourArea(contour) < most:
                continue
            polygon = cv2.approxPolyDP(contour, _SIMPLIFY * cv2.arcLength(contour, True), True)
            if len(polygon) == 4 and cv2.isContourConvex(polygon):
                corners = np.asarray(polygon[:, 0], np.float32)
                if _is_rectangular(corners, shortest):
                    yield corners


def _outlines(small: Bytes) -> Iterator[Bytes]:
    """Masks whose contours may be those of a frame."""
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    steepness = peaks(np.asarray(gray, np.uint8))
    for low, high in _EDGES:
        yield np.asarray(cv2.dilate(edges(steepness, low, high), np.ones((3, 3))), np.uint8)
    lightest, darkest = small.min(axis=2), small.max(axis=2)
    for level in _LIGHT:
        yield (lightest > level).astype(np.uint8)
    for level in _DARK:
        yield (darkest < level).astype(np.uint8)


def _is_rectangular(corners: Floats, shortest: float) -> bool:
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(sides, axis=1)
    if lengths.min() < shortest:
        return False
    directions = sides / lengths[:, None]
    cosines = (directions * np.roll(directions, 1, axis=0)).sum(axis=1)
    return bool(np.abs(cosines).max() <= _MOST_COSINE)


def _area(corners: Floats) -> float:
    return float(cv2.contourArea(corners))


def _overlap(one: Floats, two: Floats) -> float:
    """Intersection over union of the boxes around two frames, 0-1."""
    low = np.maximum(one.min(axis=0), two.min(axis=0))
    high = np.minimum(one.max(axis=0), two.max(axis=0))
    common = float(np.maximum(high - low, 0).prod())
    areas = [float(np.ptp(corners, axis=0).prod()) for corners in (one, two)]
    return common / (sum(areas) - common)


def _clockwise(corners: Floats) -> Floats:
    """In the order of the clock as seen, from the corner nearest to the upper left one."""
    centre = corners.mean(axis=0)
    angles = np.arctan2(corners[:, 1] - centre[1], corners[:, 0] - centre[0])
    ordered = corners[np.argsort(angles)]
    return np.roll(ordered, -int(ordered.sum(axis=1).argmin()), axis=0)
