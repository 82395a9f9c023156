"""Pairs of pictures that share a template and show different things.

Decoded photos and a seeded generator go in, two pictures come out, as in `pairs.lookalikes`.
What both sides share is a design (a frame, a card, an app's interface) or a place (a wall, a room);
who or what is shown, all words and all numbers are others.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import cv2
import numpy as np

from benchmark.copies import edits, heavy_edits
from benchmark.copies.avatars import Profile, in_circle, profile_page
from benchmark.copies.edits import Edit
from benchmark.copies.marks import BLACK, WHITE, blob, filling
from benchmark.drawn import cards, frames, puzzles, screens, shots, walls
from benchmark.drawn.cards import Issuer
from benchmark.drawn.printed import Printer
from benchmark.drawn.screens import Screen
from benchmark.pairs.lookalikes import Recipe, Sides
from imagematch.kernels.resizing import resize, to_bytes
from imagematch.records import Bytes, Floats

#: Sizes that sites and apps give all their photos, as width to height.
_FORMATS = (1.0, 4 / 5, 3 / 4, 4 / 3, 3 / 2)


def _size(rng: np.random.Generator, shortest: int = 480, longest: int = 960) -> tuple[int, int]:
    shape = _FORMATS[rng.integers(len(_FORMATS))]
    side = float(rng.uniform(shortest, longest))
    return round(side * min(1.0, shape)), round(side / max(1.0, shape))


# --- frames, stickers, banners -----------------------------------------------------------------


def _framed(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two photos in one ornamental frame."""
    width, height = _size(rng)
    frame = frames.FRAMES[rng.integers(len(frames.FRAMES))](rng, width, height)
    return frame(photos[0]), frame(photos[1])


