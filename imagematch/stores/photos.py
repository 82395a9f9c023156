"""Photos and their fingerprints, in the catalogue."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, select, update

from imagematch.records import PASSING_FAILURES, PHASH_BYTES, Bytes, Failure, Fingerprint, Locator
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.kept_traces import forget_traces, replace_traces
from imagematch.stores.scan_inserts import MANY, spelled
from imagematch.stores.schema import (
    candidates,
    failed_pairs,
    failures,
    files,
    insert_new,
    matches,
    photos,
    roots,
)

#: Ids of one photo's vectors start at its own id times this: the whole picture first, then its
#: other views. A number of all indexes that there are.
VIEWS = 16

#: Rows of hashes read at once.
_AT_ONCE = 100_000


def vector_id(photo_id: int, view: int = 0) -> int:
    """Id under which a view of a photo stands in a vector store; view 0 is the whole picture."""
    return photo_id * VIEWS + view


def photo_of(vector: int) -> int:
    """The photo that a vector belongs to."""
    return vector // VIEWS


@dataclass(frozen=True, slots=True)
class PendingPhoto:
    """A photo that has no fingerprint yet, and where its bytes are."""

    id: int
    sha256: str
    locators: tuple[Locator, ...]


class NewPhoto(NamedTuple):
    """A photo that has no fingerprint yet, with its bytes where they are at hand."""

    photo: PendingPhoto
    data: bytes


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What search needs to know of a described photo."""

    id: int
    sha256: str
    pixel_sha256: str
    pdq: str
    pdq_quality: int
    gate: str
    views: int


@dataclass(frozen=True, slots=True)
class PhotoHashes:
    """What other programs can look a described photo up by."""

    id: int
    sha256: str
    phash: str
    pdq: str
    pdq_quality: int
    gate: str


@dataclass(frozen=True, slots=True)
class Described:
    """A finished fingerprint with the number of vectors that were stored for it."""

    photo_id: int
    fingerprint: Fingerprint
    views: int


