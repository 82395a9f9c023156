"""What a root held at its last scan, for the next one to compare with."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, case, func, select

from imagematch.records import FoundFile
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY, Inode, inode_of, raw_name, spelled
from imagematch.stores.schema import SKIPPED, files, folders, has_path, inodes, photos, roots


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that was present at the last scan of its root.

    Attributes:
        sha256: of the photo; None when the file could not be read or was skipped.
        skipped: what a file is counted as that is plainly no picture; "" for all others.
        ctime_ns: when its data, owner or name were last changed; 0 where that can't be told.
        failed: code of why its photo could not be described; "" for all others.
    """

    id: int
    path: str  # as the file system spells it
    size: int
    mtime_ns: int
    photo_id: int | None
    sha256: str | None
    sightings_sha256: str
    added_run: int
    skipped: str = ""
    ctime_ns: int = 0
    failed: str = ""


class KnownFolder(NamedTuple):
    """A folder as the last complete scan of its root left it."""

    files: int  # directly in it
    digest: bytes  # see `sources.source.FoundFolder`; b"" where it must be compared anyway


class KnownFiles:
    """The part of the catalogue that knows which files were there."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def files_of(self, root_id: int, folder: str | None = None) -> Iterator[KnownFile]:
        """The files of a root that were present at its last scan.

        Args:
            folder: only those directly in it, as the file system spells it, relative to the root.
        """
        wanted = _known_files(root_id)
        if folder and not raw_name(folder):
            # "0" is the character after "/".
            wanted = wanted.where(files.c.path > f"{folder}/", files.c.path < f"{folder}0")
        with self._catalogue.begin() as connection:
            for row in connection.execute(wanted.execution_options(yield_per=1000)):
                file = _known_file(row)
                if folder is None or folder_of(file.path) == folder:
                    yield file

    def files_under(self, root_id: int, names: Mapping[str, str]) -> dict[str, KnownFile]:
        """Those of some files of a root that were present at its last scan, by path.

        Args:
            names: from each path, as the file system spells it, to its printable form.
        """
        found: dict[str, KnownFile] = {}
        with self._catalogue.begin() as connection:
            for some in batched(names.values(), MANY):
                wanted = _known_files(root_id).where(has_path(connection, some))
                for file in map(_known_file, connection.execute(wanted)):
                    # Another name may have the same printable form.
                    if file.path in names:
                        found[file.path] = file
        return found

    def folders_of_failures(self, root_id: int, code: str) -> set[str]:
        """Folders, as the file system spells them, with files whose photo failed in one way."""
        wanted = (
            select(files.c.path, files.c.raw)
            .join(photos, photos.c.id == files.c.photo_id)
            .where(photos.c.state == "failed", photos.c.code == code)
            .where(files.c.root_id == root_id, files.c.state == "present")
        )
        with self._catalogue.begin() as connection:
            return {folder_of(spelled(row.path, row.raw)) for row in connection.execute(wanted)}

    def count(self, root_id: int) -> int:
        """How many files of a root were present at its last scan."""
        wanted = select(func.count()).select_from(files)
        wanted = wanted.where(files.c.root_id == root_id, files.c.state == "present")
        with self._catalogue.begin() as connection:
            return int(connection.execute(wanted).scalar_one())

    def count_skipped(self, root_id: int, run: int) -> int:
        """How many present files of a root that came before a run are plainly no pictures."""
        wanted = select(func.count()).select_from(files)
        wanted = wanted.where(files.c.root_id == root_id, files.c.state == "present")
        wanted = wanted.where(files.c.code == SKIPPED, files.c.added_run < run)
        with self._catalogue.begin() as connection:
            return int(connection.execute(wanted).scalar_one())

    def last_id(self) -> int:
        """The largest id of all files, 0 without any."""
        with self._catalogue.begin() as connection:
            return connection.execute(select(func.max(files.c.id))).scalar_one() or 0

    def arrived(self, root_id: int, photo_ids: Collection[int], run: int) -> dict[int, list[int]]:
        """Present files of a root that came after a run and show some photos.

        Returns:
            Ids of files, ascending, by the id of the photo.
        """
        found: dict[int, list[int]] = {}
        with self._catalogue.begin() as connection:
            for some in batched(photo_ids, MANY):
                rows = connection.execute(
                    select(files.c.id, files.c.photo_id)
                    .where(files.c.photo_id.in_(some), files.c.root_id == root_id)
                    .where(files.c.state == "present", files.c.added_run > run)
                    .order_by(files.c.id)
                )
                for row in rows:
                    found.setdefault(row.photo_id, []).append(row.id)
        return found

    def folders_of(self, root_id: int) -> dict[str, KnownFolder]:
        """All folders of a root by path, or none where a scan must compare every file."""
        wanted = select(folders).where(folders.c.root_id == root_id)
        with self._catalogue.begin() as connection:
            return {
                spelled(row.path, row.raw): KnownFolder(row.files, row.digest)
                for row in connection.execute(wanted)
            }

    def same_inodes(self, root_id: int, found: Sequence[FoundFile]) -> dict[Inode, str]:
        """SHA-256 of present files of a root that are the same file as one of these."""
        wanted = {inode for file in found if (inode := inode_of(file))}
        known: dict[Inode, str] = {}
        with self._catalogue.begin() as connection:
            for some in batched({inode[0] for inode in wanted}, MANY):
                rows = connection.execute(
                    select(
                        inodes.c.inode,
                        files.c.size,
                        files.c.mtime_ns,
                        inodes.c.ctime_ns,
                        photos.c.sha256,
                    )
                    .join(files, files.c.id == inodes.c.file_id)
                    .join(photos, photos.c.id == files.c.photo_id)
                    .where(inodes.c.inode.in_(some), files.c.state == "present")
                    .where(files.c.root_id == root_id)
                )
                known.update((row[:4], row.sha256) for row in rows)
        return {inode: known[inode] for inode in wanted & known.keys()}

    def last_complete_run(self, root_id: int) -> int:
        """The run of the root's last complete scan, 0 if there was none."""
        with self._catalogue.begin() as connection:
            run = connection.execute(
                select(roots.c.scanned_run).where(roots.c.id == root_id)
            ).scalar_one()
        return run or 0


def folder_of(path: str) -> str:
    """The folder that a file is directly in; "" for the root."""
    return path.rpartition("/")[0]


def _known_files(root_id: int) -> Select[Any]:
    """Present files of a root with all that `KnownFile` tells; see `_known_file`."""
    return (
        select(
            files,
            photos.c.sha256,
            inodes.c.ctime_ns,
            case((photos.c.state == "failed", photos.c.code), else_="").label("failed"),
        )
        .outerjoin(photos, photos.c.id == files.c.photo_id)
        .outerjoin(inodes, inodes.c.file_id == files.c.id)
        .where(files.c.root_id == root_id, files.c.state == "present")
    )


def _known_file(row: Row[Any]) -> KnownFile:
    return KnownFile(
        row.id,
        spelled(row.path, row.raw),
        row.size,
        row.mtime_ns,
        row.photo_id,
        row.sha256,
        row.sightings_sha256,
        row.added_run,
        (row.message or "") if row.code == SKIPPED else "",
        row.ctime_ns or 0,
        row.failed or "",
    )
