"""Files and what they show, in the catalogue: files, profiles, sightings."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
    update,
)

from imagematch.records import Failure, FoundFile, SightingInfo, StoredSighting
from imagematch.stores.catalogue import Catalogue, now
from imagematch.stores.known_files import KnownFolder
from imagematch.stores.scan_inserts import (
    MANY,
    ScannedFile,
    add_files,
    add_inodes,
    add_sightings,
    photo_ids_of,
    raw_name,
    sightings_sha256,
)
from imagematch.stores.schema import (
    AD,
    SKIPPED,
    collections,
    failures,
    files,
    folders,
    inodes,
    photos,
    profiles,
    roots,
    sightings,
)

_NOTHING_FURTHER: Mapping[str, str] = {}


class AddedFiles(NamedTuple):
    """Ids of files that were added, in order, and of the photos that came with them, by SHA-256."""

    files: list[int]
    photos: dict[str, int]


class SightingStore:
    """The part of the catalogue that knows where photos were seen."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    # --- scanning ------------------------------------------------------------------------------

    def add_files(
        self, root_id: int, run_id: int, scanned: Sequence[ScannedFile], replaced: Sequence[int]
    ) -> AddedFiles:
        """Add files with their photos and sightings, in one transaction.

        Args:
            replaced: ids of files whose content is another one now; they become history.
        """
        with self._catalogue.change() as connection:
            _forget_folders(connection, root_id)
            self._retire(connection, replaced, "replaced")
            hashes = [file.sha256 for file in scanned if file.sha256]
            photo_ids, new = photo_ids_of(connection, hashes)
            file_ids = add_files(connection, root_id, run_id, scanned, photo_ids, now())
            add_sightings(
                connection,
                list(zip(file_ids, (file.found.sightings for file in scanned), strict=True)),
            )
            return AddedFiles(file_ids, new)

    def refresh_files(self, root_id: int, changes: Sequence[tuple[int, FoundFile]]) -> None:
        """Note sizes, times, and what the source now says, of files that count as before."""
        if not changes:
            return
        ids = [file_id for file_id, _ in changes]
        with self._catalogue.change() as connection:
            _forget_folders(connection, root_id)
            connection.execute(
                update(files).where(files.c.id == bindparam("file")),
                [
                    {
                        "file": file_id,
                        "size": found.size,
                        "mtime_ns": found.mtime_ns,
                        "sightings_sha256": sightings_sha256(found.sightings),
                    }
                    for file_id, found in changes
                ],
            )
            for some in batched(ids, MANY):
                connection.execute(delete(sightings).where(sightings.c.file_id.in_(some)))
                connection.execute(delete(inodes).where(inodes.c.file_id.in_(some)))
            add_sightings(connection, [(file_id, found.sightings) for file_id, found in changes])
            add_inodes(connection, changes)

    def discard_files(self, root_id: int, file_ids: Sequence[int]) -> None:
        """Forget files as if they had never been met, and failed photos that only they show."""
        with self._catalogue.change() as connection:
            _forget_folders(connection, root_id)
            for some in batched(file_ids, MANY):
                of_them = select(files.c.photo_id).where(files.c.id.in_(some))
                shown = list(connection.execute(of_them.distinct()).scalars())
                for table in (sightings, inodes):
                    connection.execute(delete(table).where(table.c.file_id.in_(some)))
                connection.execute(delete(files).where(files.c.id.in_(some)))
                still = select(files.c.id).where(files.c.photo_id == photos.c.id).exists()
                connection.execute(
                    delete(photos)
                    .where(photos.c.id.in_(shown), photos.c.state == "failed")
                    .where(~still)
                )

    def finish_scan(
        self,
        root_id: int,
        run_id: int,
        vanished: Sequence[int],
        moved: Mapping[int, int],
        seen: Mapping[str, KnownFolder] | None = None,
    ) -> None:
        """Note that the root has been seen whole.

        Args:
            vanished: ids of files that are no longer there; they keep their history.
            moved: from the id of the new file to the id of the same file under its old name.
            seen: all folders of the root, where they differ from `known_folders`; None where they
                do not.
        """
        with self._catalogue.change() as connection:
            for new, old in moved.items():
                history = connection.execute(
                    select(files.c.first_seen, files.c.added_run).where(files.c.id == old)
                ).one()
                connection.execute(update(files).where(files.c.id == new).values(history._asdict()))
            for some in batched(moved.values(), MANY):
                connection.execute(delete(sightings).where(sightings.c.file_id.in_(some)))
                connection.execute(delete(files).where(files.c.id.in_(some)))
            self._retire(connection, vanished, "vanished")
            if seen is not None:
                _forget_folders(connection, root_id)
                rows = [
                    {
                        "root_id": root_id,
                        "path": path,
                        "raw": raw_name(path),
                        "files": folder.files,
                        "digest": folder.digest,
                    }
                    for path, folder in seen.items()
                ]
                if rows:
                    connection.execute(insert(folders), rows)
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
        words: dict[str, str] = {}
        with self._catalogue.begin() as connection:
            for some in batched(found, MANY):
                wanted = stored_sightings().add_columns(files.c.photo_id)
                for row in connection.execute(wanted.where(files.c.photo_id.in_(some))):
                    found[row.photo_id].append(stored(row, words))
        return found

    def by_id(self, sighting_ids: Sequence[int]) -> dict[int, StoredSighting]:
        """Some sightings by their ids, also those without a photo, whose `photo` is ""."""
        found: dict[int, StoredSighting] = {}
        words: dict[str, str] = {}
        with self._catalogue.begin() as connection:
            for some in batched(sighting_ids, MANY):
                wanted = stored_sightings().where(sightings.c.id.in_(some))
                found.update((row.id, stored(row, words)) for row in connection.execute(wanted))
        return found

    def without_photo(self) -> Iterator[tuple[int, StoredSighting]]:
        """Sightings of profiles in ads that show no photo, with their ids: ads without one, and
        files that can't be read. Those that are gone are among them, as elsewhere."""
        words: dict[str, str] = {}
        wanted = stored_sightings().where(
            files.c.photo_id.is_(None),
            sightings.c.profile_id.is_not(None),
            collections.c.kind == "ads",
        )
        with self._catalogue.begin() as connection:
            for row in connection.execute(wanted.execution_options(yield_per=1000)):
                yield row.id, stored(row, words)

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

    def any_of_runs(self, runs: range) -> bool:
        """Whether one of some runs, which follow each other, found a file."""
        of_runs = files.c.added_run.between(runs.start, runs.stop - 1)
        with self._catalogue.begin() as connection:
            return (
                connection.execute(select(files.c.id).where(of_runs).limit(1)).first() is not None
            )

    def failed_files(self, root_id: int, limit: int, since: int = 0) -> list[tuple[str, Failure]]:
        """Present files of a root that could not be described, by path.

        Args:
            since: a run; only files that failed for the first time after it.
        """
        of = failures.alias()  # `_broken` may join them, too
        met = select(of.c.traceback).where(of.c.photo_id == photos.c.id)
        unread: Select[Any] = select(files.c.path, files.c.code, files.c.message, literal(""))
        why = photos.c.code, photos.c.message, met.scalar_subquery()
        broken = _broken(select(files.c.path, *why), root_id, since)
        both = union_all(unread.where(*_unread(root_id, since)), broken)
        with self._catalogue.begin() as connection:
            rows = connection.execute(both.order_by("path").limit(limit)).all()
        return [(row[0], Failure(row[1], row[2] or "", row[3] or "")) for row in rows]

    def count_failed(self, root_id: int | None = None, since: int = 0) -> int:
        """How many present files, of one root or of all, could not be described; see above."""
        with self._catalogue.begin() as connection:
            return _failed(connection, root_id, since)

    def count_failed_of(self, file_ids: Sequence[int], since: int = 0) -> int:
        """How many of some present files could not be described; see above."""
        with self._catalogue.begin() as connection:
            return sum(
                _failed(connection, None, since, files.c.id.in_(some))
                for some in batched(file_ids, MANY)
            )

    def count_skipped(self, root_id: int | None = None) -> dict[str, int]:
        """Present files, of one root or of all, that are plainly no pictures, by kind."""
        with self._catalogue.begin() as connection:
            return _skipped(connection, root_id)

    def count_skipped_of(self, file_ids: Sequence[int]) -> dict[str, int]:
        """Of some present files, those that are plainly no pictures, by kind."""
        found: Counter[str] = Counter()
        with self._catalogue.begin() as connection:
            for some in batched(file_ids, MANY):
                found.update(_skipped(connection, None, files.c.id.in_(some)))
        return dict(found)

    def counts(self) -> dict[str, int]:
        """How many sightings, profiles, present files and failed files there are."""
        wanted: dict[str, Select[Any]] = {
            "sightings": select(func.count()).select_from(sightings),
            "profiles": select(func.count()).select_from(profiles),
            "files": select(func.count()).select_from(files).where(text("state = 'present'")),
        }
        with self._catalogue.begin() as connection:
            found = {name: connection.execute(count).scalar_one() for name, count in wanted.items()}
        return {**found, "failed": self.count_failed()}


