"""Nearest hashes over shards: packed bits in, the nearest ids of each query out.

Bits of PDQ are as good as independent, so that no cells or graphs spare much, and comparing a hash
with a million others takes less than a millisecond. A search for high recall compares them all.
Indexing has thousands of hashes to look for at once: it joins them with those that have two bytes
side by side in common, of which chance brings one in two thousand, and compares these. A copy that
differs in fewer than 16 of 256 bits has such bytes for sure, one that differs in 31 with 98 %
probability, and in 48 with 64 %, if the bits are spread at random.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import faiss
import numpy as np

from imagematch.records import Bytes, Flags
from imagematch.runtime import threads
from imagematch.stores.rows import Rows, TopK
from imagematch.stores.vectors import Costs, Ids

#: Distances computed at once, 512 KiB, which stay in a core's cache, and of how many rows at least
#: where there are many queries.
_DISTANCES, _ROWS = 131_072, 2048

#: With fewer queries than this, comparing them with all rows is faster than a join.
_MANY = 128

#: Rows joined at once, whose parts are 4 MiB, and pairs compared at once, of which 1 MiB at a time.
_JOINED, _PAIRS = 16_384, 131_072

#: Values of two bytes.
_VALUES = 65_536

#: Queries, distances in bits and rows, each of shape (P,); and what finds them in a span of rows.
type _Pairs = tuple[Ids, Costs, Ids]
type _Near = Callable[[Bytes, Flags, slice], Iterator[_Pairs]]


def search(shards: Iterable[Rows], queries: Bytes, best: TopK, parts_from: int) -> None:
    """Take in the nearest hashes.

    Args:
        queries: shape (Q, B), uint8, in C order.
        parts_from: in a shard with so many rows, many queries meet only those that share a part
            with them, if there is a limit; 0: they are compared with all.
    """
    join = None
    for shard in shards:
        in_parts = 0 < parts_from <= len(shard.ids) and len(queries) >= _MANY
        if in_parts and np.isfinite(best.bound):
            join = join or _Join(queries, best.bound)
            _take(shard, join.near, best)
        else:
            _take(shard, _Comparison(queries, best).near, best)


def _take(shard: Rows, near: _Near, best: TopK) -> None:
    """Share the rows of a shard out, and take in what is near."""
    hashes = np.asarray(shard.vectors, np.uint8)
    found = threads.spread(
        lambda span: list(near(hashes, shard.alive, span)), len(hashes), least=_JOINED
    )
    pairs = [pairs for share in found for pairs in share]
    if pairs:
        owner, costs, rows = (np.concatenate(column) for column in zip(*pairs, strict=True))
        best.offer(owner, costs, shard.ids[rows])


class _Comparison:
    """Queries that are compared with every row."""

    def __init__(self, queries: Bytes, best: TopK) -> None:
        self._queries, self._top = queries, best.top
        # Whole numbers are compared with a whole number three times as fast.
        self._bound = math.floor(best.bound) if np.isfinite(best.bound) else None

    def near(self, hashes: Bytes, alive: Flags, span: slice) -> Iterator[_Pairs]:
        """Pairs of a query and a row of a span that may be among the nearest."""
        scratch = _Scratch()
        rows = max(_ROWS, _DISTANCES // max(1, len(self._queries)))
        for start in range(span.start, span.stop, rows):
            some = slice(start, min(start + rows, span.stop))
            at_once = max(1, _DISTANCES // (some.stop - some.start))
            for first in range(0, len(self._queries), at_once):
                asking = self._queries[first : first + at_once]
                owner, costs, place = self._within(asking, hashes[some], alive[some], scratch)
                if len(owner):
                    yield owner + first, costs, place + start

    def _within(self, queries: Bytes, hashes: Bytes, alive: Flags, scratch: "_Scratch") -> _Pairs:
        bits = scratch.distances(queries, hashes)
        if not alive.all():
            bits[:, ~alive] = 8 * hashes.shape[1] + 1
        bound: int | np.ndarray | None = self._bound
        if bound is None:
            last = min(self._top, bits.shape[1]) - 1
            nearest = np.partition(bits, last)[:, last, None]
            bound = np.minimum(nearest, 8 * hashes.shape[1])
        # Many times faster than `np.nonzero`, which knows of two dimensions.
        found = np.flatnonzero(scratch.at_most(bits, bound))
        owner, place = np.divmod(found, len(hashes))
        return owner, bits.ravel()[found].astype(np.float64), place


class _Scratch:
    """Memory for distances, used again and again: fresh memory takes longer than they do."""

    def __init__(self) -> None:
        self._bits = np.empty(_DISTANCES, np.int32)
        self._near = np.empty(_DISTANCES, bool)

    def distances(self, queries: Bytes, hashes: Bytes) -> np.ndarray:
        """Shape (Q, N), int32: bits that differ. Faster than a ranking: nearly all are far."""
        shape = len(queries), len(hashes)
        bits = self._bits[: shape[0] * shape[1]].reshape(shape)
        queries, hashes = np.ascontiguousarray(queries), np.ascontiguousarray(hashes)
        pointers = [faiss.swig_ptr(array) for array in (queries, hashes, bits)]
        hammings: Any = faiss.hammings  # type: ignore[attr-defined]
        hammings(*pointers[:2], *shape, hashes.shape[1], pointers[2])
        return bits

    def at_most(self, bits: np.ndarray, bound: int | np.ndarray) -> np.ndarray:
        """Shape (Q * N,): which distances are no larger."""
        near = self._near[: bits.size]
        np.less_equal(bits, bound, out=near.reshape(bits.shape))
        return near


class _Join:
    """Queries by their parts: two bytes side by side, the last one beside the first."""

    def __init__(self, queries: Bytes, bound: float) -> None:
        self._words, self._bound = _words(queries), bound
        parts = _parts(queries)
        # Queries in the order of their parts, all of a part together, and where in there are those
        # that have some value in some part.
        self._order = np.argsort(parts, axis=1, kind="stable").astype(np.int32).ravel()
        self._counts = np.bincount(_numbered(parts), minlength=_VALUES * len(parts))
        self._counts = self._counts.astype(np.int32)
        self._starts = np.cumsum(self._counts, dtype=np.int32) - self._counts
        self._known = self._counts > 0

    def near(self, hashes: Bytes, alive: Flags, span: slice) -> Iterator[_Pairs]:
        """Pairs of a query and a row of a span that share a part and are within the bound."""
        for start in range(span.start, span.stop, _JOINED):
            some = slice(start, min(start + _JOINED, span.stop))
            rows = some.stop - some.start
            words = _words(np.ascontiguousarray(hashes[some]))
            known, new, waiting = np.empty(0, np.int64), [], 0
            for owner, place in self._sharing(hashes[some]):
                bits = _differing(self._words, owner, words, place)
                near = (bits <= self._bound) & alive[some].take(place)
                new.append(owner[near].astype(np.int64) * rows + place[near])
                waiting += len(new[-1])
                # Copies meet in many parts. Sorting what is known again for each few would be slow.
                if waiting > max(8 * _PAIRS, len(known)):
                    known, new, waiting = np.unique(np.concatenate([known, *new])), [], 0
            known = np.unique(np.concatenate([known, *new]))
            if len(known):
                owner, place = np.divmod(known, rows)
                bits = _differing(self._words, owner, words, place)
                yield owner, bits.astype(np.float64), place + start

    def _sharing(self, hashes: Bytes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Queries and rows with a part in common, as often as they have one; bounded blocks."""
        values = _numbered(_parts(hashes))
        # Of `take` and of flags, NumPy makes many times less work than of what looks simpler.
        shares = np.flatnonzero(self._known.take(values))
        shared, rows = values.take(shares), shares % len(hashes)
        many, begins = self._counts.take(shared), self._starts.take(shared)
        for few in _bounded(many):
            ends = np.cumsum(many[few])
            place = np.repeat(begins[few] - ends + many[few], many[few])
            place += np.arange(len(place), dtype=place.dtype)
            yield self._order.take(place), np.repeat(rows[few], many[few])


