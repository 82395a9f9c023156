"""Ornamental frames with a photo in each: carved mouldings, passe-partouts, printed borders.

A seeded generator and a photo's size go in and fix a frame; what comes out puts any photo into it,
RGB of shape (H, W, 3), uint8.
"""

from collections.abc import Callable

import cv2
import numpy as np

from benchmark.copies.marks import WHITE, filling
from benchmark.drawn import grounds, walls
from benchmark.drawn.sheets import Sheet, sentence, tint
from imagematch.kernels.resizing import to_bytes
from imagematch.records import Bytes, Floats

type Framer = Callable[[Bytes], Bytes]

#: Gold, silver, mahogany, black, ivory, rose, blue.
_COLOURS = (
    (196, 152, 62),
    (170, 172, 178),
    (98, 48, 30),
    (40, 38, 38),
    (228, 220, 200),
    (206, 130, 140),
    (60, 90, 150),
)


def moulding(look: np.random.Generator, width: int, height: int) -> Framer:
    """A carved frame: a profile from the wall to the photo, and a motif all along it."""
    band = round(look.uniform(0.08, 0.25) * min(width, height))
    along, across, inside = _band(width, height, band)
    relief = _profile(look, across) + np.float32(look.uniform(0.15, 0.5)) * _motif(
        look, along, across
    )
    if look.random() < 0.6:
        relief = relief + _corners(look, width, height, band)
    slope = cv2.GaussianBlur(
        cv2.Sobel(relief, cv2.CV_32F, 0, 1) + cv2.Sobel(relief, cv2.CV_32F, 1, 0), (0, 0), 0.8
    )
    base = np.array(_COLOURS[look.integers(len(_COLOURS))], float) + look.uniform(-15, 15, 3)
    # Lit from the upper left: what rises towards the light is bright and shines, the rest is dark.
    light = (-55 * slope + 60 * np.clip(-slope, 0, None)) * band / 50
    carved = base * (0.75 + 0.35 * relief)[:, :, None] + light[:, :, None]
    return _around(to_bytes(carved + look.normal(0, 2.5, (height, width, 1))), inside, look)


