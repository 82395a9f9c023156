"""The views of a picture that are described apart from the whole: RGB array in, `View`s out.

One embedding of a collage, a screenshot or a picture with another one pasted onto it describes
none of the photos in it. So the panels that straight lines cut out (`kernels.panels`) and the
rectangles that lie anywhere in the picture (`kernels.rectangles`) become views of their own.
Tilted frames (`kernels.outlines`) and crops, for which an index would pay too much, are for queries
and for pictures that look like composites (`kernels.composite_probe`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from imagematch.kernels.content import islands
from imagematch.kernels.outlines import find_outlines
from imagematch.kernels.panels import Box, enlarged, panels_of
from imagematch.kernels.rectangles import rectangles_of
from imagematch.kernels.sizes import Sizes, sizes
from imagematch.kernels.steps import steps
from imagematch.records import Bytes, Floats

#: Parts of one photo that are views of their own, at most.
_MOST = 12

#: Views of an indexed photo beside the whole picture, at most: what the ids of vectors have room
#: for.
MOST_INDEXED = 15

#: All further views that there are.
_ALL = 100

#: Two views are the same when their boxes have this much in common (intersection over union).
_SAME = 0.75

#: A frame that leans less than this is cut out as it is, px of its longer side: straightening it
#: would only soften it.
_UPRIGHT = 0.03

#: The crops: what height and width are divided by, and where they begin, as shares of the room that
#: they have to move in. Halves cover the photo with overlap; thirds are the parts of a collage of
#: nine, and about the size of what is pasted onto a photo. The quarters of a picture come first,
#: because an indexed one has room for the first few crops only.
_CROP_STARTS = (0.0, 0.5, 1.0)
_GRID = tuple(product(_CROP_STARTS, _CROP_STARTS))
_IN_CORNERS = tuple(product((0.0, 1.0), (0.0, 1.0)))
_QUARTERS = len(_IN_CORNERS)
_CROPS = (
    *((2, start) for start in _IN_CORNERS),
    *((3, start) for start in _GRID),
    *((2, start) for start in _GRID if start not in _IN_CORNERS),
)


@dataclass(frozen=True, slots=True)
class View:
    """A part of a picture.

    Attributes:
        box: that the part lies in, px of the picture.
        corners: shape (4, 2), float32; x and y of its corners, clockwise from the upper left one,
            where it is no upright rectangle; None where the box is all there is to say.
    """

    box: Box
    corners: Floats | None = None

    def cut(self, rgb: Bytes) -> Bytes:
        """The pixels inside, straightened, shape (h, w, 3), contiguous."""
        if self.corners is None:
            return self.box.cut(rgb)
        sides = np.linalg.norm(np.roll(self.corners, -1, axis=0) - self.corners, axis=1)
        width, height = max(2, round(sides[0::2].max())), max(2, round(sides[1::2].max()))
        there = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        matrix = cv2.getPerspectiveTransform(self.corners, there)
        return np.asarray(cv2.warpPerspective(rgb, matrix, (width, height)), np.uint8)


def find_views(rgb: Bytes) -> tuple[View, ...]:
    """Propose the parts that may be photos of their own.

    Args:
        rgb: shape (H, W, 3), uint8.

    Returns:
        At most 12: panels, rectangles, photographs that lie apart in what is drawn; few for
        ordinary photos.
    """
    return views_of(sizes(rgb))


def views_of(picture: Sizes) -> tuple[View, ...]:
    """The same, where the picture is at hand at all sizes."""
    small, known = picture.small, steps(picture.small)
    found = (*panels_of(small, known), *rectangles_of(small, known))
    apart = islands(picture.middle)
    parts = (
        *enlarged(found, small, picture.whole),
        *enlarged(apart, picture.middle, picture.whole),
    )
    return _distinct([View(part) for part in parts], ())[:_MOST]


def further_views(rgb: Bytes, parts: Sequence[View], most: int = _ALL) -> tuple[View, ...]:
    """Views of queries and composites: the quarters of a picture, closed outlines anywhere in it,
    then other crops.

    Args:
        parts: the views that the picture has anyway; what is nearly one of them is left out.
        most: that are wanted. Outlines take longest to find, and are not sought for the quarters.
    """
    quarters, others = crops(rgb.shape)[:_QUARTERS], crops(rgb.shape)[_QUARTERS:]
    if most <= _QUARTERS:
        return _distinct(quarters, parts)[:most]
    outlines = [_framed(corners, rgb.shape) for corners in find_outlines(rgb)]
    return _distinct([*quarters, *outlines, *others], parts)[:most]


def crops(shape: tuple[int, ...]) -> tuple[View, ...]:
    """Nine crops of a half of a picture's height and width, the quarters first, and nine of a
    third."""
    return tuple(_crop(shape, parts, *start) for parts, start in _CROPS)


def _crop(shape: tuple[int, ...], parts: int, high: float, wide: float) -> View:
    down, across = max(1, shape[0] // parts), max(1, shape[1] // parts)
    top, left = round(high * (shape[0] - down)), round(wide * (shape[1] - across))
    return View(Box(top, top + down, left, left + across))


def boxes(rgb: Bytes, *, further: bool = True) -> Iterator[Box]:
    """The boxes of all views by their number: the whole picture, its parts, further views.

    What comes later is sought only when it is asked for.

    Args:
        further: False leaves out further views, whose numbers depend on how many parts there are.
    """
    yield Box(0, rgb.shape[0], 0, rgb.shape[1])
    parts = find_views(rgb)
    yield from (view.box for view in parts)
    if further:
        yield from (view.box for view in further_views(rgb, parts))


def _distinct(proposed: Sequence[View], known: Sequence[View]) -> tuple[View, ...]:
    """Those that are not nearly the same as a known one or one before."""
    views: list[View] = []
    for view in proposed:
        if all(view.box.overlap(other.box) < _SAME for other in (*known, *views)):
            views.append(view)
    return tuple(views)


def _framed(corners: Floats, shape: tuple[int, ...]) -> View:
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    box = Box(
        max(0, int(top)), min(shape[0], int(bottom)), max(0, int(left)), min(shape[1], int(right))
    )
    around = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    leaning = np.abs(corners - around).max() > _UPRIGHT * max(right - left, bottom - top)
    return View(box, corners if leaning else None)
