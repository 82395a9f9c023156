"""Edits that leave little of a photo: big stickers, coarse pixels, blinds, files that broke off.

The rules are those of `copies.edits`, RGB of shape (H, W, 3), uint8, and a strength from 0, which
returns the photo as it is, to 1. They are kept apart because no chain contains them: two of them
together leave nothing that could be found.
"""

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image

from benchmark.copies.avatars import chat_profile, circle, turned_circle
from benchmark.copies.marks import BLACK, WHITE, blend, fitted_letters, place, smiley
from imagematch.errors import PhotoError
from imagematch.kernels import decode
from imagematch.kernels.resizing import Colour, resize, to_bytes
from imagematch.records import Bytes, Floats
from imagematch.settings import DEFAULTS

#: Sizes in px are those on a photo whose longer side is this long, and grow with it.
_LONGER_SIDE = 600


def strong_blur(rgb: Bytes, _rng: np.random.Generator, strength: float) -> Bytes:
    """Soften with a Gaussian whose sigma is up to 14 px of a photo of 600 px."""
    sigma = 14 * strength * _scale(rgb)
    return to_bytes(cv2.GaussianBlur(rgb, (0, 0), sigma)) if sigma > 0.1 else rgb.copy()


def pixelate(rgb: Bytes, _rng: np.random.Generator, strength: float) -> Bytes:
    """Show the whole photo in coarse squares of up to 20 px of a photo of 600 px."""
    height, width = rgb.shape[:2]
    block = 20 * strength * _scale(rgb)
    if block < 2:
        return rgb.copy()
    small = resize(rgb, max(2, round(width / block)), max(2, round(height / block)))
    return to_bytes(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST))


def blinds(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Lay black or white stripes over the photo, over up to half of its area."""
    height, width = rgb.shape[:2]
    covered = rgb.copy()
    lying = rng.random() < 0.6
    side = height if lying else width
    period = max(4, round(side / rng.integers(6, 22)))
    first, colour = int(rng.integers(period)), (BLACK, WHITE)[rng.integers(2)]
    hidden = (np.arange(side) + first) % period < round(0.5 * strength * period)
    covered[hidden if lying else (slice(None), hidden)] = colour
    return covered


def big_sticker(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Hide up to two fifths of the photo under one opaque sticker: a smile, a heart, a star."""
    height, width = rgb.shape[:2]
    area = 0.4 * strength * height * width
    radius = round(np.sqrt(area / np.pi))
    # A disc that is wider than the photo would be cut off and hide less than was asked for.
    radius = min(radius, round(0.56 * min(height, width)))
    if radius < 2:
        return rgb.copy()
    x, y = (
        round(side * rng.uniform(0.35, 0.65))
        if 2 * radius > 0.7 * side
        else int(rng.integers(radius, side - radius + 1))
        for side in (width, height)
    )
    way = rng.integers(4)
    if way == 0:
        return smiley(rgb, x, y, radius)
    outline = (_heart, _star, _badge)[way - 1](area)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline + np.array([x, y])).astype(np.int32)], 255, cv2.LINE_AA)
    colour = _bright(rng)
    marked = blend(rgb, mask, colour, 1.0)
    words = fitted_letters(_CALLS[rng.integers(len(_CALLS))], round(1.1 * radius), radius)
    top, left = y - words.shape[0] // 2, x - words.shape[1] // 2
    inside = top >= 0 and left >= 0 and top + words.shape[0] <= height
    if not inside or left + words.shape[1] > width or words.size == 0:
        return marked
    return blend(marked, place(words, rgb.shape, left, top), _readable(colour), 1.0)


