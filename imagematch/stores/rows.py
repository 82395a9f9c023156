"""Rows of a shard to be searched, and the nearest of them that a search has found so far."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from imagematch.records import Bytes, Flags, Floats
from imagematch.stores.vectors import Costs, Ids

if TYPE_CHECKING:
    from imagematch.stores.inverted import Lists

#: Rows searched in one call: 128 MiB of 512 floats, so memory stays bounded on large shards.
BLOCK_ROWS = 65_536


@dataclass(frozen=True, slots=True, eq=False)
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
