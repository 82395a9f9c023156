"""The default vector store: append-only files beside the catalogue, searched with FAISS.

Vectors go in and come out through the protocol in `vectors`; `shards` has the files and `exact`
the search. A change is committed by replacing the manifest, so a process killed at any moment
leaves the state before or after it. Every instance sees the state that it opened, plus what it
changed itself; there is one writer (the index's lock sees to that) and any number of readers.

Many small shards are merged as log-structured merge trees do it: only shards of about the same
size are rewritten together, so that adding a few photos to a million never rewrites the million.
Rows are compared with queries one by one while a shard is small; of a large one, `inverted` lists
or the parts of `hamming` say which.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np

from imagematch.amounts import counted
from imagematch.errors import IndexDamaged
from imagematch.records import Bytes, Floats
from imagematch.runtime.memory import trim_memory
from imagematch.stores import mmap_advice, shards
from imagematch.stores.rows import Rows, Subset, TopK
from imagematch.stores.shards import Manifest, Shard, ShardEntry
from imagematch.stores.vectors import (
    DTYPES,
    Ids,
    Neighbours,
    StoreStats,
    VectorKind,
    checked_ids,
    checked_new_ids,
    checked_queries,
    checked_vectors,
)

_log = logging.getLogger(__name__)

#: For high recall, a subset of a shard with at most so many times `ivf_min_vectors` rows is
#: compared row by row: lists are made for all rows, and miss more of a few (docs/performance.md,
#: "Galleries").
_SUBSETS = 16

#: A tier of shards has sizes from one power of four to the next.
_TIER_BITS = 2


class FaissVectorStore:
    """A `VectorStore` in a directory of its own."""

    def __init__(
        self,
        directory: Path,
        manifest: Manifest,
        opened: tuple[Shard, ...],
        *,
        writable: bool,
        merge_shards: int,
        ivf_min_vectors: int,
    ) -> None:
        """Use `open` instead."""
        self._directory = directory
        self._kind: VectorKind = manifest.kind
        self._width = manifest.width
        self._next_number = manifest.next_number
        self._shards: tuple[Shard, ...] | None = opened
        self._writable = writable
        self._merge_shards = merge_shards
        self._ivf_min_vectors = ivf_min_vectors

    @classmethod
    def open(
        cls,
        directory: Path,
        kind: VectorKind,
        width: int,
        *,
        writable: bool,
        merge_shards: int,
        ivf_min_vectors: int = 0,
        before: Self | None = None,
    ) -> Self:
        """Open the store in a directory; a writer creates it where there is none.

        Sizes of files are checked here, checksums by `verify`.

        Args:
            width: elements of a vector: floats, or bytes of eight bits.
            writable: whether this is the one writer, which also sweeps what a killed one left.
            merge_shards: shards are merged when there are more.
            ivf_min_vectors: a shard with so many is not looked through any more: of float vectors,
                it gets inverted lists when it is written, and hashes meet those of `hamming`; 0:
                every row always is.
            before: the same store as it was opened before; what has not changed is taken from it.

        Raises:
            IndexMissing: a reader finds no store.
            IndexDamaged: the manifest or a shard is missing, cut short or not what it should be.
            IndexTooNew: a newer imagematch wrote it.
            ShapeError: the store holds vectors of another kind or width.
        """
        if writable:
            _create_where_missing(directory, Manifest(kind, width))
        manifest, opened = _open_all(directory, kind, width, before)
        if writable:
            shards.sweep(directory, manifest)
        return cls(
            directory,
            manifest,
            opened,
            writable=writable,
            merge_shards=merge_shards,
            ivf_min_vectors=ivf_min_vectors,
        )

    def add(self, ids: Ids, vectors: Floats | Bytes) -> None:
        """Store vectors in a new shard; see `VectorStore.add`."""
        opened = self._writing()
        ids = checked_new_ids(ids)
        vectors = checked_vectors(vectors, self._kind, self._width)
        if len(ids) != len(vectors):
            raise ValueError(f"{len(ids)} ids come with {len(vectors)} vectors")
        for shard in opened:
            _, there = shard.find(ids)
            if there.any():
                raise ValueError(f"id {ids[there][0]} is already in {self._directory}")
        if len(ids):
            order = np.argsort(ids)
            entry = self._write_shard(ids[order], [vectors[order]])
            self._commit((*opened, self._open_shard(entry)))
            self._tidy()

    def remove(self, ids: Ids) -> int:
        """Mark vectors as removed; see `VectorStore.remove`. Their shard is rewritten later."""
        opened = self._writing()
        ids = np.unique(checked_ids(ids))
        removed, kept = 0, []
        for shard in opened:
            places, there = shard.find(ids)
            removed += int(there.sum())
            if there.any():
                rows = np.union1d(shard.entry.removed, places[there]).astype(np.int64)
                shard = shards.with_removed(shard, rows.tolist())
            if shard.entry.alive:
                kept.append(shard)
        if removed:
            self._commit(tuple(kept))
            self._tidy()
        return removed

    def search(
        self,
        queries: Floats | Bytes,
        top: int,
        *,
        limit: float | None = None,
        high_recall: bool = True,
        among: Subset | None = None,
    ) -> Neighbours:
        """Find the nearest vectors; see `VectorStore.search`."""
        from imagematch.stores import exact, hamming  # FAISS: not for runs that find nothing new

        if top < 1:
            raise ValueError(f"top is {top}, but must be at least 1")
        queries = checked_queries(queries, self._kind, self._width)
        which: Ids | slice = slice(None)
        if self._kind == "binary":
            # A picture that was posted a thousand times is looked for once.
            queries, which = _distinct(np.asarray(queries, np.uint8))
        rows: Iterable[Rows] = [shard.rows for shard in self._opened()]
        if among is not None:
            listed_from = self._ivf_min_vectors * (_SUBSETS if high_recall else 1)
            rows = (part for shard in rows for part in among.of(shard, listed_from))
        sign = -1.0 if self._kind == "float" else 1.0  # the nearest have the smallest cost
        bound = np.inf if limit is None else sign * float(np.float32(limit))
        best = TopK(len(queries), top, bound)
        if len(queries) and self._kind == "float":
            exact.search(rows, np.asarray(queries, np.float32), best, high_recall=high_recall)
        elif len(queries):
            parts_from = 0 if high_recall else self._ivf_min_vectors
            hamming.search(rows, np.asarray(queries, np.uint8), best, parts_from)
        return Neighbours(best.ids[which], (sign * best.costs[which]).astype(np.float32))

    def ids(self) -> Ids:
        """All ids in the store, ascending."""
        parts = [shard.rows.ids[shard.rows.alive] for shard in self._opened()]
        return np.sort(np.concatenate([np.empty(0, dtype=np.int64), *parts]))

    def get(self, ids: Ids) -> Floats | Bytes:
        """The vectors of some ids, in the order asked; see `VectorStore.get`."""
        ids = checked_ids(ids)
        vectors = np.empty((len(ids), self._width), dtype=DTYPES[self._kind])
        missing = np.ones(len(ids), dtype=bool)
        for shard in self._opened():
            places, there = shard.find(ids)
            vectors[there] = mmap_advice.copied(shard.rows.vectors, places[there])
            missing &= ~there
        if missing.any():
            raise KeyError(f"id {ids[missing][0]} is not in {self._directory}")
        return vectors

    def stats(self) -> StoreStats:
        """What the store holds."""
        entries = [shard.entry for shard in self._opened()]
        listed = [shard.entry.alive for shard in self._opened() if self._is_large(shard)]
        return StoreStats(
            kind=self._kind,
            width=self._width,
            vectors=sum(entry.alive for entry in entries),
            tombstones=sum(len(entry.removed) for entry in entries),
            shards=len(entries),
            bytes=sum(entry.bytes for entry in entries),
            listed=sum(listed),
            listed_shards=len(listed),
        )

    def verify(self) -> list[str]:
        """Compare all files with their checksums, and check what they hold."""
        opened = self._opened()
        problems = []
        for shard in opened:
            problems += shards.file_problems(self._directory, shard.entry)
            problems += shards.list_problems(self._directory, shard.entry)
            problems += shards.content_problems(self._directory, shard, self._kind)
        ids, counts = np.unique(self.ids(), return_counts=True)
        if (counts > 1).any():
            problems.append(
                f"{self._directory} holds {counted(int((counts > 1).sum()), 'id')} more than once, "
                f"for instance {ids[counts > 1][0]}"
            )
        return problems

    def close(self) -> None:
        """Let go of all files; the store can't be used after that."""
        self._shards = None

    def _is_large(self, shard: Shard) -> bool:
        """Whether a search may leave out some of its rows."""
        if self._kind == "float":
            return shard.rows.lists is not None
        return 0 < self._ivf_min_vectors <= shard.entry.rows

    def _opened(self) -> tuple[Shard, ...]:
        if self._shards is None:
            raise ValueError(f"the store in {self._directory} is closed")
        return self._shards

    def _writing(self) -> tuple[Shard, ...]:
        if not self._writable:
            raise ValueError(f"the store in {self._directory} was opened for reading only")
        return self._opened()

    def _write_shard(self, ids: Ids, vectors: Iterable[np.ndarray]) -> ShardEntry:
        # The number counts as used even if the write fails, see `shards`.
        number = self._next_number
        self._next_number += 1
        entry = shards.write_shard(
            self._directory, number, ids, vectors, DTYPES[self._kind], self._width
        )
        if self._kind == "binary" or not 0 < self._ivf_min_vectors <= entry.rows:
            return entry
        try:
            return shards.add_lists(self._directory, entry, self._width)
        except BaseException:
            shards.delete_shard(self._directory, number)
            raise
        finally:
            trim_memory()

    def _open_shard(self, entry: ShardEntry) -> Shard:
        return shards.open_shard(self._directory, entry, self._kind, self._width)

    def _commit(self, opened: tuple[Shard, ...]) -> None:
        """Make shards the state of the store, and delete files that no longer belong to it."""
        before = {shard.entry.number for shard in self._opened()}
        entries = tuple(shard.entry for shard in opened)
        shards.write_manifest(
            self._directory, Manifest(self._kind, self._width, self._next_number, entries)
        )
        self._shards = opened
        for number in before - {entry.number for entry in entries}:
            shards.delete_shard(self._directory, number)

    def _tidy(self) -> None:
        """Merge shards where there are too many or too hollow ones."""
        try:
            while group := choose_merge(
                [shard.entry for shard in self._opened()], self._merge_shards
            ):
                self._merge(group)
        except OSError as error:
            # What the caller asked for is already durable, and a merge can wait for disk space.
            _log.warning("shards in %s could not be merged: %s", self._directory, error)

    def _merge(self, group: Sequence[int]) -> None:
        opened = self._opened()
        merged = [opened[index] for index in group]
        for shard in merged:
            # New checksums over damaged vectors would hide the damage for good.
            if problems := shards.file_problems(self._directory, shard.entry):
                raise IndexDamaged(f"{problems[0]}; {shards.NEXT_STEP}")
        # Mapped anew, without lists, they are read from one end to the other.
        merged = [self._open_shard(replace(shard.entry, lists=None)) for shard in merged]
        alive = [np.flatnonzero(shard.rows.alive) for shard in merged]
        ids = np.concatenate(
            [shard.rows.ids[row] for shard, row in zip(merged, alive, strict=True)]
        )
        # In small types and let go of early: of ten million rows, each of these takes its share.
        source = np.repeat(np.arange(len(merged), dtype=np.int32), [len(row) for row in alive])
        rows = np.concatenate(alive).astype(np.uint32)
        del alive
        order = np.argsort(ids)
        ids, source, rows = ids[order], source[order], rows[order]
        del order
        entry = self._write_shard(ids, shards.copy_rows(merged, source, rows))
        kept = tuple(shard for index, shard in enumerate(opened) if index not in set(group))
        self._commit((*kept, self._open_shard(entry)))


