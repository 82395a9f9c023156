"""Photos in, measured pairs and the truth about them out: what scripts/calibrate.py works on.

Queries are edited copies made in memory. They are looked up and verified with the kernels and the
default settings that the product uses, against an exact index that is held in memory as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from imagematch.kernels import decode, edits, embeddings, hashes, keypoints, panels
from imagematch.kernels.keypoints import Features
from imagematch.records import Bytes, Fingerprint, Floats, Geometry
from imagematch.settings import DEFAULTS

TUNING, REPORTING = "tuning", "reporting"

#: One in so many photos is held back: its queries have no original in the index.
_HELD_BACK = 3

#: Recipes of a query and how often each is drawn.
_RECIPES = {"single": 0.45, "composite": 0.25, "chain": 0.3}

#: Edits in a chain are milder than alone, or little would be left of the photo.
_CHAIN_STRENGTH = 0.6

#: Two untouched photos that geometry accepts and whose embeddings agree at least this well are
#: taken for one photograph saved twice.
_TWIN_COSINE = 0.7

_JPEG_QUALITY = 90  # of a query


@dataclass(frozen=True, slots=True)
class Photo:
    """An indexed photo, or one side of a pair that is compared on its own.

    Attributes:
        key: SHA-256 of the file, hex; a label for a picture that is no file.
        path: of the file; "" for a picture in memory.
        pixels: identity of the pixels, hex.
        pdq: shape (32,), uint8.
        hashed: the PDQ hash is good enough to be searched.
        views: shape (V, D), float32: the whole picture, then panels.
    """

    key: str
    path: str
    pixels: str
    pdq: Bytes
    hashed: bool
    views: Floats

    @classmethod
    def of(cls, path: str, known: Fingerprint) -> "Photo":
        hashed = not known.gate and known.pdq_quality >= DEFAULTS.search.min_pdq_quality
        pdq = hashes.pack_hex([known.pdq])[0]
        return cls(known.sha256, path, known.pixel_sha256, pdq, hashed, known.embeddings)


@dataclass(frozen=True, slots=True)
class Query:
    """An edited photo, described so that a worker can make it.

    Attributes:
        half: whose index is searched.
        recipe: "single", "composite" or "chain".
        photo: path of the photo that is edited.
        others: paths of the photos that a composite may show beside it.
        seed: of everything that is drawn.
    """

    half: str
    recipe: str
    photo: str
    others: tuple[str, ...]
    seed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A candidate pair: what was measured, and what it is.

    Attributes:
        door: "index" or "query"; candidates of a query include weaker ones and use more views.
        edit: what was done to the query, "crop+blur".
        true: both derive from one photo.
    """

    half: str
    door: str
    edit: str
    query: str
    photo: str
    true: bool
    pdq_distance: int | None
    cosine: float | None
    geometry: Geometry | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One query and its candidates at both doors.

    Attributes:
        wanted: indexed photos that the query derives from.
        same_pixels: candidates left out because their pixels are equal to the query's.
        twins: candidates left out because they show a twin of the query's photo.
    """

    half: str
    edit: str
    wanted: int
    same_pixels: int
    twins: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The exact index of one half, and what is known about its photos.

    Attributes:
        photos: indexed.
        vectors: shape (N, D), float32: all views of all photos.
        owners: shape (N,): the position in `photos` of each vector.
        pdq: shape (M, 32), uint8: hashes of the photos of which `hashed` holds.
        hashed: shape (M,): the position in `photos` of each hash.
        keys: SHA-256 of the file at each path, held-back photos included.
        twins: pairs of keys that show one photograph.
    """

    photos: tuple[Photo, ...]
    vectors: Floats
    owners: np.ndarray
    pdq: Bytes
    hashed: np.ndarray
    keys: Mapping[str, str]
    twins: frozenset[frozenset[str]]

    @classmethod
    def of(
        cls,
        photos: Sequence[Photo],
        keys: Mapping[str, str],
        twins: frozenset[frozenset[str]],
    ) -> "Shelf":
        owners = np.repeat(np.arange(len(photos)), [len(photo.views) for photo in photos])
        hashed = np.array([n for n, photo in enumerate(photos) if photo.hashed], np.int64)
        pdq = np.stack([photos[n].pdq for n in hashed])
        vectors = np.concatenate([photo.views for photo in photos])
        return cls(tuple(photos), vectors, owners, pdq, hashed, keys, twins)


