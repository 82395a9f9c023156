"""The files of a vector store: a manifest that says what counts, and shards that never change.

A shard is two .npy files, `000001.ids.npy` (ascending) and `000001.vectors.npy` (a row for each
id), and, where it is large and of float vectors, `000001.lists` (see `inverted`). Nothing is
pickled.
`manifest.json` names the shards with size and SHA-256 of their files and lists removed rows;
replacing it is what commits a change, so a file that it does not name does not count. Numbers of
shards are never used twice, so a reader with an older manifest can find a shard gone, but never
another in its place.
"""

import hashlib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from imagematch.amounts import counted
from imagematch.errors import IndexDamaged, IndexMissing, IndexTooNew, ShapeError
from imagematch.records import Bytes, Flags, Floats
from imagematch.stores import durable, mmap_advice
from imagematch.stores.durable import FileRecord
from imagematch.stores.rows import Rows
from imagematch.stores.vectors import DTYPES, Ids, VectorKind, not_unit

if TYPE_CHECKING:
    from imagematch.stores.inverted import Lists

_log = logging.getLogger(__name__)

FORMAT = 1
MANIFEST = "manifest.json"
NEXT_STEP = "run `imagematch doctor --repair`"

#: Rows read, copied or checked at once: 16 MiB of 512 floats.
COPY_ROWS = 8192

_SHARD_FILE = re.compile(r"(\d{6,})\.(?:ids\.npy|vectors\.npy|lists)")


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """What the manifest says about one shard.

    Attributes:
        removed: rows that no longer count, ascending.
        lists: of a shard of float vectors that is too large to be looked through.
    """

    number: int
    rows: int
    ids: FileRecord
    vectors: FileRecord
    removed: tuple[int, ...] = ()
    lists: FileRecord | None = None

    @property
    def alive(self) -> int:
        return self.rows - len(self.removed)

    @property
    def bytes(self) -> int:
        return self.ids.bytes + self.vectors.bytes + (self.lists.bytes if self.lists else 0)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a store consists of."""

    kind: VectorKind
    width: int
    next_number: int = 1
    shards: tuple[ShardEntry, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """A shard with its files mapped into memory."""

    entry: ShardEntry
    rows: Rows

    def find(self, ids: Ids) -> tuple[Ids, Flags]:
        """Where ids are: rows of shape (N,), and which of them are there and not removed."""
        places = np.searchsorted(self.rows.ids, ids)
        places[places == self.entry.rows] = 0
        return places, (self.rows.ids[places] == ids) & self.rows.alive[places]


def ids_path(directory: Path, number: int) -> Path:
    return directory / f"{number:06d}.ids.npy"


def vectors_path(directory: Path, number: int) -> Path:
    return directory / f"{number:06d}.vectors.npy"


def lists_path(directory: Path, number: int) -> Path:
    return directory / f"{number:06d}.lists"


# --- manifest ----------------------------------------------------------------------------------


def read_manifest(directory: Path) -> Manifest:
    """Read what a store consists of.

    Raises:
        IndexMissing: there is no store in the directory.
        IndexTooNew: a newer imagematch wrote it.
        IndexDamaged: the manifest is missing beside shards, cut short or altered.
    """
    path = directory / MANIFEST
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        if shard_numbers(directory):
            raise IndexDamaged(
                f"{path} is missing, but there are shards beside it; {NEXT_STEP}"
            ) from None
        raise IndexMissing(f"there is no vector store in {directory}") from None
    except ValueError as error:
        raise IndexDamaged(f"{path} is not valid JSON ({error}); {NEXT_STEP}") from error
    try:
        if content["format"] > FORMAT:
            raise IndexTooNew(
                f"{path} has format {content['format']}, this imagematch knows {FORMAT}; update it"
            )
        if content.pop("sha256") != _checksum(content):
            raise IndexDamaged(
                f"{path} was altered: its content does not have the checksum it names; {NEXT_STEP}"
            )
        return Manifest(
            content["kind"],
            content["width"],
            content["next_number"],
            tuple(_entry(shard, content["kind"]) for shard in content["shards"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise IndexDamaged(f"{path} is not a manifest ({error!r}); {NEXT_STEP}") from error


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Commit a new state of the store.

    Raises:
        OSError: it could not be written; unless the disk itself fails, the old state holds.
    """
    content: dict[str, Any] = {"format": FORMAT, **asdict(manifest)}
    content = {**content, "sha256": _checksum(content)}
    durable.write_atomic(directory / MANIFEST, json.dumps(content).encode() + b"\n")


