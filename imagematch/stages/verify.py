"""Verify: candidates in, judged matches in the catalogue out.

Files are compared in worker processes; the rules and the calibration decide on this side.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched

from imagematch.errors import Stopped
from imagematch.kernels import confidence, trace_confidence
from imagematch.monitor import Monitor
from imagematch.records import Geometry, Judgement
from imagematch.settings import Settings
from imagematch.stages import sparing
from imagematch.stages.fingerprints import FileTask
from imagematch.stages.geometry import PairTask, of_whole_pictures, verify_pairs
from imagematch.stages.unseen import was_seen
from imagematch.stores import heap
from imagematch.stores.executors import Executor
from imagematch.stores.index import Index
from imagematch.stores.matches import Candidate

#: Pairs judged between two commits.
_BATCH = 256


@dataclass(slots=True)
class VerifyReport:
    """What verifying did; pairs.

    Attributes:
        unseen: judged without a look at one of the pictures, because its file is gone.
    """

    judged: int = 0
    matches: int = 0
    unseen: int = 0


def run(index: Index, executor: Executor, run_id: int, monitor: Monitor) -> VerifyReport:
    """Judge all candidates.

    Raises:
        Stopped: as asked through the monitor; what was judged is kept.
    """
    report = VerifyReport()
    monitor.stage("verify", index.matches.waiting())
    batch: list[tuple[Candidate, Judgement]] = []
    try:
        for pair in _judged(index, executor, monitor):
            batch.append(pair)
            if len(batch) == _BATCH:
                _store(index, batch, run_id, report)
                batch.clear()
            monitor.check()
    except Stopped:
        _store(index, batch, run_id, report)
        raise
    _store(index, batch, run_id, report)
    return report


def _store(
    index: Index, batch: Sequence[tuple[Candidate, Judgement]], run_id: int, report: VerifyReport
) -> None:
    keep = [confidence.counts(judgement, index.settings.match) for _, judgement in batch]
    index.matches.save_judged(batch, keep, run_id)
    heap.hand_back()
    report.judged += len(batch)
    report.matches += sum(keep)
    report.unseen += sum(not was_seen(judgement) for _, judgement in batch)


def judged_pair(candidate: Candidate, geometry: Geometry | None, settings: Settings) -> Judgement:
    """Judge one pair from all that was measured."""
    if geometry is not None and geometry.traced:
        return trace_confidence.judge(
            pdq_distance=candidate.pdq_distance,
            cosine=candidate.cosine,
            geometry=geometry,
            appearance=confidence.shipped(),
            calibration=trace_confidence.shipped(),
            settings=settings.verify,
        )
    return confidence.judge(
        same_pixels=candidate.same_pixels,
        pdq_distance=candidate.pdq_distance,
        cosine=candidate.cosine,
        geometry=geometry,
        calibration=confidence.shipped(),
        settings=settings.verify,
    )


def geometries(
    executor: Executor, settings: Settings, tasks: Iterator[PairTask]
) -> Iterator[Geometry | None]:
    """Verify pairs in worker processes; None where that was not possible.

    A pair whose views cost a worker is compared as a whole.
    """
    function = partial(verify_pairs, settings.decode, settings.verify)
    for outcome in sparing.run(partial(executor.run, function), tasks, of_whole_pictures):
        yield outcome.result


def _judged(
    index: Index, executor: Executor, monitor: Monitor
) -> Iterator[tuple[Candidate, Judgement]]:
    """Judgements by photo, of pairs with the same pixels first.

    Those need no geometry: between the others they would wait in memory for the next that does.
    """
    for candidate in index.matches.candidates(same_pixels=True):
        monitor.advance()
        yield candidate, judged_pair(candidate, None, index.settings)

    compared: deque[Candidate] = deque()

    def tasks() -> Iterator[PairTask]:
        for block in batched(index.matches.candidates(same_pixels=False), _BATCH):
            ids = sorted({photo for pair in block for photo in (pair.photo_a, pair.photo_b)})
            paths, facts = index.photos.paths_of(ids), index.photos.facts(ids)
            traces = index.traces.of(ids)
            for pair in block:
                compared.append(pair)
                first, second = (
                    FileTask(
                        paths[photo],
                        sha256,
                        index.pictures.path(sha256),
                        traces.get(photo, b""),
                    )
                    for photo in (pair.photo_a, pair.photo_b)
                    for sha256 in [facts[photo].sha256]
                )
                yield PairTask(
                    first,
                    second,
                    pair.view_a,
                    pair.view_b,
                    pdq_distance=pair.pdq_distance,
                )

    for geometry in geometries(executor, index.settings, tasks()):
        candidate = compared.popleft()
        monitor.advance()
        yield candidate, judged_pair(candidate, geometry, index.settings)
