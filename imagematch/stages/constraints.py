"""What people said of operators, as it holds for the profiles of an index.

A decision is about the profiles that were there when it was made. Of two profiles, the latest
decision about both counts.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from imagematch.kernels.operators.shown import IntPairs
from imagematch.records import OperatorDecision, Profile

type _Pair = tuple[int, int]


class Constraints(NamedTuple):
    """Decisions in force.

    Attributes:
        together, apart: shape (N, 2); numbers of profiles, the smaller one first. Of two clusters
            that are one operator, each profile with the first of the other cluster.
        made: the decision about each pair of profiles that there is one about.
    """

    together: IntPairs
    apart: IntPairs
    made: Mapping[_Pair, OperatorDecision]


def constraints(history: Sequence[OperatorDecision], number: Mapping[Profile, int]) -> Constraints:
    """Decisions as pairs of profiles.

    Args:
        history: oldest first.
        number: of each profile of the index; what decisions say of others waits for these.
    """
    latest: dict[_Pair, OperatorDecision] = {}
    spanning: set[_Pair] = set()
    for decision in history:
        lefts, rights = (
            [number[profile] for profile in side if profile in number]
            for side in (decision.left, decision.right)
        )
        for left in lefts:
            for right in rights:
                if left != right:
                    pair = min(left, right), max(left, right)
                    latest.pop(pair, None)  # so that the order is that of the latest ones
                    latest[pair] = decision
                    if left == lefts[0] or right == rights[0]:
                        spanning.add(pair)
    made = {pair: each for pair, each in latest.items() if each.verdict != "reopen"}
    # The latest first: what contradicts it comes too late.
    same = [pair for pair in reversed(made) if made[pair].verdict == "same"]
    together = [pair for pair in same if pair in spanning]
    apart = [pair for pair in made if made[pair].verdict == "not_same"]
    return Constraints(_array(together), _array(apart), made)


def _array(pairs: Sequence[_Pair]) -> IntPairs:
    return np.array(pairs, np.int64).reshape(-1, 2)
