"""How much of everything an index holds, and what is left to do: for `status` and `doctor`."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from imagematch.records import Failure, Locator
from imagematch.runtime.failures import INTERNAL
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY, spelled
from imagematch.stores.schema import (
    SKIPPED,
    collections,
    failed_pairs,
    failures,
    files,
    photos,
    roots,
    sightings,
)
from imagematch.surrogates import encodable


@dataclass(frozen=True, slots=True)
class RootCount:
    """One folder that was indexed.

    Attributes:
        scanned_at: end of its last complete scan, ISO 8601, UTC; None if there was none.
        pending: photos of its present files that have no fingerprint yet.
        unsearched: photos of its present files that have one, but were not looked for yet.
    """

    id: int
    path: Path
    collection: str
    kind: str
    scanned_at: str | None
    pending: int
    unsearched: int


@dataclass(frozen=True, slots=True)
class FailedSighting:
    """A present file that could not be described.

    Attributes:
        installation: what met that, see `stages.installation`; "" where nobody noted it.
    """

    collection: str
    root: str
    path: str
    failure: Failure
    installation: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/status.schema.json."""
        from imagematch import contract, conversions

        return conversions.builtins(
            contract.FailedFile(
                collection=self.collection,
                root=self.root,
                path=self.path,
                code=self.failure.code,
                message=encodable(self.failure.message),
                traceback=encodable(self.failure.traceback),
                installation=self.installation,
            )
        )


@dataclass(frozen=True, slots=True)
class FailedCouple:
    """Two photos that could not be compared.

    Attributes:
        photos: SHA-256, hex.
        paths: where a file of each was found, absolute; "" where none is known.
        installation: as in `FailedSighting`.
    """

    photos: tuple[str, str]
    paths: tuple[str, str]
    failure: Failure
    installation: str

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/status.schema.json."""
        from imagematch import contract, conversions

        return conversions.builtins(
            contract.FailedPair(
                photos=self.photos,
                paths=(encodable(self.paths[0]), encodable(self.paths[1])),
                code=self.failure.code,
                message=encodable(self.failure.message),
                traceback=encodable(self.failure.traceback),
                installation=self.installation,
            )
        )


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A present file, and the SHA-256 that its bytes had when they were read."""

    locator: Locator
    sha256: str


