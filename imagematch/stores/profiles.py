"""Profiles in the catalogue: who there is, how many photos each shows, and when and where."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from imagematch.records import Profile
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY
from imagematch.stores.schema import collections, files, photos, profiles, roots, sightings


class ProfileAd(NamedTuple):
    """When and where a profile had an ad.

    Attributes:
        profile: its id.
        ad: its id on the site or its URL; "" where neither is known.
        posted_at, location: as in `records.SightingInfo`.
        first_seen: ISO 8601.
    """

    profile: int
    ad: str
    posted_at: str
    location: str
    first_seen: str


class ProfileStore:
    """The part of the catalogue that knows profiles."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def all(self) -> list[tuple[int, Profile]]:
        """All profiles by id, in the order in which they were indexed."""
        wanted = select(profiles).order_by(profiles.c.id)
        with self._catalogue.begin() as connection:
            return [(row.id, Profile(row.site, row.handle)) for row in connection.execute(wanted)]

    def photo_counts(self) -> dict[int, int]:
        """How many photos each profile shows in ads, by its id; gated ones do not count."""
        wanted = (
            _of_ads(select(sightings.c.profile_id, func.count(files.c.photo_id.distinct())))
            .join(photos, photos.c.id == files.c.photo_id)
            .where(photos.c.state == "described", (photos.c.gate == "") | (photos.c.views > 0))
            .group_by(sightings.c.profile_id)
        )
        with self._catalogue.begin() as connection:
            return {row[0]: row[1] for row in connection.execute(wanted)}

    def ads(self, profile_ids: Sequence[int]) -> Iterator[ProfileAd]:
        """The ads of some profiles, each as often as its sightings differ."""
        ad = func.coalesce(func.nullif(sightings.c.ad_id, ""), sightings.c.url)
        columns = sightings.c.profile_id, ad, sightings.c.posted_at, sightings.c.location
        wanted = _of_ads(select(*columns, func.min(files.c.first_seen))).group_by(*columns)
        with self._catalogue.begin() as connection:
            for some in batched(profile_ids, MANY):
                for row in connection.execute(wanted.where(sightings.c.profile_id.in_(some))):
                    yield ProfileAd(*row)


def _of_ads(wanted: Select[Any]) -> Select[Any]:
    ads = select(roots.c.id).join(collections).where(collections.c.kind == "ads")
    return (
        wanted.select_from(sightings)
        .join(files, files.c.id == sightings.c.file_id)
        .where(sightings.c.profile_id.is_not(None), files.c.root_id.in_(ads))
    )
