"""How costs grow with the number of photos, and what that means for many more of them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmark.speed.measurements import Growth, Speed, Timed

#: Numbers of photos that costs are worked out for on paper.
FAR = (10**6, 10**7, 10**8, 10**9)

#: What was measured with fewer photos says too little about millions.
_LEAST = 10_000

#: A machine as one would rent or buy it, GiB; and the time that a first run may take, s.
MACHINE_MEMORY = 64
WEEK = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Power:
    """A cost as factor * photos ** exponent, fitted to what was measured.

    Attributes:
        last: exponent of the last step alone, between the two largest sizes.
        size, value: the largest size, and what was measured there.
    """

    factor: float
    exponent: float
    last: float
    size: int
    value: float

    def at(self, photos: int) -> float:
        """The cost of so many photos, if it goes on as it did.

        A constant part, such as starting, makes small sizes look better than they are. So this goes
        on from the largest size, with the larger one of both exponents.
        """
        return float(self.value * (photos / self.size) ** max(self.exponent, self.last))


@dataclass(frozen=True, slots=True)
class Far:
    """A cost that was not measured but worked out.

    Attributes:
        unit: as of `Growth`.
        values: for each of `FAR`.
        how: what it follows from.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    how: str


def power(growth: Growth) -> Power | None:
    """Fit a straight line through the logarithms; None with fewer than two sizes."""
    points = [
        (size, value)
        for size, value in zip(growth.sizes, growth.values, strict=True)
        if value > 0 and math.isfinite(value)
    ]
    if len({size for size, _ in points}) < 2:
        return None
    sizes, values = np.log(np.array(points, float)).T
    exponent, constant = np.polyfit(sizes, values, 1)
    last = (values[-1] - values[-2]) / (sizes[-1] - sizes[-2])
    return Power(math.exp(constant), float(exponent), float(last), *points[-1])


def far(speed: Speed, preset_title: str) -> tuple[Far, ...]:
    """What one preset costs for millions and billions of photos.

    Args:
        preset_title: of the contender whose figures are taken.
    """
    return tuple(_far(speed, preset_title))


def _far(speed: Speed, preset_title: str) -> Iterator[Far]:
    timed = _first(speed, preset_title)
    if timed is not None and timed.seconds:
        yield from _from_throughput(timed, speed.workers)
    for growth in speed.growth:
        fit = power(growth)
        if fit is None or fit.size < _LEAST:
            continue
        how = f"n^{max(fit.exponent, fit.last):.2f} from {fit.size:,} photos on"
        values = tuple(fit.at(photos) for photos in FAR)
        yield Far(growth.name, growth.unit, values, how)
        if growth.unit == "bytes" and "resident" in growth.name:
            machines = tuple(_machines(value, MACHINE_MEMORY * 2**30) for value in values)
            name = f"machines of {MACHINE_MEMORY} GiB for {growth.name}"
            yield Far(name, "", machines, "the line above")


def _from_throughput(timed: Timed, workers: int) -> Iterator[Far]:
    hours = tuple(photos / timed.rate / 3600 for photos in FAR)
    yield Far("describing and matching", "h", hours, f"{timed.rate:.1f} photos/s, linear")
    machines = tuple(_machines(value * 3600, WEEK) for value in hours)
    yield Far(f"machines of {workers} cores for a week", "", machines, "the line above")
    each = timed.written / timed.photos
    size = tuple(photos * each for photos in FAR)
    yield Far("index on disk", "bytes", size, f"{each:,.0f} bytes a photo, linear")


def _machines(value: float, most: float) -> float:
    return float(math.ceil(value / most))


def _first(speed: Speed, name: str) -> Timed | None:
    every: Sequence[Timed] = [timed for one in speed.throughput[:1] for timed in one.timed]
    return next((timed for timed in every if timed.name == name), None)
