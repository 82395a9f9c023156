"""Inverted lists over the rows of a large shard: queries in, rows that may be near out.

Comparing a query with every row takes as long as there are rows. k-means divides the rows into
cells (Sivic and Zisserman, "Video Google", ICCV 2003), and a query looks into the cells near it
only. There, float vectors stand as product codes of four bits for each eight elements, which are
compared in registers (Andre et al., "Cache locality is not enough", VLDB 2015), and hashes stand as
they are. What is proposed so is scored by `exact`, with the vectors themselves.

Lists say nothing that the vectors do not: where they are lost they are made anew.
"""

import hashlib
import io
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from imagematch.errors import IndexDamaged
from imagematch.records import Bytes, Floats
from imagematch.stores import durable
from imagematch.stores.durable import FileRecord
from imagematch.stores.vectors import Ids, VectorKind

#: Cells for each square root of a row: then a query compares itself with about as many centroids as
#: rows. More cells take longer to find than they spare.
_CELLS = 2

#: Rows that k-means looks at for each cell, and its rounds. More change the recall by less than
#: another seed does.
_TRAINING, _ROUNDS = 40, 8

#: Elements of a float vector that share one code.
_SHARED = 8

#: Cells that a query looks into.
_PROBES = 256

#: Rows proposed for each that is asked for: codes rank roughly.
_PROPOSED = 8

#: Rows taken in at once: 128 MiB of 512 floats.
_BLOCK = 65_536

_SEED = 20_240_501


class Lists:
    """The lists of one shard, in memory."""

    def __init__(self, index: Any, kind: VectorKind) -> None:
        """Use `build` or `read` instead."""
        self._index = index
        self._kind = kind
        index.nprobe = _PROBES

    @classmethod
    def build(cls, kind: VectorKind, vectors: Floats | Bytes) -> "Lists":
        """Divide rows into cells.

        Args:
            vectors: shape (N, D) float32 of unit length, or (N, B) uint8; may be memory-mapped.
        """
        rows, width = vectors.shape
        cells = max(1, min(rows, round(_CELLS * rows**0.5)))
        index = _float_index(width, cells) if kind == "float" else _binary_index(width, cells)
        index.own_fields = True
        index.cp.seed = _SEED
        index.cp.niter = _ROUNDS
        index.cp.min_points_per_centroid = 1
        chosen = np.random.default_rng(_SEED).permutation(rows)[: cells * _TRAINING]
        index.train(np.ascontiguousarray(vectors[np.sort(chosen)]))
        for start in range(0, rows, _BLOCK):
            index.add(np.ascontiguousarray(vectors[start : start + _BLOCK]))
        return cls(index, kind)

    @classmethod
    def read(cls, path: Path, wanted: FileRecord, kind: VectorKind) -> "Lists":
        """Read lists, and make sure of every byte: FAISS trusts what it reads.

        Raises:
            IndexDamaged: the file is missing or not what was written.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise IndexDamaged(f"{path} can't be read: {error.strerror}") from error
        if FileRecord(len(data), hashlib.sha256(data).hexdigest()) != wanted:
            raise IndexDamaged(f"{path} was altered: its checksum is not that in the manifest")
        reader = faiss.PyCallbackIOReader(io.BytesIO(data).read)
        index = (faiss.read_index if kind == "float" else faiss.read_index_binary)(reader)
        return cls(index, kind)

    def write(self, path: Path) -> FileRecord:
        """Write the lists durably.

        Raises:
            OSError: see `durable.write_atomic`.
        """
        with durable.atomic_file(path) as file:
            hashing = durable.HashingWriter(file)
            writer = faiss.PyCallbackIOWriter(hashing.write)
            (faiss.write_index if self._kind == "float" else faiss.write_index_binary)(
                self._index, writer
            )
        return hashing.record()

    def propose(self, queries: Floats | Bytes, top: int) -> Ids:
        """Rows that may be among the `top` nearest, shape (Q, P); -1 where there are fewer."""
        count = min(self._index.ntotal, top * _PROPOSED)
        _, rows = self._index.search(queries, count)
        return np.asarray(rows, np.int64)


def _float_index(width: int, cells: int) -> Any:
    # Of unit vectors, the nearest by distance are those with the largest inner product; distances
    # let codes stand for what is left beside the centroid, which loses less.
    quantizer = faiss.IndexFlatL2(width)
    codes = width // _SHARED
    index = faiss.IndexIVFPQFastScan(quantizer, width, cells, codes, 4, faiss.METRIC_L2)
    quantizer.this.disown()
    return index


def _binary_index(width: int, cells: int) -> Any:
    quantizer = faiss.IndexBinaryFlat(8 * width)
    index = faiss.IndexBinaryIVF(quantizer, 8 * width, cells)
    quantizer.this.disown()
    return index
