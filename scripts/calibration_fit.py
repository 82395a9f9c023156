"""Measured pairs in, fitted models out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from imagematch.calibration import Calibration, Logistic, features, shipped
from imagematch.kernels.confidence import judge
from imagematch.records import Evidence, Judgement
from imagematch.settings import DEFAULTS

#: What each model sees; more of any of these never lowers a confidence, but for `_AGAINST`.
FEATURES = {
    "geometry": (
        "plain_closeness",
        "shared_detail",
        "compared",
        "overlap",
        "contradiction",
        "exchanged",
        "detail",
    ),
    "coarse": ("closeness", "agreement"),
    "appearance": ("cosine", "pdq"),
    "embedding": ("cosine",),
    "hash": ("pdq",),
}

#: Of these, more never raises a confidence. Strong details speak against a copy only beside the
#: share of them that both have: where they are many, so is what is not shared.
_AGAINST = frozenset({"contradiction", "exchanged", "detail"})

#: Pull of the weights towards 0, nats for a weight of 1 a standard deviation; keeps them finite
#: where the tuning half is told apart without an error.
_RIDGE = 0.02
_NO_SPREAD = 1e-9

#: From this confidence on, pairs that geometry finds nothing in say what that is worth.
_ALIKE = 0.5

#: The hash learns from pairs up to this distance, half as far again as its candidates, bits.
_FARTHEST_PDQ = 96

type Values = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Example:
    """A pair of which it is known whether both derive from one photograph.

    Attributes:
        edit: what was done to the query, or why the pair is hard.
        query, photo: what they are made from, for people.
    """

    edit: str
    query: str
    photo: str
    true: bool
    evidence: Evidence

    @property
    def laid_over(self) -> bool:
        """One was laid over the other by keypoints, whatever came of it."""
        geometry = self.evidence.geometry
        laid = geometry is not None and geometry.reason in ("accepted", "pixels_differ")
        return laid and not self.coarse

    @property
    def coarse(self) -> bool:
        """Only their coarse shapes were compared."""
        return self.evidence.geometry is not None and self.evidence.geometry.coarse


# --- fitting -------------------------------------------------------------------------------------


def fit_logistic(
    seen: Sequence[Mapping[str, float]], true: Values, names: Sequence[str]
) -> Logistic:
    """Fit a logistic model whose weights have the signs that they should have.

    Args:
        seen: N sets of features.
        true: shape (N,); 1 for pairs of one photo, else 0.
        names: of the features to use.

    Source: the targets are Platt's (1999): a little less than 1 and more than 0, by how few
    examples there are, so that a class that was never seen is not held to be impossible.
    """
    inputs = np.array([[row[name] for name in names] for row in seen])
    spread = inputs.std(axis=0)
    spread[spread < _NO_SPREAD] = 1.0
    inputs = inputs / spread  # so that the pull is the same on all
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
    bounds = [(None, None)] + [(None, 0.0) if name in _AGAINST else (0.0, None) for name in names]
    fitted = minimize(
        loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 5000}
    ).x
    weights = {
        name: round(float(weight), 4)
        for name, weight in zip(names, fitted[1:] / spread, strict=True)
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


def fit(examples: Sequence[Example]) -> Calibration:
    """Fit all models; the bands stay, and are not measured."""
    models = {}
    for name, names in FEATURES.items():
        rows = [example for example in examples if _concerns(name, example)]
        models[name] = getattr(shipped(), name)  # kept where nothing can be learned
        if rows:
            models[name] = fit_logistic([_seen(row) for row in rows], truth(rows), names)
    bands = tuple(replace(band, precision=None, pairs=None) for band in shipped().bands)
    unpenalised = Calibration(**models, blind_penalty=0.0, bands=bands)
    judged = partial(judgement, calibration=unpenalised)
    blind = [example for example in examples if judged(example).evidence.rule == "appearance"]
    # Thousands of pairs with nothing in common would say what is right for those that look alike.
    alike = [example for example in blind if judged(example).confidence >= _ALIKE]
    blind = alike or blind
    confident = confidences(blind, judged).clip(1e-9, 1 - 1e-9)
    penalty = fit_penalty(np.log(confident / (1 - confident)), truth(blind))
    return replace(unpenalised, blind_penalty=penalty)


def _concerns(model: str, example: Example) -> bool:
    """Whether a model learns from a pair: all that it uses was measured.

    Geometry learns from all pairs that could be laid over each other, and the hash from pairs
    beyond its candidates: of those that they accept hardly one is false, and from them alone
    nothing can be learned.
    """
    distance, cosine = example.evidence.pdq_distance, example.evidence.cosine
    if model == "geometry":
        return example.laid_over
    if model == "coarse":
        return example.coarse
    if model == "hash":
        return distance is not None and distance <= _FARTHEST_PDQ
    if model == "embedding":
        return cosine is not None
    return cosine is not None and distance is not None


def _seen(example: Example) -> dict[str, float]:
    evidence = example.evidence
    return features(evidence.pdq_distance, evidence.cosine, evidence.geometry)


def accepted(example: Example) -> bool:
    """Whether geometry found the pixels alike enough to ask the calibration."""
    geometry = example.evidence.geometry
    return geometry is not None and geometry.reason == "accepted"


def judgement(example: Example, calibration: Calibration) -> Judgement:
    """What the product would say."""
    return judge(
        same_pixels=False,
        pdq_distance=example.evidence.pdq_distance,
        cosine=example.evidence.cosine,
        geometry=example.evidence.geometry,
        calibration=calibration,
        settings=DEFAULTS.verify,
    )


def truth(examples: Sequence[Example]) -> Values:
    """Shape (N,): 1 for pairs of one photo, else 0."""
    return np.array([example.true for example in examples], np.float64)


def confidences(examples: Sequence[Example], judged: Callable[[Example], Judgement]) -> Values:
    """Shape (N,), 0-1."""
    return np.array([judged(example).confidence for example in examples], np.float64)
