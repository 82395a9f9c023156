"""A picture at the sizes that kernels look at: RGB array in, smaller ones out, each made once."""

from dataclasses import dataclass

import cv2
import numpy as np

from imagematch.records import Bytes

#: Longer side of a picture reduced for hashes and for the look of its ground, px. PDQ's reference
#: program scales to 512 as well, and beyond it time is lost: at 1,024 px 22 ms became 4, for 6 of
#: 256 bits on average.
MIDDLE = 512

#: Longer side of a picture reduced until grain and noise have averaged out, and lines that part
#: pictures are a few px wide, px.
SMALL = 256


@dataclass(frozen=True, slots=True, eq=False)
class Sizes:
    """One picture at three sizes; shapes are (H, W, 3), uint8.

    Attributes:
        whole: as decoded.
        middle: neither side over `MIDDLE` px; `whole` itself where that is no larger.
        small: neither side over `SMALL` px; `middle` itself where that is no larger.
    """

    whole: Bytes
    middle: Bytes
    small: Bytes


def sizes(rgb: Bytes) -> Sizes:
    """Make the smaller sizes of a picture, shape (H, W, 3), uint8."""
    middle = within(rgb, MIDDLE)
    # Less than two px become one, so that weighing neighbours is an area average, or near to it,
    # for a fifth of the price.
    return Sizes(rgb, middle, within(middle, SMALL, cv2.INTER_LINEAR))


def within(rgb: Bytes, side: int, way: int = cv2.INTER_AREA) -> Bytes:
    """Scale down, unless told otherwise by area average, so that neither side is over `side` px."""
    height, width = rgb.shape[:2]
    longer = max(height, width)
    if longer <= side:
        return rgb
    size = max(1, round(width * side / longer)), max(1, round(height * side / longer))
    return np.asarray(cv2.resize(rgb, size, interpolation=way), dtype=np.uint8)
