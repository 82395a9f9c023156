"""Collections and the folders they are read from, in the catalogue."""

from dataclasses import asdict, dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, update

from imagematch.errors import UsageError
from imagematch.records import RootLabels
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY, raw_name
from imagematch.stores.schema import (
    SKIPPED,
    collections,
    files,
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
        wanted = select(roots.c.site_from_path, roots.c.manifest).filter_by(
            **_root_key(collection, path)
        )
        with self._catalogue.begin() as connection:
            row = connection.execute(wanted).one_or_none()
        return RootLabels(*row) if row else RootLabels()

    def ensure_root(
        self, collection: Collection, path: Path, labels: RootLabels = _NO_LABELS
    ) -> int:
        """Get or make the root for a folder, with these labels from now on; returns its id."""
        key = _root_key(collection, path)
        with self._catalogue.change() as connection:
            connection.execute(insert_new(connection, roots), key | asdict(labels))
            root_id: int = connection.execute(select(roots.c.id).filter_by(**key)).scalar_one()
            connection.execute(update(roots).where(roots.c.id == root_id).values(asdict(labels)))
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


def _root_key(collection: Collection, path: Path) -> dict[str, Any]:
    return {"collection_id": collection.id, "path": str(path), "raw": raw_name(str(path))}