class Census:
    """Counts over the whole catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def roots(self) -> tuple[RootCount, ...]:
        """All folders that were indexed, by collection and path."""
        wanted = (
            select(roots, collections.c.name, collections.c.kind)
            .join(collections, collections.c.id == roots.c.collection_id)
            .order_by(collections.c.name, roots.c.path)
        )
        with self._catalogue.begin() as connection:
            pending = _waiting(connection, "pending")
            unsearched = _waiting(connection, "described")
            rows = connection.execute(wanted).all()
        return tuple(
            RootCount(
                row.id,
                Path(spelled(row.path, row.raw)),
                row.name,
                row.kind,
                row.scanned_at,
                pending.get(row.id, 0),
                unsearched.get(row.id, 0),
            )
            for row in rows
        )

    def pending(self) -> int:
        """Photos of present files that have no fingerprint yet: a run was stopped."""
        wanted = (
            select(func.count(photos.c.id.distinct()))
            .join(files, files.c.photo_id == photos.c.id)
            .where(photos.c.state == "pending", files.c.state == "present")
        )
        with self._catalogue.begin() as connection:
            return connection.execute(wanted).scalar_one()

    def gated(self) -> dict[str, int]:
        """Photos that match only exactly, by reason ("flat", "tiny", "drawn")."""
        wanted = (
            select(photos.c.gate, func.count())
            .where(photos.c.state == "described", photos.c.gate != "")
            .group_by(photos.c.gate)
            .order_by(photos.c.gate)
        )
        with self._catalogue.begin() as connection:
            return {row[0]: row[1] for row in connection.execute(wanted)}

    def files(self) -> dict[str, int]:
        """Files by what became of them, but for skipped ones: "present", "vanished", "replaced"."""
        wanted = select(files.c.state, func.count()).group_by(files.c.state)
        wanted = wanted.where(func.coalesce(files.c.code, "") != SKIPPED)
        with self._catalogue.begin() as connection:
            found = {row[0]: row[1] for row in connection.execute(wanted)}
        return {state: found.get(state, 0) for state in ("present", "vanished", "replaced")}

    def indexed(self) -> int:
        """How many present files were read as photos."""
        wanted = select(func.count(files.c.id)).where(*_read())
        with self._catalogue.begin() as connection:
            return connection.execute(wanted).scalar_one()

    def indexed_files(self, every: int = 1) -> Iterator[IndexedFile]:
        """Present files that were read as photos, by id.

        Args:
            every: leave out all but about one in so many, evenly spread.
        """
        wanted = (
            select(roots.c.path, roots.c.raw, files.c.path, files.c.raw, photos.c.sha256)
            .join(roots, roots.c.id == files.c.root_id)
            .join(photos, photos.c.id == files.c.photo_id)
            .where(*_read(), files.c.id % every == 0)
            .order_by(files.c.id)
        )
        with self._catalogue.begin() as connection:
            for root, raw_root, path, raw, sha256 in connection.execute(
                wanted.execution_options(yield_per=1000)
            ):
                yield IndexedFile(Locator(spelled(root, raw_root), spelled(path, raw)), sha256)

    def sightings(self) -> dict[str, int]:
        """Sightings by collection, with those of files that are no longer there."""
        wanted = (
            select(collections.c.name, func.count(sightings.c.id))
            .outerjoin(roots, roots.c.collection_id == collections.c.id)
            .outerjoin(files, files.c.root_id == roots.c.id)
            .outerjoin(sightings, sightings.c.file_id == files.c.id)
            .group_by(collections.c.name)
            .order_by(collections.c.name)
        )
        with self._catalogue.begin() as connection:
            return {row[0]: row[1] for row in connection.execute(wanted)}

    def failed_files(self) -> Iterator[FailedSighting]:
        """All present files that could not be described, by collection, root and path."""
        code = func.coalesce(files.c.code, photos.c.code)
        wanted = (
            select(
                collections.c.name,
                roots.c.path,
                files.c.path,
                code,
                func.coalesce(files.c.message, photos.c.message, ""),
                func.coalesce(failures.c.traceback, ""),
                func.coalesce(failures.c.installation, ""),
            )
            .join(roots, roots.c.id == files.c.root_id)
            .join(collections, collections.c.id == roots.c.collection_id)
            .outerjoin(photos, photos.c.id == files.c.photo_id)
            .outerjoin(failures, failures.c.photo_id == files.c.photo_id)
            .where(files.c.state == "present", code.is_not(None), code != SKIPPED)
            .order_by(collections.c.name, roots.c.path, files.c.path)
        )
        with self._catalogue.begin() as connection:
            for row in connection.execute(wanted.execution_options(yield_per=1000)):
                yield FailedSighting(row[0], row[1], row[2], Failure(*row[3:6]), row[6])

    def failed_pairs(self) -> Iterator[FailedCouple]:
        """All pairs that could not be compared, by photo."""
        one, two = photos.alias(), photos.alias()
        wanted = (
            select(
                one.c.id,
                one.c.sha256,
                two.c.id,
                two.c.sha256,
                failed_pairs.c.code,
                failed_pairs.c.message,
                failed_pairs.c.traceback,
                failed_pairs.c.installation,
            )
            .join(one, one.c.id == failed_pairs.c.photo_a)
            .join(two, two.c.id == failed_pairs.c.photo_b)
            .order_by(failed_pairs.c.photo_a, failed_pairs.c.photo_b)
        )
        with self._catalogue.begin() as connection:
            rows = connection.execute(wanted).all()
            places = _places(connection, sorted({photo for row in rows for photo in row[0:3:2]}))
        for row in rows:
            paths = places.get(row[0], ""), places.get(row[2], "")
            yield FailedCouple((row[1], row[3]), paths, Failure(*row[4:7]), row[7])

    def internal(self) -> tuple[int, int]:
        """How many photos and pairs failed by an error in imagematch itself."""
        counts = [
            select(func.count())
            .select_from(photos)
            .where(photos.c.state == "failed", photos.c.code == INTERNAL),
            select(func.count()).select_from(failed_pairs).where(failed_pairs.c.code == INTERNAL),
        ]
        with self._catalogue.begin() as connection:
            of_photos, of_pairs = (connection.execute(count).scalar_one() for count in counts)
        return of_photos, of_pairs


def _places(connection: Connection, photo_ids: list[int]) -> dict[int, str]:
    """A path of each photo, printable; that of a present file where there is one."""
    found: dict[int, str] = {}
    for some in batched(photo_ids, MANY):
        wanted = (
            select(files.c.photo_id, roots.c.path, files.c.path)
            .join(roots, roots.c.id == files.c.root_id)
            .where(files.c.photo_id.in_(some))
            .order_by(case((files.c.state == "present", 0), else_=1), files.c.id)
        )
        for photo_id, root, path in connection.execute(wanted):
            found.setdefault(photo_id, str(Path(root) / path))
    return found


def _read() -> tuple[ColumnElement[bool], ...]:
    return files.c.state == "present", files.c.photo_id.is_not(None)


def _waiting(connection: Connection, state: str) -> dict[int, int]:
    """By root, how many photos of its present files are in this state and were not searched for."""
    wanted = (
        select(files.c.root_id, func.count(photos.c.id.distinct()))
        .select_from(photos)
        .join(files, files.c.photo_id == photos.c.id)
        .where(photos.c.state == state, photos.c.searched.is_(False), files.c.state == "present")
        .group_by(files.c.root_id)
    )
    return {row[0]: row[1] for row in connection.execute(wanted)}
