"""Where a picture is a photograph, and not drawn: RGB array in, mask out.

Text, logos, the interface of a phone, borders and empty paper are the same on a thousand unrelated
pictures, and their sharp marks make the best keypoints. What they have in common is ground of one
exact level around the marks, which a photograph does not have: even a blurred one varies.
"""

import cv2
import numpy as np

from imagematch.kernels.panels import Box
from imagematch.records import Bytes, Flags, Floats

#: Longer side at which ground is looked for, px.
_SIDE = 512

#: A pixel is plain if its neighbours are within so many levels of 255; JPEG leaves about half.
_PLAIN = 8

#: Ground is a patch of plain pixels that is this large, as a share of the picture, and whose level
#: varies by no more than this standard deviation. Through gradients, plain patches grow together
#: until they vary more.
_LEAST_PATCH = 0.0002
_MOST_SPREAD = 3.0

#: The same share for patches without any variation.
_LEAST_FLAT = 0.03

#: A window of this side (px of 512) is drawn when this share of it is ground. Chosen by eye and on
#: the benchmark's pictures of text: with it, at most 6.2 % of each of 95 of these is photographic
#: and has texture, and at least 20.7 % of each of 920 photos.
_WINDOW = 31
_SQUARE = (_WINDOW, _WINDOW)
_GROUND = 0.4

#: How far the look of a pixel's neighbours reaches: half a window, and one px beside that.
_REACH = _WINDOW // 2 + 1

#: Photographs in what is drawn: so many at most, each of this share of a picture at least, of which
#: no more than the last share is not drawn.
_ISLANDS = 4
_LEAST_ISLAND, _MOST_UNDRAWN = 0.002, 0.5
_LEAST_GROUND = 0.3  # of a picture with islands
_RIM = 12  # px of 512

#: A window without texture shows nothing, drawn or not, levels of 255.
_TEXTURE = 6.0


def photographic(rgb: Bytes) -> Flags:
    """Tell what of a picture is a photograph.

    Args:
        rgb: shape (H, W, 3), uint8.

    Returns:
        Shape (h, w), H and W reduced so that neither is over 512: False on ground and beside it.
    """
    return _undrawn(_reduced(rgb))


def undrawn(rgb: Bytes) -> Flags:
    """The same, True also beside ground: between bars that were put over a photo, it is seen.

    Returns:
        Shape (h, w), as `photographic`.
    """
    return ~_ground(_reduced(rgb))