def passe_partout(look: np.random.Generator, width: int, height: int) -> Framer:
    """A thin moulding and a broad mat of card with a bevelled opening."""
    side = min(width, height)
    band, mat = round(look.uniform(0.03, 0.07) * side), round(look.uniform(0.08, 0.2) * side)
    picture = to_bytes(
        np.full((height, width, 3), tint(look, 215, 255), np.uint8)
        + look.normal(0, 2, (height, width, 1))
    )
    along, across, outer = _band(width, height, band)
    relief = _profile(look, across) + 0.2 * _motif(look, along, across)
    base = np.array(_COLOURS[look.integers(len(_COLOURS))], float)
    rim = to_bytes(base * (0.5 + 0.6 * relief)[:, :, None])
    picture[~outer] = rim[~outer]
    shadow = round(0.01 * side) + 1
    picture[band : band + shadow, band:-band] = (
        picture[band : band + shadow, band:-band] * 0.8
    ).astype(np.uint8)
    box = band + mat
    inside = _inner(width, height, box)
    bevel = _inner(width, height, box - max(2, side // 120)) & ~inside
    picture[bevel] = (200, 195, 185)
    return _around(picture, inside, look)


def printed_border(look: np.random.Generator, width: int, height: int) -> Framer:
    """A border of an app: hearts, stars, dots or flowers on a colour; the opening may be oval."""
    band = round(look.uniform(0.1, 0.25) * min(width, height))
    ground = np.full((height, width, 3), tint(look, 120, 255), np.uint8)
    size = max(6, round(band * look.uniform(0.25, 0.6)))
    shapes = ("heart", "star", "dot", "flower")
    chosen = [shapes[number] for number in look.permutation(4)[: look.integers(1, 3)]]
    inks = [tint(look, 20, 256) for _ in range(3)]
    for row, y in enumerate(range(size // 2, height + size, round(size * 1.25))):
        for column, x in enumerate(range(size // 2, width + size, round(size * 1.25))):
            shape = chosen[(row + column) % len(chosen)]
            at = x + (size // 2 if row % 2 else 0), y
            _stamp(ground, shape, at, size, inks[(row * 2 + column) % 3])
    inside = _inner(width, height, band)
    if look.random() < 0.35:
        rows, columns = np.mgrid[0:height, 0:width]
        across = (columns - width / 2) / (width / 2 - 0.6 * band)
        down = (rows - height / 2) / (height / 2 - 0.6 * band)
        inside = across**2 + down**2 < 1
    edge = cv2.dilate(inside.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & ~inside
    ground[edge] = WHITE if look.random() < 0.6 else inks[0]
    return _around(ground, inside, look)


def textured(look: np.random.Generator, width: int, height: int) -> Framer:
    """A broad frame of wood, stone, cloth, bricks or leaves with a plain line around the photo."""
    ways = (walls.planks, walls.stone, walls.cloth, walls.foliage, grounds.wallpaper, walls.bricks)
    band = round(look.uniform(0.09, 0.24) * min(width, height))
    ground = ways[look.integers(len(ways))](look, width, height)
    inside = _inner(width, height, band)
    line = _inner(width, height, band - max(3, band // 10)) & ~inside
    ground = ground.copy()
    ground[line] = _COLOURS[look.integers(len(_COLOURS))]
    return _around(ground, inside, look)


def polaroid(look: np.random.Generator, width: int, height: int) -> Framer:
    """An instant photo: white paper, broad at the bottom with words on it, on some ground."""
    side = min(width, height)
    outside, rim = round(look.uniform(0.03, 0.1) * side), round(look.uniform(0.03, 0.06) * side)
    foot = round(look.uniform(0.12, 0.2) * side)
    sheet = Sheet.of(width, height, (249, 248, 243))
    words = sentence(look, 2, 3).rstrip(".")
    sheet.write(width / 2, height - outside - foot / 2, words, 0.4 * foot, anchor="mm")
    paper = sheet.pixels()
    ways = (walls.planks, walls.cloth, grounds.gradient, walls.stone, grounds.laminate)
    picture = ways[look.integers(len(ways))](look, max(width, height), max(width, height))
    picture = picture[:height, :width].copy()
    box = np.s_[outside : height - outside, outside : width - outside]
    picture[box] = paper[box]
    inside = np.zeros((height, width), bool)
    edge = outside + rim
    inside[edge : height - outside - foot, edge : width - edge] = True
    return _around(picture, inside, look)


def corners(look: np.random.Generator, width: int, height: int) -> Framer:
    """Scrolls in all four corners and a double line between them, drawn over the photo."""
    side = min(width, height)
    ink = (WHITE, _COLOURS[0], (20, 20, 20), tint(look, 60, 200))[look.integers(4)]
    mask = np.zeros((height, width), np.uint8)
    reach = round(look.uniform(0.2, 0.36) * side)
    quarter = np.zeros((reach, reach), np.uint8)
    thick = max(2, reach // 28)
    for _ in range(int(look.integers(3, 6))):
        turns, size = look.uniform(1.2, 2.6), look.uniform(0.25, 0.5) * reach
        start = look.uniform(0, 2 * np.pi)
        turn = np.linspace(0, turns * 2 * np.pi, 80)
        centre = look.uniform(0.18, 0.72, 2) * reach
        radius = size * turn / turn[-1]
        points = np.stack([np.cos(turn + start), np.sin(turn + start)], axis=1) * radius[:, None]
        for line in (points + centre, points[:, ::-1] + centre[::-1]):
            cv2.polylines(quarter, [line.astype(np.int32)], False, 255, thick, cv2.LINE_AA)
    edge = round(look.uniform(0.02, 0.05) * side)
    for number in (1, 2):
        box = (edge * number, edge * number), (width - edge * number, height - edge * number)
        cv2.rectangle(mask, *box, 255, thick, cv2.LINE_AA)
    for part, flip in (
        ((slice(None, reach), slice(None, reach)), (1, 1)),
        ((slice(None, reach), slice(-reach, None)), (1, -1)),
        ((slice(-reach, None), slice(None, reach)), (-1, 1)),
        ((slice(-reach, None), slice(-reach, None)), (-1, -1)),
    ):
        mask[part] = np.maximum(mask[part], quarter[:: flip[0], :: flip[1]])
    ground = np.full((height, width, 3), ink, np.uint8)
    share = 1 - mask.astype(np.float32) / 255
    return lambda rgb: to_bytes(
        ground + (filling(rgb, width, height).astype(np.float32) - ground) * share[:, :, None]
    )


#: All kinds of frames.
FRAMES: tuple[Callable[[np.random.Generator, int, int], Framer], ...] = (
    moulding,
    printed_border,
    passe_partout,
    moulding,
    textured,
    polaroid,
    corners,
)


def _around(picture: Bytes, inside: np.ndarray, look: np.random.Generator) -> Framer:
    """Put photos into the opening; where it is not seen, the frame is."""
    rows, columns = np.nonzero(inside)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    hole = inside[top:bottom, left:right, None]
    deep = look.random() < 0.5

    def framed(rgb: Bytes) -> Bytes:
        shown = picture.copy()
        part = filling(rgb, int(right - left), int(bottom - top))
        if deep:  # the frame throws a shadow on the photo
            part = part.copy()
            strip = max(2, part.shape[0] // 60)
            part[:strip] = (part[:strip] * 0.6).astype(np.uint8)
            part[:, :strip] = (part[:, :strip] * 0.6).astype(np.uint8)
        place = shown[top:bottom, left:right]
        place[:] = np.where(hole, part, place)
        return shown

    return framed


def _band(width: int, height: int, band: int) -> tuple[Floats, Floats, np.ndarray]:
    """Where each px of a frame lies: along its side, in widths, across (0-1); what is inside."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    across = np.minimum(
        np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    )
    lying = np.minimum(rows, height - 1 - rows) <= np.minimum(columns, width - 1 - columns)
    along = np.where(lying, columns - width / 2, rows - height / 2)
    return along / band, np.clip(across / band, 0, 1), _inner(width, height, band)


def _inner(width: int, height: int, band: int) -> np.ndarray:
    inside = np.zeros((height, width), bool)
    inside[band : height - band, band : width - band] = True
    return inside


def _profile(look: np.random.Generator, across: Floats) -> Floats:
    """Height of the moulding from its outer edge (0) to the photo (1): some steps and swells."""
    knots = np.concatenate([[0.0], look.uniform(0.1, 1.0, int(look.integers(4, 9))), [0.1]])
    return np.asarray(np.interp(across, np.linspace(0, 1, len(knots)), knots), np.float32)


def _motif(look: np.random.Generator, along: Floats, across: Floats) -> Floats:
    """What is carved along the moulding again and again; `along` in widths of the band."""
    period = look.uniform(0.35, 1.3)
    phase = along / period
    middle, wide = look.uniform(0.35, 0.65), look.uniform(0.15, 0.35)
    window = np.exp(-(((across - middle) / wide) ** 2))
    way = look.integers(5)
    turn = 2 * np.pi * phase
    if way == 0:  # leaves
        shape = np.abs(np.sin(turn / 2)) ** 0.7 * np.cos(8 * np.abs(phase % 1 - 0.5) - 6 * across)
    elif way == 1:  # beads
        shape = np.sqrt(
            np.clip(1 - ((phase % 1 - 0.5) / 0.42) ** 2 - ((across - middle) / wide) ** 2, 0, 1)
        )
        return np.asarray(1.4 * shape, np.float32)
    elif way == 2:  # a wave with curls
        shape = np.cos(12 * (across - middle - 0.18 * np.sin(turn))) + 0.5 * np.sin(3 * turn)
    elif way == 3:  # a meander
        shape = np.sign(np.sin(turn)) * np.sign(np.sin(9 * (across - middle)))
    else:  # flowers
        angle = np.arctan2(across - middle, (phase % 1 - 0.5) * period)
        radius = np.hypot(across - middle, (phase % 1 - 0.5) * period)
        shape = np.cos(look.integers(4, 8) * angle) * np.exp(-(((radius - 0.16) / 0.1) ** 2)) * 1.6
    return np.asarray(shape * window, np.float32)


def _corners(look: np.random.Generator, width: int, height: int, band: int) -> Floats:
    """A boss in each corner: a flower of some petals."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    down = np.minimum(rows, height - 1 - rows) / band - 0.5
    over = np.minimum(columns, width - 1 - columns) / band - 0.5
    angle, radius = np.arctan2(down, over), np.hypot(down, over)
    petals = look.integers(4, 10)
    flower = (0.6 + 0.4 * np.cos(petals * angle)) * np.clip(1 - radius / 0.62, 0, 1)
    return np.asarray(1.2 * flower, np.float32)


def _stamp(rgb: Bytes, shape: str, at: tuple[int, int], size: int, ink: tuple[int, ...]) -> None:
    x, y = at
    radius = size * 0.36
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    if shape == "heart":
        points = np.stack(
            [
                np.sin(turn) ** 3,
                -(0.81 * np.cos(turn) - 0.31 * np.cos(2 * turn) - 0.13 * np.cos(3 * turn)),
            ],
            axis=1,
        )
    elif shape == "star":
        spikes = np.arange(10) * np.pi / 5 - np.pi / 2
        reach = np.where(np.arange(10) % 2, 0.45, 1.0)
        points = np.stack([reach * np.cos(spikes), reach * np.sin(spikes)], axis=1)
    else:
        wave = 0.45 if shape == "flower" else 0.0
        reach = (1 + wave * np.cos(5 * turn)) / (1 + wave)
        points = np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1)
    outline = np.rint(points * radius + (x, y)).astype(np.int32)
    cv2.fillPoly(rgb, [outline], ink, cv2.LINE_AA)
