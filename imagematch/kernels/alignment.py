"""Whether the pixels of two aligned photos agree: two grey pictures in, correlations out.

Two photos of one place share hundreds of true keypoints and not the pixels between them; copies
share those as well, except where something was put on top. Letters and emoji differ from what is
below them sharply and in few pixels, so each window is compared with and without the pixels that do
not follow the rest of it. A blurred copy lacks the details of its original, so the sharper of the
two is blurred as much before they are compared.

Two pictures made from one template agree in the template and differ in what it is for: the person
on a card, the number below, the guest before one wall. So what disagrees is looked at as well:
whether it lies amid what agrees, as a person before a wall does and a new background does not, and
whether each picture has marks of its own where the other has others, as two numbers do and a
watermark on one of them does not.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.records import Flags

#: Windows of this side are correlated, px at the working side; the aligned pixels of true copies
#: still agree at this size after blur, noise and recompression.
_WINDOW = 31

#: Share of a window that must show a photograph in both.
_SHOWN = 0.5

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

#: A window contradicts when both photos have texture in it, none of them less than this share of
#: the other's, and it correlates by less than the second with all pixels, and by less than the
#: third without those that do not follow.
_BOTH_TEXTURED, _CONTRADICTS, _ROBUSTLY = 0.3, 0.5, 0.75

#: A window is sure when it has this much texture in both photos, levels of 255, and correlates by
#: the second at least without the pixels that do not follow.
_SURE_TEXTURE, _SURE = 4.0, 0.85

#: A pixel lies amid what agrees when so many sure pixels lie on at least so many of its four sides.
_BESIDE, _SIDES = 8, 3

#: A detail is what stands out from its surroundings of this side, px, by so many levels, and by so
#: many times what is usual in its window; the other photo lacks it below this share of that.
_AROUND, _STANDS_OUT, _STRONG, _LACKS = 15, 8.0, 1.2, 0.5

#: What does not follow is a mark when it is off by so many levels, and by so much of the window's
#: standard deviation.
_MARK_LEVELS, _MARK = 10.0, 0.5
_LEAST_SPREAD = 3.0


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
class Conflict:
    """What two aligned photos do not have in common, and how much there was to have.

    Attributes:
        compared: share of the overlap in which there was something to compare, 0-1.
        contradiction: share of that in which both show something, not the same, amid what agrees.
        exchanged: share of pixels amid what agrees where each has marks that the other lacks.
        detail: share of pixels that are strong details of both, 0-1.
        shared_detail: share of the strong details of either that both have, 0-1; what only one of
            them has counts as far as the other one has as much of its own.
    """

    compared: float
    contradiction: float
    exchanged: float
    detail: float
    shared_detail: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """The agreement with all pixels, and without those that something on top may have changed."""

    plain: Agreement
    robust: Agreement
    conflict: Conflict


def align(
    photo: np.ndarray,
    warped: np.ndarray,
    shown: Flags,
    overlap: Flags,
    least_shown: float = _SHOWN,
) -> Alignment | None:
    """Normalised cross-correlation of the windows that are covered and textured.

    Brightness and contrast cancel out in each window, so filters do not matter. A window that is
    textured on one side only is a difference, and counts as one that does not correlate.

    Args:
        photo, warped: shape (h, w), uint8.
        shown: shape (h, w), bool; where both show a photograph.
        overlap: shape (h, w), bool; where both show anything.
        least_shown: 0-1, share of a window that must show a photograph in both.

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
    usable = (share > least_shown) & shown & textured
    if usable.sum() < _WINDOW * _WINDOW:
        return None
    with_all = seen
    for _ in range(_ROUNDS):
        weight = (shown & seen.followed(left, right)).astype(np.float32)
        seen = _Moments.of(left, right, weight)
    return Alignment(
        _agreement(with_all.correlation[usable]),
        _agreement(seen.correlation[usable]),
        _conflict(left, right, with_all, seen, usable, shown, overlap),
    )


