"""Collections and the folders they are read from, in the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from imagematch.errors import UsageError
from imagematch.records import IdentifierKind, RootLabels
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.identifiers import forget_unshown
from imagematch.stores.scan_inserts import MANY, have_identifiers_read, raw_name
from imagematch.stores.schema import (
    SKIPPED,
    collections,
    files,
    identifier_columns,
    insert_new,
    photos,
    profiles,
    roots,
    sightings,
)

_NO_LABELS = RootLabels()


@dataclass(frozen=True, slots=True)
class Collection:
    """A named body of sightings; `kind` is "ads", "gallery" or "ignored"."""

    id: int
    name: str
    kind: str


class CollectionStore:
    """The part of the catalogue that knows which bodies of sightings there are."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def all(self) -> tuple[Collection, ...]:
        """All collections by name."""
        with self._catalogue.begin() as connection:
            rows = connection.execute(select(collections).order_by(collections.c.name)).all()
        return tuple(Collection(row.id, row.name, row.kind) for row in rows)

    def get(self, name: str) -> Collection:
        """One collection.

        Raises:
            UsageError: there is none of that name.
        """
        known = self.all()
        for collection in known:
            if collection.name == name:
                return collection
        names = ", ".join(collection.name for collection in known) or "none yet"
        raise UsageError(f"there is no collection {name!r}; the index has: {names}")

    def ensure(self, name: str, kind: str) -> Collection:
        """Get or make a collection; an existing one keeps its kind."""
        with self._catalogue.change() as connection:
            connection.execute(insert_new(connection, collections), {"name": name, "kind": kind})
        return self.get(name)

    def labels(self, collection: Collection, path: Path) -> RootLabels:
        """What said at its last run where a folder's photos are from; nothing for a new one."""
        wanted = select(roots.c.site_from_path, roots.c.manifest, roots.c.id).filter_by(
            **_root_key(collection, path)
        )
        with self._catalogue.begin() as connection:
            row = connection.execute(wanted).one_or_none()
            if row is None:
                return RootLabels()
            columns = _identifier_columns(connection, row.id)
        return RootLabels(row.site_from_path, row.manifest, columns)

    def ensure_root(
        self, collection: Collection, path: Path, labels: RootLabels = _NO_LABELS
    ) -> int:
        """Get or make the root for a folder, with these labels from now on; returns its id.

        Where other columns hold identifiers, those of all its sightings are read again.
        """
        key = _root_key(collection, path)
        values = {"site_from_path": labels.site_from_path, "manifest": labels.manifest}
        with self._catalogue.change() as connection:
            connection.execute(insert_new(connection, roots), key | values)
            root_id: int = connection.execute(select(roots.c.id).filter_by(**key)).scalar_one()
            connection.execute(update(roots).where(roots.c.id == root_id).values(values))
            if _identifier_columns(connection, root_id) != labels.identifiers:
                _mark(connection, root_id, labels.identifiers)
        return root_id

    def last_photos(self, collection: Collection) -> list[str]:
        """SHA-256 of the photos that `remove` would forget, since nothing else shows them."""
        elsewhere = (
            select(files.c.photo_id)
            .join(roots)
            .where(roots.c.collection_id != collection.id, files.c.photo_id.is_not(None))
        )
        with self._catalogue.begin() as connection:
            wanted = select(photos.c.sha256).where(photos.c.id.not_in(elsewhere))
            return list(connection.execute(wanted).scalars())

    def remove(self, collection: Collection) -> list[int]:
        """Forget a collection and the photos that nothing else shows.

        Returns:
            The ids of the photos that went, so that their vectors can go too.
        """
        with self._catalogue.change() as connection:
            ours = select(files.c.id).join(roots).where(roots.c.collection_id == collection.id)
            connection.execute(delete(sightings).where(sightings.c.file_id.in_(ours)))
            connection.execute(delete(files).where(files.c.id.in_(ours)))
            connection.execute(delete(roots).where(roots.c.collection_id == collection.id))
            connection.execute(delete(collections).where(collections.c.id == collection.id))
            shown = select(files.c.photo_id).where(files.c.photo_id.is_not(None))
            gone = (
                connection.execute(select(photos.c.id).where(photos.c.id.not_in(shown)))
                .scalars()
                .all()
            )
            for some in batched(gone, MANY):
                connection.execute(delete(photos).where(photos.c.id.in_(some)))
            used = select(sightings.c.profile_id).where(sightings.c.profile_id.is_not(None))
            connection.execute(delete(profiles).where(profiles.c.id.not_in(used)))
            forget_unshown(connection)
        return list(gone)

    def counts(self) -> dict[str, tuple[str, int, int]]:
        """For each collection its kind, its present files and its photos."""
        present = (
            select(
                roots.c.collection_id,
                func.count(files.c.id),
                func.count(files.c.photo_id.distinct()),
            )
            .select_from(files)
            .join(roots, roots.c.id == files.c.root_id)
            # Joined with nothing, so that SQLite reads the table from its start to its end, and
            # does not look every file up from an index of those that are present.
            .where(files.c.state + "" == "present", func.coalesce(files.c.code, "") != SKIPPED)
            .group_by(roots.c.collection_id)
        )
        with self._catalogue.begin() as connection:
            found = {row[0]: (row[1], row[2]) for row in connection.execute(present)}
        return {
            collection.name: (collection.kind, *found.get(collection.id, (0, 0)))
            for collection in self.all()
        }


def _identifier_columns(
    connection: Connection, root_id: int
) -> tuple[tuple[str, IdentifierKind], ...]:
    wanted = select(identifier_columns.c.name, identifier_columns.c.kind)
    wanted = wanted.where(identifier_columns.c.root_id == root_id)
    rows = connection.execute(wanted.order_by(identifier_columns.c.name))
    return tuple((row.name, row.kind) for row in rows)


def _mark(
    connection: Connection, root_id: int, columns: Sequence[tuple[str, IdentifierKind]]
) -> None:
    """Have some columns hold identifiers from now on, and no others."""
    of_root = sightings.c.file_id.in_(select(files.c.id).where(files.c.root_id == root_id))
    have_identifiers_read(connection, of_root)  # also what only the old ones gave something to read
    connection.execute(delete(identifier_columns).where(identifier_columns.c.root_id == root_id))
    rows = [{"root_id": root_id, "name": name, "kind": kind} for name, kind in columns]
    if rows:
        connection.execute(insert(identifier_columns), rows)
        have_identifiers_read(connection, of_root)


def _root_key(collection: Collection, path: Path) -> dict[str, Any]:
    return {"collection_id": collection.id, "path": str(path), "raw": raw_name(str(path))}
