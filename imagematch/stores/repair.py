"""The repair of a vector store: damaged files in, a store that opens out, and what it had to drop.

Lists are derived from vectors, and made anew. A vector whose file is damaged is gone; its photo is
described again.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imagematch.errors import IndexDamaged, IndexMissing
from imagematch.stores import durable, shards
from imagematch.stores.shards import Manifest, ShardEntry
from imagematch.stores.vectors import Ids, VectorKind


@dataclass(frozen=True, slots=True, eq=False)
class Repair:
    """What `repair` had to give up.

    Attributes:
        lost: ids whose vectors are gone and have to be computed again, ascending.
        nameless: vectors that are gone without their ids being known; compare the store's
            `ids()` with the catalogue to find them.
        rebuilt: the manifest was lost and made anew from the shards, so vectors that had been
            removed may be back: ids that the catalogue does not know have to be removed.
        problems: what was found, in plain words.
    """

    lost: Ids
    nameless: int
    rebuilt: bool
    problems: tuple[str, ...]


def repair(directory: Path, kind: VectorKind, width: int) -> Repair:
    """Drop shards that are not what was written, so that the store opens again.

    For the one writer. Reads all files. Does nothing to a store that is well.

    Raises:
        IndexTooNew: a newer imagematch wrote it.
        ShapeError: the store holds vectors of another kind or width.
    """
    problems = []
    rebuilt = False
    directory.mkdir(parents=True, exist_ok=True)
    try:
        manifest = shards.read_manifest(directory)
    except (IndexDamaged, IndexMissing) as error:
        problems.append(str(error))
        rebuilt = isinstance(error, IndexDamaged)
        manifest = _manifest_from_files(directory, kind, width)
    shards.check_fits(manifest, kind, width, directory)
    kept, nameless = [], 0
    lost: list[Ids] = [np.empty(0, dtype=np.int64)]
    for entry in manifest.shards:
        found = _shard_problems(directory, entry, kind, width)
        spoiled = shards.list_problems(directory, entry)
        problems += found + spoiled
        if not found:
            # Lists say nothing that the vectors don't. A manifest from files names none yet.
            there = kind == "float" and shards.lists_path(directory, entry.number).exists()
            anew = spoiled or (rebuilt and there)
            kept.append(shards.add_lists(directory, entry, width) if anew else entry)
        elif (known := _known_ids(directory, entry)) is None:
            nameless += entry.alive
        else:
            lost.append(known)
    if problems:
        manifest = Manifest(kind, width, manifest.next_number, tuple(kept))
        shards.write_manifest(directory, manifest)
    shards.sweep(directory, manifest)
    return Repair(np.sort(np.concatenate(lost)), nameless, rebuilt, tuple(problems))


def _shard_problems(directory: Path, entry: ShardEntry, kind: VectorKind, width: int) -> list[str]:
    problems = shards.file_problems(directory, entry)
    if problems:
        return problems
    try:
        shard = shards.open_shard(directory, entry, kind, width)
    except IndexDamaged as error:
        return [str(error)]
    return shards.content_problems(directory, shard, kind)


def _known_ids(directory: Path, entry: ShardEntry) -> Ids | None:
    """Ids of a damaged shard, None where its ids are damaged too."""
    path = shards.ids_path(directory, entry.number)
    try:
        if durable.file_record(path) != entry.ids:
            return None
        ids = np.load(path, allow_pickle=False)
    except (OSError, ValueError):
        return None
    alive: Ids = np.delete(ids, list(entry.removed))
    return alive


def _manifest_from_files(directory: Path, kind: VectorKind, width: int) -> Manifest:
    """A manifest of all shards that look whole; the newest counts where two hold the same id."""
    numbers = shards.shard_numbers(directory)
    entries: list[ShardEntry] = []
    taken = np.empty(0, dtype=np.int64)
    for number in reversed(numbers):
        try:
            ids_file = durable.file_record(shards.ids_path(directory, number))
            vectors_file = durable.file_record(shards.vectors_path(directory, number))
            ids = np.load(shards.ids_path(directory, number), allow_pickle=False)
        except (OSError, ValueError):
            continue
        if not isinstance(ids, np.ndarray) or ids.shape[1:] or ids.dtype != np.int64:
            continue
        older = np.flatnonzero(np.isin(ids, taken))
        entry = ShardEntry(number, len(ids), ids_file, vectors_file, tuple(older.tolist()))
        if entry.alive and not _shard_problems(directory, entry, kind, width):
            entries.append(entry)
            taken = np.union1d(taken, ids)
    return Manifest(kind, width, max(numbers, default=0) + 1, tuple(reversed(entries)))
