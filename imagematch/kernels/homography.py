"""The perspective that takes one photo to another: point pairs in, a 3x3 homography out.

MAGSAC++ (Barath et al., CVPR 2020) finds it among wrong pairs. What no repost does to a photo, such
as folding it or blowing it up, is refused.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.records import Doubles, Flags, Floats

#: MAGSAC++ with these stays under 20 ms for 600 pairs.
_CONFIDENCE = 0.9999
_ITERATIONS = 5000

#: A homography that scales areas by more than this factor, either way, between photos that were
#: both brought to one size is an accident of RANSAC.
_MAX_SCALE = 30.0

#: Largest tilt: how much the local scale may differ between two corners of the photo.
_MAX_TILT = 6.0

#: Rounds, and least gain in correlation, when pixels refine a homography, and their blur, px.
_ECC, _ECC_BLUR = (15, 1e-4), 5

#: Inliers within this many px of each other are one piece of evidence, not several.
_ONE_PLACE = 3.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """A homography and how many separate places of the query agree with it."""

    matrix: Doubles
    inliers: int


def fit(source: Floats, target: Floats, reprojection: float) -> Fitted | None:
    """Find the homography that most pairs agree with.

    Args:
        source, target: shape (M, 2), px; pairs of points.
        reprojection: largest error of an inlier, px.

    Returns:
        None where the points are too few or say nothing. The same pairs give the same homography.
    """
    if len(np.unique(source, axis=0)) < 4 or len(np.unique(target, axis=0)) < 4:
        return None
    cv2.setRNGSeed(0)  # the same pair gives the same verdict, whatever was verified before
    try:
        matrix, mask = cv2.findHomography(
            source,
            target,
            cv2.USAC_MAGSAC,
            reprojection,
            maxIters=_ITERATIONS,
            confidence=_CONFIDENCE,
        )
    except cv2.error:  # degenerate point sets make some OpenCV versions throw
        return None
    if matrix is None or not np.isfinite(matrix).all():
        return None
    agreeing = source[mask.ravel().astype(bool)]
    return Fitted(
        np.asarray(matrix, np.float64), len(np.unique((agreeing / _ONE_PLACE).round(), axis=0))
    )


def between_pixels(photo: np.ndarray, warped: np.ndarray, where: Flags) -> Floats | None:
    """Find the small homography that is left between two pictures that nearly lie on each other.

    Args:
        photo, warped: shape (h, w) each, uint8.
        where: shape (h, w), bool; what to look at.

    Returns:
        From px of `photo` to those of `warped`, shape (3, 3), float32; None where none is found.

    Source: the enhanced correlation coefficient (Evangelidis and Psarakis, PAMI 2008).
    """
    start = np.eye(3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, *_ECC)
    try:
        _, found = cv2.findTransformECC(
            photo, warped, start, cv2.MOTION_HOMOGRAPHY, criteria, where.astype(np.uint8), _ECC_BLUR
        )
    except cv2.error:  # it says that it has not converged
        return None
    return np.asarray(found, np.float32) if np.isfinite(found).all() else None


def plausible(matrix: Doubles, size: tuple[int, int]) -> bool:
    """Refuse homographies that fold, flip, squash or blow up a picture of that width and height."""
    corners = _corners(size)
    depth = np.column_stack([corners, np.ones(4)]) @ matrix[2]
    if (depth <= 1e-6).any():
        return False  # part of the photo would lie behind the camera
    if depth.max() / depth.min() > _MAX_TILT:
        return False
    quadrilateral = project(matrix, corners)
    sides = np.roll(quadrilateral, -1, axis=0) - quadrilateral
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if not (turns > 0).all():
        return False  # folded, or flipped where no flip was asked for
    return 1 / _MAX_SCALE <= enlargement(matrix, size) <= _MAX_SCALE


def project(matrix: Doubles, points: np.ndarray) -> Doubles:
    """Where the homography takes points, shape (N, 2)."""
    lifted = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(lifted[:, :2] / lifted[:, 2:], np.float64)


def enlargement(matrix: Doubles, size: tuple[int, int]) -> float:
    """By what factor the homography changes the area of a picture of that width and height."""
    quadrilateral = project(matrix, _corners(size)).astype(np.float32)
    return float(cv2.contourArea(quadrilateral)) / (size[0] * size[1])


def covered(shown: Flags, other: tuple[int, int], matrix: Doubles) -> float:
    """Share of a part of a picture that the homography lays onto another one, 0-1.

    Args:
        shown: shape (h, w), bool; the part of the picture, sampled at 32 x 32 points.
        other: width and height of the other picture, px.
    """
    sampled = cv2.resize(shown.astype(np.uint8), (32, 32), interpolation=cv2.INTER_NEAREST)
    down, across = np.nonzero(sampled)
    if not len(down):
        return 0.0
    height, width = shown.shape
    grid = np.column_stack([(across + 0.5) / 32 * width, (down + 0.5) / 32 * height])
    there = project(matrix, grid)
    return float(((there >= 0) & (there <= np.array(other))).all(axis=1).mean())


def _corners(size: tuple[int, int]) -> Doubles:
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
