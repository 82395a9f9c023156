"""What people said of operators, as it holds for the profiles of an index.

A decision is about the profiles that were there when it was made. Of two profiles, the latest
decision about both counts.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from imagematch.kernels.operators.shown import IntPairs
from imagematch.records import OperatorDecision, Profile
from imagematch.stores.operator_decisions import spelled_profile

type _Pair = tuple[int, int]


class Constraints(NamedTuple):
    """Decisions in force.

    Attributes:
        together, apart: shape (N, 2); numbers of profiles, the smaller one first. Of two clusters
            that are one operator, each profile with the first of the other cluster.
        made: the decision about each pair of profiles that there is one about.
        standing: all of these decisions, oldest first.
    """

    together: IntPairs
    apart: IntPairs
    made: Mapping[_Pair, OperatorDecision]
    standing: tuple[OperatorDecision, ...]


def constraints(history: Sequence[OperatorDecision], number: Mapping[Profile, int]) -> Constraints:
    """Decisions as pairs of profiles.

    Args:
        history: oldest first.
        number: of each profile of the index; what decisions say of others waits for these.
    """
    latest, spanning = _latest(history, number)
    made = {pair: history[place] for pair, place in latest.items()}
    made = {pair: each for pair, each in made.items() if each.verdict != "reopen"}
    # The latest first: what contradicts it comes too late.
    same = [pair for pair in reversed(made) if made[pair].verdict == "same"]
    together = [pair for pair in same if pair in spanning]
    apart = [pair for pair in made if made[pair].verdict == "not_same"]
    standing = (history[place] for place in sorted(set(latest.values())))
    return Constraints(
        _array(together),
        _array(apart),
        made,
        tuple(each for each in standing if each.verdict != "reopen"),
    )


def in_force(history: Sequence[OperatorDecision]) -> list[bool]:
    """Of each decision, oldest first, whether it says something that no later one has replaced."""
    profiles = {profile for each in history for side in (each.left, each.right) for profile in side}
    latest, _ = _latest(history, {profile: place for place, profile in enumerate(profiles)})
    places = set(latest.values())
    return [place in places and each.verdict != "reopen" for place, each in enumerate(history)]


def standing_between(
    history: Sequence[OperatorDecision], left: Sequence[Profile], right: Sequence[Profile]
) -> tuple[OperatorDecision, ...]:
    """The decisions in force about a profile of one side and one of the other, oldest first."""
    number = {profile: place for place, profile in enumerate((*left, *right))}
    rights = range(len(left), len(left) + len(right))
    latest, _ = _latest(history, number)
    places = {place for pair, place in latest.items() if sum(one in rights for one in pair) == 1}
    return tuple(history[place] for place in sorted(places) if history[place].verdict != "reopen")


def _latest(
    history: Sequence[OperatorDecision], number: Mapping[Profile, int]
) -> tuple[dict[_Pair, int], set[_Pair]]:
    """The place in the history of the latest decision about each pair of profiles, in this order;
    and pairs that span both sides of a decision, so that all its profiles belong together."""
    spelled = {spelled_profile(profile): place for profile, place in number.items()}
    latest: dict[_Pair, int] = {}
    spanning: set[_Pair] = set()
    for place, decision in enumerate(history):
        lefts, rights = (
            [spelled[profile] for profile in side if profile in spelled]
            for side in (decision.left, decision.right)
        )
        for left in lefts:
            for right in rights:
                if left != right:
                    pair = min(left, right), max(left, right)
                    latest.pop(pair, None)  # so that the order is that of the latest ones
                    latest[pair] = place
                    if left == lefts[0] or right == rights[0]:
                        spanning.add(pair)
    return latest, spanning


def _array(pairs: Sequence[_Pair]) -> IntPairs:
    return np.array(pairs, np.int64).reshape(-1, 2)
