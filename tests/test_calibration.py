"""The calibration that ships says what evidence is worth, and the script that fits it can count."""

import hashlib
import importlib
import json
import sys
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from imagematch.kernels.confidence import Calibration, judge
from imagematch.records import Geometry, Judgement
from imagematch.settings import DEFAULTS

pytest.importorskip("scipy", reason="calibration is fitted with scipy, which scikit-image brings")

SCRIPTS = Path(__file__).parents[1] / "scripts"
SHIPPED = files("imagematch").joinpath("calibration.json").read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    """Import a script as Python does when it is run: with its own folder on the path."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(SCRIPTS))


calibration_pairs, calibration_fit = script("calibration_pairs"), script("calibration_fit")
calibrate = script("calibrate")


def laid_over(inliers: int, correlation: float, agreement: float, reason: str) -> Geometry:
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    return Geometry(
        inliers=inliers,
        overlap=1.0,
        cover_query=1.0,
        cover_photo=1.0,
        correlation=correlation,
        agreement=agreement,
        mirrored=False,
        transform=identity,
        reason=reason,
    )


PERFECT = laid_over(300, 0.99, 1.0, "accepted")
NOTHING_FOUND = laid_over(0, 0.0, 0.0, "few_keypoints")


def judged(
    geometry: Geometry | None, cosine: float | None = 0.9, pdq_distance: int | None = 10
) -> Judgement:
    return judge(
        same_pixels=False,
        pdq_distance=pdq_distance,
        cosine=cosine,
        geometry=geometry,
        calibration=Calibration.from_json(SHIPPED),
        settings=DEFAULTS.verify,
    )


# --- what ships ----------------------------------------------------------------------------------


def test_shipped_file_says_where_it_comes_from() -> None:
    provenance = json.loads(SHIPPED)["provenance"]
    assert {"date", "command", "seed", "data", "halves", "reporting", "versions"} <= set(provenance)
    for half in ("tuning", "reporting"):
        assert provenance["halves"][half]["true_pairs"] >= 100
    assert 0 <= provenance["reporting"]["all"]["ece"] < 0.05


def test_shipped_file_names_no_place_on_the_machine_that_made_it() -> None:
    provenance = json.loads(SHIPPED)["provenance"]
    words = f"{provenance['command']} {provenance['data']}".split()
    assert not any(Path(word.strip("'(),")).is_absolute() for word in words)


def test_more_evidence_never_lowers_a_confidence() -> None:
    content = json.loads(SHIPPED)
    for name, model in content["models"].items():
        assert set(model["weights"]) == set(calibration_fit.FEATURES[name])
        assert min(model["weights"].values()) >= 0
        assert max(model["weights"].values()) > 0
    assert content["blind_penalty"] > 0


def test_a_perfect_accepted_pair_is_nearly_certain() -> None:
    assert judged(PERFECT).confidence > 0.95


def test_a_barely_accepted_pair_is_less_certain_than_a_perfect_one() -> None:
    least = DEFAULTS.verify
    barely = laid_over(least.min_inliers, least.min_correlation, least.min_agreement, "accepted")
    assert judged(barely).confidence < judged(PERFECT).confidence - 0.01


@pytest.mark.parametrize("pdq_distance", [None, 100])
@pytest.mark.parametrize("geometry", [None, NOTHING_FOUND])
def test_a_weak_cosine_alone_is_no_match(
    geometry: Geometry | None, pdq_distance: int | None
) -> None:
    assert judged(geometry, 0.3, pdq_distance).confidence < 0.2


def test_a_pair_that_geometry_could_not_compare_is_less_certain_than_one_it_never_saw() -> None:
    assert judged(NOTHING_FOUND, 0.7, 60).confidence < judged(None, 0.7, 60).confidence


# --- the script that fits ------------------------------------------------------------------------


def test_a_photo_is_always_in_the_same_half() -> None:
    keys = [hashlib.sha256(bytes([number])).hexdigest() for number in range(200)]
    halves = [calibration_pairs.half_of(key) for key in keys]
    assert halves == [calibration_pairs.half_of(key) for key in keys]
    assert 70 < halves.count(calibration_pairs.TUNING) < 130
    # Pinned, so that figures of two versions are about the same photos.
    assert halves[:6] == ["tuning", "reporting", "reporting", "tuning", "tuning", "tuning"]
    assert [calibration_pairs.held_back(key) for key in keys[:6]] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_being_held_back_does_not_depend_on_the_half() -> None:
    keys = [hashlib.sha256(bytes([number, 1])).hexdigest() for number in range(256)]
    for half in (calibration_pairs.TUNING, calibration_pairs.REPORTING):
        mine = [key for key in keys if calibration_pairs.half_of(key) == half]
        share = np.mean([calibration_pairs.held_back(key) for key in mine])
        assert 0.2 < share < 0.47


def photo(number: int) -> "calibration_pairs.Photo":
    key = hashlib.sha256(str(number).encode()).hexdigest()
    nothing = np.empty((0, 4), np.float32)
    return calibration_pairs.Photo(key, f"{number}.jpg", key, np.zeros(32, np.uint8), True, nothing)


def test_queries_of_held_back_photos_show_no_indexed_photo() -> None:
    photos = [photo(number) for number in range(120)]
    away = {one.path for one in photos if calibration_pairs.held_back(one.key)}
    queries = calibration_pairs.plan_queries(photos, calibration_pairs.TUNING, 60, seed=3)
    assert len({query.photo for query in queries}) == len(queries) == 60
    negatives = [query for query in queries if query.photo in away]
    assert len(negatives) == 20
    for query in negatives:
        assert set(query.others) <= away - {query.photo}


def test_plan_depends_on_the_seed_alone() -> None:
    photos = [photo(number) for number in range(60)]
    plan = calibration_pairs.plan_queries
    assert plan(photos, "tuning", 20, 1) == plan(photos, "tuning", 20, 1)
    assert plan(photos, "tuning", 20, 1) != plan(photos, "tuning", 20, 2)


def drawn(
    weights: tuple[float, ...], intercept: float
) -> tuple[list[dict[str, float]], np.ndarray]:
    """Features a, b and labels that follow a logistic model exactly in the mean."""
    rng = np.random.default_rng(0)
    inputs = rng.uniform(0, 2, (6000, len(weights)))
    true = rng.random(6000) < 1 / (1 + np.exp(-(intercept + inputs @ np.array(weights))))
    return [{"a": float(a), "b": float(b)} for a, b in inputs], true.astype(np.float64)


def test_fit_recovers_known_weights() -> None:
    seen, true = drawn((3.0, 1.0), -4.0)
    model = calibration_fit.fit_logistic(seen, true, ("a", "b"))
    assert model.intercept == pytest.approx(-4.0, abs=0.3)
    assert model.weights["a"] == pytest.approx(3.0, abs=0.3)
    assert model.weights["b"] == pytest.approx(1.0, abs=0.2)


def test_fit_gives_no_weight_below_zero() -> None:
    seen, true = drawn((2.0, -2.0), 0.0)
    model = calibration_fit.fit_logistic(seen, true, ("a", "b"))
    assert model.weights["b"] == 0
    assert model.weights["a"] > 1


def test_a_class_that_was_never_seen_is_not_held_to_be_impossible() -> None:
    seen = [{"a": 1.0}] * 98
    model = calibration_fit.fit_logistic(seen, np.ones(98), ("a",))
    assert model.probability({"a": 1.0}) == pytest.approx(0.99, abs=0.001)


def test_penalty_brings_the_mean_down_to_the_truth() -> None:
    true = np.array([1.0] + [0.0] * 9 * 20)
    penalty = calibration_fit.fit_penalty(np.full(len(true), 2.0), true)
    assert 1 / (1 + np.exp(-(2.0 - penalty))) == pytest.approx(true.mean(), abs=0.01)


def test_figures_count_what_was_never_a_candidate_as_missed() -> None:
    confidence, true = np.array([0.95, 0.6, 0.6, 0.1]), np.array([1.0, 1.0, 0.0, 0.0])
    found = calibration_fit.figures(confidence, true, wanted=4)
    assert found.precision == (pytest.approx(2 / 3), 1.0)
    assert found.recall == (0.5, 0.25)
    assert found.brier == pytest.approx(((0.05**2) + 0.16 + 0.36 + 0.01) / 4)


def test_reliability_table_counts_every_pair_once() -> None:
    confidence = np.array([0.0, 0.05, 0.5, 0.999, 1.0])
    lines = calibrate.reliability_lines(confidence, np.ones(5))[2:]
    assert [int(line.split("|")[2]) for line in lines] == [2, 0, 0, 0, 0, 1, 0, 0, 0, 2]