def last_written(directory: Path) -> tuple[int, int, int] | None:
    """When and as what file a manifest was last written: another one for each state of a store."""
    try:
        found = (directory / MANIFEST).stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _entry(shard: dict[str, Any], kind: VectorKind) -> ShardEntry:
    # Hashes had lists once, which are of no use now.
    lists = shard.get("lists") if kind == "float" else None
    return ShardEntry(
        shard["number"],
        shard["rows"],
        FileRecord(**shard["ids"]),
        FileRecord(**shard["vectors"]),
        tuple(shard["removed"]),
        FileRecord(**lists) if lists else None,
    )


def check_fits(manifest: Manifest, kind: VectorKind, width: int, directory: Path) -> None:
    """Make sure that a store holds what the caller wants to put in or search for.

    Raises:
        ShapeError: it does not.
    """
    if (manifest.kind, manifest.width) != (kind, width):
        raise ShapeError(
            f"{directory} holds {manifest.kind} vectors of width {manifest.width}, "
            f"not {kind} of width {width}"
        )


# --- shards ------------------------------------------------------------------------------------


def write_shard(
    directory: Path, number: int, ids: Ids, vectors: Iterable[np.ndarray], dtype: Any, width: int
) -> ShardEntry:
    """Write the files of a new shard, durably.

    Args:
        ids: shape (N,), int64, ascending.
        vectors: their vectors in the same order, in blocks of shape (n, width).

    Raises:
        OSError: they could not be written; no file is left.
    """
    try:
        return ShardEntry(
            number,
            len(ids),
            durable.write_array(ids_path(directory, number), ids),
            durable.write_array_blocks(
                vectors_path(directory, number), np.dtype(dtype), (len(ids), width), vectors
            ),
        )
    except OSError:
        delete_shard(directory, number)
        raise


def add_lists(directory: Path, entry: ShardEntry, width: int) -> ShardEntry:
    """Write inverted lists beside a shard of float vectors, durably; the entry then names them.

    Raises:
        OSError: they could not be written; no file is left.
    """
    from imagematch.stores.inverted import Lists  # FAISS is slow to import

    shard = open_shard(directory, replace(entry, lists=None), "float", width)
    lists = Lists.build(shard.rows.vectors)
    return replace(entry, lists=lists.write(lists_path(directory, entry.number)))


def open_shard(directory: Path, entry: ShardEntry, kind: VectorKind, width: int) -> Shard:
    """Map a shard into memory.

    Raises:
        IndexDamaged: a file is missing, has another size or is not the array it should be.
            `FileNotFoundError` is its cause where one is missing.
    """
    ids = _open_array(ids_path(directory, entry.number), entry.ids, (entry.rows,), np.int64)
    vectors = _open_array(
        vectors_path(directory, entry.number), entry.vectors, (entry.rows, width), DTYPES[kind]
    )
    lists = _open_lists(directory, entry)
    if lists is not None:
        mmap_advice.expect_jumps(vectors)
    rows = Rows(ids, vectors, np.empty(0, dtype=bool), lists)
    return with_removed(Shard(entry, rows), entry.removed)


def with_removed(shard: Shard, removed: Sequence[int]) -> Shard:
    """The same shard with other rows removed."""
    entry = replace(shard.entry, removed=tuple(int(row) for row in removed))
    alive = np.ones(entry.rows, dtype=bool)
    alive[list(entry.removed)] = False
    return Shard(entry, replace(shard.rows, alive=alive))


def _open_lists(directory: Path, entry: ShardEntry) -> "Lists | None":
    """The lists of a shard; None where it has none, or none that are whole."""
    if entry.lists is None:
        return None
    from imagematch.stores.inverted import Lists

    try:
        return Lists.read(lists_path(directory, entry.number), entry.lists)
    except IndexDamaged as error:
        # All is found without them, if slowly; `verify` names them and a repair makes them anew.
        _log.warning("%s; until it is repaired, searching takes longer", error)
        return None


