"""Rows of a shard to be searched, and the nearest of them that a search has found so far."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from imagematch.records import Bytes, Flags, Floats
from imagematch.stores.vectors import Costs, Ids

if TYPE_CHECKING:
    from imagematch.stores.inverted import Lists

#: Rows searched in one call: 128 MiB of 512 floats, so memory stays bounded on large shards.
BLOCK_ROWS = 65_536

#: Rows of a subset that are brought together at once: 16 MiB of 512 floats.
_GATHERED = 8192


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Rows:
    """Rows that can be searched together.

    Attributes:
        ids: shape (N,), int64.
        vectors: shape (N, D) float32 or (N, B) uint8, in C order; may be memory-mapped.
        alive: shape (N,); rows that may be found.
        lists: of float vectors, that propose rows; None: every row is looked at.
    """

    ids: Ids
    vectors: Floats | Bytes
    alive: Flags
    lists: "Lists | None" = None

    def blocks(self) -> Iterator["Rows"]:
        """The same rows, at most BLOCK_ROWS at a time, without blocks that are all removed."""
        for start in range(0, len(self.ids), BLOCK_ROWS):
            span = slice(start, start + BLOCK_ROWS)
            if self.alive[span].any():
                yield Rows(self.ids[span], self.vectors[span], self.alive[span])

    def gathered(self, places: Ids) -> "Rows":
        """Some of the rows, which are alive, to be looked through.

        Args:
            places: shape (P,), ascending. Rows side by side are not copied.
        """
        alive = np.ones(len(places), np.bool_)
        if len(places) and places[-1] - places[0] + 1 == len(places):
            span = slice(int(places[0]), int(places[-1]) + 1)
            return Rows(self.ids[span], self.vectors[span], alive)
        return Rows(self.ids[places], self.vectors[places], alive)


class Subset:
    """Ids that a search keeps to, and where they are in the shards that it has met.

    They are those of spans of equal length, all or some of which may be in a store.
    """

    def __init__(self, firsts: Ids, length: int) -> None:
        """Args:
        firsts: shape (N,), ascending; where each span begins.
        length: of a span; none reaches into the next.
        """
        self._firsts = firsts
        self._length = length
        # By shard, for as long as it is open: its rows, and what takes no work to search.
        self._places: WeakKeyDictionary[Rows, Ids] = WeakKeyDictionary()
        self._ready: WeakKeyDictionary[Rows, Rows] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._firsts)

    def of(self, shard: Rows, listed_from: int) -> Iterator[Rows]:
        """The rows of a shard that belong to it, in parts that can be searched.

        Args:
            listed_from: lists propose rows where there are so many; fewer are looked through.
        """
        places = self._places.get(shard)
        if places is None:
            places = self._places[shard] = self._within(shard)
        listed = shard.lists is not None and len(places) >= listed_from
        if not len(places):
            return
        if not listed and shard.vectors.dtype != np.uint8:
            for start in range(0, len(places), _GATHERED):
                yield shard.gathered(places[start : start + _GATHERED])
            return
        ready = self._ready.get(shard)
        if ready is None:
            if listed:
                alive = np.zeros(len(shard.ids), np.bool_)
                alive[places] = True
                ready = replace(shard, alive=alive)
            else:
                ready = shard.gathered(places)
            self._ready[shard] = ready
        yield ready

    def _within(self, shard: Rows) -> Ids:
        """Rows of a shard that are alive and belong to it, ascending."""
        if not len(shard.ids):
            return np.empty(0, np.int64)
        near = slice(
            *np.searchsorted(self._firsts, (shard.ids[0] - self._length, shard.ids[-1] + 1))
        )
        starts, ends = (
            np.searchsorted(shard.ids, self._firsts[near] + shift) for shift in (0, self._length)
        )
        counts = ends - starts
        before = np.cumsum(counts) - counts
        places = np.repeat(starts - before, counts) + np.arange(counts.sum())
        return places[shard.alive[places]]


class TopK:
    """The nearest rows of each query so far: `top` of them, none that costs more than a bound.

    Attributes:
        costs: shape (Q, top), float64, ascending; inf where there is none.
        ids: shape (Q, top), int64; -1 where there is none. Of equal costs the smaller id comes
            first.
    """

    def __init__(self, queries: int, top: int, bound: float) -> None:
        self.top = top
        self.bound = bound
        self.costs: Costs = np.full((queries, top), np.inf)
        self.ids: Ids = np.full((queries, top), -1, dtype=np.int64)

    def reach(self) -> Costs:
        """Shape (Q,): rows that cost more can't come in."""
        reach: Costs = np.minimum(self.costs[:, -1], self.bound)
        return reach

    def offer(self, queries: Ids, costs: Costs, ids: Ids) -> None:
        """Take in rows, given as (query, cost, id) in arrays of shape (P,); none of them twice."""
        fits = costs <= self.bound
        if not fits.any():
            return
        touched = np.zeros(len(self.ids), np.bool_)
        touched[queries[fits]] = True
        known = (self.ids >= 0) & touched[:, None]
        owner = np.concatenate([queries[fits], np.nonzero(known)[0]])
        cost = np.concatenate([costs[fits], self.costs[known]])
        name = np.concatenate([ids[fits], self.ids[known]])
        order = np.lexsort((name, cost, owner))
        owner, cost, name = owner[order], cost[order], name[order]
        place = np.arange(len(owner)) - np.searchsorted(owner, owner)
        kept = place < self.top
        self.costs[owner[kept], place[kept]] = cost[kept]
        self.ids[owner[kept], place[kept]] = name[kept]
