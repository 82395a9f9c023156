"""How a flat thing gets into a picture: scanned, or photographed on some table, in some light.

A sheet and the ground that it lies on go in, the picture comes out: RGB of shape (H, W, 3), uint8.
"""

import cv2
import numpy as np

from benchmark.drawn import grounds, walls
from imagematch.kernels.resizing import to_bytes
from imagematch.records import Bytes

#: What things lie on when they are photographed.
TABLES: tuple[grounds.Ground, ...] = (
    grounds.laminate,
    walls.planks,
    grounds.wall,
    walls.cloth,
    walls.stone,
)

#: The longer side of a phone's photo to the shorter one.
_FORMATS = (4 / 3, 4 / 3, 1.0, 3 / 2)


def table(rng: np.random.Generator, *, lying: bool) -> Bytes:
    """Something to lie on, seen from above, in the shape of a phone's photo.

    Args:
        lying: the thing that will lie on it is wider than high; most people turn the phone for it.
    """
    shape = float(_FORMATS[rng.integers(len(_FORMATS))])
    if lying != (rng.random() < 0.75):
        shape = 1 / shape
    side = int(rng.integers(640, 960))
    width, height = round(side * min(1.0, shape)), round(side / max(1.0, shape))
    return TABLES[rng.integers(len(TABLES))](rng, width, height)


def close_up(height: int, width: int, rng: np.random.Generator) -> Bytes:
    """A table of which a sheet of that size leaves no more than a rim in the picture."""
    scale = float(rng.uniform(480, 900)) / max(height, width)
    ground = (grounds.wall, grounds.wall, walls.planks, walls.stone)[rng.integers(4)]
    return ground(rng, round(width * scale), round(height * scale))


def taken(
    sheet: Bytes,
    ground: Bytes,
    rng: np.random.Generator,
    *,
    steep: float = 1.0,
    fill: tuple[float, float] = (0.68, 0.99),
) -> Bytes:
    """Photograph a sheet that lies on a ground: aslant, with a shadow, in uneven light.

    Args:
        ground: of the size of the picture.
        steep: how far from straight above, 0-1.
        fill: the shares of the picture's side that are drawn from, for the sheet's to have.
    """
    height, width = ground.shape[:2]
    matrix = _pose(sheet.shape[:2], height, width, rng, steep, fill)
    size = (width, height)
    laid = cv2.warpPerspective(sheet, matrix, size, flags=cv2.INTER_AREA)
    inside = np.full(sheet.shape[:2], 255, np.uint8)
    mask = cv2.warpPerspective(inside, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    thick = max(2.0, 0.008 * width)
    shadow = cv2.GaussianBlur(np.roll(mask, (int(thick), int(thick)), (0, 1)), (0, 0), thick)
    dark = ground * (1 - shadow[:, :, None] / 510)
    return lit(dark + (laid - dark) * (mask[:, :, None] / 255), rng)


def lit(rgb: np.ndarray, rng: np.random.Generator, strength: float = 1.0) -> Bytes:
    """Put a picture into some light, and add what a phone's camera does: haze, blur, noise."""
    height, width = rgb.shape[:2]
    rows, columns = (side.astype(np.float32) for side in np.ogrid[0:height, 0:width])
    down, across = rows / height, columns / width
    angle = rng.uniform(0, 2 * np.pi)
    along = (down - 0.5) * np.float32(np.sin(angle)) + (across - 0.5) * np.float32(np.cos(angle))
    light = 1 + np.float32(strength) * (
        np.float32(rng.uniform(-0.12, 0.12)) + np.float32(rng.uniform(0, 0.35)) * along
    )
    tint = (1 + strength * rng.uniform(-0.06, 0.06, 3)).astype(np.float32)
    shown = rgb.astype(np.float32) * light[:, :, None] * tint
    if rng.random() < 0.25 * strength:  # the flash, or a lamp that is mirrored
        y, x = np.float32(rng.uniform(0.1, 0.9)), np.float32(rng.uniform(0, 1))
        spot = np.hypot(down - y, across - x) / np.float32(rng.uniform(0.08, 0.25))
        shown += 110 * np.exp(-(spot**2))[:, :, None]
    shown = cv2.GaussianBlur(shown, (0, 0), float(rng.uniform(0.3, 1.1)))
    noise = rng.standard_normal((height, width, 1), np.float32)
    return to_bytes(shown + np.float32(rng.uniform(0.5, 4.0)) * noise)


def _pose(
    shape: tuple[int, ...],
    height: int,
    width: int,
    rng: np.random.Generator,
    steep: float,
    fill: tuple[float, float],
) -> np.ndarray:
    """The homography from a sheet to a picture, which it mostly fills."""
    rows, columns = shape[:2]
    # A tall sheet is photographed upright; in a wide picture it is small rather than turned.
    scale = float(rng.uniform(*fill)) * min(width / columns, height / rows)
    corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    turn = np.deg2rad(rng.normal(0, 4) * steep)
    turning = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    spare = np.array([width - scale * columns, height - scale * rows]) / 2
    middle = np.array([width, height]) / 2 + spare * rng.uniform(-0.6, 0.6, 2)
    moved = (corners - (columns / 2, rows / 2)) * scale @ turning.T + middle
    jitter = rng.uniform(-1, 1, (4, 2)) * 0.05 * steep * scale * min(columns, rows)
    return np.asarray(
        cv2.getPerspectiveTransform(corners, (moved + jitter).astype(np.float32)), np.float64
    )
