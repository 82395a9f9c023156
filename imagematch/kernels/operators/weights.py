"""What a grouping rests on, in bits: how much each shared item says, and each group as a whole.

As match weights of record linkage (Fellegi and Sunter 1969): the logarithm of how much likelier it
is that profiles of one operator share something than that strangers do. How rare an item is counts
by who shows it outside the group: an operator that shows its photo on thirty profiles does not make
it a common one (splink issue 2035).
"""

import numpy as np

from imagematch.kernels.operators.code_lengths import CodeLengths
from imagematch.kernels.operators.grouping import SETS
from imagematch.kernels.operators.partition import Partition
from imagematch.kernels.operators.shown import Ints, Reals, Shown

#: The logistic curve from bits to a probability, fitted on made-up worlds of the tuning half
#: (docs/linking.md).
_SLOPE, _OFFSET = 0.7, -0.8


def prior(lengths: CodeLengths) -> float:
    """Bits for two profiles to have one operator, before anything is known of them; negative."""
    return -float(lengths.group(np.array([2]))[0])


def of_items(lengths: CodeLengths, item: Ints, inside: Ints) -> Reals:
    """Bits by which an item speaks for two profiles of a group that both show it.

    Args:
        item: numbers of items; `inside`: how many profiles of the group show each.
    """
    outside = lengths.total[item] - inside
    both = np.full(item.shape, 2)
    return (
        lengths.elsewhere(item, outside + 1)
        - lengths.elsewhere(item, outside)
        - lengths.inside(both, both)
    )


def whole(shown: Shown, lengths: CodeLengths, of: Ints) -> Reals:
    """Bits by which each group is one operator rather than as many as it has profiles; shape (G,).

    Args:
        of: shape (P,), from `grouping.group`.
    """
    apart = np.arange(shown.profiles)
    contacts = Partition(shown, lengths, apart, of_kinds="contacts").saved_by_unions(apart, of)
    photos = Partition(shown, lengths, apart, of_kinds="mixed").saved_by_unions(apart, of)
    size = np.bincount(of)
    return contacts + np.maximum(photos + lengths.group(size), -SETS)


def held(shown: Shown, lengths: CodeLengths, of: Ints) -> Reals:
    """Bits by which each profile belongs to its group rather than to none; shape (P,).

    A group of one gives 0. Of what an operator may keep apart, photos and texts, no more than
    `grouping.SETS` bits speak against a profile, as when groups are made.

    Args:
        of: shape (P,), from `grouping.group`.
    """
    now = Partition(shown, lengths, of)
    size = now.size[now.of]
    keys = now.group * shown.items + now.item
    rows = np.searchsorted(keys, now.of[shown.profile] * shown.items + shown.item)
    # Without the profile, its items have one showing less in a smaller group, and one outside.
    left = now.showing[rows] - 1
    total = lengths.total[shown.item]
    rest = np.maximum(size[shown.profile] - 1, 1)
    stays = lengths.inside(rest, np.maximum(left, 1)) + lengths.elsewhere(shown.item, total - left)
    alone = lengths.elsewhere(shown.item, total - 1)
    without = np.minimum(
        np.where(left > 0, stays, alone), np.minimum(alone, lengths.common[shown.item])
    )
    here = now.home[shown.item] == now.of[shown.profile]
    saved = np.where(here, without - now.cost[shown.item], 0.0)
    # What others of the group show and this profile does not takes fewer bits without it.
    home = now.home[now.item] == now.group
    fewer = np.maximum(now.size[now.group] - 1, 1)
    whole = now.showing <= fewer
    shrunk = lengths.inside(fewer, np.minimum(now.showing, fewer)) - lengths.inside(
        now.size[now.group], now.showing
    )
    shrunk = np.where(home & whole, shrunk, 0.0)
    parts = []
    for mixed in (False, True):
        some = lengths.mixed[shown.item] == mixed
        own = np.bincount(shown.profile[some], (saved - shrunk[rows])[some], shown.profiles)
        of_kind = lengths.mixed[now.item] == mixed
        others = np.bincount(now.group[of_kind], shrunk[of_kind], now.groups)
        parts.append(np.asarray(own + others[now.of], np.float64))
    contacts, photos = parts
    once = lengths.mixed[shown.item] & (left == 1)
    several = now.several[now.of] - np.bincount(shown.profile[once], minlength=shown.profiles)
    photos += lengths.unshared(size - 1, now.alone[now.of] - shown.unshared, several)
    photos -= lengths.unshared(size, now.alone[now.of], now.several[now.of])
    joining = lengths.group(size - 1) - lengths.group(size)
    return np.where(size > 1, joining + contacts + np.maximum(photos, -SETS), 0.0)


def probability(bits: Reals) -> Reals:
    """How likely it is that profiles have one operator, 0-1, by the bits that say so."""
    return np.asarray(1.0 / (1.0 + np.exp2(-(_SLOPE * bits + _OFFSET))))
