"""Rates and times left are those of what happened lately, whatever happened before."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from imagematch.cli import console
from imagematch.cli.console import Watch
from imagematch.cli.pace import WINDOW, Pace, in_words


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def paced(total: int | None, *steps: tuple[float, int]) -> tuple[Pace, Clock]:
    """A stage with steps done after waiting so many seconds."""
    clock = Clock()
    pace = Pace(total, clock)
    for seconds, count in steps:
        clock.now += seconds
        pace.advance(count)
    return pace, clock


def test_starting_workers_does_not_count_as_slow_photos() -> None:
    pace, _ = paced(1000, (20.0, 1), *[(0.1, 1)] * 50)
    assert pace.rate == pytest.approx(10.0)
    assert pace.seconds_left == pytest.approx((1000 - 51) / 10)


def test_a_change_of_pace_shows_within_the_window() -> None:
    fast, slow = [(0.01, 1)] * 20_000, [(1.0, 1)] * 40
    pace, _ = paced(None, *fast, *slow)
    assert pace.rate == pytest.approx(1.0, rel=0.1)


def test_a_stage_that_is_stuck_gets_slower_all_the_time() -> None:
    pace, clock = paced(1000, *[(0.1, 1)] * 100)
    rates = []
    for _ in range(5):
        clock.now += 20
        rates.append(pace.rate or 0.0)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.2


def test_one_photo_in_a_minute_still_has_a_rate() -> None:
    pace, _ = paced(10, (5.0, 1), *[(60.0, 1)] * 4)
    assert pace.rate == pytest.approx(1 / 60)
    assert in_words(pace, "photo") == "1 photo a minute, 0:05:00 left"
    assert pace.seconds_left == pytest.approx(300)


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.integers(0, 1000)), max_size=60))
def test_no_course_of_things_gives_nonsense(steps: list[tuple[float, int]]) -> None:
    total = sum(count for _, count in steps) + 1
    pace, clock = paced(total, *steps)
    fastest = max((count for _, count in steps), default=0)
    assert pace.rate is None or 0 < pace.rate <= fastest * len(steps)
    assert pace.seconds_left is None or pace.seconds_left > 0
    before = pace.rate
    clock.now += 2 * WINDOW
    assert before is None or pace.rate is None or pace.rate <= max(before, total / WINDOW)


def test_nothing_is_claimed_before_anything_is_known() -> None:
    pace, clock = paced(10)
    assert (pace.rate, pace.seconds_left, in_words(pace, "photo")) == (None, None, "")
    pace.advance(1)
    clock.now += 0.2
    assert pace.rate is None


def test_words_name_the_unit_and_the_time() -> None:
    pace, clock = paced(100, (1.0, 1), *[(0.5, 1)] * 20)
    assert in_words(pace, "photo") == "2 photos a second, 0:00:40 left"
    assert in_words(pace) == "2 a second, 0:00:40 left"
    pace.advance(79)
    clock.now += 9
    assert in_words(pace, "photo") == "5 photos a second, took 0:00:20"


def test_without_a_total_there_is_no_time_left() -> None:
    pace, _ = paced(None, (1.0, 1), *[(0.5, 1)] * 20)
    assert in_words(pace, "file") == "2 files a second"


def test_bars_end_where_their_stage_did(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, width=120, highlight=False)
    monkeypatch.setattr(console, "_errors", terminal)
    with Watch() as watch:
        watch.stage("scan", None)
        for _ in range(10_000):
            watch.advance()
        watch.stage("describe", 5)
        watch.advance(5)
        watch.stage("verify", 3)
        watch.advance()
    last = written.getvalue()
    for shown in ("10000/10000", "5/5", "1/3"):
        assert shown in last.replace(" ", ""), shown


def test_lines_without_a_terminal_have_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    written, clock = io.StringIO(), Clock()
    monkeypatch.setattr(console, "_errors", Console(file=written, width=120))
    with Watch(clock=clock) as watch:
        watch.stage("describe", 100)
        for _ in range(40):
            clock.now += 0.5
            watch.advance()
    assert written.getvalue().splitlines() == [
        "Describing photos: 100",
        "  20 of 100, 2 photos a second, 0:00:40 left",
        "  40 of 100, 2 photos a second, 0:00:30 left",
    ]