class PhotoStore:
    """The part of the catalogue that knows photos and fingerprints."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    # --- describing ----------------------------------------------------------------------------

    def any_failed(self) -> bool:
        """Whether a photo could not be described."""
        wanted = select(photos.c.id).where(photos.c.state == "failed").limit(1)
        with self._catalogue.begin() as connection:
            return connection.execute(wanted).first() is not None

    def retry(
        self,
        root_id: int,
        installation: str,
        run_id: int | None = None,
        *,
        all_failures: bool = False,
    ) -> int:
        """Make failed photos of a root pending again; returns how many.

        Those are tried that failed for a passing cause, or with another installation.

        Args:
            installation: what would try them now, see `stages.installation`.
            run_id: the run under way; what failed in it for the first time has just been tried.
            all_failures: also those that will fail again.
        """
        just_tried = select(failures.c.photo_id).where(failures.c.since_run == run_id)
        failed = and_(photos.c.state == "failed", photos.c.id.not_in(just_tried))
        if not all_failures:
            met = select(failures.c.photo_id).where(failures.c.installation == installation)
            passing = photos.c.code.in_(sorted(PASSING_FAILURES))
            failed = and_(failed, passing | photos.c.id.not_in(met))
        with self._catalogue.change() as connection:
            ids = (
                connection.execute(select(photos.c.id).where(failed, _shown_by(root_id)))
                .scalars()
                .all()
            )
            for some in batched(ids, MANY):
                connection.execute(
                    update(photos)
                    .where(photos.c.id.in_(some))
                    .values(state="pending", code=None, message=None)
                )
        return len(ids)

    def pending(self, root_id: int) -> Iterator[PendingPhoto]:
        """Photos of a root without a fingerprint, by id; read in blocks while others are saved."""
        last = 0
        while True:
            wanted = (
                select(photos.c.id, photos.c.sha256)
                .where(photos.c.id > last, *_pending(root_id))
                .order_by(photos.c.id)
                .limit(MANY)
            )
            with self._catalogue.begin() as connection:
                rows = connection.execute(wanted).all()
            if not rows:
                return
            locators = self.locators_of([row.id for row in rows])
            for row in rows:
                yield PendingPhoto(row.id, row.sha256, locators[row.id])
            last = rows[-1].id

    def count_pending(self, root_id: int) -> int:
        """How many photos of a root have no fingerprint yet."""
        wanted = select(func.count(photos.c.id)).where(*_pending(root_id))
        with self._catalogue.begin() as connection:
            return connection.execute(wanted).scalar_one()

    def pending_only_in(self, root_id: int, file_ids: Collection[int]) -> set[int]:
        """Ids of photos without a fingerprint that no present files of a root show but these."""
        found: set[int] = set()
        these = set(file_ids)
        for some in batched(these, MANY):
            pending = (
                select(files.c.photo_id)
                .join(photos, photos.c.id == files.c.photo_id)
                .where(files.c.id.in_(some), photos.c.state == "pending")
            )
            showing = select(files.c.id, files.c.photo_id).where(
                files.c.photo_id.in_(pending),
                files.c.state == "present",
                files.c.root_id == root_id,
            )
            with self._catalogue.begin() as connection:
                rows = connection.execute(showing).all()
            found.update(row.photo_id for row in rows)
            found.difference_update(row.photo_id for row in rows if row.id not in these)
        return found

    def count_unsearched(self, root_id: int) -> int:
        """How many described photos of a root have not been looked for yet."""
        with self._catalogue.begin() as connection:
            return connection.execute(
                select(func.count()).select_from(photos).where(*_unsearched(root_id))
            ).scalar_one()

    def save_described(self, described: Sequence[Described], version: str) -> None:
        """Store fingerprints with their traces; their vectors must be durable already."""
        with self._catalogue.change() as connection:
            if described:
                connection.execute(
                    update(photos).where(photos.c.id == bindparam("photo")),
                    [_columns(entry, version) for entry in described],
                )
                replace_traces(
                    connection, {entry.photo_id: entry.fingerprint.trace for entry in described}
                )
            for some in batched([entry.photo_id for entry in described], MANY):
                connection.execute(delete(failures).where(failures.c.photo_id.in_(some)))

    def save_failed(
        self, failed: Sequence[tuple[int, Failure]], installation: str, run_id: int
    ) -> None:
        """Store why photos can't be described, and what met that."""
        with self._catalogue.change() as connection:
            for photo_id, failure in failed:
                connection.execute(
                    update(photos)
                    .where(photos.c.id == photo_id)
                    .values(state="failed", code=failure.code, message=failure.message)
                )
                met = {"installation": installation, "traceback": failure.traceback}
                first = {"photo_id": photo_id, "since_run": run_id, **met}
                connection.execute(insert_new(connection, failures), first)
                connection.execute(
                    update(failures).where(failures.c.photo_id == photo_id).values(met)
                )

    def forget_fingerprints(self, photo_ids: Sequence[int] | None = None) -> None:
        """Make described photos pending again; their candidates, matches and traces are forgotten.

        Args:
            photo_ids: which; None for all.
        """
        with self._catalogue.change() as connection:
            if photo_ids is None:
                for table in (candidates, failed_pairs, matches):
                    connection.execute(delete(table))
                forget_traces(connection)
                connection.execute(
                    update(photos)
                    .where(photos.c.state == "described")
                    .values(state="pending", searched=False, views=0)
                )
                return
            for some in batched(photo_ids, MANY):
                for table in (candidates, failed_pairs, matches):
                    connection.execute(
                        delete(table).where(table.c.photo_a.in_(some) | table.c.photo_b.in_(some))
                    )
                forget_traces(connection, some)
                connection.execute(
                    update(photos)
                    .where(photos.c.id.in_(some), photos.c.state == "described")
                    .values(state="pending", searched=False, views=0)
                )

    # --- reading -------------------------------------------------------------------------------

    def unsearched(self, root_id: int) -> Iterator[PhotoFacts]:
        """Described photos of a root that no search has looked for yet, by id, in blocks."""
        last = 0
        while True:
            wanted = (
                _facts()
                .where(photos.c.id > last, *_unsearched(root_id))
                .order_by(photos.c.id)
                .limit(MANY)
            )
            with self._catalogue.begin() as connection:
                rows = [PhotoFacts(*row) for row in connection.execute(wanted)]
            if not rows:
                return
            yield from rows
            last = rows[-1].id

    def facts(self, photo_ids: Sequence[int]) -> dict[int, PhotoFacts]:
        """Facts of described photos by ascending id; others are left out.

        Args:
            photo_ids: ascending.
        """
        found: dict[int, PhotoFacts] = {}
        with self._catalogue.begin() as connection:
            for some in batched(photo_ids, MANY):
                wanted = (
                    _facts()
                    .where(photos.c.id.in_(some), photos.c.state == "described")
                    .order_by(photos.c.id)
                )
                found.update((row.id, PhotoFacts(*row)) for row in connection.execute(wanted))
        return found

    def gates(self, photo_ids: Sequence[int]) -> dict[int, str]:
        """Why photos may only match exactly; those that may match, or a part of them, are left
        out."""
        found: dict[int, str] = {}
        with self._catalogue.begin() as connection:
            for some in batched(photo_ids, MANY):
                wanted = select(photos.c.id, photos.c.gate).where(
                    photos.c.id.in_(some), photos.c.gate != "", photos.c.views == 0
                )
                found.update((row.id, row.gate) for row in connection.execute(wanted))
        return found

    def with_pixels(self, pixel_hashes: Sequence[str]) -> dict[str, list[int]]:
        """Ids of described photos by the identity of their pixels, ascending."""
        found: dict[str, list[int]] = {}
        with self._catalogue.begin() as connection:
            for some in batched(pixel_hashes, MANY):
                wanted = (
                    select(photos.c.pixel_sha256, photos.c.id)
                    .where(photos.c.pixel_sha256.in_(some), photos.c.state == "described")
                    .order_by(photos.c.id)
                )
                for row in connection.execute(wanted):
                    found.setdefault(row.pixel_sha256, []).append(row.id)
        return found

    def with_bytes(self, hashes: Sequence[str]) -> dict[str, int]:
        """Ids of photos by their SHA-256, also of those that are not described."""
        found: dict[str, int] = {}
        with self._catalogue.begin() as connection:
            for some in batched(hashes, MANY):
                wanted = select(photos.c.sha256, photos.c.id).where(photos.c.sha256.in_(some))
                found.update((row.sha256, row.id) for row in connection.execute(wanted))
        return found

    def phashes(self) -> tuple[np.ndarray, Bytes]:
        """The pHash of every photo that is searched by its hashes.

        Returns:
            Ids, shape (N,), int64; and packed bits, shape (N, 8), uint8.
        """
        wanted = select(photos.c.id, photos.c.phash).where(_hashed())
        ids, packed = [np.empty(0, np.int64)], [b""]
        with self._catalogue.begin() as connection:
            for rows in connection.execute(wanted).partitions(_AT_ONCE):
                some, hexes = zip(*rows, strict=True)
                ids.append(np.array(some, np.int64))
                packed.append(bytes.fromhex("".join(hexes)))
        return np.concatenate(ids), np.frombuffer(b"".join(packed), np.uint8).reshape(
            -1, PHASH_BYTES
        )

    def hashes(self) -> Iterator[list[PhotoHashes]]:
        """All hashes of described photos, by id, in blocks."""
        last = 0
        while True:
            wanted = (
                select(
                    photos.c.id,
                    photos.c.sha256,
                    photos.c.phash,
                    photos.c.pdq,
                    photos.c.pdq_quality,
                    photos.c.gate,
                )
                .where(photos.c.id > last, _described())
                .order_by(photos.c.id)
                .limit(MANY)
            )
            with self._catalogue.begin() as connection:
                rows = [PhotoHashes(*row) for row in connection.execute(wanted)]
            if not rows:
                return
            yield rows
            last = rows[-1].id

    def id_of(self, sha256: str) -> int | None:
        """Id of the photo with these bytes, if it is described."""
        with self._catalogue.begin() as connection:
            return connection.execute(
                select(photos.c.id).where(photos.c.sha256 == sha256, photos.c.state == "described")
            ).scalar()

    def failure_of(self, sha256: str) -> Failure | None:
        """Why the photo with these bytes could not be described, if it could not."""
        wanted = (
            select(photos.c.code, photos.c.message, failures.c.traceback)
            .outerjoin(failures, failures.c.photo_id == photos.c.id)
            .where(photos.c.sha256 == sha256, photos.c.state == "failed")
        )
        with self._catalogue.begin() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else Failure(row.code, row.message or "", row.traceback or "")

    def locators_of(self, photo_ids: Sequence[int]) -> dict[int, tuple[Locator, ...]]:
        """Where each photo's bytes should be: present files, at most 3."""
        found: dict[int, list[Locator]] = {photo_id: [] for photo_id in photo_ids}
        with self._catalogue.begin() as connection:
            for some in batched(found, MANY):
                wanted = (
                    select(
                        files.c.photo_id,
                        files.c.path,
                        files.c.raw,
                        roots.c.path.label("root"),
                        roots.c.raw.label("raw_root"),
                    )
                    .join(roots, roots.c.id == files.c.root_id)
                    .where(files.c.photo_id.in_(some), files.c.state == "present")
                    .order_by(files.c.id)
                )
                for row in connection.execute(wanted):
                    if len(found[row.photo_id]) < 3:
                        found[row.photo_id].append(
                            Locator(spelled(row.root, row.raw_root), spelled(row.path, row.raw))
                        )
        return {photo_id: tuple(locators) for photo_id, locators in found.items()}

    def locators_by_hash(self, hashes: Sequence[str]) -> dict[str, tuple[Locator, ...]]:
        """As `locators_of`, from the SHA-256 of photos."""
        ids: dict[int, str] = {}
        with self._catalogue.begin() as connection:
            for some in batched(hashes, MANY):
                wanted = select(photos.c.id, photos.c.sha256).where(photos.c.sha256.in_(some))
                ids.update((row.id, row.sha256) for row in connection.execute(wanted))
        found = self.locators_of(list(ids))
        return {ids[photo_id]: locators for photo_id, locators in found.items()}

    def counts(self) -> dict[str, int]:
        """How many photos there are by state, with "hashed" and "views" for the vector stores."""
        by_state = select(photos.c.state, func.count()).group_by(photos.c.state)
        with self._catalogue.begin() as connection:
            found = {row[0]: row[1] for row in connection.execute(by_state)}
        counts = {state: found.get(state, 0) for state in ("described", "pending", "failed")}
        hashed, views = self.count_vectors()
        return {"all": sum(counts.values()), **counts, "hashed": hashed, "views": views}

    def count_vectors(self) -> tuple[int, int]:
        """How many vectors the PDQ store and the embedding store should hold."""
        hashed = select(func.count()).where(_hashed())
        views = select(func.coalesce(func.sum(photos.c.views), 0)).where(_described())
        with self._catalogue.begin() as connection:
            return connection.execute(hashed).scalar_one(), connection.execute(views).scalar_one()

    def described_hashes(self, prefix: str) -> set[str]:
        """SHA-256 of the described photos whose SHA-256 starts with some hex digits."""
        wanted = select(photos.c.sha256).where(
            photos.c.sha256 >= prefix,
            photos.c.sha256 < prefix + "g",  # comes after every hex digit
            photos.c.state == "described",
        )
        with self._catalogue.begin() as connection:
            return set(connection.execute(wanted).scalars())

    def vector_ids(self) -> tuple[list[int], list[int]]:
        """Ids that the PDQ store and the embedding store should hold, each ascending."""
        wanted = select(photos.c.id, photos.c.gate, photos.c.views).where(_described())
        hashed: list[int] = []
        embedded: list[int] = []
        with self._catalogue.begin() as connection:
            for row in connection.execute(wanted.order_by(photos.c.id)):
                if not row.gate:
                    hashed.append(vector_id(row.id))
                embedded.extend(vector_id(row.id, view) for view in range(row.views))
        return hashed, embedded


