"""Upright RGB pixels in, perceptual hashes and the judgement whether they mean anything out.

The hashes have the forms that other tools exchange: `imagehash.phash` and ThreatExchange's PDQ.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import cv2
import imagehash
import numpy as np
import pdqhash
from PIL import Image

from imagematch.errors import ShapeError
from imagematch.kernels.content import is_photographic
from imagematch.kernels.pdq import bits_and_quality
from imagematch.kernels.sizes import MIDDLE, Sizes, within
from imagematch.records import PDQ_BYTES as PDQ_BYTES
from imagematch.records import Bytes, Floats
from imagematch.settings import DescribeSettings

type Counts = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

#: Bits of 256 that two PDQ hashes differ in, at most, where its reference library speaks of a
#: confident match. Source: Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
#: Algorithm", 2019.
CONFIDENT_PDQ = 31

#: What each row of `pdq_dihedral` hashes: the photo as it is, turned, or mirrored.
DIHEDRAL = (
    "upright",
    "turned 90 degrees left",
    "turned 180 degrees",
    "turned 90 degrees right",
    "mirrored top to bottom",
    "mirrored left to right",
    "mirrored on the main diagonal",
    "mirrored on the other diagonal",
)

#: pHash reduces a picture to this side, and keeps so many frequencies along each.
_PHASH_SIDE, _PHASH_KEPT = 32, 8

#: Of its cosine transform, shape (8, 32), float64.
_PHASH_COSINES = 2 * np.cos(
    np.pi / (2 * _PHASH_SIDE) * np.arange(_PHASH_KEPT)[:, None] * (2 * np.arange(_PHASH_SIDE) + 1)
)

#: Coefficients as near as this to their median are left to the library, whose sums may differ in
#: the last digits. Flat pictures have nothing else but the first, and the library's sums are 0.
_PHASH_UNSURE = 1e-6

#: Width of the blur that takes away light falling off over the picture, px of the small picture:
#: four standard deviations to each side, as OpenCV has it.
_TREND_SIGMA = 8.0
_TREND_TAPS = 65

#: One in so many lines is looked at first.
_EVERY = 8

#: Share of `min_contrast` that must remain without that trend.
_DETAIL_SHARE = 1 / 3


def phash(rgb: Bytes) -> str:
    """Hash like `str(imagehash.phash(image))`.

    Args:
        rgb: shape (H, W, 3), uint8, 0-255.

    Returns:
        64 bits as 16 hex digits.

    Source: imagehash, after hackerfactor.com, "Looks Like It", 2011.
    """
    # Nearly all time goes into this reduction. Products of matrices give the same levels in half of
    # it, but only in the order in which Pillow takes the two sides, which depends on its version
    # and on the shape, and with a table for each length.
    picture = Image.fromarray(rgb)
    side = (_PHASH_SIDE, _PHASH_SIDE)
    levels = np.asarray(picture.convert("L").resize(side, Image.Resampling.LANCZOS), np.float64)
    above = _PHASH_COSINES @ levels @ _PHASH_COSINES.T
    above -= np.median(above)
    flat = levels.min() == levels.max()
    if not flat and np.abs(above).min() < _PHASH_UNSURE:
        # Its transform is SciPy's, which takes a tenth of a second and 30 MB to load.
        return str(imagehash.phash(picture))
    return np.packbits(above > _PHASH_UNSURE).tobytes().hex()


def pdq(rgb: Bytes) -> tuple[str, int]:
    """Hash with PDQ.

    Args:
        rgb: shape (H, W, 3), uint8, 0-255.

    Returns:
        256 bits as 64 hex digits in ThreatExchange's order (the highest frequency first), and the
        quality, 0-100; the paper advises against hashes below 50. Fewer than 5 px: zeros, 0.

    Source: Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm",
    2019.
    """
    middle = within(rgb, MIDDLE)
    bits, quality = bits_and_quality(middle) or pdqhash.compute(middle)
    return np.packbits(bits.astype(np.uint8)).tobytes().hex(), int(quality)


def pdq_dihedral(rgb: Bytes) -> tuple[Bytes, int]:
    """Hash the eight flips and rotations with PDQ, in little more time than one of them.

    Args:
        rgb: shape (H, W, 3), uint8, 0-255.

    Returns:
        Shape (8, 32), uint8, packed bits, and the quality, 0-100. The rows are of the photo
        upright (as `pdq`), turned left by 90, 180 and 270 degrees, mirrored top to bottom, left to
        right, on the main diagonal and on the other one; all but the first are within a few bits
        of hashing the turned photo.
    """
    rows, quality = pdqhash.compute_dihedral(within(rgb, MIDDLE))
    return np.packbits(np.stack(rows).astype(np.uint8), axis=1), int(quality)


def orientations(hashes: Bytes) -> Bytes:
    """Derive the hashes of the eight flips and rotations from the hash alone.

    Mirroring a photo changes the sign of every other column of its cosine transform, so it inverts
    those bits but for coefficients between the median and its negative; turning transposes. The
    hashes so derived are within 36 bits, 5 on average, of those that `pdq_dihedral` takes from the
    pixels (307 photos): near enough to find candidates where the pixels are not at hand. They are
    exact images of each other, so a distance does not depend on which of two photos is turned.

    Args:
        hashes: shape (N, 32), uint8.

    Returns:
        Shape (N, 8, 32), uint8, in the order of `pdq_dihedral`.
    """
    upright = np.unpackbits(hashes, axis=1).reshape(-1, 16, 16)
    odd = (np.arange(16) % 2).astype(np.uint8)
    across, down = odd[None, :], odd[:, None]
    grids = [
        upright,
        np.swapaxes(upright ^ across, 1, 2),
        upright ^ across ^ down,
        np.swapaxes(upright ^ down, 1, 2),
        upright ^ down,
        upright ^ across,
        np.swapaxes(upright, 1, 2),
        np.swapaxes(upright ^ across ^ down, 1, 2),
    ]
    return np.packbits(np.stack(grids, axis=1).reshape(-1, 8, 256), axis=2)


def pack_hex(hexes: Sequence[str]) -> Bytes:
    """Pack PDQ hashes for `hamming`.

    Args:
        hexes: N texts of 64 hex digits; N may be 0.

    Returns:
        Shape (N, 32), uint8.

    Raises:
        ShapeError: one is not 64 hex digits.
    """
    for text in hexes:
        if len(text) != 2 * PDQ_BYTES or not text.isalnum():
            raise ShapeError(f"{text!r} has {len(text)} characters; a PDQ hash has 64 hex digits")
    try:
        packed = np.frombuffer(bytes.fromhex("".join(hexes)), dtype=np.uint8)
    except ValueError as error:
        raise ShapeError(f"a PDQ hash has 64 hex digits: {error}") from None
    return packed.reshape(-1, PDQ_BYTES)


def hamming(query: Bytes, database: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Count the bits that differ between one packed hash and many.

    Args:
        query: shape (B,), uint8; B bytes, 32 for PDQ.
        database: shape (N, B), uint8; N may be 0.

    Returns:
        Shape (N,), int64, in bits: 0 = identical, 8*B = inverted.

    Raises:
        ShapeError: the two disagree on B.
    """
    if query.ndim != 1 or query.shape != database.shape[1:]:
        raise ShapeError(f"query has shape {query.shape}, database {database.shape}")
    distances: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = np.bitwise_count(
        query ^ database
    ).sum(axis=1, dtype=np.int64)
    return distances


