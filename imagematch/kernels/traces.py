"""The trace kept of a photo, to compare it by when its file is gone: pixels in, 1 kB out, and back.

A trace holds where at most 100 keypoints of a picture of 128 px lie, and which bins of their coarse
SIFT histograms are above the median: no brightness, colour or contrast, and not the size and the
direction that would say how to put the histograms back into a picture. Beside a photo that is
there, it is enough to find the homography, and to ask of each keypoint that must be in view whether
the photo has one like it at its place. In a copy most do; in another photo of the place, or in
other contents of one template, only some.
"""

import struct
import zlib
from dataclasses import dataclass, replace

import cv2
import numpy as np

from imagematch.kernels import comparison, homography, keypoints
from imagematch.kernels.keypoints import Features, Pairs
from imagematch.records import Bytes, Doubles, Flags, Floats, Geometry
from imagematch.settings import VerifySettings

#: Longer side of the picture that keypoints come from, px, and how many are kept: what takes a few
#: milliseconds. Of 150 copies of the tuning half, chains included, 138 are told from all of 93
#: other pairs; with sizes and directions in the trace 141, from 200 px 146 (four times as long).
_SIDE, _COUNT = 128, 100

#: First byte of a trace: its form.
_FORM = 1

#: Then width and height of the picture, px, the width of the full-size photo, px, and the CRC-32 of
#: all else.
_HEAD = struct.Struct(">BBBII")

