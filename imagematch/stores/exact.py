"""Exact nearest neighbours over shards: arrays of vectors in, the nearest ids of each query out.

FAISS proposes, a fixed sum decides. Its inner products differ in the last bits with the number of
queries and rows in one call (it takes BLAS from 20 queries on), and of equally near rows it keeps
any. So rows that could be among the nearest within that error are scored again, each pair alone
and in float64, and ties go to the smaller id: results depend on the vectors only, never on how
they lie in shards. Where a shard has inverted lists, those propose in FAISS's place, and what they
leave out is not found.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import faiss
import numpy as np

from imagematch.records import Bytes, Flags, Floats
from imagematch.stores import inverted, threads
from imagematch.stores.inverted import Lists, Proposals
from imagematch.stores.vectors import UNIT_TOLERANCE, Ids, Neighbours, VectorKind

#: Rows searched in one call: 128 MiB of 512 floats, so memory stays bounded on large shards.
BLOCK_ROWS = 65_536

#: Rows proposed beyond those asked for, so that a few ties or removed rows need no second look.
SLACK = 16

#: Pairs scored again at once: 32 MiB of float64 at 512 dimensions.
PAIRS = 4096

type Costs = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows that can be searched together.

    Attributes:
        ids: shape (N,), int64.
        vectors: shape (N, D) float32 or (N, B) uint8, in C order; may be memory-mapped.
        alive: shape (N,); rows that may be found.
        lists: that propose rows; None: every row is looked at.
    """

    ids: Ids
    vectors: Floats | Bytes
    alive: Flags
    lists: Lists | None = None

    def blocks(self) -> Iterator["Rows"]:
        """The same rows, at most BLOCK_ROWS at a time, without blocks that are all removed."""
        for start in range(0, len(self.ids), BLOCK_ROWS):
            span = slice(start, start + BLOCK_ROWS)
            if self.alive[span].any():
                yield Rows(self.ids[span], self.vectors[span], self.alive[span])


class Metric(Protocol):
    """How far two vectors are apart, as a cost: the smaller, the nearer."""

    sign: float  # cost = sign * score as `Neighbours` has it

    def margin(self, queries: Any) -> Costs:
        """Shape (Q,): rows whose estimates differ by more are truly in that order."""
        ...

    def propose(self, queries: Any, vectors: Any, count: int) -> tuple[Costs, Ids]:
        """Estimated costs, ascending, and rows of the nearest; both (Q, count), row -1 for none."""
        ...

    def estimate(self, query: Any, vectors: Any) -> Costs:
        """Estimated cost of each row for one query, shape (N,)."""
        ...

    def exact(self, queries: Any, vectors: Any) -> Costs:
        """The cost of each pair, both (P, D): shape (P,), the same in whatever company."""
        ...


class InnerProduct:
    """Minus the inner product of float32 vectors; those in the store have unit length."""

    sign = -1.0

    def margin(self, queries: Floats) -> Costs:
        # A float32 sum of D products, in any order, is off by at most D * 2^-24 * |q| * |x|
        # (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); the cost is rounded once
        # more; and both rows of a comparison can be off.
        norms = np.linalg.norm(queries.astype(np.float64), axis=1) * (1 + UNIT_TOLERANCE)
        margin: Costs = 2 * (queries.shape[1] + 2) * 2.0**-24 * norms
        return margin

    def propose(self, queries: Floats, vectors: Floats, count: int) -> tuple[Costs, Ids]:
        products, rows = faiss.knn(queries, vectors, count, metric=faiss.METRIC_INNER_PRODUCT)
        return -products.astype(np.float64), rows

    def estimate(self, query: Floats, vectors: Floats) -> Costs:
        return -(vectors @ query).astype(np.float64)

    def exact(self, queries: Floats, vectors: Floats) -> Costs:
        # Products of two float32 are exact in float64, and numpy sums each row on its own, in an
        # order that depends on D only; BLAS and einsum do not promise that.
        products = (queries.astype(np.float64) * vectors.astype(np.float64)).sum(axis=1)
        return -products.astype(np.float32).astype(np.float64)


class Hamming:
    """Bits that differ; estimates are exact already."""

    sign = 1.0

    def margin(self, queries: Bytes) -> Costs:
        return np.zeros(len(queries))

    def propose(self, queries: Bytes, vectors: Bytes, count: int) -> tuple[Costs, Ids]:
        bits, rows = faiss.knn_hamming(queries, vectors, count)
        return bits.astype(np.float64), rows

    def estimate(self, query: Bytes, vectors: Bytes) -> Costs:
        return np.bitwise_count(vectors ^ query).sum(axis=1, dtype=np.float64)

    def exact(self, queries: Bytes, vectors: Bytes) -> Costs:
        return np.bitwise_count(vectors ^ queries).sum(axis=1, dtype=np.float64)


METRICS: dict[VectorKind, Metric] = {"float": InnerProduct(), "binary": Hamming()}


def nearest(
    shards: Iterable[Rows],
    queries: Floats | Bytes,
    top: int,
    limit: float | None,
    kind: VectorKind,
    *,
    deep: bool = True,
) -> Neighbours:
    """Find the `top` nearest rows of each query; see `VectorStore.search`.

    Args:
        queries: shape (Q, D) float32 or (Q, B) uint8, in C order.
        deep: whether inverted lists look into more cells.
    """
    metric = METRICS[kind]
    bound = np.inf if limit is None else metric.sign * float(np.float32(limit))
    best = _Best(len(queries), top, bound)
    if len(queries):
        margin = metric.margin(queries)
        listed = []
        for shard in shards:
            if shard.lists is not None:
                listed.append(shard)
                continue
            for block in shard.blocks():
                _search_block(block, queries, margin, best, metric)
        if listed:
            _search_lists(listed, queries, deep, best, metric)
    return Neighbours(best.ids, (metric.sign * best.costs).astype(np.float32))


