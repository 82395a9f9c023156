"""Inverted lists over the rows of a large shard: queries in, rows that may be near out.

Comparing a query with every row takes as long as there are rows. k-means divides the rows into
cells (Sivic and Zisserman, "Video Google", ICCV 2003), and a query looks into the cells near it
only. There, float vectors stand as product codes of four bits, which are compared in registers
(Andre et al., "Cache locality is not enough", VLDB 2015), and hashes stand as they are. What codes
propose is scored by `exact`, with the vectors themselves.

Lists say nothing that the vectors do not: where they are lost they are made anew.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import faiss
import numpy as np

from imagematch.errors import IndexDamaged
from imagematch.records import Bytes, Floats
from imagematch.stores import durable, threads
from imagematch.stores.durable import FileRecord
from imagematch.stores.vectors import Ids, VectorKind

#: Cells for each square root of a row: then a query compares itself with about as many centroids as
#: rows. More cells take longer to find than they spare.
_CELLS = 2

#: Rows that k-means looks at for each cell, all together at most, and its rounds. More change the
#: recall by less than another seed does. 131,072 rows of 512 floats are 256 MiB.
_TRAINING, _TRAINING_MOST, _ROUNDS = 40, 131_072, 8

#: Float vectors are turned to their principal axes and cut to so many elements: 256 of 512 hold
#: 83 % of the variance of SSCD, miss hardly more copies, and take half the time to divide.
_ELEMENTS = 256

#: Codes of four bits for a float vector: 32 bytes.
_CODES = 64

#: Cells that a query looks into, for each square root of a cell: of float vectors where it is deep
#: and where not, and of hashes where not. Measured in docs/performance.md. So the share of the rows
#: that it looks at falls as a shard grows, for the same recall.
_PROBES_DEEP, _PROBES, _PROBES_OF_HASHES = 14.0, 6.5, 3.0

#: Rows that codes propose for each that is asked for, because they rank roughly.
_PROPOSED_DEEP, _PROPOSED = 4, 2

#: Rows taken in at once: 32 MiB of 512 floats.
_BLOCK = 16_384

#: Distances computed at once, 512 KiB, which stay in a core's cache, and for how many hashes at
#: least where there are many queries.
_DISTANCES, _HASHES = 131_072, 2048

_SEED = 20_240_501

type Costs = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Proposals:
    """Rows that may be near queries, as three arrays of shape (P,).

    Attributes:
        queries: int64; which query.
        costs: how far; the smaller the nearer. Comparable between lists of one kind.
        rows: int64; of the shard.
    """

    queries: Ids
    costs: Costs
    rows: Ids


class Lists(Protocol):
    """The lists of one shard, in memory."""

    #: Whether the costs that they propose are those of the vectors.
    exact: bool

    def write(self, path: Path) -> FileRecord:
        """Write the lists durably.

        Raises:
            OSError: see `durable.write_atomic`.
        """
        ...

    def propose(self, queries: Any, count: int, bound: float, *, deep: bool) -> Proposals:
        """The nearest rows of each query, as far as the lists can tell.

        Args:
            queries: shape (Q, D) float32 or (Q, B) uint8, in C order.
            count: rows for a query, at most.
            bound: rows that cost more are of no use, where costs are exact.
            deep: whether to take longer and leave out less.
        """
        ...


def build(kind: VectorKind, vectors: Floats | Bytes) -> Lists:
    """Divide rows into cells.

    Args:
        vectors: shape (N, D) float32 of unit length, or (N, B) uint8; may be memory-mapped.
    """
    return threads.alone(lambda: (CodeLists if kind == "float" else HashLists).build(vectors))


def read(path: Path, wanted: FileRecord, kind: VectorKind) -> Lists:
    """Read lists, and make sure of every byte first: FAISS trusts what it reads.

    Raises:
        IndexDamaged: the file is missing or not what was written.
    """
    try:
        if durable.file_record(path) != wanted:
            raise IndexDamaged(f"{path} was altered: its checksum is not that in the manifest")
        return (CodeLists if kind == "float" else HashLists).read(path)
    except OSError as error:
        raise IndexDamaged(f"{path} can't be read: {error.strerror}") from error


def proposed(top: int, *, deep: bool) -> int:
    """How many of the rows that codes propose are worth scoring, for `top` that are wanted."""
    return top * (_PROPOSED_DEEP if deep else _PROPOSED)


class CodeLists:
    """Product codes of float vectors, in cells."""

    exact = False

    def __init__(self, index: Any) -> None:
        """Use `build` or `read` instead."""
        self._index = index
        self._cells = faiss.extract_index_ivf(index)

    @classmethod
    def build(cls, vectors: Any) -> Self:
        """See `build`."""
        index = _code_index(vectors.shape[1], _cells_for(len(vectors)))
        index.train(_sample(vectors))
        for start in range(0, len(vectors), _BLOCK):
            index.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))
        return cls(index)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` has written; see `read`."""
        with path.open("rb") as file:
            return cls(faiss.read_index(faiss.PyCallbackIOReader(file.read)))  # type: ignore[attr-defined]

    def write(self, path: Path) -> FileRecord:
        """See `Lists.write`."""
        with durable.atomic_file(path) as file:
            hashing = durable.HashingWriter(file)
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(hashing.write))  # type: ignore[attr-defined]
        return hashing.record()

    def propose(
        self,
        queries: Floats,
        count: int,
        bound: float,  # noqa: ARG002
        *,
        deep: bool,
    ) -> Proposals:
        """See `Lists.propose`; costs are squared distances between codes."""
        cells = int(self._cells.nlist)
        self._cells.nprobe = min(
            cells, math.ceil((_PROBES_DEEP if deep else _PROBES) * math.sqrt(cells))
        )
        costs, rows = self._index.search(queries, min(count, int(self._index.ntotal)))
        owner, place = np.nonzero(rows >= 0)
        return Proposals(owner, costs[owner, place].astype(np.float64), rows[owner, place])


