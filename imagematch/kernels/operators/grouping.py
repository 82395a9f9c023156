"""Who runs which profiles: what profiles show in, groups out that are described most briefly.

Groups that save most bits by it are joined first, two by two; then all that show one item, where
that saves bits; and so on until nothing does. So a photo on twenty profiles that share nothing else
joins nobody, however many pairs it makes, and three photos on the same ten profiles join them all.
How rare an item is counts by what is outside its group, so it gets rarer as the group grows.

Other ways were measured on the same worlds (docs/linking.md): connected components, with and
without common items, and Splink's match weights between pairs.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from imagematch.kernels.operators.code_lengths import CodeLengths
from imagematch.kernels.operators.partition import Candidates, Partition
from imagematch.kernels.operators.shown import IntPairs, Ints, Shown
from imagematch.records import Flags

#: Bits for an operator to have several sets of profiles that mix no photos with each other.
SETS = 6.0

#: Bits from which it is likelier than not that groups are one operator, by the curve of
#: `weights.probability`.
_LIKELY = 1.5

_NONE: IntPairs = np.empty((0, 2), np.int64)


def group(
    shown: Shown, lengths: CodeLengths, together: IntPairs = _NONE, apart: IntPairs = _NONE
) -> Ints:
    """Group profiles by operator.

    Args:
        together, apart: shape (N, 2); pairs of profiles that belong to one operator, or do not,
            whatever they show. What is to be both is apart.

    Returns:
        Shape (P,); numbers from 0, equal for profiles of one operator, in the order of their first
        profiles.
    """
    of = _forced(np.arange(shown.profiles), together, apart)
    of = _joined(partial(Partition, shown, lengths), of, apart)
    # An operator may have photos for each of its profiles, and one number: what differs between
    # photos does not count twice.
    contacts = partial(Partition, shown, lengths, of_kinds="contacts", extra=SETS)
    return _joined(contacts, of, apart)


def _forced(of: Ints, together: IntPairs, apart: IntPairs) -> Ints:
    for pair in together:
        one, two = np.sort(of[pair])
        joined = np.where(of == two, one, of)
        if not (joined[apart[:, 0]] == joined[apart[:, 1]]).any():
            of = joined
    return of


def _joined(partition: Callable[[Ints], Partition], of: Ints, apart: IntPairs) -> Ints:
    """Join groups as long as that saves bits."""
    while True:
        now = partition(of)
        of = _best_pairs(now, apart)
        if of is now.of:
            of = _best_unions(now, apart)
        if of is now.of:
            return of


def _best_pairs(now: Partition, apart: IntPairs) -> Ints:
    """Join groups that are each other's best; all such pairs at once, so a round takes no order."""
    found = now.candidates()
    wanted = (found.saved > _LIKELY) & ~_forbidden(now, found, apart)
    left, right, saved = found.left[wanted], found.right[wanted], found.saved[wanted]
    one, two = np.concatenate([left, right]), np.concatenate([right, left])
    order = np.lexsort((two, -np.concatenate([saved, saved]), one))
    one, two = one[order], two[order]
    first = np.append(True, one[1:] != one[:-1])[: len(one)]
    best = np.full(now.groups, -1)
    best[one[first]] = two[first]
    choosing = np.flatnonzero(best >= 0)
    mutual = choosing[(best[best[choosing]] == choosing) & (choosing < best[choosing])]
    if not len(mutual):
        return now.of
    to = np.arange(now.groups)
    to[best[mutual]] = mutual
    return to[now.of]


def _forbidden(now: Partition, found: Candidates, apart: IntPairs) -> Flags:
    low, high = np.sort(now.of[apart], axis=1).T
    return np.isin(found.left * now.groups + found.right, low * now.groups + high)


def _best_unions(now: Partition, apart: IntPairs) -> Ints:
    """Join all groups of a union, those unions first that save most."""
    group, union = _allowed(*now.unions(), now.of[apart])
    saved = now.saved_by_unions(group, union)
    wanted = np.flatnonzero(saved > _LIKELY)
    if not len(wanted):
        return now.of
    first = np.searchsorted(union, np.arange(len(saved) + 1))
    taken = np.zeros(now.groups, np.bool_)
    to = np.arange(now.groups)
    for number in wanted[np.argsort(-saved[wanted], kind="stable")]:
        groups = group[first[number] : first[number + 1]]
        if not taken[groups].any():
            to[groups] = groups.min()
        taken[groups] = True
    return to[now.of]


def _allowed(group: Ints, union: Ints, apart: IntPairs) -> tuple[Ints, Ints]:
    """Unions without one of two groups that are to be apart: without the one that comes later."""
    kept = np.ones(len(group), np.bool_)
    for earlier, later in np.sort(apart, axis=1):
        both = np.intersect1d(union[(group == earlier) & kept], union[(group == later) & kept])
        kept &= ~((group == later) & np.isin(union, both))
    return group[kept], union[kept]
