"""The benchmark as a recipe: a folder of photos in, what every method made of it out."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmark import machine
from benchmark.pairs import hard
from benchmark.quality import methods, product, suite
from benchmark.quality.cases import Benchmark, Case, Direction, HardVerdict, MethodRun
from benchmark.quality.methods import METHODS
from benchmark.quality.product import DEFAULT_PRESET, Indexed, Shelf
from benchmark.quality.suite import SourcePhoto
from imagematch.errors import ImagematchError, UsageError
from imagematch.kernels import embeddings
from imagematch.presets import PRESETS
from imagematch.records import Failure
from imagematch.runtime.executors import open_executor
from imagematch.runtime.failures import INTERNAL
from imagematch.runtime.monitor import Monitor
from imagematch.settings import DEFAULTS, DescribeSettings

#: Below, a half has too few photos for each edit to have more than a dozen queries.
LEAST_PHOTOS = 500

AT_INDEXING, BACKWARDS = "at-indexing", "original-asked"

#: What can be measured, by name, in the order of tables.
ALL_METHODS = (*METHODS, *PRESETS, AT_INDEXING, BACKWARDS)


@dataclass(frozen=True, slots=True)
class QualityRequest:
    """What to measure.

    Attributes:
        folder: of photos.
        half: "reporting" or "tuning", see `suite`.
        queries: with an original; see `suite.plan`.
        labelled: a folder with labelled pairs, see `hard.make`.
        hard_pairs: to judge.
        methods: of `ALL_METHODS`.
        command: that repeats the run.
        leave_out: files and folders in `folder` that are no part of it.
    """

    folder: Path
    half: str = suite.REPORTING
    queries: int = 1000
    seed: int = 0
    labelled: Path | None = None
    hard_pairs: int = hard.PAIRS
    methods: tuple[str, ...] = ALL_METHODS
    command: str = "python -m benchmark quality"
    leave_out: tuple[Path, ...] = ()


def run(request: QualityRequest, pictures: Path, scratch: Path, monitor: Monitor) -> Benchmark:
    """Measure.

    Args:
        pictures: an empty folder, for the pictures of cases and hard pairs.
        scratch: an empty folder, for all else.

    Raises:
        UsageError: there is no photo in the folder, or the labelled pairs can't be read.
        SourceUnavailable: there is no such folder.
        Stopped: as asked through the monitor.
    """
    if request.labelled is not None:
        # Read again when they are judged; better to refuse them before hours of work.
        deque(hard.labelled_pairs(request.labelled), maxlen=0)
    monitor.stage("Reading the folder", None)
    photos = suite.photos_of(request.folder, request.leave_out)
    shelf = _shelf(photos, request, scratch)
    monitor.stage("Indexing untouched photos, and looking for twins among them", None)
    default = product.index_photos(DEFAULT_PRESET, shelf, monitor)
    twins, unreadable = product.find_twins(default, shelf, monitor)
    broken = {file.path for file in unreadable}
    good = [photo for photo in photos if photo.path not in broken]
    if not {photo.path for photo in (*shelf.kept, *shelf.away)} - broken:
        raise UsageError(
            f"there are no photos in {request.folder}: {len(photos)} files, none of which can be "
            f"used. {advice()}"
        )
    cases = _make_cases(good, request, pictures, monitor)
    runs, backwards = _measured(request, shelf, default, cases, twins, monitor)
    verdicts, failed = _judge_hard(good, request, twins, pictures, monitor)
    return Benchmark(
        folder=request.folder,
        command=request.command,
        photos=default.report.described,
        cases=cases,
        runs=runs,
        hard=verdicts,
        twins=tuple(twins),
        machine=machine.describe(),
        pictures=pictures,
        backwards=backwards,
        failed=(*((file.path, file.failure) for file in unreadable), *failed),
    )


def advice() -> str:
    """What a folder should hold."""
    return (
        f"A folder of {LEAST_PHOTOS:,} photos or more gives sensible figures; with fewer, "
        "chance decides."
    )


def notes(request: QualityRequest, benchmark: Benchmark) -> list[str]:
    """What a reader has to know before the figures, in sentences."""
    found = []
    if benchmark.photos < LEAST_PHOTOS:
        found.append(f"Only {benchmark.photos:,} photos were indexed. {advice()}")
    wanted = sum(case.indexed and case.edit not in suite.HEAVY_CLASSES for case in benchmark.cases)
    if wanted < request.queries:
        found.append(
            f"{wanted:,} copies instead of {request.queries:,} were looked up: no photo is "
            f"edited more than {suite.MOST_QUERIES} times."
        )
    if len(benchmark.hard) < request.hard_pairs:
        found.append(
            f"{len(benchmark.hard):,} hard pairs instead of {request.hard_pairs:,} were judged: "
            "some kinds need more photos than there are."
        )
    return found


def _shelf(photos: Sequence[SourcePhoto], request: QualityRequest, scratch: Path) -> Shelf:
    if not photos:
        raise UsageError(f"there are no photos in {request.folder}. {advice()}")
    away = [photo for photo in photos if photo.half == request.half and photo.held_back]
    return Shelf(request.folder, suite.indexed(photos, request.half), away, scratch)


def _make_cases(
    photos: Sequence[SourcePhoto], request: QualityRequest, pictures: Path, monitor: Monitor
) -> tuple[Case, ...]:
    plans = suite.plan(photos, request.half, request.queries, request.seed)
    monitor.stage("Editing photos", len(plans))
    folder = pictures / "queries"
    folder.mkdir()
    cases: list[Case] = []
    with open_executor(DEFAULTS.workers) as executor:
        make = partial(suite.make, request.folder, folder, DEFAULTS.decode)
        for outcome in executor.run(make, plans):
            if outcome.failure is not None and outcome.failure.code == INTERNAL:
                # A case that is missing without a word would make the figures look better.
                raise ImagematchError(f"{outcome.failure.message}\n{outcome.failure.traceback}")
            if outcome.result is not None:
                cases.append(outcome.result)
            monitor.advance()
            monitor.check()
    return tuple(cases)


def _measured(
    request: QualityRequest,
    shelf: Shelf,
    default: Indexed,
    cases: Sequence[Case],
    twins: product.Twins,
    monitor: Monitor,
) -> tuple[tuple[MethodRun, ...], Direction | None]:
    """Every method on the same cases."""
    wanted = request.methods
    kept = [photo.path for photo in shelf.kept]
    others = [key for key in METHODS if key in wanted]
    runs = methods.run(others, request.folder, kept, cases, monitor)
    for preset in PRESETS:
        if preset in wanted:
            monitor.stage(f"imagematch {preset}", None)
            indexed = default
            if preset != DEFAULT_PRESET:
                indexed = product.index_photos(preset, shelf, monitor)
            runs.append(product.ask(preset, indexed, cases, shelf, monitor))
    if AT_INDEXING in wanted:
        monitor.stage("Indexing edited pictures after their originals", None)
        runs.append(product.ask_at_indexing(default, cases, shelf, monitor))
    backwards = None
    if BACKWARDS in wanted:
        monitor.stage("Indexing edited pictures, to ask for originals", None)
        backwards = product.ask_originals(cases, twins, shelf, request.seed, monitor)
    return tuple(runs), backwards


def _judge_hard(
    photos: Sequence[SourcePhoto],
    request: QualityRequest,
    twins: product.Twins,
    pictures: Path,
    monitor: Monitor,
) -> tuple[tuple[HardVerdict, ...], list[tuple[str, Failure]]]:
    """Verdicts on hard pairs that are made of one half's photos, and what could not be judged."""
    if not request.hard_pairs:
        return (), []
    monitor.stage("Judging pairs that look alike", request.hard_pairs)
    folder = request.folder
    made = hard.make(
        [folder / photo.path for photo in photos if photo.half == request.half],
        pictures / "hard",
        request.seed,
        labelled=request.labelled,
        twins=[(folder / left, folder / right) for left, right in twins],
        embedder=embeddings.load(DescribeSettings(preset=DEFAULT_PRESET)),
        pairs=request.hard_pairs,
    )
    verdicts: list[HardVerdict] = []
    failed: list[tuple[str, Failure]] = []
    for said in product.judge(made, monitor):
        if isinstance(said, HardVerdict):
            verdicts.append(said)
        else:
            pair, failure = said
            failed.append((f"{pair.left} or {pair.right}", failure))
    return tuple(verdicts), failed
