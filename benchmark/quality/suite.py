"""The queries of the benchmark: photos in, edited copies with the truth about them out.

Photos are split in two by the SHA-256 of their bytes: what is fitted or chosen looks at the tuning
half, what is reported comes from the other. A third of each half is held back from the index: its
copies must match nothing, and what composites show beside a photo is taken from it, so that each
query has one original or none.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

from benchmark.copies.composites import COMPOSITES, HEAVY_COMPOSITES, Composite
from benchmark.copies.edits import EDITS, Edit
from benchmark.copies.heavy_edits import HEAVY_EDITS
from benchmark.quality.cases import Case
from imagematch.errors import PhotoError
from imagematch.kernels import decode
from imagematch.records import Bytes, FoundFile, Locator
from imagematch.settings import DecodeSettings
from imagematch.sources.folder import walk
from imagematch.sources.reading import kind_of_skipped, read_bytes

TUNING, REPORTING = "tuning", "reporting"
CHAIN = "chain"

#: One in so many photos is held back.
_HELD_BACK = 3

#: Queries without an original, for each with one; as 800 for 1,000 in the reference figures.
_NEGATIVES = 0.8

#: Queries of one photo, at most, so that no few photos make the figures of a small folder.
MOST_QUERIES = 5

#: The same for queries with heavy edits, which come on top.
MOST_HEAVY = 2

#: How strong an edit of a chain is, at most: stronger ones together leave nothing to be found.
_CHAIN_STRENGTH = 0.6

#: Pictures are saved with a JPEG quality from this range, as sites do.
_QUALITY = (75, 92)

#: Longer side of a saved picture, px, at most; sites scale down what is larger.
_SIDE = 1280


@dataclass(frozen=True, slots=True)
class Range:
    """An edit and the strengths that are drawn from, evenly."""

    edit: str
    low: float
    high: float


#: The edits of the table by the name of their line. Fixed shares of a crop are strengths.
CLASSES: Mapping[str, Range] = MappingProxyType(
    {
        "recompress": Range("recompress", 0.5, 1.0),
        "downscale": Range("downscale", 0.4, 1.0),
        "crop_70": Range("crop", 0.3, 0.3),
        "crop_40": Range("crop", 0.6, 0.6),
        "crop_20": Range("crop", 0.8, 0.8),
        "mirror": Range("mirror", 1.0, 1.0),
        "rotate_quarter": Range("rotate_quarter", 1.0, 1.0),
        "tilt": Range("tilt", 0.32, 1.0),  # 8 to 25 degrees
        "stretch": Range("stretch", 0.4, 1.0),
        "perspective": Range("perspective", 0.4, 1.0),
        "brightness": Range("brightness", 0.4, 1.0),
        "contrast": Range("contrast", 0.4, 1.0),
        "colour_filter": Range("colour_filter", 0.4, 1.0),
        "grayscale": Range("grayscale", 1.0, 1.0),
        "blur": Range("blur", 0.3, 1.0),
        "border": Range("border", 0.4, 1.0),
        "watermark": Range("watermark", 0.4, 1.0),
        "phone_number": Range("phone_number", 0.5, 1.0),
        "emoji": Range("emoji", 0.4, 1.0),
        "hidden_face": Range("hidden_face", 0.4, 1.0),
        "caption": Range("caption", 0.4, 1.0),
        "screenshot": Range("screenshot", 0.0, 1.0),
        "web_page": Range("web_page", 0.0, 1.0),
        "screen_photo": Range("screen_photo", 0.4, 1.0),
        "inset": Range("inset", 0.2, 1.0),
        "collage_2": Range("collage_2", 0.0, 1.0),
        "collage_4": Range("collage_4", 0.0, 1.0),
        "collage_9": Range("collage_9", 0.0, 1.0),
    }
)

#: Edits that leave little of the photo. They have lines and queries of their own, and no chain
#: contains them, so that the queries of `CLASSES` stay those of earlier runs.
HEAVY_CLASSES: Mapping[str, Range] = MappingProxyType(
    {
        "strong_blur": Range("strong_blur", 0.57, 1.0),  # sigma 8 to 14 px of a photo of 600 px
        "pixelate": Range("pixelate", 0.6, 1.0),  # squares of 12 to 20 px
        "blinds": Range("blinds", 0.6, 1.0),  # over 30 to 50 %
        "big_sticker": Range("big_sticker", 0.5, 1.0),  # over 20 to 40 %
        "banner": Range("banner", 0.57, 1.0),  # over 20 to 35 %
        "cut_off": Range("cut_off", 0.5, 1.0),  # of 30 to 60 %
        "damaged": Range("damaged", 0.17, 1.0),  # 500 to 3,000 bytes
        "steep_tilt": Range("steep_tilt", 0.56, 1.0),  # 25 to 45 degrees
        "circle": Range("circle", 0.0, 1.0),  # 320 to 100 px across
        "turned_circle": Range("turned_circle", 0.56, 1.0),  # by 25 to 45 degrees
        "chat_profile": Range("chat_profile", 0.0, 1.0),
        "new_background": Range("new_background", 0.0, 1.0),  # 60 to 40 % are kept
    }
)

_RANGES: Mapping[str, Range] = {**CLASSES, **HEAVY_CLASSES}
_EDITS: Mapping[str, Edit] = {**EDITS, **HEAVY_EDITS}
_COMPOSITES: Mapping[str, Composite] = {**COMPOSITES, **HEAVY_COMPOSITES}

#: What puts the photo into another picture; a chain has one of these at most.
FRAMES = frozenset({*COMPOSITES, "screenshot", "web_page", "chat_profile"})


@dataclass(frozen=True, slots=True)
class SourcePhoto:
    """A photo of the measured folder that can be decoded; its path is relative to that."""

    path: str
    sha256: str

    @property
    def half(self) -> str:
        """Tuning or reporting, by the bytes: the same on every run and machine."""
        return REPORTING if int(self.sha256[:8], 16) % 2 else TUNING

    @property
    def held_back(self) -> bool:
        return int(self.sha256[8:16], 16) % _HELD_BACK == 0


@dataclass(frozen=True, slots=True)
class Step:
    """One edit of a query, with its strength (0-1)."""

    edit: str
    strength: float

    def __str__(self) -> str:
        return f"{self.edit} {self.strength:.2f}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A query that is to be made.

    Attributes:
        others: photos that a composite may show beside it.
        seed: of all that the edits draw.
    """

    name: str
    edit: str
    steps: tuple[Step, ...]
    source: SourcePhoto
    others: tuple[str, ...]
    seed: tuple[int, ...]

    @property
    def beside(self) -> tuple[str, ...]:
        """The other photos that the picture shows."""
        return self.others[: self._wanted]

    @property
    def can_be_made(self) -> bool:
        """There are enough other photos."""
        return len(self.others) >= self._wanted

    @property
    def _wanted(self) -> int:
        return max(_others(step.edit) for step in self.steps)


