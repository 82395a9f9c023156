"""Amounts as a person would say them: "1 photo", "1,234 photos", "24 photos a minute"."""

#: Seconds of each unit that a rate is told by.
_PER = ((1.0, "a second"), (60.0, "a minute"), (3600.0, "an hour"))

#: Of fewer, or in less time, s, starting and ending are most of what was measured.
_FEWEST, _SHORTEST = 20, 5.0


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun, and what else depends on whether it is one.

    Args:
        one, many: as in "file is" and "files are"; without `many`, an "s" makes the plural.
    """
    return f"{count:,} {agreeing(count, one, many)}"


def agreeing(count: int, one: str, many: str = "") -> str:
    """The same without the number."""
    return one if count == 1 else many or f"{one}s"


def rate(a_second: float, one: str = "", many: str = "") -> str:
    """A rate with its noun, by the shortest time in which there is a whole one."""
    value, time = next(
        ((a_second * seconds, time) for seconds, time in _PER if a_second * seconds >= 1),
        (a_second * _PER[-1][0], _PER[-1][1]),
    )
    text = f"{value:,.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
    noun = f" {one if text == '1' else many or f'{one}s'}" if one else ""
    return f"{text}{noun} {time}"


def average(count: int, seconds: float, one: str, many: str = "") -> str:
    """The rate of a run that is over; "" where too little was done to tell one."""
    if count < _FEWEST or seconds < _SHORTEST:
        return ""
    return rate(count / seconds, one, many)
