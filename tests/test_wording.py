"""Sentences that an investigator can rely on."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch import calibration, wording
from imagematch.calibration import Band
from imagematch.records import Evidence, Judgement, Kind
from tests.reports import builders


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_a_mirrored_copy_reads_as_evidence() -> None:
    fit = builders.geometry(87, mirrored=True)

    assert plain(wording.sentence(builders.judgement(fit=fit))) == (
        "The same photo, mirrored: 87 matching points fit one perspective, the overlapping pixels "
        "agree (correlation 0.97), and 72 % of the smaller photo is covered."
    )


def test_a_part_says_how_much_of_each_photo_is_covered() -> None:
    sentence = plain(wording.sentence(builders.judgement("part"), "query", "indexed"))

    assert sentence.startswith("The same photo in part: ")
    assert "cover 40 % of the query photo and 90 % of the indexed one" in sentence


def test_a_pair_that_is_no_match_is_not_called_the_same_photo() -> None:
    sentence = wording.sentence(builders.judgement(confidence=0.3))

    assert sentence.startswith("Perhaps the same photo: ")


@pytest.mark.parametrize("rule", ["same_bytes", "same_pixels", "a_later_rule"])
def test_identical_photos_are_not_explained_by_geometry(rule: str) -> None:
    sentence = wording.sentence(Judgement("exact", 1.0, Evidence(True, 0, 1.0, None, rule)))

    assert "same" in sentence
    assert "keypoint" not in sentence


def test_an_unverified_pair_says_so_first() -> None:
    sentence = wording.sentence(builders.unverified())

    assert sentence.startswith("Not verified by geometry, because a file is gone")
    assert "31 of 256 bits" in sentence
    assert "cosine" not in sentence


def test_a_scene_is_called_no_copy() -> None:
    assert "not a copy" in wording.sentence(builders.scene())


def test_too_little_for_a_lead_is_not_called_a_place() -> None:
    few = Judgement("scene", 0.03, Evidence(False, 122, None, builders.geometry(8), "geometry"))

    assert "same place" in wording.sentence(builders.scene())
    assert wording.sentence(few).startswith("Not a copy: 8 matching points")


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
    ("judgement", "said"),
    [
        (builders.exact(), "100 %, certain"),
        (builders.judgement(confidence=0.998), "99.8 %, certain"),
        (builders.judgement("part", 0.93), "93.0 %, strong"),
        (builders.judgement(confidence=0.8), "80.0 %, possible"),
        (builders.judgement(confidence=0.4), "40.0 %"),
        (builders.unverified(0.62), "62.0 %"),
        (builders.scene(), "3.0 % as a copy"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_confidence_is_said_with_its_band(judgement: Judgement, said: str) -> None:
    assert plain(wording.sureness(judgement)) == said


@pytest.mark.parametrize(
    ("judgement", "word"),
    [
        (builders.judgement("part"), "Part"),
        (builders.scene(), "Same scene, a lead"),
        (builders.judgement(confidence=0.49), "Candidate"),
        (builders.unverified(0.62), "Candidate"),
        (builders.unverified(0.95), "Copy"),
    ],
)
def test_what_is_no_match_is_called_a_candidate(judgement: Judgement, word: str) -> None:
    assert wording.kind_word(judgement) == word


def test_a_band_claims_no_precision_before_one_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    bands = (Band("certain", 0.99, 0.99871, 1512), Band("possible", 0.5, None, None))
    shipped = dataclasses.replace(calibration.shipped(), bands=bands)
    monkeypatch.setattr(calibration, "shipped", lambda: shipped)

    assert [tuple(map(plain, row)) for row in wording.band_rows()] == [
        ("certain", "from 99 %", "99.8 % of 1,512"),
        ("possible", "from 50 %", "not measured yet"),
    ]


@pytest.mark.parametrize(
    ("pictures", "found"), [(1, "1 further picture "), (1200, "1,200 further pictures ")]
)
def test_further_pictures_are_counted_in_words(pictures: int, found: str) -> None:
    assert found in wording.further_pictures_note(pictures)
