"""Whether two whole pictures are one, where keypoints can't tell: `Features` in, `Geometry` out.

Behind bars, or blurred strongly, or turned into large squares, a photo has few keypoints left, and
yet all of it that is seen lies where it lay. So one picture is laid over the other as a whole, in
that of all eight flips and rotations which fits best, and their pixels are compared: as they are,
and reduced to a small square, in which only coarse shapes are left. Different photos of things that
are alike agree in many windows of it, and a copy in nearly all.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.kernels import alignment, comparison
from imagematch.kernels.alignment import Agreement
from imagematch.kernels.keypoints import Features
from imagematch.records import Bytes, Doubles, Flags, Floats, Geometry

#: Side of the squares that are compared, and of the windows, px. Squares of 16 px in a photo of
#: 500 px are two of these.
_SIDE, _WINDOW = 64, 13

#: Blur of both squares, px, and what the sharper one is blurred by before, to be as soft as the
#: other: 4 px are a blur of 30 px in a photo of 500 px.
_BLUR = 1.0
_BLURS = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0)

#: A window counts where one of the squares varies by at least this much, levels of 255, and so
#: many of them are enough to compare, as a share.
_TEXTURE, _ENOUGH = 4.0, 0.1

#: Least standard deviation of a square around its trend, levels of 255, the blur that leaves the
#: trend, px; and least share that must not be drawn of both pictures, and of one: squares and bars
#: count as drawn. Of blank pictures, gradients and papers, thousands have the same coarse shapes.
_SPREAD, _TREND = 5.0, 8.0
_PHOTOGRAPHIC_BOTH, _PHOTOGRAPHIC_ONE = 0.2, 0.5

#: Correlation of the squares as a whole that one of the eight ways must have; bars that run into
#: dark or light parts of a photo take much of it.
_ALIKE = 0.3

#: What lies so close to bars is not compared, px at the working side, and a window may show as
#: little of the photo as this, 0-1.
_BESIDE_BARS, _LEAST_SHOWN = 9, 0.03

#: Largest share of the details of the sharper picture that the softer one may have: only a picture
#: that lacks details is compared by coarse shapes. Two sharp cards of one design differ in details
#: alone. Of photos blurred by 8 to 14 px all have less than .35, of those in squares of 12 to 20 px
#: less than .88; of bank cards of one design with the same coarse shapes, none has less than .98.
_SOFT = 0.92

#: A window agrees, and agrees closely, from these correlations on, as in `kernels.alignment`.
_AGREES, _CLOSELY = 0.5, 0.9

#: Share of the windows that must agree closely. Of 350 photos of the tuning half blurred by 12 px,
#: 99 % have .985 or more with their original, of as many in squares of 16 px 95 % have .957; the
#: most that one of them has with another photo, of the four that are most alike, is .71.
_SAME_COARSELY, _SAME_CLOSELY = 0.92, 0.7


@dataclass(frozen=True, slots=True)
class _Way:
    """One of the eight flips and rotations of a picture.

    Attributes:
        square: shape (64, 64), float32.
        seen: shape (64, 64), float32, 0-1; how much of each pixel is not drawn ground.
    """

    square: Floats
    seen: Floats
    turns: int
    flipped: bool


def compare(query: Features, photo: Features) -> Geometry | None:
    """Judge whether two whole pictures show the same.

    Args:
        query, photo: of the whole pictures; their keypoints are not asked.

    Returns:
        A geometry where they do; None where they do not, or where too little is to be seen: that
        says nothing of a crop. It has `coarse` where only coarse shapes agree.
    """
    less, more = sorted((query.content.mean(), photo.content.mean()))
    if less < _PHOTOGRAPHIC_BOTH or more < _PHOTOGRAPHIC_ONE:
        return None
    first, target = _way(query), _way(photo)
    if min(_detail(first), _detail(target)) < _SPREAD:
        return None
    ways = list(_ways(first))
    likeness = [_correlation(way, target) for way in ways]
    best = ways[int(np.argmax(likeness))]
    if max(likeness) < _ALIKE:
        return None
    return _as_they_are(query, photo, best) or _coarsely(query, photo, best, target)


def _way(picture: Features) -> _Way:
    square = cv2.resize(picture.gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    seen = cv2.resize(
        picture.content.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA
    )
    return _Way(np.asarray(square, np.float32), np.asarray(seen, np.float32), 0, False)


def _detail(way: _Way) -> float:
    """Standard deviation around the trend, levels of 255; the trend is none at the edges."""
    rim = _SIDE // 4
    return float((way.square - _blurred(way.square, _TREND))[rim:-rim, rim:-rim].std())


def _ways(way: _Way) -> Iterator[_Way]:
    for flipped in (False, True):
        square, seen = (part[:, ::-1] if flipped else part for part in (way.square, way.seen))
        for turns in range(4):
            yield _Way(np.rot90(square, turns), np.rot90(seen, turns), turns, flipped)


def _correlation(one: _Way, other: _Way) -> float:
    """Of all pixels that are seen in both, -1 to 1; 0 where one picture does not vary there."""
    weight = one.seen * other.seen
    total = float(weight.sum())
    if total < _ENOUGH * weight.size:
        return 0.0
    left, right = (way.square - float((way.square * weight).sum()) / total for way in (one, other))
    spread = np.sqrt(float((left * left * weight).sum()) * float((right * right * weight).sum()))
    return float((left * right * weight).sum()) / float(spread) if spread > 0 else 0.0


# --- as they are -------------------------------------------------------------------------------


def _as_they_are(query: Features, photo: Features, way: _Way) -> Geometry | None:
    left, right = _of_one_size(query, photo, way)
    around = np.ones((_BESIDE_BARS, _BESIDE_BARS), np.uint8)
    shown = cv2.erode((left[1] & right[1]).astype(np.uint8), around) > 0
    if shown.mean() < _ENOUGH:
        return None
    found = alignment.align(
        _filled(right[0], left[0], right[1], shown),
        _filled(left[0], right[0], left[1], shown),
        np.asarray(shown, np.bool_),
        np.ones(shown.shape, np.bool_),
        _LEAST_SHOWN,
    )
    if found is None or found.plain.closeness < _SAME_CLOSELY:
        return None
    transform = _transform(way, query, photo)
    return comparison.geometry(found, (1.0, 1.0, 1.0), 0, way.flipped, transform, "accepted")


def _of_one_size(
    query: Features, photo: Features, way: _Way
) -> tuple[tuple[Bytes, Flags], tuple[Bytes, Flags]]:
    """Luminance and what is not drawn of both, the larger one reduced to the other."""
    left, right = _turned(query, way), (photo.gray, photo.content)
    if left[0].size > right[0].size:
        return _resized(left, right[0].shape), right
    return left, _resized(right, left[0].shape)


def _turned(query: Features, way: _Way) -> tuple[Bytes, Flags]:
    gray, content = (
        np.rot90(part[:, ::-1] if way.flipped else part, way.turns)
        for part in (query.gray, query.content)
    )
    return np.ascontiguousarray(gray, np.uint8), np.ascontiguousarray(content, np.bool_)


def _resized(picture: tuple[Bytes, Flags], shape: tuple[int, ...]) -> tuple[Bytes, Flags]:
    size = shape[1], shape[0]
    gray = cv2.resize(picture[0], size, interpolation=cv2.INTER_AREA)
    content = cv2.resize(picture[1].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return np.asarray(gray, np.uint8), np.asarray(content, np.bool_)


def _filled(gray: Bytes, other: Bytes, content: Flags, shown: Flags) -> Bytes:
    """Put what the other picture has where this one is drawn, in this one's light.

    None of it is compared, but what is beside it would be blurred together with bars otherwise.
    """
    if content.all():
        return gray
    ours, theirs = gray[shown].astype(np.float64), other[shown].astype(np.float64)
    variance = float(theirs.var())
    slope = float(((ours - ours.mean()) * (theirs - theirs.mean())).mean()) / max(variance, 1.0)
    expected = (other - theirs.mean()) * slope + ours.mean()
    return np.where(content, gray, expected.clip(0, 255)).astype(np.uint8)


# --- coarsely ----------------------------------------------------------------------------------


def _coarsely(query: Features, photo: Features, way: _Way, target: _Way) -> Geometry | None:
    agreement = _agreement(way.square, target.square)
    if agreement is None or agreement.closeness < _SAME_COARSELY:
        return None
    left, right = _of_one_size(query, photo, way)
    if alignment.sharpness_ratio(left[0], right[0]) > _SOFT:
        return None
    return Geometry(
        0,
        1.0,
        1.0,
        1.0,
        agreement.correlation,
        agreement.agreement,
        way.flipped,
        _transform(way, query, photo),
        "accepted",
        agreement.closeness,
        agreement.correlation,
        agreement.agreement,
        agreement.closeness,
        coarse=True,
    )


def _agreement(query: Floats, photo: Floats) -> Agreement | None:
    """How the windows agree when one square is blurred until they agree best."""
    pairs = [(query, photo)]
    for blur in _BLURS:
        pairs += [(query, _blurred(photo, blur)), (_blurred(query, blur), photo)]
    found = [_compared(_blurred(one, _BLUR), _blurred(other, _BLUR)) for one, other in pairs]
    return max(
        (agreement for agreement in found if agreement is not None),
        key=lambda agreement: agreement.closeness,
        default=None,
    )


def _compared(query: Floats, photo: Floats) -> Agreement | None:
    mean_query, mean_photo = _mean(query), _mean(photo)
    variance_query = np.maximum(_mean(query * query) - mean_query**2, 0)
    variance_photo = np.maximum(_mean(photo * photo) - mean_photo**2, 0)
    textured: Flags = np.maximum(variance_query, variance_photo) >= _TEXTURE**2
    if textured.mean() < _ENOUGH:
        return None
    spread = np.sqrt(np.maximum(variance_query, 1.0) * np.maximum(variance_photo, 1.0))
    values = ((_mean(query * photo) - mean_query * mean_photo) / spread)[textured]
    return Agreement(
        round(float(np.median(values)), 4),
        round(float((values >= _AGREES).mean()), 4),
        round(float((values >= _CLOSELY).mean()), 4),
    )


def _blurred(square: Floats, blur: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(square, (0, 0), blur), np.float32)


def _mean(values: Floats) -> Floats:
    """Of the window around each pixel."""
    mean = cv2.blur(values, (_WINDOW, _WINDOW), borderType=cv2.BORDER_REFLECT)
    return np.asarray(mean, np.float32)


def _transform(
    way: _Way, query: Features, photo: Features
) -> tuple[tuple[float, float, float], ...]:
    """The homography between the full-size pictures."""
    ours, theirs = (
        [extent / picture.scale for extent in picture.size] for picture in (query, photo)
    )
    matrix: Doubles = np.diag([*theirs, 1.0])
    # A quarter turn to the left, as `np.rot90` makes it: x, y in a unit square go to y, 1 - x.
    turn = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    for _ in range(way.turns):
        matrix = matrix @ turn
    if way.flipped:
        matrix = matrix @ np.array([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    matrix = matrix @ np.diag([1 / ours[0], 1 / ours[1], 1.0])
    return tuple((float(row[0]), float(row[1]), float(row[2])) for row in matrix.round(7))
