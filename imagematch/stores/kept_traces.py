"""The traces of photos, in the catalogue: bytes as `kernels.traces` makes them, one row a photo.

A trace commits in one transaction with the row that says "described", and goes with it. So neither
is ever there without the other's say, and there is nothing to settle after a killed run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

from sqlalchemy import Connection, delete, func, insert, select

from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY
from imagematch.stores.schema import traces


@dataclass(frozen=True, slots=True)
class TraceStats:
    """What is kept."""

    count: int
    bytes: int


class TraceStore:
    """The part of the catalogue that knows traces."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def of(self, photo_ids: Sequence[int]) -> dict[int, bytes]:
        """The traces of some photos; those that have none are left out."""
        found: dict[int, bytes] = {}
        with self._catalogue.begin() as connection:
            for some in batched(photo_ids, MANY):
                wanted = select(traces.c.photo_id, traces.c.trace)
                rows = connection.execute(wanted.where(traces.c.photo_id.in_(some)))
                found.update((row.photo_id, bytes(row.trace)) for row in rows)
        return found

    def clear(self) -> int:
        """Delete all traces; returns how many there were."""
        with self._catalogue.change() as connection:
            return connection.execute(delete(traces)).rowcount

    def stats(self) -> TraceStats:
        """How many traces there are, and how large they are together."""
        wanted = select(func.count(), func.coalesce(func.sum(traces.c.bytes), 0))
        with self._catalogue.begin() as connection:
            count, size = connection.execute(wanted.select_from(traces)).one()
        return TraceStats(count, int(size))


def replace_traces(connection: Connection, found: Mapping[int, bytes]) -> None:
    """Keep these traces, by id of the photo; one whose trace is empty loses the one it had."""
    forget_traces(connection, list(found))
    rows = [
        {"photo_id": photo_id, "trace": trace, "bytes": len(trace)}
        for photo_id, trace in found.items()
        if trace
    ]
    if rows:
        connection.execute(insert(traces), rows)


def forget_traces(connection: Connection, photo_ids: Sequence[int] | None = None) -> None:
    """Delete the traces of some photos, or of all."""
    if photo_ids is None:
        connection.execute(delete(traces))
        return
    for some in batched(photo_ids, MANY):
        connection.execute(delete(traces).where(traces.c.photo_id.in_(some)))
