"""Texts of ads that are all but the same have one normal form, and others have none in common."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.kernels.identifiers.same_words import same_words

TEXT = (
    "Hello gentlemen, I am a sweet and discreet lady, new in your city for a few days only. "
    "Call me on 0612345678, from 100 euro! lola@mail.example"
)


@pytest.mark.parametrize(
    "other",
    [
        TEXT.upper(),
        TEXT.replace("0612345678", "+31 6 9876 5432").replace("100", "150"),
        TEXT.replace("lola@mail.example", "@anna_zz t.me/anna_zz"),
        TEXT.replace("! ", " \U0001f618\U0001f618\n\n").replace(", ", " - "),
        TEXT.replace("sweet", "sw\u200beet").replace("Hello", "Hеllo"),
        f"  {TEXT}  ",
    ],
)
def test_numbers_contacts_case_and_ornament_make_no_difference(other: str) -> None:
    assert same_words(TEXT) is not None
    assert same_words(other) == same_words(TEXT)


@pytest.mark.parametrize("other", [TEXT.replace("sweet", "kind"), TEXT + " Only this week."])
def test_other_words_do(other: str) -> None:
    assert same_words(other) not in (None, same_words(TEXT))


@pytest.mark.parametrize("text", ["", "New in town, call me", "0612345678 " * 40, "a " * 40])
def test_few_words_say_nothing(text: str) -> None:
    assert same_words(text) is None


@given(st.text())
def test_any_text_has_a_short_form_or_none(text: str) -> None:
    for shown in (text, text * 30):
        found = same_words(shown)
        assert found is None or len(found) < 100


def test_a_megabyte_is_read_as_any_text_is() -> None:
    assert same_words(f"{TEXT} " * 10_000) is not None
    assert same_words("word " * 200_000) is not None