def _framed_by_photo(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two photos, each on one third photo, sharp or blurred, as phones fill a screen."""
    width, height = _size(rng)
    ground = filling(photos[2], width, height)
    if rng.random() < 0.5:
        ground = to_bytes(cv2.GaussianBlur(ground, (0, 0), 0.02 * width))
    band = round(rng.uniform(0.08, 0.2) * min(width, height))
    inner = width - 2 * band, height - 2 * band
    sides = []
    for photo in photos[:2]:
        shown = ground.copy()
        shown[band : band + inner[1], band : band + inner[0]] = filling(photo, *inner)
        sides.append(shown)
    return sides[0], sides[1]


def _covered(edit: Edit, photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two photos with the same big thing on them, over a fifth to two fifths of each."""
    strength, seed = float(rng.uniform(0.55, 1.0)), int(rng.integers(2**32))
    size = _size(rng)
    left, right = (
        edit(filling(photo, *size), np.random.default_rng(seed), strength) for photo in photos
    )
    return left, right


# --- people before a shared ground -------------------------------------------------------------


def _virtual_background(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two people or things that were put before one photo of a room, half of the time unmoved."""
    width, height = _size(rng)
    ground = filling(photos[2], width, height)
    away = 0.03 if rng.random() < 0.5 else 0.0
    sides = [
        _pasted(photo, _seen_again(ground, rng, away), rng, (0.15, 0.5)) for photo in photos[:2]
    ]
    return sides[0], edits.brightness(sides[1], rng, float(rng.uniform(0, 0.25)))


def _drawn_wall(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two people before one wall that is drawn."""
    return _before(walls.WALLS[rng.integers(len(walls.WALLS))](rng, 1100, 1100), photos, rng)


def _real_wall(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two people before one wall from a real photo."""
    return _before(walls.textured_part(photos[2], 1100, 1100), photos, rng)


def _before(wall: Bytes, photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    width, height = _size(rng, 560)
    # All of the wall, or so, for both sides: two pictures from one spot, at different times.
    wall = filling(wall, round(1.1 * width), round(1.1 * height))
    sides = []
    for photo in photos[:2]:
        seen = resize(_seen_again(wall, rng, 0.1), width, height)
        sides.append(shots.lit(_pasted(photo, seen, rng, (0.3, 0.6)), rng, 0.5))
    return sides[0], sides[1]


def _seen_again(ground: Bytes, rng: np.random.Generator, away: float) -> Bytes:
    """The same ground moved, scaled and slanted by up to a share `away` of its sides."""
    height, width = ground.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    zoom = 1 + rng.uniform(away, 2 * away)  # so that no edge of it comes into view
    shift = rng.uniform(-away, away, 2) / 2 * (width, height)
    slant = rng.uniform(-1, 1, (4, 2)) * away / 6 * (width, height)
    middle = np.array([width, height]) / 2
    moved = ((corners - middle) * zoom + middle + shift + slant).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return to_bytes(
        cv2.warpPerspective(ground, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    )


def _pasted(
    rgb: Bytes, ground: Bytes, rng: np.random.Generator, share: tuple[float, float]
) -> Bytes:
    """Put a cut-out of the photo before the ground, covering a share of it."""
    height, width = ground.shape[:2]
    wanted = float(rng.uniform(*share))
    if rng.random() < 0.75:
        mask = _person(height, width, wanted, rng)
    else:
        mask = _moved(blob(height, width, wanted, rng, soft=0.005), rng)
    cut_out = filling(rgb, width, height).astype(np.float32)
    return to_bytes(ground + (cut_out - ground) * mask[:, :, None])


def _person(height: int, width: int, share: float, rng: np.random.Generator) -> Floats:
    """Head and shoulders, or a whole figure, as a soft mask (height, width), 0-1, from below."""
    across, head, body = rng.uniform(0.35, 0.65), rng.uniform(0.5, 0.75), rng.uniform(1.3, 2.2)
    low, high = 0.05, 0.9  # half the width of the head, as a share of the picture's height
    for _ in range(12):
        size = (low + high) / 2
        if _figure(height // 8, width // 8, across, size, head, body).mean() < share:
            low = size
        else:
            high = size
    inside = _figure(height, width, across, size, head, body).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(inside, (0, 0), max(0.8, 0.004 * min(height, width))))


def _figure(
    height: int, width: int, across: float, size: float, head: float, body: float
) -> np.ndarray:
    """Head and shoulders, shape (height, width), bool."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    aside, radius = np.abs(columns - across * width), size * height
    middle = max(0.03, 0.62 - 2.1 * size) * height + 1.25 * radius
    skull = (aside / radius) ** 2 + ((rows - middle) / (1.25 * radius)) ** 2 < 1
    chin = middle + 1.1 * radius
    below = np.clip((rows - chin) / (0.9 * radius), 0, 1)
    half = radius * (head + (body - head) * np.sqrt(below))
    return np.asarray(skull | ((aside < half) & (rows > chin - 0.2 * radius)))


def _moved(mask: Floats, rng: np.random.Generator) -> Floats:
    height, width = mask.shape
    across, down = rng.uniform(-0.08, 0.08, 2) * (width, height)
    matrix = np.array([[1, 0, across], [0, 1, down]])
    return np.asarray(cv2.warpAffine(mask, matrix, (width, height)))


# --- printed things ----------------------------------------------------------------------------


def _issued(
    designs: Sequence[Callable[[np.random.Generator], Issuer]],
    photos: Sequence[Bytes],
    rng: np.random.Generator,
) -> Sides:
    """Two cards or papers of one design."""
    issue = designs[int(rng.integers(len(designs)))](rng)
    return _shown(issue(photos[0], rng), issue(photos[1], rng), rng)


def _sheets(
    looks: Sequence[Callable[[np.random.Generator], Printer]],
    _photos: Sequence[Bytes],
    rng: np.random.Generator,
) -> Sides:
    """Two sheets of one layout with different entries."""
    draw = looks[int(rng.integers(len(looks)))](rng)
    return _shown(draw(rng), draw(rng), rng)


def _shown(left: Bytes, right: Bytes, rng: np.random.Generator) -> Sides:
    """Both scanned, or both photographed: from near, or on one table or two."""
    way = rng.random()
    if way < 0.2:
        return left, right
    if way < 0.5:
        near = shots.close_up(left.shape[0], left.shape[1], rng)
        steep = float(rng.uniform(0.1, 0.6))
        return (
            shots.taken(left, near, rng, steep=steep, fill=(0.93, 1.0)),
            shots.taken(right, near, rng, steep=steep, fill=(0.93, 1.0)),
        )
    steep = float(rng.uniform(0.2, 1.0))
    lying = left.shape[1] > left.shape[0]
    first = shots.table(rng, lying=lying)
    second = first if way < 0.7 else shots.table(rng, lying=lying)
    return shots.taken(left, first, rng, steep=steep), shots.taken(right, second, rng, steep=steep)


# --- screens -----------------------------------------------------------------------------------


def _screens(
    make: Callable[[np.random.Generator], Screen],
    photos: Sequence[Bytes],
    rng: np.random.Generator,
) -> Sides:
    """Two views of one interface, without a photo in common."""
    show, half = make(rng), len(photos) // 2
    return show(photos[:half], rng), show(photos[half:], rng)


def avatars(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two small avatars alone: 32 to 96 px, or 150 px, in a circle or square."""
    side = int(rng.integers(32, 97)) if rng.random() < 0.7 else 150
    ground = (WHITE, BLACK)[rng.integers(2)]
    left, right = (in_circle(photo, side, ground) for photo in photos)
    return left, right


def _profiles(photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two people's profile pages in one chat app; only name, photo and numbers differ."""
    width, dark = int(rng.integers(360, 721)), bool(rng.random() < 0.5)
    side = round(rng.uniform(0.2, 0.5) * width)
    sides = []
    for photo in photos:
        profile = Profile(
            ("Anna", "Mila", "Nina K", "Lena", "Sofia M", "Tom")[rng.integers(6)],
            "last seen recently",
            (
                ("Mobile", f"+1 202 555 01{rng.integers(0, 100):02d}"),
                ("Username", f"@user{rng.integers(100, 10**5)}"),
                ("Bio", "New in town"),
            ),
            dark,
        )
        sides.append(profile_page(photo, profile, width, side))
    return sides[0], sides[1]


def _initials(_photos: Sequence[Bytes], rng: np.random.Generator) -> Sides:
    """Two avatars of letters; of the same colours, half of the time."""
    side, ground = int(rng.integers(40, 161)), (WHITE, BLACK)[rng.integers(2)]
    left, right = (screens.initials(rng, side, ground) for _ in range(2))
    while np.array_equal(left, right):
        right = screens.initials(rng, side, ground)
    return left, right


#: Ways to make a pair, taken in turn, by the name of the group.
TEMPLATES: Mapping[str, tuple[Recipe, ...]] = MappingProxyType(
    {
        "same_ornate_frame": (*[Recipe(2, _framed)] * 4, Recipe(3, _framed_by_photo)),
        "same_sticker": (Recipe(2, partial(_covered, heavy_edits.big_sticker)),),
        "same_banner": (Recipe(2, partial(_covered, heavy_edits.banner)),),
        "virtual_background": (Recipe(3, _virtual_background, may_be_scene=True),),
        "studio_wall": (
            Recipe(2, _drawn_wall, may_be_scene=True),
            Recipe(3, _real_wall, may_be_scene=True),
        ),
        "id_card": (Recipe(2, partial(_issued, (cards.identity_card, cards.licence))),),
        "bank_card": (Recipe(2, partial(_issued, (cards.bank_card,))),),
        "document": (Recipe(2, partial(_issued, cards.PAPERS)),),
        "qr_code": (Recipe(0, partial(_sheets, puzzles.CODES)),),
        "sudoku": (Recipe(0, partial(_sheets, (puzzles.sudoku,))),),
        "printed_grid": (Recipe(0, partial(_sheets, puzzles.GRIDS)),),
        "avatar": (Recipe(2, avatars), Recipe(2, avatars), Recipe(0, _initials)),
        "chat_profile": (
            Recipe(2, _profiles),
            Recipe(8, partial(_screens, partial(screens.chat_list, side=56))),
        ),
        "tv_news": (Recipe(2, partial(_screens, screens.lower_third)),),
        "game": (Recipe(2, partial(_screens, screens.game)),),
        "video_call": tuple(
            Recipe(2 * people, partial(_screens, partial(screens.call, people=people)))
            for people in (1, 2, 4)
        ),
        "app_story": (Recipe(2, partial(_screens, screens.story)),),
    }
)
