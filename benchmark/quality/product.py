"""imagematch itself as one of the methods: cases in, what its users would be shown out.

Photos are indexed and asked through `imagematch.services`, with the settings that a new index gets.
All that is written goes into a scratch folder.
"""

import hashlib
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from pathlib import Path

import numpy as np

from benchmark import machine
from benchmark.pairs.hard import HardPair
from benchmark.quality.cases import Case, Direction, HardVerdict, Hit, MethodRun
from benchmark.quality.suite import SourcePhoto
from imagematch import calibration
from imagematch.kernels.forest import Forest
from imagematch.records import (
    FailedFile,
    Failure,
    IndexReport,
    Judgement,
    QueryOptions,
    QueryResult,
)
from imagematch.runtime.monitor import Monitor
from imagematch.services import indexing, opening, querying
from imagematch.services.session import Session
from imagematch.settings import DEFAULTS, DescribeSettings
from imagematch.sources.folder_source import FolderSource

DEFAULT_PRESET = DEFAULTS.describe.preset

#: Confidence from which two untouched photos are taken for one that was saved twice.
TWIN = 0.99

#: In the other direction, so many copies and photos without one are asked for.
_ASKED, _ASKED_WITHOUT = 100, 50

#: Everything that was scored, however unlikely.
_EVERYTHING = QueryOptions(top=None, min_confidence=0.0)

