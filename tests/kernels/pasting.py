"""Pictures that show another one at a known place, for tests of what finds it again."""

from collections.abc import Callable

import cv2
import numpy as np

from imagematch.kernels.panels import Box
from imagematch.records import Bytes

WHITE, BLACK = (255, 255, 255), (0, 0, 0)

#: A colour that no photo has.
_MARK = (255, 0, 255)


def iou(one: Box, two: Box) -> float:
    """Intersection over union, 0-1."""
    height = min(one.bottom, two.bottom) - max(one.top, two.top)
    width = min(one.right, two.right) - max(one.left, two.left)
    shared = max(0, height) * max(0, width)
    return shared / (one.area + two.area - shared)


def inside(box: Box, rgb: Bytes) -> bool:
    """The box has an area and lies in the picture."""
    return 0 <= box.top < box.bottom <= rgb.shape[0] and 0 <= box.left < box.right <= rgb.shape[1]


def place_of(shape: tuple[int, ...], edit: Callable[[Bytes], Bytes]) -> Box:
    """Where an edit shows a photo of that shape."""
    marked = edit(np.full(shape, _MARK, np.uint8)) == _MARK
    rows, columns = np.nonzero(marked.all(axis=2))
    return Box(int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1)


def pasted(
    ground: Bytes,
    rgb: Bytes,
    width: int,
    angle: float,
    *,
    rim: int = 4,
    colour: tuple[int, int, int] = WHITE,
) -> tuple[Bytes, np.ndarray]:
    """Paste a photo in its shape onto the middle of a ground, with a rim around it.

    Args:
        width: of the photo on the ground, px.
        angle: degrees, to the left.
        rim: px on each side.

    Returns:
        The picture, and the photo's corners in it without the rim, shape (4, 2), clockwise from
        what is its upper left one when it stands upright.
    """
    height = round(width * rgb.shape[0] / rgb.shape[1])
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    framed = cv2.copyMakeBorder(small, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=colour)
    size = ground.shape[1], ground.shape[0]
    middle = np.array([framed.shape[1], framed.shape[0]]) / 2
    turned = cv2.getRotationMatrix2D(tuple(middle.tolist()), angle, 1.0)
    matrix = np.asarray(turned, np.float64)
    matrix[:, 2] += np.array(size) / 2 - middle
    over = cv2.warpAffine(framed, matrix, size)
    there = cv2.warpAffine(np.full(framed.shape[:2], 255, np.uint8), matrix, size) > 127
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) + rim
    picture = np.where(there[:, :, None], over, ground).astype(np.uint8)
    return picture, np.column_stack([corners, np.ones(4)]) @ matrix.T
