"""Keypoints of a photo and which of them correspond: RGB arrays in, points and pairs of them out.

RootSIFT (Lowe 2004; Arandjelovic and Zisserman, CVPR 2012), taken where the picture is a photograph
and not text or interface. `kernels.comparison` decides what the pairs are worth.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from imagematch.kernels.content import photographic, undrawn
from imagematch.kernels.panels import Box
from imagematch.records import Bytes, Doubles, Flags, Floats
from imagematch.settings import VerifySettings

type Pairs = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

#: OpenCV's SIFT looks at the photo at twice its size and halves the coordinates, which puts every
#: keypoint this far to the right and below, px: half a pixel between a photo and its mirror image.
_SIFT_SHIFT = 0.25

#: Least contrast of a keypoint, a quarter of OpenCV's default: soft photos get keypoints too, and
#: of sharp ones the strongest are kept anyway.
_CONTRAST = 0.01

#: OpenCV's defaults, to be named because it takes the type of descriptors behind them only.
_OCTAVE_LAYERS, _EDGE, _SIGMA = 3, 10.0, 1.6

#: A coarse check takes a picture of this share of the side, and this share of the keypoints.
_COARSE_SIDE, _COARSE_SHARE = 0.4, 0.75

#: A small view is enlarged to be looked at, at most by this factor.
_MOST_ENLARGED = 2.0

#: Keypoints as close as this are one place of the photo, px: several directions of one keypoint, or
#: the same detail at both sizes.
_SAME_PLACE = 6.0

#: Nearest keypoints among which the nearest of another place is sought.
_LOOKED_AT = 6


@dataclass(frozen=True, slots=True)
class Features:
    """What verification needs of one photo, or of one view of it.

    Attributes:
        gray: shape (h, w), uint8; luminance with the longer side at `VerifySettings.side`.
        content: shape (h, w), bool; where the picture is a photograph. Keypoints lie where it is.
        scale: px of `gray` for one px of the full-size upright photo.
        corner: x and y of the view's upper left corner in the full-size photo, px.
        share: 0-1, of the photo's area that the view is.
        points: shape (K, 2), float32; x and y of the keypoints in px of `gray`.
        histograms: shape (K, 128), uint8; SIFT of the keypoints, in a quarter of the memory of what
            is compared, `descriptors`.
    """

    gray: Bytes
    content: Flags
    scale: float
    corner: tuple[float, float]
    share: float
    points: Floats
    histograms: Bytes

    @property
    def descriptors(self) -> Floats:
        """RootSIFT: shape (K, 128), float32, rows of unit length.

        Inner products are SIFT compared by the Hellinger kernel: the histograms are L1-normalised,
        then square roots are taken.
        """
        sift = self.histograms.astype(np.float32)
        return np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1.0))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `gray`, px."""
        return self.gray.shape[1], self.gray.shape[0]

    @property
    def full_area(self) -> float:
        """Area of the whole photo in full size, px."""
        return self.gray.size / self.scale**2 / self.share


def extract(rgb: Bytes, width: int, settings: VerifySettings, box: Box | None = None) -> Features:
    """Find the keypoints of a photo, at half of `settings.side`.

    Args:
        rgb: shape (H, W, 3), uint8, as decoded.
        width: of the full-size upright photo, px.
        box: the view to look at; None for the whole photo.
    """
    view = _view(rgb, width, settings.side, box)
    there = _photographic(view, rgb, box)
    points, histograms = _at_half_size(view.gray, there, settings.keypoints)
    return replace(view, content=there, points=points, histograms=histograms)


def extract_coarse(
    rgb: Bytes, width: int, settings: VerifySettings, box: Box | None = None
) -> Features:
    """Find few keypoints in a small picture of a photo, in a tenth of the time of `extract`.

    They may lie on text or interface: all of the picture counts as content, see `on_photographs`.

    Args:
        rgb, width, box: as of `extract`.
    """
    view = _view(rgb, width, max(1, round(_COARSE_SIDE * settings.side)), box)
    count = round(_COARSE_SHARE * settings.keypoints)
    points, histograms = detected(view.gray, view.content, count)
    return replace(view, points=points, histograms=histograms)


