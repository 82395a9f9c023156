"""Stops of a cluster as a drawing: in order, bounded, and nothing in it obeys a name."""

import datetime
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import Profile, Stop
from imagematch.reports import route
from tests.reports import builders


def stop(day: str, place: str = "Ghent", *sites: str) -> Stop:
    return Stop(day, False, place, sites or ("siteA",), (Profile("siteA", "anna"),), 1)


def drawn(*stops: Stop) -> ET.Element:
    made = route.route(stops)
    assert made is not None
    return ET.fromstring(made.drawing)


def texts(drawing: ET.Element, name: str | None = None) -> list[str]:
    return [
        element.text or ""
        for element in drawing.iter("text")
        if name is None or element.get("class") == name
    ]


def way(drawing: ET.Element) -> list[tuple[float, float]]:
    [line] = drawing.iter("polyline")
    points = (point.split(",") for point in line.attrib["points"].split())
    return [(float(x), float(y)) for x, y in points]


def test_stops_go_from_left_to_right_with_a_lane_a_place() -> None:
    drawing = drawn(
        stop("2026-03-01", "Antwerp", "siteA"),
        stop("2026-03-09", "Ghent", "siteB"),
        stop("2026-03-05", "Antwerp", "siteA", "siteB"),
    )
    points = way(drawing)
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[0][1] == points[1][1] != points[2][1]
    assert points[1][0] - points[0][0] == pytest.approx(points[2][0] - points[1][0], abs=0.2)
    assert texts(drawing, "site") == ["A", "AB", "B"]
    assert texts(drawing, "day") == ["2026-03-01", "2026-03-05", "2026-03-09"]
    assert {"Antwerp", "Ghent"} <= set(texts(drawing))


def test_the_drawing_says_in_words_what_it_shows() -> None:
    drawing = drawn(stop("2026-03-01", "Antwerp"), stop("2026-03-09"))

    assert drawing.attrib["role"] == "img"
    assert drawing.attrib["aria-label"] == (
        "Route: 2 stops at 2 places from 2026-03-01 to 2026-03-09; the table lists them."
    )


def test_sites_of_one_day_and_place_are_one_mark_and_many_are_cut() -> None:
    sites = [f"site{at}" for at in range(6)]
    drawing = drawn(*(stop("2026-03-01", "Ghent", site) for site in sites), stop("2026-03-02"))

    assert texts(drawing, "site")[0] == "ABC+"


@pytest.mark.parametrize("days", [(), ("2026-03-01",), ("", ""), ("soon", "2026-03-01")])
def test_there_is_no_route_of_less_than_two_known_days(days: tuple[str, ...]) -> None:
    assert route.route([stop(day) for day in days]) is None


def test_ads_of_one_day_stand_in_the_middle() -> None:
    drawing = drawn(stop("2026-03-01", "Antwerp"), stop("2026-03-01", "Ghent"))

    assert texts(drawing, "day") == ["2026-03-01"]
    assert len({x for x, _ in way(drawing)}) == 1


def test_a_stop_without_a_place_has_a_lane() -> None:
    assert route.NO_PLACE in texts(drawn(stop("2026-03-01", ""), stop("2026-03-02")))


def test_hundreds_of_stops_and_places_stay_one_drawing() -> None:
    first = datetime.date(2020, 1, 1)
    stops = [
        stop(str(first + datetime.timedelta(at)), f"town {at}", f"site{at}") for at in range(5000)
    ]
    made = route.route(stops)

    assert made is not None
    drawing = ET.fromstring(made.drawing)
    dots = list(drawing.iter("circle"))
    assert len(dots) <= route.MOST_STOPS
    assert made.left_out == 5000 - len(dots)
    assert made.letters == ()
    assert route.OTHER_PLACES in texts(drawing)
    assert len(made.drawing) < 50_000


def test_sites_beyond_the_letters_have_none() -> None:
    stops = [stop(f"2026-03-{1 + at:02}", "Ghent", f"site{at}") for at in range(30)]
    made = route.route(stops)

    assert made is not None
    assert len(made.letters) == route.MOST_LETTERS
    assert made.letters[:3] == (("A", "site0"), ("B", "site1"), ("C", "site10"))


@given(st.text(st.characters(), max_size=60))
@pytest.mark.parametrize("more", ["", *builders.HOSTILE])
def test_no_place_becomes_markup_or_leaves_its_label(more: str, name: str) -> None:
    place = more + name
    made = route.route([stop("2026-03-01", place), stop("2026-03-02", "Ghent", place)])

    assert made is not None
    drawing = ET.fromstring(made.drawing)
    assert {element.tag for element in drawing.iter()} <= {
        *("svg", "path", "text", "polyline", "rect")
    }
    assert not re.search(r"\bstyle=|\bon\w+=", re.sub(r">[^<]*<", "><", made.drawing))
    assert all(len(text) <= 22 for text in texts(drawing))


def test_wide_letters_take_two_columns() -> None:
    label = texts(drawn(stop("2026-03-01", "很" * 40), stop("2026-03-02")))[0]

    assert label == "很" * 9 + "…"
