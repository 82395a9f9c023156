"""Pictures with little or nothing in them: plain walls and skies, and printed repeating patterns.

A seeded generator and a size in px go in, RGB of shape (H, W, 3), uint8, comes out. They mislead
hashes (nearly uniform pictures) and keypoints (patterns), so no two of them may pass as copies.
"""

from collections.abc import Callable

import cv2
import numpy as np

from benchmark.copies.marks import blend
from benchmark.drawn.sheets import tint
from imagematch.kernels.resizing import to_bytes
from imagematch.records import Bytes, Floats

type Ground = Callable[[np.random.Generator, int, int], Bytes]


# --- nearly uniform ----------------------------------------------------------------------------


def gradient(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """One colour passing into another, in some direction."""
    rows, columns = _mesh(width, height)
    angle = rng.uniform(0, 2 * np.pi)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    share = (along - along.min()) / np.ptp(along)
    start, end = rng.uniform(20, 235, (2, 3))
    return to_bytes(start + (end - start) * share[:, :, None])


def wall(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A painted wall: uneven light, fine plaster."""
    paint = rng.uniform(120, 225) + rng.uniform(-18, 18, 3)
    light = rng.uniform(8, 25) * smooth(rng, width, height, 3)
    plaster = cv2.GaussianBlur(rng.normal(0, rng.uniform(4, 12), (height, width)), (0, 0), 1.3)
    return to_bytes(paint + (light + plaster)[:, :, None])


def noise(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A plain ground in bad light: hardly more than the grain of the sensor."""
    grain = rng.normal(0, rng.uniform(4, 14), (height, width, 3))
    return to_bytes(rng.uniform(15, 190, 3) + grain)


def sky(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A cloudless sky: paler towards the ground, a little darker towards the corners."""
    rows, columns = _mesh(width, height)
    top = np.array([rng.uniform(50, 120), rng.uniform(120, 180), rng.uniform(200, 245)])
    pale = top + (245 - top) * rng.uniform(0.3, 0.7)
    share = np.clip(rows / height + rng.uniform(-0.15, 0.15) * columns / width, 0, 1)
    distance = np.hypot(rows / height - 0.5, columns / width - 0.5)
    shade = 1 - rng.uniform(0.05, 0.25) * distance**2
    clear = top + (pale - top) * share[:, :, None]
    return to_bytes(clear * shade[:, :, None] + rng.normal(0, 1.5, (height, width, 1)))


# --- repeating patterns ------------------------------------------------------------------------


def laminate(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A laminate floor: boards with staggered joints; a cheap one repeats few prints of wood."""
    tall, long = height // int(rng.integers(7, 11)), width // 2
    base = np.array([rng.uniform(130, 210), rng.uniform(90, 160), rng.uniform(50, 120)])
    boards = [_board(rng, long, tall, base) for _ in range(rng.integers(3, 25))]
    floor = np.zeros((height, width, 3), np.uint8)
    for row in range(-(-height // tall)):
        left = -int(rng.integers(0, long))
        while left < width:
            _put(floor, boards[rng.integers(len(boards))], left, row * tall)
            left += long
    return floor


def tiles(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """Square tiles of a few prints of veins, a little different in tone, and grout between."""
    side = width // int(rng.integers(6, 11))
    base = rng.uniform(120, 225) + rng.uniform(-20, 20, 3)
    prints = [
        30 * np.exp(-((smooth(rng, side, side, 6) / 0.06) ** 2)) for _ in range(rng.integers(1, 13))
    ]
    grout = rng.uniform(60, 120)
    floor = np.zeros((height, width, 3), np.uint8)
    for top in range(0, height, side):
        for left in range(0, width, side):
            turned = np.rot90(prints[rng.integers(len(prints))], int(rng.integers(4)))
            tile = base + rng.uniform(-10, 10) - turned[:, :, None]
            tile[: max(2, side // 25)] = grout
            tile[:, : max(2, side // 25)] = grout
            _put(floor, to_bytes(tile), left, top)
    return floor


def wallpaper(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """Wallpaper: one motif of petals again and again, every other row moved by half."""
    ground, ink = tint(rng, 150, 250), tint(rng, 20, 140)
    side = width // int(rng.integers(9, 16))
    motif = _motif(rng, side)
    mask = np.zeros((height, width), np.uint8)
    for row, top in enumerate(range(0, height, side)):
        for left in range(-side // 2 * (row % 2), width, side):
            _put(mask, motif, left, top)
    return blend(np.full((height, width, 3), ground, np.uint8), mask, ink, 1.0)


#: Nearly uniform pictures.
PLAIN: tuple[Ground, ...] = (gradient, wall, noise, sky)

#: Printed patterns to lie or stand before.
PATTERNS: tuple[Ground, ...] = (laminate, tiles, wallpaper)


def _board(rng: np.random.Generator, long: int, tall: int, base: Floats) -> Bytes:
    """One printed board: grain along it, a dark joint around it."""
    fine = cv2.GaussianBlur(rng.normal(0, 1, (tall, long)), (0, 0), sigmaX=tall / 3, sigmaY=0.8)
    rows = np.mgrid[0:tall, 0:long][0] / tall
    rings = np.sin(2 * np.pi * (rows * rng.uniform(3, 6) + 1.5 * smooth(rng, long, tall, 4)))
    board = base + rng.uniform(-14, 14) + (22 * fine / fine.std() * 0.5 + 9 * rings)[:, :, None]
    board[: max(1, tall // 40)] *= 0.45
    board[:, : max(1, tall // 40)] *= 0.45
    return to_bytes(board)


def _motif(rng: np.random.Generator, side: int) -> Bytes:
    """A flower, shape (side, side): 255 in its petals."""
    rows, columns = np.mgrid[0:side, 0:side] / side - 0.5
    angle, radius = np.arctan2(rows, columns), np.hypot(rows, columns)
    petals = rng.integers(3, 8)
    edge = 0.24 + 0.16 * np.cos(petals * angle + rng.uniform(0, 6))
    inside = (radius < edge) & (radius > rng.uniform(0.04, 0.1))
    return to_bytes(255 * inside)


def _put(canvas: Bytes, part: Bytes, left: int, top: int) -> None:
    """Put a part onto the canvas; what stands over is cut off."""
    skipped = max(0, -left)
    height = min(part.shape[0], canvas.shape[0] - top)
    width = min(part.shape[1], canvas.shape[1] - left) - skipped
    if width > 0:
        start = left + skipped
        canvas[top : top + height, start : start + width] = part[:height, skipped : skipped + width]


def smooth(rng: np.random.Generator, width: int, height: int, cells: int) -> Floats:
    """Soft hills of about -1 to 1, shape (height, width)."""
    coarse = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


def _mesh(width: int, height: int) -> tuple[Floats, Floats]:
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return rows, columns