def without_keypoints(rgb: Bytes, width: int, settings: VerifySettings) -> Features:
    """A whole photo as its pixels are compared, all but the ground of what is drawn as content.

    Args:
        rgb, width: as of `extract`.
    """
    view = _view(rgb, width, settings.side, None)
    there = undrawn(rgb).astype(np.uint8)
    content = cv2.resize(there, view.size, interpolation=cv2.INTER_NEAREST) > 0
    return replace(view, content=np.asarray(content, np.bool_))


def on_photographs(coarse: Features, rgb: Bytes, box: Box | None = None) -> Features:
    """Those of some coarse keypoints that lie where the picture is a photograph.

    Args:
        rgb, box: that they were extracted from.
    """
    there = _photographic(coarse, rgb, box)
    across, down = coarse.points.round().astype(np.int64).T
    on = there[down.clip(0, there.shape[0] - 1), across.clip(0, there.shape[1] - 1)]
    return replace(
        coarse,
        content=there,
        points=coarse.points[on],
        histograms=coarse.histograms[on],
    )


def _view(rgb: Bytes, width: int, side: int, box: Box | None) -> Features:
    """A view with its longer side at `side` px, all of it content, without keypoints."""
    enlarged = width / rgb.shape[1]
    whole = Box(0, rgb.shape[0], 0, rgb.shape[1])
    view = box or whole
    gray = at_side(view.cut(rgb), side, _MOST_ENLARGED if box else 1.0)
    return Features(
        gray,
        np.ones(gray.shape, np.bool_),
        gray.shape[1] / ((view.right - view.left) * enlarged),
        (view.left * enlarged, view.top * enlarged),
        view.area / whole.area,
        np.empty((0, 2), np.float32),
        np.empty((0, 128), np.uint8),
    )


def _photographic(view: Features, rgb: Bytes, box: Box | None) -> Flags:
    """Where a view is a photograph, in px of its `gray`."""
    there = photographic(box.cut(rgb) if box else rgb).astype(np.uint8)
    return np.asarray(cv2.resize(there, view.size, interpolation=cv2.INTER_NEAREST) > 0, np.bool_)


