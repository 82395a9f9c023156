"""What a trace is worth as evidence: what was measured of a pair in, a judgement out.

Nobody has seen the pixels, so that the confidence stays below that of a pair whose pixels agree.
The coefficients are fitted on tuning photos by scripts/calibrate_traces.py, and live in
imagematch/trace_calibration.json with their provenance.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from imagematch import calibration
from imagematch.calibration import Calibration, Logistic
from imagematch.errors import SettingsError
from imagematch.kernels import confidence
from imagematch.records import Evidence, Geometry, Judgement, Kind
from imagematch.settings import DEFAULTS, VerifySettings

#: Where the keypoints of a trace were laid over the photo; other ends show nothing that fits.
_LAID_OVER = frozenset({"accepted", "pixels_differ"})

#: A pair is a copy if that is likelier than not, and never as sure as one whose pixels agree.
_LIKELY, _CEILING = 0.5, 0.98

#: Keypoints from which on a trace has seen enough to say that a pair is no copy: those of a scene.
_MANY = DEFAULTS.match.scene_inliers

#: What does not look like a copy is never shown as one.
_SCENE_CEILING = 0.3


@cache
def shipped() -> Logistic:
    """The model that comes with imagematch, of pairs that a trace could be laid over.

    Raises:
        SettingsError: its file is damaged.
    """
    return read(files("imagematch").joinpath("trace_calibration.json").read_text(encoding="utf-8"))


def read(text: str) -> Logistic:
    """Read a calibration file; see `features` for what goes into its model.

    Raises:
        SettingsError: it is not one.
    """
    try:
        model: Any = json.loads(text)["model"]
        weights = {str(name): float(weight) for name, weight in model["weights"].items()}
        if unknown := weights.keys() - _NAMES:
            raise ValueError(f"there are no features {sorted(unknown)}")
        intercept = float(model["intercept"])
        if not all(map(math.isfinite, (intercept, *weights.values()))):
            raise ValueError("a number is not finite")
        return Logistic(intercept, weights)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise SettingsError(f"the calibration file of traces is damaged: {error!r}") from error


#: Of the features of `confidence`, those that a trace measures.
_NAMES = frozenset({"log_inliers", "correlation", "agreement", "closeness"})


def features(geometry: Geometry) -> Mapping[str, float]:
    """What the model sees, as `calibration.features` has it; correlations are of keypoints.

    Embedding and hash have no say: of candidates that they chose, they can't tell much more.
    """
    known = calibration.features(None, None, geometry)
    return {name: known[name] for name in _NAMES}


def judge(
    *,
    pdq_distance: int | None,
    cosine: float | None,
    geometry: Geometry,
    appearance: Calibration,
    calibration: Logistic,
    settings: VerifySettings,
) -> Judgement:
    """Decide what a pair is of which one photo is gone and has left a trace.

    Soft copies have lost the keypoints that a trace holds: so few that fit say nothing against one.

    The rules, first that applies:
        trace_differs: the trace was laid over the photo by many keypoints, and they do not agree,
            or not well enough: `scene`.
        trace: it was laid over and they agree: `copy` or `part`, as surely as they or embedding
            and hash say.
        unverified: embedding and hash decide.
    """

    def judged(kind: Kind, probability: float, rule: str) -> Judgement:
        evidence = Evidence(False, pdq_distance, cosine, geometry, rule)
        return Judgement(kind, round(probability, 7), evidence)

    alike = confidence.judge(
        same_pixels=False,
        pdq_distance=pdq_distance,
        cosine=cosine,
        geometry=None,
        calibration=appearance,
        settings=settings,
    ).confidence
    if geometry.reason in _LAID_OVER:
        probability = calibration.probability(features(geometry))
        if geometry.reason == "accepted" and probability >= _LIKELY:
            larger = min(geometry.cover_query, geometry.cover_photo)
            kind: Kind = "part" if larger < settings.part_cover else "copy"
            return judged(kind, max(_CEILING * probability, min(_CEILING, alike)), "trace")
        if geometry.inliers >= _MANY:
            return judged("scene", _SCENE_CEILING * probability, "trace_differs")
    return judged("copy", alike, "unverified")
