"""Geometric verification of a pair: RGB arrays in, a `Geometry` with its evidence out.

RootSIFT keypoints (Lowe 2004; Arandjelovic and Zisserman, CVPR 2012) are matched, MAGSAC++ (Barath
et al., CVPR 2020) finds the homography, and the aligned pixels decide: two photos of one place
share hundreds of true keypoint matches, but only copies share the pixels between them.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from imagematch.kernels.panels import Box, find_panels
from imagematch.records import Bytes, Floats, Geometry
from imagematch.settings import VerifySettings

type Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
type Doubles = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: Windows of this side are correlated, px at the working side; the aligned pixels of true copies
#: still agree at this size after blur, noise and recompression.
_WINDOW = 31

#: Blur before correlating, px: hides the fraction of a pixel by which the homography is off.
_BLUR = 1.0

#: A window counts where both photos vary by at least this much, levels of 255; flat areas would
#: correlate by chance or by noise.
_TEXTURE = 6.0

#: Panels that cover less than this share of a picture do not make it a composite one, 0-1.
_LEAST_CONTENT = 0.25

#: OpenCV's SIFT looks at the photo at twice its size and halves the coordinates, which puts every
#: keypoint this far to the right and below, px: half a pixel between a photo and its mirror image.
_SIFT_SHIFT = 0.25

#: A window agrees when it correlates by at least this much.
_AGREES = 0.5

#: MAGSAC++ with these stays under 20 ms for 600 pairs.
_CONFIDENCE = 0.9999
_ITERATIONS = 5000

#: A homography that scales areas by more than this factor, either way, between photos that were
#: both brought to one size is an accident of RANSAC.
_MAX_SCALE = 30.0

#: Largest tilt: how much the local scale may differ between two corners of the photo.
_MAX_TILT = 6.0


@dataclass(frozen=True, slots=True)
class Features:
    """What verification needs of one photo, or of one view of it.

    Attributes:
        gray: shape (h, w), uint8; luminance with the longer side at `VerifySettings.side`.
        content: shape (h, w), bool; False where the picture is not a photo but what surrounds one:
            the interface of a phone, the margins of a collage. Keypoints lie where it is True.
        scale: px of `gray` for one px of the full-size upright photo.
        corner: x and y of the view's upper left corner in the full-size photo, px.
        share: 0-1, of the photo's area that the view is.
        points: shape (K, 2), float32; x and y of the keypoints in px of `gray`.
        descriptors: shape (K, 128), float32, RootSIFT, rows of unit length.
    """

    gray: Bytes
    content: Flags
    scale: float
    corner: tuple[float, float]
    share: float
    points: Floats
    descriptors: Floats

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of `gray`, px."""
        return self.gray.shape[1], self.gray.shape[0]

    @property
    def full_area(self) -> float:
        """Area of the whole photo in full size, px."""
        return self.gray.size / self.scale**2 / self.share


def extract(rgb: Bytes, width: int, settings: VerifySettings, box: Box | None = None) -> Features:
    """Find the keypoints of a photo.

    Args:
        rgb: shape (H, W, 3), uint8, as decoded.
        width: of the full-size upright photo, px.
        box: the view to look at; None for the whole photo.
    """
    box = box or Box(0, rgb.shape[0], 0, rgb.shape[1])
    enlarged = width / rgb.shape[1]
    corner = box.left * enlarged, box.top * enlarged
    share = box.area / (rgb.shape[0] * rgb.shape[1])
    rgb = box.cut(rgb)
    reduce = min(1.0, settings.side / max(rgb.shape[:2]))
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if reduce < 1.0:
        target = max(1, round(gray.shape[1] * reduce)), max(1, round(gray.shape[0] * reduce))
        gray = cv2.resize(gray, target, interpolation=cv2.INTER_AREA)
    content = _content(rgb, gray.shape[:2])
    # The precise way of enlarging has no shift, but finds less in photos with little texture.
    detector = cv2.SIFT.create(nfeatures=settings.keypoints, enable_precise_upscale=False)
    keypoints, sift = detector.detectAndCompute(
        gray, None if content.all() else content.astype(np.uint8)
    )
    points = np.array([keypoint.pt for keypoint in keypoints], np.float32).reshape(-1, 2)
    points -= np.float32(_SIFT_SHIFT)
    descriptors = (
        _rootsift(np.asarray(sift, np.float32)) if keypoints else np.empty((0, 128), np.float32)
    )
    scale = gray.shape[1] / (rgb.shape[1] * enlarged)
    return Features(np.asarray(gray, np.uint8), content, scale, corner, share, points, descriptors)


