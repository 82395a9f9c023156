"""The calibration that ships says what evidence is worth, and the script that fits it can count."""

import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagematch.calibration import Calibration
from imagematch.kernels.confidence import judge
from imagematch.records import Evidence, Geometry, Judgement
from imagematch.settings import DEFAULTS
from tests.scripts import script

pytest.importorskip("scipy", reason="calibration is fitted with scipy, which scikit-image brings")

SHIPPED = files("imagematch").joinpath("calibration.json").read_text(encoding="utf-8")

calibration_fit = script("calibration_fit")
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


PERFECT = replace(
    laid_over(300, 0.99, 1.0, "accepted"),
    closeness=0.98,
    plain_closeness=0.95,
    compared=0.8,
    detail=0.12,
    shared_detail=0.95,
)
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
    assert {"date", "command", "seed", "data", "examples", "versions"} <= set(provenance)
    assert provenance["examples"]["copies"] >= 200
    assert provenance["examples"]["laid_over"] > provenance["examples"]["laid_over_copies"] + 50


def test_shipped_file_names_no_place_on_the_machine_that_made_it() -> None:
    provenance = json.loads(SHIPPED)["provenance"]
    words = f"{provenance['command']} {provenance['data']}".split()
    assert not any(Path(word.strip("'(),")).is_absolute() for word in words)


def test_more_evidence_never_lowers_a_confidence() -> None:
    content = json.loads(SHIPPED)
    for name, model in content["models"].items():
        assert set(model["weights"]) == set(calibration_fit.FEATURES[name])
        for feature, weight in model["weights"].items():
            assert (weight <= 0) if feature in calibration_fit._AGAINST else (weight >= 0)
        assert any(model["weights"].values()) or name == "coarse"
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


def example(true: bool, inliers: int, closeness: float, cosine: float) -> Any:
    geometry = laid_over(inliers, 0.5 + closeness / 2, 0.5 + closeness / 2, "accepted")
    geometry = replace(geometry, closeness=closeness, plain_closeness=closeness)
    evidence = Evidence(False, round(128 - 100 * cosine), cosine, geometry, "geometry")
    return calibration_fit.Example("crop", "a.jpg", "b.jpg", true, evidence)


def blind(example: Any, true: bool) -> Any:
    nothing = replace(example.evidence, geometry=NOTHING_FOUND)
    return replace(example, true=true, evidence=nothing)


def examples() -> list[Any]:
    """Copies agree closely, others do not; neither without exceptions."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        copy = example(True, int(rng.integers(15, 200)), rng.beta(8, 2), rng.beta(7, 3))
        other = example(False, int(rng.integers(7, 60)), rng.beta(2, 8), rng.beta(4, 6))
        found += [copy, other, blind(copy, bool(rng.random() < 0.1)), blind(other, False)]
    return found


def test_fitted_models_tell_copies_from_others_and_keep_the_bands_unmeasured() -> None:
    calibration = calibration_fit.fit(examples())
    confident = [
        calibration_fit.judgement(one, calibration).confidence
        for one in (example(True, 150, 0.95, 0.9), example(False, 10, 0.05, 0.3))
    ]
    assert confident[0] > 0.95
    assert confident[1] < 0.1
    assert calibration.blind_penalty > 0
    assert [band.name for band in calibration.bands] == ["certain", "strong", "possible"]
    assert {band.precision for band in calibration.bands} == {None}


def test_bands_take_their_figures_from_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = tmp_path / "calibration.json"
    shipped.write_text(SHIPPED, encoding="utf-8")
    monkeypatch.setattr(calibrate, "OUT", shipped)
    bands = {
        "certain": {"count": 400, "share": 0.9975},
        "strong": {"count": 20, "share": 0.95},
        "possible": {"count": 0, "share": None},
    }
    method = {"method": "imagematch balanced", "reliability": {"bands": bands}}
    results = tmp_path / "benchmark.json"
    results.write_text(json.dumps({"figures": {"methods": [method]}}), encoding="utf-8")
    calibrate.take_bands(results)
    certain, strong, possible = Calibration.from_json(shipped.read_text()).bands
    assert (certain.precision, certain.pairs) == (0.9975, 400)
    assert (strong.precision, strong.pairs) == (0.95, 20)
    assert (possible.precision, possible.pairs) == (None, None)


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


def test_what_speaks_against_a_copy_gets_no_weight_above_zero() -> None:
    seen, true = drawn((2.0, 2.0), 0.0)
    renamed = [{"a": row["a"], "contradiction": row["b"]} for row in seen]
    model = calibration_fit.fit_logistic(renamed, true, ("a", "contradiction"))
    assert model.weights["contradiction"] == 0


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