# --- who is asked what ---------------------------------------------------------------------------


def half_of(sha256: str) -> str:
    """Tuning or reporting, by the bytes of the photo: the same on every run and machine."""
    return REPORTING if int(sha256[:8], 16) % 2 else TUNING


def held_back(sha256: str) -> bool:
    """Whether the photo stays out of the index, so that its copies must match nothing."""
    return int(sha256[8:16], 16) % _HELD_BACK == 0


def plan_queries(photos: Sequence[Photo], half: str, count: int, seed: int) -> list[Query]:
    """Draw the queries of a half; as large a share of them as of its photos is held back."""
    away = [photo.path for photo in photos if held_back(photo.key)]
    indexed = [photo.path for photo in photos if not held_back(photo.key)]
    rng = np.random.default_rng([seed, half == REPORTING])
    queries: list[Query] = []
    for paths, others, share in (
        (indexed, [*indexed, *away], 1 - 1 / _HELD_BACK),
        # What a held-back query shows beside its photo may not be indexed either.
        (away, away, 1 / _HELD_BACK),
    ):
        for place in rng.permutation(len(paths))[: round(count * share)]:
            path = paths[place]
            beside = rng.permutation([other for other in others if other != path])[:8]
            recipe = str(rng.choice(list(_RECIPES), p=list(_RECIPES.values())))
            number = (seed, int(half == REPORTING), len(queries))
            queries.append(Query(half, recipe, path, tuple(map(str, beside)), number))
    return queries


def make_picture(query: Query) -> tuple[Bytes, str, tuple[str, ...]]:
    """Edit the photo of a query.

    Returns:
        Shape (H, W, 3), uint8; the names of the edits; the paths of all photos in the picture.
    """
    rng = np.random.default_rng(query.seed)
    rgb = _read(query.photo).rgb
    if query.recipe == "composite":
        name = str(rng.choice(list(edits.COMPOSITES)))
        composite = edits.COMPOSITES[name]
        beside = query.others[: composite.others]
        shown = [_read(path).rgb for path in beside]
        return composite.apply(rgb, shown, rng, rng.uniform()), name, (query.photo, *beside)
    many = int(rng.integers(2, 5)) if query.recipe == "chain" else 1
    strongest = _CHAIN_STRENGTH if many > 1 else 1.0
    names = [str(name) for name in rng.choice(list(edits.EDITS), many, replace=False)]
    for name in names:
        rgb = edits.EDITS[name](rgb, rng, rng.uniform(0.05, strongest))
    return rgb, "+".join(names), (query.photo,)


# --- in the workers ------------------------------------------------------------------------------

_shelves: dict[str, Shelf] = {}


def open_shelves(shelves: Mapping[str, Shelf]) -> None:
    """Give a worker process what it looks queries up in."""
    cv2.setNumThreads(1)
    _shelves.update(shelves)


def answer(query: Query) -> Outcome:
    """Make a query, look it up at both doors and verify its candidates."""
    shelf = _shelves[query.half]
    rgb, edit, paths = make_picture(query)
    seen = _Seen.of(f"{query.half} {query.seed[-1]}", _saved(rgb))
    sources = {shelf.keys[path] for path in paths}
    pairs: list[Pair] = []
    same = twins = 0
    for door in ("index", "query"):
        for near in _candidates(seen, shelf, door):
            photo = near.photo
            if photo.pixels == seen.photo.pixels:
                same += 1
            elif photo.key not in sources and any(
                frozenset((source, photo.key)) in shelf.twins for source in sources
            ):
                twins += 1
            else:
                features = partial(_file_features, photo.path)
                true = photo.key in sources
                pairs.append(_verified(seen, near, features, query.half, door, edit, true))
    wanted = sum(photo.key in sources for photo in shelf.photos)
    return Outcome(query.half, edit, wanted, same, twins, tuple(pairs))


