"""Candidates and matches, in the catalogue."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import batched
from typing import Any, override

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)

from imagematch.records import Decision, Evidence, Failure, Geometry, Judgement
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.scan_inserts import MANY
from imagematch.stores.schema import candidates, failed_pairs, insert_new, matches, photos


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that some index found close; `photo_a` < `photo_b`. Measures do not depend on order.

    Attributes:
        pdq_distance: bits of 256; None where hashes say nothing.
        cosine: -1 to 1, the largest of the whole picture of one with any view of the other; None
            where embeddings say nothing.
        same_pixels: the pictures are equal pixel by pixel.
        view_a, view_b: the views that look most alike; 0 is the whole picture, see `kernels.views`.
    """

    photo_a: int
    photo_b: int
    pdq_distance: int | None
    cosine: float | None
    same_pixels: bool
    view_a: int
    view_b: int


@dataclass(frozen=True, slots=True)
class FailedPair:
    """A candidate that could not be compared.

    Attributes:
        judgement: by what was measured without a comparison, where that counts as a match.
    """

    candidate: Candidate
    failure: Failure
    judgement: Judgement | None


@dataclass(frozen=True, slots=True)
class StoredMatch:
    """A judged pair; the judgement reads from `photo_a` (as the query) to `photo_b`.

    Attributes:
        run_id: the run that found it; 0 where only a person said that it is a match.
        decision: what a person decided about it. The catalogue does not say; see
            `stages.decisions_in_force`.
    """

    photo_a: int
    photo_b: int
    judgement: Judgement
    run_id: int
    decision: Decision | None = None


