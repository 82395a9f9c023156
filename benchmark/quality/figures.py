"""A finished run in, its figures out: what tables, plots and the page all show."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmark.quality import metrics
from benchmark.quality.cases import Benchmark, Case, HardVerdict, Hit, MethodRun
from benchmark.quality.metrics import Answers, Bin, Curve, FalseCopies, OperatingPoint, Values
from imagematch.calibration import shipped
from imagematch.records import Flags

#: Precisions at which recall is shown; DISC21 shows the first.
PRECISIONS = (0.9, 0.99, 1.0)

#: The precision at which edits are compared and misses are counted.
COMMON_PRECISION = 0.99

#: Most candidates are dismissed, rightly, and would make any calibration error look small.
DISMISSED = 0.05

type Twins = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class EditRecall:
    """How many cases, such as those of one edit, were found."""

    cases: int
    found: int
    share: float = field(init=False, compare=False)  # 0-1; NaN without cases

    def __post_init__(self) -> None:
        share = self.found / self.cases if self.cases else math.nan
        object.__setattr__(self, "share", share)


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """Expected calibration error over some answers, in ten bins; NaN without answers."""

    answers: int
    equal_count: float
    equal_width: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether the probabilities of a calibrated method are true.

    Attributes:
        everything: over all answers.
        not_dismissed: over those with a confidence of at least `DISMISSED`.
        bins: ten of equal width, over all answers.
        bands: by name, surest first; only what is claimed to be a copy.
    """

    everything: CalibrationError
    not_dismissed: CalibrationError
    bins: tuple[Bin, ...]
    bands: Mapping[str, Bin]


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """How good one method is.

    Attributes:
        micro_ap, recall_first: µAP and R@1, 0-1.
        points: by precision, one for each of `PRECISIONS`.
        edits: recall by edit at the threshold of `COMMON_PRECISION`, which is set once, over all
            cases.
        shown: how many originals imagematch shows by default; None of a method that gives no
            probabilities.
        false: what else it shows as copies by default; None likewise.
        reliability: None likewise, and where only what is shown is known.
        seconds_photo, seconds_query: of one processor core; NaN where there is none.
    """

    method: str
    micro_ap: float
    recall_first: float
    curve: Curve
    points: Mapping[float, OperatingPoint]
    edits: Mapping[str, EditRecall]
    shown: EditRecall | None
    false: FalseCopies | None
    reliability: Reliability | None
    seconds_photo: float
    seconds_query: float

    @property
    def common(self) -> OperatingPoint:
        """Where edits are compared."""
        return self.points[COMMON_PRECISION]