def _content(rgb: Bytes, shape: tuple[int, ...]) -> Flags:
    """Where the photo is, in a picture of the given height and width made from `rgb`."""
    content = np.zeros(shape, np.bool_)
    down, across = shape[0] / rgb.shape[0], shape[1] / rgb.shape[1]
    for panel in find_panels(rgb):
        top, bottom = round(panel.top * down), round(panel.bottom * down)
        left, right = round(panel.left * across), round(panel.right * across)
        content[top:bottom, left:right] = True
    # An ordinary photo, or one whose few panels are straight lines inside it.
    return content if content.mean() >= _LEAST_CONTENT else np.ones(shape, np.bool_)


def _rootsift(sift: Floats) -> Floats:
    """Compare SIFT histograms by the Hellinger kernel: L1-normalise, then take square roots."""
    return np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1e-7))


def mirror(features: Features) -> Features:
    """The features of the photo flipped left to right, without looking for keypoints again.

    A flip turns a SIFT descriptor's 4 x 4 x 8 histogram into one with its rows in reverse order and
    its eight directions counted the other way round.
    """
    width = features.gray.shape[1]
    points = features.points.copy()
    points[:, 0] = width - 1 - points[:, 0]
    histograms = features.descriptors.reshape(-1, 4, 4, 8)
    directions = (-np.arange(8)) % 8
    descriptors = histograms[:, ::-1, :, directions].reshape(-1, 128)
    return Features(
        np.ascontiguousarray(features.gray[:, ::-1]),
        np.ascontiguousarray(features.content[:, ::-1]),
        features.scale,
        features.corner,
        features.share,
        points,
        np.ascontiguousarray(descriptors),
    )


def compare(query: Features, photo: Features, settings: VerifySettings) -> Geometry:
    """Judge whether the query and the photo are the same picture, as it is or mirrored."""
    straight = _tentative(query, photo, settings.ratio)
    flipped = mirror(query)
    crossed = _tentative(flipped, photo, settings.ratio)
    mirrored = len(crossed) > len(straight)
    chosen, pairs = (flipped, crossed) if mirrored else (query, straight)
    if len(pairs) < settings.min_inliers:
        return _nothing(0, "few_keypoints")

    homography, inliers = _homography(chosen, photo, pairs, settings)
    if homography is None or inliers < settings.min_inliers:
        return _nothing(inliers, "few_inliers")
    if not _plausible(homography, chosen.size):
        return _nothing(inliers, "implausible")
    return _aligned(chosen, photo, homography, inliers, mirrored, settings)


def _nothing(inliers: int, reason: str) -> Geometry:
    return Geometry(inliers, 0.0, 0.0, 0.0, 0.0, 0.0, False, None, reason)


def _tentative(query: Features, photo: Features, ratio: float) -> np.ndarray:
    """Pairs of keypoints that are each other's nearest and pass Lowe's ratio; (M, 2), int64."""
    if len(query.points) < 2 or len(photo.points) < 2:
        return np.empty((0, 2), np.int64)
    # Unit vectors: a large inner product is a small distance, d^2 = 2 - 2p.
    products = query.descriptors @ photo.descriptors.T
    best = products.argmax(axis=1)
    rows = np.arange(len(best))
    nearest = products[rows, best]
    others = products.copy()
    others[rows, best] = -1.0
    second = others.max(axis=1)
    distinct = (2 - 2 * nearest) <= ratio**2 * (2 - 2 * second)
    mutual = products.argmax(axis=0)[best] == rows
    kept = np.flatnonzero(distinct & mutual)
    return np.stack([kept, best[kept]], axis=1)


