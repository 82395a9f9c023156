"""Hard pairs of the benchmark: pictures that look alike and must not pass as copies.

Photos of any folder and a seed come in; files below a folder, and the pairs that they form, go out.
What a pair shares is what misleads copy matchers: a place, a watermark, an app's frame, a typeface.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path

import numpy as np
from PIL import Image

from benchmark.copies import edits
from benchmark.drawn import printed
from benchmark.pairs import neighbours, templates
from benchmark.pairs.lookalikes import RECIPES, Recipe
from benchmark.pairs.templates import TEMPLATES
from imagematch.errors import PhotoError, UsageError
from imagematch.kernels import decode
from imagematch.kernels.embeddings import Embedder
from imagematch.kernels.resizing import resize
from imagematch.records import Bytes, Locator
from imagematch.settings import DEFAULTS
from imagematch.sources.reading import read_bytes

#: Groups that are made, with equal shares of the pairs. The others are of real photos and there
#: only where such photos are: "same_place", "neighbouring_frames", "stereo", "real_lookalikes", and
#: "lookalike_avatars", which are the same as small avatars.
MADE_GROUPS = (*RECIPES, *printed.KINDS, *TEMPLATES)

_DRAWN: Mapping[str, Sequence[Recipe]] = {**RECIPES, **TEMPLATES}

#: By default so many pairs are made and judged: about 120 of each group that is made.
PAIRS = 4500

#: Longer side of what is written, px, as sites store photos.
_LONGEST = 1280

#: Photos with a shorter side have no parts to speak of, px.
_SHORTEST = 24

#: Pictures of one printed look; "ten photos of one text" is what an agency posts.
_PRINTED = 10


@dataclass(frozen=True, slots=True)
class HardPair:
    """Two pictures that must not pass as copies.

    Attributes:
        group: why it is hard, "same_watermark"; one line of the table.
        may_be_scene: they show one place, so `scene` is the right answer as well as nothing.
    """

    group: str
    left: Path
    right: Path
    may_be_scene: bool = False


def make(
    photos: Sequence[Path],
    out: Path,
    seed: int,
    *,
    labelled: Path | None = None,
    twins: Iterable[tuple[Path, Path]] = (),
    embedder: Embedder | None = None,
    pairs: int = PAIRS,
    groups: Sequence[str] = MADE_GROUPS,
) -> Iterator[HardPair]:
    """Write the pictures of hard pairs, and yield each pair as soon as it is there.

    The same photos and seed give the same files. Photos that can't be decoded, or are mere strips,
    are passed over; a kind of pair that needs more photos than there are is left out.

    Args:
        photos: files to make pairs from, in any order.
        out: folder that the pictures go to, one folder a group.
        labelled: a folder with pairs.csv, whose columns photo_a and photo_b name files beside it
            that show one place in different photos.
        twins: pairs of `photos` that are copies of each other; no pair has one on each side.
        embedder: finds real photos that look alike; without one there are none of these.
        pairs: to make in all, labelled ones included; there are fewer if photos are too few.
        groups: of `MADE_GROUPS`, to share what the real pairs leave.

    Raises:
        UsageError: the labelled pairs can't be read.
    """
    shelf = _Shelf(photos, twins)
    made = 0
    for pair in islice(_real(shelf, out, seed, labelled, embedder, pairs), pairs):
        yield pair
        made += 1
    for group, share in _shares(pairs - made, groups).items():
        if group in _DRAWN:
            yield from _drawn(group, _DRAWN[group], share, shelf, out / group, seed)
        else:
            yield from _printed(group, share, out / group, seed)


def _shares(pairs: int, groups: Sequence[str]) -> Mapping[str, int]:
    """How many pairs each group gets; the first groups get one more where it must be."""
    each, over = divmod(pairs, len(groups))
    return {group: each + (number < over) for number, group in enumerate(groups)}


# --- real photos -------------------------------------------------------------------------------


def _real(
    shelf: "_Shelf",
    out: Path,
    seed: int,
    labelled: Path | None,
    embedder: Embedder | None,
    pairs: int,
) -> Iterator[HardPair]:
    if labelled is not None:
        yield from labelled_pairs(labelled)
    frames = islice(neighbours.find(shelf.paths), pairs // 10)
    alike = [] if embedder is None else neighbours.look_alikes(shelf.paths, embedder)
    alike = [pair for pair in alike if shelf.apart(*pair)]
    for group, found, draw in (
        ("neighbouring_frames", frames, None),
        ("stereo", neighbours.stereo_pairs(), None),
        ("real_lookalikes", alike[: pairs // 15], None),
        ("lookalike_avatars", alike[: pairs // 40], templates.avatars),
    ):
        for number, (left, right) in enumerate(found):
            sides = shelf.read(left), shelf.read(right)
            if sides[0] is not None and sides[1] is not None and shelf.apart(left, right):
                rng, shown = _rng(seed, group, number), (sides[0], sides[1])
                shown = draw(shown, rng) if draw else shown
                yield _written(group, number, shown, out / group, rng, may_be_scene=True)


def labelled_pairs(folder: Path) -> Iterator[HardPair]:
    """The pairs of a folder with pairs.csv.

    Raises:
        UsageError: the file or a photo is missing, or a column.
    """
    path = folder / "pairs.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(row.get("photo_a"), row.get("photo_b")) for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} can't be read as labelled pairs: {error}") from error
    for line, (left, right) in enumerate(rows, start=2):
        if not left or not right:
            raise UsageError(f"{path}, line {line}: columns photo_a and photo_b must name photos")
        for name in (left, right):
            if not (folder / name).is_file():
                raise UsageError(f"{path}, line {line}: there is no photo {folder / name}")
        yield HardPair("same_place", folder / left, folder / right, may_be_scene=True)


# --- made pairs --------------------------------------------------------------------------------


def _drawn(
    group: str, recipes: Sequence[Recipe], share: int, shelf: "_Shelf", out: Path, seed: int
) -> Iterator[HardPair]:
    for number in range(share):
        rng = _rng(seed, group, number)
        recipe = recipes[number % len(recipes)]
        photos = shelf.draw(recipe.photos, rng)
        if photos is not None:
            sides = recipe.draw(photos, rng)
            yield _written(group, number, sides, out, rng, may_be_scene=recipe.may_be_scene)


def _printed(group: str, share: int, out: Path, seed: int) -> Iterator[HardPair]:
    """All pairs among ten pictures of one look, then of the next, until there are enough."""
    possible = list(combinations(range(_PRINTED), 2))
    for look, first in enumerate(range(0, share, len(possible))):
        print_one = printed.KINDS[group](_rng(seed, group, look))
        order = _rng(seed, f"{group} order", look).permutation(len(possible))[: share - first]
        chosen = [possible[place] for place in order]
        pictures = {}
        for number in sorted({number for pair in chosen for number in pair}):
            rng = _rng(seed, f"{group} {look}", number)
            pictures[number] = _saved(print_one(rng), out / f"{look:02d}_{number}.jpg", rng)
        for left, right in chosen:
            yield HardPair(group, pictures[left], pictures[right])


def _written(
    group: str,
    number: int,
    sides: tuple[Bytes, Bytes],
    out: Path,
    rng: np.random.Generator,
    *,
    may_be_scene: bool,
) -> HardPair:
    left, right = (
        _saved(side, out / f"{number:04d}_{name}.jpg", rng)
        for side, name in zip(sides, ("left", "right"), strict=True)
    )
    return HardPair(group, left, right, may_be_scene)


def _saved(rgb: Bytes, path: Path, rng: np.random.Generator) -> Path:
    """Write as sites do: smaller and recompressed half of the time, at some JPEG quality."""
    scale = min(1.0, _LONGEST / max(rgb.shape[:2]))
    if scale < 1:
        rgb = resize(rgb, round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    if rng.random() < 0.5:
        edit = (edits.recompress, edits.downscale)[rng.integers(2)]
        rgb = edit(rgb, rng, float(rng.uniform(0.1, 0.4)))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path, "JPEG", quality=int(rng.integers(70, 93)))
    return path


def _rng(seed: int, group: str, number: int) -> np.random.Generator:
    """A generator for one pair alone: it does not depend on how many others there are."""
    digest = hashlib.sha256(f"{seed} {group} {number}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8]))


class _Shelf:
    """The photos that pairs are made from."""

    def __init__(self, photos: Sequence[Path], twins: Iterable[tuple[Path, Path]]) -> None:
        self.paths = sorted(set(photos))
        self._twins = {frozenset(pair) for pair in twins}
        self._unusable: set[Path] = set()

    def apart(self, left: Path, right: Path) -> bool:
        """Whether two files are not known as copies of each other."""
        return frozenset((left, right)) not in self._twins

    def draw(self, count: int, rng: np.random.Generator) -> list[Bytes] | None:
        """Decode `count` random photos, none a copy of another; None where there are too few."""
        drawn: dict[Path, Bytes] = {}
        for number in rng.permutation(len(self.paths)):
            if len(drawn) == count:
                break
            path = self.paths[number]
            if all(self.apart(path, other) for other in drawn):
                rgb = self.read(path)
                if rgb is not None and not _is_among(rgb, drawn.values()):
                    drawn[path] = rgb
        return list(drawn.values()) if len(drawn) == count else None

    def read(self, path: Path) -> Bytes | None:
        """The pixels of a photo, or None where it can't be decoded or is a mere strip."""
        if path in self._unusable:
            return None
        try:
            data = read_bytes(Locator.outside(path), DEFAULTS.decode.max_bytes)
            rgb = decode.decode(data, DEFAULTS.decode).rgb
        except PhotoError:
            rgb = None
        if rgb is None or min(rgb.shape[:2]) < _SHORTEST:
            self._unusable.add(path)
            return None
        return rgb


def _is_among(rgb: Bytes, others: Iterable[Bytes]) -> bool:
    return any(np.array_equal(rgb, other) for other in others)
