"""Inverted lists over the rows of a large shard: queries in, rows that may be near out.

Comparing a query with every row takes as long as there are rows. k-means divides the rows into
cells (Sivic and Zisserman, "Video Google", ICCV 2003), and a query looks into the cells near it
only. There, vectors stand as product codes of four bits, which are compared in registers (Andre et
al., "Cache locality is not enough", VLDB 2015). What codes propose is scored by `exact`, with the
vectors themselves.

Lists say nothing that the vectors do not: where they are lost they are made anew.
"""

import math
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from imagematch.errors import IndexDamaged
from imagematch.records import Flags, Floats
from imagematch.runtime import threads
from imagematch.stores import durable, mmap_advice
from imagematch.stores.durable import FileRecord
from imagematch.stores.vectors import Ids

#: Cells for each square root of a row: then a query compares itself with about as many centroids as
#: rows. More cells take longer to find than they spare.
_CELLS = 2

#: Rows that k-means looks at for each cell, all together at most, and its rounds. More change the
#: recall by less than another seed does. 131,072 rows of 512 floats are 256 MiB.
_TRAINING, _TRAINING_MOST, _ROUNDS = 40, 131_072, 8

#: Float vectors are turned to their principal axes and cut to so many elements at most, and each
#: code of four bits stands for a few of them: 24 bytes a vector. What that misses is in
#: docs/performance.md.
_ELEMENTS, _CODES = 192, 48

#: Cells that a query looks into, for each square root of a cell, for high recall and else.
#: Measured in docs/performance.md. So the share of the rows that it looks at falls as a shard
#: grows, for the same recall.
_PROBES_HIGH_RECALL, _PROBES = 9.0, 4.5

#: Rows that codes propose for each that is asked for, because they rank roughly.
_PROPOSED_HIGH_RECALL, _PROPOSED = 4, 2

#: Rows taken in at once: 32 MiB of 512 floats.
_BLOCK = 16_384

_SEED = 20_240_501


def proposed(top: int, *, high_recall: bool) -> int:
    """How many of the rows that codes propose are worth scoring, for `top` that are wanted."""
    return top * (_PROPOSED_HIGH_RECALL if high_recall else _PROPOSED)


#: FAISS gives these constructors that its types do not know.
_SEARCH: Any = faiss.SearchParametersIVF
_TURNED_SEARCH: Any = faiss.SearchParametersPreTransform
_BITMAP: Any = faiss.IDSelectorBitmap


class Lists:
    """The lists of one shard, in memory."""

    def __init__(self, index: Any) -> None:
        """Use `build` or `read` instead."""
        self._index = index
        self._cells = faiss.extract_index_ivf(index)
        self._turned = isinstance(faiss.downcast_index(index), faiss.IndexPreTransform)

    @classmethod
    def build(cls, vectors: Any) -> Self:
        """Divide rows into cells.

        Args:
            vectors: shape (N, D), float32, of unit length; may be memory-mapped.
        """
        return cls(threads.alone(lambda: _filled(vectors)))

    @classmethod
    def read(cls, path: Path, wanted: FileRecord) -> Self:
        """Read lists, and make sure of every byte first: FAISS trusts what it reads.

        Raises:
            IndexDamaged: the file is missing or not what was written, or has codes of another kind:
                what two kinds propose can't be compared.
        """
        try:
            if durable.file_record(path) != wanted:
                raise IndexDamaged(f"{path} was altered: its checksum is not that in the manifest")
            with path.open("rb") as file:
                index: Any = faiss.read_index(faiss.PyCallbackIOReader(file.read))  # type: ignore[attr-defined]
        except OSError as error:
            raise IndexDamaged(f"{path} can't be read: {error.strerror}") from error
        lists = cls(index)
        cells: Any = faiss.downcast_index(lists._cells)
        if (cells.d, cells.pq.M) != _cut(index.d):
            raise IndexDamaged(f"{path} was made by another version of imagematch")
        return lists

    def write(self, path: Path) -> FileRecord:
        """Write the lists durably.

        Raises:
            OSError: see `durable.write_atomic`.
        """
        with durable.atomic_file(path) as file:
            hashing = durable.HashingWriter(file)
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(hashing.write))  # type: ignore[attr-defined]
        return hashing.record()

    def propose(
        self, queries: Floats, count: int, alive: Flags, *, high_recall: bool
    ) -> tuple[Floats, Ids]:
        """The nearest rows of each query, as far as codes can tell.

        Args:
            queries: shape (Q, D), float32, in C order.
            count: rows for a query, at most.
            alive: shape (N,); rows that may be proposed.
            high_recall: whether to take longer and leave out less.

        Returns:
            Squared distances to codes, float32, and rows, -1 for none, both shape (Q, count) or
            narrower.
        """
        cells = int(self._cells.nlist)
        probes = (_PROBES_HIGH_RECALL if high_recall else _PROBES) * math.sqrt(cells)
        # Said of this search, not set on the lists: other threads search them at the same time.
        within: Any = _SEARCH(nprobe=min(cells, math.ceil(probes)), sel=_selecting(alive))
        if self._turned:
            within = _TURNED_SEARCH(index_params=within)
        found: tuple[Floats, Ids] = self._index.search(
            queries, min(count, int(self._index.ntotal)), params=within
        )
        return found


def _selecting(alive: Flags) -> Any:
    """What FAISS asks whether a row may be proposed; None where all may."""
    if alive.all():
        return None
    return _BITMAP(np.packbits(alive, bitorder="little"))


def _filled(vectors: Any) -> Any:
    index = _code_index(vectors.shape[1], _cells_for(len(vectors)))
    index.train(_sample(vectors))
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        index.add(np.ascontiguousarray(block))
        mmap_advice.forget(block)
    return index


def _cells_for(rows: int) -> int:
    return max(1, min(rows, round(_CELLS * math.sqrt(rows))))


def _sample(vectors: Any) -> Any:
    """Rows that k-means learns from, the same for the same vectors."""
    count = min(_cells_for(len(vectors)) * _TRAINING, _TRAINING_MOST)
    chosen = np.random.default_rng(_SEED).permutation(len(vectors))[:count]
    return mmap_advice.copied(vectors, np.sort(chosen))


def _cut(width: int) -> tuple[int, int]:
    """How many elements of a vector are kept, and in how many codes: as many in each."""
    kept = min(width, _ELEMENTS)
    each = min(kept, max(2, -(-kept // _CODES)))
    return kept // each * each, kept // each


def _code_index(width: int, cells: int) -> Any:
    # Of unit vectors, the nearest by distance are those with the largest inner product.
    kept, codes = _cut(width)
    quantizer: Any = faiss.IndexFlatL2(kept)
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