class MatchStore:
    """The part of the catalogue that knows which photos match."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def save_candidates(self, found: Sequence[Candidate], searched: Sequence[int]) -> None:
        """Store candidates and note which photos have been looked for, in one transaction."""
        with self._catalogue.change() as connection:
            for some in batched(found, MANY):
                connection.execute(
                    insert_new(connection, candidates), [asdict(candidate) for candidate in some]
                )
            for ids in batched(searched, MANY):
                connection.execute(update(photos).where(photos.c.id.in_(ids)).values(searched=True))

    def candidates(self, *, same_pixels: bool) -> Iterator[Candidate]:
        """Pairs that wait for a judgement, by photo, read in blocks while others are judged.

        Args:
            same_pixels: those whose pictures are equal pixel by pixel, or the others.
        """
        last = (0, 0)
        while True:
            after = (candidates.c.photo_a > last[0]) | (
                (candidates.c.photo_a == last[0]) & (candidates.c.photo_b > last[1])
            )
            wanted = (
                select(candidates)
                .where(after, candidates.c.same_pixels.is_(same_pixels))
                .order_by(candidates.c.photo_a, candidates.c.photo_b)
                .limit(MANY)
            )
            with self._catalogue.begin() as connection:
                rows = [Candidate(*row) for row in connection.execute(wanted)]
            if not rows:
                return
            yield from rows
            last = rows[-1].photo_a, rows[-1].photo_b

    def any_waiting(self) -> bool:
        """Whether a pair waits for a judgement."""
        with self._catalogue.begin() as connection:
            return connection.execute(select(candidates.c.photo_a).limit(1)).first() is not None

    def waiting(self) -> int:
        """How many pairs wait for a judgement."""
        with self._catalogue.begin() as connection:
            return connection.execute(select(func.count()).select_from(candidates)).scalar_one()

    def save_judged(
        self, judged: Sequence[tuple[Candidate, Judgement]], keep: Sequence[bool], run_id: int
    ) -> None:
        """Store the matches among judged pairs and drop the candidates, in one transaction.

        Args:
            keep: for each pair whether it counts as a match.
        """
        with self._catalogue.change() as connection:
            rows = [
                _row(candidate, judgement, run_id)
                for (candidate, judgement), kept in zip(judged, keep, strict=True)
                if kept
            ]
            if rows:
                connection.execute(insert_new(connection, matches), rows)
            pairs = [candidate for candidate, _ in judged]
            _drop(connection, candidates, pairs)
            if _any(connection, failed_pairs):  # one of them may have been tried again
                _drop(connection, failed_pairs, pairs)

    # --- pairs that could not be compared ------------------------------------------------------

    def save_failed(self, failed: Sequence[FailedPair], installation: str, run_id: int) -> None:
        """Store why pairs could not be compared, and what met that; they wait no longer."""
        with self._catalogue.change() as connection:
            for pair in failed:
                key = {"photo_a": pair.candidate.photo_a, "photo_b": pair.candidate.photo_b}
                met = {"installation": installation, **asdict(pair.failure)}
                first = {**asdict(pair.candidate), "since_run": run_id, **met}
                connection.execute(insert_new(connection, failed_pairs), first)
                connection.execute(update(failed_pairs).filter_by(**key).values(met))
                if pair.judgement is not None:
                    row = _row(pair.candidate, pair.judgement, run_id)
                    connection.execute(insert_new(connection, matches), row)
            _drop(connection, candidates, [pair.candidate for pair in failed])

    def any_failed(self) -> bool:
        """Whether a pair could not be compared."""
        with self._catalogue.begin() as connection:
            return _any(connection, failed_pairs)

    def count_failed(self, since: int = 0) -> int:
        """How many pairs could not be compared, for the first time after a run."""
        wanted = select(func.count()).select_from(failed_pairs)
        with self._catalogue.begin() as connection:
            return connection.execute(wanted.where(failed_pairs.c.since_run > since)).scalar_one()

    def failures(self, limit: int, since: int = 0) -> list[Failure]:
        """Why pairs could not be compared, for the first time after a run; by photo."""
        wanted = (
            select(failed_pairs.c.code, failed_pairs.c.message, failed_pairs.c.traceback)
            .where(failed_pairs.c.since_run > since)
            .order_by(failed_pairs.c.photo_a, failed_pairs.c.photo_b)
            .limit(limit)
        )
        with self._catalogue.begin() as connection:
            return [Failure(*row) for row in connection.execute(wanted)]

    def retry(self, installation: str, *, all_failures: bool = False) -> int:
        """Make pairs wait again that another installation could not compare; returns how many.

        Args:
            installation: what would try them now, see `stages.installation`.
            all_failures: also those that this one could not compare.
        """
        wanted = select(*(failed_pairs.c[name] for name in _MEASURES))
        if not all_failures:
            wanted = wanted.where(failed_pairs.c.installation != installation)
        with self._catalogue.change() as connection:
            pairs = [Candidate(*row) for row in connection.execute(wanted)]
            for some in batched(pairs, MANY):
                rows = [asdict(pair) for pair in some]
                connection.execute(insert_new(connection, candidates), rows)
            # What they were taken for without a comparison.
            _drop(connection, matches, pairs)
        return len(pairs)

    # --- reading -------------------------------------------------------------------------------

    def matches(self) -> Iterator[StoredMatch]:
        """All matches, by photo."""
        wanted = _matches().order_by(matches.c.photo_a, matches.c.photo_b)
        with self._catalogue.begin() as connection:
            for row in connection.execute(wanted.execution_options(yield_per=1000)):
                yield _stored(row)

    def of(self, photo_ids: Collection[int]) -> Iterator[StoredMatch]:
        """The matches of some photos with any other, each once."""
        wanted = set(photo_ids)
        with self._catalogue.begin() as connection:
            for some in batched(sorted(wanted), MANY):
                either = matches.c.photo_a.in_(some) | matches.c.photo_b.in_(some)
                for row in connection.execute(_matches().where(either).order_by(matches.c.id)):
                    # Of two photos in different batches, the first one brings the match.
                    if row.photo_a in some or row.photo_a not in wanted:
                        yield _stored(row)

    def any_of_runs(self, runs: range) -> bool:
        """Whether one of some runs, which follow each other, found a match."""
        of_runs = matches.c.run_id.between(runs.start, runs.stop - 1)
        with self._catalogue.begin() as connection:
            return (
                connection.execute(select(matches.c.id).where(of_runs).limit(1)).first() is not None
            )

    def counts(self) -> dict[str, int]:
        """How many matches there are of each kind."""
        wanted = select(matches.c.kind, func.count()).group_by(matches.c.kind)
        with self._catalogue.begin() as connection:
            return {row.kind: row[1] for row in connection.execute(wanted)}


#: The columns of a candidate, also of one that could not be compared.
_MEASURES = tuple(field.name for field in fields(Candidate))


def _any(connection: Connection, table: Table) -> bool:
    """Whether a table of pairs has a row."""
    return connection.execute(select(table.c.photo_a).limit(1)).first() is not None


def _drop(connection: Connection, table: Table, pairs: Sequence[Candidate]) -> None:
    """Delete the rows of some pairs."""
    if pairs:
        connection.execute(
            delete(table).where(
                table.c.photo_a == bindparam("one"), table.c.photo_b == bindparam("two")
            ),
            [{"one": pair.photo_a, "two": pair.photo_b} for pair in pairs],
        )


def _matches() -> Select[*tuple[Any, ...]]:
    """Matches with their geometry as text; see `_stored`."""
    return select(
        *(cast(column, Text) if column is matches.c.geometry else column for column in matches.c)
    )


def _row(candidate: Candidate, judgement: Judgement, run_id: int) -> dict[str, Any]:
    geometry = judgement.evidence.geometry
    return {
        "photo_a": candidate.photo_a,
        "photo_b": candidate.photo_b,
        "kind": judgement.kind,
        "confidence": judgement.confidence,
        "rule": judgement.evidence.rule,
        "pdq_distance": judgement.evidence.pdq_distance,
        "cosine": judgement.evidence.cosine,
        "geometry": asdict(geometry) if geometry else None,
        "run_id": run_id,
    }


def _stored(row: Row[*tuple[Any, ...]]) -> StoredMatch:
    """A row of `matches`, in the order of its columns."""
    _, photo_a, photo_b, kind, confidence, rule, distance, cosine, geometry, run_id = row
    evidence = _StoredEvidence(kind == "exact", distance, cosine, geometry, rule)
    return StoredMatch(photo_a, photo_b, Judgement(kind, confidence, evidence), run_id)


class _StoredEvidence(Evidence):
    """Evidence whose geometry is read when somebody asks for it.

    As text it takes a third of the memory and no time, and of a million matches that are linked
    only those that are shown are asked.
    """

    __slots__ = ("_kept",)
    _kept: str | Geometry | None

    def __init__(
        self,
        exact: bool,
        pdq_distance: int | None,
        cosine: float | None,
        geometry: str | Geometry | None,
        rule: str,
    ) -> None:
        keep = object.__setattr__  # the record is frozen
        keep(self, "exact", exact)
        keep(self, "pdq_distance", pdq_distance)
        keep(self, "cosine", cosine)
        keep(self, "rule", rule)
        keep(self, "_kept", geometry)

    @property
    def geometry(self) -> Geometry | None:
        if not isinstance(self._kept, str):
            return self._kept
        fields = json.loads(self._kept)
        if fields is None:  # how SQLAlchemy stores that there is none
            return None
        if fields["transform"] is not None:
            fields["transform"] = tuple(map(tuple, fields["transform"]))
        return Geometry(**fields)

    def _plain(self) -> Evidence:
        return Evidence(self.exact, self.pdq_distance, self.cosine, self.geometry, self.rule)

    @override
    def __reduce__(self) -> tuple[type[Evidence], tuple[object, ...]]:
        # Nobody can set `geometry` here, so copies and pickles are plain evidence.
        return Evidence, (self.exact, self.pdq_distance, self.cosine, self.geometry, self.rule)

    @override
    def __eq__(self, other: object) -> bool:
        other = other._plain() if isinstance(other, _StoredEvidence) else other
        return self._plain() == other

    @override
    def __hash__(self) -> int:
        return hash(self._plain())

    @override
    def __repr__(self) -> str:
        return repr(self._plain())
