"""PDQ in a fifth of the time of its reference library: RGB pixels in, bits and quality out.

All that PDQ does before it compares with the median is linear: luminance, a tent filter, every so
many-th pixel, a cosine transform. Here only the pixels that are kept are filtered. The library
adds up in another order, so the last digits of a coefficient differ; where these would decide a
bit, this module says so and leaves the answer to the library.
"""

from functools import lru_cache

import cv2
import numpy as np

from imagematch.records import Bytes, Doubles, Flags, Floats

#: The picture is reduced to this side before the transform, and this many frequencies are kept.
_SIDE, _KEPT = 64, 16

#: Parts of red, green and blue in the luminance, as the library has them.
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)

#: Smaller pictures are left to the library, which has rules of its own for them, px.
_LEAST = 5

#: Coefficients are within 0.0034 of the library's on 184 photos; of these, one in thirty has the
#: next coefficient this near to its median, and half have none within 0.5.
_UNSURE = 0.02

#: The same of the steps that the quality counts, in hundredths of the range of luminance.
_UNSURE_STEP = 0.001

#: Of the cosine transform, shape (16, 64), float64.
_COSINES = np.sqrt(2 / _SIDE) * np.cos(
    np.pi / (2 * _SIDE) * np.arange(1, _KEPT + 1)[:, None] * (2 * np.arange(_SIDE) + 1)
)


def bits_and_quality(rgb: Bytes) -> tuple[Flags, int] | None:
    """Hash a picture as `pdqhash.compute` does.

    Args:
        rgb: shape (H, W, 3), uint8, 0-255.

    Returns:
        256 bits, the highest frequency first, and the quality, 0-100; None where it takes the
        library to tell.

    Source: Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm",
    2019, and its reference program.
    """
    if min(rgb.shape[:2]) < _LEAST:
        return None
    luma = np.asarray(cv2.transform(rgb.astype(np.float32), _LUMA), np.float32)
    levels = _thinned(np.ascontiguousarray(_thinned(luma).T)).T.astype(np.float64)
    bits, quality = _bits(_COSINES @ levels @ _COSINES.T), _quality(levels)
    return None if bits is None or quality is None else (bits, quality)


def _bits(coefficients: Doubles) -> Flags | None:
    """Which coefficients are above the lower median, shape (256,), from the last to the first."""
    ordered = np.sort(coefficients, axis=None)
    below, above = ordered[ordered.size // 2 - 1 : ordered.size // 2 + 1]
    return None if above - below < _UNSURE else coefficients.ravel()[::-1] > below


def _quality(levels: Doubles) -> int | None:
    """How much neighbouring levels differ: steps of whole hundredths, counted and scaled."""
    steps = np.abs(np.concatenate([np.diff(levels, axis=0).ravel(), np.diff(levels).ravel()]))
    steps *= 100 / 255
    nearest = np.rint(steps)
    unsure = int(((np.abs(steps - nearest) < _UNSURE_STEP) & (nearest > 0)).sum())
    count = int(np.floor(steps).sum())
    least, most = (min(100, max(0, seen) // 90) for seen in (count - unsure, count + unsure))
    return least if least == most else None


def _thinned(rows: Floats) -> Floats:
    """Filter over the rows and keep 64 of them: shape (H, W) to (64, W)."""
    places, weights = _taps(len(rows))
    kept = rows[places[0]] * weights[0]
    for place, weight in zip(places[1:], weights[1:], strict=True):
        kept += rows[place] * weight
    return np.asarray(kept, np.float32)


@lru_cache(maxsize=256)
def _taps(length: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What each of 64 kept lines is made of: T times a line of `length`, and its weight.

    Returns:
        Shapes (64,) and (64, 1), T of each; lines are averaged over a window twice, which at an
        end is cut short.
    """
    window = -(-length // (2 * _SIDE))
    after = (window + 2) // 2
    line = np.arange(length)
    inside = (line >= line[:, None] + after - window) & (line < line[:, None] + after)
    once = inside / inside.sum(axis=1, keepdims=True)
    kept = ((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(np.int64)
    twice = once[kept] @ once
    first = (twice > 0).argmax(axis=1)
    taps = int((twice > 0).sum(axis=1).max())
    places = [np.minimum(first + tap, length - 1) for tap in range(taps)]
    weights = [
        np.where(first + tap < length, twice[np.arange(_SIDE), place], 0)[:, None]
        for tap, place in enumerate(places)
    ]
    return places, [weight.astype(np.float32) for weight in weights]