def _bounded(many: np.ndarray) -> Iterator[slice]:
    """Spans of counts whose sums stay about within `_PAIRS`; nearly always one."""
    ends = np.cumsum(many)
    if not len(ends):
        return
    if ends[-1] <= _PAIRS:
        yield slice(0, len(ends))
        return
    cuts = np.searchsorted(ends, np.arange(_PAIRS, ends[-1], _PAIRS))
    bounds = np.unique(np.concatenate([[0], cuts, [len(ends)]]))
    yield from map(slice, bounds[:-1].tolist(), bounds[1:].tolist())


def _parts(hashes: Bytes) -> np.ndarray:
    """Each byte with the next one, shape (B, N), uint16."""
    across = np.ascontiguousarray(hashes.T).astype(np.uint16)
    return np.asarray((across << 8) | np.roll(across, -1, axis=0))


def _numbered(parts: np.ndarray) -> np.ndarray:
    """Parts with their places in the hash, in one row of numbers: shape (B * N,), int64."""
    return (parts + _VALUES * np.arange(len(parts), dtype=np.intp)[:, None]).ravel()


def _words(hashes: Bytes) -> np.ndarray:
    """The same bits, shape (W, N), in elements as long as may be, which are faster to compare."""
    long = hashes.view(np.uint64) if hashes.shape[1] % 8 == 0 else hashes
    return np.ascontiguousarray(long.T)


def _differing(
    queries: np.ndarray, owner: np.ndarray, rows: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """Bits that differ between some queries and some rows, given as words: shape (P,), int32."""
    bits = np.zeros(len(owner), np.int32)
    for asked, there in zip(queries, rows, strict=True):
        bits += np.bitwise_count(asked.take(owner) ^ there.take(place))
    return bits
