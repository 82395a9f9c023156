"""What a trace is worth: less than pixels, and nothing where it could not be laid over."""

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch import calibration
from imagematch.errors import SettingsError
from imagematch.kernels import confidence, trace_confidence
from imagematch.records import Geometry, Judgement
from imagematch.settings import DEFAULTS

SHIPPED = files("imagematch").joinpath("trace_calibration.json").read_text(encoding="utf-8")
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
ALIKE = Geometry(
    60, 1.0, 1.0, 1.0, 0.8, 0.98, False, IDENTITY, "accepted", closeness=0.95, traced=True
)
NOTHING = Geometry(3, 0.0, 0.0, 0.0, 0.0, 0.0, False, None, "few_inliers", traced=True)


def judged(geometry: Geometry, cosine: float | None = 0.5) -> Judgement:
    return trace_confidence.judge(
        pdq_distance=60,
        cosine=cosine,
        geometry=geometry,
        appearance=calibration.shipped(),
        calibration=trace_confidence.shipped(),
        settings=DEFAULTS.verify,
    )


def test_agreeing_keypoints_make_a_copy_that_counts_and_is_never_certain() -> None:
    found = judged(ALIKE)
    assert (found.kind, found.evidence.rule) == ("copy", "trace")
    assert found.confidence >= DEFAULTS.match.min_confidence_unverified
    assert calibration.counts(found, DEFAULTS.match)
    assert calibration.band(found, calibration.shipped()) == "strong"


def test_a_small_share_of_the_larger_photo_is_a_part() -> None:
    assert judged(replace(ALIKE, cover_photo=0.2)).kind == "part"


@pytest.mark.parametrize(
    "geometry",
    [
        replace(ALIKE, correlation=0.15, agreement=0.2, closeness=0.1, reason="pixels_differ"),
        replace(ALIKE, correlation=0.22, agreement=0.25, closeness=0.2),
    ],
)
def test_keypoints_that_differ_make_a_scene_however_much_embeddings_agree(
    geometry: Geometry,
) -> None:
    found = judged(geometry, cosine=0.95)
    assert (found.kind, found.evidence.rule) == ("scene", "trace_differs")
    assert found.confidence <= 0.3


@pytest.mark.parametrize("reason", ["few_keypoints", "few_inliers", "implausible", "small_overlap"])
@pytest.mark.parametrize("cosine", [None, 0.2, 0.9])
def test_what_could_not_be_laid_over_is_judged_as_if_there_were_no_trace(
    reason: str, cosine: float | None
) -> None:
    found = judged(replace(NOTHING, reason=reason), cosine)
    without = confidence.judge(
        same_pixels=False,
        pdq_distance=60,
        cosine=cosine,
        geometry=None,
        calibration=calibration.shipped(),
        settings=DEFAULTS.verify,
    )
    assert (found.kind, found.confidence) == (without.kind, without.confidence)
    assert found.evidence.rule == "unverified"


@given(st.floats(0.4, 1), st.floats(0.4, 1), st.floats(0, 1), st.integers(5, 100))
def test_more_agreement_never_lowers_a_confidence(
    correlation: float, agreement: float, closeness: float, inliers: int
) -> None:
    less = replace(
        ALIKE, correlation=correlation, agreement=agreement, closeness=closeness, inliers=inliers
    )
    more = replace(less, correlation=min(1.0, correlation + 0.1), closeness=1.0, agreement=1.0)
    assert 0 < judged(more).confidence <= 0.98
    assert judged(more).confidence >= judged(less).confidence


def test_few_keypoints_that_differ_do_not_overrule_what_looks_the_same() -> None:
    """A soft copy has lost most of the keypoints that its original's trace holds."""
    soft = replace(ALIKE, inliers=8, correlation=0.15, agreement=0.2, reason="pixels_differ")
    found = judged(soft, cosine=0.95)
    assert (found.kind, found.evidence.rule) == ("copy", "unverified")
    assert calibration.counts(found, DEFAULTS.match)
    assert not calibration.counts(judged(soft, cosine=0.3), DEFAULTS.match)


# --- the file ------------------------------------------------------------------------------------


def test_shipped_file_says_where_it_comes_from() -> None:
    content = json.loads(SHIPPED)
    assert content["provenance"]["command"].startswith("scripts/calibrate_traces.py ")
    assert content["provenance"]["examples"]["laid_over_copies"] >= 100
    assert min(content["model"]["weights"].values()) >= 0


DAMAGED: tuple[Any, ...] = (
    "",
    "[]",
    "{}",
    '{"model": {"intercept": 1}}',
    '{"model": {"intercept": "much", "weights": {}}}',
    '{"model": {"intercept": NaN, "weights": {}}}',
    '{"model": {"intercept": 1, "weights": {"shoe size": 1}}}',
)


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_file_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="calibration file of traces is damaged"):
        trace_confidence.read(text)
