"""Query: photos from outside in, what the index knows about each out. Nothing is stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import batched

import numpy as np

from imagematch import calibration, wording
from imagematch.kernels import hashes
from imagematch.kernels.confidence import SAME_BYTES
from imagematch.records import (
    Content,
    Failure,
    Fingerprint,
    Judgement,
    QueryMatch,
    QueryResult,
    StoredSighting,
    match_id,
)
from imagematch.records import (
    QueryOptions as QueryOptions,
)
from imagematch.runtime.executors import Executor
from imagematch.runtime.monitor import Monitor
from imagematch.settings import SearchSettings, Settings
from imagematch.stages import fallback, result_checks, verify
from imagematch.stages.decisions_in_force import DecisionsInForce, EffectiveJudgement
from imagematch.stages.fingerprints import (
    FileTask,
    QueryPrint,
    describe_queries,
    without_further_views,
)
from imagematch.stages.geometry import PairTask
from imagematch.stages.search import Finder, Neighbour, QueryFeatures
from imagematch.stages.unseen import Unseen, unseen
from imagematch.stores.index import Index
from imagematch.stores.matches import Candidate

#: Queries worked on together: enough to keep the workers busy, few enough to answer soon.
_BATCH = 16

#: Candidates of a query whose likest parts are compared, too: originals are hardly ever farther
#: down, and each closer look costs as much as the first one.
_CLOSER = 5

#: PDQ distance of the nearest of many unrelated photos, bits: a background like that of `margin`.
_STRANGE_PDQ = 96


#: A page so many times as long as wide, and reduced to less than this share before it is compared,
#: may show photos of which too little is left.
_LONG, _REDUCED = 4, 0.5


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query that could be described."""

    task: FileTask
    found: QueryPrint


@dataclass(frozen=True, slots=True)
class _Scored:
    """A photo of the index with what the query has to do with it."""

    photo_id: int
    judgement: Judgement


def run(
    index: Index,
    executor: Executor,
    photos: Iterable[FileTask],
    options: QueryOptions,
    monitor: Monitor,
) -> Iterator[QueryResult]:
    """Look photos up, in the order given.

    Args:
        photos: each of one place, whose text names the query.
    """
    finder = Finder(index, index.settings.search.min_margin_query, options.top or 0)
    decided = DecisionsInForce.of(index)
    for batch in batched(photos, _BATCH):
        yield from _answered(index, executor, finder, decided, batch, options)
        monitor.advance(len(batch))
        monitor.check()


def _answered(
    index: Index,
    executor: Executor,
    finder: Finder,
    decided: DecisionsInForce,
    photos: Sequence[FileTask],
    options: QueryOptions,
) -> Iterator[QueryResult]:
    prints = _described(index, executor, photos)
    good = [
        _Asked(task, result)
        for task, result in zip(photos, prints, strict=True)
        if isinstance(result, QueryPrint)
    ]
    found = finder.find([query_features(asked.found, index.settings.search) for asked in good])
    scored = iter(_scored(index, executor, good, found, options))
    for task, result in zip(photos, prints, strict=True):
        name = str(task.locators[0])
        if isinstance(result, Failure):
            yield QueryResult(name, failure=result)
        else:
            near = next(scored)
            fingerprint = result.fingerprint
            query = Content(fingerprint.sha256, fingerprint.pixel_sha256)
            effective = _effective(decided, query, near)
            gate = _gate_of(index, result)
            lost = unseen(index, {entry.photo_id: entry.judgement for entry in near})
            yield QueryResult(
                name,
                _shown(index, query, effective, options),
                gate=gate,
                notes=tuple(_notes(gate, fingerprint, lost, index.settings)),
                not_looked_at=lost.count,
                further_pictures=fingerprint.unseen,
                content=query,
            )


def _notes(gate: str, fingerprint: Fingerprint, lost: Unseen, settings: Settings) -> Iterator[str]:
    """What limits an answer, in sentences."""
    sides = fingerprint.width, fingerprint.height
    if gate:
        yield wording.gate_note(gate, strip=min(sides) >= settings.describe.min_side)
    elif fingerprint.gate:
        yield wording.PARTS_NOTE
    scale = settings.decode.working_side / max(sides)
    if not gate and max(sides) >= _LONG * min(sides) and scale < _REDUCED:
        width, height = (max(1, round(side * scale)) for side in sides)
        yield wording.long_note(width, height)
    if lost.count:
        yield wording.unseen_note(lost.gone, lost.unreadable, lost.traced, lost.folders)
    if fingerprint.unseen:
        yield wording.further_pictures_note(fingerprint.unseen)


def _gate_of(index: Index, entry: QueryPrint) -> str:
    """Why nothing but identical pixels was looked for; "" where more was."""
    if len(entry.views):
        return ""
    if entry.fingerprint.gate:
        return entry.fingerprint.gate
    return "" if _has_good_hash(entry, index.settings.search) else "vague"


def _described(
    index: Index, executor: Executor, photos: Sequence[FileTask]
) -> list[QueryPrint | Failure]:
    settings = index.settings
    function = partial(
        describe_queries, settings.decode, settings.describe, crops=settings.search.crops
    )
    check = partial(result_checks.query_print, dimensions=index.embedder.dimensions)
    work = partial(executor.run, function, check=check, urgent=True)
    outcomes = fallback.run(work, photos, without_further_views)
    return [outcome.result or outcome.failure for outcome in outcomes]  # type: ignore[misc]


