"""Compare: pairs of files from outside in, what imagematch says about each out. Nothing is stored.

The left file is measured as a query is, the right one as an indexed photo, whether or not a search
would have proposed the pair.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import batched

from imagematch import calibration
from imagematch.kernels.confidence import SAME_BYTES
from imagematch.records import (
    Comparison,
    FailedFile,
    Failure,
    Fingerprint,
    Geometry,
    match_id,
)
from imagematch.runtime.executors import Executor
from imagematch.runtime.failures import failure_from, stops_run
from imagematch.runtime.monitor import Monitor
from imagematch.runtime.tasks import Check, ChunkFunction
from imagematch.settings import Settings
from imagematch.stages import fallback, result_checks, verify
from imagematch.stages.fingerprints import (
    FileTask,
    QueryPrint,
    describe_files,
    describe_queries,
    file_outside,
    without_further_views,
)
from imagematch.stages.geometry import PairTask
from imagematch.stages.query import query_features
from imagematch.stages.search import Neighbour, measured
from imagematch.stages.verify import Judged
from imagematch.stores.matches import Candidate
from imagematch.stores.photos import PhotoFacts

#: Pairs worked on together; within them, a file of several pairs is described once a side.
_BATCH = 64


def run(
    executor: Executor, settings: Settings, pairs: Iterable[tuple[str, str]], monitor: Monitor
) -> Iterator[Comparison]:
    """Judge pairs of paths, in the order given."""
    for batch in batched(pairs, _BATCH):
        yield from _judged(executor, settings, batch)
        monitor.advance(len(batch))
        monitor.check()


def _judged(
    executor: Executor, settings: Settings, pairs: Sequence[tuple[str, str]]
) -> Iterator[Comparison]:
    as_query = partial(
        describe_queries, settings.decode, settings.describe, crops=settings.search.crops
    )
    as_photo = partial(describe_files, settings.decode, settings.describe)
    lefts, rights = [left for left, _ in pairs], [right for _, right in pairs]
    queries = _described(executor, as_query, lefts, result_checks.query_print)
    photos = _described(executor, as_photo, rights, result_checks.fingerprint)
    near = [_near(left, queries[left], right, photos[right], settings) for left, right in pairs]
    tasks = (
        PairTask(
            file_outside(left, _sha256(queries[left])),
            file_outside(right, one.sha256),
            one.query_view,
            one.photo_view,
            high_recall=True,
            pdq_distance=one.pdq_distance,
        )
        for (left, right), one in zip(pairs, near, strict=True)
        if isinstance(one, Neighbour) and not one.same_pixels
    )
    geometries = verify.geometries(executor, settings, tasks)
    for (left, right), one in zip(pairs, near, strict=True):
        if isinstance(one, Neighbour):
            query = _sha256(queries[left])
            needs_geometry = query != one.sha256 and not one.same_pixels
            geometry = next(geometries) if needs_geometry else None
            yield _compared(left, right, query, one, geometry, settings)
        else:
            yield Comparison(left, right, failures=one)


def _compared(
    left: str,
    right: str,
    query: str,
    photo: Neighbour,
    geometry: Geometry | None,
    settings: Settings,
) -> Comparison:
    """Args:
    query: SHA-256 of the left file.
    """
    if query == photo.sha256:
        judged = Judged(SAME_BYTES)
    else:
        candidate = Candidate(0, 0, photo.pdq_distance, photo.cosine, photo.same_pixels, 0, 0)
        judged = verify.judged(candidate, geometry, settings)
    if judged.judgement is None:
        assert judged.failure is not None  # there is one or the other
        return Comparison(left, right, failures=(FailedFile("", judged.failure),))
    counts = calibration.counts(judged.judgement, settings.match)
    return Comparison(left, right, match_id(query, photo.sha256), judged.judgement, counts)


def _described[R](
    executor: Executor,
    function: ChunkFunction[FileTask, R | Failure],
    paths: Sequence[str],
    check: Check[FileTask, R | Failure],
) -> dict[str, R | Failure]:
    tasks = [file_outside(path) for path in dict.fromkeys(paths)]
    found: dict[str, R | Failure] = {}
    work = partial(executor.run, function, check=check, urgent=True)
    for outcome in fallback.run(work, tasks, without_further_views):
        described = outcome.result if outcome.result is not None else outcome.failure
        assert described is not None
        found[outcome.task.locators[0].path] = described
    return found


def _near(
    left: str,
    query: QueryPrint | Failure,
    right: str,
    photo: Fingerprint | Failure,
    settings: Settings,
) -> Neighbour | tuple[FailedFile, ...]:
    """How near two files are; or which can't be described, each once, and why."""
    if isinstance(query, Failure) or isinstance(photo, Failure):
        sides = {right: photo, left: query}  # one path may be both
        failed = [(path, one) for path, one in sides.items() if isinstance(one, Failure)]
        return tuple(FailedFile(path, failure) for path, failure in reversed(failed))
    facts = PhotoFacts(
        0,
        photo.sha256,
        photo.pixel_sha256,
        photo.pdq,
        # What is not searched by its hash is not measured by it either.
        0 if photo.gate else photo.pdq_quality,
        photo.gate,
        len(photo.embeddings),
    )
    features = query_features(query, settings.search)
    try:
        return measured(features, facts, photo.embeddings, settings.search)
    except Exception as error:
        if stops_run(error):
            raise
        return (FailedFile("", failure_from(error)),)


def _sha256(query: QueryPrint | Failure) -> str:
    return "" if isinstance(query, Failure) else query.fingerprint.sha256
