"""Pairs of pictures that look alike and are not copies, made from photos or drawn from nothing.

Decoded photos and a seeded generator go in, two pictures come out: RGB of shape (H, W, 3), uint8.
What both sides share (a watermark, a frame, a floor) is drawn with the same random numbers; the
photos in it are different ones, or parts of one that have no pixel in common.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import cv2
import numpy as np

from benchmark.copies import composites, edits
from benchmark.copies.edits import Edit
from benchmark.copies.marks import blob, filling
from benchmark.drawn import grounds, sheets
from imagematch.kernels.panels import Box
from imagematch.kernels.resizing import resize, to_bytes
from imagematch.records import Bytes

type Sides = tuple[Bytes, Bytes]

#: Between two crops of one photo, as a share of the photo's side.
GAP = 0.05

#: Two crops of one photo as (top, bottom, left, right), shares of its sides. They are at least
#: twice the gap apart, along one side or both, so that a random shift may use up half of that.
_LAYOUTS = (
    ((0.00, 0.45, 0.00, 1.00), (0.55, 1.00, 0.00, 1.00)),  # upper and lower half
    ((0.00, 1.00, 0.00, 0.45), (0.00, 1.00, 0.55, 1.00)),  # left and right half
    ((0.00, 0.45, 0.00, 0.45), (0.00, 0.45, 0.55, 1.00)),  # neighbouring quarters
    ((0.00, 0.45, 0.00, 0.45), (0.55, 1.00, 0.00, 0.45)),
    ((0.00, 0.45, 0.00, 0.45), (0.55, 1.00, 0.55, 1.00)),  # opposite corners
    ((0.00, 0.45, 0.55, 1.00), (0.55, 1.00, 0.00, 0.45)),
    ((0.00, 0.60, 0.00, 1.00), (0.70, 1.00, 0.00, 1.00)),  # a large and a small part
    ((0.00, 1.00, 0.00, 0.30), (0.00, 1.00, 0.40, 1.00)),
)

#: Sizes that sites and apps give all their photos, as width to height.
_FORMATS = (1.0, 4 / 5, 3 / 4, 4 / 3, 3 / 2)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one kind of pair is made.

    Attributes:
        photos: different photos that `draw` wants.
        may_be_scene: both sides truly show one place.
    """

    photos: int
    draw: Callable[[Sequence[Bytes], np.random.Generator], Sides]
    may_be_scene: bool = False


# --- parts of one photo ------------------------------------------------------------------------


def disjoint_boxes(height: int, width: int, rng: np.random.Generator) -> tuple[Box, Box]:
    """Choose two parts of a photo that lie at least `GAP` of its height or width apart."""
    first, second = _LAYOUTS[rng.integers(len(_LAYOUTS))]
    down, across = rng.uniform(-GAP / 2, GAP / 2, 2)
    return _box(first, height, width, down, across), _box(second, height, width, down, across)


def _box(
    shares: tuple[float, float, float, float], height: int, width: int, down: float, across: float
) -> Box:
    # Only edges inside the photo move, both boxes' alike. Rounding goes inwards: the gap stays.
    top, bottom = (share + down * (0 < share < 1) for share in shares[:2])
    left, right = (share + across * (0 < share < 1) for share in shares[2:])
    return Box(
        int(np.ceil(top * height)),
        int(bottom * height),
        int(np.ceil(left * width)),
        int(right * width),
    )


