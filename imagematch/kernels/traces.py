"""The trace kept of a photo, to compare it by when its file is gone: pixels in, 2 kB out, and back.

A trace holds where at most 100 keypoints of a picture of 128 px lie, their size and direction, and
which bins of their SIFT histograms are above the median: no brightness, no colour, no contrast.
Beside a photo that is there, it is enough to find the homography, and to ask of each keypoint that
must be in view whether the photo looks like that at its place. In a copy nearly all do; in another
photo of the place, or in other contents of one template, only some.
"""

import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.kernels import comparison, homography, keypoints
from imagematch.kernels.keypoints import Features, Pairs
from imagematch.records import Bytes, Doubles, Flags, Floats, Geometry
from imagematch.settings import VerifySettings

#: Longer side of the picture that keypoints come from, px, and how many are kept: what a few
#: milliseconds and two rows to a page of SQLite have room for. Of 150 copies of the tuning half,
#: chains included, it tells 140; 160 px tell 143 for twice the time, 200 px 146 for four times.
_SIDE, _COUNT = 128, 100

#: Directions of keypoints that are told apart.
_DIRECTIONS = 32

#: First byte of a trace: its form.
_FORM = 1

#: Then width and height of the picture, px, the width of the full-size photo, px, and the CRC-32 of
#: all else.
_HEAD = struct.Struct(">BBBII")

#: A keypoint: its place, in 256ths of the picture's longer side; OpenCV's octave, counted from the
#: enlarged picture, times four, and its layer; its direction; and its histogram's 128 bits.
_ENTRY = np.dtype(
    [("x", "u1"), ("y", "u1"), ("scale", "u1"), ("angle", "u1"), ("bits", "u1", (16,))]
)

#: Lowe's ratio where one histogram has lost its heights, and error of an inlier, px of a trace.
_RATIO, _REPROJECTION = 0.85, 2.5

#: Keypoints that must agree on a homography. Few will do, because it is no evidence yet.
_INLIERS = 5

#: Keypoints as far from where the homography puts them, px, and as alike are asked again, as often.
_NEARBY, _ALIKE, _ROUNDS = 5.0, 0.75, 2

#: A keypoint is in view when the photo goes on around it for this many times its scale; the
#: histogram looks at six, and hardly at the rim.
_IN_VIEW = 4.0

#: With fewer keypoints in view nothing is said.
_FEWEST = 8

#: A keypoint agrees when its histogram correlates with the photo's by at least the first, and
#: closely by at least the second; and least mean of what is laid over as a copy is.
_AGREES, _CLOSELY, _DIFFERS = 0.4, 0.6, 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A trace that was read.

    Attributes:
        features: of a picture without pixels; its histograms are all or nothing.
        keypoints: the same, as OpenCV wants them.
        scales: shape (K,), standard deviation of the blur that each keypoint was found at, px.
    """

    features: Features
    keypoints: tuple[cv2.KeyPoint, ...]
    scales: Floats


def make(rgb: Bytes, width: int) -> bytes:
    """Make the trace of a photo.

    Args:
        rgb: shape (H, W, 3), uint8, upright; may be reduced.
        width: of the full-size upright photo, px.

    Returns:
        At most 2,011 bytes; empty where the picture has no keypoints.
    """
    gray = keypoints.at_side(rgb, _SIDE)
    found, sift = keypoints.detector(_COUNT).detectAndCompute(gray, None)
    if not found:
        return b""
    histograms = np.asarray(sift, np.uint8)
    above = histograms > np.median(histograms, axis=1, keepdims=True)
    entries = np.zeros(len(found), _ENTRY)
    step = max(gray.shape) / 256
    places = np.array([keypoint.pt for keypoint in found], np.float64)
    entries["x"], entries["y"] = (places / step).astype(np.int64).clip(0, 255).T
    entries["scale"] = [_packed(keypoint.octave) for keypoint in found]
    turns = np.array([keypoint.angle for keypoint in found], np.float64) / 360
    entries["angle"] = (turns * _DIRECTIONS).round().astype(np.int64) % _DIRECTIONS
    entries["bits"] = np.packbits(above, axis=1)
    # The strongest come first; in order of place, they say nothing of it.
    entries = np.sort(entries, order=["y", "x"])[:_COUNT]
    return _sealed(gray.shape[1], gray.shape[0], width, entries.tobytes())


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
    found = _keypoints(entries, max(across, down) / 256)
    points = np.array([keypoint.pt for keypoint in found], np.float32)
    blank = np.zeros((down, across), np.uint8)
    features = Features(
        blank,
        np.ones(blank.shape, np.bool_),
        across / width,
        (0.0, 0.0),
        1.0,
        points - np.float32(keypoints.SIFT_SHIFT),
        np.unpackbits(entries["bits"], axis=1) * np.uint8(255),
    )
    return Trace(features, found, np.array([keypoint.size / 2 for keypoint in found], np.float32))


def compare(query: Features, photo: Trace, settings: VerifySettings) -> Geometry:
    """Judge whether the query, as it is or mirrored, is the photo that left a trace.

    Returns:
        A geometry with `traced`. Its `correlation` is the mean over the keypoints in view of how
        their histograms correlate with the query's; `agreement` and `closeness` are shares of
        these keypoints.
    """
    ways = [(False, query), (True, keypoints.mirror(query))]
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


def _packed(octave: int) -> int:
    """OpenCV's octave, a signed byte, and its layer, the next byte, in one byte."""
    signed = (octave & 255) - 256 * ((octave & 255) >= 128)
    return (signed + 1) * 4 + (octave >> 8 & 3)


def _keypoints(entries: np.ndarray, step: float) -> tuple[cv2.KeyPoint, ...]:
    """Keypoints as OpenCV wants them; each knows its number.

    Args:
        step: px of the picture that a unit of place stands for.
    """
    found = []
    for number, entry in enumerate(entries):
        octave, layer = int(entry["scale"]) // 4 - 1, int(entry["scale"]) % 4
        found.append(
            cv2.KeyPoint(
                (int(entry["x"]) + 0.5) * step,
                (int(entry["y"]) + 0.5) * step,
                2 * keypoints.SIGMA * 2.0 ** (octave + layer / keypoints.OCTAVE_LAYERS),
                int(entry["angle"]) % _DIRECTIONS * 360 / _DIRECTIONS,
                1.0,
                (octave & 255) | layer << 8,
                number,
            )
        )
    return tuple(found)


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

    Returns:
        Shape (N,), float32, -1 to 1: correlation of its bits with the query's RootSIFT there.
    """
    warped, depth = _warped(query, photo.features.size, matrix)
    height, width = warped.shape
    places = photo.features.points.round().astype(np.int64)
    across, down = places[:, 0].clip(0, width - 1), places[:, 1].clip(0, height - 1)
    in_view = depth[down, across] >= _IN_VIEW * photo.scales
    wanted = [photo.keypoints[number] for number in np.flatnonzero(in_view)]
    if not wanted:
        return np.empty(0, np.float32)
    # OpenCV may leave some out.
    there, sift = keypoints.detector(len(wanted)).compute(warped, wanted)
    if not there:
        return np.empty(0, np.float32)
    ours = _centred(np.sqrt(np.asarray(sift, np.float32)))
    bits = photo.features.histograms[[keypoint.class_id for keypoint in there]]
    return np.asarray((ours * _centred(bits.astype(np.float32))).sum(axis=1), np.float32)


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
