"""What ad posters do to a photo before they post it again, as pure functions on arrays.

A photo, a seeded random generator and a strength come in, the altered photo goes out. The sample
world, the tests and the benchmark build their copies with these, so that all measure the same.

Every edit takes and returns RGB of shape (H, W, 3), uint8, leaves its input untouched, and draws
whatever it has to choose (position, colour, angle) from the generator. Strength runs from 0 to 1;
0 returns the photo as it is, unless an edit says otherwise. To add an edit, write the function and
name it in `EDITS`. What puts a photo into another picture is in `copies.composites`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np

from benchmark.copies.composites import screenshot, web_page
from benchmark.copies.marks import BLACK, WHITE, blend, fitted_letters, letters, place, smiley
from imagematch.kernels.resizing import Colour, resize, to_bytes
from imagematch.records import Bytes

type Edit = Callable[[Bytes, np.random.Generator, float], Bytes]
_MIN_SIDE = 16  # px; nothing is cut or scaled below it


# --- saving ------------------------------------------------------------------------------------


def recompress(rgb: Bytes, _rng: np.random.Generator, strength: float) -> Bytes:
    """Save as JPEG and read back: quality 95 at strength 0 (hardly altered), 10 at 1."""
    quality = round(95 - 85 * strength)
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return to_bytes(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB))


def downscale(rgb: Bytes, _rng: np.random.Generator, strength: float) -> Bytes:
    """Shrink both sides, to a quarter at strength 1."""
    height, width = rgb.shape[:2]
    scale = 1 - 0.75 * strength
    return resize(rgb, max(_MIN_SIDE, round(width * scale)), max(_MIN_SIDE, round(height * scale)))


# --- geometry ----------------------------------------------------------------------------------


def crop(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Cut away `strength` of the area, at most nine tenths, at a random place.

    The cut keeps the photo's aspect ratio within a fifth.
    """
    height, width = rgb.shape[:2]
    keep = 1 - min(strength, 0.9)
    stretch = 1 + 0.2 * rng.uniform(-1, 1) * min(1.0, 4 * strength)
    kept_width = min(width, max(_MIN_SIDE, round(width * np.sqrt(keep * stretch))))
    kept_height = min(height, max(_MIN_SIDE, round(height * keep * width / kept_width)))
    left = rng.integers(0, width - kept_width + 1)
    top = rng.integers(0, height - kept_height + 1)
    return rgb[top : top + kept_height, left : left + kept_width].copy()


def mirror(rgb: Bytes, _rng: np.random.Generator, strength: float) -> Bytes:
    """Flip left to right at any strength above 0: there is no half of a mirror."""
    return rgb[:, ::-1].copy() if strength > 0 else rgb.copy()


def rotate_quarter(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Turn by 90, 180 or 270 degrees at any strength above 0."""
    turns = int(rng.integers(1, 4)) if strength > 0 else 0
    return np.rot90(rgb, turns).copy()


def tilt(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Turn by up to 25 degrees to either side; the canvas grows, its corners are plain."""
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 25 * strength * _sign(rng), 1.0)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (round(width * cosine + height * sine), round(width * sine + height * cosine))
    matrix[0, 2] += (size[0] - width) / 2
    matrix[1, 2] += (size[1] - height) / 2
    fill = WHITE if rng.random() < 0.5 else BLACK
    return to_bytes(cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR, borderValue=fill))


