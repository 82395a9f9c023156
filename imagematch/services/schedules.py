"""When a job is due: a cron expression or an interval in, the next time out.

Cron expressions mean what they mean in a crontab.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from imagematch.amounts import counted
from imagematch.errors import JobsError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_INTERVAL = re.compile(r"([1-9][0-9]{0,4})\s*([smhd])")


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
        return next(_times(self.text, after))

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
    if next(_times(text, datetime.now(UTC)), None) is None:
        raise JobsError(f"{text!r} names a day that never comes")
    return Schedule(" ".join(text.split()))


def _times(text: str, after: datetime) -> Iterator[datetime]:
    """The times after another, in local time; clocks that are put forward or back as in Debian.

    Raises:
        JobsError: not a cron expression.
    """
    import tzlocal
    from cronsim import CronSim, CronSimError

    try:
        # A crontab knows Sunday as 0 and 7, and as the end of a range only 7 makes sense.
        return CronSim(
            text.lower().replace("-sun", "-7"), after.astimezone(tzlocal.get_localzone())
        )
    except CronSimError as error:
        raise JobsError(
            f"{text!r} is no cron expression: {str(error).lower()}; see docs/scheduling.md"
        ) from error
