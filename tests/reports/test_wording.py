"""Sentences that an investigator can rely on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import Evidence, Judgement, Kind
from imagematch.reports import wording
from tests.reports import builders


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_a_mirrored_copy_reads_as_evidence() -> None:
    fit = builders.geometry(87, mirrored=True)

    assert plain(wording.sentence(builders.judgement(fit=fit))) == (
        "87 keypoints of the left photo fit the right one after mirroring; the aligned pixels "
        "agree (correlation 0.97) over 72 % of the smaller photo."
    )


def test_a_part_says_how_much_of_each_photo_is_covered() -> None:
    sentence = plain(wording.sentence(builders.judgement("part"), "query", "indexed"))

    assert "cover 40 % of the query photo and 90 % of the indexed one" in sentence


@pytest.mark.parametrize("rule", ["same_bytes", "same_pixels", "a_later_rule"])
def test_identical_photos_are_not_explained_by_geometry(rule: str) -> None:
    sentence = wording.sentence(Judgement("exact", 1.0, Evidence(True, 0, 1.0, None, rule)))

    assert "same" in sentence
    assert "keypoint" not in sentence


def test_an_unverified_pair_says_so_first() -> None:
    sentence = wording.sentence(builders.unverified())

    assert sentence.startswith("Not verified by geometry")
    assert "31 of 256 bits" in sentence
    assert "cosine" not in sentence


def test_a_scene_is_called_no_copy() -> None:
    assert "not a copy" in wording.sentence(builders.scene())


def test_a_refused_fit_is_not_told_as_agreement() -> None:
    fit = builders.geometry(4, reason="few_inliers")

    sentence = wording.sentence(builders.judgement(confidence=0.02, fit=fit))

    assert "does not confirm" in sentence
    assert "agree" not in sentence


@given(
    st.sampled_from(["copy", "part", "scene"]),
    st.integers(0, 5000),
    st.sampled_from(["accepted", "few_keypoints", "implausible", "a later reason"]),
)
def test_every_sentence_is_one_line_and_ends_with_a_stop(
    kind: Kind, inliers: int, reason: str
) -> None:
    fit = builders.geometry(inliers, reason=reason)

    sentence = wording.sentence(builders.judgement(kind, fit=fit))

    assert sentence.endswith(".")
    assert sentence[0].isupper() or sentence[0].isdigit()
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "100 %"),
        (0.99999, "99.9 %"),
        (0.9987, "99.8 %"),
        (0.57, "57.0 %"),
        (0.00003, "below 0.1 %"),
        (0.0, "0.0 %"),
    ],
)
def test_percentages_are_cut_and_not_rounded_up(value: float, text: str) -> None:
    assert plain(wording.percent(value)) == text


@pytest.mark.parametrize(
    ("value", "word"),
    [(0.999, "almost certain"), (0.8, "very likely"), (0.79, "likely"), (0.0, "remote")],
)
def test_bands_start_at_their_bound(value: float, word: str) -> None:
    assert wording.band(builders.judgement(confidence=value)) == word


def test_only_identical_photos_are_certain() -> None:
    assert wording.band(builders.exact()) == "certain"
    assert wording.band(builders.judgement(confidence=1.0)) == "almost certain"