def stretch(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Make it wider or narrower at the same height, by up to a factor of 1.6."""
    height, width = rgb.shape[:2]
    return resize(rgb, max(_MIN_SIDE, round(width * 1.6 ** (strength * _sign(rng)))), height)


def perspective(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Move each corner inwards by up to a quarter of the sides, as of a print seen aslant."""
    height, width = rgb.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * (width, height)
    moved = (corners + inwards * rng.uniform(0.05, 0.25, (4, 2)) * strength).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    fill = _colour(rng, 20, 90)
    return to_bytes(cv2.warpPerspective(rgb, matrix, (width, height), borderValue=fill))


def border(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Frame with one colour, up to a fifth of the shorter side wide."""
    margin = round(0.2 * strength * min(rgb.shape[:2]))
    fill = (WHITE, BLACK, _colour(rng, 60, 220))[rng.integers(0, 3)]
    return to_bytes(
        cv2.copyMakeBorder(rgb, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=fill)
    )


# --- colour and sharpness ----------------------------------------------------------------------


def brightness(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Make all of it lighter or darker, by up to 90 levels of 255."""
    return to_bytes(rgb + 90.0 * strength * _sign(rng))


def contrast(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Stretch or squeeze the levels around their mean, by up to a factor of 2.5."""
    factor = 2.5 ** (strength * _sign(rng))
    return to_bytes((rgb - rgb.mean()) * factor + rgb.mean())


def colour_filter(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Tint as the filters of photo apps do: a gain of up to 1.6 or down to 0.4 a channel."""
    return to_bytes(rgb * (1 + strength * rng.uniform(-0.6, 0.6, 3)))


def grayscale(rgb: Bytes, _rng: np.random.Generator, strength: float) -> Bytes:
    """Take the colour out; half of it at strength 0.5."""
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[:, :, None].astype(np.float64)
    return to_bytes(rgb + (gray - rgb) * strength)


def blur(rgb: Bytes, _rng: np.random.Generator, strength: float) -> Bytes:
    """Soften with a Gaussian whose sigma is up to 2 % of the shorter side."""
    sigma = 0.02 * strength * min(rgb.shape[:2])
    return to_bytes(cv2.GaussianBlur(rgb, (0, 0), sigma)) if sigma > 0.1 else rgb.copy()


# --- things put on top -------------------------------------------------------------------------


def watermark(
    rgb: Bytes, rng: np.random.Generator, strength: float, *, text: str | None = None
) -> Bytes:
    """Tile a slanted, see-through text over the whole photo, opaque to 0.7 at strength 1."""
    height, width = rgb.shape[:2]
    words = text or f"market-{rng.integers(10, 99)}.example"
    stamp = letters(words, 0.055 * width)
    gap = stamp.shape[0] * 3
    stamp = np.pad(stamp, ((gap // 2, gap // 2), (gap // 4, gap // 4)))
    diagonal = int(np.hypot(height, width))
    repeats = (diagonal // stamp.shape[0] + 2, diagonal // stamp.shape[1] + 2)
    tiled = np.tile(stamp, repeats)
    middle = (tiled.shape[1] / 2, tiled.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(middle, float(rng.uniform(20, 35)), 1.0)
    slanted = cv2.warpAffine(tiled, matrix, (tiled.shape[1], tiled.shape[0]))
    top, left = (slanted.shape[0] - height) // 2, (slanted.shape[1] - width) // 2
    mask = to_bytes(slanted[top : top + height, left : left + width])
    return blend(rgb, mask, WHITE, 0.7 * strength)


def phone_number(
    rgb: Bytes, rng: np.random.Generator, strength: float, *, number: str | None = None
) -> Bytes:
    """Write a phone number across the photo, up to nine tenths of its width.

    The default number is from the range that is kept free for fiction (555-0100 to 555-0199).
    """
    height, width = rgb.shape[:2]
    digits = number or f"+1 202 555 01{rng.integers(0, 100):02d}"
    mask = fitted_letters(digits, round(0.9 * strength * width), round(0.3 * height))
    if mask.size == 0:
        return rgb.copy()
    thick = 1 + mask.shape[0] // 30
    mask = np.pad(mask, thick)[:height, :width]
    outline = to_bytes(cv2.dilate(mask, np.ones((2 * thick + 1, 2 * thick + 1), np.uint8)))
    colour = ((255, 235, 0), (255, 40, 120), WHITE)[rng.integers(0, 3)]
    left = int(rng.integers(0, width - mask.shape[1] + 1))
    top = int(rng.integers(0, height - mask.shape[0] + 1))
    outlined = blend(rgb, place(outline, rgb.shape, left, top), BLACK, 1.0)
    return blend(outlined, place(mask, rgb.shape, left, top), colour, 1.0)


def caption(
    rgb: Bytes, rng: np.random.Generator, strength: float, *, text: str | None = None
) -> Bytes:
    """Put a meme caption on a white bar above the photo, up to 35 % of its height."""
    words = text or ("when it is finally friday", "new in town", "last chance!!")[rng.integers(3)]
    height, width = rgb.shape[:2]
    bar = np.full((round(0.35 * strength * height), width, 3), 255, dtype=np.uint8)
    mask = fitted_letters(words, round(0.92 * width), round(0.7 * bar.shape[0]))
    left, top = (width - mask.shape[1]) // 2, (bar.shape[0] - mask.shape[0]) // 2
    return np.vstack([blend(bar, place(mask, bar.shape, left, top), BLACK, 1.0), rgb])


def emoji(
    rgb: Bytes,
    rng: np.random.Generator,
    strength: float,
    *,
    centre: tuple[float, float] | None = None,
) -> Bytes:
    """Hide a region under a disc with a smile, up to half the shorter side across.

    Args:
        centre: of the disc, as shares (0-1) of width and height; random where None.
    """
    height, width = rgb.shape[:2]
    share = rng.uniform(0.2, 0.8, 2) if centre is None else np.array(centre)
    radius = round(0.25 * strength * min(height, width))
    x, y = round(share[0] * width), round(share[1] * height)
    return smiley(rgb, x, y, radius) if radius > 0 else rgb.copy()


def hidden_face(
    rgb: Bytes,
    rng: np.random.Generator,
    strength: float,
    *,
    centre: tuple[float, float] | None = None,
) -> Bytes:
    """Make a face unknown: coarse pixels, a blur or a black bar, up to 45 % of the shorter side.

    Args:
        centre: of the face, as shares (0-1) of width and height; where faces mostly are if None.
    """
    height, width = rgb.shape[:2]
    share = rng.uniform((0.3, 0.15), (0.7, 0.5)) if centre is None else np.array(centre)
    side = round(0.45 * strength * min(height, width))
    if side < 4:
        return rgb.copy()
    top = min(max(0, round(share[1] * height) - side // 2), height - side)
    left = min(max(0, round(share[0] * width) - side // 2), width - side)
    hidden = rgb.copy()
    face = hidden[top : top + side, left : left + side]
    way = rng.integers(0, 3)
    if way == 0:
        face[:] = cv2.resize(resize(face, 6, 6), (side, side), interpolation=cv2.INTER_NEAREST)
    elif way == 1:
        face[:] = cv2.GaussianBlur(face, (0, 0), side / 8)
    else:
        face[side // 4 : -(side // 4)] = BLACK
    return hidden


def screen_photo(rgb: Bytes, rng: np.random.Generator, strength: float) -> Bytes:
    """Photograph it from a screen: a slight slant, moiré stripes and a falling-off light."""
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(5, 9)
    along = rows * np.sin(angle) + columns * np.cos(angle)
    bend = 6 * np.sin(rows / (0.3 * height)) + 6 * np.cos(columns / (0.4 * width))
    stripes = np.stack([np.sin(2 * np.pi * (along + bend) / period + k) for k in range(3)], axis=2)
    distance = np.hypot(rows / height - rng.uniform(0.3, 0.7), columns / width - 0.5)
    light = 1 - 0.5 * strength * distance[:, :, None]
    return perspective(to_bytes(rgb * light + 22 * strength * stripes), rng, 0.4 * strength)


#: Edits of one photo, by the name that the benchmark and the sample world use.
EDITS: Mapping[str, Edit] = MappingProxyType(
    {
        "recompress": recompress,
        "downscale": downscale,
        "crop": crop,
        "mirror": mirror,
        "rotate_quarter": rotate_quarter,
        "tilt": tilt,
        "stretch": stretch,
        "perspective": perspective,
        "border": border,
        "brightness": brightness,
        "contrast": contrast,
        "colour_filter": colour_filter,
        "grayscale": grayscale,
        "blur": blur,
        "watermark": watermark,
        "phone_number": phone_number,
        "caption": caption,
        "emoji": emoji,
        "hidden_face": hidden_face,
        "screenshot": screenshot,
        "web_page": web_page,
        "screen_photo": screen_photo,
    }
)


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _colour(rng: np.random.Generator, low: int, high: int) -> Colour:
    red, green, blue = (int(level) for level in rng.integers(low, high, 3))
    return red, green, blue