def _distinct(rows: Bytes) -> tuple[Bytes, Ids]:
    """Each different row once, and for each row which of these it is."""
    different, which = np.unique(rows, axis=0, return_inverse=True)
    # NumPy 2.0 gives it as many dimensions as the rows have.
    return np.asarray(different, np.uint8), np.asarray(which, np.int64).ravel()


def choose_merge(entries: Sequence[ShardEntry], merge_shards: int) -> list[int]:
    """Which shards to rewrite into one, as positions; empty when all is well.

    Shards that are more than half removed come first: rewriting them costs less than was
    removed. A tier is a power of four in size. Where there are more than `merge_shards`, the tier
    with the most shards is merged, and one with four that have lists in any case: a search goes
    through the lists of each. So a vector is rewritten only a few times for each tier that it
    rises through, and a large shard only together with its equals.
    """
    hollow = [at for at, entry in enumerate(entries) if entry.alive < len(entry.removed)]
    if hollow:
        return hollow
    tiers = [(entry.alive.bit_length() - 1) // _TIER_BITS for entry in entries]
    listed = Counter(tier for tier, entry in zip(tiers, entries, strict=True) if entry.lists)
    if full := [tier for tier, count in listed.items() if count >= 2**_TIER_BITS]:
        return [at for at, tier in enumerate(tiers) if tier == min(full)]
    if len(entries) <= merge_shards:
        return []
    fullest, count = min(Counter(tiers).items(), key=lambda item: (-item[1], item[0]))
    if count > 1:
        return [at for at, tier in enumerate(tiers) if tier == fullest]
    return sorted(range(len(entries)), key=lambda at: entries[at].alive)[:2]


def _create_where_missing(directory: Path, empty: Manifest) -> None:
    if not (directory / shards.MANIFEST).exists() and not shards.shard_numbers(directory):
        directory.mkdir(parents=True, exist_ok=True)
        shards.write_manifest(directory, empty)


def _open_all(
    directory: Path, kind: VectorKind, width: int, before: FaissVectorStore | None
) -> tuple[Manifest, tuple[Shard, ...]]:
    """Open what the manifest names, again when a writer has merged it away meanwhile."""
    known: dict[ShardEntry, Shard] = {}
    if before is not None and before._directory == directory:
        known = {replace(shard.entry, removed=()): shard for shard in before._opened()}

    def opened(entry: ShardEntry) -> Shard:
        shard = known.get(replace(entry, removed=()))
        if shard is None:
            return shards.open_shard(directory, entry, kind, width)
        return shard if shard.entry == entry else shards.with_removed(shard, entry.removed)

    manifest = shards.read_manifest(directory)
    while True:
        shards.check_fits(manifest, kind, width, directory)
        try:
            return manifest, tuple(opened(entry) for entry in manifest.shards)
        except IndexDamaged:
            newer = shards.read_manifest(directory)
            if newer == manifest:
                raise
            manifest = newer
