"""Which judged pairs are kept."""

import pytest

from imagematch.records import Evidence, Geometry, Judgement
from imagematch.settings import MatchSettings
from imagematch.stages.verify import calibration, counts


def judgement(kind: str, confidence: float, inliers: int | None) -> Judgement:
    """A judgement by the rule that goes with the kind; None inliers: by looks alone."""
    rule = "pixels_differ" if kind == "scene" else "geometry"
    geometry = None
    if inliers is not None:
        geometry = Geometry(inliers, 0.5, 0.5, 0.5, 0.9, 0.9, False, None, "accepted")
    evidence = Evidence(False, 30, 0.7, geometry, rule if geometry else "unverified")
    return Judgement(kind, confidence, evidence)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "confidence", "inliers", "kept"),
    [
        ("copy", 0.5, 40, True),
        ("copy", 0.49, 40, False),
        ("part", 0.95, None, True),
        ("scene", 0.1, 20, True),
        ("scene", 0.3, 19, False),
        ("scene", 0.3, None, False),
    ],
)
def test_copies_count_by_confidence_and_scenes_by_keypoints(
    kind: str, confidence: float, inliers: int | None, kept: bool
) -> None:
    settings = MatchSettings(min_confidence=0.5, scene_inliers=20)
    assert counts(judgement(kind, confidence, inliers), settings) is kept


def test_the_calibration_that_ships_can_be_read() -> None:
    assert calibration().blind_penalty >= 0
