"""Pictures that native code stumbles over: grids, blinds, dots, text, extremes, odd sizes."""

from collections.abc import Iterator
from itertools import product

import cv2
import numpy as np

from imagematch.records import Bytes
from tests.world import photo

#: Height and width, px: lines of one pixel, primes, one off a power of two, one off a window.
ODD_SIZES = (
    *((1, 1), (1, 2), (2, 1), (2, 3), (1, 97), (97, 1), (3, 1025), (1023, 2)),
    *((15, 17), (31, 31), (32, 33), (61, 59), (127, 129), (255, 257)),
)


def grids(side: int = 200, seed: int = 0) -> Iterator[Bytes]:
    """Noise, a photo and a plain ground under lines across, down and both ways."""
    rng = np.random.default_rng(seed)
    grounds = (
        rng.integers(0, 256, (side, side, 3), dtype=np.uint8),
        photo(seed, side, side),
        np.full((side, side, 3), 60, np.uint8),
    )
    for ground, spacing, thick, ways in product(grounds, range(2, 17), (1, 2, 3), (1, 2, 3)):
        if thick < spacing:
            yield lined(ground, spacing, thick, ways)


def lined(ground: Bytes, spacing: int, thick: int, ways: int = 3, level: int = 255) -> Bytes:
    """Lines over a picture; ways: 1 across, 2 down, 3 both."""
    picture = ground.copy()
    for offset in range(thick):
        if ways & 1:
            picture[offset::spacing] = level
        if ways & 2:
            picture[:, offset::spacing] = level
    return picture


def patterns(height: int, width: int, seed: int = 0) -> Iterator[Bytes]:
    """Noise, plain, checkered, striped, dotted, ringed and lettered pictures of one size."""
    rng = np.random.default_rng(seed)
    down, across = np.indices((height, width))
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    yield noise
    yield lined(noise, 6, 1)
    yield np.full((height, width, 3), 255, np.uint8)
    yield np.zeros((height, width, 3), np.uint8)
    for cell in (1, 2, 8):
        yield _gray((down // cell + across // cell) % 2 * 255)
    yield _gray(down % 9 * 28)  # blinds
    shade = 128 + 60 * np.sin(down / 23) + 60 * np.cos(across / 17)
    yield _gray((shade > 24 * (across % 4) + 60 * (down % 4) / 4) * 255)  # a halftone
    rings = np.sin((down - height / 2) ** 2 / 40 + (across - width / 2) ** 2 / 40)
    yield _gray(127 + 127 * rings)  # moire
    yield _gray(np.kron(rng.integers(0, 2, (height // 4 + 1, width // 4 + 1)), np.ones((4, 4))))[
        :height, :width
    ]  # a code
    page = np.full((height, width, 3), 255, np.uint8)
    for line in range(8, height, 11):
        cv2.putText(page, "The quick brown fox", (2, line), cv2.FONT_HERSHEY_PLAIN, 0.7, (0, 0, 0))
    yield page


def _gray(levels: np.ndarray) -> Bytes:
    return np.repeat(levels.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
