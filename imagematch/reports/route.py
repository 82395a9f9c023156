"""When and where ads of a cluster were, as a drawing: its stops in, SVG with a lane a place out.

Days run from left to right. Sites are letters, so that they can be told apart in black and white;
the page says which letter is which. Very many stops are dots instead: no way can be followed
through them. The table of stops beside it is its text alternative.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from imagematch import formatting
from imagematch.amounts import counted
from imagematch.records import Stop

#: Places with a lane of their own, sites with a letter, stops that are joined, and that are drawn.
MOST_PLACES, MOST_LETTERS, MOST_JOINED, MOST_STOPS = 8, 20, 60, 400

OTHER_PLACES = "other places"
NO_PLACE = "no place"

#: px of a drawing that is as wide as a page allows.
_WIDTH, _LABELS, _LANE, _AXIS, _MARGIN = 760, 170, 32, 26, 26
#: Columns of a label; wide characters, as of Chinese, take two.
_COLUMNS = 21
#: Letters in one mark.
_MOST_IN_A_MARK = 3


@dataclass(frozen=True, slots=True)
class Route:
    """A drawing, the letters in it with their sites, and how many stops it leaves out."""

    drawing: Markup
    letters: tuple[tuple[str, str], ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class _Point:
    day: date
    lane: int
    sites: tuple[str, ...]


def route(stops: Sequence[Stop]) -> Route | None:
    """Draw the stops of which the day is known; None where they are fewer than two."""
    dated = [(day, stop) for stop in stops if (day := formatting.day(stop.day)) is not None]
    dated.sort(key=lambda entry: entry[0])
    if len(dated) < 2:
        return None
    every = -(-len(dated) // MOST_STOPS)
    shown = dated[::every]
    places = _lanes([stop.place for _, stop in shown])
    points = _points(shown, places)
    letters: dict[str, str] = {}
    if len(points) <= MOST_JOINED:
        letters = _letters(site for _, stop in shown for site in stop.sites)
    told = tuple((letter, site) for site, letter in letters.items())
    return Route(_drawn(points, places, letters), told, len(dated) - len(shown))


def _lanes(places: Sequence[str]) -> list[str]:
    """The places that get a lane, as they come; the last one is of all others if they are many."""
    found = list(dict.fromkeys(place or NO_PLACE for place in places))
    if len(found) <= MOST_PLACES:
        return found
    return [*found[: MOST_PLACES - 1], OTHER_PLACES]


def _letters(sites: Iterable[str]) -> dict[str, str]:
    found = list(dict.fromkeys(sites))[:MOST_LETTERS]
    return {site: chr(ord("A") + at) for at, site in enumerate(sorted(found))}


def _points(stops: Sequence[tuple[date, Stop]], places: Sequence[str]) -> list[_Point]:
    """Stops by day; those of one day in one lane are one."""
    lanes = {place: at for at, place in enumerate(places)}
    sites: dict[tuple[date, int], dict[str, None]] = {}
    for day, stop in stops:
        lane = lanes.get(stop.place or NO_PLACE, len(places) - 1)
        sites.setdefault((day, lane), {}).update(dict.fromkeys(stop.sites))
    return [_Point(day, lane, tuple(seen)) for (day, lane), seen in sites.items()]


# --- drawing -----------------------------------------------------------------------------------


def _drawn(points: Sequence[_Point], places: Sequence[str], letters: dict[str, str]) -> Markup:
    height = _LANE * len(places) + _AXIS
    first, last = points[0].day, points[-1].day
    said = (
        f"Route: {counted(len(points), 'stop')} at {counted(len(places), 'place')} "
        f"from {first} to {last}; the table lists them."
    )
    parts = [
        f'<svg class="route" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{said}">',
        *(_lane(at, place) for at, place in enumerate(places)),
        *_days(first, last, height),
    ]
    marks = _joined(points, letters) if len(points) <= MOST_JOINED else _dots(points)
    return Markup("".join((*parts, *marks, "</svg>")))


def _joined(points: Sequence[_Point], letters: dict[str, str]) -> Iterator[str]:
    """A line through all stops, and the letters of their sites."""
    there = _places(points)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in there)
    yield f'<polyline class="way" points="{line}"/>'
    for point, (x, y) in zip(points, there, strict=True):
        yield _mark(point, x, y, letters)


def _dots(points: Sequence[_Point]) -> Iterator[str]:
    for x, y in _places(points):
        yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'


def _places(points: Sequence[_Point]) -> list[tuple[float, float]]:
    """Where stops are in the drawing, px."""
    first, last = points[0].day, points[-1].day
    return [(_across(point.day, first, last), _middle(point.lane)) for point in points]


def _lane(at: int, place: str) -> str:
    y = _middle(at)
    label = escape(_cut(formatting.printable(place)))
    return (
        f'<path class="lane" d="M{_LABELS} {y:.1f}H{_WIDTH}"/>'
        f'<text x="{_LABELS - 10}" y="{y:.1f}" dy="0.35em" text-anchor="end">{label}</text>'
    )


def _days(first: date, last: date, height: int) -> list[str]:
    """The first and the last day, and one between them where there is room for it."""
    days = [first] if first == last else [first, last]
    if (last - first).days > 2:
        days.insert(1, first + (last - first) / 2)
    made = []
    for day in days:
        x = _across(day, first, last)
        bottom = height - _AXIS
        made.append(
            f'<path class="tick" d="M{x:.1f} 0V{bottom + 5}"/>'
            f'<text class="day" x="{x:.1f}" y="{height - 6}" text-anchor="middle">{day}</text>'
        )
    return made


def _mark(point: _Point, x: float, y: float, letters: dict[str, str]) -> str:
    told = sorted(letters[site] for site in point.sites if site in letters)
    text = "".join(told[:_MOST_IN_A_MARK]) + ("+" if len(told) > _MOST_IN_A_MARK else "")
    width = 11 + 9 * max(len(text), 1)
    corner = f'x="{x - width / 2:.1f}" y="{y - 10:.1f}"'
    return (
        f'<rect class="stop" {corner} width="{width}" height="20" rx="10"/>'
        f'<text class="site" x="{x:.1f}" y="{y:.1f}" dy="0.35em" text-anchor="middle">{text}</text>'
    )


def _across(day: date, first: date, last: date) -> float:
    left, right = _LABELS + _MARGIN + 10, _WIDTH - _MARGIN - 10
    days = (last - first).days
    return (left + right) / 2 if not days else left + (day - first).days / days * (right - left)


def _middle(lane: int) -> float:
    return _LANE * (lane + 0.5)


def _cut(text: str) -> str:
    """As much of a text as fits into a label."""
    room = _COLUMNS
    for at, char in enumerate(text):
        room -= 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if room < 0:
            return f"{text[: max(at - 1, 0)]}…"
    return text