def _failed(
    connection: Connection, root_id: int | None, since: int, *those: ColumnElement[bool]
) -> int:
    """How many present files could not be read, or could not be described."""
    unread = select(func.count(files.c.id)).where(*_unread(root_id, since), *those)
    broken = _broken(select(func.count(files.c.id)), root_id, since).where(*those)
    unreadable: int = connection.execute(unread).scalar_one()
    undescribed: int = connection.execute(broken).scalar_one()
    return unreadable + undescribed


def _skipped(
    connection: Connection, root_id: int | None, *those: ColumnElement[bool]
) -> dict[str, int]:
    wanted = select(files.c.message, func.count()).where(*_read_in_vain(root_id), *those)
    wanted = wanted.where(files.c.code == SKIPPED).group_by(files.c.message)
    return {row[0]: row[1] for row in connection.execute(wanted)}


def _unread(root_id: int | None, since: int) -> list[ColumnElement[bool]]:
    """Present files that could not even be read."""
    new = [files.c.added_run > since] if since else []
    return [*_read_in_vain(root_id), files.c.code != SKIPPED, *new]


def _read_in_vain(root_id: int | None) -> list[ColumnElement[bool]]:
    """Present files that have no photo."""
    here = [] if root_id is None else [files.c.root_id == root_id]
    return [files.c.code.is_not(None), files.c.state == "present", *here]


