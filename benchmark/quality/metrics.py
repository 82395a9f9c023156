"""How good a method's answers are: scores and truths in, figures out.

Ranking figures (µAP, recalls) need scores of any scale; calibration figures need probabilities.
Equal scores never help a method: no threshold can tell them apart, so false ones count first.
"""

from dataclasses import dataclass

import numpy as np

from imagematch.errors import ShapeError
from imagematch.records import Flags

type Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
type Numbers = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

BINS = 10  # of a calibration error and of a reliability curve


@dataclass(frozen=True, slots=True)
class Answers:
    """All photos that one method named for all queries, as one list in any order.

    Attributes:
        query: shape (N,); the number of the query, 0 to Q - 1.
        score: shape (N,); higher is surer.
        true: shape (N,); the photo is the query's original. Once a query at most.
        wanted: shape (Q,); the query has an original that can be found.

    Raises:
        ShapeError: the arrays do not fit each other, or a score is not a number.
    """

    query: Numbers
    score: Values
    true: Flags
    wanted: Flags

    def __post_init__(self) -> None:
        if not self.query.shape == self.score.shape == self.true.shape == (self.query.size,):
            raise ShapeError(
                f"query, score and true have the shapes {self.query.shape}, {self.score.shape} "
                f"and {self.true.shape}"
            )
        if np.isnan(self.score).any():
            raise ShapeError("a score is not a number")
        if self.query.size and not 0 <= self.query.min() <= self.query.max() < self.wanted.size:
            raise ShapeError(f"queries go beyond 0 to {self.wanted.size - 1}")
        originals = self.query[self.true]
        if np.unique(originals).size < originals.size or not self.wanted[originals].all():
            raise ShapeError("a query without an original has one, or one has several")


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall at every threshold that makes a difference, highest first.

    Attributes:
        threshold: shape (T,); answers with this score or more are accepted. Strictly falling.
        precision: shape (T,), 0-1; share of the accepted answers that are true.
        recall: shape (T,), 0-1; share of the originals that are accepted. Never falling.
    """

    threshold: Values
    precision: Values
    recall: Values


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold, and what it gives.

    Attributes:
        threshold: infinite where no threshold will do; then nothing is accepted.
        precision, recall: 0-1.
    """

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class FalseCopies:
    """False answers at a fixed threshold.

    Attributes:
        without: queries that have no original.
        flagged: those of them that got an answer all the same.
        wanted: queries that have one.
        wrong: other photos that were accepted for these.
    """

    without: int
    flagged: int
    wanted: int
    wrong: int

    @property
    def rate(self) -> float:
        """0-1, share of the queries without an original that got an answer; NaN without any."""
        return self.flagged / self.without if self.without else float("nan")


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers of about the same confidence.

    Attributes:
        low, high: 0-1, the limits; the upper one belongs to the next bin, but for 1.
        count: how many answers.
        confidence: 0-1, their mean confidence; NaN of none.
        share: 0-1, how many of them are true; NaN of none.
    """

    low: float
    high: float
    count: int
    confidence: float
    share: float


# --- ranking -------------------------------------------------------------------------------------


def micro_average_precision(answers: Answers) -> float:
    """Mean, over all originals, of the precision at the place where each is found, 0-1.

    One list for all queries: a query without an original adds only false answers, and an original
    that nobody named counts as 0. NaN without originals.

    Source: Douze et al. 2021, "The 2021 Image Similarity Dataset and Challenge" (DISC21); its
    evaluation code also puts false answers before true ones of the same score.
    """
    wanted = int(answers.wanted.sum())
    if not wanted:
        return float("nan")
    true = answers.true[np.lexsort((answers.true, -answers.score))]
    precision = np.cumsum(true) / np.arange(1, true.size + 1)
    return float(precision[true].sum() / wanted)


def recall_at_first(answers: Answers) -> float:
    """Share of originals that score higher than any other photo of their query, 0-1 (R@1).

    NaN without originals.
    """
    wanted = int(answers.wanted.sum())
    if not wanted:
        return float("nan")
    best_true, best_false = (_best(answers, answers.true), _best(answers, ~answers.true))
    return float((best_true > best_false).sum() / wanted)


def precision_recall(answers: Answers) -> Curve:
    """The curve; it has no points where there are no answers or no originals."""
    wanted = int(answers.wanted.sum())
    if not wanted or not answers.score.size:
        nothing = np.empty(0, np.float64)
        return Curve(nothing, nothing, nothing)
    order = np.argsort(-answers.score, kind="stable")
    score = answers.score[order]
    # Equal scores stand or fall together: only the last of them is a threshold.
    last = np.append(score[1:] != score[:-1], True)
    found = np.cumsum(answers.true[order])[last]
    accepted = np.arange(1, score.size + 1)[last]
    return Curve(score[last], found / accepted, found / wanted)


def recall_at_precision(curve: Curve, precision: float) -> OperatingPoint:
    """The threshold that finds most among those with at least this precision.

    Of several that find the same, the highest, which accepts no needless answer. A precision of 1
    means: as far down as there is no false answer.
    """
    good = np.flatnonzero(curve.precision >= precision)
    if not good.size:
        return OperatingPoint(float("inf"), float("nan"), 0.0)
    at = good[np.argmax(curve.recall[good])]
    return OperatingPoint(
        float(curve.threshold[at]), float(curve.precision[at]), float(curve.recall[at])
    )


def found(answers: Answers, threshold: float) -> Flags:
    """Which queries' originals have this score or more; shape (Q,)."""
    shown = np.zeros(answers.wanted.size, np.bool_)
    shown[answers.query[answers.true & (answers.score >= threshold)]] = True
    return shown


