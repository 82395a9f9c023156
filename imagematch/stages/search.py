"""Search: fingerprints in, pairs that are worth a closer look out.

Candidates come from three indexes: equal pixels, PDQ in all eight orientations, and embeddings of
photos and their views. Whether a candidate is a match is decided in `stages.verify`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

import numpy as np

from imagematch.errors import IndexDamaged
from imagematch.kernels import hashes, normalisation
from imagematch.records import Bytes, Floats
from imagematch.runtime.memory import trim_memory
from imagematch.runtime.monitor import Monitor
from imagematch.settings import SearchSettings
from imagematch.stores.index import Index
from imagematch.stores.matches import Candidate
from imagematch.stores.photos import VIEWS, PhotoFacts, vector_id
from imagematch.stores.vectors import Ids

#: Photos looked for between two commits: the more at once, the less does each cost in a large
#: index. What they are compared with takes about 60 kB of memory a photo.
BATCH = 2048

#: Candidates of a photo whose copies are all to be found. Each is laid over it by a worker, so this
#: is about a minute a photo on one core.
_AROUND = 2000

#: Of photos with the same pixels, each is paired with so many while indexing, the first, and with
#: references: a placeholder in a million files with different bytes is one group all the same.
_SAME_PIXELS = 64

#: Vectors of photos that queries are measured with, which are in memory at once: 64 MiB of 512
#: floats. A screenshot has sixteen, an ordinary photo one or two.
_MEASURED = 2**15

#: Vectors that are looked up for each photo that is wanted: of composites, several of one photo are
#: near. Of 1,097 edited pictures among 627 photos, more finds hardly another.
_VECTORS = 3

#: How many times as many references a query looks up: the codes of lists rank roughly, and a query
#: takes all that is nearer than the background (docs/performance.md, "Galleries").
_REFERENCES = 4

#: Unit vectors give at most 1, but for rounding.
_MOST_COSINE = 1.01


@dataclass(frozen=True, slots=True)
class QueryFeatures:
    """What is looked for: one photo's hashes and views.

    Attributes:
        pixel_sha256: identity of its pixels.
        orientations: shape (O, 32), uint8; PDQ hashes to try, none where the hash is no good.
        views: shape (V, D), float32; V may be 0.
        photo_id: 0 for a photo from outside.
    """

    pixel_sha256: str
    orientations: Bytes
    views: Floats
    photo_id: int = 0


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A photo that an index found close to a query, with all that can be measured at once.

    Attributes:
        cosine: of the whole picture of one with any view of the other, at most.
        margin: how much larger the cosine of a view is than what is usual for it, at most.
        probe_view, photo_view: which view of either was closest by embedding; 0 is the whole
            picture, other numbers are those of `kernels.views`.
    """

    photo_id: int
    sha256: str
    pdq_distance: int | None = None
    cosine: float | None = None
    margin: float | None = None
    same_pixels: bool = False
    query_view: int = 0
    photo_view: int = 0


@dataclass(slots=True)
class SearchReport:
    """What searching did."""

    searched: int = 0  # photos
    candidates: int = 0  # pairs


def run(index: Index, root_id: int, monitor: Monitor) -> SearchReport:
    """Find candidates for the photos of a root that have not been looked for yet.

    Raises:
        Stopped: as asked through the monitor; what was found is kept.
    """
    report = SearchReport(candidates=around_ignored(index))
    monitor.stage("search", index.photos.count_unsearched(root_id))
    settings = index.settings.search
    finder = Finder(
        index, settings.min_margin, same_pixels=_SAME_PIXELS, high_recall=settings.high_recall
    )
    ignored = set(index.references().ignored.tolist())
    for batch in batched(index.photos.unsearched(root_id), BATCH):
        ids = [photo.id for photo in batch]
        if ignored.intersection(ids):
            report.candidates += around(index, sorted(ignored.intersection(ids)))
        candidates = _pairs(
            dict(zip(ids, finder.find(indexed_features(index, batch)), strict=True))
        )
        index.matches.save_candidates(candidates, ids)
        report.searched += len(batch)
        report.candidates += len(candidates)
        trim_memory()
        monitor.advance(len(batch))
        monitor.check()
    return report