def _conflict(
    left: np.ndarray,
    right: np.ndarray,
    plain: "_Moments",
    robust: "_Moments",
    usable: Flags,
    shown: Flags,
    overlap: Flags,
) -> Conflict:
    """See `Conflict`.

    Args:
        plain, robust: the moments with all pixels, and without those that do not follow.
        usable: shape (h, w), bool; the middles of the windows to look at.
    """
    count = int(np.count_nonzero(usable))
    less, more = plain.spread_less, plain.spread_more
    correlation = robust.correlation
    contradicts = usable & (less >= _TEXTURE) & (less >= _BOTH_TEXTURED * more)
    contradicts &= (plain.correlation < _CONTRADICTS) & (correlation < _ROBUSTLY)
    sure = usable & (robust.spread_less >= _SURE_TEXTURE) & (correlation >= _SURE)
    amid = _sides(sure) >= _SIDES
    alike, one_sided, opposed = _details(left, right, usable & shown)
    rest = 2 * min(one_sided) + opposed
    return Conflict(
        round(count / max(1, int(np.count_nonzero(overlap))), 4),
        round(int(np.count_nonzero(contradicts & amid)) / count, 4),
        round(_exchanged(left, right, plain, robust, shown, usable & amid), 5),
        round(alike / count, 4),
        round(alike / max(1, alike + rest), 4),
    )


def _sides(sure: Flags) -> np.ndarray:
    """On how many of the four sides of each pixel enough sure ones lie, itself included."""
    sides = np.zeros(sure.shape, np.uint8)
    for axis in (0, 1):
        before = np.cumsum(sure, axis=axis, dtype=np.int32)
        after = before.take([-1], axis=axis) - before + sure
        sides += before >= _BESIDE
        sides += after >= _BESIDE
    return sides


def _details(left: np.ndarray, right: np.ndarray, where: Flags) -> tuple[int, tuple[int, int], int]:
    """Count pixels that are strong details: alike in both, of one only, and opposed."""
    heights = [gray - cv2.blur(gray, (_AROUND, _AROUND)) for gray in (left, right)]
    strengths = [
        np.abs(height) / np.sqrt(cv2.blur(height * height, (_WINDOW, _WINDOW)) + 1.0)
        for height in heights
    ]
    strong = [
        where & (strength > _STRONG) & (np.abs(height) > _STANDS_OUT)
        for strength, height in zip(strengths, heights, strict=True)
    ]
    lacking = [
        int(np.count_nonzero(own & (other < _LACKS * mine)))
        for own, mine, other in (
            (strong[0], strengths[0], strengths[1]),
            (strong[1], strengths[1], strengths[0]),
        )
    ]
    both, same_way = strong[0] & strong[1], heights[0] * heights[1] > 0
    alike = int(np.count_nonzero(both & same_way))
    return alike, (lacking[0], lacking[1]), int(np.count_nonzero(both)) - alike


def _exchanged(
    left: np.ndarray,
    right: np.ndarray,
    plain: "_Moments",
    robust: "_Moments",
    shown: Flags,
    where: Flags,
) -> float:
    """Share of the pixels around which marks stand out to both sides: what each has is missing in
    the other. A watermark is lighter than what is below it, or darker, and hardly both."""
    count = int(np.count_nonzero(where))
    if not count:
        return 0.0
    off = robust.off(left, right)
    spread = np.sqrt(np.maximum(plain.variance_right, _LEAST_SPREAD**2))
    least = np.maximum(_MARK_LEVELS, _MARK * spread)
    marked = shown & (robust.weight == 0) & where
    lighter, darker = (
        _box((marked & beyond).astype(np.float32)) for beyond in (off > least, off < -least)
    )
    return float(np.minimum(lighter, darker)[where].sum()) / count


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


def sharpness_ratio(one: np.ndarray, other: np.ndarray) -> float:
    """How much of the detail of the sharper picture the softer one has in most windows, 0-1.

    Args:
        one, other: shape (h, w) each, uint8; aligned.
    """
    left, right = (
        cv2.GaussianBlur(gray.astype(np.float32), (0, 0), _BLUR) for gray in (one, other)
    )
    surplus = _surplus(_detail(left), _detail(right), np.ones(one.shape, np.bool_))
    return min(surplus, 1 / max(surplus, 1e-6))


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

    @property
    def spread_less(self) -> np.ndarray:
        """Standard deviation of the picture that varies less in the window."""
        return np.asarray(
            np.sqrt(np.maximum(np.minimum(self.variance_left, self.variance_right), 0))
        )

    @property
    def spread_more(self) -> np.ndarray:
        """Standard deviation of the picture that varies more."""
        return np.asarray(
            np.sqrt(np.maximum(np.maximum(self.variance_left, self.variance_right), 0))
        )

    def off(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """By how much the right picture is lighter than the window's linear fit to the left one."""
        slope = self.covariance / np.maximum(self.variance_left, 4.0)
        return np.asarray((right - self.mean_right) - slope * (left - self.mean_left))

    def followed(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Where the right picture is what the window's linear fit to the left one says."""
        off = np.abs(self.off(left, right))
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
