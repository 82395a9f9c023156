"""Walls to stand before, and what else has texture all over: bricks, shutters, curtains, hedges.

A seeded generator and a size in px go in, RGB of shape (H, W, 3), uint8, comes out.
"""

import cv2
import numpy as np

from benchmark.drawn import grounds
from imagematch.kernels.resizing import resize, to_bytes
from imagematch.records import Bytes, Floats


def bricks(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A brick wall: rows of bricks of uneven tone, moved by half, with mortar between."""
    tall = height / rng.uniform(12, 26)
    long = tall * rng.uniform(2.2, 3.4)
    base = np.array(
        [[150, 70, 50], [170, 110, 80], [200, 190, 180], [110, 60, 55]][rng.integers(4)], float
    )
    joint = np.array([1.0, 0.97, 0.92]) * rng.uniform(120, 210)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    course = (rows / tall).astype(int)
    along = columns / long + 0.5 * (course % 2)
    number = along.astype(int)
    tones = rng.normal(0, rng.uniform(8, 24), (course.max() + 1, number.max() + 1))
    wavy = 0.02 * grounds.smooth(rng, width, height, 60)
    edge = np.minimum(
        np.minimum(rows / tall % 1, 1 - rows / tall % 1) * tall,
        np.minimum(along % 1, 1 - along % 1) * long,
    )
    inside = np.clip((edge / tall + wavy - 0.06) * 20, 0, 1)[:, :, None]
    rough = _grain(rng, width, height, rng.uniform(5, 14))
    brick = base + tones[course, number][:, :, None] + rough[:, :, None]
    shade = 14 * grounds.smooth(rng, width, height, 3)[:, :, None]
    return to_bytes(joint + 0.5 * rough[:, :, None] + (brick - joint) * inside + shade)


def shutter(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A rolling shutter: lying slats, lit from above, with stains and some scribble on them."""
    slat = height / rng.uniform(14, 40)
    base = np.array(
        [[120, 125, 130], [70, 90, 120], [150, 60, 50], [60, 100, 80]][rng.integers(4)], float
    )
    rows = np.mgrid[0:height, 0:width][0].astype(np.float32)
    phase = rows / slat % 1
    profile = 34 * np.sin(np.pi * phase) - 60 * np.exp(-((phase / 0.07) ** 2))
    stains = 18 * grounds.smooth(rng, width, height, 5) + _grain(rng, width, height, 3)
    metal = to_bytes(base + (profile + stains)[:, :, None])
    if rng.random() < 0.5:
        for _ in range(int(rng.integers(2, 6))):
            _scribble(metal, rng)
    return metal


def curtain(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A curtain: upright folds of uneven width, woven cloth, perhaps printed."""
    base = rng.uniform(50, 210, 3)
    across = np.cumsum(rng.uniform(0.4, 1.6, width))
    folds = np.sin(2 * np.pi * across / across[-1] * rng.uniform(6, 16)) * 34
    light = folds[None, :] * (0.75 + 0.25 * grounds.smooth(rng, width, height, 4))
    weave = _grain(rng, width, height, 5)
    cloth = base + (light + weave)[:, :, None]
    if rng.random() < 0.4:
        motif = grounds.wallpaper(rng, width, height).astype(float)
        cloth = 0.5 * cloth + 0.5 * motif + 0.4 * light[:, :, None]
    return to_bytes(cloth)


def foliage(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A hedge: leaves of many greens above each other, darker the deeper they lie."""
    hedge = np.full((height, width, 3), (18, 32, 14), np.uint8)
    size = max(width, height) / rng.uniform(22, 45)
    count = int(3.2 * width * height / size**2)
    hue = rng.uniform(0.7, 1.2, 3)
    places = rng.uniform(0, 1, (count, 2)) * (width, height)
    for number, (x, y) in enumerate(places):
        depth = 0.35 + 0.65 * number / count
        green = np.array([70, 130, 45]) * hue * depth * rng.uniform(0.7, 1.3)
        angle = float(rng.uniform(0, 360))
        axes = (round(size * rng.uniform(0.5, 0.8)), round(size * rng.uniform(0.2, 0.35)))
        colour = [int(level) for level in np.clip(green, 0, 255)]
        centre = (round(x), round(y))
        cv2.ellipse(hedge, centre, axes, angle, 0, 360, colour, -1, cv2.LINE_AA)
        vein = np.deg2rad(angle)
        tip = (round(x + axes[0] * np.cos(vein)), round(y + axes[0] * np.sin(vein)))
        cv2.line(hedge, centre, tip, [min(255, level + 30) for level in colour], 1, cv2.LINE_AA)
    return hedge


def planks(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A fence or an old table: upright boards, each with a grain and knots of its own."""
    board = max(24, round(width / rng.uniform(4, 10)))
    base = np.array([rng.uniform(90, 190), rng.uniform(65, 140), rng.uniform(40, 105)])
    wood = np.zeros((height, width, 3))
    for left in range(0, width, board):
        wide = min(board, width - left)
        hills = grounds.smooth(rng, wide, height, 5)
        columns = np.mgrid[0:height, 0:wide][1] / board
        rings = np.sin(2 * np.pi * (columns * rng.uniform(3, 7) + 1.4 * hills))
        noise = rng.normal(0, 1, (height, wide)).astype(np.float32)
        fibre = cv2.GaussianBlur(noise, (0, 0), sigmaX=0.8, sigmaY=height / 40)
        tone = rng.uniform(-18, 18) + 11 * rings + 10 * fibre / (fibre.std() + 1e-6)
        wood[:, left : left + wide] = base + tone[:, :, None]
        wood[:, left : left + max(2, board // 30)] *= 0.35
    return to_bytes(wood)


def cloth(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """A bed sheet or a table cloth: plain or checked, with wrinkles."""
    base = rng.uniform(90, 225) + rng.uniform(-25, 25, 3)
    shown = np.broadcast_to(base, (height, width, 3)).astype(float)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    if rng.random() < 0.5:
        period = width / rng.uniform(8, 22)
        checks = (rows / period % 1 < 0.5).astype(float) + (columns / period % 1 < 0.5)
        shown = shown + (rng.uniform(-60, -20, 3)) * checks[:, :, None] / 2
    wrinkles = 1 - np.abs(grounds.smooth(rng, width, height, 6)) * 2
    shade = 22 * np.clip(wrinkles, 0, 1) ** 4 + 10 * grounds.smooth(rng, width, height, 4)
    return to_bytes(shown + (shade + _grain(rng, width, height, 4))[:, :, None])


def stone(rng: np.random.Generator, width: int, height: int) -> Bytes:
    """Granite or concrete: spots at several scales on a grey or brown ground."""
    base = rng.uniform(70, 190) + rng.uniform(-14, 14, 3)
    spots = sum(
        weight * grounds.smooth(rng, width, height, cells)
        for cells, weight in ((5, 12), (25, 9), (110, 14))
    )
    return to_bytes(base + (spots + _grain(rng, width, height, 9))[:, :, None])


def textured_part(rgb: Bytes, width: int, height: int) -> Bytes:
    """The part of a photo with texture all over, scaled to a size: a real wall to stand before."""
    rows, columns = rgb.shape[:2]
    part = 0.55
    tall, wide = max(8, round(part * rows)), max(8, round(part * columns))
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    detail = np.abs(cv2.Laplacian(gray, cv2.CV_32F))

    def least_detail(top: int, left: int) -> float:
        cells = resize(np.minimum(detail[top : top + tall, left : left + wide], 255), 4, 4)
        return float(cells.min()) + 0.1 * float(cells.mean())

    places = [
        (round(down * (rows - tall)), round(across * (columns - wide)))
        for down in (0, 0.5, 1)
        for across in (0, 0.5, 1)
    ]
    top, left = max(places, key=lambda place: least_detail(*place))
    return resize(rgb[top : top + tall, left : left + wide], width, height)


#: Walls that are drawn.
WALLS: tuple[grounds.Ground, ...] = (
    bricks,
    shutter,
    grounds.tiles,
    curtain,
    planks,
    foliage,
    stone,
    grounds.wallpaper,
)


def _grain(rng: np.random.Generator, width: int, height: int, strength: float) -> Floats:
    noise = rng.normal(0, 1, (height, width)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 1.2)
    return np.asarray(strength * soft / soft.std())


def _scribble(rgb: Bytes, rng: np.random.Generator) -> None:
    """A tag from a spray can."""
    height, width = rgb.shape[:2]
    steps = rng.normal(0, 0.07, (12, 2)).cumsum(axis=0) + rng.uniform(0.2, 0.8, 2)
    points = np.stack([steps[:, 0] * width, steps[:, 1] * height], axis=1).astype(np.int32)
    colour = [int(level) for level in rng.integers(0, 256, 3)]
    cv2.polylines(rgb, [points], False, colour, max(2, width // 90), cv2.LINE_AA)
