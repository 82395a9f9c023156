"""Files and what they show, in the catalogue: files, profiles, sightings."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Row, Select, case, delete, func, insert, select, update

from imagematch.records import Failure, FoundFile, SightingInfo, StoredSighting
from imagematch.stores.catalogue import Catalogue, now
from imagematch.stores.schema import (
    collections,
    files,
    insert_new,
    photos,
    profiles,
    roots,
    sightings,
)

#: Values in one IN (...), below SQLite's limit.
MANY = 500


#: Code of the failure that leaves a file without a fingerprint, its own or its photo's.
_FAILED = func.coalesce(files.c.code, photos.c.code).label("failed")


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that was present at the last scan of its root."""

    id: int
    path: str  # as the file system spells it
    size: int
    mtime_ns: int
    photo_id: int | None
    sha256: str | None  # of the photo; None when the file could not be read
    sightings_sha256: str
    added_run: int


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file with its content's identity, or with the reason why it could not be read."""

    found: FoundFile
    printable: str
    sha256: str | None
    failure: Failure | None


def sightings_sha256(infos: Sequence[SightingInfo]) -> str:
    """Identity of what a source says about a file; changes when the manifest does."""
    text = json.dumps([asdict(info) for info in infos], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def raw_name(name: str) -> bytes:
    """The bytes of a name that is not valid UTF-8; b"" for any other."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return b""


class SightingStore:
    """The part of the catalogue that knows where photos were seen."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    # --- scanning ------------------------------------------------------------------------------

    def known_files(self, root_id: int) -> Iterator[KnownFile]:
        """The files of a root that were present at its last scan."""
        wanted = (
            select(files, photos.c.sha256)
            .outerjoin(photos, photos.c.id == files.c.photo_id)
            .where(files.c.root_id == root_id, files.c.state == "present")
        )
        with self._catalogue.begin() as connection:
            for row in connection.execute(wanted.execution_options(yield_per=1000)):
                yield KnownFile(
                    row.id,
                    os.fsdecode(row.raw) if row.raw else row.path,
                    row.size,
                    row.mtime_ns,
                    row.photo_id,
                    row.sha256,
                    row.sightings_sha256,
                    row.added_run,
                )

    def last_complete_run(self, root_id: int) -> int:
        """The run of the root's last complete scan, 0 if there was none."""
        with self._catalogue.begin() as connection:
            run = connection.execute(
                select(roots.c.scanned_run).where(roots.c.id == root_id)
            ).scalar_one()
        return run or 0

    def add_files(
        self, root_id: int, run_id: int, scanned: Sequence[ScannedFile], replaced: Sequence[int]
    ) -> list[int]:
        """Add files with their photos and sightings, in one transaction; returns their ids.

        Args:
            replaced: ids of files whose content is another one now; they become history.
        """
        with self._catalogue.begin() as connection:
            self._retire(connection, replaced, "replaced")
            photo_ids = _photo_ids(connection, [file.sha256 for file in scanned if file.sha256])
            return [_add_file(connection, root_id, run_id, file, photo_ids) for file in scanned]

    def refresh_files(self, changes: Sequence[tuple[int, FoundFile]]) -> None:
        """Note new times, and what the source now says, of files whose content is the same."""
        with self._catalogue.begin() as connection:
            for file_id, found in changes:
                connection.execute(
                    update(files)
                    .where(files.c.id == file_id)
                    .values(
                        mtime_ns=found.mtime_ns,
                        sightings_sha256=sightings_sha256(found.sightings),
                    )
                )
                connection.execute(delete(sightings).where(sightings.c.file_id == file_id))
                _add_sightings(connection, file_id, found.sightings)

    def finish_scan(
        self, root_id: int, run_id: int, vanished: Sequence[int], moved: Mapping[int, int]
    ) -> None:
        """Note that the root has been seen whole.

        Args:
            vanished: ids of files that are no longer there; they keep their history.
            moved: from the id of the new file to the id of the same file under its old name.
        """
        with self._catalogue.begin() as connection:
            for new, old in moved.items():
                history = connection.execute(
                    select(files.c.first_seen, files.c.added_run).where(files.c.id == old)
                ).one()
                connection.execute(update(files).where(files.c.id == new).values(history._asdict()))
                connection.execute(delete(sightings).where(sightings.c.file_id == old))
                connection.execute(delete(files).where(files.c.id == old))
            self._retire(connection, vanished, "vanished")
            connection.execute(
                update(roots)
                .where(roots.c.id == root_id)
                .values(scanned_at=now(), scanned_run=run_id)
            )

    @staticmethod
    def _retire(connection: Connection, file_ids: Sequence[int], state: str) -> None:
        """Turn present files into history: last seen when their root was last seen whole."""
        last = (
            select(func.coalesce(roots.c.scanned_at, files.c.first_seen))
            .where(roots.c.id == files.c.root_id)
            .scalar_subquery()
        )
        for some in batched(file_ids, MANY):
            connection.execute(
                update(files).where(files.c.id.in_(some)).values(state=state, last_seen=last)
            )

    # --- reading -------------------------------------------------------------------------------

    def sightings_of(self, photo_ids: Sequence[int]) -> dict[int, list[StoredSighting]]:
        """Where each photo was seen, present files first, then by collection and path."""
        found: dict[int, list[StoredSighting]] = {photo_id: [] for photo_id in photo_ids}
        with self._catalogue.begin() as connection:
            for some in batched(found, MANY):
                wanted = _sightings().where(files.c.photo_id.in_(some))
                for row in connection.execute(wanted):
                    found[row.photo_id].append(_stored(row))
        return found

    def photos_with_several_sightings(self) -> list[int]:
        """Ids of photos that were seen in more than one place, ascending."""
        wanted = (
            select(files.c.photo_id)
            .join(sightings, sightings.c.file_id == files.c.id)
            .where(files.c.photo_id.is_not(None))
            .group_by(files.c.photo_id)
            .having(func.count() > 1)
            .order_by(files.c.photo_id)
        )
        with self._catalogue.begin() as connection:
            return [row.photo_id for row in connection.execute(wanted)]

    def failed_files(self, root_id: int, limit: int) -> list[tuple[str, Failure]]:
        """Present files of a root that could not be described, by path."""
        wanted = (
            select(files.c.path, _FAILED, photos.c.message, files.c.message.label("own"))
            .outerjoin(photos, photos.c.id == files.c.photo_id)
            .where(files.c.root_id == root_id, files.c.state == "present", _FAILED.is_not(None))
            .order_by(files.c.path)
            .limit(limit)
        )
        with self._catalogue.begin() as connection:
            rows = connection.execute(wanted).all()
        return [(row.path, Failure(row.failed, row.own or row.message or "")) for row in rows]

    def count_failed(self, root_id: int) -> int:
        """How many present files of a root could not be described."""
        wanted = (
            select(func.count())
            .select_from(files.outerjoin(photos, photos.c.id == files.c.photo_id))
            .where(files.c.root_id == root_id, files.c.state == "present", _FAILED.is_not(None))
        )
        with self._catalogue.begin() as connection:
            return connection.execute(wanted).scalar_one()

    def counts(self) -> dict[str, int]:
        """How many sightings, profiles, present files and failed files there are."""
        present = select(
            func.count(), func.coalesce(func.sum(case((_FAILED.is_not(None), 1), else_=0)), 0)
        ).select_from(files.outerjoin(photos, photos.c.id == files.c.photo_id))
        with self._catalogue.begin() as connection:
            total, broken = connection.execute(present.where(files.c.state == "present")).one()
            return {
                "sightings": connection.execute(
                    select(func.count()).select_from(sightings)
                ).scalar_one(),
                "profiles": connection.execute(
                    select(func.count()).select_from(profiles)
                ).scalar_one(),
                "files": total,
                "failed": broken,
            }


def _photo_ids(connection: Connection, hashes: Sequence[str]) -> dict[str, int]:
    """Ids of photos by SHA-256, made where they are new, in the order given."""
    known: dict[str, int] = {}
    for some in batched(hashes, MANY):
        rows = connection.execute(
            select(photos.c.sha256, photos.c.id).where(photos.c.sha256.in_(some))
        )
        known.update((row.sha256, row.id) for row in rows)
    for sha256 in hashes:
        if sha256 not in known:
            known[sha256] = connection.execute(
                insert(photos).values(sha256=sha256, state="pending").returning(photos.c.id)
            ).scalar_one()
    return known


def _add_file(
    connection: Connection,
    root_id: int,
    run_id: int,
    file: ScannedFile,
    photo_ids: Mapping[str, int],
) -> int:
    photo_id = photo_ids[file.sha256] if file.sha256 else None
    file_id: int = connection.execute(
        insert(files)
        .values(
            root_id=root_id,
            path=file.printable,
            raw=raw_name(file.found.path),
            size=file.found.size,
            mtime_ns=file.found.mtime_ns,
            state="present",
            photo_id=photo_id,
            code=file.failure.code if file.failure else None,
            message=file.failure.message if file.failure else None,
            sightings_sha256=sightings_sha256(file.found.sightings),
            added_run=run_id,
            first_seen=now(),
        )
        .returning(files.c.id)
    ).scalar_one()
    _add_sightings(connection, file_id, file.found.sightings)
    return file_id


def _add_sightings(connection: Connection, file_id: int, infos: Sequence[SightingInfo]) -> None:
    connection.execute(
        insert(sightings),
        [
            {
                "file_id": file_id,
                "site": info.site,
                "profile_id": _profile_id(connection, info),
                "url": info.url,
                "ad_id": info.ad_id,
                "posted_at": info.posted_at,
                "phone": info.phone,
                "email": info.email,
                "location": info.location,
                "text": info.text,
                "extra": dict(info.extra),
            }
            for info in infos
        ],
    )


def _profile_id(connection: Connection, info: SightingInfo) -> int | None:
    if not info.profile:
        return None
    values = {"site": info.site, "handle": info.profile}
    connection.execute(insert_new(connection, profiles), values)
    profile_id: int = connection.execute(select(profiles.c.id).filter_by(**values)).scalar_one()
    return profile_id


def _sightings() -> Select[*tuple[Any, ...]]:
    """Sightings with all that `StoredSighting` shows, in a stable order."""
    return (
        select(
            files.c.photo_id,
            photos.c.sha256,
            collections.c.name.label("collection"),
            collections.c.kind,
            roots.c.path.label("root"),
            files.c.path,
            files.c.state,
            files.c.first_seen,
            files.c.added_run,
            func.coalesce(files.c.last_seen, roots.c.scanned_at, files.c.first_seen).label(
                "last_seen"
            ),
            func.coalesce(profiles.c.handle, "").label("handle"),
            sightings,
        )
        .join(files, files.c.id == sightings.c.file_id)
        .join(photos, photos.c.id == files.c.photo_id)
        .join(roots, roots.c.id == files.c.root_id)
        .join(collections, collections.c.id == roots.c.collection_id)
        .outerjoin(profiles, profiles.c.id == sightings.c.profile_id)
        .order_by(
            case((files.c.state == "present", 0), else_=1),
            collections.c.name,
            roots.c.path,
            files.c.path,
            sightings.c.id,
        )
    )


def _stored(row: Row[*tuple[Any, ...]]) -> StoredSighting:
    info = SightingInfo(
        row.site,
        row.handle,
        row.url,
        row.ad_id,
        row.posted_at,
        row.phone,
        row.email,
        row.location,
        row.text,
        row.extra,
    )
    return StoredSighting(
        row.sha256,
        row.collection,
        row.kind == "gallery",
        row.root,
        row.path,
        info,
        row.first_seen,
        row.last_seen,
        row.state == "present",
        row.added_run,
        row.kind == "ignored",
    )
