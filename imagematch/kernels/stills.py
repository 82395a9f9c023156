"""Frames or pages of one file in; which are different pictures, and how much each shows, out.

An animation may be one film, a slideshow that fades from photo to photo, or a photo with an
advertisement after it. A person would call a picture what stands still or begins with a cut; frames
on the way from one to the next are none of their own.
"""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from imagematch.kernels.content import photographic_share
from imagematch.records import Bytes, Flags, Floats

#: Frames are compared as thumbnails of so many px squared, without their mean colour.
_THUMBNAIL = 16

#: What a frame has that another one does not, as a share of its contrast. Of 28,680 pairs of
#: unrelated photos, 1 in 1,000 is below 0.69; a photo zoomed in by a tenth has 0.47.
_NEW = 0.6

#: The same for a mix of two others, as in a fade; real ones leave 0.02.
_MIXED = 0.3

#: The same between neighbours in time where the picture stands still.
_STILL = 0.03

#: A frame stands still, too, if it is shown so long, ms.
_LONG = 500

#: Levels of 255 by which the thumbnail of a frame that shows anything varies. That of a photo has
#: 15 or more.
_FLAT = 4.0

#: Different pictures that are counted in one file.
_MOST = 100

#: Sides at which levels of grey and details are looked at, px; noise and fine patterns become one
#: grey at the first.
_REDUCED, _DETAILED = 64, 128

#: Each step of detail is half as fine as the one before it. Of a photo, half of it and more is in
#: the coarser three of six, a fifth and more in the finer three; of noise, patterns and text, too
#: little is in the coarser ones, and of smooth colours in the finer ones.
_STEPS = 6
_COARSE, _FINE = 0.5, 0.2

#: What a picture without any photograph in it is worth, as a share of the picture.
_DRAWN = 0.01


def different(frames: Sequence[Bytes], durations: Sequence[float]) -> list[int]:
    """Tell the pictures that an animation shows one after the other.

    Args:
        frames: in their order, each of shape (H, W, 3), uint8; sizes may differ.
        durations: ms, one a frame; all the same where the file does not say.

    Returns:
        The frames that stand for them, ascending; none where nothing is shown.
    """
    thumbnails = _thumbnails(frames)
    steps = np.array([1.0, *(_missing(a, b) for a, b in pairwise(thumbnails))])
    still = steps < _STILL
    still[:-1] |= still[1:]
    still |= np.asarray(durations) >= _LONG
    cut = steps >= _NEW
    if still.any():
        cut[:-1] &= ~cut[1:]  # a frame between two cuts is on the way to what stands still
    return _unlike(thumbnails, still | cut)


def unlike(pages: Sequence[Bytes]) -> list[int]:
    """Tell the pictures among pages, each of which may be one; as `different` otherwise."""
    return _unlike(_thumbnails(pages), np.ones(len(pages), np.bool_))


def shows(rgb: Bytes) -> float:
    """How much of a photograph a frame shows, 0-1, for comparing frames of one file.

    It is large where much of the frame has the texture of a photo, levels of all kinds, and details
    of all sizes; test patterns, noise, text and plain colours lack one of these.
    """
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    share = (photographic_share(rgb) + _DRAWN) / (1 + _DRAWN)
    return share * _variety(_scaled(gray, _REDUCED)) * _balance(_scaled(gray, _DETAILED))


def _variety(gray: np.ndarray) -> float:
    """Entropy of the levels, as a share of what it can be."""
    shares = np.bincount(gray.ravel(), minlength=256) / gray.size
    shares = shares[shares > 0]
    return float(-np.sum(shares * np.log2(shares))) / 8


def _balance(gray: np.ndarray) -> float:
    """Whether there are fine and coarse details, 0-1."""
    picture = np.asarray(gray, np.float32)
    details = []
    for _ in range(_STEPS):
        coarser = _scaled(picture, len(picture) // 2)
        details.append(float((picture - cv2.resize(coarser, picture.shape)).std()))
        picture = coarser
    coarse, fine = sum(details[_STEPS // 2 :]), sum(details[: _STEPS // 2])
    total = max(coarse + fine, 1e-6)
    return min(1.0, coarse / total / _COARSE) * min(1.0, fine / total / _FINE)


def _scaled(picture: np.ndarray, side: int) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def _thumbnails(frames: Sequence[Bytes]) -> Floats:
    """Shape (N, D), float32."""
    small = [_scaled(frame, _THUMBNAIL) for frame in frames]
    levels = np.asarray(small, np.float32).reshape(len(frames), -1, 3)
    return (levels - levels.mean(axis=1, keepdims=True)).reshape(len(frames), -1)


def _missing(known: Floats, other: Floats) -> float:
    """What a thumbnail has that another one does not, 0-1."""
    product = float(known @ other)
    sizes = float(known @ known) * float(other @ other)
    return float(np.sqrt(max(0.0, 1 - max(product, 0.0) ** 2 / max(sizes, 1e-6))))


def _unlike(thumbnails: Floats, eligible: Flags) -> list[int]:
    """Take the frame that has most contrast, then again and again the one that is least like them.

    In this order, the ends of a fade come before its middle, which is then a mix of them.
    """
    lengths = np.linalg.norm(thumbnails, axis=1)
    eligible = eligible & (lengths >= _FLAT * np.sqrt(thumbnails.shape[1]))
    units = thumbnails / np.maximum(lengths, 1e-6)[:, None]
    single, mixed = np.ones(len(units)), np.ones(len(units))
    likeness: list[Floats] = []  # of every frame to each chosen one, -1 to 1
    chosen: list[int] = []
    order = lengths
    while len(chosen) < _MOST:
        left = eligible & (single >= _NEW) & (mixed >= _MIXED)
        if not left.any():
            break
        chosen.append(int(np.argmax(np.where(left, order, -1))))
        like = units @ units[chosen[-1]]
        single = np.minimum(single, np.sqrt(1 - np.clip(like, 0, 1) ** 2))
        for before, other in zip(chosen, likeness, strict=False):
            mixed = np.minimum(mixed, _unmixed(like, other, float(like[before])))
        likeness.append(like)
        order = single
    return sorted(chosen)


def _unmixed(left: Floats, right: Floats, both: float) -> Floats:
    """What frames have that no mix of two others has, 0-1.

    Args:
        left, right: likeness of each frame to one and to the other.
        both: likeness of these two.
    """
    rest = max(1 - both**2, 1e-6)
    is_mix = (left >= both * right) & (right >= both * left)
    explained = (left**2 + right**2 - 2 * both * left * right) / rest
    return np.where(is_mix, np.sqrt(np.clip(1 - explained, 0, 1)), 1.0)
