"""What people decided, in the catalogue: a history that only grows, and the photos of the index."""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from imagematch.records import Content, Decision
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY
from imagematch.stores.schema import decisions, insert_new, meta, photos

#: Key in the table `meta`: SHA-256 of photos put on the ignore list, around which nobody has
#: searched for further copies yet.
_UNSEARCHED = "ignored_unsearched"

#: Two decisions about one thing are at least this far apart, so that one of them is the latest.
_TICK = timedelta(milliseconds=1)


def order(decision: Decision) -> tuple[str, str]:
    """A key that sorts decisions oldest first, the same in every index that has them."""
    return decision.at, _digest(decision)


class DecisionStore:
    """The part of the catalogue that knows what people decided."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(
        self, made: Sequence[Decision], log: Callable[[list[Decision]], None] | None = None
    ) -> list[Decision]:
        """Append decisions that were just made, in one transaction.

        Args:
            made: their times do not matter.
            log: is told of them before they count; where it raises, none of them is kept.

        Returns:
            The same as they are kept: with the time, which is later than that of all decisions
            about the same photos, even where the clock was set back.
        """
        kept = []
        with self._catalogue.change() as connection:
            wait_for_others(connection)
            for decision in made:
                kept.append(replace(decision, at=_next_time(connection, decision)))
                connection.execute(insert(decisions).values(_row(kept[-1])))
            ignored = {made.photos[0].sha256 for made in kept if made.verdict == "ignore"}
            if ignored:
                _note_unsearched(connection, _unsearched(connection) | ignored)
            plain = [_plain(decision) for decision in kept]
            if log is not None and plain:
                log(plain)
        return plain

    def merge(
        self,
        others: Sequence[Decision],
        log: Callable[[int], None] | None = None,
        also: Callable[[Connection], int] | None = None,
    ) -> int:
        """Take over decisions as they were made elsewhere, in one transaction.

        Args:
            log: is told how many are new before they count; where it raises, none of them is kept.
            also: takes over others in the same transaction, and returns how many were new.

        Returns:
            How many this index did not have.
        """
        with self._catalogue.change() as connection:
            wait_for_others(connection)
            known = set(connection.execute(select(decisions.c.digest)).scalars())
            new = {digest: other for other in others if (digest := _digest(other)) not in known}
            for some in batched(new.values(), MANY):
                connection.execute(insert(decisions), [_row(decision) for decision in some])
            ignored = {made.photos[0].sha256 for made in new.values() if made.verdict == "ignore"}
            if ignored:
                _note_unsearched(connection, _unsearched(connection) | ignored)
            total = len(new) + (also(connection) if also else 0)
            if log is not None:
                log(total)
        return total

    def unsearched(self) -> set[str]:
        """SHA-256 of ignored photos around which nobody has searched for further copies yet."""
        with self._catalogue.begin() as connection:
            return _unsearched(connection)

    def searched_around(self, hashes: Collection[str]) -> None:
        """Note that further copies of ignored photos were searched for."""
        with self._catalogue.change() as connection:
            wait_for_others(connection)
            _note_unsearched(connection, _unsearched(connection) - set(hashes))

    def history(self) -> list[Decision]:
        """All decisions, oldest first."""
        with self._catalogue.begin() as connection:
            rows = connection.execute(select(decisions)).all()
        return sorted((_stored(row) for row in rows), key=order)

    def contents(self, hashes: Collection[str]) -> dict[int, Content]:
        """Photos of the index that have one of these SHA-256, of their bytes or of their pixels."""
        found: dict[int, Content] = {}
        with self._catalogue.begin() as connection:
            for some in batched(sorted(hashes), MANY):
                either = photos.c.sha256.in_(some) | photos.c.pixel_sha256.in_(some)
                for row in connection.execute(_contents().where(either)):
                    found[row.id] = Content(row.sha256, row.pixel_sha256)
        return found

    def beginning_with(self, prefix: str, limit: int) -> dict[int, Content]:
        """Photos of the index whose SHA-256 begins so, at most `limit` of them, by SHA-256.

        Args:
            prefix: hex digits, lower case.
        """
        # A range and not LIKE, which would read all rows. No hex digit comes after "g".
        begins = (photos.c.sha256 >= prefix) & (photos.c.sha256 < prefix + "g")
        wanted = _contents().where(begins).order_by(photos.c.sha256).limit(limit)
        with self._catalogue.begin() as connection:
            rows = connection.execute(wanted).all()
        return {row.id: Content(row.sha256, row.pixel_sha256) for row in rows}


def _contents() -> Any:
    return select(
        photos.c.id, photos.c.sha256, func.coalesce(photos.c.pixel_sha256, "").label("pixel_sha256")
    )


def wait_for_others(connection: Connection) -> None:
    """Have people who decide at once do so one after the other, so that one is the later one.

    Decisions of both kinds wait for each other, so that an import of both can't block another one.
    SQLite's transactions do so by themselves. On PostgreSQL, this comes before a transaction reads:
    then it sees what the one before has written.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"LOCK TABLE {decisions.name} IN SHARE ROW EXCLUSIVE MODE")


