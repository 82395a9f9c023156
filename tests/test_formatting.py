"""Rounding that claims no more than was computed, and text that can't deceive."""

import dataclasses
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch import formatting
from imagematch.records import ItemKind, LinkReport, Profile
from tests.reports import builders


def test_almost_certain_is_not_shown_as_certain() -> None:
    assert formatting.confidence(builders.judgement(confidence=1.0)) == 0.9999
    assert formatting.confidence(builders.judgement(confidence=0.99999)) == 0.9999
    assert formatting.confidence(builders.exact()) == 1.0


@pytest.mark.parametrize("tenthousandths", [1, 2900, 5700, 9980, 9999])
def test_a_value_of_four_digits_is_kept_to_the_digit(tenthousandths: int) -> None:
    value = tenthousandths / 10_000
    assert formatting.floored(value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photo\u202egpj.exe", "photo\\u202egpj.exe"),
        ("two\nlines", "two\\nlines"),
        ("caf\udce9", "caf\\xe9"),
        ("\x1b[31m", "\\x1b[31m"),
        ("وردة الليل", "وردة الليل"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_hidden_characters_are_spelled_out_and_letters_stay(text: str, expected: str) -> None:
    assert formatting.printable(text) == expected


@given(st.text(st.characters()))
def test_printable_text_is_one_line_that_utf8_can_hold(text: str) -> None:
    visible = formatting.printable(text)

    visible.encode("utf-8")
    assert len(visible.splitlines()) <= 1
    bidirectional = {unicodedata.bidirectional(char) for char in visible}
    assert not bidirectional & {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    assert formatting.printable(visible) == visible


@given(st.text(min_size=401, max_size=2000))
def test_a_long_text_keeps_both_ends_and_says_what_is_missing(text: str) -> None:
    short = formatting.shortened(text)

    assert short.startswith(text[:200])
    assert short.endswith(text[-200:])
    assert f"{len(text) - 400:,} characters left out" in short


def test_a_link_between_two_clusters_belongs_to_neither() -> None:
    report = builders.report()
    [cluster] = report.clusters
    other = dataclasses.replace(cluster, id="c2", number=2)
    apart = {Profile("siteA", "anna"): cluster, Profile("siteB", "bella"): other}

    assert formatting.cluster_of(report.links[1], apart) is None
    clusters = formatting.clusters_by_profile(report)
    assert formatting.cluster_of(report.links[1], clusters) is cluster


def test_links_of_equal_probability_have_one_order() -> None:
    def order(report: LinkReport) -> list[Profile]:
        return [link.left for link in formatting.strongest_first(report.links)]

    links = tuple(
        builders.link_between(Profile("s", name), Profile("t", name)) for name in ("c", "a", "b")
    )
    forwards = builders.found(links=links)
    backwards = builders.found(links=links[::-1])

    assert order(forwards) == order(backwards) == sorted(order(forwards))


def test_of_links_that_are_all_but_certain_the_one_with_more_evidence_comes_first() -> None:
    one, two = Profile("s", "a"), Profile("s", "b")
    less, more = (
        builders.link_between(one, two, probability=1.0, shared=(builders.item(bits=bits),))
        for bits in (30.0, 80.0)
    )
    assert formatting.strongest_first((less, more)) == [more, less]


def test_no_link_is_certain() -> None:
    sure = builders.link_between(Profile("s", "a"), Profile("s", "b"), probability=1.0)
    assert formatting.probability(sure) == 0.9999


def test_the_kinds_of_evidence_are_told_once_each() -> None:
    kinds: tuple[ItemKind, ...] = ("phone", "photo", "phone", "email")
    shared = tuple(builders.item(kind) for kind in kinds)
    link = builders.link_between(Profile("s", "a"), Profile("s", "b"), shared=shared)
    assert formatting.evidence_kinds(link) == ["phone", "photo", "email"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.001])
def test_bits_are_always_a_number_that_json_has(value: float) -> None:
    assert str(formatting.bits(value)) == "0.0"
