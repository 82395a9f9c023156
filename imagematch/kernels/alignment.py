"""Whether the pixels of two aligned photos agree: two grey pictures in, correlations out.

Two photos of one place share hundreds of true keypoints and not the pixels between them; copies
share those as well, except where something was put on top. Letters and emoji differ from what is
below them sharply and in few pixels, so each window is compared with and without the pixels that do
not follow the rest of it. A blurred copy lacks the details of its original, so the sharper of the
two is blurred as much before they are compared.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.records import Flags

#: Windows of this side are correlated, px at the working side; the aligned pixels of true copies
#: still agree at this size after blur, noise and recompression.
_WINDOW = 31

#: Blur before correlating, px: hides the fraction of a pixel by which the homography is off.
_BLUR = 1.0

#: Standard deviations by which the sharper picture is blurred, px, so that a blurred or enlarged
#: copy is compared with what its original would be; and what is left out along the edge of the
#: overlap when sharpness is measured, px.
_BLURS = (0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)
_RIM = 9

#: A window counts where one of the photos varies by at least this much, levels of 255; flat areas
#: would correlate by chance or by noise.
_TEXTURE = 6.0

#: A window agrees when it correlates by at least the first, and closely by at least the second.
_AGREES, _CLOSELY = 0.5, 0.9

#: A pixel is left out when it is off by more than this many times what its window is off on
#: average, and by this many levels more. Twice is enough: the first fit is drawn to the outliers.
_OFF, _OFF_LEVELS = 2.0, 3.0
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well the windows of two aligned photos correlate.

    Attributes:
        correlation: median over the windows, -1 to 1.
        agreement: share of the windows that agree, 0-1.
        closeness: share of the windows that agree closely, 0-1.
    """

    correlation: float
    agreement: float
    closeness: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """The same with all pixels, and without those that something on top may have changed."""

    plain: Agreement
    robust: Agreement


def align(photo: np.ndarray, warped: np.ndarray, shown: Flags) -> Alignment | None:
    """Normalised cross-correlation of the windows that are covered and textured.

    Brightness and contrast cancel out in each window, so filters do not matter. A window that is
    textured on one side only is a difference, and counts as one that does not correlate.

    Args:
        photo, warped: shape (h, w), uint8.
        shown: shape (h, w), bool; where both show a photograph.

    Returns:
        None where there is too little to compare.
    """
    left, right = (
        cv2.GaussianBlur(gray.astype(np.float32), (0, 0), _BLUR) for gray in (photo, warped)
    )
    left, right = _equally_sharp(left, right, shown)
    weight = shown.astype(np.float32)
    share = _box(weight)
    seen = _Moments.of(left, right, weight)
    textured = np.maximum(seen.variance_left, seen.variance_right) >= _TEXTURE**2
    usable = (share > 0.5) & shown & textured
    if usable.sum() < _WINDOW * _WINDOW:
        return None
    plain = _agreement(seen.correlation[usable])
    for _ in range(_ROUNDS):
        weight = (shown & seen.followed(left, right)).astype(np.float32)
        seen = _Moments.of(left, right, weight)
    return Alignment(plain, _agreement(seen.correlation[usable]))


def _equally_sharp(
    left: np.ndarray, right: np.ndarray, shown: Flags
) -> tuple[np.ndarray, np.ndarray]:
    """Blur the sharper picture as far as it still shows no less detail than the other one."""
    inside = cv2.erode(shown.astype(np.uint8), np.ones((_RIM, _RIM), np.uint8)) > 0
    if not inside.any():
        return left, right
    details = _detail(left), _detail(right)
    left_is_sharper = _surplus(*details, inside) > 1
    sharper, least = (left, details[1]) if left_is_sharper else (right, details[0])
    equal = sharper
    for blur in _BLURS:
        blurred = cv2.GaussianBlur(sharper, (0, 0), blur)
        if _surplus(_detail(blurred), least, inside) < 1:
            break
        equal = blurred
    return (equal, right) if left_is_sharper else (left, equal)


def _detail(gray: np.ndarray) -> np.ndarray:
    """Squared gradient for a variance of 1, in the window around each pixel."""
    across, down = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    variance = _box(gray * gray) - _box(gray) ** 2
    return np.asarray(_box(across * across + down * down) / np.maximum(variance, 1.0))


def _surplus(one: np.ndarray, other: np.ndarray, inside: Flags) -> float:
    """How many times more detail one has in most windows; letters are in few of them."""
    return float(np.median(one[inside] / np.maximum(other[inside], 1e-3)))


@dataclass(frozen=True, slots=True)
class _Moments:
    """Weighted means and (co)variances of the window around each pixel, shape (h, w) each."""

    total: np.ndarray
    weight: np.ndarray
    mean_left: np.ndarray
    mean_right: np.ndarray
    variance_left: np.ndarray
    variance_right: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, left: np.ndarray, right: np.ndarray, weight: np.ndarray) -> "_Moments":
        total = np.maximum(_box(weight), 1e-6)

        def mean(values: np.ndarray) -> np.ndarray:
            return np.asarray(_box(values * weight) / total)

        mean_left, mean_right = mean(left), mean(right)
        return cls(
            total,
            weight,
            mean_left,
            mean_right,
            mean(left * left) - mean_left**2,
            mean(right * right) - mean_right**2,
            mean(left * right) - mean_left * mean_right,
        )

    @property
    def correlation(self) -> np.ndarray:
        spread = np.sqrt(np.maximum(self.variance_left, 1.0) * np.maximum(self.variance_right, 1.0))
        return np.asarray(np.clip(self.covariance / spread, -1.0, 1.0))

    def followed(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Where the right picture is what the window's linear fit to the left one says."""
        slope = self.covariance / np.maximum(self.variance_left, 4.0)
        off = np.abs((right - self.mean_right) - slope * (left - self.mean_left))
        usual = _box(off * self.weight) / self.total
        return np.asarray(off <= _OFF * usual + _OFF_LEVELS)


def _box(values: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.blur(values, (_WINDOW, _WINDOW), borderType=cv2.BORDER_CONSTANT))


def _agreement(correlations: np.ndarray) -> Agreement:
    return Agreement(
        round(float(np.median(correlations)), 4),
        round(float((correlations >= _AGREES).mean()), 4),
        round(float((correlations >= _CLOSELY).mean()), 4),
    )
