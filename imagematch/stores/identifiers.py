"""Identifiers in the catalogue: what sightings show and can be looked up by, and who shows what.

What is to be read waits in a table of its own; whoever reads it (`stages.identify`) stores what was
found and takes it off in one transaction. So a run may be killed at any moment, and nothing is read
twice.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from imagematch.records import (
    OWN_ADDRESS,
    Identifier,
    IdentifierKind,
    Profile,
    Showing,
    SightingInfo,
    StoredSighting,
)
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY, have_identifiers_read
from imagematch.stores.schema import (
    collections,
    files,
    identifier_columns,
    identifier_sightings,
    identifiers,
    insert_new,
    meta,
    profiles,
    roots,
    sightings,
    unread_sightings,
)
from imagematch.stores.sightings import stored, stored_sightings

#: Key in the catalogue: the version of the reader that has read all that does not wait.
_READER = "identifier_reader"


@dataclass(frozen=True, slots=True)
class UnreadSighting:
    """A sighting whose identifiers are to be read.

    Attributes:
        path: of its file, printable.
        columns: that hold identifiers, with their kind.
    """

    id: int
    path: str
    info: SightingInfo
    columns: tuple[tuple[str, IdentifierKind], ...]


class ShownIdentifier(NamedTuple):
    """That a profile shows an identifier in an ad.

    Attributes:
        identifier: its id; `kind`, `value` and `confirmed` are as in `records.Identifier`.
        sighting: id of the sighting in which it was read.
        place: as in `records.Showing`; never "url".
    """

    identifier: int
    kind: IdentifierKind
    value: str
    confirmed: bool
    profile: Profile
    sighting: int
    place: str


class IdentifierStore:
    """The part of the catalogue that knows who shows which identifiers."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    # --- reading them --------------------------------------------------------------------------

    def require_reader(self, version: str) -> None:
        """Have everything read again where another version of the reader has read it."""
        with self._catalogue.change() as connection:
            noted = connection.execute(select(meta.c.value).where(meta.c.key == _READER)).scalar()
            if noted == version:
                return
            if noted is None:
                connection.execute(insert(meta), {"key": _READER, "value": version})
                return
            connection.execute(update(meta).where(meta.c.key == _READER).values(value=version))
            have_identifiers_read(connection)

    def count_unread(self) -> int:
        """How many sightings wait to be read."""
        with self._catalogue.begin() as connection:
            wanted = select(func.count()).select_from(unread_sightings)
            return connection.execute(wanted).scalar_one()

    def unread(self, limit: int) -> list[UnreadSighting]:
        """Some sightings that wait to be read, in order."""
        some = select(unread_sightings.c.sighting_id).order_by(unread_sightings.c.sighting_id)
        wanted = stored_sightings().add_columns(files.c.root_id, files.c.path)
        wanted = wanted.where(sightings.c.id.in_(some.limit(limit)))
        words: dict[str, str] = {}
        with self._catalogue.begin() as connection:
            columns = _columns_by_root(connection)
            rows = connection.execute(wanted.order_by(None).order_by(sightings.c.id)).all()
        return [
            UnreadSighting(
                row.id, row[-1], stored(row, words).info, tuple(columns.get(row.root_id, ()))
            )
            for row in rows
        ]

    def save(self, read: Sequence[tuple[int, Sequence[Showing]]]) -> None:
        """Store what some sightings show, in place of what they showed, and have them wait no more.

        Args:
            read: by id of the sighting; of an identifier that is in one place twice, the first
                counts.
        """
        with self._catalogue.change() as connection:
            for some in batched([sighting_id for sighting_id, _ in read], MANY):
                for table in (identifier_sightings, unread_sightings):
                    connection.execute(delete(table).where(table.c.sighting_id.in_(some)))
            ids = _ids(
                connection, [shown.identifier for _, all_of_it in read for shown in all_of_it]
            )
            rows: dict[tuple[int, int, str], dict[str, Any]] = {}
            for sighting_id, all_of_it in read:
                for shown in all_of_it:
                    found = shown.identifier
                    key = sighting_id, ids[found.kind, found.value], shown.place
                    rows.setdefault(
                        key,
                        {
                            "sighting_id": sighting_id,
                            "identifier_id": key[1],
                            "place": shown.place,
                            "raw": found.raw,
                        },
                    )
            if rows:
                connection.execute(insert(identifier_sightings), list(rows.values()))

    def forget_unshown(self) -> None:
        """Forget identifiers that no sighting shows any more."""
        with self._catalogue.change() as connection:
            forget_unshown(connection)

    def counts(self) -> dict[str, int]:
        """How many different identifiers sightings show, by kind."""
        shown = _shown().subquery()
        wanted = select(shown.c.kind, func.count()).group_by(shown.c.kind)
        with self._catalogue.begin() as connection:
            rows = connection.execute(wanted.order_by(shown.c.kind))
            return {row[0]: row[1] for row in rows}

    # --- who shows them ------------------------------------------------------------------------

    def shown(self) -> Iterator[ShownIdentifier]:
        """All identifiers that named profiles show in ads, by sighting, for linking.

        Not those of galleries and ignored collections, and not the addresses of the ads themselves.
        What only files show that are gone is there too, as in `SightingStore.sightings_of`. Three
        queries in all; texts that are the same are one object.
        """
        of_ads = select(roots.c.id).join(collections).where(collections.c.kind == "ads")
        wanted = (
            select(
                identifier_sightings.c.identifier_id,
                sightings.c.profile_id,
                sightings.c.id,
                identifier_sightings.c.place,
            )
            .join(sightings, sightings.c.id == identifier_sightings.c.sighting_id)
            .join(files, files.c.id == sightings.c.file_id)
            .where(
                sightings.c.profile_id.is_not(None),
                identifier_sightings.c.place != OWN_ADDRESS,
                files.c.root_id.in_(of_ads),
            )
            .order_by(*identifier_sightings.primary_key)  # as it is stored: no sorting
        )
        places: dict[str, str] = {}
        with self._catalogue.begin() as connection:
            named = {row.id: Profile(row.site, row.handle) for row in _all(connection, profiles)}
            known = {
                row.id: (row.kind, row.value, row.confirmed)
                for row in _all(connection, identifiers)
            }
            rows = connection.execute(wanted.execution_options(yield_per=10_000))
            for identifier, profile, sighting, place in rows:
                yield ShownIdentifier(
                    identifier,
                    *known[identifier],
                    named[profile],
                    sighting,
                    places.setdefault(place, place),
                )

    def known(self, wanted: Iterable[Identifier]) -> dict[int, Identifier]:
        """Those of some identifiers that sightings show, by id, as ordered; `MANY` at most."""
        order = {(each.kind, each.value): place for place, each in enumerate(wanted)}
        found: dict[int, Identifier] = {}
        with self._catalogue.begin() as connection:
            for some in batched({value for _, value in order}, MANY):
                rows = connection.execute(_shown().where(identifiers.c.value.in_(some)))
                found.update((row.id, _identifier(row)) for row in rows)
        wanted_ones = (
            (order[each.kind, each.value], key)
            for key, each in found.items()
            if (each.kind, each.value) in order
        )
        return {key: found[key] for _, key in sorted(wanted_ones)[:MANY]}

    def like(self, part: str, last_digits: str) -> dict[int, Identifier]:
        """Identifiers that sightings show and that hold a text, by id; `MANY` at most.

        Args:
            part: in any case; not empty.
            last_digits: phones that end with these are among them; "" for none.
        """
        ends = identifiers.c.value.like(f"%{last_digits}") & (identifiers.c.kind == "phone")
        with self._catalogue.begin() as connection:
            holding = _holds(connection, identifiers.c.value, part)
            # The words of a text are looked for where they are, see `sightings`.
            wanted = _shown().where(
                identifiers.c.kind != "text", or_(holding, ends) if last_digits else holding
            )
            rows = connection.execute(wanted.order_by(identifiers.c.value).limit(MANY))
            return {row.id: _identifier(row) for row in rows}

    def sightings(
        self, identifier_ids: Sequence[int], part: str, top: int
    ) -> tuple[dict[int, StoredSighting], int, int]:
        """Sightings that show some identifiers, or whose words hold a text, by id.

        Args:
            identifier_ids: `MANY` at most.
            part: of words, in any case; "": the identifiers alone.

        Returns:
            Ads first, by site and profile, the earliest first, no more than `top`; how many there
            are in all, and of how many named profiles.
        """
        showing = select(identifier_sightings.c.sighting_id).where(
            identifier_sightings.c.identifier_id.in_(identifier_ids)
        )
        words: dict[str, str] = {}
        with self._catalogue.begin() as connection:
            holding = [_holds(connection, column, part) for column in _WORDS] if part else []
            those = or_(sightings.c.id.in_(showing), *holding)
            counting = (
                select(func.count(), func.count(sightings.c.profile_id.distinct()))
                .select_from(sightings)
                .outerjoin(profiles, profiles.c.id == sightings.c.profile_id)
            )
            of_sightings, of_profiles = connection.execute(counting.where(those)).one()
            rows = connection.execute(_by_poster(stored_sightings().where(those)).limit(top))
            return {row.id: stored(row, words) for row in rows}, of_sightings, of_profiles

    def showings(
        self, sighting_ids: Collection[int], known: Mapping[int, Identifier]
    ) -> dict[int, list[Showing]]:
        """Which of some identifiers sightings show, where, and how it is typed there.

        Args:
            known: by id.
        """
        found: dict[int, list[Showing]] = {sighting_id: [] for sighting_id in sighting_ids}
        with self._catalogue.begin() as connection:
            for some in batched(found, MANY):
                wanted = select(identifier_sightings).where(
                    identifier_sightings.c.sighting_id.in_(some)
                )
                for row in connection.execute(wanted.order_by(*identifier_sightings.primary_key)):
                    if row.identifier_id in known:
                        shown = replace(known[row.identifier_id], raw=row.raw)
                        found[row.sighting_id].append(Showing(shown, row.place))
        return found