class HashLists:
    """Hashes in cells.

    Attributes:
        exact: distances are those of the hashes.
    """

    exact = True

    def __init__(self, centres: Bytes, starts: Ids, rows: np.ndarray, hashes: Bytes) -> None:
        """Use `build` or `read` instead.

        Args:
            centres: shape (C, B); of the cells.
            starts: shape (C + 1,); where each cell begins in what follows, and the last one ends.
            rows: shape (N,), uint32; of the shard.
            hashes: shape (N, B).
        """
        self._centres, self._starts, self._rows, self._hashes = centres, starts, rows, hashes

    @classmethod
    def build(cls, hashes: Any) -> Self:
        """See `build`."""
        cells = _cells_for(len(hashes))
        quantizer: Any = faiss.IndexBinaryFlat(8 * hashes.shape[1])
        index: Any = faiss.IndexBinaryIVF(quantizer, 8 * hashes.shape[1], cells)
        _train_gently(index)
        index.train(_sample(hashes))
        centres = faiss.vector_to_array(quantizer.xb)
        centres = centres.reshape(cells, -1).copy()
        blocks = (hashes[start : start + _BLOCK] for start in range(0, len(hashes), _BLOCK))
        homes = np.concatenate(
            [
                faiss.knn_hamming(np.ascontiguousarray(block), centres, 1)[1][:, 0]
                for block in blocks
            ]
        )
        order = np.argsort(homes, kind="stable")
        starts = np.searchsorted(homes[order], np.arange(cells + 1))
        return cls(centres, starts, order.astype(np.uint32), hashes[order])

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` has written; see `read`."""
        with path.open("rb") as file:
            return cls(*(np.lib.format.read_array(file, allow_pickle=False) for _ in range(4)))

    def write(self, path: Path) -> FileRecord:
        """See `Lists.write`."""
        with durable.atomic_file(path) as file:
            hashing = durable.HashingWriter(file)
            for array in (self._centres, self._starts, self._rows, self._hashes):
                np.lib.format.write_array(hashing, array, allow_pickle=False)
        return hashing.record()

    def propose(self, queries: Bytes, count: int, bound: float, *, deep: bool) -> Proposals:
        """See `Lists.propose`. A deep search looks at every hash: cells spare it little."""
        return (self._all if deep else self._near)(queries, count, bound)

    def _all(self, queries: Bytes, count: int, bound: float) -> Proposals:
        everyone, scratch = np.arange(len(queries)), _Scratch()
        rows = max(_HASHES, _DISTANCES // max(1, len(queries)))
        spans = [slice(at, at + rows) for at in range(0, len(self._hashes), rows)]
        return _together(
            [self._within(queries, everyone, span, count, bound, scratch) for span in spans]
        )

    def _near(self, queries: Bytes, count: int, bound: float) -> Proposals:
        """Cell by cell, so that each goes through the cache once for all queries."""
        cells, scratch = len(self._centres), _Scratch()
        probes = min(cells, math.ceil(_PROBES_OF_HASHES * math.sqrt(cells)))
        _, wanted = faiss.knn_hamming(queries, self._centres, probes)
        order = np.argsort(wanted.ravel(), kind="stable")
        ends = np.searchsorted(wanted.ravel()[order], np.arange(1, cells))
        return _together(
            [
                self._within(
                    queries, some, slice(*self._starts[cell : cell + 2]), count, bound, scratch
                )
                for cell, some in enumerate(np.split(order // probes, ends))
                if len(some) and self._starts[cell] < self._starts[cell + 1]
            ]
        )

    def _within(
        self,
        queries: Bytes,
        some: Ids,
        span: slice,
        count: int,
        bound: float,
        scratch: "_Scratch",
    ) -> Proposals:
        """What of a span of hashes some of the queries are near to."""
        hashes, rows = self._hashes[span], self._rows[span]
        at_once = max(1, _DISTANCES // len(hashes))
        parts = []
        for start in range(0, len(some), at_once):
            asking = some[start : start + at_once]
            bits = scratch.distances(queries[asking], hashes)
            # Many times faster than `np.nonzero`, which knows of two dimensions.
            found = np.flatnonzero(
                scratch.at_most(bits, _least(bits, count) if bound == np.inf else bound)
            )
            owner, place = np.divmod(found, len(hashes))
            costs = bits.ravel()[found].astype(np.float64)
            parts.append(Proposals(asking[owner], costs, rows[place].astype(np.int64)))
        return _together(parts)


class _Scratch:
    """Memory for distances, used again and again: fresh memory takes longer than they do."""

    def __init__(self) -> None:
        self._bits = np.empty(_DISTANCES, np.int32)
        self._near = np.empty(_DISTANCES, bool)

    def distances(self, queries: Bytes, hashes: Bytes) -> np.ndarray:
        """Shape (Q, N), int32: bits that differ. Faster than a ranking: nearly all are far."""
        shape = len(queries), len(hashes)
        if shape[0] * shape[1] > len(self._bits):
            self._bits = np.empty(shape[0] * shape[1], np.int32)
            self._near = np.empty(shape[0] * shape[1], bool)
        bits = self._bits[: shape[0] * shape[1]].reshape(shape)
        queries, hashes = np.ascontiguousarray(queries), np.ascontiguousarray(hashes)
        pointers = [faiss.swig_ptr(array) for array in (queries, hashes, bits)]
        hammings: Any = faiss.hammings  # type: ignore[attr-defined]
        hammings(*pointers[:2], *shape, hashes.shape[1], pointers[2])
        return bits

    def at_most(self, bits: np.ndarray, bound: Any) -> np.ndarray:
        """Shape (Q * N,): which distances are no larger."""
        near = self._near[: bits.size]
        np.less_equal(bits, bound, out=near.reshape(bits.shape))
        return near


def _together(parts: list[Proposals]) -> Proposals:
    return Proposals(
        np.concatenate([part.queries for part in parts]),
        np.concatenate([part.costs for part in parts]),
        np.concatenate([part.rows for part in parts]),
    )


def _least(bits: np.ndarray, count: int) -> np.ndarray:
    """Shape (Q, 1): how far the `count` nearest are; no span has more to give than all together."""
    last = min(count, bits.shape[1]) - 1
    return np.asarray(np.partition(bits, last)[:, last, None])


def _cells_for(rows: int) -> int:
    return max(1, min(rows, round(_CELLS * math.sqrt(rows))))


def _sample(vectors: Any) -> Any:
    """Rows that k-means learns from, the same for the same vectors."""
    count = min(_cells_for(len(vectors)) * _TRAINING, _TRAINING_MOST)
    chosen = np.random.default_rng(_SEED).permutation(len(vectors))[:count]
    return np.ascontiguousarray(vectors[np.sort(chosen)])


def _code_index(width: int, cells: int) -> Any:
    # Of unit vectors, the nearest by distance are those with the largest inner product; distances
    # let codes stand for what is left beside the centroid, which loses less.
    kept = min(width, _ELEMENTS)
    quantizer: Any = faiss.IndexFlatL2(kept)
    codes = min(_CODES, kept // 2)
    index: Any = faiss.IndexIVFPQFastScan(quantizer, kept, cells, codes, 4, faiss.METRIC_L2)
    index.own_fields = True
    quantizer.this.disown()
    _train_gently(index)
    index.pq.cp.seed = _SEED
    if kept == width:
        return index
    axes: Any = faiss.PCAMatrix(width, kept)
    both: Any = faiss.IndexPreTransform(axes, index)
    both.own_fields = True
    axes.this.disown()
    index.this.disown()
    return both


def _train_gently(index: Any) -> None:
    index.cp.seed = _SEED
    index.cp.niter = _ROUNDS
    index.cp.min_points_per_centroid = 1
