"""A link's evidence as steps: they add up, are drawn where they belong, and obey no name."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import Link, Profile, SharedItem
from imagematch.reports import waterfall
from tests.reports import builders

ANNA, BELLA = Profile("siteA", "anna"), Profile("siteB", "bella")

numbers = st.floats(-60, 60)


def link(*shared: SharedItem, prior: float = -9.0, rest: float = -1.25) -> Link:
    return Link(ANNA, BELLA, 0.99, prior, shared, rest, ())


def value(bits: str) -> float:
    return float(bits.replace("\u2212", "-"))


def bar(row: waterfall.Row) -> tuple[float, float]:
    """Where a bar begins and ends, from left to right."""
    [rect] = ET.fromstring(row.bar).iter("rect")
    return float(rect.attrib["x"]), float(rect.attrib["x"]) + float(rect.attrib["width"])


def shape(row: waterfall.Row) -> str:
    [rect] = ET.fromstring(row.bar).iter("rect")
    return rect.attrib["class"]


def test_the_steps_are_the_prior_the_items_the_rest_and_their_sum() -> None:
    photo = builders.photo_item(builders.sighting("siteA/anna/holiday.jpg"), ANNA, BELLA, bits=9.5)
    rows = waterfall.rows(link(photo, builders.item(bits=4.0)))

    assert [(row.word, row.label, row.bits) for row in rows] == [
        ("", "Before anything is known", "\u22129.0"),
        ("Photo", "holiday.jpg", "+9.5"),
        ("Phone number", "+31612345678", "+4.0"),
        ("", "All else they show", "\u22121.2"),
        ("", "All together", "+3.2"),
    ]
    assert [row.total for row in rows] == [False] * 4 + [True]


def test_a_photo_without_a_file_is_called_by_what_people_type_for_it() -> None:
    rows = waterfall.rows(link(builders.item("photo", "ab" * 32)))

    assert rows[1].label == "abababababab"


def test_what_speaks_against_a_link_is_another_shape_and_not_just_another_colour() -> None:
    rows = waterfall.rows(link(builders.item(bits=10.0)))

    assert [shape(row) for row in rows] == ["against", "for", "against", "sum"]


@given(numbers, st.lists(numbers, max_size=9), numbers)
def test_each_step_begins_where_the_last_one_ended(
    prior: float, items: list[float], rest: float
) -> None:
    rows = waterfall.rows(
        link(*(builders.item(bits=bits) for bits in items), prior=prior, rest=rest)
    )
    *steps, total = rows
    for before, after in pairwise(steps):
        # One end of each bar is an end of the next; a bar of no bits has a width all the same.
        assert min(abs(one - two) for one in bar(before) for two in bar(after)) < 3.1
    assert all(0 <= left <= right <= 1003 for left, right in map(bar, rows))
    assert value(total.bits) == pytest.approx(prior + sum(items) + rest, abs=0.051)


def test_many_items_are_added_up_and_none_is_lost() -> None:
    rows = waterfall.rows(link(*(builders.item(bits=1.0) for _ in range(40))))

    assert len(rows) == waterfall.MOST_ITEMS + 3
    assert (rows[-3].label, rows[-3].bits) == ("31 more shared items", "+31.0")
    assert rows[-1].bits == "+29.8"


def test_a_link_that_rests_on_others_of_its_cluster_says_so() -> None:
    rows = waterfall.rows(link(rest=14.0))

    assert [row.bits for row in rows] == ["\u22129.0", "+14.0", "+5.0"]


@pytest.mark.parametrize("name", builders.HOSTILE)
def test_a_hostile_value_stays_a_short_label_and_out_of_the_drawing(name: str) -> None:
    rows = waterfall.rows(
        link(builders.item("handle", name), builders.photo_item(builders.sighting(name), ANNA))
    )
    for row in rows:
        assert len(row.label) < 120
        assert row.label.isprintable()
        tags = {element.tag for element in ET.fromstring(row.bar).iter()}
        assert tags == {"svg", "path", "rect"}
        assert not re.search(r"\bstyle=|\bon\w+=|href", row.bar)