def _homography(
    query: Features, photo: Features, pairs: np.ndarray, settings: VerifySettings
) -> tuple[Doubles | None, int]:
    source, target = query.points[pairs[:, 0]], photo.points[pairs[:, 1]]
    if len(np.unique(source, axis=0)) < 4 or len(np.unique(target, axis=0)) < 4:
        return None, 0
    cv2.setRNGSeed(0)  # the same pair gives the same verdict, whatever was verified before
    try:
        homography, mask = cv2.findHomography(
            source,
            target,
            cv2.USAC_MAGSAC,
            settings.reprojection,
            maxIters=_ITERATIONS,
            confidence=_CONFIDENCE,
        )
    except cv2.error:  # degenerate point sets make some OpenCV versions throw
        return None, 0
    if homography is None or not np.isfinite(homography).all():
        return None, 0
    # A keypoint with several orientations is one piece of evidence, not several.
    agreeing = source[mask.ravel().astype(bool)]
    return homography, len(np.unique(agreeing.round(1), axis=0))


def _corners(size: tuple[int, int]) -> Doubles:
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def _project(homography: Doubles, points: Doubles) -> Doubles:
    lifted = np.column_stack([points, np.ones(len(points))]) @ homography.T
    return lifted[:, :2] / lifted[:, 2:]


def _plausible(homography: Doubles, size: tuple[int, int]) -> bool:
    """Refuse homographies that fold, flip, squash or blow up the photo."""
    corners = _corners(size)
    depth = np.column_stack([corners, np.ones(4)]) @ homography[2]
    if (depth <= 1e-6).any():
        return False  # part of the photo would lie behind the camera
    if depth.max() / depth.min() > _MAX_TILT:
        return False
    quadrilateral = _project(homography, corners)
    sides = np.roll(quadrilateral, -1, axis=0) - quadrilateral
    following = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
    if not (turns > 0).all():
        return False  # folded, or flipped where no flip was asked for
    return 1 / _MAX_SCALE <= _enlargement(homography, size) <= _MAX_SCALE


def _enlargement(homography: Doubles, size: tuple[int, int]) -> float:
    """By what factor the homography changes the area of a picture of that width and height."""
    quadrilateral = _project(homography, _corners(size)).astype(np.float32)
    return float(cv2.contourArea(quadrilateral)) / (size[0] * size[1])


def _aligned(
    query: Features,
    photo: Features,
    homography: Doubles,
    inliers: int,
    mirrored: bool,
    settings: VerifySettings,
) -> Geometry:
    """Lay the query over the photo and compare the pixels where they overlap."""
    cover_photo = _cover(photo.size, query.size, np.linalg.inv(homography)) * photo.share
    cover_query = _cover(query.size, photo.size, homography) * query.share
    smaller_is_photo = photo.full_area < query.full_area
    overlap = cover_photo if smaller_is_photo else cover_query
    best = max(cover_photo, cover_query)
    compared = _correlation(query, photo, homography)
    correlation, agreement = compared or (0.0, 0.0)
    sparse = inliers < settings.sparse_inliers
    wanted = settings.sparse_correlation if sparse else settings.min_correlation
    if best < settings.min_overlap or compared is None:
        reason = "small_overlap"
    elif correlation < wanted or agreement < settings.min_agreement:
        reason = "pixels_differ"
    else:
        reason = "accepted"
    return Geometry(
        inliers,
        round(overlap, 4),
        round(cover_query, 4),
        round(cover_photo, 4),
        round(correlation, 4),
        round(agreement, 4),
        mirrored,
        _full_size(query, photo, homography, mirrored),
        reason,
    )


def _cover(size: tuple[int, int], other: tuple[int, int], homography: Doubles) -> float:
    """Share of a picture that the homography lays onto the other one, 0-1, by 32 x 32 points."""
    across, down = np.meshgrid((np.arange(32) + 0.5) / 32, (np.arange(32) + 0.5) / 32)
    grid = np.column_stack([across.ravel() * size[0], down.ravel() * size[1]])
    there = _project(homography, grid)
    return float(((there >= 0) & (there <= np.array(other))).all(axis=1).mean())


