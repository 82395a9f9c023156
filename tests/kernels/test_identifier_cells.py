"""Identifiers of whole ads, cell by cell, and what somebody who looks for one may mean."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.kernels.identifiers import cells
from imagematch.kernels.identifiers.asking import last_digits, meant
from imagematch.kernels.identifiers.cells import Cell, read
from imagematch.records import IdentifierKind


def found(*asked: Cell) -> list[tuple[str, str, str]]:
    return [
        (each.identifier.kind, each.identifier.value, each.place) for each in read(asked, ["NL"])
    ]


def test_a_cell_is_what_its_column_says_and_a_text_is_searched() -> None:
    assert found(
        Cell("phone", "phone", "06 1000 0012"),
        Cell("tg", "handle", "lola_zz"),
        Cell("text", None, "call 06 1000 0012 or mail a@b.example"),
    ) == [
        ("phone", "+31610000012", "phone"),
        ("handle", "handle:lola_zz", "tg"),
        ("phone", "+31610000012", "text"),
        ("email", "a@b.example", "text"),
    ]


def test_a_name_in_a_column_of_a_platform_is_on_it() -> None:
    assert found(
        Cell("Telegram", "handle", "@lola_zz"), Cell("instagram", "handle", "t.me/zora_1")
    ) == [("handle", "telegram:lola_zz", "Telegram"), ("handle", "telegram:zora_1", "instagram")]


def test_a_cell_that_holds_several_or_something_else_is_read_as_a_text() -> None:
    assert found(Cell("phone", "phone", "06 1000 0012 / 06 1000 0013, t.me/lola_zz")) == [
        ("phone", "+31610000012", "phone"),
        ("phone", "+31610000013", "phone"),
        ("handle", "telegram:lola_zz", "phone"),
    ]
    assert found(Cell("phone", "phone", "ask")) == []


def test_the_host_of_the_ad_itself_says_nothing() -> None:
    own = Cell("url", "url", "https://www.site.example/ad/1?utm_source=x")
    text = Cell("text", None, "more on site.example, other.example and https://site.example/ad/2")
    assert found(own, text) == [
        ("url", "https://site.example/ad/1", "url"),
        ("host", "other.example", "text"),
        ("url", "https://site.example/ad/2", "text"),
    ]


def test_long_texts_are_read_to_a_limit_and_long_values_are_left_out() -> None:
    early, late = "a@b.example ", " c@d.example"
    blank = " " * cells.LONGEST_TEXT
    assert found(Cell("text", None, early + blank + late)) == [("email", "a@b.example", "text")]
    assert found(Cell("tag", "other", "x" * (cells.LONGEST_VALUE + 1))) == []
    assert len(found(Cell("text", None, "1" * 1_000_000))) == 0


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_any_text_gives_values_that_can_be_stored(text: str) -> None:
    for shown in read([Cell("a", "other", text), Cell("b", None, text), Cell("c", "phone", text)]):
        stored = shown.identifier.value + shown.identifier.raw
        assert "\0" not in stored
        assert stored.encode()


# --- looking for one ---------------------------------------------------------------------------


def values(text: str, *regions: str) -> dict[str, list[str]]:
    """By kind; of handles only those with no platform and of Telegram."""
    kinds: dict[str, list[str]] = {}
    for each in meant(text, regions):
        if each.kind != "handle" or each.value.startswith(("handle:", "telegram:")):
            kinds.setdefault(each.kind, []).append(each.value)
    kinds.pop("other", None)
    return kinds


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("+31612345678", "phone", ["+31612345678"]),
        ("0031 6 12 34 56 78", "phone", ["+31612345678"]),
        ("06 1234 5678", "phone", ["+31612345678", "+32612345678"]),
        ("call nul zes 12 34 56 78", "phone", ["+31612345678", "+32612345678"]),
        ("A@B.Example", "email", ["a@b.example"]),
        ("@Lola_ZZ", "handle", ["handle:lola_zz", "telegram:lola_zz"]),
        ("lola_zz", "handle", ["handle:lola_zz", "telegram:lola_zz"]),
        ("\u202e@l\u043ela_zz", "handle", ["handle:lola_zz", "telegram:lola_zz"]),
        ("https://t.me/lola_zz", "handle", ["telegram:lola_zz"]),
        ("telegram:lola_zz", "handle", ["telegram:lola_zz"]),
        ("http://www.site.example/ad/1?utm_source=x", "url", ["https://site.example/ad/1"]),
        ("www.Site.example", "host", ["site.example"]),
    ],
)
def test_what_is_typed_means_all_that_it_may_be(
    text: str, kind: IdentifierKind, wanted: list[str]
) -> None:
    assert values(text, "NL", "BE") == {kind: wanted}


def test_of_a_whole_ad_everything_is_meant() -> None:
    assert values("call 06 1234 5678 or mail a@b.example, thanks", "NL") == {
        "phone": ["+31612345678"],
        "email": ["a@b.example"],
    }
    assert values("hello dear people", "NL") == {}


def test_a_number_of_no_known_country_ends_with_its_last_digits() -> None:
    assert last_digits("06-1234 5678") == "612345678"
    assert last_digits("room 612345678") == last_digits("12345") == ""
