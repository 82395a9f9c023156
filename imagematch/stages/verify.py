"""Verify: candidates in, judged matches in the catalogue out.

Files are compared in worker processes; the rules and the calibration decide on this side.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import batched

from imagematch import calibration
from imagematch.errors import KeepsFailing, Stopped
from imagematch.kernels import confidence, trace_confidence
from imagematch.records import Failure, Geometry, Judgement
from imagematch.runtime.executors import Executor
from imagematch.runtime.failures import ConsecutiveFailures, failure_from, stops_run
from imagematch.runtime.memory import trim_memory
from imagematch.runtime.monitor import Monitor
from imagematch.runtime.tasks import Outcome
from imagematch.settings import Settings
from imagematch.stages import fallback, result_checks
from imagematch.stages.fingerprints import FileTask
from imagematch.stages.geometry import PairTask, of_whole_pictures, verify_pairs
from imagematch.stages.installation import installation
from imagematch.stages.unseen import was_seen
from imagematch.stores.index import Index
from imagematch.stores.matches import Candidate, FailedPair

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


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one pair.

    Attributes:
        judgement: by what could be measured; None where not even that could be judged.
        failure: why the pair could not be compared or judged by all that was measured.
    """

    judgement: Judgement | None
    failure: Failure | None = None


def run(index: Index, executor: Executor, run_id: int, monitor: Monitor) -> VerifyReport:
    """Judge all candidates.

    Raises:
        Stopped: as asked through the monitor; what was judged is kept.
        KeepsFailing: as `Executor.run`; what was judged is kept, too.
    """
    report = VerifyReport()
    monitor.stage("verify", index.matches.waiting())
    in_a_row = ConsecutiveFailures(index.settings.workers.internal_in_a_row)
    batch: list[tuple[Candidate, Judged]] = []
    try:
        for pair in in_a_row.watch(_judged(index, executor, monitor), lambda pair: pair[1].failure):
            batch.append(pair)
            if len(batch) == _BATCH:
                _store(index, batch, run_id, report)
                batch.clear()
            monitor.check()
    except (Stopped, KeepsFailing):
        _store(index, batch, run_id, report)
        raise
    _store(index, batch, run_id, report)
    return report


def _store(
    index: Index, batch: Sequence[tuple[Candidate, Judged]], run_id: int, report: VerifyReport
) -> None:
    judged: list[tuple[Candidate, Judgement]] = []
    failed: list[FailedPair] = []
    for candidate, pair in batch:
        if pair.failure is not None:
            failed.append(FailedPair(candidate, pair.failure, _counting(pair, index.settings)))
        elif pair.judgement is not None:
            judged.append((candidate, pair.judgement))
    keep = [calibration.counts(judgement, index.settings.match) for _, judgement in judged]
    index.matches.save_judged(judged, keep, run_id)
    if failed:
        index.matches.save_failed(failed, installation(), run_id)
    trim_memory()
    report.judged += len(batch)
    report.matches += sum(keep) + sum(pair.judgement is not None for pair in failed)
    report.unseen += sum(
        pair.judgement is None or not was_seen(pair.judgement) for _, pair in batch
    )


def _counting(pair: Judged, settings: Settings) -> Judgement | None:
    """The judgement of a pair that counts as a match."""
    found = pair.judgement
    return found if found and calibration.counts(found, settings.match) else None


def judged_pair(candidate: Candidate, geometry: Geometry | None, settings: Settings) -> Judgement:
    """Judge one pair from all that was measured."""
    if geometry is not None and geometry.traced:
        return trace_confidence.judge(
            pdq_distance=candidate.pdq_distance,
            cosine=candidate.cosine,
            geometry=geometry,
            appearance=calibration.shipped(),
            calibration=trace_confidence.shipped(),
            settings=settings.verify,
        )
    return confidence.judge(
        same_pixels=candidate.same_pixels,
        pdq_distance=candidate.pdq_distance,
        cosine=candidate.cosine,
        geometry=geometry,
        calibration=calibration.shipped(),
        settings=settings.verify,
    )


def judged(
    candidate: Candidate,
    geometry: Geometry | None,
    settings: Settings,
    failure: Failure | None = None,
) -> Judged:
    """Judge one pair as `judged_pair` does, whatever that raises.

    Where the rules fail on what a comparison saw, the pair is judged without it.

    Args:
        failure: why the pair could not be compared.
    """
    for seen in dict.fromkeys([geometry, None]):
        try:
            judgement = judged_pair(candidate, seen, settings)
            result_checks.judgement(judgement)
        except Exception as error:
            if stops_run(error):
                raise
            failure = failure or failure_from(error)
        else:
            return Judged(judgement, failure)
    return Judged(None, failure)


def geometries(
    executor: Executor, settings: Settings, tasks: Iterator[PairTask]
) -> Iterator[Geometry | None]:
    """Verify pairs that somebody waits for, in workers; None where that was not possible."""
    for outcome in _compared(executor, settings, tasks, urgent=True):
        yield outcome.result


def _compared(
    executor: Executor, settings: Settings, tasks: Iterator[PairTask], *, urgent: bool = False
) -> Iterator[Outcome[PairTask, Geometry | None]]:
    """Compare pairs; one whose views cost a worker is compared as a whole."""
    function = partial(verify_pairs, settings.decode, settings.verify)

    def work(tasks: Iterable[PairTask]) -> Iterator[Outcome[PairTask, Geometry | None]]:
        return executor.run(function, tasks, result_checks.geometry, urgent=urgent)

    return fallback.run(work, tasks, of_whole_pictures)


def _judged(
    index: Index, executor: Executor, monitor: Monitor
) -> Iterator[tuple[Candidate, Judged]]:
    """Judgements by photo, of pairs with the same pixels first.

    Those need no geometry: between the others they would wait in memory for the next that does.
    """
    for candidate in index.matches.candidates(same_pixels=True):
        monitor.advance()
        yield candidate, judged(candidate, None, index.settings)

    compared: deque[Candidate] = deque()

    def tasks() -> Iterator[PairTask]:
        for block in batched(index.matches.candidates(same_pixels=False), _BATCH):
            ids = sorted({photo for pair in block for photo in (pair.photo_a, pair.photo_b)})
            locators, facts = index.photos.locators_of(ids), index.photos.facts(ids)
            traces = index.traces.of(ids)
            for pair in block:
                compared.append(pair)
                first, second = (
                    FileTask(
                        locators[photo],
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

    for outcome in _compared(executor, index.settings, tasks()):
        candidate = compared.popleft()
        monitor.advance()
        yield candidate, judged(candidate, outcome.result, index.settings, outcome.failure)