def pixel_sha256(rgb: Bytes, width: int, height: int) -> str:
    """Identify the pixels, whatever file they came in.

    Args:
        rgb: shape (H, W, 3), uint8; as decoded, at working size.
        width, height: px, before scaling; they keep a photo and its enlargement apart.

    Returns:
        64 hex digits.
    """
    digest = hashlib.sha256(f"{width}x{height} {rgb.shape[1]}x{rgb.shape[0]} RGB\n".encode())
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.hexdigest()


def quality_gate(sizes: Sizes, width: int, height: int, settings: DescribeSettings) -> str:
    """Tell whether a photo shows too little for its hashes to mean anything.

    "flat" are blank pictures, dark ones (a covered lens), a small logo on white, whose lightest
    and darkest hundredths are left aside, and smooth gradients. Of 1,895 real photos the weakest
    has a contrast of 13.4 without the extremes and of 7.6 without the trend; the limits are 6 and
    2. Noise is not flat: its hashes are random, and match nothing but copies of the same noise.

    Args:
        sizes: of the photo.
        width, height: px, before scaling.

    Returns:
        "" for an ordinary photo, else why it may only match exactly: "tiny", for a shorter side
        under `min_side` before scaling or after (a strip), "flat", or "drawn" for text, cards and
        logos, of which thousands look alike.
    """
    if min(width, height, *sizes.whole.shape[:2]) < settings.min_side:
        return "tiny"
    # In the small picture, grain and noise have averaged out.
    luminance = np.asarray(cv2.cvtColor(sizes.small, cv2.COLOR_RGB2GRAY), np.uint8)
    if _contrast(luminance) < settings.min_contrast:
        return "flat"
    if not _has_detail(luminance, settings.min_contrast * _DETAIL_SHARE):
        return "flat"
    return "" if is_photographic(sizes.middle, settings.min_photographic) else "drawn"


