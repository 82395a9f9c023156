"""Measured pairs in, fitted models and figures of how well they hold out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from calibration_pairs import Pair
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from imagematch.kernels.confidence import Calibration, Logistic, features, judge
from imagematch.records import Judgement
from imagematch.settings import DEFAULTS

#: What each model sees; more of any of these never lowers a confidence.
FEATURES = {
    "geometry": ("log_inliers", "correlation", "agreement", "overlap"),
    "appearance": ("cosine", "pdq"),
    "embedding": ("cosine",),
    "hash": ("pdq",),
}

#: Pull of the weights towards 0, nats for a weight of 1; keeps them finite where the tuning half
#: is told apart without an error.
_RIDGE = 0.02

#: The hash learns from pairs up to this distance, half as far again as its candidates, bits.
_FARTHEST_PDQ = 96

BINS = 10  # of a calibration error and of a reliability table

type Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


# --- fitting -------------------------------------------------------------------------------------


def fit_logistic(
    seen: Sequence[Mapping[str, float]], true: Values, names: Sequence[str]
) -> Logistic:
    """Fit a logistic model whose weights are not negative.

    Args:
        seen: N sets of features.
        true: shape (N,); 1 for pairs of one photo, else 0.
        names: of the features to use.

    Source: the targets are Platt's (1999): a little less than 1 and more than 0, by how few
    examples there are, so that a class that was never seen is not held to be impossible.
    """
    inputs = np.array([[row[name] for name in names] for row in seen])
    targets = platt_targets(true)

    def loss(parameters: Values) -> tuple[float, Values]:
        logits = parameters[0] + inputs @ parameters[1:]
        cost = (np.logaddexp(0, logits) - targets * logits).sum()
        cost += _RIDGE * (parameters[1:] ** 2).sum()
        missing = expit(logits) - targets
        slope = np.concatenate([[missing.sum()], inputs.T @ missing])
        slope[1:] += 2 * _RIDGE * parameters[1:]
        return float(cost), slope

    start = np.zeros(len(names) + 1)
    bounds = [(None, None)] + [(0.0, None)] * len(names)
    fitted = minimize(
        loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 5000}
    ).x
    weights = {
        name: round(float(weight), 4) for name, weight in zip(names, fitted[1:], strict=True)
    }
    return Logistic(round(float(fitted[0]), 4), weights)


def platt_targets(true: Values) -> Values:
    """(N1 + 1) / (N1 + 2) for the N1 true ones, 1 / (N0 + 2) for the N0 others."""
    good = true.sum()
    return np.where(true > 0, (good + 1) / (good + 2), 1 / (len(true) - good + 2))


def fit_penalty(logits: Values, true: Values) -> float:
    """The number of logits to take off so that the probabilities fit; not negative."""
    targets = platt_targets(true)

    def loss(penalty: float) -> float:
        shifted = logits - penalty
        return float((np.logaddexp(0, shifted) - targets * shifted).sum())

    return round(float(minimize_scalar(loss, bounds=(0, 20), method="bounded").x), 4)


def fit(pairs: Sequence[Pair], apart: Sequence[Pair]) -> Calibration:
    """Fit all models.

    Args:
        pairs: candidates.
        apart: parts of one photo without a common pixel; the hardest cases for geometry, which
            nothing else learns from, because as candidates they would be rare.
    """
    models = {}
    for name, names in FEATURES.items():
        rows = [pair for pair in pairs if concerns(name, pair)]
        if name == "geometry":
            rows += [pair for pair in apart if concerns(name, pair)]
        seen = [features(pair.pdq_distance, pair.cosine, pair.geometry) for pair in rows]
        models[name] = fit_logistic(seen, truth(rows), names)
    unpenalised = Calibration(**models, blind_penalty=0.0)
    blind = [pair for pair in pairs if judgement(pair, unpenalised).evidence.rule == "appearance"]
    confident = confidences(blind, partial(judgement, calibration=unpenalised)).clip(1e-9, 1 - 1e-9)
    penalty = fit_penalty(np.log(confident / (1 - confident)), truth(blind))
    return replace(unpenalised, blind_penalty=penalty)


def concerns(model: str, pair: Pair) -> bool:
    """Whether a model learns from a pair: all that it uses was measured.

    Geometry learns from all pairs that could be laid over each other, and the hash from pairs
    beyond its candidates: of those that they accept hardly one is false, and from them alone
    nothing can be learned.
    """
    if model == "geometry":
        return pair.geometry is not None and pair.geometry.reason in ("accepted", "pixels_differ")
    if model == "hash":
        return pair.pdq_distance is not None and pair.pdq_distance <= _FARTHEST_PDQ
    if model == "embedding":
        return pair.cosine is not None and pair.cosine >= least_cosine(pair.door)
    return pair.cosine is not None and pair.pdq_distance is not None


def accepted(pair: Pair) -> bool:
    """Whether geometry takes the two for copies."""
    return pair.geometry is not None and pair.geometry.reason == "accepted"


def least_cosine(door: str) -> float:
    """Of a candidate by embedding."""
    search = DEFAULTS.search
    return search.min_cosine_query if door == "query" else search.min_cosine


# --- judging -------------------------------------------------------------------------------------


def judgement(pair: Pair, calibration: Calibration) -> Judgement:
    """What the product would say."""
    return judge(
        same_pixels=False,
        pdq_distance=pair.pdq_distance,
        cosine=pair.cosine,
        geometry=pair.geometry,
        calibration=calibration,
        settings=DEFAULTS.verify,
    )


def unverified(pair: Pair, model: str, calibration: Calibration) -> Judgement:
    """What it would say without the files, knowing only what the model uses."""
    known = replace(
        pair,
        geometry=None,
        pdq_distance=None if model == "embedding" else pair.pdq_distance,
        cosine=None if model == "hash" else pair.cosine,
    )
    return judgement(known, calibration)


def truth(pairs: Sequence[Pair]) -> Values:
    """Shape (N,): 1 for pairs of one photo, else 0."""
    return np.array([pair.true for pair in pairs], np.float64)


def confidences(pairs: Sequence[Pair], judged: Callable[[Pair], Judgement]) -> Values:
    """Shape (N,), 0-1."""
    return np.array([judged(pair).confidence for pair in pairs], np.float64)


@dataclass(frozen=True, slots=True)
class Figures:
    """How well the confidences of some pairs hold.

    Attributes:
        pairs, true: counts.
        precision, recall: at confidence 0.5 and 0.9; recall among the true pairs given.
        ece_count, ece_width: expected calibration error, bins of equal count and of equal width.
        brier: mean squared difference of confidence and truth.
    """

    pairs: int
    true: int
    precision: tuple[float, float]
    recall: tuple[float, float]
    ece_count: float
    ece_width: float
    brier: float


def figures(confidence: Values, true: Values, wanted: int | None = None) -> Figures:
    """Measure; `wanted` is the number of true pairs to be found where some are no candidates."""
    precision, recall = [], []
    for least in (0.5, 0.9):
        shown = confidence >= least
        precision.append(float(true[shown].mean()) if shown.any() else float("nan"))
        recall.append(float(true[shown].sum() / max(1, true.sum() if wanted is None else wanted)))
    return Figures(
        len(true),
        int(true.sum()),
        (precision[0], precision[1]),
        (recall[0], recall[1]),
        calibration_error(confidence, true, equal_count=True),
        calibration_error(confidence, true, equal_count=False),
        float(((confidence - true) ** 2).mean()) if len(true) else float("nan"),
    )


def calibration_error(confidence: Values, true: Values, *, equal_count: bool) -> float:
    """Expected calibration error: mean gap between confidence and share of truth over 10 bins.

    Source: Naeini, Cooper and Hauskrecht, AAAI 2015 (equal width); equal count shows what happens
    where most pairs are.
    """
    if not len(confidence):
        return float("nan")
    if equal_count:
        bins = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    else:
        number = np.minimum((confidence * BINS).astype(int), BINS - 1)
        bins = [np.flatnonzero(number == one) for one in range(BINS)]
    gaps = [abs(confidence[b].sum() - true[b].sum()) for b in bins if len(b)]
    return float(sum(gaps) / len(confidence))
