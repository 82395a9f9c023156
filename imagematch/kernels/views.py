"""The views of a picture that are described apart from the whole: RGB array in, `View`s out.

One embedding of a collage, a screenshot or a picture with another one pasted onto it describes
none of the photos in it. So the panels that straight lines cut out (`kernels.panels`) and the
rectangles that lie anywhere in the picture (`kernels.rectangles`) become views of their own. A
query gets more, for which an index would pay too much: tilted frames (`kernels.frames`) and crops.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.kernels.frames import find_frames
from imagematch.kernels.panels import Box, enlarged, panels_of
from imagematch.kernels.rectangles import rectangles_of
from imagematch.kernels.sizes import Sizes, sizes
from imagematch.kernels.steps import steps
from imagematch.records import Bytes, Floats

#: Views of one photo beside the whole picture, at most.
_MOST = 12

#: Two views are the same when their boxes have this much in common (intersection over union).
_SAME = 0.75

#: A frame that leans less than this is cut out as it is, px of its longer side: straightening it
#: would only soften it.
_UPRIGHT = 0.03

#: The crops of a query: what its height and width are divided by, and where they begin, as shares
#: of the room that they have to move in. Halves cover the photo with overlap; thirds are the parts
#: of a collage of nine, and about the size of what is pasted onto a photo.
_CROP_PARTS = (2, 3)
_CROP_STARTS = (0.0, 0.5, 1.0)


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
        At most 12: panels, then rectangles; few for ordinary photos.
    """
    return views_of(sizes(rgb))


def views_of(picture: Sizes) -> tuple[View, ...]:
    """The same, where the picture is at hand at all sizes."""
    small, known = picture.small, steps(picture.small)
    found = (*panels_of(small, known), *rectangles_of(small, known))
    parts = enlarged(found, small, picture.whole)
    return _distinct([View(part) for part in parts], ())


def further_views(rgb: Bytes) -> tuple[View, ...]:
    """The views that only a query gets: closed outlines anywhere in the picture, then crops."""
    outlines = [_framed(corners, rgb.shape) for corners in find_frames(rgb)]
    return (*_distinct(outlines, find_views(rgb)), *crops(rgb))


def crops(rgb: Bytes) -> tuple[View, ...]:
    """Nine crops of a half of a picture's height and width, then nine of a third."""
    return tuple(crop for parts in _CROP_PARTS for crop in _grid(rgb.shape, parts))


def _grid(shape: tuple[int, ...], parts: int) -> Iterator[View]:
    down, across = max(1, shape[0] // parts), max(1, shape[1] // parts)
    for high in _CROP_STARTS:
        for wide in _CROP_STARTS:
            top, left = round(high * (shape[0] - down)), round(wide * (shape[1] - across))
            yield View(Box(top, top + down, left, left + across))


def boxes(rgb: Bytes) -> Iterator[Box]:
    """The boxes of all views by their number: the whole picture, its parts, further views.

    What comes later is sought only when it is asked for.
    """
    yield Box(0, rgb.shape[0], 0, rgb.shape[1])
    yield from (view.box for view in find_views(rgb))
    yield from (view.box for view in further_views(rgb))


def _distinct(proposed: Sequence[View], known: Sequence[View]) -> tuple[View, ...]:
    """Those that are not nearly the same as a known one or one before."""
    views: list[View] = []
    for view in proposed:
        if all(view.box.overlap(other.box) < _SAME for other in (*known, *views)):
            views.append(view)
    return tuple(views[:_MOST])


def _framed(corners: Floats, shape: tuple[int, ...]) -> View:
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    box = Box(
        max(0, int(top)), min(shape[0], int(bottom)), max(0, int(left)), min(shape[1], int(right))
    )
    around = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    leaning = np.abs(corners - around).max() > _UPRIGHT * max(right - left, bottom - top)
    return View(box, corners if leaning else None)