def _described() -> ColumnElement[bool]:
    return photos.c.state == "described"


def _hashed() -> ColumnElement[bool]:
    """Photos whose hashes are searched: described, and not gated."""
    return and_(_described(), photos.c.gate == "")


def _columns(described: Described, version: str) -> dict[str, Any]:
    """A fingerprint as a row; "photo" says of which photo."""
    print_ = described.fingerprint
    return {
        "photo": described.photo_id,
        "state": "described",
        "searched": False,
        "pixel_sha256": print_.pixel_sha256,
        "width": print_.width,
        "height": print_.height,
        "format": print_.format,
        "frames": print_.frames,
        "truncated": print_.truncated,
        "phash": print_.phash,
        "pdq": print_.pdq,
        "pdq_quality": print_.pdq_quality,
        "gate": print_.gate,
        "views": described.views,
        "described_by": version,
    }


def _pending(root_id: int) -> tuple[ColumnElement[bool], ...]:
    # A pending photo was never searched for; to say so lets an index give them in order of id.
    return photos.c.state == "pending", photos.c.searched.is_(False), _shown_by(root_id)


def _unsearched(root_id: int) -> tuple[ColumnElement[bool], ...]:
    return photos.c.state == "described", photos.c.searched.is_(False), _shown_by(root_id)


def _shown_by(root_id: int) -> ColumnElement[bool]:
    """Asked photo by photo: a list of all that a root shows would be made for every block."""
    return (
        select(files.c.id)
        .where(files.c.photo_id == photos.c.id)
        .where(files.c.root_id == root_id, files.c.state == "present")
        .exists()
    )


def _facts() -> Select[*tuple[Any, ...]]:
    return select(
        photos.c.id,
        photos.c.sha256,
        photos.c.pixel_sha256,
        photos.c.pdq,
        photos.c.pdq_quality,
        photos.c.gate,
        photos.c.views,
    )