def _unsearched(connection: Connection) -> set[str]:
    found = connection.execute(select(meta.c.value).where(meta.c.key == _UNSEARCHED)).scalar()
    return set(json.loads(found or "[]"))


def _note_unsearched(connection: Connection, hashes: Collection[str]) -> None:
    value = json.dumps(sorted(hashes))
    connection.execute(insert_new(connection, meta), {"key": _UNSEARCHED, "value": value})
    connection.execute(update(meta).where(meta.c.key == _UNSEARCHED).values(value=value))


def _next_time(connection: Connection, decision: Decision) -> str:
    """Now, or just after the latest decision about any of the same photos."""
    bytes_ = [photo.sha256 for photo in decision.photos]
    pixels = [photo.pixel_sha256 for photo in decision.photos if photo.pixel_sha256]
    same = (
        decisions.c.photo_a.in_(bytes_)
        | decisions.c.photo_b.in_(bytes_)
        | decisions.c.pixels_a.in_(pixels)
        | decisions.c.pixels_b.in_(pixels)
    )
    wanted = select(func.max(decisions.c.at)).where(decisions.c.about == decision.about, same)
    last = connection.execute(wanted).scalar()
    time = datetime.now(UTC)
    if last is not None:
        time = max(time, datetime.fromisoformat(last) + _TICK)
    return time.isoformat(timespec="milliseconds")


def _row(decision: Decision) -> dict[str, Any]:
    return {"digest": _digest(decision), **_columns(_plain(decision))}


def _digest(decision: Decision) -> str:
    """Identity of a decision: equal in every index that has it."""
    text = json.dumps(_columns(_plain(decision)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _columns(decision: Decision) -> dict[str, str]:
    first = decision.photos[0]
    second = decision.photos[1] if len(decision.photos) > 1 else Content("")
    return {
        "about": decision.about,
        "photo_a": first.sha256,
        "pixels_a": first.pixel_sha256,
        "photo_b": second.sha256,
        "pixels_b": second.pixel_sha256,
        "verdict": decision.verdict,
        "kind": decision.kind or "",
        "who": decision.who,
        "at": decision.at,
        "note": decision.note,
    }


def _plain(decision: Decision) -> Decision:
    """With texts that every database holds: undecodable bytes and NUL are spelled out."""
    return replace(decision, who=spelled(decision.who), note=spelled(decision.note))


def spelled(text: str) -> str:
    """Text that every database holds: undecodable bytes and NUL are spelled out."""
    return text.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()


def _stored(row: Row[Any]) -> Decision:
    pairs = ((row.photo_a, row.pixels_a), (row.photo_b, row.pixels_b))
    photos_ = tuple(Content(sha256, pixels) for sha256, pixels in pairs if sha256)
    return Decision(
        row.about, photos_, row.verdict, row.who, row.at, row.note, kind=row.kind or None
    )
