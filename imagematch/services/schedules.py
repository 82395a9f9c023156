"""When a job is due: a cron expression or an interval in, the next time out.

Cron expressions mean what they mean in a crontab; APScheduler alone counts weekdays from Monday
and wants both the day of the month and the weekday to fit.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from imagematch.amounts import counted
from imagematch.errors import JobsError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_INTERVAL = re.compile(r"([1-9][0-9]{0,4})\s*([smhd])")

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/([1-9]))?")


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often a job runs.

    Attributes:
        text: as it stands in the jobs file.
        every: the interval; None where `text` is a cron expression.
    """

    text: str
    every: timedelta | None = None

    def next(self, after: datetime) -> datetime:
        """The first time after another; both know their time zone. Cron means local time."""
        if self.every is not None:
            # In UTC, or the hour that the clocks are put forward would count.
            return after.astimezone(UTC) + self.every
        due: datetime = _trigger(self.text).get_next_fire_time(
            None, after + timedelta(microseconds=1)
        )
        return due

    def __str__(self) -> str:
        return self.text if self.every is None else f"every {self.text}"


def interval(text: str) -> Schedule:
    """Read "30s", "15m", "6h" or "1d".

    Raises:
        JobsError: it is none of these.
    """
    found = _INTERVAL.fullmatch(text.strip())
    if not found:
        raise JobsError(f'{text!r} is no interval; write a number and s, m, h or d, such as "6h"')
    return Schedule(text.strip(), timedelta(**{_UNITS[found[2]]: int(found[1])}))


def cron(text: str) -> Schedule:
    """Read a cron expression: minute, hour, day of the month, month, weekday.

    Raises:
        JobsError: it is none, or no such day ever comes.
    """
    if len(text.split()) != 5:
        raise JobsError(
            f"{text!r} is no cron expression: it has "
            f"{counted(len(text.split()), 'field')}, but needs 5 "
            f'(minute, hour, day, month, weekday), such as "0 3 * * *"'
        )
    try:
        due = _trigger(text).get_next_fire_time(None, datetime.now(UTC))
    except ValueError as error:
        raise JobsError(f"{text!r} is no cron expression: {error}") from error
    if due is None:
        raise JobsError(f"{text!r} names a day that never comes")
    return Schedule(" ".join(text.split()))


def _trigger(text: str) -> Any:
    """An APScheduler trigger in local time.

    Raises:
        ValueError: not a cron expression.
    """
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    minute, hour, day, month, weekday = text.lower().split()
    days = [{"day": day, "day_of_week": _weekdays(weekday)}]
    if not day.startswith("*") and not weekday.startswith("*"):
        days = [{"day": day}, {"day_of_week": _weekdays(weekday)}]  # either, says crontab(5)
    return OrTrigger(
        [CronTrigger(minute=minute, hour=hour, month=month, **which) for which in days]
    )


def _weekdays(text: str) -> str:
    """Weekdays by name instead of by number: 0 and 7 are Sunday."""
    return "*" if text == "*" else ",".join(_named(part) for part in text.split(","))


def _named(part: str) -> str:
    found = _WEEKDAY.fullmatch(part)
    if not found:
        raise ValueError(f'Unrecognized expression "{part}" for field "weekday"')
    every, first, last, step = found.groups()
    start = 0 if every else _number(first)
    end = 6 if every else _number(last) if last else 6 if step else start
    if end == 0 and start > 0:
        end = 7  # "fri-sun"
    if end < start:
        raise ValueError(f'the weekdays of "{part}" run backwards')
    return ",".join(_WEEKDAYS[day] for day in range(start, end + 1, int(step or 1)))


def _number(name: str) -> int:
    if name in _WEEKDAYS:
        return _WEEKDAYS.index(name)
    if not re.fullmatch("[0-7]", name):
        raise ValueError(f'"{name}" is no weekday; they go from 0 (sun) to 6 (sat)')
    return int(name)
