"""What evidence is worth, as it was measured: the models of confidence, their features, the bands.

The coefficients are fitted on tuning photos and tested on others by scripts/calibrate.py, and live
in imagematch/calibration.json with their provenance. `kernels.confidence` judges by them.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from imagematch.errors import SettingsError
from imagematch.records import Geometry, Judgement
from imagematch.settings import DEFAULTS, MatchSettings


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic model over named features."""

    intercept: float
    weights: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        """0-1, for features that have at least the names of the weights."""
        logit = self.intercept + sum(
            weight * features[name] for name, weight in self.weights.items()
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, logit))))


@dataclass(frozen=True, slots=True)
class Band:
    """A name for the confidences of matches from `least` (0-1) up to the next band.

    Attributes:
        precision: 0-1, the share of matches in this band that were right when it was measured.
            None: not measured, and then nothing is claimed.
        pairs: how many matches that share is of; None likewise.
    """

    name: str
    least: float
    precision: float | None
    pairs: int | None


@dataclass(frozen=True, slots=True)
class Calibration:
    """The models of each rule; see `features` for what goes in."""

    geometry: Logistic  # keypoints and aligned pixels agree
    coarse: Logistic  # the coarse shapes of both whole pictures agree
    appearance: Logistic  # embedding and hash alone
    embedding: Logistic  # embedding alone
    hash: Logistic  # PDQ alone
    blind_penalty: float  # logit taken off when geometry was tried and found nothing
    bands: tuple[Band, ...] = ()  # highest first

    @classmethod
    def from_json(cls, text: str) -> "Calibration":
        """Read a calibration file.

        Raises:
            SettingsError: it is not one.
        """
        try:
            content = json.loads(text)
            models = {name: _logistic(model) for name, model in content["models"].items()}
            return cls(
                blind_penalty=_number(content["blind_penalty"]),
                bands=_bands(content["bands"]),
                **models,
            )
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise SettingsError(f"the calibration file is damaged: {error!r}") from error


def _logistic(model: Mapping[str, Any]) -> Logistic:
    unknown = set(model["weights"]) - set(features(None, None, None))
    if unknown:
        raise ValueError(f"there are no features {sorted(unknown)}")
    weights = {name: _number(weight) for name, weight in model["weights"].items()}
    return Logistic(_number(model["intercept"]), weights)


def _bands(entries: Sequence[Mapping[str, Any]]) -> tuple[Band, ...]:
    bands = tuple(_read_band(entry) for entry in entries)
    if any(higher.least <= lower.least for higher, lower in pairwise(bands)):
        raise ValueError("the bands are not in order, highest first")
    if len({entry.name for entry in bands}) < len(bands):
        raise ValueError("two bands have one name")
    return bands


def _read_band(entry: Mapping[str, Any]) -> Band:
    name, least = entry["name"], _number(entry["from"])
    precision, pairs = entry["precision"], entry["pairs"]
    if not isinstance(name, str) or not name.isidentifier():
        raise ValueError(f"{name!r} is no name of a band")
    if (precision is None) != (pairs is None):
        raise ValueError(f"band {name}: a precision goes with the number of pairs it is of")
    if precision is not None:
        precision = _number(precision)
        if type(pairs) is not int or pairs < 1:
            raise ValueError(f"band {name}: {pairs!r} is no number of pairs")
    if not all(0 <= share <= 1 for share in (least, precision or 0.0)):
        raise ValueError(f"band {name}: a share is not between 0 and 1")
    return Band(name, least, precision, pairs)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


@cache
def shipped() -> Calibration:
    """The calibration that comes with imagematch."""
    return Calibration.from_json(
        files("imagematch").joinpath("calibration.json").read_text("utf-8")
    )


def features(
    pdq_distance: int | None, cosine: float | None, geometry: Geometry | None
) -> dict[str, float]:
    """What the models see.

    Returns:
        "cosine" (-1 to 1), "pdq" (1 = equal, 0 = half of the 256 bits differ, as by chance),
        "log_inliers" (natural logarithm), "correlation" (-1 to 1), "agreement", "closeness",
        "plain_closeness", "compared", "contradiction", "exchanged", "detail", "shared_detail" (see
        `records.Geometry`) and "overlap" (0-1).
    """
    measured = {
        name: getattr(geometry, name) if geometry else 0.0
        for name in (
            "correlation",
            "agreement",
            "closeness",
            "plain_closeness",
            "compared",
            "contradiction",
            "exchanged",
            "detail",
            "shared_detail",
        )
    }
    return {
        "cosine": 0.0 if cosine is None else cosine,
        "pdq": 0.0 if pdq_distance is None else max(0.0, 1 - pdq_distance / 128),
        "log_inliers": math.log1p(geometry.inliers) if geometry else 0.0,
        **measured,
        "overlap": max(geometry.cover_query, geometry.cover_photo) if geometry else 0.0,
    }


def counts(judgement: Judgement, settings: MatchSettings) -> bool:
    """Whether a judged pair is a match, or a lead that is kept."""
    if judgement.kind == "scene":
        geometry = judgement.evidence.geometry
        return geometry is not None and geometry.inliers >= settings.scene_inliers
    confirmed = judgement.evidence.rule in ("same_pixels", "same_bytes", "geometry", "coarse")
    return judgement.confidence >= (
        settings.min_confidence if confirmed else settings.min_confidence_unverified
    )


def band(judgement: Judgement, calibration: Calibration) -> str:
    """The name of the band that the confidence of a match is in.

    Returns:
        "" below the lowest band, for a `scene`, which is a lead and no match however sure it is,
        and for a pair that is no match by the default settings: those are what was measured.
    """
    if judgement.kind == "scene" or not counts(judgement, DEFAULTS.match):
        return ""
    names = (entry.name for entry in calibration.bands if judgement.confidence >= entry.least)
    return next(names, "")
