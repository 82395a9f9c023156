"""A photo as somebody's avatar: cut to a circle, alone or on the profile page of a chat app.

The rules are those of `copies.edits`: RGB of shape (H, W, 3), uint8, in and out, and a strength
from 0 to 1. An avatar is never the photo as it is, not even at strength 0.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmark.copies.marks import BLACK, WHITE, cover
from imagematch.kernels.resizing import Colour, to_bytes
from imagematch.records import Bytes

_LARGEST, _SMALLEST = 320, 100  # px, across the circle


def in_circle(rgb: Bytes, side: int, ground: Colour) -> Bytes:
    """The middle of a photo in a circle that fills a square of `side` px on a plain ground."""
    return _round(cover(rgb, side), np.full((side, side, 3), ground, np.uint8))


def circle(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Cut the photo to a circle, 320 px across at strength 0 and 100 px at 1, on a plain ground."""
    side = round(_LARGEST - (_LARGEST - _SMALLEST) * strength)
    return in_circle(rgb, side, _ground(rng))


def turned_circle(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Turn the photo by up to 45 degrees before it is cut to a circle of 150 to 320 px."""
    side = int(rng.integers(150, _LARGEST + 1))
    angle = 45 * strength * (1 if rng.random() < 0.5 else -1)
    middle = ((side - 1) / 2, (side - 1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, angle, 1.0)
    turned = cv2.warpAffine(cover(rgb, side), matrix, (side, side), borderMode=cv2.BORDER_REFLECT)
    return in_circle(to_bytes(turned), side, _ground(rng))


def chat_profile(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Show the photo as the avatar of a profile page in a chat app.

    Args:
        strength: how small the circle is; 0: half the page's width, 1: a fifth of it.
    """
    profile = Profile(
        name=("Anna", "Mila", "Nina K", "Lena", "Sofia M", "Tom")[rng.integers(6)],
        seen=("online", "last seen recently", f"last seen at {rng.integers(1, 24)}:30")[
            rng.integers(3)
        ],
        facts=(
            ("Mobile", f"+1 202 555 01{rng.integers(0, 100):02d}"),
            ("Username", f"@user{rng.integers(100, 10**5)}"),
            ("Bio", ("New in town", "Write me first", "24 hours", "Only chat")[rng.integers(4)]),
        ),
        dark=bool(rng.random() < 0.5),
    )
    width = int(rng.integers(360, 721))
    return profile_page(rgb, profile, width, round((0.5 - 0.3 * strength) * width))


@dataclass(frozen=True, slots=True)
class Profile:
    """What a chat app's profile page says beside the avatar.

    Attributes:
        facts: (name, value) of each line.
        dark: light letters on a dark ground.
    """

    name: str
    seen: str
    facts: tuple[tuple[str, str], ...]
    dark: bool = False


def profile_page(rgb: Bytes, profile: Profile, width: int, side: int) -> Bytes:
    """A chat app's profile page of `width` px, with the photo in a circle of `side` px."""
    unit = width / 360
    paper, ink, faint = (
        ((23, 30, 38), WHITE, (125, 135, 145)) if profile.dark else (WHITE, BLACK, (130, 135, 140))
    )
    accent = (80, 160, 235)
    height = round(side + (250 + 62 * len(profile.facts)) * unit)
    image = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(image)

    def write(x: float, y: float, text: str, size: float, colour: Colour, anchor: str) -> None:
        font = ImageFont.load_default(size * unit)
        draw.text((x * unit, y * unit), text, colour, font, anchor=anchor)

    write(16, 16, "12:41", 13, ink, "lm")
    write(344, 16, "4G  87 %", 12, ink, "rm")
    draw.line([(26 * unit, 42 * unit), (16 * unit, 52 * unit), (26 * unit, 62 * unit)], ink, 3)
    write(344, 52, "Edit", 16, accent, "rm")
    top = round(76 * unit)
    left = (width - side) // 2
    page = np.array(image)
    page[top : top + side, left : left + side] = in_circle(rgb, side, paper)
    image = Image.fromarray(page)
    draw = ImageDraw.Draw(image)
    y = (top + side) / unit
    write(180, y + 24, profile.name, 22, ink, "mm")
    write(180, y + 48, profile.seen, 14, faint, "mm")
    for number, label in enumerate(("Message", "Call", "Video", "Mute")):
        x = 16 + 84 * number
        box = [x * unit, (y + 66) * unit, (x + 76) * unit, (y + 116) * unit]
        draw.rounded_rectangle(
            box, 8 * unit, fill=tuple((9 * p + a) // 10 for p, a in zip(paper, accent, strict=True))
        )
        draw.ellipse([(x + 31) * unit, (y + 72) * unit, (x + 45) * unit, (y + 86) * unit], accent)
        write(x + 38, y + 102, label, 12, accent, "mm")
    for number, (name, value) in enumerate(profile.facts):
        line = y + 144 + 62 * number
        write(18, line, name, 13, faint, "lm")
        write(18, line + 22, value, 17, accent if number < 2 else ink, "lm")
        draw.line([(18 * unit, (line + 40) * unit), (width, (line + 40) * unit)], faint, 1)
    return np.array(image)


def _round(rgb: Bytes, ground: Bytes) -> Bytes:
    """The circle that fits into a square photo, with a soft edge, on a ground of its size."""
    side = rgb.shape[0]
    rows, columns = np.mgrid[0:side, 0:side] - (side - 1) / 2
    share = np.clip(side / 2 - np.hypot(rows, columns), 0, 1)[:, :, None]
    return to_bytes(ground + (rgb - ground.astype(float)) * share)


def _ground(rng: np.random.Generator) -> Colour:
    # What was transparent becomes white in most programs, black in some.
    return (WHITE, BLACK)[int(rng.random() < 0.4)]
