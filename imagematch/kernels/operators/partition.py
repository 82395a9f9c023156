"""Profiles in groups, and how many bits are saved when some groups become one.

All is counted by rows, one for each item that a group shows, so that a photo on a thousand profiles
costs a thousand rows and no pairs of profiles.
"""

from typing import Literal, NamedTuple

import numpy as np

from imagematch.kernels.operators.code_lengths import CodeLengths
from imagematch.kernels.operators.shown import Ints, Reals, Shown
from imagematch.records import Flags

#: Groups are compared two by two where at most so many of them show an item, or fewer where that
#: would be more pairs than memory should hold: 2 million take some 300 MB. What more of them show
#: is evidence for those, too, and is tried as a whole.
_FEW, _MOST_PAIRS = 50, 2_000_000


class Candidates(NamedTuple):
    """Pairs of groups that show something in common, and what is saved by joining them.

    Attributes:
        left, right: numbers of groups, the smaller one left; shape (C,).
        saved: bits; shape (C,).
    """

    left: Ints
    right: Ints
    saved: Reals


class Partition:
    """A partition of the profiles, as rows by group and item.

    Attributes:
        of: number of each profile's group, 0 to G-1 in the order of their first profiles; (P,).
        groups: G.
        size: profiles of each group; (G,).
        group, item, showing: of each row: a group, an item that it shows, by how many profiles.
        home: the group that each item belongs to; -1: to none, it is common. Shape (I,).
        cost: bits that describe each item; (I,).
        spread: groups that show each item; (I,).
    """

    def __init__(
        self,
        shown: Shown,
        lengths: CodeLengths,
        of: Ints,
        *,
        of_kinds: Literal["all", "mixed", "contacts"] = "all",
        extra: float = 0.0,
    ) -> None:
        """Args:
        of: shape (P,); equal for profiles of one group.
        of_kinds: the items that count: those of all kinds, of `shown.MIXED`, or of all others.
        extra: bits that it costs to join groups, beside what they show.
        """
        self._lengths, self._extra = lengths, extra
        self._items = max(shown.items, 1)
        self.of = _numbered(of)
        self.groups = int(self.of.max(initial=-1)) + 1
        self.size = np.bincount(self.of, minlength=self.groups)
        used = {
            "all": np.ones(shown.items, np.bool_),
            "mixed": lengths.mixed,
            "contacts": ~lengths.mixed,
        }[of_kinds]
        there = used[shown.item]
        self._keys, self.showing = np.unique(
            self.of[shown.profile[there]] * self._items + shown.item[there], return_counts=True
        )
        self.group, self.item = np.divmod(self._keys, self._items)
        self._first = np.searchsorted(self.group, np.arange(self.groups + 1))
        self._mixed = lengths.mixed & used
        counts = np.zeros_like(shown.unshared) if of_kinds == "contacts" else shown.unshared
        self.alone = np.bincount(self.of, weights=counts, minlength=self.groups).astype(np.int64)
        several = self._mixed[self.item] & (self.showing > 1)
        self.several = np.bincount(self.group[several], minlength=self.groups)
        self._find_homes(shown.items)
        self.spread = np.bincount(self.item, minlength=shown.items)
        self._few = _few(self.spread)
        self._by_item = np.lexsort((self.group, self.item))
        self._of_item = np.searchsorted(self.item[self._by_item], np.arange(shown.items + 1))

    def _find_homes(self, items: int) -> None:
        lengths = self._lengths
        here = lengths.inside(self.size[self.group], self.showing) + lengths.elsewhere(
            self.item, lengths.total[self.item] - self.showing
        )
        self.cost = lengths.common.copy()
        np.minimum.at(self.cost, self.item, here)
        self.home = np.full(items, -1)
        best = np.flatnonzero(here <= self.cost[self.item])[::-1]  # the first group comes last
        self.home[self.item[best]] = self.group[best]

    # --- two groups --------------------------------------------------------------------------

    def candidates(self) -> Candidates:
        """All pairs of groups that show an item which few groups show."""
        one, two = self._row_pairs()
        pairs, which = np.unique(
            self.group[one] * self.groups + self.group[two], return_inverse=True
        )
        left, right = np.divmod(pairs, max(self.groups, 1))
        more = self._widespread(left, right)
        one, two = np.concatenate([one, more[0]]), np.concatenate([two, more[1]])
        which = np.concatenate([which, more[2]])
        return Candidates(left, right, self._saved(left, right, one, two, which))

    def _row_pairs(self) -> tuple[Ints, Ints]:
        """Rows of two groups each with an item that few show."""
        ones, twos = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for spread in range(2, self._few + 1):
            items = np.flatnonzero(self.spread == spread)
            rows = self._by_item[self._of_item[items][:, None] + np.arange(spread)]
            one, two = np.triu_indices(spread, 1)
            ones.append(rows[:, one].ravel())
            twos.append(rows[:, two].ravel())
        return np.concatenate(ones), np.concatenate(twos)

    def _widespread(self, left: Ints, right: Ints) -> tuple[Ints, Ints, Ints]:
        """Rows of pairs of groups with an item that many show, and which pair it is."""
        rows = np.flatnonzero(self.spread[self.item] > self._few)
        first = np.searchsorted(self.group[rows], np.arange(self.groups + 1))
        counts = np.diff(first)[left]
        one = rows[_ranges(first[left], counts)]
        pair = np.repeat(np.arange(len(left)), counts)
        two, there = self._rows_of(right[pair], self.item[one])
        return one[there], two[there], pair[there]

    def _rows_of(self, group: Ints, item: Ints) -> tuple[Ints, Flags]:
        """Where the rows of some groups and items are, and whether there are any."""
        wanted = group * self._items + item
        found = np.searchsorted(self._keys, wanted)
        there = np.append(self._keys, -1)[found] == wanted
        return found, there

    def _saved(self, left: Ints, right: Ints, one: Ints, two: Ints, which: Ints) -> Reals:
        """Bits saved by joining pairs of groups.

        Args:
            left, right: the groups; shape (C,).
            one, two: rows with the same item, one of each group.
            which: pair that these rows are of.
        """
        lengths, pairs = self._lengths, len(left)
        size = self.size[left] + self.size[right]
        saved = lengths.group(self.size[left]) + lengths.group(self.size[right])
        saved -= lengths.group(size) + self._extra
        item, showing = self.item[one], self.showing[one] + self.showing[two]
        here = (self.home[item] == self.group[one]) | (self.home[item] == self.group[two])
        joined = self._cost_of_joined(item, size[which], showing, here)
        saved += np.bincount(which, self.cost[item] - joined, pairs)
        # What only one of them shows takes more bits in a larger group.
        saved -= self._grown(left, self.size[right]) + self._grown(right, self.size[left])
        for rows in (one, two):
            own = np.flatnonzero(self.home[item] == self.group[rows])
            grown = self._cost_of_grown(rows[own], size[which[own]])
            saved += np.bincount(which[own], grown, pairs)
        mixed = self._mixed[item]
        news = 1.0 - (self.showing[one] > 1) - (self.showing[two] > 1)
        several = np.bincount(which[mixed], news[mixed], pairs).astype(np.int64)
        several += self.several[left] + self.several[right]
        for side in (left, right):
            saved += lengths.unshared(self.size[side], self.alone[side], self.several[side])
        return saved - lengths.unshared(size, self.alone[left] + self.alone[right], several)

    def _cost_of_joined(self, item: Ints, size: Ints, showing: Ints, here: Flags) -> Reals:
        """Bits of items once groups of a size show them; `here`: one of these is their home."""
        lengths = self._lengths
        joined = lengths.inside(size, showing) + lengths.elsewhere(
            item, lengths.total[item] - showing
        )
        joined = np.minimum(joined, lengths.common[item])
        return np.where(here, joined, np.minimum(joined, self.cost[item]))

    def _grown(self, group: Ints, by: Ints) -> Reals:
        """Bits more for the items at home in groups that grow by so many profiles."""
        most = int(self.size.sum()) + 1
        distinct, which = np.unique(group * most + by, return_inverse=True)
        group, by = np.divmod(distinct, most)
        rows = np.flatnonzero(self.home[self.item] == self.group)
        first = np.searchsorted(self.group[rows], np.arange(self.groups + 1))
        counts = np.diff(first)[group]
        rows = rows[_ranges(first[group], counts)]
        of = np.repeat(np.arange(len(distinct)), counts)
        grown = self._cost_of_grown(rows, self.size[self.group[rows]] + by[of])
        return np.bincount(of, grown, len(distinct))[which]

    def _cost_of_grown(self, rows: Ints, size: Ints) -> Reals:
        """Bits more for the items of rows if their groups had so many profiles."""
        always = np.ones(len(rows), np.bool_)
        item = self.item[rows]
        grown = self._cost_of_joined(item, size, self.showing[rows], always)
        return np.asarray(grown - self.cost[item])

    # --- many groups at once -----------------------------------------------------------------

    def unions(self) -> tuple[Ints, Ints]:
        """Groups that may be one all together: those that show one item, if there are more than
        two, and those that show the same widespread ones.

        Returns:
            Groups, and for each the number of the union that it is in, from 0.
        """
        items = np.flatnonzero(self.spread > 2)
        counts = self.spread[items]
        group = self.group[self._by_item[_ranges(self._of_item[items], counts)]]
        union = np.repeat(np.arange(len(items)), counts)
        alike, which = self._alike()
        return np.concatenate([group, alike]), np.concatenate([union, len(items) + which])

    def _alike(self) -> tuple[Ints, Ints]:
        """Groups that show the same items which many show, two of these or more."""
        rows = np.flatnonzero(self.spread[self.item] > self._few)
        several = np.bincount(self.group[rows], minlength=self.groups)
        signature = np.zeros(self.groups, np.uint64)
        np.add.at(signature, self.group[rows], _scattered(self.item[rows]))
        groups = np.flatnonzero(several > 1)
        _, which, counts = np.unique(signature[groups], return_inverse=True, return_counts=True)
        found = counts[which] > 1
        number = np.cumsum(counts > 1) - 1
        return groups[found], number[which[found]]

    def saved_by_items(self, items: Ints) -> Reals:
        """Bits saved by joining all groups that show an item; shape as given."""
        counts = self.spread[items]
        rows = self._by_item[_ranges(self._of_item[items], counts)]
        return self.saved_by_unions(self.group[rows], np.repeat(np.arange(len(items)), counts))

    def saved_by_unions(self, group: Ints, union: Ints) -> Reals:
        """Bits saved by joining groups.

        Args:
            group, union: which groups each of U unions joins; unions are numbered from 0.

        Returns:
            Shape (U,).
        """
        lengths = self._lengths
        unions = int(union.max(initial=-1)) + 1
        size = np.bincount(union, self.size[group], unions).astype(np.int64)
        before = lengths.group(self.size[group]) + lengths.unshared(
            self.size[group], self.alone[group], self.several[group]
        )
        saved = np.bincount(union, before, unions) - lengths.group(size) - self._extra
        counts = np.diff(self._first)[group]
        rows = _ranges(self._first[group], counts)
        both, which = np.unique(
            np.repeat(union, counts) * self._items + self.item[rows], return_inverse=True
        )
        of, item = np.divmod(both, self._items)
        showing = np.bincount(which, self.showing[rows], len(both)).astype(np.int64)
        here = np.bincount(which, self.home[self.item[rows]] == self.group[rows], len(both)) > 0
        joined = self._cost_of_joined(item, size[of], showing, here)
        saved += np.bincount(of, self.cost[item] - joined, unions)
        several = np.bincount(of[self._mixed[item] & (showing > 1)], minlength=unions)
        alone = np.bincount(union, self.alone[group], unions).astype(np.int64)
        total: Reals = saved - lengths.unshared(size, alone, several)
        return total


def _few(spread: Ints) -> int:
    """The most groups that may show an item whose pairs are compared; two at least."""
    items = np.bincount(np.minimum(spread, _FEW + 1), minlength=_FEW + 1)[: _FEW + 1]
    showing = np.arange(_FEW + 1)
    pairs = np.cumsum(items * showing * (showing - 1) // 2)
    return max(2, int(np.searchsorted(pairs, _MOST_PAIRS, side="right")) - 1)


def _numbered(of: Ints) -> Ints:
    """Numbers from 0 for groups, in the order of their first profiles."""
    _, first, which = np.unique(of, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[which]


def _ranges(first: Ints, counts: Ints) -> Ints:
    """The numbers from each of some first ones on, so many of each, one after the other."""
    ends = np.cumsum(counts)
    total = int(counts.sum())
    return np.arange(total) - np.repeat(ends - counts, counts) + np.repeat(first, counts)


def _scattered(numbers: Ints) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Numbers of 64 bits that look random, so that sums of different sets differ (splitmix64)."""
    mixed = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
