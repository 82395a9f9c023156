"""What all that draws needs: colours, bytes of any numbers, and pictures at another size.

Arrays of shape (H, W, 3), RGB, come in, uint8 ones go out.
"""

from typing import Any

import cv2
import numpy as np

from imagematch.records import Bytes

type Colour = tuple[int, int, int]


def to_bytes(values: Any) -> Bytes:
    """Round and clip an array of any number type to uint8, 0-255; bytes stay as they are."""
    if isinstance(values, np.ndarray) and values.dtype == np.uint8:
        return values
    array: Bytes = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return array


def resize(rgb: Bytes, width: int, height: int) -> Bytes:
    """Scale to a size in px: by area where the photo shrinks, bicubic where it grows."""
    shrinks = width * height < rgb.shape[0] * rgb.shape[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return to_bytes(cv2.resize(rgb, (width, height), interpolation=method))
