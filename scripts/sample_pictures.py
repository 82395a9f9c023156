"""The pictures of the sample world, before anybody alters them.

A name comes in, an RGB array of shape (H, W, 3), uint8, goes out: a free photo that an installed
package brings along, or a picture painted from seeded noise. samples/README.md credits the photos.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

import cv2
import numpy as np
from PIL import Image

from benchmark.copies.marks import blend, fitted_letters, place
from imagematch.kernels import resizing
from imagematch.records import Bytes

#: Photos that the installed packages bring along: name -> (package, path below it).
PHOTOS: Mapping[str, tuple[str, str]] = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "brick": ("skimage", "data/brick.png"),
    "camera": ("skimage", "data/camera.png"),
    "cat": ("skimage", "data/chelsea.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "galaxies": ("skimage", "data/hubble_deep_field.jpg"),
    "grass": ("skimage", "data/grass.png"),
    "gravel": ("skimage", "data/gravel.png"),
    "hopper": ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    "motorcycle-left": ("skimage", "data/motorcycle_left.png"),
    "motorcycle-right": ("skimage", "data/motorcycle_right.png"),
    "retina": ("skimage", "data/retina.jpg"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "tissue": ("skimage", "data/ihc.png"),
}


@cache
def picture(name: str) -> Bytes:
    """Load a photo, or paint one: `valley-3` is the third painting of a valley.

    Raises:
        SystemExit: the package that brings the photo is not installed.
    """
    if name in PHOTOS:
        return _photo(*PHOTOS[name])
    kind, _, number = name.rpartition("-")
    if kind in PAINTERS:
        return PAINTERS[kind](np.random.default_rng([int(number), len(kind)]))
    return np.array(_placard() if name == "no-photo" else Image.new("RGB", (600, 450), "white"))


def _photo(package: str, path: str) -> Bytes:
    try:
        file = resources.files(package) / path
    except ModuleNotFoundError as error:
        raise SystemExit(
            f"The samples need photos from {package}, which is not installed; "
            "install what the development needs: pip install 'imagematch[dev]'"
        ) from error
    with file.open("rb") as opened:
        return np.array(Image.open(opened).convert("RGB"))


def _placard() -> Image.Image:
    plain = np.full((480, 640, 3), 226, dtype=np.uint8)
    words = fitted_letters("NO PHOTO", 360, 90)
    shown = blend(plain, place(words, plain.shape, 140, 330), (120, 120, 125), 1.0)
    frame = cv2.rectangle(shown, (200, 110), (440, 280), (150, 150, 155), 12)
    return Image.fromarray(cv2.circle(frame, (320, 195), 52, (150, 150, 155), 12))


def _noise(rng: np.random.Generator, height: int, width: int, coarse: int = 3) -> np.ndarray:
    """Fractal noise of shape (height, width), float, about -1 to 1."""
    total = np.zeros((height, width))
    for octave in range(7):
        cells = coarse * 2**octave
        grid = rng.normal(size=(cells, cells)).astype(np.float32)
        grown = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += grown.astype(np.float64) / 1.7**octave
    noise: np.ndarray = total / np.abs(total).max()
    return noise


def _muted(rng: np.random.Generator, low: float, high: float, count: int = 1) -> np.ndarray:
    """Colours of shape (count, 3), half way to gray: paint is never as loud as random numbers."""
    colours = rng.uniform(low, high, (count, 3))
    return (colours + colours.mean(axis=1, keepdims=True)) / 2


def _palette(rng: np.random.Generator, levels: np.ndarray) -> np.ndarray:
    """Colour levels of 0-1 by a random ramp of five colours."""
    stops = _muted(rng, 10, 245, count=5)
    return np.stack(
        [np.interp(levels, np.linspace(0, 1, 5), stops[:, c]) for c in range(3)], axis=-1
    )


def _valley(rng: np.random.Generator) -> Bytes:
    """Ridges in the haze, a sun above them."""
    height, width = 540, 760
    rows, columns = np.mgrid[0:height, 0:width]
    paint = _palette(rng, rows / height) + 12 * _noise(rng, height, width)[:, :, None]
    sun = np.hypot(rows - rng.uniform(60, 160), columns - rng.uniform(100, 660))
    paint[sun < rng.uniform(25, 60)] = rng.uniform(200, 255, 3)
    for ridge in range(5):
        line = _noise(rng, 1, width, coarse=2 + ridge)[0] * 90 + 170 + 80 * ridge
        ground = _muted(rng, 20, 190) * (1 - 0.12 * ridge)
        texture = 1 + 0.45 * _noise(rng, height, width, coarse=12)[:, :, None]
        paint = np.where((rows > line)[:, :, None], ground * texture, paint)
    return resizing.to_bytes(paint)


def _marble(rng: np.random.Generator) -> Bytes:
    """Ink swirls, as on the end papers of old books."""
    height, width = 600, 600
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    shift = [(rng.uniform(60, 130) * _noise(rng, height, width)).astype(np.float32) for _ in "xy"]
    base = _noise(rng, height, width, coarse=4).astype(np.float32)
    warped = cv2.remap(
        base, columns + shift[0], rows + shift[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return resizing.to_bytes(_palette(rng, np.abs(np.sin(rng.uniform(4, 9) * warped))))


def _skyline(rng: np.random.Generator) -> Bytes:
    """A town at night, with lit windows."""
    height, width = 560, 700
    sky = _palette(rng, np.linspace(0, 0.5, height))[:, None] * 0.5
    paint = sky + 15 * _noise(rng, height, width)[:, :, None]
    for _ in range(26):
        left, wide = int(rng.integers(-30, width - 20)), int(rng.integers(35, 110))
        top, wall = int(rng.integers(90, 440)), _muted(rng, 15, 80)[0].tolist()
        cv2.rectangle(paint, (left, top), (left + wide, height), wall, -1)
        step = int(rng.integers(11, 20))
        for y in range(top + 8, height - step, step):
            for x in range(left + 6, left + wide - 8, step):
                if rng.random() < 0.5:
                    lit = (rng.uniform(0.4, 1) * np.array((255, 225, 140))).tolist()
                    cv2.rectangle(paint, (x, y), (x + step // 2, y + step // 2), lit, -1)
    return resizing.to_bytes(paint)


def _mosaic(rng: np.random.Generator) -> Bytes:
    """Stained glass: cells around random points, coloured by a slow gradient."""
    height, width = 576, 720
    points = np.full((height, width), 255, dtype=np.uint8)
    cells = int(rng.integers(60, 700))
    points[rng.integers(0, height, cells), rng.integers(0, width, cells)] = 0
    distance, labels = cv2.distanceTransformWithLabels(points, cv2.DIST_L2, 5)
    cell = labels.astype(np.int64)
    slow = (_noise(rng, height, width, coarse=2) + 1) / 2
    totals = np.bincount(cell.ravel(), slow.ravel()) / np.maximum(1, np.bincount(cell.ravel()))
    colours = _palette(rng, np.clip(totals + rng.normal(0, 0.12, totals.shape), 0, 1))
    paint = colours[cell] * (1 - 0.012 * distance)[:, :, None]
    lead = cv2.morphologyEx(labels.astype(np.float32), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
    return resizing.to_bytes(np.where(lead[:, :, None], 25, paint))


PAINTERS: Mapping[str, Callable[[np.random.Generator], Bytes]] = {
    "valley": _valley,
    "marble": _marble,
    "skyline": _skyline,
    "mosaic": _mosaic,
}
