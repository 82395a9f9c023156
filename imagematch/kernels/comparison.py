"""Geometric verification of a pair: the features of two photos in, a `Geometry` out.

Keypoints find the homography, keypoints near where it says refine it, and the aligned pixels
decide: two photos of one place share hundreds of true keypoint matches, but only copies share the
pixels between them.
"""

from dataclasses import replace

import cv2
import numpy as np

from imagematch.kernels import alignment, homography
from imagematch.kernels.alignment import Agreement, Alignment, Conflict
from imagematch.kernels.homography import Fitted
from imagematch.kernels.keypoints import Features, Pairs, mirror, nearby, tentative
from imagematch.records import Doubles, Flags, Geometry
from imagematch.settings import VerifySettings

#: Keypoints as far from where the first homography puts them, px, and as alike (inner product of
#: their descriptors) are asked again, however many others look like them.
_NEARBY, _ALIKE = 8.0, 0.8

#: The second homography is held to this share of `reprojection`. Measured on the side that shows
#: more, errors are larger: this share of the inliers is enough there.
_REFINED, _FEWER = 0.75, 0.5

#: With fewer coarse keypoints, on a photograph or anywhere, even a copy may share none. Soft copies
#: that a coarse check then rejects are rare, so that only queries look for them: of 400, three lost
#: their original when 20 were enough, one with 60.
_ENOUGH, _ENOUGH_HIGH_RECALL, _ENOUGH_ON_PHOTOGRAPHS = 60, 100, 40

#: The error of an inlier grows less than the picture shrinks: this share of `reprojection`.
_COARSE_REPROJECTION = 0.625

#: What a coarse check must find for a full one: the pixels agree so well, by correlation and
#: by the share of windows, or so many keypoints fit that it may be another photo of the scene. Of
#: 629 copies among 1,887 photos and edited pictures of the tuning half, none has less than 0.95 and
#: 0.72; of 493 candidates that are no copies, 84 have as much as here, or too few keypoints.
_CORRELATES, _AGREES, _FITS = 0.85, 0.6, 9

#: With so many inliers, a homography is good to a fraction of a pixel. With fewer, pixels refine it
#: where they correlate and agree like this, but not as many closely.
_SURELY_LAID, _NEARLY, _CLOSE = 30, 0.95, 0.9

#: Least share of a homography's length that its last element has, or it is as good as 0.
_HORIZON = 1e-12

_NOTHING = Alignment(
    Agreement(0.0, 0.0, 0.0), Agreement(0.0, 0.0, 0.0), Conflict(0.0, 0.0, 0.0, 0.0, 0.0)
)


def compare(query: Features, photo: Features, settings: VerifySettings) -> Geometry:
    """Judge whether the query and the photo are the same picture, as it is or mirrored."""
    ways = [(False, query), (True, mirror(query))]
    proposed = [(flipped, way, tentative(way, photo, settings.ratio)) for flipped, way in ways]
    proposed.sort(key=lambda entry: -len(entry[2]))
    found = [_found(way, photo, pairs, flipped, settings) for flipped, way, pairs in proposed[:1]]
    if found[0].transform is None and len(proposed[1][2]) >= settings.min_inliers:
        flipped, way, pairs = proposed[1]
        found.append(_found(way, photo, pairs, flipped, settings))
    # What was laid over says more than what was not.
    return next((geometry for geometry in found if geometry.transform is not None), found[0])


def has_enough_keypoints(query: Features, photo: Features, *, high_recall: bool) -> bool:
    """Whether two coarse features have enough keypoints for `coarse_check`.

    Args:
        high_recall: check fully rather than miss a soft copy.
    """
    return _count(query, photo) >= (_ENOUGH_HIGH_RECALL if high_recall else _ENOUGH)


def has_enough_on_photographs(query: Features, photo: Features) -> bool:
    """Whether coarse features have enough keypoints on photographs for a pixel check."""
    return _count(query, photo) >= _ENOUGH_ON_PHOTOGRAPHS


def _count(query: Features, photo: Features) -> int:
    return min(len(query.points), len(photo.points))


def coarse_check(query: Features, photo: Features, settings: VerifySettings) -> Geometry:
    """Count the inliers of coarse features, without a look at the pixels.

    Returns:
        A geometry of nothing but inliers, with the reason why no more is known.
    """
    inliers = []
    for way in (query, mirror(query)):
        pairs = tentative(way, photo, settings.ratio)
        if len(pairs) >= settings.min_coarse_inliers:
            source, target = way.points[pairs[:, 0]], photo.points[pairs[:, 1]]
            fitted = homography.fit(source, target, _COARSE_REPROJECTION * settings.reprojection)
            inliers.append(fitted.inliers if fitted else 0)
    return _nothing(max(inliers, default=0), "few_inliers" if inliers else "few_keypoints")


