"""What people said of profiles and clusters, in the catalogue: a history that only grows."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from imagematch.records import OperatorDecision, Profile
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.decision_history import spelled, wait_for_others
from imagematch.stores.schema import operator_decisions

#: Two decisions are at least this far apart, so that one of them is the latest.
_TICK = timedelta(milliseconds=1)


class OperatorDecisionStore:
    """The part of the catalogue that knows what people said of operators."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def add(
        self, made: OperatorDecision, log: Callable[[OperatorDecision], None]
    ) -> OperatorDecision:
        """Append a decision that was just made.

        Args:
            made: its time does not matter.
            log: is told of it before it counts; where it raises, it is not kept.

        Returns:
            The same with its time, which is later than that of all others.
        """
        with self._catalogue.change() as connection:
            wait_for_others(connection)
            last = connection.execute(select(func.max(operator_decisions.c.at))).scalar()
            time = datetime.now(UTC)
            if last:
                time = max(time, datetime.fromisoformat(last) + _TICK)
            kept = replace(_plain(made), at=time.isoformat(timespec="milliseconds"))
            connection.execute(insert(operator_decisions).values(_row(kept)))
            log(kept)
        return kept

    @staticmethod
    def merge(connection: Connection, others: Sequence[OperatorDecision]) -> int:
        """Take over decisions as they were made elsewhere; returns how many were new.

        Args:
            connection: in the transaction of `DecisionStore.merge`.
        """
        known = set(connection.execute(select(operator_decisions.c.digest)).scalars())
        rows = {row["digest"]: row for row in map(_row, map(_plain, others))}
        new = [row for digest, row in rows.items() if digest not in known]
        if new:
            connection.execute(insert(operator_decisions), new)
        return len(new)

    def history(self) -> list[OperatorDecision]:
        """All decisions, oldest first, in the same order in every index that has them."""
        with self._catalogue.begin() as connection:
            rows = connection.execute(select(operator_decisions)).all()
        return [_stored(row) for row in sorted(rows, key=lambda row: (row.at, row.digest))]


def _row(made: OperatorDecision) -> dict[str, Any]:
    columns = {
        "left_profiles": [[profile.site, profile.handle] for profile in made.left],
        "right_profiles": [[profile.site, profile.handle] for profile in made.right],
        "verdict": made.verdict,
        "who": made.who,
        "at": made.at,
        "note": made.note,
    }
    text = json.dumps(columns, sort_keys=True)
    return {"digest": hashlib.sha256(text.encode()).hexdigest(), **columns}


def _plain(made: OperatorDecision) -> OperatorDecision:
    """With texts that every database holds."""
    return replace(
        made,
        left=tuple(sorted(map(spelled_profile, made.left))),
        right=tuple(sorted(map(spelled_profile, made.right))),
        who=spelled(made.who),
        note=spelled(made.note),
    )


def spelled_profile(profile: Profile) -> Profile:
    """A profile as decisions name it."""
    return Profile(spelled(profile.site), spelled(profile.handle))


def _stored(row: Row[Any]) -> OperatorDecision:
    return OperatorDecision(
        tuple(Profile(*each) for each in row.left_profiles),
        tuple(Profile(*each) for each in row.right_profiles),
        row.verdict,
        row.who,
        row.at,
        row.note,
    )