def hard_pair(paths: tuple[str, str]) -> Pair:
    """Measure two photos of one place, candidates or not."""
    query, photo = (_Seen.of(Path(path).name, _read(path)) for path in paths)
    near = _near(query, photo.photo, "query")
    return _verified(query, near, photo.features, "hard", "query", "none", False)


def apart_pair(place: tuple[str, str]) -> Pair:
    """Measure two parts of one photo that share no pixel: the outer 45 % on either side.

    Args:
        place: the half that the photo belongs to, and its path.
    """
    half, path = place
    rgb = _read(path).rgb
    if rgb.shape[0] > rgb.shape[1]:
        rgb = np.swapaxes(rgb, 0, 1)
        first, second = (np.swapaxes(part, 0, 1) for part in _outer(rgb))
    else:
        first, second = _outer(rgb)
    name = Path(path).name
    query = _Seen.of(f"{name} first", _saved(first))
    photo = _Seen.of(f"{name} second", _saved(second))
    near = _near(query, photo.photo, "query")
    return _verified(query, near, photo.features, half, "query", "halved", False)


def find_twins(photos: Sequence[Photo]) -> frozenset[frozenset[str]]:
    """Pairs of untouched photos that are the same photograph, by SHA-256."""
    owners = np.repeat(np.arange(len(photos)), [len(photo.views) for photo in photos])
    vectors = np.concatenate([photo.views for photo in photos])
    rows, columns = np.nonzero(np.triu(vectors @ vectors.T, 1) >= _TWIN_COSINE)
    near = {frozenset(map(int, pair)) for pair in zip(owners[rows], owners[columns], strict=True)}
    twins = set()
    for first, second in sorted(tuple(sorted(pair)) for pair in near if len(pair) == 2):
        one, other = (_file_features(photos[place].path, 0) for place in (first, second))
        if keypoints.compare(one, other, DEFAULTS.verify).reason == "accepted":
            twins.add(frozenset((photos[first].key, photos[second].key)))
    return frozenset(twins)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A picture as a query: see `stages.fingerprints`, which does this to files."""

    photo: Photo
    turned: Bytes  # shape (8, 32), uint8; hashed from the pixels
    views: Floats  # whole, panels, then crops
    features: Callable[[int], Features]

    @classmethod
    def of(cls, key: str, decoded: decode.DecodedPhoto) -> "_Seen":
        rgb, width, height = decoded.rgb, decoded.width, decoded.height
        turned, quality = hashes.pdq_dihedral(rgb)
        gate = hashes.quality_gate(rgb, width, height, DEFAULTS.describe)
        boxes = (*panels.find_panels(rgb), *panels.crops(rgb))
        embedder = embeddings.load(DEFAULTS.describe)
        if embedder is None:
            raise LookupError("the default preset has no embedder")
        views = embedder.embed([rgb, *(box.cut(rgb) for box in boxes)])
        views = views[:0] if gate else views
        hashed = not gate and quality >= DEFAULTS.search.min_pdq_quality
        pixels = hashes.pixel_sha256(rgb, width, height)
        own = views[: len(views) - len(panels.crops(rgb))]
        photo = Photo(key, "", pixels, turned[0], hashed, own)

        @cache
        def features(view: int) -> Features:
            return keypoints.extract(rgb, width, DEFAULTS.verify, panels.view_box(rgb, view))

        return cls(photo, turned, views, features)

    def at(self, door: str) -> tuple[Bytes, Floats]:
        """Hashes and views to look for; an indexed photo has its hash only, not its pixels."""
        views = self.views if door == "query" else self.photo.views
        if not self.photo.hashed:
            return np.empty((0, hashes.PDQ_BYTES), np.uint8), views
        derived = hashes.orientations(self.photo.pdq[None])[0]
        return (self.turned if door == "query" else derived), views


@dataclass(frozen=True, slots=True)
class _Near:
    """A candidate before it is verified; the views are those that look most alike."""

    photo: Photo
    pdq_distance: int | None
    cosine: float | None
    query_view: int
    photo_view: int

    @property
    def order(self) -> tuple[float, str]:
        """Sorts the nearest first, as `stages.query` does."""
        by_hash = 0.0 if self.pdq_distance is None else 1 - self.pdq_distance / 128
        return -max(self.cosine or 0.0, by_hash), self.photo.key


def _candidates(seen: _Seen, shelf: Shelf, door: str) -> list[_Near]:
    """What `stages.search` would propose, the nearest first."""
    settings = DEFAULTS.search
    least = settings.min_cosine_query if door == "query" else settings.min_cosine
    orientations, views = seen.at(door)
    found: set[int] = set()
    for row in orientations:
        distances = hashes.hamming(row, shelf.pdq)
        nearest = np.argsort(distances, kind="stable")[: settings.top]
        close = nearest[distances[nearest] <= settings.max_pdq_distance]
        found.update(map(int, shelf.hashed[close]))
    for cosines in views @ shelf.vectors.T:
        nearest = np.argsort(-cosines, kind="stable")[: settings.top]
        found.update(map(int, shelf.owners[nearest[cosines[nearest] >= least]]))
    near = [_near(seen, shelf.photos[place], door) for place in found]
    near.sort(key=lambda candidate: candidate.order)
    return near[: settings.verified] if door == "query" else near


def _near(seen: _Seen, photo: Photo, door: str) -> _Near:
    """Measure hash and embedding as `stages.search` does."""
    orientations, views = seen.at(door)
    distance = None
    if len(orientations) and photo.hashed:
        distance = int(hashes.hamming(photo.pdq, orientations).min())
    if not len(views) or not len(photo.views):
        return _Near(photo, distance, None, 0, 0)
    cosines = views @ photo.views.T
    view, photo_view = map(int, np.unravel_index(cosines.argmax(), cosines.shape))
    return _Near(photo, distance, round(float(cosines[view, photo_view]), 6), view, photo_view)


def _verified(
    seen: _Seen,
    near: _Near,
    of_photo: Callable[[int], Features],
    half: str,
    door: str,
    edit: str,
    true: bool,
) -> Pair:
    """Verify a candidate as `stages.geometry` does."""
    geometry = keypoints.compare(seen.features(0), of_photo(0), DEFAULTS.verify)
    if geometry.reason != "accepted" and (near.query_view or near.photo_view):
        closer = keypoints.compare(
            seen.features(near.query_view), of_photo(near.photo_view), DEFAULTS.verify
        )
        geometry = closer if closer.reason == "accepted" else geometry
    names = seen.photo.key, near.photo.key
    return Pair(half, door, edit, *names, true, near.pdq_distance, near.cosine, geometry)


@lru_cache(maxsize=1024)  # about 0.6 MB each
def _file_features(path: str, view: int) -> Features:
    photo = _read(path)
    box = panels.view_box(photo.rgb, view)
    return keypoints.extract(photo.rgb, photo.width, DEFAULTS.verify, box)


def _read(path: str) -> decode.DecodedPhoto:
    return decode.decode(Path(path).read_bytes(), DEFAULTS.decode)


def _saved(rgb: Bytes) -> decode.DecodedPhoto:
    """Save as JPEG and decode again, as every photo on a site has been."""
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return decode.decode(data.tobytes(), DEFAULTS.decode)


def _outer(rgb: Bytes) -> tuple[Bytes, Bytes]:
    width = rgb.shape[1]
    return rgb[:, : round(0.45 * width)], rgb[:, round(0.55 * width) :]