#: A keypoint: its place, in 256ths of the picture's longer side, and its histogram's bits.
_BITS = 64
_ENTRY = np.dtype([("x", "u1"), ("y", "u1"), ("bits", "u1", (_BITS // 8,))])

#: Lowe's ratio where histograms have lost their heights, and error of an inlier, px of a trace.
_RATIO, _REPROJECTION = 0.9, 2.5

#: Keypoints that must agree on a homography. Few will do, because it is no evidence yet.
_INLIERS = 5

#: Keypoints as far from where the homography puts them, px, and as alike are asked again, as often.
_NEARBY, _ALIKE, _ROUNDS = 5.0, 0.75, 2

#: A keypoint is in view as many px from the edge of what the photo shows.
_IN_VIEW = 6.0

#: Keypoints of the photo that are looked for where it is laid over, and how far from its place one
#: stands for a keypoint of the trace, px.
_LOOKED_FOR, _THERE = 250, 2.0

#: With fewer keypoints in view nothing is said.
_FEWEST = 8

#: A keypoint agrees when its histogram correlates with the photo's by at least the first, and
#: closely by at least the second; and least mean of what is laid over as a copy is.
_AGREES, _CLOSELY, _DIFFERS = 0.4, 0.6, 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A trace that was read.

    Attributes:
        features: of a picture without pixels; its histograms are coarse, and all or nothing.
    """

    features: Features


def make(rgb: Bytes, width: int) -> bytes:
    """Make the trace of a photo.

    Args:
        rgb: shape (H, W, 3), uint8, upright; may be reduced.
        width: of the full-size upright photo, px.

    Returns:
        At most 1,011 bytes; empty where the picture has no keypoints.
    """
    gray = keypoints.at_side(rgb, _SIDE)
    points, histograms = keypoints.detected(gray, np.ones(gray.shape, np.bool_), _COUNT)
    if not len(points):
        return b""
    coarse = _coarse(histograms[:_COUNT])
    entries = np.zeros(len(coarse), _ENTRY)
    step = max(gray.shape) / 256
    entries["x"], entries["y"] = (points[:_COUNT] / step).astype(np.int64).clip(0, 255).T
    above = coarse > np.median(coarse, axis=1, keepdims=True)
    entries["bits"] = np.packbits(above, axis=1)
    # The strongest come first; in order of place, they say nothing of it.
    entries = np.sort(entries, order=["y", "x"])
    return _sealed(gray.shape[1], gray.shape[0], width, entries.tobytes())


def _coarse(histograms: Bytes) -> Bytes:
    """SIFT with neighbouring directions put together: 4 x 4 places with 4 directions each.

    Args:
        histograms: shape (K, 128), uint8.

    Returns:
        Shape (K, 64), uint8, means of two.
    """
    pairs = histograms.reshape(-1, 64, 2).astype(np.uint16).sum(axis=2)
    return (pairs // 2).astype(np.uint8)


def read(data: bytes) -> Trace | None:
    """Read a trace; None where there is none, or it is damaged or of a form that is not known."""
    if len(data) < _HEAD.size or (len(data) - _HEAD.size) % _ENTRY.itemsize:
        return None
    form, across, down, width, _ = _HEAD.unpack_from(data)
    body = data[_HEAD.size :]
    if form != _FORM or not across or not down or not width or not body:
        return None
    if data != _sealed(across, down, width, body):
        return None
    entries = np.frombuffer(body, _ENTRY)
    places = np.stack([entries["x"], entries["y"]], axis=1).astype(np.float32)
    blank = np.zeros((down, across), np.uint8)
    return Trace(
        Features(
            blank,
            np.ones(blank.shape, np.bool_),
            across / width,
            (0.0, 0.0),
            1.0,
            (places + np.float32(0.5)) * np.float32(max(across, down) / 256),
            np.unpackbits(entries["bits"], axis=1) * np.uint8(255),
        )
    )


def compare(query: Features, photo: Trace, settings: VerifySettings) -> Geometry:
    """Judge whether the query, as it is or mirrored, is the photo that left a trace.

    Returns:
        A geometry with `traced`. Its `correlation` is the mean over the keypoints in view of how
        their histograms correlate with the query's; `agreement` and `closeness` are shares of
        these keypoints.
    """
    ways = [
        (flipped, replace(way, histograms=_coarse(way.histograms)))
        for flipped, way in ((False, query), (True, keypoints.mirror(query)))
    ]
    proposed = [
        (flipped, way, keypoints.tentative(way, photo.features, _RATIO)) for flipped, way in ways
    ]
    found = [_found(way, photo, pairs, flipped, settings) for flipped, way, pairs in proposed]
    return max(found, key=says)


def says(geometry: Geometry) -> tuple[bool, bool, float, int]:
    """How much a comparison says for a copy, to be ordered by."""
    return (
        geometry.reason == "accepted",
        geometry.transform is not None,
        geometry.correlation,
        geometry.inliers,
    )


# --- its bytes -----------------------------------------------------------------------------------


def _sealed(across: int, down: int, width: int, body: bytes) -> bytes:
    bare = _HEAD.pack(_FORM, across, down, width, 0) + body
    return _HEAD.pack(_FORM, across, down, width, zlib.crc32(bare)) + body


# --- laying it over a photo ----------------------------------------------------------------------


def _found(
    query: Features, photo: Trace, pairs: Pairs, mirrored: bool, settings: VerifySettings
) -> Geometry:
    if len(pairs) < _INLIERS:
        return _nothing(0, "few_keypoints")
    matrix, inliers = _fitted(query, photo, pairs)
    if matrix is None:
        return _nothing(inliers, "few_inliers")
    if not _plausible(matrix, query, photo):
        return _nothing(inliers, "implausible")
    inverse, theirs = np.linalg.inv(matrix), photo.features
    cover_photo = homography.covered(theirs.content, query.size, inverse)
    cover_query = homography.covered(_all(query), theirs.size, matrix) * query.share
    shared = homography.covered(query.content, theirs.size, matrix) * query.share
    likeness = _likeness(query, photo, matrix)
    if max(shared, cover_photo) < settings.min_overlap or len(likeness) < _FEWEST:
        reason = "small_overlap"
    else:
        reason = "accepted" if likeness.mean() >= _DIFFERS else "pixels_differ"
    if not len(likeness):
        likeness = np.zeros(1, np.float32)
    smaller_is_photo = theirs.full_area < query.full_area
    return Geometry(
        inliers,
        round(cover_photo if smaller_is_photo else cover_query, 4),
        round(cover_query, 4),
        round(cover_photo, 4),
        round(float(likeness.mean()), 4),
        round(float((likeness >= _AGREES).mean()), 4),
        mirrored,
        comparison.full_size(query, theirs, matrix, mirrored),
        reason,
        round(float((likeness >= _CLOSELY).mean()), 4),
        traced=True,
    )


def _nothing(inliers: int, reason: str) -> Geometry:
    return Geometry(inliers, 0.0, 0.0, 0.0, 0.0, 0.0, False, None, reason, traced=True)


def _all(features: Features) -> Flags:
    return np.ones(features.gray.shape, np.bool_)


def _fitted(query: Features, photo: Trace, pairs: Pairs) -> tuple[Doubles | None, int]:
    """The homography that most keypoints agree with, and how many: None where that is too few."""
    matrix: Doubles | None = None
    inliers = 0
    for _ in range(1 + _ROUNDS):
        source, target = query.points[pairs[:, 0]], photo.features.points[pairs[:, 1]]
        fitted = homography.fit(source, target, _REPROJECTION)
        if fitted is None or fitted.inliers < max(_INLIERS, inliers):
            break
        if matrix is not None and not _plausible(fitted.matrix, query, photo):
            break
        matrix, inliers = fitted.matrix, fitted.inliers
        there = homography.project(matrix, query.points)
        pairs = keypoints.nearby(query, photo.features, there, _NEARBY, _ALIKE)
    return matrix, inliers


def _plausible(matrix: Doubles, query: Features, photo: Trace) -> bool:
    """As `homography.plausible`, which is about pictures of one size."""
    enlarged = max(query.size) / max(photo.features.size)
    return homography.plausible(np.diag([enlarged, enlarged, 1.0]) @ matrix, query.size)


def _likeness(query: Features, photo: Trace, matrix: Doubles) -> Floats:
    """For each keypoint of the trace that is in view, how the query looks like it at its place.

    Keypoints are looked for anew where the query is laid over: they come with directions and sizes,
    which the trace lacks.

    Returns:
        Shape (N,), float32, -1 to 1: correlation of its bits with the likest RootSIFT of the query
        there; 0 where there is none.
    """
    warped, depth = _warped(query, photo.features.size, matrix)
    places = photo.features.points
    across, down = places.round().astype(np.int64).clip(0, np.array(depth.shape[::-1]) - 1).T
    in_view = np.flatnonzero(depth[down, across] >= _IN_VIEW)
    likeness = np.zeros(len(in_view), np.float32)
    points, histograms = keypoints.detected(warped, depth > 0, _LOOKED_FOR)
    if not len(points) or not len(in_view):
        return likeness
    bits = _centred(photo.features.histograms[in_view].astype(np.float32))
    ours = _centred(np.sqrt(_coarse(histograms).astype(np.float32)))
    apart = np.linalg.norm(places[in_view][:, None] - points[None], axis=2)
    alike = np.where(apart <= _THERE, bits @ ours.T, -1.0)
    best = alike.max(axis=1)
    return np.where(best > -1.0, best, 0.0).astype(np.float32)


def _centred(rows: Floats) -> Floats:
    """Rows with a mean of 0 and a length of 1; those of one value become 0."""
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
    return np.asarray(rows / lengths, np.float32)


def _warped(query: Features, size: tuple[int, int], matrix: Doubles) -> tuple[Bytes, Floats]:
    """The query as the photo shows it, and how far each pixel is from where it has no content.

    Args:
        size: width and height of the photo's picture, px.

    Returns:
        Shapes (h, w): uint8, and float32 in px.
    """
    gray: np.ndarray = query.gray
    content: np.ndarray = query.content.astype(np.uint8)
    factor = np.sqrt(homography.enlargement(matrix, query.size))
    if factor < 1:
        reduced = max(1, round(query.size[0] * factor)), max(1, round(query.size[1] * factor))
        across, down = query.size[0] / reduced[0], query.size[1] / reduced[1]
        gray = cv2.resize(gray, reduced, interpolation=cv2.INTER_AREA)
        content = cv2.resize(content, reduced, interpolation=cv2.INTER_NEAREST)
        # Centres of pixels lie at whole numbers.
        matrix = matrix @ np.array(
            [[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]]
        )
    warped = cv2.warpPerspective(
        gray, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    shown = cv2.warpPerspective(content, matrix, size, flags=cv2.INTER_NEAREST)
    # What lies beyond the photo's own edge is not missing.
    rim = max(size)
    around = cv2.copyMakeBorder(shown, rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    depth = cv2.distanceTransform(around, cv2.DIST_L2, 3)[rim:-rim, rim:-rim]
    return np.asarray(warped, np.uint8), np.asarray(depth, np.float32)