def false_copies(answers: Answers, least: float) -> FalseCopies:
    """Count the false answers with this score or more."""
    false = answers.query[~answers.true & (answers.score >= least)]
    for_wanted = answers.wanted[false]
    return FalseCopies(
        without=int((~answers.wanted).sum()),
        flagged=int(np.unique(false[~for_wanted]).size),
        wanted=int(answers.wanted.sum()),
        wrong=int(for_wanted.sum()),
    )


def _best(answers: Answers, among: Flags) -> Values:
    """The highest score of each query among some answers, -inf without one; shape (Q,)."""
    best = np.full(answers.wanted.size, -np.inf)
    np.maximum.at(best, answers.query[among], answers.score[among])
    return best


# --- calibration ---------------------------------------------------------------------------------


def calibration_error(
    confidence: Values, true: Values | Flags, *, equal_count: bool, bins: int = BINS
) -> float:
    """Expected calibration error: mean gap between confidence and share of truth over the bins.

    Args:
        confidence: shape (N,), 0-1.
        true: shape (N,); 1 where the answer is true.
        equal_count: bins of equally many answers instead of equal width.

    Returns:
        0-1; NaN without answers.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015 (equal width); equal count shows what happens
    where most pairs are.
    """
    if not len(confidence):
        return float("nan")
    if equal_count:
        parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    else:
        number = _bin_numbers(confidence, bins)
        parts = [np.flatnonzero(number == one) for one in range(bins)]
    gaps = [abs(confidence[part].sum() - true[part].sum()) for part in parts if len(part)]
    return float(sum(gaps) / len(confidence))


def reliability(confidence: Values, true: Values | Flags, bins: int = BINS) -> tuple[Bin, ...]:
    """Confidence against truth in bins of equal width; arguments as of `calibration_error`."""
    number = _bin_numbers(confidence, bins)
    return tuple(
        _bin(one / bins, (one + 1) / bins, confidence[number == one], true[number == one])
        for one in range(bins)
    )


def band(confidence: Values, true: Values | Flags, low: float, high: float) -> Bin:
    """The answers from `low` up to but not including `high`; a `high` of 1 includes it."""
    inside = (confidence >= low) & ((confidence < high) | (high >= 1))
    return _bin(low, high, confidence[inside], true[inside])


def wilson_interval(count: int, share: float) -> tuple[float, float]:
    """Where a share that was measured on `count` answers may truly lie, 95 %; (0, 1) of none.

    Source: Wilson 1927; unlike the textbook interval it holds for few answers and shares near 1.
    """
    if not count:
        return 0.0, 1.0
    z = 1.959964  # the normal distribution has 2.5 % above it
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    # Exact at the ends, where rounding would leave 0.9999... or 1e-17.
    return middle - reach if share > 0 else 0.0, middle + reach if share < 1 else 1.0


def _bin(low: float, high: float, confidence: Values, true: Values | Flags) -> Bin:
    if not confidence.size:
        return Bin(low, high, 0, float("nan"), float("nan"))
    return Bin(low, high, int(confidence.size), float(confidence.mean()), float(true.mean()))


def _bin_numbers(confidence: Values, bins: int) -> Numbers:
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)