@dataclass(frozen=True, slots=True)
class HardFigures:
    """What hard pairs of one group came out as.

    Attributes:
        copies: as `exact`, `copy` or `part`; each is an error.
        scenes: as `scene`.
        unfounded: those of the scenes that do not show one place.
        nothing: as no match at all.
        highest: 0-1, the highest confidence of any.
    """

    group: str
    pairs: int
    copies: int
    scenes: int
    unfounded: int
    nothing: int
    highest: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures of one run.

    Attributes:
        wanted: cases whose original is indexed.
        without: cases that have none.
        edits: cases with an original by edit, in the order of tables.
        backwards: of the other direction, where it was measured.
    """

    methods: tuple[MethodFigures, ...]
    hard: tuple[HardFigures, ...]
    wanted: int
    without: int
    edits: Mapping[str, int]
    backwards: MethodFigures | None = None

    def method(self, name: str) -> MethodFigures:
        """The figures of one method, which must be there."""
        return next(method for method in self.methods if method.method == name)


def measure(benchmark: Benchmark) -> Figures:
    """Compute all figures."""
    twins = twins_of(benchmark)
    wanted = sum(case.indexed for case in benchmark.cases)
    edits = Counter(case.edit for case in benchmark.cases if case.indexed)
    other = benchmark.backwards
    return Figures(
        tuple(_method(benchmark.cases, run, twins) for run in benchmark.runs),
        _hard(benchmark.hard),
        wanted,
        len(benchmark.cases) - wanted,
        # By name, so that "crop_20" stands beside "crop_40", and two runs compare line by line.
        dict(sorted(edits.items())),
        _method(other.cases, other.run, {}) if other else None,
    )


def twins_of(benchmark: Benchmark) -> Twins:
    """For each photo that has any, the photos taken for the same one."""
    twins: dict[str, set[str]] = {}
    for left, right in benchmark.twins:
        twins.setdefault(left, set()).add(right)
        twins.setdefault(right, set()).add(left)
    return {photo: frozenset(others) for photo, others in twins.items()}


def counted_hits(case: Case, run: MethodRun, twins: Twins) -> Iterator[Hit]:
    """The hits of a case that are true or false, each photo once, best first.

    A twin of the source, or of what the picture shows beside it, is neither: whether it is the same
    photograph is for a person to say.
    """
    passed: set[str] = set().union(*(twins.get(one, ()) for one in (case.source, *case.beside)))
    passed.discard(case.source)
    for hit in run.hits.get(case.name, ()):
        if hit.photo not in passed:
            passed.add(hit.photo)
            yield hit


def is_true(case: Case, hit: Hit) -> bool:
    """The hit is what the case looks for."""
    return case.indexed and hit.photo == case.source


def percent(value: float) -> str:
    """A precision as headings name it: "99 %"."""
    return f"{value * 100:g} %"


# --- one method ----------------------------------------------------------------------------------


def _method(cases: Sequence[Case], run: MethodRun, twins: Twins) -> MethodFigures:
    answers, claims = _answers(cases, run, twins)
    curve = metrics.precision_recall(answers)
    points = {least: metrics.recall_at_precision(curve, least) for least in PRECISIONS}
    return MethodFigures(
        method=run.method,
        micro_ap=metrics.micro_average_precision(answers),
        recall_first=metrics.recall_at_first(answers),
        curve=curve,
        points=points,
        edits=_edits(cases, metrics.found(answers, points[COMMON_PRECISION].threshold)),
        shown=_shown(claims) if run.calibrated else None,
        false=metrics.false_copies(claims, -math.inf) if run.calibrated else None,
        reliability=_reliability(answers, claims) if run.calibrated and run.whole else None,
        seconds_photo=run.seconds_photo,
        seconds_query=run.seconds_query,
    )


def _answers(cases: Sequence[Case], run: MethodRun, twins: Twins) -> tuple[Answers, Answers]:
    """All answers, and those that claim a copy."""
    rows = [
        (number, hit.score, is_true(case, hit), hit.is_claim)
        for number, case in enumerate(cases)
        for hit in counted_hits(case, run, twins)
    ]
    number = np.array([row[0] for row in rows], np.int64)
    score = np.array([row[1] for row in rows], np.float64)
    true = np.array([row[2] for row in rows], np.bool_)
    claim = np.array([row[3] for row in rows], np.bool_)
    wanted = np.array([case.indexed for case in cases], np.bool_)
    claims = Answers(number[claim], score[claim], true[claim], wanted)
    return Answers(number, score, true, wanted), claims


def _edits(cases: Sequence[Case], found: Flags) -> dict[str, EditRecall]:
    every, right = Counter[str](), Counter[str]()
    for case, is_found in zip(cases, found, strict=True):
        if case.indexed:
            every[case.edit] += 1
            right[case.edit] += int(is_found)
    return {edit: EditRecall(every[edit], right[edit]) for edit in sorted(every)}


def _shown(claims: Answers) -> EditRecall:
    return EditRecall(int(claims.wanted.sum()), int(claims.true.sum()))


def _reliability(answers: Answers, claims: Answers) -> Reliability:
    kept = answers.score >= DISMISSED
    bands, high = {}, 1.0
    for band in shipped().bands:
        bands[band.name] = metrics.band(claims.score, claims.true, band.least, high)
        high = band.least
    return Reliability(
        _calibration_error(answers.score, answers.true),
        _calibration_error(answers.score[kept], answers.true[kept]),
        metrics.reliability(answers.score, answers.true),
        bands,
    )


def _calibration_error(confidence: Values, true: Flags) -> CalibrationError:
    return CalibrationError(
        int(confidence.size),
        metrics.calibration_error(confidence, true, equal_count=True),
        metrics.calibration_error(confidence, true, equal_count=False),
    )


# --- hard pairs ----------------------------------------------------------------------------------


def _hard(verdicts: Sequence[HardVerdict]) -> tuple[HardFigures, ...]:
    groups: dict[str, list[HardVerdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.pair.group, []).append(verdict)
    return tuple(_group(name, groups[name]) for name in sorted(groups))


def _group(name: str, verdicts: Sequence[HardVerdict]) -> HardFigures:
    kinds = Counter(verdict.kind for verdict in verdicts)
    scenes = [verdict for verdict in verdicts if verdict.kind == "scene"]
    return HardFigures(
        group=name,
        pairs=len(verdicts),
        copies=len(verdicts) - kinds["scene"] - kinds[""],
        scenes=len(scenes),
        unfounded=sum(not verdict.pair.may_be_scene for verdict in scenes),
        nothing=kinds[""],
        highest=max(verdict.confidence for verdict in verdicts),
    )
