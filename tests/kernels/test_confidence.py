"""From evidence to a kind and a confidence: the rules, their order, and what never happens."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.calibration import Calibration, Logistic, features
from imagematch.errors import SettingsError
from imagematch.kernels.confidence import judge
from imagematch.records import Evidence, Geometry, Judgement
from imagematch.settings import DEFAULTS

#: Made up; what is shipped is fitted, and has to keep to the same rules.
MADE_UP: dict[str, Any] = {
    "provenance": "made up",
    "bands": [],
    "blind_penalty": 2.0,
    "models": {
        "geometry": {
            "intercept": -6,
            "weights": {"log_inliers": 1.5, "correlation": 5.0, "contradiction": -20.0},
        },
        "coarse": {"intercept": -8, "weights": {"closeness": 12.0}},
        "appearance": {"intercept": -9, "weights": {"cosine": 10.0, "pdq": 4.0}},
        "embedding": {"intercept": -9.5, "weights": {"cosine": 12.0}},
        "hash": {"intercept": -2.5, "weights": {"pdq": 6.0}},
    },
}
PLAIN = Calibration.from_json(json.dumps(MADE_UP))
SHIPPED = Calibration.from_json(
    files("imagematch").joinpath("calibration.json").read_text(encoding="utf-8")
)
BLIND = ("few_keypoints", "few_inliers", "implausible", "small_overlap")

calibrations = pytest.mark.parametrize(
    "calibration", [pytest.param(PLAIN, id="made up"), pytest.param(SHIPPED, id="shipped")]
)
shares = st.floats(0, 1)
cosines = st.none() | st.floats(-1, 1)
distances = st.none() | st.integers(0, 256)
geometries = st.builds(
    Geometry,
    inliers=st.integers(0, 600),
    overlap=shares,
    cover_query=shares,
    cover_photo=shares,
    correlation=st.floats(-1, 1),
    agreement=shares,
    mirrored=st.booleans(),
    transform=st.none(),
    reason=st.sampled_from(("accepted", "pixels_differ", *BLIND)),
    closeness=shares,
    plain_closeness=shares,
    compared=shares,
    contradiction=shares,
    exchanged=shares,
    detail=shares,
    shared_detail=shares,
)

GEOMETRY = Geometry(
    inliers=80,
    overlap=0.9,
    cover_query=0.9,
    cover_photo=0.8,
    correlation=0.95,
    agreement=0.95,
    mirrored=False,
    transform=None,
    reason="accepted",
)


def judged(
    *,
    same_pixels: bool = False,
    pdq_distance: int | None = 20,
    cosine: float | None = 0.8,
    geometry: Geometry | None = None,
    calibration: Calibration = PLAIN,
) -> Judgement:
    return judge(
        same_pixels=same_pixels,
        pdq_distance=pdq_distance,
        cosine=cosine,
        geometry=geometry,
        calibration=calibration,
        settings=DEFAULTS.verify,
    )


# --- the rules in their order --------------------------------------------------------------------


@given(distances, cosines, st.none() | geometries)
def test_equal_pixels_decide_before_anything_else(
    pdq_distance: int | None, cosine: float | None, geometry: Geometry | None
) -> None:
    judgement = judged(
        same_pixels=True, pdq_distance=pdq_distance, cosine=cosine, geometry=geometry
    )
    assert (judgement.kind, judgement.confidence) == ("exact", 1.0)
    assert judgement.evidence == Evidence(True, pdq_distance, cosine, geometry, "same_pixels")


@pytest.mark.parametrize(
    ("reason", "kind", "rule"),
    [
        ("accepted", "copy", "geometry"),
        ("pixels_differ", "scene", "pixels_differ"),
        *((reason, "copy", "appearance") for reason in BLIND),
    ],
)
def test_the_end_of_geometry_names_the_rule(reason: str, kind: str, rule: str) -> None:
    geometry = replace(GEOMETRY, reason=reason)
    judgement = judged(geometry=geometry)
    assert (judgement.kind, judgement.evidence.rule) == (kind, rule)
    assert judgement.evidence == Evidence(False, 20, 0.8, geometry, rule)


def test_without_geometry_embedding_and_hash_decide() -> None:
    judgement = judged(geometry=None)
    assert (judgement.kind, judgement.evidence.rule) == ("copy", "unverified")


@pytest.mark.parametrize("covers", [(1.0, 0.3), (0.3, 1.0)])
def test_little_cover_of_the_larger_photo_makes_a_part(covers: tuple[float, float]) -> None:
    geometry = replace(GEOMETRY, cover_query=covers[0], cover_photo=covers[1])
    assert judged(geometry=geometry).kind == "part"
    assert judged(geometry=replace(geometry, cover_query=1.0, cover_photo=1.0)).kind == "copy"


def test_each_measure_has_its_model() -> None:
    """Expected values by hand, from MADE_UP."""

    def logistic(logit: float) -> object:
        return pytest.approx(1 / (1 + math.exp(-logit)), abs=2e-4)  # but for the ceiling

    pdq = 1 - 20 / 128
    assert judged().confidence == logistic(-9 + 10 * 0.8 + 4 * pdq)
    assert judged(pdq_distance=None).confidence == logistic(-9.5 + 12 * 0.8)
    assert judged(cosine=None).confidence == logistic(-2.5 + 6 * pdq)
    blind = replace(GEOMETRY, reason="few_inliers")
    assert judged(geometry=blind).confidence == logistic(-9 + 10 * 0.8 + 4 * pdq - 2)
    accepted = logistic(-6 + 1.5 * math.log(81) + 5 * 0.95)
    assert judged(geometry=GEOMETRY).confidence == accepted


def test_coarse_shapes_alone_have_a_rule_and_a_model_of_their_own() -> None:
    coarse = replace(GEOMETRY, inliers=0, closeness=0.9, coarse=True)
    judgement = judged(geometry=coarse)
    assert (judgement.kind, judgement.evidence.rule) == ("copy", "coarse")
    assert judgement.confidence == pytest.approx(1 / (1 + math.exp(8 - 12 * 0.9)), abs=2e-4)


@calibrations
def test_what_contradicts_amid_what_agrees_outweighs_it(calibration: Calibration) -> None:
    agreed = replace(GEOMETRY, plain_closeness=0.7, compared=0.9, shared_detail=0.8)
    other = replace(agreed, contradiction=0.3, exchanged=0.02, detail=0.15)
    one, two = (judged(geometry=each, calibration=calibration) for each in (agreed, other))
    assert two.confidence < one.confidence
    assert two.kind == "scene"


def test_a_pair_laid_over_each_other_that_is_hardly_a_copy_is_a_scene() -> None:
    weak = replace(GEOMETRY, inliers=7, correlation=0.2)
    judgement = judged(geometry=weak)
    assert (judgement.kind, judgement.evidence.rule) == ("scene", "pixels_differ")
    assert judgement.confidence < 0.3


# --- what holds for any evidence -----------------------------------------------------------------


@calibrations
@given(distances, cosines, st.none() | geometries)
def test_confidence_is_a_probability_and_only_equal_pixels_are_certain(
    calibration: Calibration,
    pdq_distance: int | None,
    cosine: float | None,
    geometry: Geometry | None,
) -> None:
    judgement = judged(
        pdq_distance=pdq_distance, cosine=cosine, geometry=geometry, calibration=calibration
    )
    assert 0 <= judgement.confidence < 1
    assert judgement.kind != "exact"


@calibrations
@given(distances, cosines, geometries)
def test_a_scene_is_never_shown_as_a_match_by_default(
    calibration: Calibration, pdq_distance: int | None, cosine: float | None, geometry: Geometry
) -> None:
    judgement = judged(
        pdq_distance=pdq_distance,
        cosine=cosine,
        geometry=replace(geometry, reason="pixels_differ"),
        calibration=calibration,
    )
    assert judgement.kind == "scene"
    assert judgement.confidence < DEFAULTS.match.min_confidence


@calibrations
@given(distances, cosines, geometries, st.sampled_from(BLIND))
def test_geometry_that_found_nothing_never_raises_the_confidence(
    calibration: Calibration,
    pdq_distance: int | None,
    cosine: float | None,
    geometry: Geometry,
    reason: str,
) -> None:
    untried = judged(pdq_distance=pdq_distance, cosine=cosine, calibration=calibration)
    tried = judged(
        pdq_distance=pdq_distance,
        cosine=cosine,
        geometry=replace(geometry, reason=reason),
        calibration=calibration,
    )
    assert tried.confidence <= untried.confidence


@calibrations
@given(distances, cosines, geometries, st.data())
def test_better_geometry_never_lowers_the_confidence(
    calibration: Calibration,
    pdq_distance: int | None,
    cosine: float | None,
    geometry: Geometry,
    data: st.DataObject,
) -> None:
    worse = replace(geometry, reason="accepted")
    better = replace(
        worse,
        inliers=data.draw(st.integers(worse.inliers, 700)),
        correlation=data.draw(st.floats(worse.correlation, 1)),
        agreement=data.draw(st.floats(worse.agreement, 1)),
        cover_query=data.draw(st.floats(worse.cover_query, 1)),
        cover_photo=data.draw(st.floats(worse.cover_photo, 1)),
        plain_closeness=data.draw(st.floats(worse.plain_closeness, 1)),
        shared_detail=data.draw(st.floats(worse.shared_detail, 1)),
        compared=data.draw(st.floats(worse.compared, 1)),
        contradiction=data.draw(st.floats(0, worse.contradiction)),
        exchanged=data.draw(st.floats(0, worse.exchanged)),
        detail=data.draw(st.floats(0, worse.detail)),
    )
    one, two = (
        judged(pdq_distance=pdq_distance, cosine=cosine, geometry=geometry, calibration=calibration)
        for geometry in (worse, better)
    )
    assert one.confidence <= two.confidence


@calibrations
@given(
    st.tuples(st.integers(0, 256), st.integers(0, 256)),
    st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    st.none() | geometries,
    st.sampled_from([("cosine",), ("pdq",), ("cosine", "pdq")]),
)
def test_closer_hashes_and_embeddings_never_lower_the_confidence(
    calibration: Calibration,
    distances: tuple[int, int],
    cosines: tuple[float, float],
    geometry: Geometry | None,
    measured: tuple[str, ...],
) -> None:
    near, far = (
        judged(
            pdq_distance=choose(distances) if "pdq" in measured else None,
            cosine=-choose(-cosine for cosine in cosines) if "cosine" in measured else None,
            geometry=geometry,
            calibration=calibration,
        )
        for choose in (min, max)
    )
    assert far.confidence <= near.confidence


def test_features_are_on_their_scales() -> None:
    assert features(0, 1.0, GEOMETRY)["pdq"] == 1
    assert features(64, 1.0, GEOMETRY)["pdq"] == 0.5
    assert features(200, 1.0, GEOMETRY)["pdq"] == 0
    assert features(20, 0.8, GEOMETRY)["overlap"] == 0.9
    assert set(features(None, None, None).values()) == {0.0}
    assert features(None, None, None).keys() == features(20, 0.8, GEOMETRY).keys()


@given(st.floats(-1e9, 1e9))
def test_a_logistic_model_never_overflows(logit: float) -> None:
    assert 0 < Logistic(logit, {}).probability({}) < 1


# --- calibration files ---------------------------------------------------------------------------


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for step in path[:-1]:
            content = content[step]
        del content[path[-1]]

    return change


def with_value(value: object, *path: str) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for step in path[:-1]:
            content = content[step]
        content[path[-1]] = value

    return change


DAMAGES = {
    "a model is missing": without("models", "hash"),
    "no models": without("models"),
    "no penalty": without("blind_penalty"),
    "no intercept": without("models", "geometry", "intercept"),
    "a model too many": with_value(MADE_UP["models"]["hash"], "models", "phash"),
    "models in a list": with_value([], "models"),
    "weights in a list": with_value([1.0], "models", "hash", "weights"),
    "a model that is a number": with_value(3, "models", "hash"),
    "an unknown feature": with_value(1.0, "models", "hash", "weights", "colour"),
    "a weight in words": with_value("large", "models", "hash", "weights", "pdq"),
    "a weight that is not a number": with_value(math.nan, "models", "hash", "weights", "pdq"),
    "an infinite intercept": with_value(math.inf, "models", "hash", "intercept"),
    "a number beyond all measure": with_value(10**400, "models", "hash", "intercept"),
    "a penalty that is true": with_value(True, "blind_penalty"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_calibration_is_refused(damage: str) -> None:
    content = copy.deepcopy(MADE_UP)
    DAMAGES[damage](content)
    with pytest.raises(SettingsError, match="calibration file is damaged"):
        Calibration.from_json(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"models"', "null", "\x00"])
def test_a_file_that_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="calibration file is damaged"):
        Calibration.from_json(text)