def banner(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Lay an opaque bar with words across the photo, up to 35 % of its height."""
    height, width = rgb.shape[:2]
    tall = round(0.35 * strength * height)
    if tall < 2:
        return rgb.copy()
    top = (0, height - tall, int(rng.integers(0, height - tall + 1)))[rng.integers(3)]
    colour = (_bright(rng), WHITE, BLACK)[rng.integers(3)]
    marked = rgb.copy()
    marked[top : top + tall] = colour
    words = _CALLS[rng.integers(len(_CALLS))]
    lines = (words, f"+1 202 555 01{rng.integers(0, 100):02d}")
    for number, line in enumerate(lines):
        mask = fitted_letters(line, round(0.86 * width), round(0.32 * tall))
        middle = top + tall * (0.3 + 0.42 * number)
        at = (width - mask.shape[1]) // 2, max(top, round(middle - mask.shape[0] / 2))
        if mask.size:
            marked = blend(marked, place(mask, rgb.shape, *at), _readable(colour), 1.0)
    return marked


def cut_off(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Show a JPEG or WebP of which up to 60 % never arrived; it is grey from there on."""
    if strength == 0:
        return rgb.copy()
    data = _jpeg(rgb) if rng.random() < 0.5 else _webp(rgb)
    start = _scan_start(data) if data.startswith(b"\xff") else 0
    kept = start + round((len(data) - start) * (1 - 0.6 * strength))
    return _decoded(data[:kept], rgb)


def damaged(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Show a JPEG with up to 3,000 bytes of zeros in the middle of its data.

    What follows the gap is shifted and has other colours, as decoders show it.
    """
    if strength == 0:
        return rgb.copy()
    data = bytearray(_jpeg(rgb))
    start = _scan_start(data)
    length = len(data) - start
    first = start + round(length * rng.uniform(0.3, 0.6))
    gap = min(round(3000 * strength), length // 4)
    data[first : first + gap] = bytes(gap)
    return _decoded(bytes(data), rgb)


def steep_tilt(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Turn by up to 45 degrees to either side; the canvas grows, its corners are plain."""
    height, width = rgb.shape[:2]
    angle = 45 * strength * (1 if rng.random() < 0.5 else -1)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (round(width * cosine + height * sine), round(width * sine + height * cosine))
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    fill = (WHITE, BLACK)[rng.integers(2)]
    return to_bytes(cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR, borderValue=fill))


#: The edits of one photo that are heavy, by the name that the benchmark uses.
HEAVY_EDITS: Mapping[str, Callable[[Bytes, np.random.Generator, float], Bytes]] = MappingProxyType(
    {
        "strong_blur": strong_blur,
        "pixelate": pixelate,
        "blinds": blinds,
        "big_sticker": big_sticker,
        "banner": banner,
        "cut_off": cut_off,
        "damaged": damaged,
        "steep_tilt": steep_tilt,
        "circle": circle,
        "turned_circle": turned_circle,
        "chat_profile": chat_profile,
    }
)

_CALLS = ("CALL ME", "NEW", "SOLD OUT", "24/7", "TODAY ONLY", "VIP", "FOLLOW US")


def _scale(rgb: Bytes) -> float:
    return float(max(rgb.shape[:2])) / _LONGER_SIDE


def _bright(rng: np.random.Generator) -> Colour:
    return ((230, 30, 80), (255, 200, 0), (20, 120, 240), (30, 170, 90), (250, 110, 20))[
        rng.integers(5)
    ]


def _readable(colour: Colour) -> Colour:
    return BLACK if sum(colour) > 380 else WHITE


def _heart(area: float) -> Floats:
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    x = 16 * np.sin(turn) ** 3
    y = -13 * np.cos(turn) + 5 * np.cos(2 * turn) + 2 * np.cos(3 * turn) + np.cos(4 * turn)
    return _of_area(np.stack([x, y], axis=1), area)


def _star(area: float) -> Floats:
    turn = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2, 0.55, 1.0)
    return _of_area(np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1), area)


def _badge(area: float) -> Floats:
    """A rounded seal with a wavy edge."""
    turn = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    reach = 1 + 0.06 * np.cos(18 * turn)
    return _of_area(np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=1), area)


def _of_area(outline: Floats, area: float) -> Floats:
    """Scale a closed line of shape (N, 2) around 0 so that it encloses `area`, px."""
    x, y = outline.T
    enclosed = abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
    return np.asarray(outline * np.sqrt(area / enclosed))


def _jpeg(rgb: Bytes) -> bytes:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return data.tobytes()


def _webp(rgb: Bytes) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "WEBP", quality=85)
    return file.getvalue()


def _scan_start(data: bytes | bytearray) -> int:
    """Where the compressed pixels begin: behind the start-of-scan segment."""
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4])


def _decoded(data: bytes, rgb: Bytes) -> Bytes:
    """What can be decoded; the photo as grey where nothing can."""
    try:
        return decode.decode(data, DEFAULTS.decode).rgb
    except PhotoError:
        return np.full_like(rgb, 128)