def _broken(what: Select[Any], root_id: int | None, since: int) -> Select[Any]:
    """Of present files that were read, those whose photo could not be described."""
    found = what.select_from(photos).join(files, files.c.photo_id == photos.c.id)
    if since:
        found = found.join(failures, failures.c.photo_id == photos.c.id).where(
            (failures.c.since_run > since) | (files.c.added_run > since)
        )
    if root_id is not None:
        # Plus 0, so that SQLite goes from the few photos that failed to their files, and not from
        # all files of the root to their photos.
        found = found.where(files.c.root_id + 0 == root_id)
    return found.where(
        photos.c.state == "failed", files.c.state == "present", files.c.code.is_(None)
    )


def _forget_folders(connection: Connection, root_id: int) -> None:
    """In the transaction that changes files: from then on, no folder passes as unchanged."""
    connection.execute(delete(folders).where(folders.c.root_id == root_id))


def stored_sightings() -> Select[*tuple[Any, ...]]:
    """All that `StoredSighting` shows, in a stable order; see `stored`.

    Also of files that could not be read and of ads without a photo: `photo` is "" then.
    """
    last_seen = func.coalesce(files.c.last_seen, roots.c.scanned_at, files.c.first_seen)
    ad = files.c.state == AD
    present = case((files.c.state == "present", 1), (ad & files.c.last_seen.is_(None), 1), else_=0)
    return (
        select(
            sightings.c.id,
            func.coalesce(photos.c.sha256, ""),
            collections.c.name,
            collections.c.kind,
            roots.c.path,
            case((ad, ""), else_=files.c.path),
            present,
            files.c.first_seen,
            last_seen,
            files.c.added_run,
            sightings.c.site,
            func.coalesce(profiles.c.handle, ""),
            sightings.c.url,
            sightings.c.ad_id,
            sightings.c.posted_at,
            sightings.c.phone,
            sightings.c.email,
            sightings.c.location,
            sightings.c.text,
            sightings.c.extra,
        )
        .join(files, files.c.id == sightings.c.file_id)
        .outerjoin(photos, photos.c.id == files.c.photo_id)
        .join(roots, roots.c.id == files.c.root_id)
        .join(collections, collections.c.id == roots.c.collection_id)
        .outerjoin(profiles, profiles.c.id == sightings.c.profile_id)
        .order_by(present.desc(), collections.c.name, roots.c.path, files.c.path, sightings.c.id)
    )


def stored(row: Row[*tuple[Any, ...]], words: dict[str, str]) -> StoredSighting:
    """One sighting.

    Args:
        row: begins with what `stored_sightings` gives.
        words: texts that were seen before. Thousands of sightings share their folder, site, profile
            and times, and in memory these texts, too.
    """
    _, sha256, collection, kind, root, path, present, first_seen, last_seen, run, *rest = row
    site, handle, url, ad_id, posted_at, phone, email, location, text, extra = rest[:10]

    def same(word: str) -> str:
        return words.setdefault(word, word)

    info = SightingInfo(
        same(site),
        same(handle),
        url,
        ad_id,
        posted_at,
        same(phone),
        same(email),
        same(location),
        text,
        extra or _NOTHING_FURTHER,
    )
    return StoredSighting(
        sha256,
        same(collection),
        kind == "gallery",
        same(root),
        path,
        info,
        same(first_seen),
        same(last_seen),
        bool(present),
        run,
        kind == "ignored",
    )
