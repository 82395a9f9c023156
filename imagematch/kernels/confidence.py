"""From evidence to a kind and a calibrated probability: numbers in, a `Judgement` out.

The rules are few and in order, and every judgement names the one that decided. The models and what
goes into them are in `imagematch.calibration`.
"""

import math

from imagematch.calibration import Calibration, features
from imagematch.records import Evidence, Geometry, Judgement
from imagematch.settings import VerifySettings

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