def islands(rgb: Bytes) -> tuple[Box, ...]:
    """Find photographs that lie apart in what is drawn, such as an avatar on a page of an app.

    Returns:
        At most 4 boxes, px of the picture, the largest first; none where most of it is one photo.
    """
    gray = _reduced(rgb)
    # Most photos are not plain, as all ground is, and of the others most have little ground even
    # where grain has averaged out: a fifth of the time tells.
    if _beyond(_varied(gray) <= _PLAIN).mean() > _MOST_UNDRAWN:
        return ()
    halved = max(1, gray.shape[1] // 2), max(1, gray.shape[0] // 2)
    half = np.asarray(cv2.resize(gray, halved, interpolation=cv2.INTER_AREA), np.uint8)
    if _ground(half).mean() < _LEAST_GROUND:
        return ()
    undrawn = _undrawn(gray)
    if undrawn.mean() > _MOST_UNDRAWN:
        return ()
    shown = (undrawn & _textured(gray)).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(shown, connectivity=8)
    scale = rgb.shape[0] / gray.shape[0]
    found = []
    for left, top, width, height, area in sorted(stats[1:].tolist(), key=lambda row: -row[4]):
        if area < _LEAST_ISLAND * gray.size:
            break
        # Of what is beside ground, about so much was taken off.
        box = Box(
            max(0, round((top - _RIM) * scale)),
            min(rgb.shape[0], round((top + height + _RIM) * scale)),
            max(0, round((left - _RIM) * scale)),
            min(rgb.shape[1], round((left + width + _RIM) * scale)),
        )
        found.append(box)
    return tuple(found[:_ISLANDS])


def photographic_share(rgb: Bytes) -> float:
    """The share of a picture that is photographic and has texture, 0-1."""
    gray = _reduced(rgb)
    return float((_undrawn(gray) & _textured(gray)).mean())


def is_photographic(rgb: Bytes, least: float) -> bool:
    """Whether `photographic_share` is `least` or more, in a tenth of the time for most photos."""
    gray = _reduced(rgb)
    height = len(gray)
    # The middle of most photos is enough of them.
    for top, bottom in ((3 * height // 8, 5 * height // 8), (0, height)):
        if _certainly(gray, top, bottom) / gray.size >= least:
            return True
    return photographic_share(rgb) >= least


def _certainly(gray: Bytes, top: int, bottom: int) -> int:
    """Pixels of some lines that are photographic and have texture, at the very least.

    All ground is plain. So what is photographic even if all that is plain were ground, is.
    """
    first = max(0, top - _REACH)
    seen = gray[first : bottom + _REACH]
    certain = _textured(seen) & _beyond(_varied(seen) <= _PLAIN)
    return int(np.count_nonzero(certain[top - first : bottom - first]))


def _undrawn(gray: Bytes) -> Flags:
    return _beyond(_ground(gray))


def _beyond(ground: Flags) -> Flags:
    """What is not ground, nor beside it."""
    return ~ground & (_mean(ground.view(np.uint8)) < _GROUND)


def _textured(gray: Bytes) -> Flags:
    squares = cv2.sqrBoxFilter(gray, cv2.CV_32F, _SQUARE, borderType=cv2.BORDER_REPLICATE)
    spread = np.sqrt(np.maximum(squares - _mean(gray) ** 2, 0))
    return np.asarray(spread >= _TEXTURE, np.bool_)


def _reduced(rgb: Bytes) -> Bytes:
    scale = min(1.0, _SIDE / max(rgb.shape[:2]))
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if scale < 1.0:
        size = max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return np.asarray(gray, np.uint8)


def _ground(gray: Bytes) -> Flags:
    varied = _varied(gray)
    ground = _patches(gray, varied <= _PLAIN, _LEAST_PATCH)
    # The dark wall of a photo may run into the dark ground around it, and spoil that; what is
    # exactly flat does not reach over. Dim photos have small flat patches, too.
    return ground | _patches(gray, varied == 0, _LEAST_FLAT)


def _varied(gray: Bytes) -> Bytes:
    """How far a pixel and its neighbours are apart, levels of 255."""
    around = np.ones((3, 3), np.uint8)
    return np.asarray(cv2.dilate(gray, around) - cv2.erode(gray, around), np.uint8)


def _patches(gray: Bytes, plain: np.ndarray, least: float) -> Flags:
    """Connected plain pixels that are at least this share of the picture and of one level."""
    if np.count_nonzero(plain) < least * gray.size:
        return np.zeros(gray.shape, np.bool_)
    # With areas and centroids from OpenCV it takes three times as long.
    count, found = cv2.connectedComponents(plain.astype(np.uint8), connectivity=4)
    labels = np.asarray(found, np.int32)
    large = np.bincount(labels.ravel(), minlength=count) >= least * gray.size
    large[0] = False  # what is not plain
    patches = np.flatnonzero(large)
    if not patches.size:
        return np.zeros(gray.shape, np.bool_)
    number = np.zeros(count, np.int32)  # of each large patch from 1 on, 0 for all else
    number[patches] = np.arange(1, patches.size + 1)
    numbers = number[labels]
    # How many pixels of each patch have each level says all that its variance takes.
    levels = np.bincount((numbers * 256 + gray).ravel(), minlength=256 * (patches.size + 1))
    levels = levels.reshape(-1, 256)[1:]
    area = levels.sum(axis=1)
    mean = levels @ np.arange(256) / area
    variance = levels @ np.arange(256) ** 2 / area - mean**2
    ground = np.concatenate([[False], variance <= _MOST_SPREAD**2])
    return np.asarray(ground[numbers], np.bool_)


def _mean(values: Bytes) -> Floats:
    """Of the window around each pixel."""
    mean = cv2.boxFilter(values, cv2.CV_32F, _SQUARE, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(mean, np.float32)