def query_features(entry: QueryPrint, settings: SearchSettings) -> QueryFeatures:
    """What is looked for with a query photo; a gated one matches by pixels only, unless it is
    drawn and has parts that are photos."""
    usable = _has_good_hash(entry, settings)
    orientations = entry.orientations if usable else np.empty((0, hashes.PDQ_BYTES), np.uint8)
    return QueryFeatures(entry.fingerprint.pixel_sha256, orientations, entry.views)


def _has_good_hash(entry: QueryPrint, settings: SearchSettings) -> bool:
    fingerprint = entry.fingerprint
    return not fingerprint.gate and fingerprint.pdq_quality >= settings.min_pdq_quality


def _scored(
    index: Index,
    executor: Executor,
    asked: Sequence[_Asked],
    found: Sequence[Sequence[Neighbour]],
    options: QueryOptions,
) -> list[list[_Scored]]:
    """Judge what was found for each query, nearest first."""
    scored: list[list[_Scored]] = [[] for _ in asked]
    doubtful: list[tuple[int, Neighbour]] = []
    for place, (query, around) in enumerate(zip(asked, found, strict=True)):
        same_bytes = index.photos.id_of(query.found.fingerprint.sha256)
        if same_bytes is not None:
            scored[place].append(_Scored(same_bytes, SAME_BYTES))
        others = [other for other in around if other.photo_id != same_bytes]
        if options.collection:
            # First, or ads that are nearer would keep a gallery's photos from being looked at.
            others = _in_collection(index, others, options.collection)
        most = max(index.settings.search.verified, options.top or 0)
        nearest = sorted(others, key=_nearness)[:most]
        # The views are where to look closer if the whole pictures do not settle it.
        doubtful.extend((place, other) for other in nearest[:_CLOSER])
        whole = (replace(other, query_view=0, photo_view=0) for other in nearest[_CLOSER:])
        doubtful.extend((place, other) for other in whole)

    tasks = _pair_tasks(index, asked, doubtful)
    geometries = iter(list(verify.geometries(executor, index.settings, tasks)))
    for place, near in doubtful:
        candidate = Candidate(
            0, near.photo_id, near.pdq_distance, near.cosine, near.same_pixels, 0, 0
        )
        geometry = None if near.same_pixels else next(geometries)
        judged = verify.judged(candidate, geometry, index.settings)
        if judged.judgement is not None:
            scored[place].append(_Scored(near.photo_id, judged.judgement))
    return scored


def _in_collection(index: Index, found: Sequence[Neighbour], collection: str) -> list[Neighbour]:
    sightings = index.sightings.sightings_of([near.photo_id for near in found])
    return [
        near
        for near in found
        if any(_is_in(sighting, collection) for sighting in sightings[near.photo_id])
    ]


def _pair_tasks(
    index: Index, asked: Sequence[_Asked], doubtful: Sequence[tuple[int, Neighbour]]
) -> Iterator[PairTask]:
    ids = sorted({near.photo_id for _, near in doubtful})
    locators, traces = index.photos.locators_of(ids), index.traces.of(ids)
    for place, near in doubtful:
        if not near.same_pixels:
            query = asked[place]
            yield PairTask(
                replace(query.task, sha256=query.found.fingerprint.sha256),
                FileTask(
                    locators[near.photo_id],
                    near.sha256,
                    index.pictures.path(near.sha256),
                    traces.get(near.photo_id, b""),
                ),
                near.query_view,
                near.photo_view,
                high_recall=True,
                pdq_distance=near.pdq_distance,
            )


def _nearness(near: Neighbour) -> tuple[bool, float, int]:
    """A key that sorts the nearest first, by whichever index says so more clearly."""
    by_hash = 0.0 if near.pdq_distance is None else (_STRANGE_PDQ - near.pdq_distance) / 128
    return not near.same_pixels, -max(near.margin or 0.0, by_hash), near.photo_id


def _effective(
    decided: DecisionsInForce, query: Content, scored: Sequence[_Scored]
) -> dict[int, EffectiveJudgement]:
    """By photo, what people decided applied to what was judged, and what they confirmed besides."""
    judged = {entry.photo_id: entry.judgement for entry in scored}
    return {
        photo_id: decided.on_query(query, photo_id, judgement)
        for photo_id, judgement in (decided.confirmed_with(query) | judged).items()
    }


def _shown(
    index: Index, query: Content, effective: Mapping[int, EffectiveJudgement], options: QueryOptions
) -> tuple[QueryMatch, ...]:
    """The matches that were asked for, surest first, one for each sighting."""
    wanted = [entry for entry in effective.items() if _is_wanted(index, entry[1], options)]
    wanted.sort(key=lambda entry: (-entry[1].judgement.confidence, entry[0]))
    sightings = index.sightings.sightings_of([photo_id for photo_id, _ in wanted])
    matches: list[QueryMatch] = []
    photos = 0
    for photo_id, (judgement, decision, ignored) in wanted:
        where = [
            sighting for sighting in sightings[photo_id] if _is_in(sighting, options.collection)
        ]
        matches.extend(
            QueryMatch(
                sighting, judgement, match_id(query.sha256, sighting.photo), decision, ignored
            )
            for sighting in where
        )
        photos += bool(where)
        if photos == options.top:
            break
    return tuple(matches)


def _is_wanted(index: Index, effective: EffectiveJudgement, options: QueryOptions) -> bool:
    judgement = effective.judgement
    if effective.rejected:
        return options.min_confidence == 0  # which asks for all that was looked at
    if options.min_confidence is not None:
        return judgement.confidence >= options.min_confidence
    if judgement.kind == "scene" and not options.scenes:
        return False
    return effective.decision is not None or calibration.counts(judgement, index.settings.match)


def _is_in(sighting: StoredSighting, collection: str) -> bool:
    return not collection or sighting.collection == collection
