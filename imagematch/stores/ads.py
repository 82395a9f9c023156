"""Ads without a photo, in the catalogue: rows of `files` that are no files, with their sightings.

They have a state of their own, so that nothing that asks for files or photos meets them. Their
`path` is their key, see `records.FoundAd`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from imagematch.records import FoundAd
from imagematch.stores.catalogue import Catalogue, now
from imagematch.stores.scan_inserts import MANY, add_sightings, sightings_sha256
from imagematch.stores.schema import AD, files, roots, sightings


class KnownAd(NamedTuple):
    """An ad without a photo, as a scan left it.

    Attributes:
        sha256: of what the source says about it, see `scan_inserts.sightings_sha256`.
        gone: it was not there any more at the last scan of its root.
    """

    id: int
    sha256: str
    gone: bool


class PresentAd(NamedTuple):
    """An ad without a photo that was there when its root was last seen, and the run it came in."""

    id: int
    key: str
    added_run: int


class AdStore:
    """The part of the catalogue that knows ads without a photo."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def known(self, root_id: int, keys: Sequence[str]) -> dict[str, KnownAd]:
        """Some ads of a root, by key, also those that are gone."""
        found: dict[str, KnownAd] = {}
        with self._catalogue.begin() as connection:
            for some in batched(keys, MANY):
                wanted = select(files).where(
                    files.c.root_id == root_id, files.c.state == AD, files.c.path.in_(some)
                )
                for row in connection.execute(wanted):
                    gone = row.last_seen is not None
                    found[row.path] = KnownAd(row.id, row.sightings_sha256, gone)
        return found

    def present(self, root_id: int) -> Iterator[PresentAd]:
        """All ads of a root that are not gone."""
        wanted = select(files.c.id, files.c.path, files.c.added_run).where(
            files.c.root_id == root_id, files.c.state == AD, files.c.last_seen.is_(None)
        )
        with self._catalogue.begin() as connection:
            for row in connection.execute(wanted.execution_options(yield_per=10_000)):
                yield PresentAd(*row)

    def add(self, root_id: int, run_id: int, ads: Sequence[FoundAd]) -> list[int]:
        """Add new ads with their sightings, in one transaction; returns their ids, in order."""
        if not ads:
            return []
        time = now()
        rows = [
            {
                "root_id": root_id,
                "path": ad.key,
                "raw": b"",
                "size": 0,
                "mtime_ns": 0,
                "state": AD,
                "sightings_sha256": sightings_sha256(ad.sightings),
                "added_run": run_id,
                "first_seen": time,
            }
            for ad in ads
        ]
        adding = insert(files).returning(files.c.id, sort_by_parameter_order=True)
        with self._catalogue.change() as connection:
            ids = list(connection.execute(adding, rows).scalars())
            add_sightings(connection, [(i, ad.sightings) for i, ad in zip(ids, ads, strict=True)])
        return ids

    def refresh(self, changes: Sequence[tuple[int, FoundAd]]) -> None:
        """Note what the source now says about some ads, which are there."""
        if not changes:
            return
        with self._catalogue.change() as connection:
            connection.execute(
                update(files).where(files.c.id == bindparam("ad")),
                [
                    {
                        "ad": ad_id,
                        "sightings_sha256": sightings_sha256(ad.sightings),
                        "last_seen": None,
                    }
                    for ad_id, ad in changes
                ],
            )
            for some in batched([ad_id for ad_id, _ in changes], MANY):
                connection.execute(delete(sightings).where(sightings.c.file_id.in_(some)))
            add_sightings(connection, [(ad_id, ad.sightings) for ad_id, ad in changes])

    def finish_scan(self, vanished: Sequence[int], edited: Mapping[int, int]) -> None:
        """Note that a root has been seen whole.

        Args:
            vanished: ids of ads that are no longer there; they keep their history.
            edited: from the id of an ad to the id of the same one as it was before.
        """
        if not vanished and not edited:
            return
        last = (
            select(func.coalesce(roots.c.scanned_at, files.c.first_seen))
            .where(roots.c.id == files.c.root_id)
            .scalar_subquery()
        )
        with self._catalogue.change() as connection:
            for new, old in edited.items():
                history = connection.execute(
                    select(files.c.first_seen, files.c.added_run).where(files.c.id == old)
                ).one()
                connection.execute(update(files).where(files.c.id == new).values(history._asdict()))
            for some in batched(edited.values(), MANY):
                connection.execute(delete(sightings).where(sightings.c.file_id.in_(some)))
                connection.execute(delete(files).where(files.c.id.in_(some)))
            for some in batched(vanished, MANY):
                connection.execute(update(files).where(files.c.id.in_(some)).values(last_seen=last))

    def count(self) -> int:
        """How many ads without a photo there are that are not gone."""
        wanted = select(func.count(files.c.id))
        wanted = wanted.where(files.c.state == AD, files.c.last_seen.is_(None))
        with self._catalogue.begin() as connection:
            return connection.execute(wanted).scalar_one()