def _correlation(
    query: Features, photo: Features, homography: Doubles
) -> tuple[float, float] | None:
    """How well the aligned pixels agree, see `_local_correlation`.

    The photo that is coarser where they overlap stays as it is and the finer one is reduced to it:
    enlarging would compare details with their absence.
    """
    if _enlargement(homography, query.size) > 1:
        query, photo, homography = photo, query, np.linalg.inv(homography)
    warped = cv2.warpPerspective(query.gray, homography, photo.size, flags=cv2.INTER_AREA)
    there = cv2.warpPerspective(
        query.content.astype(np.uint8), homography, photo.size, flags=cv2.INTER_NEAREST
    )
    return _local_correlation(photo.gray, warped, (there > 0) & photo.content)


def _local_correlation(
    photo: np.ndarray, warped: np.ndarray, covered: np.ndarray
) -> tuple[float, float] | None:
    """Normalised cross-correlation of the windows that are covered and textured.

    Brightness and contrast cancel out in each window, so filters do not matter.

    Returns:
        The median, -1 to 1, which leaves out what an overlay hides, and the share of windows that
        agree, 0-1, which does not. None where there is too little to compare.
    """
    left, right = (
        cv2.GaussianBlur(gray, (0, 0), _BLUR).astype(np.float32) for gray in (photo, warped)
    )
    weight = covered.astype(np.float32)
    window = (_WINDOW, _WINDOW)
    share = cv2.blur(weight, window, borderType=cv2.BORDER_CONSTANT)

    def mean(values: np.ndarray) -> np.ndarray:
        blurred = cv2.blur(values * weight, window, borderType=cv2.BORDER_CONSTANT)
        return blurred / np.maximum(share, 1e-6)

    mean_left, mean_right = mean(left), mean(right)
    variance_left = mean(left * left) - mean_left**2
    variance_right = mean(right * right) - mean_right**2
    covariance = mean(left * right) - mean_left * mean_right
    textured = np.maximum(variance_left, variance_right) >= _TEXTURE**2
    usable = (share > 0.5) & covered & textured
    if usable.sum() < _WINDOW * _WINDOW:
        return None
    # A window that is textured on one side only is a difference, so it counts as uncorrelated.
    spread = np.sqrt(np.maximum(variance_left, 1.0) * np.maximum(variance_right, 1.0))
    correlations = np.clip(covariance[usable] / spread[usable], -1.0, 1.0)
    return float(np.median(correlations)), float((correlations >= _AGREES).mean())


def _full_size(
    query: Features, photo: Features, homography: Doubles, mirrored: bool
) -> tuple[tuple[float, float, float], ...]:
    """The homography between the full-size photos, with the flip included."""
    into_view = _scaling(query.scale) @ _shift(-query.corner[0], -query.corner[1])
    out_of_view = _shift(*photo.corner) @ _scaling(1 / photo.scale)
    flip = np.eye(3)
    if mirrored:
        flip = np.array([[-1.0, 0.0, query.gray.shape[1] - 1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    full = out_of_view @ homography @ flip @ into_view
    return _rounded(full)


def reverse(geometry: Geometry) -> Geometry:
    """The same evidence, read from the photo to the query."""
    transform = geometry.transform
    return replace(
        geometry,
        cover_query=geometry.cover_photo,
        cover_photo=geometry.cover_query,
        transform=_rounded(np.linalg.inv(np.array(transform))) if transform else None,
    )


def _rounded(homography: Doubles) -> tuple[tuple[float, float, float], ...]:
    """As a record, with 7 digits, scaled so that the last element is 1."""
    rows = [[float(f"{value:.7g}") for value in row] for row in homography / homography[2, 2]]
    return tuple((row[0], row[1], row[2]) for row in rows)


def _scaling(factor: float) -> Doubles:
    return np.diag([factor, factor, 1.0])


def _shift(across: float, down: float) -> Doubles:
    return np.array([[1.0, 0.0, across], [0.0, 1.0, down], [0.0, 0.0, 1.0]])
