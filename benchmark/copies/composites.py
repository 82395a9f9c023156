"""A photo inside other pictures: collages, insets, screenshots of phones and of web pages.

RGB arrays and a seeded generator come in, the picture that shows them goes out. The rules are those
of `copies.edits`: shape (H, W, 3), uint8, the input is left alone, and strength runs from 0 to 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from benchmark.copies.marks import (
    BLACK,
    WHITE,
    PhoneApp,
    WebAd,
    blob,
    browser_window,
    cover,
    filling,
    phone_screen,
)
from imagematch.errors import ShapeError
from imagematch.kernels.resizing import resize, to_bytes
from imagematch.records import Bytes


@dataclass(frozen=True, slots=True)
class Composite:
    """An edit that puts the photo beside or onto other photos.

    Attributes:
        others: how many other photos `apply` wants.
        apply: called with the photo, the others, the generator and the strength.
    """

    others: int
    apply: Callable[[Bytes, Sequence[Bytes], np.random.Generator, float], Bytes]


def collage(
    rgb: Bytes, others: Sequence[Bytes], rng: np.random.Generator, strength: float
) -> Bytes:
    """Arrange the photo and the others as square panels, 1080 px wide, as phone apps do.

    Args:
        others: at least one; 1, 3 and 8 fill a grid of 2, 4 and 9.
        strength: width of the gutters between panels; 0: they touch, 1: 4 % of the canvas.

    Raises:
        ShapeError: there is no other photo.
    """
    if not others:
        raise ShapeError("a collage needs the photo and at least one other, got none")
    panels = list(others)
    panels.insert(int(rng.integers(0, len(panels) + 1)), rgb)
    columns = int(np.ceil(np.sqrt(len(panels))))
    gutter = round(0.04 * strength * 1080)
    cell = (1080 - gutter * (columns + 1)) // columns
    rows = -(-len(panels) // columns)
    step = cell + gutter
    size = (rows * step + gutter, columns * step + gutter, 3)
    canvas = np.full(size, 255 if rng.random() < 0.7 else 0, dtype=np.uint8)
    for slot, panel in enumerate(panels):
        top, left = gutter + slot // columns * step, gutter + slot % columns * step
        canvas[top : top + cell, left : left + cell] = cover(panel, cell)
    return canvas


def inset(rgb: Bytes, others: Sequence[Bytes], rng: np.random.Generator, strength: float) -> Bytes:
    """Paste the photo, with a thin rim of some colour or none, onto the first of the others.

    Its longer side is 60 % of the background's shorter side at strength 0, 20 % at 1.

    Raises:
        ShapeError: there is no other photo.
    """
    if not others:
        raise ShapeError("an inset needs a photo to lie on, got none")
    canvas = others[0].copy()
    height, width = canvas.shape[:2]
    side = (0.6 - 0.4 * strength) * min(height, width)
    scale = side / max(rgb.shape[:2])
    small = resize(rgb, max(1, int(rgb.shape[1] * scale)), max(1, int(rgb.shape[0] * scale)))
    rim = max(0, round(rng.uniform(-0.02, 0.03) * side))  # two in five have none
    colour = (WHITE, WHITE, BLACK, tuple(rng.integers(0, 256, 3)))[rng.integers(0, 4)]
    framed = np.empty((small.shape[0] + 2 * rim, small.shape[1] + 2 * rim, 3), np.uint8)
    framed[:] = colour
    framed[rim : rim + small.shape[0], rim : rim + small.shape[1]] = small
    small = framed
    small = small[:height, :width]
    top = int(rng.integers(0, height - small.shape[0] + 1))
    left = int(rng.integers(0, width - small.shape[1] + 1))
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def screenshot(
    rgb: Bytes,
    rng: np.random.Generator,
    strength: float,
    *,
    title: str | None = None,
    text: str | None = None,
) -> Bytes:
    """Show the photo inside a phone's ad app: status bar, title, buttons, caption, tabs.

    Args:
        strength: how far the photo is letterboxed; 0: it fills the screen's width, 1: half of it.
            A photo taller than 1.3 screen widths is narrower.
        title: of the ad; drawn from the generator where None.
        text: the caption below the photo, wrapped to the screen.
    """
    width = max(360, rgb.shape[1])
    scale = min(width * (1 - 0.5 * strength) / rgb.shape[1], 1.3 * width / rgb.shape[0])
    photo = resize(rgb, max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    app = PhoneApp(
        clock=f"{rng.integers(7, 23)}:{rng.integers(0, 60):02d}",
        title=title or f"Market {rng.integers(10, 99)}",
        likes=f"{rng.integers(3, 900)} people like this",
        text=text or "Available today. More photos on request. Serious enquiries only, please.",
        dark=bool(rng.random() < 0.5),
    )
    return phone_screen(photo, app, width, margin=round(0.1 * strength * width))


def web_page(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Show the photo in an ad site's page: address bar, header, facts and buttons beside it.

    Args:
        strength: how small the photo is; 0: it takes 80 % of the page's width, 1: 40 %.
    """
    width = max(640, round(1.25 * rgb.shape[1]))
    side = width * (0.8 - 0.4 * strength)
    scale = min(side / rgb.shape[1], 0.75 * width / rgb.shape[0])
    photo = resize(rgb, max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    ad = WebAd(
        address=f"www.market{rng.integers(10, 99)}.example/ad/{rng.integers(10**5, 10**6)}",
        title=("New in town", "Sunny flat, 2 rooms", "Call me today", "Like new")[rng.integers(4)],
        facts=(
            f"Price: {rng.integers(2, 90) * 10}",
            f"Phone: +1 202 555 01{rng.integers(0, 100):02d}",
            f"Posted: {rng.integers(1, 29)} {('March', 'June', 'October')[rng.integers(3)]}",
            f"Seen: {rng.integers(20, 5000)} times",
        ),
    )
    return browser_window(photo, ad, width)


def new_background(
    rgb: Bytes, others: Sequence[Bytes], rng: np.random.Generator, strength: float
) -> Bytes:
    """Keep the middle of the photo, as apps cut a person out, and put it before the first other.

    Args:
        strength: how little is kept; 0: three fifths of the area, 1: two fifths.

    Raises:
        ShapeError: there is no other photo.
    """
    if not others:
        raise ShapeError("a new background needs a photo that it is, got none")
    height, width = rgb.shape[:2]
    ground = filling(others[0], width, height).astype(np.float32)
    mask = blob(height, width, 0.6 - 0.2 * strength, rng, soft=0.008)[:, :, None]
    return to_bytes(ground + (rgb - ground) * mask)


#: Edits that need other photos beside the one they alter.
COMPOSITES: Mapping[str, Composite] = MappingProxyType(
    {
        "collage_2": Composite(1, collage),
        "collage_4": Composite(3, collage),
        "collage_9": Composite(8, collage),
        "inset": Composite(1, inset),
    }
)

#: Those of them that leave so little of the photo that no chain contains them.
HEAVY_COMPOSITES: Mapping[str, Composite] = MappingProxyType(
    {"new_background": Composite(1, new_background)}
)