def at_side(rgb: Bytes, side: int, most: float = 1.0) -> Bytes:
    """Luminance with the longer side at `side` px, but not enlarged by more than `most`."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    factor = min(most, side / max(gray.shape))
    if factor != 1.0:
        size = max(1, round(gray.shape[1] * factor)), max(1, round(gray.shape[0] * factor))
        way = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_CUBIC
        gray = cv2.resize(gray, size, interpolation=way)
    return np.asarray(gray, np.uint8)


def _at_half_size(gray: Bytes, content: Flags, count: int) -> tuple[Floats, Bytes]:
    """What is detected in the picture at half its size, in px of the picture itself.

    The strongest keypoints of a sharp photo at its own size are its smallest details, which a
    blurred or small copy has lost. Of 621 copies of the tuning half, all are recognised by the
    keypoints from half the size alone, for a quarter of the time that those of both sizes take.
    """
    size = max(1, gray.shape[1] // 2), max(1, gray.shape[0] // 2)
    smaller = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
    there = cv2.resize(content.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    points, histograms = detected(smaller, there > 0, count)
    enlarged = np.array([gray.shape[1] / size[0], gray.shape[0] / size[1]], np.float32)
    return ((points + 0.5) * enlarged - 0.5).astype(np.float32), histograms


def detected(gray: Bytes, content: Flags, count: int) -> tuple[Floats, Bytes]:
    """At most about `count` keypoints: points, shape (K, 2), and histograms, shape (K, 128)."""
    detector = cv2.SIFT.create(
        max(1, count),
        _OCTAVE_LAYERS,
        _CONTRAST,
        _EDGE,
        _SIGMA,
        cv2.CV_8U,
        # The precise way has no shift, but finds less in photos with little texture.
        enable_precise_upscale=False,
    )
    keypoints, sift = detector.detectAndCompute(
        gray, None if content.all() else content.astype(np.uint8)
    )
    if not keypoints:
        return np.empty((0, 2), np.float32), np.empty((0, 128), np.uint8)
    points = np.array([keypoint.pt for keypoint in keypoints], np.float32).reshape(-1, 2)
    return points - np.float32(_SIFT_SHIFT), np.asarray(sift, np.uint8)


def mirror(features: Features) -> Features:
    """The features of the photo flipped left to right, without looking for keypoints again.

    A flip turns a SIFT descriptor's 4 x 4 x 8 histogram into one with its rows in reverse order and
    its eight directions counted the other way round.
    """
    width = features.gray.shape[1]
    points = features.points.copy()
    points[:, 0] = width - 1 - points[:, 0]
    by_place = features.histograms.reshape(-1, 4, 4, 8)
    directions = (-np.arange(8)) % 8
    histograms = by_place[:, ::-1, :, directions].reshape(-1, 128)
    return Features(
        np.ascontiguousarray(features.gray[:, ::-1]),
        np.ascontiguousarray(features.content[:, ::-1]),
        features.scale,
        features.corner,
        features.share,
        points,
        np.ascontiguousarray(histograms),
    )


def tentative(query: Features, photo: Features, ratio: float) -> Pairs:
    """Pairs of keypoints that are each other's nearest and pass Lowe's ratio; shape (M, 2).

    The second nearest, which the ratio compares with, is that of another place of the photo.
    """
    if len(query.points) < 2 or len(photo.points) < 2:
        return np.empty((0, 2), np.int64)
    # Unit vectors: a large inner product is a small distance, d^2 = 2 - 2p.
    products = query.descriptors @ photo.descriptors.T
    best, back = products.argmax(axis=1), products.argmax(axis=0)
    rows = np.arange(len(best))
    nearest = products[rows, best]
    mutual = _near(query.points[back[best]], query.points)
    kept = np.flatnonzero(mutual)
    second = _elsewhere(products[kept], best[kept], photo.points)
    distinct = (2 - 2 * nearest[kept]) <= ratio**2 * (2 - 2 * second)
    kept = kept[distinct]
    return np.stack([kept, best[kept]], axis=1)


def nearby(query: Features, photo: Features, there: Doubles, radius: float, least: float) -> Pairs:
    """Pairs of like keypoints of which one lies where the other is expected; shape (M, 2).

    Args:
        there: shape (K, 2); where each keypoint of the query should be in the photo, px.
        radius: how far off it may be, px along either side.
        least: inner product of their descriptors.
    """
    if not len(query.points) or not len(photo.points):
        return np.empty((0, 2), np.int64)
    expected, points = there.astype(np.float32), photo.points
    beside = np.abs(expected[:, :1] - points[None, :, 0]) <= radius
    beside &= np.abs(expected[:, 1:] - points[None, :, 1]) <= radius
    rows, columns = np.nonzero(beside)
    alike = np.einsum("kd,kd->k", query.descriptors[rows], photo.descriptors[columns])
    # The likest of each query keypoint: the last to be written is the largest.
    order = np.argsort(alike, kind="stable")
    likest = np.full(len(expected), -1, np.int64)
    likest[rows[order]] = order
    chosen = likest[likest >= 0]
    chosen = chosen[alike[chosen] >= least]
    return np.stack([rows[chosen], columns[chosen]], axis=1).astype(np.int64)


def _elsewhere(products: Floats, best: Pairs, points: Floats) -> Floats:
    """The largest product of each row with a keypoint that is not at the place of the best one.

    Looks at the `_LOOKED_AT` largest only, of which hardly all are of one place.
    """
    count = min(_LOOKED_AT, products.shape[1])
    nearest = np.argpartition(products, -count, axis=1)[:, -count:]
    values = np.take_along_axis(products, nearest, axis=1)
    values[_near(points[best][:, None], points[nearest])] = -1.0
    found = values.max(axis=1, initial=-1.0)
    least = np.take_along_axis(products, nearest, axis=1).min(axis=1, initial=1.0)
    return np.where(found > -1.0, found, least)


def _near(one: Floats, other: Floats) -> Flags:
    return np.asarray(np.abs(one - other).max(axis=-1) < _SAME_PLACE, np.bool_)
