"""Which judged pairs count, and what the confidence of a match is called."""

import copy
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.calibration import Band, Calibration, band, counts, shipped
from imagematch.errors import SettingsError
from imagematch.kernels.confidence import SAME_BYTES
from imagematch.records import Evidence, Geometry, Judgement
from imagematch.settings import DEFAULTS, MatchSettings

CONTENT: dict[str, Any] = json.loads(files("imagematch").joinpath("calibration.json").read_text())


def judgement(kind: str, confidence: float, inliers: int | None = 40) -> Judgement:
    """A judgement by the rule that goes with the kind; None inliers: by looks alone."""
    rule = "pixels_differ" if kind == "scene" else "geometry"
    geometry = None
    if inliers is not None:
        geometry = Geometry(inliers, 0.5, 0.5, 0.5, 0.9, 0.9, False, None, "accepted")
    evidence = Evidence(False, 30, 0.7, geometry, rule if geometry else "unverified")
    return Judgement(kind, confidence, evidence)  # type: ignore[arg-type]


def calibration(**band: Any) -> Calibration:
    """What ships, with the first band changed."""
    content = copy.deepcopy(CONTENT)
    content["bands"][0].update(band)
    return Calibration.from_json(json.dumps(content))


# --- what counts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "confidence", "inliers", "kept"),
    [
        ("copy", 0.5, 40, True),
        ("copy", 0.49, 40, False),
        ("part", 0.95, None, True),
        ("part", 0.85, None, False),
        ("scene", 0.1, 20, True),
        ("scene", 0.3, 19, False),
        ("scene", 0.3, None, False),
    ],
)
def test_copies_count_by_confidence_and_scenes_by_keypoints(
    kind: str, confidence: float, inliers: int | None, kept: bool
) -> None:
    settings = MatchSettings(min_confidence=0.5, min_confidence_unverified=0.9, scene_inliers=20)
    assert counts(judgement(kind, confidence, inliers), settings) is kept


# --- bands ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confidence", "name"),
    [
        (0.9999, "certain"),
        (0.99, "certain"),
        (0.9899, "strong"),
        (0.9, "strong"),
        (0.8999, "possible"),
        (0.7, "possible"),
        (0.6999, ""),
        (0.0, ""),
    ],
)
def test_a_band_starts_at_its_bound(confidence: float, name: str) -> None:
    assert band(judgement("copy", confidence), shipped()) == name


def test_identical_photos_are_certain() -> None:
    assert band(SAME_BYTES, shipped()) == "certain"


@given(st.floats(0, 1), st.integers(0, 600))
def test_a_scene_is_in_no_band(confidence: float, inliers: int) -> None:
    assert band(judgement("scene", confidence, inliers), shipped()) == ""


def test_likeness_alone_is_in_no_band_below_what_counts() -> None:
    least = DEFAULTS.match.min_confidence_unverified
    assert band(judgement("copy", least - 0.01, None), shipped()) == ""
    assert band(judgement("copy", least, None), shipped()) == "strong"


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_confidence_is_never_in_a_lower_band(one: float, other: float) -> None:
    order = ["", *(entry.name for entry in reversed(shipped().bands))]
    low, high = sorted((one, other))
    names = [band(judgement("copy", value), shipped()) for value in (low, high)]
    assert order.index(names[0]) <= order.index(names[1])


def test_every_match_that_counts_by_default_is_in_a_band() -> None:
    assert shipped().bands[-1].least == DEFAULTS.match.min_confidence


# --- the file ------------------------------------------------------------------------------------


def test_a_measured_band_keeps_its_figures() -> None:
    read = calibration(precision=0.998, pairs=512).bands[0]
    assert read == Band("certain", 0.99, 0.998, 512)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": 7},
        {"name": "strong"},
        {"from": 0.5},
        {"from": 1.5},
        {"from": None},
        {"from": float("nan")},
        {"precision": 0.9, "pairs": None},
        {"precision": None, "pairs": 7},
        {"precision": 1.01, "pairs": 7},
        {"precision": -0.01, "pairs": 7},
        {"precision": 0.9, "pairs": 0},
        {"precision": 0.9, "pairs": 7.5},
        {"precision": "high", "pairs": 7},
    ],
    ids=str,
)
def test_a_band_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="calibration file is damaged"):
        calibration(**change)


@pytest.mark.parametrize("bands", [None, 7, [7], [{}], {"certain": 0.99}])
def test_bands_of_another_form_are_refused(bands: Any) -> None:
    with pytest.raises(SettingsError, match="calibration file is damaged"):
        Calibration.from_json(json.dumps({**CONTENT, "bands": bands}))
