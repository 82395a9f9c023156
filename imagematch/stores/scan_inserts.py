"""Rows that a scan adds to the catalogue: files, photos, sightings, profiles.

Functions for one transaction of `stores.sightings`, which says when they are called. Each takes
many rows: one statement for all of them is ten times as fast as one for each.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from itertools import batched
from operator import attrgetter

from sqlalchemy import ColumnElement, Connection, insert, or_, select

from imagematch.records import Failure, FoundFile, SightingInfo
from imagematch.stores.schema import (
    SKIPPED,
    files,
    identifier_columns,
    inodes,
    insert_new,
    photos,
    profiles,
    sightings,
    to_be_read,
    unread_sightings,
)

#: Values in one IN (...), below SQLite's limit.
MANY = 500


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file with its content's identity, or with the reason why it could not be read.

    Attributes:
        skipped: what a file is counted as that is plainly no picture; it has no identity.
    """

    found: FoundFile
    printable: str
    sha256: str | None
    failure: Failure | None
    skipped: str = ""


_NAMES = tuple(field.name for field in fields(SightingInfo) if field.name != "extra")
_WORDS = attrgetter(*_NAMES)

#: What tells that a file is one that was read before: number, size, times of data and of change.
type Inode = tuple[int, int, int, int]

#: File systems without numbers of their own (FAT) make some up, anew each time; their times of
#: change are no finer than this, ns (exFAT: 10 ms).
_COARSE_NS = 10_000_000
_MOST_INODE = 2**63 - 1  # BIGINT


def inode_of(found: FoundFile) -> Inode | None:
    """What stays the same while a file is neither written to nor renamed itself; None where the
    file system can't be trusted to tell.

    Its folder may be renamed. Nobody can set the time of change, so two files that agree in all of
    this have the same bytes.
    """
    if not 0 < found.inode <= _MOST_INODE or found.ctime_ns % _COARSE_NS == 0:
        return None
    return found.inode, found.size, found.mtime_ns, found.ctime_ns


def sightings_sha256(infos: Sequence[SightingInfo]) -> str:
    """Identity of what a source says about a file; changes when the manifest does."""
    if len(infos) == 1 and not infos[0].extra:
        return _plain_sha256(*_WORDS(infos[0]))
    return _sha256(infos)


@lru_cache(maxsize=1024)
def _plain_sha256(*words: str) -> str:
    """Of one sighting without further columns: all files of a profile share it."""
    return _sha256((SightingInfo(**dict(zip(_NAMES, words, strict=True))),))  # type: ignore[arg-type]


def _sha256(infos: Sequence[SightingInfo]) -> str:
    text = json.dumps([asdict(info) for info in infos], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def raw_name(name: str) -> bytes:
    """The bytes of a name that is not valid UTF-8; b"" for any other."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name)
    return b""


def spelled(printable: str, raw: bytes) -> str:
    """A name as the file system spells it, from both columns that keep it."""
    return os.fsdecode(raw) if raw else printable


def photo_ids_of(
    connection: Connection, hashes: Sequence[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Ids of photos by SHA-256, made where they are new, in the order given.

    Returns:
        All, and those of them that are new.
    """
    known: dict[str, int] = {}
    for some in batched(dict.fromkeys(hashes), MANY):
        rows = connection.execute(
            select(photos.c.sha256, photos.c.id).where(photos.c.sha256.in_(some))
        )
        known.update((row.sha256, row.id) for row in rows)
    new = [sha256 for sha256 in dict.fromkeys(hashes) if sha256 not in known]
    made: dict[str, int] = {}
    if new:
        ids = connection.execute(
            insert(photos).returning(photos.c.id, sort_by_parameter_order=True),
            [{"sha256": sha256, "state": "pending"} for sha256 in new],
        ).scalars()
        made.update(zip(new, ids, strict=True))
    return known | made, made


def add_files(
    connection: Connection,
    root_id: int,
    run_id: int,
    scanned: Sequence[ScannedFile],
    photo_ids: Mapping[str, int],
    time: str,
) -> list[int]:
    """Add present files; returns their ids, in order.

    Args:
        photo_ids: of the contents of all that could be read, by SHA-256.
        time: when they were first seen.
    """
    if not scanned:
        return []
    rows = [
        {
            "root_id": root_id,
            "path": file.printable,
            "raw": raw_name(file.found.path),
            "size": file.found.size,
            "mtime_ns": file.found.mtime_ns,
            "state": "present",
            "photo_id": photo_ids[file.sha256] if file.sha256 else None,
            **_words_about(file),
            "sightings_sha256": sightings_sha256(file.found.sightings),
            "added_run": run_id,
            "first_seen": time,
        }
        for file in scanned
    ]
    adding = insert(files).returning(files.c.id, sort_by_parameter_order=True)
    ids = list(connection.execute(adding, rows).scalars())
    add_inodes(connection, zip(ids, (file.found for file in scanned), strict=True))
    return ids


def _words_about(file: ScannedFile) -> dict[str, str | None]:
    """Why a file has no photo."""
    if file.skipped:
        return {"code": SKIPPED, "message": file.skipped}
    if file.failure is not None:
        return {"code": file.failure.code, "message": file.failure.message}
    return {"code": None, "message": None}


def add_inodes(connection: Connection, found: Iterable[tuple[int, FoundFile]]) -> None:
    """Note which files of the file system some rows are about, where that can be told."""
    rows = [
        {"file_id": file_id, "inode": file.inode, "ctime_ns": file.ctime_ns}
        for file_id, file in found
        if inode_of(file)
    ]
    if rows:
        connection.execute(insert(inodes), rows)


def add_sightings(
    connection: Connection, told: Sequence[tuple[int, Sequence[SightingInfo]]]
) -> None:
    """Store what a source says about files, by the file's id."""
    profile_ids = _profile_ids(connection, [info for _, infos in told for info in infos])
    rows = [
        {
            "file_id": file_id,
            "site": info.site,
            "profile_id": profile_ids.get((info.site, info.profile)),
            "url": info.url,
            "ad_id": info.ad_id,
            "posted_at": info.posted_at,
            "phone": info.phone,
            "email": info.email,
            "location": info.location,
            "text": info.text,
            "extra": dict(info.extra),
        }
        for file_id, infos in told
        for info in infos
    ]
    if rows:
        connection.execute(insert(sightings), rows)
        for some in batched([file_id for file_id, _ in told], MANY):
            have_identifiers_read(connection, sightings.c.file_id.in_(some))


def have_identifiers_read(connection: Connection, *those: ColumnElement[bool]) -> None:
    """Have some sightings wait for their identifiers to be read, where there is anything to read.

    Args:
        those: conditions on rows of `sightings`; none: all.
    """
    marked = (
        select(identifier_columns.c.root_id)
        .join(files, files.c.root_id == identifier_columns.c.root_id)
        .where(files.c.id == sightings.c.file_id)
        .exists()
    )
    waiting = select(sightings.c.id).where(or_(to_be_read(), marked), *those)
    connection.execute(
        insert_new(connection, unread_sightings).from_select(["sighting_id"], waiting)
    )


def _profile_ids(
    connection: Connection, infos: Iterable[SightingInfo]
) -> dict[tuple[str, str], int]:
    """Ids of the profiles that are named, by site and handle; made where they are new."""
    found: dict[tuple[str, str], int] = {}
    for info in infos:
        if info.profile and (info.site, info.profile) not in found:
            values = {"site": info.site, "handle": info.profile}
            connection.execute(insert_new(connection, profiles), values)
            found[info.site, info.profile] = connection.execute(
                select(profiles.c.id).filter_by(**values)
            ).scalar_one()
    return found
