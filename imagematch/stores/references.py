"""References: the catalogue in, the photos that every search must look at out.

They are the photos of galleries, of collections on the ignore list, and those that people ever put
on it. Their vectors stand among all others, so that nothing needs to be kept in agreement: which
are theirs follows from the catalogue. It is read once; then only what has come since.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, Self

import numpy as np
from sqlalchemy import Connection, func, select

from imagematch.stores.catalogue import Catalogue
from imagematch.stores.photos import VIEWS
from imagematch.stores.rows import Subset
from imagematch.stores.scan_inserts import MANY
from imagematch.stores.schema import collections, decisions, files, photos, roots
from imagematch.stores.vectors import Ids


@dataclass(frozen=True, slots=True)
class _Moment:
    """What tells that references may be others: rows of `files` and of `decisions` never come to
    be about another photo, and new ones have larger ids.

    Attributes:
        roots: each that shows references, with the run that last saw it whole.
    """

    roots: tuple[tuple[Any, ...], ...] = ()
    last_file: int = 0
    decisions: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """Photos that every search must look at.

    Some may not be described. Of files that a scan took back, it may have photos until that scan is
    complete.

    Attributes:
        photos: ids, ascending.
        ignored: those of the ignore list alone, ascending.
        vectors: the ids of their vectors.
    """

    photos: Ids
    ignored: Ids
    vectors: Subset
    _galleries: Ids
    _moment: _Moment

    @classmethod
    def none(cls) -> Self:
        nobody = np.empty(0, np.int64)
        return cls(nobody, nobody, Subset(nobody, VIEWS), nobody, _Moment())

    def among(self, photo_ids: Sequence[int]) -> list[int]:
        """Those of some photos that are references."""
        return [photo for photo in photo_ids if photo in self]

    def __contains__(self, photo_id: int) -> bool:
        place = int(np.searchsorted(self.photos, photo_id))
        return place < len(self.photos) and bool(self.photos[place] == photo_id)


class KnownReferences:
    """The references of an index as they were last read, for all who read it; for many threads."""

    def __init__(self) -> None:
        self._last = References.none()

    def of(self, catalogue: Catalogue) -> References:
        """The references in the state that a catalogue shows."""
        with catalogue.begin() as connection:
            self._last = found = _read(connection, self._last)
        return found


def _read(connection: Connection, before: References) -> References:
    moment = _moment(connection)
    if moment == before._moment:
        return before
    since, known = 0, References.none().photos
    if moment.roots == before._moment.roots:
        since, known = before._moment.last_file, before._galleries
    galleries = np.union1d(known, _shown(connection, "gallery", since))
    ignored = np.union1d(_shown(connection, "ignored"), _put_on_the_list(connection))
    everyone = np.union1d(galleries, ignored)
    if np.array_equal(everyone, before.photos):
        # The same object knows already where they are.
        return replace(before, ignored=ignored, _galleries=galleries, _moment=moment)
    vectors = Subset(everyone * VIEWS, VIEWS)
    return References(everyone, ignored, vectors, galleries, moment)


def _moment(connection: Connection) -> _Moment:
    showing = (
        select(roots.c.id, collections.c.kind, roots.c.scanned_run)
        .join(collections, collections.c.id == roots.c.collection_id)
        .where(collections.c.kind.in_(["gallery", "ignored"]))
        .order_by(roots.c.id)
    )
    return _Moment(
        tuple(tuple(row) for row in connection.execute(showing)),
        connection.execute(select(func.max(files.c.id))).scalar() or 0,
        connection.execute(select(func.count()).select_from(decisions)).scalar_one(),
    )


def _shown(connection: Connection, kind: str, since: int = 0) -> Ids:
    """Photos in collections of a kind, by files with larger ids than some."""
    of_kind = (
        select(roots.c.id)
        .join(collections, collections.c.id == roots.c.collection_id)
        .where(collections.c.kind == kind)
    )
    found = [np.empty(0, np.int64)]
    for root_id in connection.execute(of_kind).scalars().all():
        wanted = select(files.c.photo_id).where(files.c.photo_id.is_not(None))
        if since:
            # Plus 0, so that it goes from the few new files to their roots.
            wanted = wanted.where(files.c.id > since, files.c.root_id + 0 == root_id)
        else:
            wanted = wanted.where(files.c.root_id == root_id)
        found.append(np.fromiter(connection.execute(wanted).scalars(), np.int64))
    return np.unique(np.concatenate(found))


def _put_on_the_list(connection: Connection) -> Ids:
    """Photos that were ever put on the ignore list."""
    listed = select(decisions.c.photo_a).where(decisions.c.about == "ignore").distinct()
    found: list[int] = []
    for some in batched(connection.execute(listed).scalars().all(), MANY):
        wanted = select(photos.c.id).where(photos.c.sha256.in_(some))
        found += connection.execute(wanted).scalars()
    return np.unique(np.array(found, np.int64))
