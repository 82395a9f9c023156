"""Phone numbers: one number has one spelling, and what is no number stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import SettingsError
from imagematch.sources.phones import checked_region, to_e164


@pytest.mark.parametrize(
    ("text", "region", "normal"),
    [
        ("+32 470 12 34 56", None, "+32470123456"),
        ("0470/12.34.56", "BE", "+32470123456"),
        ("0032 470 123456", "BE", "+32470123456"),
        ("(202) 456-1414", "US", "+12024561414"),
        ("٠٤٧٠١٢٣٤٥٦", "BE", "+32470123456"),
        ("+44 20 7946 0958", "BE", "+442079460958"),
    ],
)
def test_a_valid_number_becomes_e164(text: str, region: str | None, normal: str) -> None:
    assert to_e164(text, region) == normal


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("0470 12 34 56", None),
        ("ask by mail", "BE"),
        ("123", "BE"),
        ("+32 470 12 34 56, +32 471 12 34 56", None),
        ("+999 12345678", None),
        ("9" * 1000, "BE"),
    ],
)
def test_what_is_no_valid_number_stays_as_it_is(text: str, region: str | None) -> None:
    assert to_e164(text, region) == text


@given(st.text(alphabet=st.sampled_from("+0123456789 ()-x")), st.sampled_from([None, "BE", "US"]))
def test_normalising_twice_changes_nothing(text: str, region: str | None) -> None:
    once = to_e164(text, region)
    assert to_e164(once, region) == once


def test_the_region_is_checked() -> None:
    assert checked_region("") is None
    assert checked_region(" be ") == "BE"
    with pytest.raises(SettingsError, match="BELGIUM"):
        checked_region("BELGIUM")
