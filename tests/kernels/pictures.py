"""Small pictures made from numbers, and their files in every format."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


def scene(width: int = 160, height: int = 120) -> Image.Image:
    """A picture with smooth light, edges and no symmetry, the same on every machine."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x // width
    green = 255 * y // height
    blue = 255 * (x + 2 * y) // (width + 2 * height)
    image = Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 8, height // 8, width // 2, height // 3), fill=(240, 220, 30))
    draw.ellipse((width // 2, height // 2, width * 7 // 8, height * 7 // 8), fill=(20, 40, 90))
    draw.polygon([(0, height), (width // 3, height), (0, height // 2)], fill=(200, 30, 60))
    return image


def encoded(image: Image.Image, name: str, **options: Any) -> bytes:
    """The file of a picture; HEIF goes past Pillow, whose registry stays as it is."""
    buffer = io.BytesIO()
    if name == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(buffer, **options)
    else:
        image.save(buffer, name, **options)
    return buffer.getvalue()


def apart(left: np.ndarray, right: np.ndarray) -> float:
    """Mean absolute difference of two pictures, levels of 255."""
    assert left.shape == right.shape
    return float(np.abs(left.astype(np.int16) - right).mean())
