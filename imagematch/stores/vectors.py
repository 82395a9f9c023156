"""What a vector store is: vectors in under an id, nearest ids out.

Backends keep one kind of vector each: embeddings ("float": float32, unit length, compared by inner
product) or perceptual hashes ("binary": packed bits, compared by Hamming distance). The same test
suite, tests/stores/vector_store_conformance.py, holds for all of them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from imagematch.errors import ShapeError
from imagematch.records import Bytes, Floats

if TYPE_CHECKING:
    from imagematch.stores.rows import Subset

type VectorKind = Literal["float", "binary"]
type Ids = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

#: How far vectors are apart: the smaller, the nearer.
type Costs = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

#: What one element of a vector is stored as: a float, or eight bits.
DTYPES: dict[VectorKind, np.dtype[Any]] = {
    "float": np.dtype(np.float32),
    "binary": np.dtype(np.uint8),
}

#: How far the length of an embedding may be from 1. Rounding alone makes it differ by about 1e-7.
UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The nearest vectors of each query, nearest first; of equally near ones the smaller id first.

    Attributes:
        ids: shape (Q, K), int64; -1 where fewer than K were found.
        scores: shape (Q, K), float32. Float stores: inner product, descending, -inf where the id
            is -1. Binary stores: Hamming distance in bits, ascending, inf where the id is -1.
    """

    ids: Ids
    scores: Floats


@dataclass(frozen=True, slots=True)
class StoreStats:
    """What a store holds."""

    kind: VectorKind
    width: int  # elements of a vector: floats, or bytes of eight bits
    vectors: int  # that a search can find
    tombstones: int  # removed, but still on the disk
    shards: int
    bytes: int  # on the disk
    listed: int = 0  # of `vectors`, those in shards that are too large to be looked through
    listed_shards: int = 0

    @property
    def method(self) -> str:
        """How it searches: "exact", or "lists" where a shard has them."""
        return "lists" if self.listed_shards else "exact"


class VectorStore(Protocol):
    """Vectors under ids; one writer, any number of readers, each with the state it opened."""

    def add(self, ids: Ids, vectors: Floats | Bytes) -> None:
        """Store vectors; durable when it returns.

        Args:
            ids: shape (N,), int64, positive, unique and not in the store; N may be 0.
            vectors: shape (N, D) float32 of unit length, or (N, B) uint8.

        Raises:
            ShapeError: shape, dtype or width do not fit, or a float vector is not of unit length.
            ValueError: an id is not positive, given twice or already in the store.
            OSError: the disk is full; the store is as it was.
        """
        ...

    def remove(self, ids: Ids) -> int:
        """Forget vectors, durably; unknown ids are ignored. Returns how many were forgotten."""
        ...

    def search(
        self,
        queries: Floats | Bytes,
        top: int,
        *,
        limit: float | None = None,
        high_recall: bool = True,
        among: "Subset | None" = None,
    ) -> Neighbours:
        """Find the `top` nearest vectors of each query.

        Scores are exact. Which vectors are found is exact, too, while a store is small: then equal
        vectors give equal answers, however and in whatever order they were added. A large one may
        leave out some, the more likely the farther they are.

        Args:
            queries: shape (Q, D) float32 or (Q, B) uint8; Q may be 0.
            limit: the smallest inner product, or the largest distance in bits, that counts.
            high_recall: whether a large store takes longer to leave out less.
            among: the only vectors to find; None: all. Few are all looked at.

        Raises:
            ShapeError: shape, dtype or width of the queries do not fit, or they are not finite.
            ValueError: `top` is less than 1.
        """
        ...

    def ids(self) -> Ids:
        """All ids in the store, ascending."""
        ...

    def get(self, ids: Ids) -> Floats | Bytes:
        """The vectors of some ids, in the order asked, shape (N, D) or (N, B).

        Raises:
            KeyError: an id is not in the store.
        """
        ...

    def stats(self) -> StoreStats:
        """What the store holds."""
        ...

    def verify(self) -> list[str]:
        """Read everything and list what is wrong, in plain words; empty when all is well."""
        ...

    def close(self) -> None:
        """Let go of all files."""
        ...


def checked_ids(ids: Ids) -> Ids:
    """Ids as a flat int64 array.

    Raises:
        ShapeError: they are not whole numbers in one row.
    """
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ShapeError(f"ids are {array.dtype} of shape {array.shape}, not int64 of shape (N,)")
    return array.astype(np.int64, copy=False)


def checked_new_ids(ids: Ids) -> Ids:
    """Ids that may be added, as a flat int64 array.

    Raises:
        ShapeError: see `checked_ids`.
        ValueError: one is not positive or given twice.
    """
    array = checked_ids(ids)
    if array.size and array.min() < 1:
        raise ValueError(f"ids are positive, but one is {array.min()}")
    if len(np.unique(array)) != len(array):
        raise ValueError("an id is given twice")
    return array


def checked_queries(queries: Floats | Bytes, kind: VectorKind, width: int) -> Floats | Bytes:
    """Vectors in the form that kernels want: C order, the right dtype and width, finite.

    Raises:
        ShapeError: they are not.
    """
    array = np.asarray(queries)
    wanted = DTYPES[kind]
    if array.ndim != 2 or array.shape[1] != width or array.dtype != wanted:
        raise ShapeError(
            f"vectors are {array.dtype} of shape {array.shape}, "
            f"but the store holds {wanted} of shape (N, {width})"
        )
    if kind == "float" and not np.isfinite(array).all():
        raise ShapeError("a vector holds NaN or infinity")
    return np.ascontiguousarray(array)


def checked_vectors(vectors: Floats | Bytes, kind: VectorKind, width: int) -> Floats | Bytes:
    """Vectors that may be added, see `checked_queries`.

    Raises:
        ShapeError: they do not fit, or a float vector is not of unit length.
    """
    array = checked_queries(vectors, kind, width)
    if kind == "float" and (rows := not_unit(array)).size:
        norm = np.linalg.norm(array[rows[0]])
        raise ShapeError(f"vector {rows[0]} has length {norm:.6g}, but must have length 1")
    return array


def not_unit(vectors: Floats | Bytes) -> Ids:
    """Rows of float vectors, shape (N, D), that are not finite or not of unit length."""
    norms = np.linalg.norm(vectors.astype(np.float64, copy=False), axis=1)
    return np.flatnonzero(~(np.abs(norms - 1) <= UNIT_TOLERANCE))