def photos_of(folder: Path, leave_out: Collection[Path] = ()) -> list[SourcePhoto]:
    """All files below a folder that may be photos, each content once, by path. Not decoded yet.

    Those that can't be opened, or are plainly no pictures, are left out.

    Args:
        leave_out: files and folders that are no part of it.

    Raises:
        SourceUnavailable, UsageError: the folder can't be read; see `sources.folder.walk`.
    """
    found: dict[str, SourcePhoto] = {}
    for entry in walk(folder, leave_out=leave_out):
        if isinstance(entry, FoundFile):
            with suppress(OSError, PhotoError), (folder / entry.path).open("rb") as file:
                if kind_of_skipped(Locator.outside(folder / entry.path)):
                    continue
                photo = SourcePhoto(entry.path, hashlib.file_digest(file, "sha256").hexdigest())
                found.setdefault(photo.sha256, photo)
    return sorted(found.values(), key=lambda photo: photo.path)


def indexed(photos: Sequence[SourcePhoto], half: str) -> list[SourcePhoto]:
    """What the index holds while a half is asked about.

    While reporting, the tuning photos are in it too, so that there is more to be mistaken for; the
    other way round, reporting photos would have a say in what is tuned.
    """
    halves = (TUNING,) if half == TUNING else (TUNING, REPORTING)
    return [photo for photo in photos if photo.half in halves and not photo.held_back]


def plan(photos: Sequence[SourcePhoto], half: str, queries: int, seed: int) -> list[Plan]:
    """Draw the queries of a half: one half of them with a single edit, the other with a chain.

    Behind them come queries with heavy edits, as many of each as of each other single edit. They
    change none of those before them.

    Args:
        queries: with an original in the index; `_NEGATIVES` times as many have none. Fewer where
            that would be more than `MOST_QUERIES` of one photo, or where a composite finds too
            few other photos. Heavy edits are not counted here.
    """
    mine = [photo for photo in photos if photo.half == half]
    heavy = round(queries * len(HEAVY_CLASSES) / (2 * len(CLASSES)))
    plans = list(_drawn(mine, _classes, queries, MOST_QUERIES, (seed, half == REPORTING)))
    more = _drawn(mine, _heavy_classes, heavy, MOST_HEAVY, (seed, half == REPORTING, 1), len(plans))
    return [*plans, *more]