def _contrast(luminance: Bytes) -> float:
    """Standard deviation without the lightest and darkest hundredths, levels of 255."""
    counts = np.bincount(luminance.ravel(), minlength=256)
    low, high = _percentiles(counts, (0.01, 0.99))
    levels = np.arange(256).clip(low, high)
    mean = (counts @ levels) / luminance.size
    return float(np.sqrt(counts @ (levels - mean) ** 2 / luminance.size))


def _percentiles(counts: Counts, shares: Sequence[float]) -> list[float]:
    """The levels that `np.percentile` gives of pixels, from how many there are of each level."""
    reached = np.cumsum(counts)
    found = []
    for share in shares:
        place, part = divmod(share * (int(reached[-1]) - 1), 1)
        low, high = np.searchsorted(reached, [place, min(place + 1, reached[-1] - 1)], side="right")
        found.append(float(low + (high - low) * part))
    return found


def _has_detail(luminance: Bytes, least: float) -> bool:
    """Whether the standard deviation around the local mean is `least` or more, levels of 255."""
    levels = luminance.astype(np.float32)
    # Every eighth line tells of most photos: the variance of all is an eighth of theirs or more.
    lines = levels[::_EVERY] - _trend(_line_means(len(levels)) @ levels, (_TREND_TAPS, 1))
    if lines.var() * (len(lines) / len(levels)) >= least**2:
        return True
    return bool((levels - _trend(levels, (_TREND_TAPS, _TREND_TAPS))).std() >= least)


@lru_cache(maxsize=16)
def _line_means(height: int) -> Floats:
    """What blurs a picture downwards, for every eighth line of it: shape (height / 8, height)."""
    reach = np.pad(np.arange(height), _TREND_TAPS // 2, mode="reflect")
    reached = np.lib.stride_tricks.sliding_window_view(reach, _TREND_TAPS)[::_EVERY]
    means = np.zeros((len(reached), height), np.float32)
    taps = cv2.getGaussianKernel(_TREND_TAPS, _TREND_SIGMA, cv2.CV_32F)[:, 0]
    np.add.at(means, (np.arange(len(reached))[:, None], reached), taps)
    return means


def _trend(levels: Floats, taps: tuple[int, int]) -> Floats:
    return np.asarray(cv2.GaussianBlur(levels, taps, _TREND_SIGMA), np.float32)