def around_ignored(index: Index) -> int:
    """Find candidates of photos that people ignored since somebody last did this, as `around`."""
    hashes = index.decisions.unsearched()
    if not hashes:
        return 0
    found = around(index, sorted(index.decisions.contents(hashes)))
    index.decisions.searched_around(hashes)
    return found


def around(index: Index, photo_ids: Sequence[int]) -> int:
    """Find candidates of some photos far beyond the few nearest that `run` takes.

    A placeholder has more copies than those, and all of them matter once it is to be ignored.

    Args:
        photo_ids: ascending; those that are not described are left out.

    Returns:
        How many pairs wait to be judged now: those that are matches already do not.
    """
    finder = Finder(index, index.settings.search.min_margin, _AROUND)
    matched = {(match.photo_a, match.photo_b) for match in index.matches.of(photo_ids)}
    waiting = 0
    for batch in batched(index.photos.facts(photo_ids).values(), BATCH):
        near = finder.find(indexed_features(index, batch))
        pairs = _pairs(dict(zip([photo.id for photo in batch], near, strict=True)))
        new = [pair for pair in pairs if (pair.photo_a, pair.photo_b) not in matched]
        index.matches.save_candidates(new, [])
        waiting += len(new)
    return waiting


class Finder:
    """Looks photos up in all indexes of an `Index`."""

    def __init__(
        self,
        index: Index,
        min_margin: float,
        top: int = 0,
        *,
        same_pixels: int = 0,
        high_recall: bool = True,
    ) -> None:
        """Args:
        min_margin: of a candidate; a query looks deeper than a run over a folder.
        top: candidates of a photo, where more than the settings say are wanted.
        same_pixels: of photos with the same pixels, so many and the references; 0: all.
        high_recall: whether large stores take longer to leave out less. Without it, what one kind
            of fingerprint leaves out is found by the other, so it holds only where there are both.
        """
        self._index = index
        self._settings = index.settings.search
        self._min_margin = min_margin
        self._top = max(top, index.settings.search.top)
        self._same_pixels = same_pixels
        self._high_recall = high_recall or index.embeddings is None
        self._references = index.references()

    def find(self, queried: Sequence[QueryFeatures]) -> list[list[Neighbour]]:
        """For each query the photos near it, itself included where it is indexed, by id."""
        pixels = self._index.photos.with_pixels([features.pixel_sha256 for features in queried])
        few = {sha256: self._enough_of(ids) for sha256, ids in pixels.items()}
        proposed = [
            set(
                (pixels if features.photo_id in self._references else few).get(
                    features.pixel_sha256, ()
                )
            )
            for features in queried
        ]
        self._propose_by_hash(queried, proposed)
        backgrounds = self._propose_by_view(queried, proposed)
        # Vectors can be ahead of the catalogue, so only what it knows as described counts.
        facts = self._index.photos.facts(sorted(set().union(*proposed)))
        there = [ids & facts.keys() for ids in proposed]
        found: list[list[Neighbour]] = []
        for span in _spans([sum(facts[photo].views for photo in ids) for ids in there]):
            wanted = set[int]().union(*there[span])
            vectors = _views_of(self._index, [facts[photo] for photo in wanted])
            found += (
                [
                    self._measured(features, background, facts[photo], vectors[photo])
                    for photo in ids
                ]
                for features, background, ids in zip(
                    queried[span], backgrounds[span], map(sorted, there[span]), strict=True
                )
            )
        return found

    def _enough_of(self, same: Sequence[int]) -> Sequence[int]:
        """Those of some photos with the same pixels that any other of them is to find."""
        if not self._same_pixels or len(same) <= self._same_pixels:
            return same
        return [*same[: self._same_pixels], *self._references.among(same)]

    def _propose_by_hash(self, queried: Sequence[QueryFeatures], proposed: list[set[int]]) -> None:
        queries, owners = _stacked([features.orientations for features in queried])
        if len(queries):
            # References must answer even where many ads are nearer to a query than they are.
            for among in (None, self._references.vectors):
                found = self._index.pdq.search(
                    queries,
                    self._top,
                    limit=self._settings.max_pdq_distance,
                    high_recall=self._high_recall,
                    among=among,
                )
                _propose(found.ids // vector_id(1), owners, proposed)

    def _propose_by_view(
        self, queried: Sequence[QueryFeatures], proposed: list[set[int]]
    ) -> Sequence[Floats]:
        """Propose photos with a view that is near; returns the background of each query's views."""
        queries, owners = _stacked([features.views for features in queried])
        if self._index.embeddings is None or not len(queries):
            return [np.empty(0, np.float32)] * len(queried)
        most = max(self._top, normalisation.LAST)
        found = self._index.embeddings.search(
            queries, _VECTORS * most, high_recall=self._high_recall
        )
        own = np.array([queried[owner].photo_id for owner in owners])
        scores, photos = _by_photo(found.scores, found.ids // vector_id(1), own, most)
        background = normalisation.backgrounds(scores)
        least = background + np.float32(self._min_margin)
        enough = scores[:, : self._top] >= least[:, None]
        # Only composites have as many views as there may be. Their views
        # hardly fit the photos in them, so that even the nearest photo is less near.
        composite = np.array([len(queried[owner].views) == VIEWS for owner in owners])
        enough[:, 0] |= composite & (scores[:, 0] >= background + self._min_margin / 2)
        _propose(np.where(enough, photos[:, : self._top], -1), owners, proposed)
        if len(self._references.vectors):
            found = self._index.embeddings.search(
                queries,
                _VECTORS * self._top * (_REFERENCES if self._high_recall else 1),
                high_recall=self._high_recall,
                among=self._references.vectors,
            )
            scores, photos = _by_photo(found.scores, found.ids // vector_id(1), own, self._top)
            _propose(np.where(scores >= least[:, None], photos, -1), owners, proposed)
        return np.split(background, np.cumsum([len(features.views) for features in queried])[:-1])

    def _measured(
        self, features: QueryFeatures, background: Floats, photo: PhotoFacts, views: Floats
    ) -> Neighbour:
        near = measured(features, photo, views, self._settings, background)
        if near.cosine is not None and not abs(near.cosine) <= _MOST_COSINE:
            raise IndexDamaged(
                f"the vectors of {self._index.directory} are damaged: a cosine of {near.cosine} is "
                f"impossible; `imagematch doctor --repair` finds and drops what is wrong"
            )
        return near


def measured(
    features: QueryFeatures,
    photo: PhotoFacts,
    views: Floats,
    settings: SearchSettings,
    background: Floats | None = None,
) -> Neighbour:
    """Measure all that hashes and embeddings say about a query and one photo.

    Args:
        views: of the photo, shape (V, D), float32; V may be 0.
        background: of the query's views, see `kernels.normalisation`; without it there is no
            margin.
    """
    distance = None
    if len(features.orientations) and photo.pdq_quality >= settings.min_pdq_quality:
        distance = int(hashes.hamming(hashes.pack_hex([photo.pdq])[0], features.orientations).min())
    cosine, margin, query_view, photo_view = None, None, 0, 0
    if len(features.views) and len(views):
        # In double precision, so that the result does not depend on what else is compared.
        cosines = features.views.astype(np.float64) @ views.astype(np.float64).T
        query_view, photo_view = map(
            int, np.unravel_index(cosines.round(6).argmax(), cosines.shape)
        )
        # Two parts may be one interface: they are where to look, and no evidence without a look.
        cosine = round(float(max(cosines[0].max(), cosines[:, 0].max())), 6)
        if background is not None:
            margin = round(float((cosines.max(axis=1) - background).max()), 6)
    same_pixels = features.pixel_sha256 == photo.pixel_sha256
    return Neighbour(
        photo.id, photo.sha256, distance, cosine, margin, same_pixels, query_view, photo_view
    )


def indexed_features(index: Index, photos: Sequence[PhotoFacts]) -> list[QueryFeatures]:
    """Features of indexed photos, from what the stores hold; a gated one matches by pixels only."""
    settings = index.settings.search
    nothing_hashed = np.empty((0, hashes.PDQ_BYTES), np.uint8)
    turned = hashes.orientations(hashes.pack_hex([photo.pdq for photo in photos]))
    views = _views_of(index, photos)
    queried = []
    for photo, orientations in zip(photos, turned, strict=True):
        good = not photo.gate and photo.pdq_quality >= settings.min_pdq_quality
        queried.append(
            QueryFeatures(
                photo.pixel_sha256,
                orientations if good else nothing_hashed,
                views[photo.id],
                photo.id,
            )
        )
    return queried


def _views_of(index: Index, photos: Iterable[PhotoFacts]) -> dict[int, Floats]:
    """Embeddings of each photo, shape (V, D); V is 0 where there are none (yet)."""
    ordered = sorted(photos, key=lambda photo: photo.id)
    ids, vectors = _stored(index, _vector_ids(ordered))
    owners = ids // vector_id(1)
    wanted = [photo.id for photo in ordered]
    first, end = (np.searchsorted(owners, wanted, side) for side in ("left", "right"))
    return {photo_id: vectors[a:b] for photo_id, a, b in zip(wanted, first, end, strict=True)}


def _vector_ids(photos: Iterable[PhotoFacts]) -> Ids:
    return np.array(
        [vector_id(photo.id, view) for photo in photos for view in range(photo.views)], np.int64
    )


def _stored(index: Index, ids: Ids) -> tuple[Ids, Floats]:
    """Those of some vectors that are there, and their ids."""
    if index.embeddings is None or not len(ids):
        return np.empty(0, np.int64), np.empty((0, 0), np.float32)
    try:
        vectors = index.embeddings.get(ids)
    except KeyError:
        # The catalogue shows a reader photos that came after it opened the vectors.
        ids = ids[np.isin(ids, index.embeddings.ids())]
        vectors = index.embeddings.get(ids)
    return ids, np.asarray(vectors, np.float32)


def _stacked(parts: Sequence[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """All rows of all parts, and for each row the number of its part."""
    owners = [number for number, part in enumerate(parts) for _ in range(len(part))]
    filled = [part for part in parts if len(part)]
    return (np.concatenate(filled) if filled else np.empty((0, 0), np.uint8)), owners


def _spans(counts: Sequence[int]) -> Iterator[slice]:
    """All of some counts in spans of `_MEASURED` together at most, or of one that is larger."""
    start = total = 0
    for place, count in enumerate(counts):
        if total + count > _MEASURED and place > start:
            yield slice(start, place)
            start, total = place, 0
        total += count
    yield slice(start, len(counts))


def _by_photo(scores: Floats, photos: Ids, own: Ids, most: int) -> tuple[Floats, Ids]:
    """The nearest photos of each query, by the nearest vector of each.

    A composite has up to sixteen vectors, which lie close together: those of the query itself, and
    of one other picture, would leave no room for any third.

    Args:
        scores: shape (Q, K), descending.
        photos: shape (Q, K), whose vectors they are; negative for none.
        own: shape (Q,); a photo to leave out.

    Returns:
        Scores and photos, shape (Q, most); -inf and -1 where there are fewer.
    """
    order = np.argsort(photos, axis=1, kind="stable")
    sorted_photos = np.take_along_axis(photos, order, axis=1)
    first = np.ones(photos.shape, np.bool_)
    first[:, 1:] = sorted_photos[:, 1:] != sorted_photos[:, :-1]
    nearest = np.empty_like(first)
    np.put_along_axis(nearest, order, first, axis=1)
    nearest &= (photos >= 0) & (photos != own[:, None])
    place = np.argsort(~nearest, axis=1, kind="stable")[:, :most]
    there = np.take_along_axis(nearest, place, axis=1)
    return (
        np.where(there, np.take_along_axis(scores, place, axis=1), np.float32(-np.inf)),
        np.where(there, np.take_along_axis(photos, place, axis=1), -1),
    )


def _propose(photos: Ids, owners: Sequence[int], proposed: list[set[int]]) -> None:
    """Propose some photos; negative for none."""
    for row, owner in zip(photos.tolist(), owners, strict=True):
        proposed[owner].update(photo for photo in row if photo >= 0)


def _pairs(near: Mapping[int, Sequence[Neighbour]]) -> list[Candidate]:
    """Candidates of indexed photos, each pair once, with the smaller id first."""
    pairs: dict[tuple[int, int], Candidate] = {}
    for photo_id, others in near.items():
        for other in others:
            views = other.query_view, other.photo_view
            first, second = photo_id, other.photo_id
            if first == second:
                continue
            if first > second:
                first, second = second, first
                views = views[1], views[0]
            pairs[first, second] = Candidate(
                first, second, other.pdq_distance, other.cosine, other.same_pixels, *views
            )
    return [pairs[key] for key in sorted(pairs)]