def _open_array(path: Path, wanted: FileRecord, shape: tuple[int, ...], dtype: Any) -> Any:
    try:
        size = path.stat().st_size
        if size != wanted.bytes:
            raise IndexDamaged(
                f"{path} has {counted(size, 'byte')} instead of {wanted.bytes:,}; {NEXT_STEP}"
            )
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise IndexDamaged(f"{path} is missing; {NEXT_STEP}") from error
    except (OSError, ValueError) as error:
        raise IndexDamaged(f"{path} can't be read as an array ({error}); {NEXT_STEP}") from error
    if array.shape != shape or array.dtype != dtype:
        raise IndexDamaged(
            f"{path} holds {array.dtype} of shape {array.shape} "
            f"instead of {np.dtype(dtype)} of shape {shape}; {NEXT_STEP}"
        )
    return np.asarray(array)


def copy_rows(
    shards: Sequence[Shard], source: np.ndarray, rows: np.ndarray
) -> Iterator[Floats | Bytes]:
    """Vectors gathered from shards, a bounded block at a time.

    Args:
        source: shape (N,), whole numbers; which of the shards each vector comes from.
        rows: shape (N,), whole numbers; and which of its rows.
    """
    for start in range(0, len(rows), COPY_ROWS):
        span = slice(start, start + COPY_ROWS)
        vectors = shards[0].rows.vectors
        block = np.empty((len(rows[span]), vectors.shape[1]), dtype=vectors.dtype)
        for number, shard in enumerate(shards):
            here = source[span] == number
            block[here] = mmap_advice.copied(shard.rows.vectors, rows[span][here])
        yield block


def delete_shard(directory: Path, number: int) -> None:
    """Delete a shard's files where the system lets us; what is left is swept later.

    Windows refuses while a reader has them mapped.
    """
    for path in (
        ids_path(directory, number),
        vectors_path(directory, number),
        lists_path(directory, number),
    ):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def shard_numbers(directory: Path) -> list[int]:
    """Numbers of all shards of which there is a file, ascending."""
    if not directory.is_dir():
        return []
    found = (_SHARD_FILE.fullmatch(path.name) for path in directory.iterdir())
    return sorted({int(match[1]) for match in found if match})


def sweep(directory: Path, manifest: Manifest) -> None:
    """Delete what killed processes left; only for the one writer."""
    durable.sweep_partials(directory)
    for number in set(shard_numbers(directory)) - {entry.number for entry in manifest.shards}:
        delete_shard(directory, number)
    for entry in manifest.shards:
        if entry.lists is None:
            with suppress(OSError):
                lists_path(directory, entry.number).unlink(missing_ok=True)


# --- checks ------------------------------------------------------------------------------------


def file_problems(directory: Path, entry: ShardEntry) -> list[str]:
    """Whether the files of a shard are those that were written, byte by byte."""
    return [
        *_file_problems(ids_path(directory, entry.number), entry.ids),
        *_file_problems(vectors_path(directory, entry.number), entry.vectors),
    ]


def list_problems(directory: Path, entry: ShardEntry) -> list[str]:
    """Whether the inverted lists of a shard, if it has any, are those that were written."""
    if entry.lists is None:
        return []
    from imagematch.stores.inverted import Lists

    try:
        Lists.read(lists_path(directory, entry.number), entry.lists)
    except IndexDamaged as error:
        return [str(error)]
    return []


def _file_problems(path: Path, wanted: FileRecord) -> list[str]:
    try:
        found = durable.file_record(path)
    except OSError as error:
        return [f"{path} can't be read: {error.strerror or error}"]
    if found.bytes != wanted.bytes:
        return [f"{path} has {counted(found.bytes, 'byte')} instead of {wanted.bytes:,}"]
    if found.sha256 != wanted.sha256:
        return [f"{path} was altered: its checksum is not that in the manifest"]
    return []


def content_problems(directory: Path, shard: Shard, kind: VectorKind) -> list[str]:
    """Whether a shard's ids and vectors are what a store may hold."""
    problems = []
    ids = shard.rows.ids
    if ids[0] < 1 or (np.diff(ids) <= 0).any():
        problems.append(
            f"{ids_path(directory, shard.entry.number)} holds ids that are not positive, "
            "ascending and unique"
        )
    if kind == "float" and (bad := _count_not_unit(shard.rows.vectors)):
        problems.append(
            f"{vectors_path(directory, shard.entry.number)} holds "
            f"{counted(bad, 'vector that is', 'vectors that are')} not finite or not of unit length"
        )
    return problems


def _count_not_unit(vectors: Any) -> int:
    bad = 0
    for start in range(0, len(vectors), COPY_ROWS):
        block = vectors[start : start + COPY_ROWS]
        bad += len(not_unit(block))
        mmap_advice.forget(block)
    return bad