def _disjoint_crops(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    first, second = disjoint_boxes(photos[0].shape[0], photos[0].shape[1], rng)
    return first.cut(photos[0]), second.cut(photos[0])


# --- the same thing on two photos --------------------------------------------------------------


def _overlaid(
    edit: Edit, photos: Sequence[Bytes], rng: np.random.Generator, *, least: float = 0.4
) -> Sides:
    """Do the same to two photos of one size, so that what is drawn lies at the same place."""
    strength, seed = float(rng.uniform(least, 1.0)), int(rng.integers(2**32))
    left, right = _same_size(photos, rng)
    return (
        edit(left, np.random.default_rng(seed), strength),
        edit(right, np.random.default_rng(seed), strength),
    )


def _meme_frame(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    captioned = edits.caption(rgb, rng, 0.3 + 0.7 * strength)
    return edits.border(captioned, rng, 0.2 + 0.4 * strength)


def _logo_corner(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """An agency's logo, opaque, in a corner; a quarter to half as wide as the photo."""
    height, width = rgb.shape[:2]
    sign = sheets.logo(sheets.agency(rng), sheets.tint(rng, 20, 170), 120)
    wide = round(width * (0.25 + 0.25 * strength))
    sign = resize(sign, wide, max(1, round(sign.shape[0] * wide / sign.shape[1])))[:height]
    edge = min(round(0.02 * width), height - sign.shape[0])
    top = (edge, height - sign.shape[0] - edge)[rng.integers(2)]
    left = (edge, width - sign.shape[1] - edge)[rng.integers(2)]
    marked = rgb.copy()
    marked[top : top + sign.shape[0], left : left + sign.shape[1]] = sign
    return marked


def _collages(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two collages with the same grid and gutters, without a photo in common."""
    strength, seed = float(rng.uniform(0.2, 1.0)), int(rng.integers(2**32))
    half = len(photos) // 2
    return (
        composites.collage(photos[0], photos[1:half], np.random.default_rng(seed), strength),
        composites.collage(photos[half], photos[half + 1 :], np.random.default_rng(seed), strength),
    )


def _same_size(photos: Sequence[Bytes], rng: np.random.Generator) -> list[Bytes]:
    shape = _FORMATS[rng.integers(len(_FORMATS))]
    side = float(rng.uniform(480, 960))
    width, height = round(side * min(1.0, shape)), round(side / max(1.0, shape))
    return [filling(photo, width, height) for photo in photos]


# --- different things on one ground ------------------------------------------------------------


def _on_pattern(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Cut-outs of two photos on one printed pattern, which is 40-50 % of either picture."""
    ground = grounds.PATTERNS[rng.integers(len(grounds.PATTERNS))](rng, 1000, 1000)
    shape = _FORMATS[rng.integers(len(_FORMATS))]
    width, height = round(720 * min(1.0, shape)), round(720 / max(1.0, shape))
    left, right = (_pasted(photo, _seen_from(ground, width, height, rng), rng) for photo in photos)
    return left, right


def _seen_from(ground: Bytes, width: int, height: int, rng: np.random.Generator) -> Bytes:
    """Look at most of the ground, straight or aslant; no edge of it comes into view."""
    side = ground.shape[0]
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * 0.8 + 0.1
    aslant = rng.uniform(0, 0.08)
    moved = (corners + aslant * rng.uniform(-1, 1, (4, 2))) * side
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(moved.astype(np.float32), target.astype(np.float32))
    return to_bytes(cv2.warpPerspective(ground, matrix, (width, height), flags=cv2.INTER_AREA))


def _pasted(rgb: Bytes, ground: Bytes, rng: np.random.Generator) -> Bytes:
    """Lay a cut-out of the photo on 50-60 % of the ground."""
    height, width = ground.shape[:2]
    mask = blob(height, width, float(rng.uniform(0.5, 0.6)), rng)[:, :, None]
    return to_bytes(ground + (filling(rgb, width, height).astype(np.float32) - ground) * mask)


# --- nearly uniform ----------------------------------------------------------------------------


def _plain(ground: grounds.Ground, _photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    width, height = (int(side) for side in rng.integers(400, 800, 2))
    return ground(rng, width, height), ground(rng, width, height)


#: Ways to make a pair, taken in turn, by the name of the group.
RECIPES: Mapping[str, tuple[Recipe, ...]] = MappingProxyType(
    {
        "disjoint_crops": (Recipe(1, _disjoint_crops, may_be_scene=True),),
        "same_watermark": (Recipe(2, partial(_overlaid, edits.watermark)),),
        "same_phone_number": (Recipe(2, partial(_overlaid, edits.phone_number)),),
        "same_emoji": (Recipe(2, partial(_overlaid, edits.emoji)),),
        "same_logo_corner": (Recipe(2, partial(_overlaid, _logo_corner)),),
        "same_meme_frame": (Recipe(2, partial(_overlaid, _meme_frame)),),
        "same_phone_interface": (Recipe(2, partial(_overlaid, composites.screenshot, least=0.0)),),
        "same_web_page": (Recipe(2, partial(_overlaid, composites.web_page, least=0.0)),),
        "same_collage_frame": tuple(Recipe(count, _collages) for count in (4, 8, 18)),
        "same_pattern": (Recipe(2, _on_pattern, may_be_scene=True),),
        "near_uniform": tuple(Recipe(0, partial(_plain, ground)) for ground in grounds.PLAIN),
    }
)