class _Best:
    """The nearest rows of each query so far."""

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
        """Take in rows, given as (query, cost, id) in arrays of shape (P,)."""
        fits = costs <= self.bound
        known = self.ids >= 0
        owner = np.concatenate([queries[fits], np.nonzero(known)[0]])
        cost = np.concatenate([costs[fits], self.costs[known]])
        name = np.concatenate([ids[fits], self.ids[known]])
        order = np.lexsort((name, cost, owner))
        owner, cost, name = owner[order], cost[order], name[order]
        place = np.arange(len(owner)) - np.searchsorted(owner, owner)
        kept = place < self.top
        self.costs[owner[kept], place[kept]] = cost[kept]
        self.ids[owner[kept], place[kept]] = name[kept]


def _search_lists(
    shards: Sequence[Rows], queries: Floats | Bytes, deep: bool, best: _Best, metric: Metric
) -> None:
    """Take in what the lists of shards propose, scored with the vectors where need be."""
    wanted = inverted.proposed(best.top, deep=deep)
    proposals = threads.spread(
        lambda span: _proposals(shards, queries[span], span.start, wanted, best, deep), len(queries)
    )
    parts = []
    for number, found in (pair for share in proposals for pair in enumerate(share)):
        shard = shards[number]
        alive = shard.alive[found.rows]
        owner, costs, rows = found.queries[alive], found.costs[alive], found.rows[alive]
        if shard.lists is not None and shard.lists.exact:
            best.offer(owner, costs, shard.ids[rows])
        else:
            parts.append((owner, costs, rows, np.full(len(rows), number)))
    if parts:
        owner, costs, rows, home = (np.concatenate(part) for part in zip(*parts, strict=True))
        order = np.lexsort((costs, owner))
        ranked = owner[order]
        order = order[np.arange(len(order)) - np.searchsorted(ranked, ranked) < wanted]
        # In the order of the file, which vectors that are not in memory come faster in.
        order = order[np.argsort(rows[order])]
        for number, shard in enumerate(shards):
            mine = order[home[order] == number]
            _score(shard, queries, [(owner[mine], rows[mine])], best, metric)


def _proposals(
    shards: Sequence[Rows],
    queries: Floats | Bytes,
    first: int,
    wanted: int,
    best: _Best,
    deep: bool,
) -> list[Proposals]:
    """What the lists of each shard propose for queries, of which the first has a number."""
    found = []
    for shard in shards:
        assert shard.lists is not None
        # Removed rows are proposed, too.
        hollow = len(shard.ids) / max(1, int(np.count_nonzero(shard.alive)))
        count = math.ceil((best.top + SLACK if shard.lists.exact else wanted) * hollow)
        part = shard.lists.propose(queries, count, best.bound, deep=deep)
        found.append(replace(part, queries=part.queries + first))
    return found


def _search_block(
    block: Rows, queries: Floats | Bytes, margin: Costs, best: _Best, metric: Metric
) -> None:
    count = min(len(block.ids), best.top + SLACK)
    costs, rows = metric.propose(queries, block.vectors, count)
    last = costs[:, -1].copy()
    costs[~block.alive[rows] | (rows < 0)] = np.inf
    reach = np.minimum(best.reach(), _nth_smallest(costs, best.top)) + margin

    # Where the farthest proposed row is still within reach, others may be that were not proposed:
    # ties, or rows pushed out by removed ones.
    complete = (last > reach) | (count == len(block.ids))
    owner, place = np.nonzero((costs <= reach[:, None]) & complete[:, None] & np.isfinite(costs))
    found: list[tuple[Ids, Ids]] = [(owner.astype(np.int64), rows[owner, place])]
    for query in np.flatnonzero(~complete).tolist():
        bound = float(best.reach()[query])
        near = _within_reach(block, queries[query], float(margin[query]), bound, best.top, metric)
        found.append((np.full(len(near), query, dtype=np.int64), near))
    _score(block, queries, found, best, metric)


def _within_reach(
    block: Rows,
    query: Floats | Bytes,
    margin: float,
    bound: float,
    top: int,
    metric: Metric,
) -> Ids:
    """Rows of a block that may be among the nearest of one query, by looking at each of them."""
    costs = metric.estimate(query, block.vectors)
    costs[~block.alive] = np.inf
    reach = min(bound, float(_nth_smallest(costs[None], top)[0])) + margin
    return np.flatnonzero((costs <= reach) & np.isfinite(costs))


def _score(
    block: Rows,
    queries: Floats | Bytes,
    found: list[tuple[Ids, Ids]],
    best: _Best,
    metric: Metric,
) -> None:
    owner = np.concatenate([part for part, _ in found])
    rows = np.concatenate([part for _, part in found])
    costs = np.empty(len(rows))

    def score(span: slice) -> None:
        for start in range(span.start, span.stop, PAIRS):
            part = slice(start, min(start + PAIRS, span.stop))
            costs[part] = metric.exact(queries[owner[part]], block.vectors[rows[part]])

    if len(rows) <= PAIRS:
        score(slice(0, len(rows)))
    else:
        # Most of the time goes into waiting for memory, or for the disk.
        threads.spread(score, len(rows), least=PAIRS)
    best.offer(owner, costs, block.ids[rows])


def _nth_smallest(costs: Costs, n: int) -> Costs:
    """The n-th smallest of each row, shape (Q,); inf where there are fewer."""
    if costs.shape[1] < n:
        return np.full(len(costs), np.inf)
    nth: Costs = np.partition(costs, n - 1, axis=1)[:, n - 1]
    return nth