#: Columns of words in which a text is looked for.
_WORDS = (
    *(sightings.c[name] for name in ("text", "phone", "email", "location", "url", "ad_id")),
    profiles.c.handle,
)


def _by_poster(wanted: Select[Any]) -> Select[Any]:
    """What `stored_sightings` gives, ads first, by site and profile, the earliest first."""
    return wanted.order_by(None).order_by(
        case((collections.c.kind == "ads", 0), else_=1),
        sightings.c.site,
        profiles.c.handle,
        files.c.first_seen,
        sightings.c.id,
    )


def _holds(connection: Connection, column: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Whether a column holds a text, in upper or lower case.

    Databases know the case of ASCII only, so a text in another script is looked for in the usual
    ones.
    """
    spellings = {part} if part.isascii() else {part, part.lower(), part.upper(), part.title()}
    if connection.dialect.name == "sqlite":  # LIKE is for any case there, and faster
        return or_(*(column.contains(text, autoescape=True) for text in spellings))
    return or_(*(column.icontains(text, autoescape=True) for text in spellings))


def _shown() -> Select[Any]:
    """Identifiers that some sighting shows."""
    shown = select(identifier_sightings.c.identifier_id).where(
        identifier_sightings.c.identifier_id == identifiers.c.id
    )
    return select(identifiers).where(shown.exists())


def _identifier(row: Row[Any]) -> Identifier:
    return Identifier(row.kind, row.value, row.value, row.confirmed)


def forget_unshown(connection: Connection) -> None:
    """Forget identifiers that no sighting shows any more, in a transaction."""
    shown = select(identifier_sightings.c.identifier_id).where(
        identifier_sightings.c.identifier_id == identifiers.c.id
    )
    connection.execute(delete(identifiers).where(~shown.exists()))


def _all(connection: Connection, table: Any) -> Any:
    return connection.execute(select(table).execution_options(yield_per=10_000))


def _columns_by_root(
    connection: Connection,
) -> Mapping[int, Sequence[tuple[str, IdentifierKind]]]:
    found: dict[int, list[tuple[str, IdentifierKind]]] = {}
    for row in connection.execute(select(identifier_columns).order_by(identifier_columns.c.name)):
        found.setdefault(row.root_id, []).append((row.name, row.kind))
    return found


def _ids(connection: Connection, found: Collection[Identifier]) -> dict[tuple[str, str], int]:
    """Ids of identifiers by kind and value; made where they are new."""
    wanted = {(each.kind, each.value): each.confirmed for each in found}
    ids: dict[tuple[str, str], int] = {}
    rows = [
        {"kind": kind, "value": value, "confirmed": confirmed}
        for (kind, value), confirmed in wanted.items()
    ]
    if rows:
        connection.execute(insert_new(connection, identifiers), rows)
    for some in batched({value for _, value in wanted}, MANY):
        of_them = select(identifiers.c.id, identifiers.c.kind, identifiers.c.value)
        for row in connection.execute(of_them.where(identifiers.c.value.in_(some))):
            ids[row.kind, row.value] = row.id
    return ids