def coarse_pixel_check(query: Features, photo: Features, settings: VerifySettings) -> Geometry:
    """Compare coarse features as `compare` does, their keypoints on photographs only."""
    coarse = replace(
        settings,
        reprojection=_COARSE_REPROJECTION * settings.reprojection,
        min_inliers=settings.min_coarse_inliers,
    )
    return compare(query, photo, coarse)


def deserves_full_check(geometry: Geometry) -> bool:
    """Whether a pair whose coarse features compare like this is worth a full check."""
    if geometry.transform is None:
        return False
    alike = geometry.correlation >= _CORRELATES and geometry.agreement >= _AGREES
    return alike or geometry.inliers >= _FITS


def _found(
    query: Features, photo: Features, pairs: Pairs, mirrored: bool, settings: VerifySettings
) -> Geometry:
    if len(pairs) < settings.min_inliers:
        return _nothing(0, "few_keypoints")
    source, target = query.points[pairs[:, 0]], photo.points[pairs[:, 1]]
    first = homography.fit(source, target, settings.reprojection)
    if first is None or first.inliers < settings.min_inliers:
        return _nothing(first.inliers if first else 0, "few_inliers")
    if not homography.plausible(first.matrix, query.size):
        return _nothing(first.inliers, "implausible")
    matrix = _refined(query, photo, first, settings)
    return _aligned(query, photo, matrix, first.inliers, mirrored, settings)


def _nothing(inliers: int, reason: str) -> Geometry:
    return Geometry(inliers, 0.0, 0.0, 0.0, 0.0, 0.0, False, None, reason)


def _refined(query: Features, photo: Features, first: Fitted, settings: VerifySettings) -> Doubles:
    """The homography that all keypoints near the first one agree with.

    Its errors are px of the side that shows more of what both show: those of a small part of the
    other side would say little of it.
    """
    there = homography.project(first.matrix, query.points)
    pairs = nearby(query, photo, there, _NEARBY, _ALIKE)
    source, target = query.points[pairs[:, 0]], photo.points[pairs[:, 1]]
    reduces = homography.enlargement(first.matrix, query.size) < 1
    if reduces:
        source, target = target, source
    second = homography.fit(source, target, _REFINED * settings.reprojection)
    if second is None or second.inliers < (_FEWER if reduces else 1) * first.inliers:
        return first.matrix
    matrix = np.linalg.inv(second.matrix) if reduces else second.matrix
    return matrix if homography.plausible(matrix, query.size) else first.matrix


def _aligned(
    query: Features,
    photo: Features,
    matrix: Doubles,
    inliers: int,
    mirrored: bool,
    settings: VerifySettings,
) -> Geometry:
    """Lay the query over the photo and compare the pixels where they overlap."""
    inverse = np.linalg.inv(matrix)
    cover_photo = homography.covered(_all(photo), query.size, inverse) * photo.share
    cover_query = homography.covered(_all(query), photo.size, matrix) * query.share
    shared = max(
        homography.covered(photo.content, query.size, inverse) * photo.share,
        homography.covered(query.content, photo.size, matrix) * query.share,
    )
    smaller_is_photo = photo.full_area < query.full_area
    compared = _pixels(query, photo, matrix, inliers)
    found = compared or _NOTHING
    robust = found.robust
    if shared < settings.min_overlap or compared is None:
        reason = "small_overlap"
    elif robust.correlation < settings.min_correlation or robust.agreement < settings.min_agreement:
        reason = "pixels_differ"
    else:
        reason = "accepted"
    overlap = cover_photo if smaller_is_photo else cover_query
    covers = round(overlap, 4), round(cover_query, 4), round(cover_photo, 4)
    transform = full_size(query, photo, matrix, mirrored)
    return geometry(found, covers, inliers, mirrored, transform, reason)


def geometry(
    found: Alignment,
    covers: tuple[float, float, float],
    inliers: int,
    mirrored: bool,
    transform: tuple[tuple[float, float, float], ...],
    reason: str,
) -> Geometry:
    """What was found when one photo was laid over the other.

    Args:
        covers: `overlap`, `cover_query` and `cover_photo`.
    """
    plain, robust, conflict = found.plain, found.robust, found.conflict
    return Geometry(
        inliers,
        *covers,
        robust.correlation,
        robust.agreement,
        mirrored,
        transform,
        reason,
        robust.closeness,
        plain.correlation,
        plain.agreement,
        plain.closeness,
        compared=conflict.compared,
        contradiction=conflict.contradiction,
        exchanged=conflict.exchanged,
        detail=conflict.detail,
        shared_detail=conflict.shared_detail,
    )


