"""Phone numbers: one number has one spelling, and what is no number stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import SettingsError
from imagematch.kernels.phones import checked_region, is_unconfirmed, to_e164


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


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+31 6 7701 9175", None),
        ("06 7701 9175", "NL"),
        ("06/77.01.91.75", "NL"),
        ("0031677019175", "NL"),
        ("+31 (0)6 7701 9175", None),
        ("WhatsApp: +31-6-7701-9175 only", "BE"),
        ("٠٦٧٧٠١٩١٧٥", "NL"),
        ("+31677019175", "US"),
    ],
)
def test_a_number_that_the_tables_do_not_have_yet_has_one_spelling(
    text: str, region: str | None
) -> None:
    assert to_e164(text, region) == "+31677019175"
    assert is_unconfirmed("+31677019175")


def test_neither_valid_numbers_nor_other_texts_are_unconfirmed() -> None:
    others = "", "ask by mail", "0470 12 34 56", "06 7701 9175", "+", "+999", "+3112", "+1" * 200
    assert not any(map(is_unconfirmed, ("+32470123456", *others)))


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("+31 6 7701 9175, +31 6 7701 9176", None),  # several
        ("+31 6 7701 9175 or 9176", None),
        ("from 150 euro, 06 7701 9175", "NL"),
        ("253-0000", "US"),  # without its area code, it is another number in each town
        ("+31 6 7", None),  # too short
        ("+31 6 7701 9175 9175 9175", None),  # too long
        ("call 1500 euros ask", "NL"),
    ],
)
def test_what_may_be_several_numbers_or_none_stays_as_it_is(text: str, region: str | None) -> None:
    assert to_e164(text, region) == text


@given(
    st.text(alphabet=st.sampled_from("+0123456789 ()-/,x")),
    st.sampled_from([None, "BE", "US", "DE"]),
)
def test_normalising_twice_changes_nothing(text: str, region: str | None) -> None:
    once = to_e164(text, region)
    assert to_e164(once, region) == once


def test_the_region_is_checked() -> None:
    assert checked_region("") is None
    assert checked_region(" be ") == "BE"
    with pytest.raises(SettingsError, match="BELGIUM"):
        checked_region("BELGIUM")


@pytest.mark.parametrize("text", ["0031612345678", "0031 6 1234 5678", " 00 31-612345678"])
def test_two_zeros_lead_abroad_where_nobody_says_from_where(text: str) -> None:
    assert to_e164(text, None) == "+31612345678"


@pytest.mark.parametrize("text", ["0012", "0000000000", "00 12 34 56", "007"])
def test_two_zeros_alone_make_no_number(text: str) -> None:
    assert to_e164(text, None) == text