type Twins = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The photos of a run, and where imagematch works on them.

    Attributes:
        folder: that is measured.
        kept: its photos that are indexed.
        away: photos of the measured half that are held back.
        scratch: an empty folder.
    """

    folder: Path
    kept: Sequence[SourcePhoto]
    away: Sequence[SourcePhoto]
    scratch: Path

    @property
    def names(self) -> Mapping[str, str]:
        """Paths, relative to `folder`, by SHA-256."""
        return {photo.sha256: photo.path for photo in (*self.kept, *self.away)}

    def laid_out(self, name: str, files: Mapping[str, Path]) -> Path:
        """A scratch folder with exactly these files by their path in it; made once for a name."""
        target = self.scratch / name
        if not target.exists():
            target.mkdir()
            for path, source in files.items():
                (target / path).parent.mkdir(parents=True, exist_ok=True)
                _link(source, target / path)
        return target

    def files(self, photos: Sequence[SourcePhoto]) -> dict[str, Path]:
        """Photos for `laid_out`."""
        return {photo.path: self.folder / photo.path for photo in photos}


@dataclass(frozen=True, slots=True)
class Indexed:
    """An index of the photos of a shelf.

    Attributes:
        seconds: of one processor core, for one photo.
    """

    directory: Path
    report: IndexReport
    seconds: float


# --- indexing ------------------------------------------------------------------------------------


def index(
    preset: str, name: str, files: Mapping[str, Path], shelf: Shelf, monitor: Monitor
) -> Indexed:
    """Index files twice with a preset: some, to see what starting takes, then all.

    Args:
        name: of the files, for `Shelf.laid_out`.
        files: by their path.
    """
    opening.named_embedder(DescribeSettings(preset=preset))  # loaded before the clock runs
    spent = []
    for which, some in ((f"{name}-few", _few(files)), (name, files)):
        request = indexing.IndexRequest(FolderSource(shelf.laid_out(which, some)), preset=preset)
        directory = shelf.scratch / f"{which}-{preset}"
        work = partial(_indexed, directory, request, monitor)
        report, cost = machine.spent(work, len(some))
        spent.append(cost)
    return Indexed(directory, report, machine.each(*spent))


def _indexed(directory: Path, request: indexing.IndexRequest, monitor: Monitor) -> IndexReport:
    """Index a folder; the workers have ended when it is done, so that what they took counts."""
    with Session(directory) as session:
        return indexing.index_folder(session, request, monitor)


def index_photos(preset: str, shelf: Shelf, monitor: Monitor) -> Indexed:
    """Index the photos that are not held back."""
    return index(preset, "kept", shelf.files(shelf.kept), shelf, monitor)


def find_twins(
    default: Indexed, shelf: Shelf, monitor: Monitor
) -> tuple[list[tuple[str, str]], tuple[FailedFile, ...]]:
    """Pairs of untouched photos that are hardly two, and photos that imagematch can't read.

    Held-back photos are compared, too. If A equals B, and B equals C, so does C equal A. What
    imagematch is less sure of counts: frames of one burst are different photos.

    Args:
        default: the index of the default preset.

    Returns:
        The least likely pairs first, then those that only follow from others.
    """
    directory = shutil.copytree(default.directory, shelf.scratch / "twins")
    away = shelf.laid_out("away", shelf.files(shelf.away))
    with Session(directory) as session:
        request = indexing.IndexRequest(FolderSource(away))
        report = indexing.index_folder(session, request, monitor)
        matches = querying.stored_matches(session)
    names = shelf.names
    found = {
        (min(names[one], names[two]), max(names[one], names[two])): judgement.confidence
        for one, two, judgement in matches
        if judgement.kind != "scene" and judgement.confidence >= TWIN
    }
    direct = sorted(found, key=lambda pair: (found[pair], pair))
    failed = (*default.report.failures, *report.failures)
    return [*direct, *sorted(_implied(direct) - found.keys())], failed


def _implied(pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """All pairs of photos that a chain of pairs joins, the smaller path first."""
    forest = Forest[str]()
    photos = set[str]()
    for left, right in pairs:
        forest.join(left, right)
        photos.update((left, right))
    groups: dict[str, list[str]] = {}
    for photo in sorted(photos):
        groups.setdefault(forest.find(photo), []).append(photo)
    return {pair for group in groups.values() for pair in combinations(group, 2)}


# --- asking --------------------------------------------------------------------------------------


def ask(
    preset: str, indexed: Indexed, cases: Sequence[Case], shelf: Shelf, monitor: Monitor
) -> MethodRun:
    """Look all cases up."""
    paths = [str(case.path) for case in cases]
    results, seconds = _asked(indexed.directory, paths, monitor)
    names = shelf.names
    hits = {case.name: _hits(result, names) for case, result in zip(cases, results, strict=True)}
    return MethodRun(_title(preset), hits, indexed.seconds, seconds, calibrated=True)


def ask_at_indexing(
    default: Indexed, cases: Sequence[Case], shelf: Shelf, monitor: Monitor
) -> MethodRun:
    """Index the edited pictures after the originals, and see what matches were stored."""
    files = {case.path.name: case.path for case in cases}
    spent = []
    for name, some in (("later-few", _few(files)), ("later", files)):
        directory = shutil.copytree(default.directory, shelf.scratch / f"{name}-index")
        request = indexing.IndexRequest(FolderSource(shelf.laid_out(name, some)), "later")
        work = partial(_indexed, directory, request, monitor)
        _, cost = machine.spent(work, len(some))
        spent.append(cost)
    names, queries = shelf.names, _by_sha256(cases)
    hits: dict[str, list[Hit]] = {}
    with Session(directory) as session:
        matches = querying.stored_matches(session)
    for one, two, judgement in matches:
        for query, photo in ((one, two), (two, one)):
            if photo in names:
                for case in queries.get(query, ()):
                    hits.setdefault(case.name, []).append(_hit(names[photo], judgement))
    return MethodRun(
        f"{_title(DEFAULT_PRESET)}, at indexing",
        {case.name: _ranked(hits.get(case.name, ())) for case in cases},
        machine.each(*spent),
        float("nan"),
        calibrated=True,
        whole=False,
    )


def ask_originals(
    cases: Sequence[Case], twins: Twins, shelf: Shelf, seed: int, monitor: Monitor
) -> Direction:
    """Index the edited pictures of indexed photos, and ask for some untouched photos.

    Pictures that show the photo, or a twin of it, and are not the one that is asked for are left
    out of the hits.
    """
    pictures = {case.path.name: case for case in cases if case.indexed}
    files = {name: case.path for name, case in pictures.items()}
    indexed = index(DEFAULT_PRESET, "edited", files, shelf, monitor)
    asked = _drawn(list(pictures.values()), shelf, seed)
    paths = sorted({str(case.path) for case in asked})
    results, seconds = _asked(indexed.directory, paths, monitor)
    by_sha256 = _by_sha256(list(pictures.values()))
    names = {sha256: same[0].path.name for sha256, same in by_sha256.items()}
    hits = {path: _hits(result, names) for path, result in zip(paths, results, strict=True)}
    equal = {frozenset(pair) for pair in twins}
    kept = {}
    for case in asked:
        photo = case.path.relative_to(shelf.folder).as_posix()
        others = {name for name, one in pictures.items() if _shows(one, photo, equal)}
        kept[case.name] = tuple(
            hit
            for hit in hits[str(case.path)]
            if hit.photo == case.source or hit.photo not in others
        )
    run = MethodRun(
        f"{_title(DEFAULT_PRESET)}, original asked",
        kept,
        indexed.seconds,
        seconds,
        calibrated=True,
    )
    return Direction(asked, run)


def _shows(case: Case, photo: str, equal: Collection[frozenset[str]]) -> bool:
    """Whether a picture shows a photo, or one that is equal to it."""
    shown = (case.source, *case.beside)
    return photo in shown or any(frozenset((one, photo)) in equal for one in shown)


def _drawn(pictures: Sequence[Case], shelf: Shelf, seed: int) -> tuple[Case, ...]:
    """Cases of the other direction: the photos of some pictures, and some that are held back."""
    rng = np.random.default_rng([seed, len(pictures)])
    chosen = [pictures[at] for at in rng.permutation(len(pictures))[:_ASKED]]
    away = [shelf.away[at] for at in rng.permutation(len(shelf.away))[:_ASKED_WITHOUT]]
    wanted = [
        Case(
            f"o-{case.name}",
            case.edit,
            case.steps,
            case.path.name,
            shelf.folder / case.source,
            True,
        )
        for case in chosen
    ]
    without = [
        Case(f"n-{number:03}", "untouched", (), "", shelf.folder / photo.path, False)
        for number, photo in enumerate(away)
    ]
    return (*wanted, *without)


def judge(
    pairs: Iterable[HardPair], monitor: Monitor
) -> Iterator[HardVerdict | tuple[HardPair, Failure]]:
    """Judge hard pairs with the settings of the default preset, as they are made."""
    waiting: list[HardPair] = []

    def paths() -> Iterator[tuple[str, str]]:
        for pair in pairs:
            monitor.check()
            waiting.append(pair)
            yield str(pair.left), str(pair.right)

    for compared in querying.compare_files(DEFAULTS, paths(), monitor):
        pair, said = waiting.pop(0), compared.judgement
        if said is None:
            yield pair, compared.failures[0].failure
        else:
            yield HardVerdict(pair, said.kind if compared.counts else "", said.confidence)


# --- answers to hits -----------------------------------------------------------------------------


def _asked(
    directory: Path, paths: Sequence[str], monitor: Monitor
) -> tuple[list[QueryResult], float]:
    """The answers, and seconds of one processor core for each."""

    def answers(some: Sequence[str]) -> list[QueryResult]:
        with Session(directory) as session:
            return list(querying.query_photos(session, some, _EVERYTHING, monitor))

    few = paths[: machine.warm_up_share(len(paths))]
    monitor.stage("query", len(paths) + len(few))
    _, small = machine.spent(partial(answers, few), len(few))
    results, large = machine.spent(partial(answers, paths), len(paths))
    return results, machine.each(small, large)


def _hits(result: QueryResult, names: Mapping[str, str]) -> tuple[Hit, ...]:
    """One hit a photo, whatever the number of its sightings."""
    photos = {match.sighting.photo: match.judgement for match in result.matches}
    return _ranked(
        _hit(names[photo], judgement) for photo, judgement in photos.items() if photo in names
    )


def _hit(name: str, judgement: Judgement) -> Hit:
    counts = calibration.counts(judgement, DEFAULTS.match)
    return Hit(name, judgement.confidence, judgement.kind, counts)


def _ranked(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    return tuple(sorted(hits, key=lambda hit: (-hit.score, hit.photo)))


def _title(preset: str) -> str:
    return f"imagematch {preset}"


# --- files ---------------------------------------------------------------------------------------


def _few(files: Mapping[str, Path]) -> dict[str, Path]:
    """Enough to start all workers."""
    return dict(islice(files.items(), machine.warm_up_share(len(files))))


def _link(source: Path, target: Path) -> None:
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copyfile(source, target)


def _by_sha256(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """The cases of each picture; chance may make two that are equal."""
    found: dict[str, list[Case]] = {}
    for case in cases:
        with case.path.open("rb") as file:
            found.setdefault(hashlib.file_digest(file, "sha256").hexdigest(), []).append(case)
    return found
