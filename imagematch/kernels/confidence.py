"""From evidence to a kind and a calibrated probability: numbers in, a `Judgement` out.

The rules are few and in order, and every judgement names the one that decided. The coefficients are
fitted on tuning photos and tested on others by scripts/calibrate.py, and live in
imagematch/calibration.json with their provenance.
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
from imagematch.records import Evidence, Geometry, Judgement
from imagematch.settings import DEFAULTS, MatchSettings, VerifySettings

#: Geometry that ends like this says that nothing could be compared, not that the photos differ.
_BLIND = frozenset({"few_keypoints", "few_inliers", "implausible", "small_overlap"})

#: A pair whose aligned pixels differ is never shown as a copy, whatever else agrees.
_SCENE_CEILING = 0.3

#: Two photos that were laid over each other are a copy if that is likelier than not.
_LIKELY = 0.5

#: Only the same bytes or pixels are beyond doubt. A factor, so that the surer pair stays so.
_CEILING = 0.9999

#: One file, or two that are equal byte for byte.
SAME_BYTES = Judgement("exact", 1.0, Evidence(True, None, None, None, "same_bytes"))


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


def judge(
    *,
    same_pixels: bool,
    pdq_distance: int | None,
    cosine: float | None,
    geometry: Geometry | None,
    calibration: Calibration,
    settings: VerifySettings,
) -> Judgement:
    """Decide what a pair is, and how sure that is.

    The rules, first that applies:
        same_pixels: the pictures are equal pixel by pixel: `exact`.
        geometry: one photo was laid over the other and the pixels agree: `copy` or `part`.
        pixels_differ: it was laid over, and they do not agree, or not well enough: `scene`.
        coarse: geometry saw no details; both whole pictures have the same coarse shapes: `copy`.
        appearance: geometry found nothing to compare; embedding and hash decide, with a penalty.
        unverified: geometry could not be tried; embedding and hash decide.
    """

    def judged(kind: str, confidence: float, rule: str) -> Judgement:
        evidence = Evidence(same_pixels, pdq_distance, cosine, geometry, rule)
        return Judgement(kind, round(confidence, 7), evidence)  # type: ignore[arg-type]

    if same_pixels:
        return judged("exact", 1.0, "same_pixels")
    known = features(pdq_distance, cosine, geometry)
    if geometry is not None and geometry.coarse:
        return judged("copy", _CEILING * calibration.coarse.probability(known), "coarse")
    if geometry is not None and geometry.reason not in _BLIND:
        probability = _CEILING * calibration.geometry.probability(known)
        if geometry.reason == "pixels_differ" or probability < _LIKELY:
            return judged("scene", _SCENE_CEILING * probability, "pixels_differ")
        larger = min(geometry.cover_query, geometry.cover_photo)
        return judged("part" if larger < settings.part_cover else "copy", probability, "geometry")

    model = calibration.appearance
    if pdq_distance is None:
        model = calibration.embedding
    elif cosine is None:
        model = calibration.hash
    probability = model.probability(known)
    if geometry is None:
        return judged("copy", _CEILING * probability, "unverified")
    # Photos with enough to compare that can't be laid over each other are hardly one photo.
    odds = math.log(probability / (1 - probability)) - calibration.blind_penalty
    return judged("copy", _CEILING / (1 + math.exp(-odds)), "appearance")


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