def make(
    folder: Path, out: Path, decoding: DecodeSettings, plans: Sequence[Plan]
) -> list[Case | None]:
    """Write the pictures of some plans; None where a photo can't be decoded.

    Args:
        folder: that the paths of the plans are below.
        out: where the pictures go.
    """
    return [_made(folder, out, decoding, one) for one in plans]


def _drawn(
    photos: Sequence[SourcePhoto],
    classes: Callable[[np.random.Generator, int], Iterator[str]],
    queries: int,
    most: int,
    seeds: tuple[int, ...],
    number: int = 0,
) -> Iterator[Plan]:
    """Queries of some classes with an original, then those without.

    Args:
        most: queries of one photo.
        seeds: of what is drawn here; the first is that of the run.
        number: of the first query.
    """
    kept = [photo for photo in photos if not photo.held_back]
    away = [photo for photo in photos if photo.held_back]
    rng = np.random.default_rng(seeds)
    for sources, count in ((kept, queries), (away, round(_NEGATIVES * queries))):
        for place, edit in enumerate(classes(rng, min(count, most * len(sources)))):
            # Every photo once before any is edited again.
            if place % len(sources) == 0:
                order = rng.permutation(len(sources))
            source = sources[order[place % len(sources)]]
            beside = [photo.path for photo in away if photo != source]
            others = tuple(str(path) for path in rng.permutation(beside)[:8])
            steps = _chain(rng) if edit == CHAIN else (_step(rng, _RANGES[edit]),)
            name = f"{source.half[0]}{number:05d}-{edit}"
            drawn = Plan(name, edit, steps, source, others, (seeds[0], number))
            if drawn.can_be_made:
                yield drawn
                number += 1


def _classes(rng: np.random.Generator, count: int) -> Iterator[str]:
    """The edit of each query: chains and single edits in turn, all single ones equally often."""
    singles = _rounds(rng, CLASSES)
    for number in range(count):
        yield CHAIN if number % 2 else next(singles)


def _heavy_classes(rng: np.random.Generator, count: int) -> Iterator[str]:
    """The heavy edit of each query, all equally often."""
    return islice(_rounds(rng, HEAVY_CLASSES), count)


def _rounds(rng: np.random.Generator, classes: Iterable[str]) -> Iterator[str]:
    """All classes in a random order, then in another one, without an end."""
    order = list(classes)
    while True:
        rng.shuffle(order)
        yield from order


def _others(edit: str) -> int:
    """How many other photos an edit needs."""
    return _COMPOSITES[edit].others if edit in _COMPOSITES else 0


def _step(rng: np.random.Generator, wanted: Range) -> Step:
    return Step(wanted.edit, round(float(rng.uniform(wanted.low, wanted.high)), 4))


def _chain(rng: np.random.Generator) -> tuple[Step, ...]:
    """Three to five different edits in a row."""
    length = int(rng.integers(3, 6))
    names = [str(name) for name in rng.permutation([*EDITS, *COMPOSITES])]
    frames = [name for name in names if name in FRAMES]
    chosen = [name for name in names if name not in frames[1:]][:length]
    return tuple(Step(name, round(float(rng.uniform(0.1, _CHAIN_STRENGTH)), 4)) for name in chosen)


def _made(folder: Path, out: Path, decoding: DecodeSettings, plan: Plan) -> Case | None:
    rng = np.random.default_rng(plan.seed)
    try:
        rgb = _read(folder / plan.source.path, decoding)
        for step in plan.steps:
            if step.edit in _COMPOSITES:
                shown = [_read(folder / path, decoding) for path in plan.beside]
                rgb = _COMPOSITES[step.edit].apply(rgb, shown, rng, step.strength)
            else:
                rgb = _EDITS[step.edit](rgb, rng, step.strength)
    except PhotoError:
        return None
    path = out / f"{plan.name}.jpg"
    _save(path, rgb, int(rng.integers(*_QUALITY)))
    return Case(
        plan.name,
        plan.edit,
        tuple(map(str, plan.steps)),
        plan.source.path,
        path,
        not plan.source.held_back,
        plan.beside,
    )


def _read(path: Path, decoding: DecodeSettings) -> Bytes:
    return decode.decode(read_bytes(Locator.outside(path), decoding.max_bytes), decoding).rgb


def _save(path: Path, rgb: Bytes, quality: int) -> None:
    reduce = min(1.0, _SIDE / max(rgb.shape[:2]))
    if reduce < 1.0:
        size = max(1, round(rgb.shape[1] * reduce)), max(1, round(rgb.shape[0] * reduce))
        rgb = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    path.write_bytes(data.tobytes())
