"""Sizes and what they cost in, how the cost grows out."""

import math
from collections.abc import Sequence

import numpy as np


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The power of the size that costs follow, by least squares of logarithms.

    1 is linear; n log n gives about 1.1 between a thousand and a million. What does not grow
    (starting a process) is in the costs and makes it too small: leave small sizes out.

    Args:
        costs: one a size, positive, in any unit.

    Returns:
        NaN for less than two different sizes, or where a cost is not known.
    """
    if len(set(sizes)) < 2 or not all(cost > 0 and math.isfinite(cost) for cost in costs):
        return math.nan
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
