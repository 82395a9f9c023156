"""Nearest neighbours over shards: arrays of vectors in, the nearest ids of each query out.

FAISS proposes, a fixed sum decides. Its inner products differ in the last bits with the number of
queries and rows in one call (it takes BLAS from 20 queries on), and of equally near rows it keeps
any. So rows that could be among the nearest within that error are scored again, each pair alone
and in float64, and ties go to the smaller id: results depend on the vectors only, never on how
they lie in shards. Where a shard has inverted lists, those propose in FAISS's place, and what they
leave out is not found.
"""

from collections.abc import Iterable, Sequence

import faiss
import numpy as np

from imagematch.records import Floats
from imagematch.runtime import threads
from imagematch.stores import inverted, mmap_advice
from imagematch.stores.rows import Rows, TopK
from imagematch.stores.vectors import UNIT_TOLERANCE, Costs, Ids

#: Rows proposed beyond those asked for, so that a few ties or removed rows need no second look.
SLACK = 16

#: Pairs scored again at once, which stay in a core's cache: 3 MiB of float64 at 512 dimensions.
PAIRS = 256

#: Pairs that are worth a thread.
SHARE = 4096

#: Queries up to which rows that are not in memory are all asked for at once, and stay there for the
#: next. With more, threads wait for some while others compute, to ask for what is in memory would
#: cost too much, and all rows that they look at would not fit.
_FEW = 64


def search(shards: Iterable[Rows], queries: Floats, best: TopK, *, high_recall: bool) -> None:
    """Take in the rows with the largest inner products; a cost is minus that.

    Args:
        queries: shape (Q, D), float32, in C order.
        high_recall: whether inverted lists look into more cells.
    """
    margin = _margin(queries)
    listed = []
    for shard in shards:
        if shard.lists is not None:
            listed.append(shard)
            continue
        for block in shard.blocks():
            _search_block(block, queries, margin, best)
            if len(queries) > _FEW:
                mmap_advice.forget(block.vectors)
    if listed:
        _search_lists(listed, queries, high_recall, best)


def _margin(queries: Floats) -> Costs:
    """Shape (Q,): rows whose estimates differ by more are truly in that order."""
    # A float32 sum of D products, in any order, is off by at most D * 2^-24 * |q| * |x|
    # (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); the cost is rounded once
    # more; and both rows of a comparison can be off.
    norms = np.linalg.norm(queries.astype(np.float64), axis=1) * (1 + UNIT_TOLERANCE)
    margin: Costs = 2 * (queries.shape[1] + 2) * 2.0**-24 * norms
    return margin


def _estimated(queries: Floats, vectors: Floats, count: int) -> tuple[Costs, Ids]:
    """Estimated costs, ascending, and rows of the nearest; both (Q, count), row -1 for none."""
    products, rows = faiss.knn(queries, vectors, count, metric=faiss.METRIC_INNER_PRODUCT)
    return -products.astype(np.float64), rows


def _exactly(queries: Floats, vectors: Floats) -> Costs:
    """The cost of each pair, both (P, D): shape (P,), the same in whatever company."""
    # Products of two float32 are exact in float64, and numpy sums each row on its own, in an
    # order that depends on D only; BLAS and einsum do not promise that.
    products = (queries.astype(np.float64) * vectors.astype(np.float64)).sum(axis=1)
    return -products.astype(np.float32).astype(np.float64)


def _search_lists(shards: Sequence[Rows], queries: Floats, high_recall: bool, best: TopK) -> None:
    """Take in what the lists of shards propose, scored with the vectors."""
    wanted = inverted.proposed(best.top, high_recall=high_recall)
    shares = threads.spread(
        lambda span: _proposed(shards, queries[span], wanted, high_recall), len(queries)
    )
    homes, rows = (np.concatenate(part) for part in zip(*shares, strict=True))
    found = []
    for number, shard in enumerate(shards):
        owner, place = np.nonzero(homes == number)
        mine = rows[owner, place]
        # In the order of the file, which vectors that are not in memory come faster in.
        order = np.argsort(mine)
        found.append((owner[order], mine[order]))
        if len(queries) <= _FEW:
            mmap_advice.fetch(shard.vectors, mine[order])
    for shard, pairs in zip(shards, found, strict=True):
        _score(shard, queries, [pairs], best)


def _proposed(
    shards: Sequence[Rows], queries: Floats, wanted: int, high_recall: bool
) -> tuple[Ids, Ids]:
    """The likeliest rows of all lists, at most `wanted` for a query.

    Returns:
        Numbers of shards, -1 for none, and rows in these, both shape (Q, wanted) or narrower.
    """
    costs, rows, homes = [], [], []
    for number, shard in enumerate(shards):
        assert shard.lists is not None
        cost, row = shard.lists.propose(queries, wanted, shard.alive, high_recall=high_recall)
        there = row >= 0
        costs.append(np.where(there, cost, np.inf))
        rows.append(row)
        homes.append(np.where(there, number, -1))
    cost, row, home = (np.concatenate(parts, axis=1) for parts in (costs, rows, homes))
    nearest = np.argpartition(cost, min(wanted, cost.shape[1]) - 1, axis=1)[:, :wanted]
    return np.take_along_axis(home, nearest, axis=1), np.take_along_axis(row, nearest, axis=1)


def _search_block(block: Rows, queries: Floats, margin: Costs, best: TopK) -> None:
    count = min(len(block.ids), best.top + SLACK)
    costs, rows = _estimated(queries, np.asarray(block.vectors, np.float32), count)
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
        near = _within_reach(block, queries[query], float(margin[query]), bound, best.top)
        found.append((np.full(len(near), query, dtype=np.int64), near))
    _score(block, queries, found, best)


def _within_reach(
    block: Rows,
    query: Floats,
    margin: float,
    bound: float,
    top: int,
) -> Ids:
    """Rows of a block that may be among the nearest of one query, by looking at each of them."""
    costs = -(block.vectors @ query).astype(np.float64)
    costs[~block.alive] = np.inf
    reach = min(bound, float(_nth_smallest(costs[None], top)[0])) + margin
    return np.flatnonzero((costs <= reach) & np.isfinite(costs))


def _score(
    block: Rows,
    queries: Floats,
    found: list[tuple[Ids, Ids]],
    best: TopK,
) -> None:
    owner = np.concatenate([part for part, _ in found])
    rows = np.concatenate([part for _, part in found])
    costs = np.empty(len(rows))
    few = len(queries) <= _FEW

    def score(span: slice) -> None:
        for start in range(span.start, span.stop, PAIRS):
            part = slice(start, min(start + PAIRS, span.stop))
            some = rows[part]
            vectors = block.vectors[some] if few else mmap_advice.copied(block.vectors, some)
            costs[part] = _exactly(queries[owner[part]], vectors)

    if len(rows) <= SHARE:
        score(slice(0, len(rows)))
    else:
        # Most of the time goes into waiting for memory, or for the disk.
        threads.spread(score, len(rows), least=SHARE)
    best.offer(owner, costs, block.ids[rows])


def _nth_smallest(costs: Costs, n: int) -> Costs:
    """The n-th smallest of each row, shape (Q,); inf where there are fewer."""
    if costs.shape[1] < n:
        return np.full(len(costs), np.inf)
    nth: Costs = np.partition(costs, n - 1, axis=1)[:, n - 1]
    return nth