def _all(features: Features) -> Flags:
    return np.ones(features.gray.shape, np.bool_)


def _pixels(query: Features, photo: Features, matrix: Doubles, inliers: int) -> Alignment | None:
    """Compare the pixels of the overlap.

    The photo that is coarser where they overlap stays as it is and the finer one is reduced to it:
    enlarging would compare details with their absence. Where few keypoints agree, the homography
    may be off by a pixel or two, and the pixels themselves say by how much.
    """
    if homography.enlargement(matrix, query.size) > 1:
        query, photo, matrix = photo, query, np.linalg.inv(matrix)
    warped = cv2.warpPerspective(query.gray, matrix, photo.size, flags=cv2.INTER_AREA)
    # Two bits in one pass: what the query covers, and where it is a photograph.
    parts = query.content.astype(np.uint8) + np.uint8(1)
    there = cv2.warpPerspective(parts, matrix, photo.size, flags=cv2.INTER_NEAREST)
    found = _compared(photo, warped, there)
    if found is None or not _may_be_off(found, inliers):
        return found
    shift = homography.between_pixels(photo.gray, warped, (there > 1) & photo.content)
    if shift is None:
        return found
    back = cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(warped, shift, photo.size, flags=cv2.INTER_LINEAR | back)
    there = cv2.warpPerspective(there, shift, photo.size, flags=cv2.INTER_NEAREST | back)
    closer = _compared(photo, warped, there)
    better = closer is not None and closer.plain.closeness > found.plain.closeness
    return closer if better else found


def _compared(photo: Features, warped: np.ndarray, there: np.ndarray) -> Alignment | None:
    return alignment.align(photo.gray, warped, (there > 1) & photo.content, there > 0)


def _may_be_off(found: Alignment, inliers: int) -> bool:
    """Whether two photos agree nearly everywhere, and closely in too few places."""
    return (
        inliers < _SURELY_LAID
        and found.robust.correlation >= _NEARLY
        and found.robust.agreement >= _CLOSE
        and found.plain.closeness < _CLOSE
    )


def full_size(
    query: Features, photo: Features, matrix: Doubles, mirrored: bool
) -> tuple[tuple[float, float, float], ...]:
    """The homography between the full-size photos, with the flip included.

    Args:
        matrix: from the query's `gray`, flipped if `mirrored`, to the photo's.
    """
    into_view = _scaling(query.scale) @ _shift(-query.corner[0], -query.corner[1])
    out_of_view = _shift(*photo.corner) @ _scaling(1 / photo.scale)
    flip = np.eye(3)
    if mirrored:
        flip = np.array([[-1.0, 0.0, query.gray.shape[1] - 1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    return _rounded(out_of_view @ matrix @ flip @ into_view)


def reverse(geometry: Geometry) -> Geometry:
    """The same evidence, read from the photo to the query."""
    return replace(
        geometry,
        cover_query=geometry.cover_photo,
        cover_photo=geometry.cover_query,
        transform=_inverse(geometry.transform),
    )


def _inverse(
    transform: tuple[tuple[float, float, float], ...] | None,
) -> tuple[tuple[float, float, float], ...] | None:
    """None also where rounding has left nothing to be inverted."""
    if transform is None:
        return None
    try:
        return _rounded(np.linalg.inv(np.array(transform)))
    except np.linalg.LinAlgError:
        return None


def _rounded(matrix: Doubles) -> tuple[tuple[float, float, float], ...]:
    """As a record, with 7 digits, scaled so that the last element is 1.

    Where the corner of the full-size photo lies at the horizon, that is 0, and stays it.
    """
    length = float(np.linalg.norm(matrix))
    scale = float(matrix[2, 2])
    if abs(scale) < _HORIZON * length:
        scale = length
    rows = [[float(f"{value:.7g}") for value in row] for row in matrix / scale]
    return tuple((row[0], row[1], row[2]) for row in rows)


def _scaling(factor: float) -> Doubles:
    return np.diag([factor, factor, 1.0])


def _shift(across: float, down: float) -> Doubles:
    return np.array([[1.0, 0.0, across], [0.0, 1.0, down], [0.0, 0.0, 1.0]])
