"""What an index holds, what is left to do and what was done last: the recipe of `status`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagematch.amounts import counted
from imagematch.records import VERDICTS
from imagematch.services.session import Session
from imagematch.stages.decisions_in_force import DecisionsInForce
from imagematch.stages.operator_constraints import in_force
from imagematch.stores.catalogue import Run
from imagematch.stores.census import Census, FailedCouple, FailedSighting
from imagematch.stores.index import Index
from imagematch.stores.kept_pictures import PictureStats
from imagematch.stores.kept_traces import TraceStats
from imagematch.stores.layout import PICTURES
from imagematch.stores.lock import holder
from imagematch.stores.vectors import StoreStats
from imagematch.surrogates import encodable

if TYPE_CHECKING:
    from imagematch import contract

_RUNS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class CollectionCounts:
    """One collection; `files` and `photos` count what is present, `sightings` all history."""

    name: str
    kind: str
    sightings: int
    files: int
    photos: int


@dataclass(frozen=True, slots=True)
class Status:
    """What an index holds.

    Attributes:
        photos: different photos, described or not.
        pending: photos that wait to be described, because a run was stopped.
        gated: photos that match only exactly, by reason.
        failed: present files that could not be described.
        failed_pairs: pairs of photos that could not be compared.
        skipped: present files that are plainly no pictures, by kind; they count nowhere else.
        files: by state: "present", "vanished", "replaced".
        ads_without_photo: that are present; they count among the sightings, too.
        identifiers: different ones, by kind.
        unread_sightings: whose identifiers are still to be read, because a run was stopped.
        matches: by kind.
        waiting: pairs that wait to be judged.
        decisions: what people decided and nobody took back, by what it is about.
        catalogue: where it is, and in which version of which database.
        embedder: "name:checksum@side"; None with the preset `hashes`.
        vectors: by name of the store.
        traces, pictures: that are kept of photos, whether or not new ones are.
        bytes: on the disk, all files of the index; a database elsewhere is not counted.
        runs: the last ones, newest first.
        writer: who is writing to the index at this moment, in words.
    """

    directory: Path
    photos: int
    described: int
    pending: int
    gated: Mapping[str, int]
    failed: int
    failed_pairs: int
    skipped: Mapping[str, int]
    files: Mapping[str, int]
    sightings: int
    ads_without_photo: int
    identifiers: Mapping[str, int]
    unread_sightings: int
    profiles: int
    matches: Mapping[str, int]
    waiting: int
    decisions: Mapping[str, int]
    collections: tuple[CollectionCounts, ...]
    preset: str
    embedder: str | None
    catalogue: str
    vectors: Mapping[str, StoreStats]
    traces: TraceStats
    pictures: PictureStats
    bytes: int
    runs: tuple[Run, ...]
    writer: str | None

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/status.schema.json."""
        from imagematch import contract, conversions

        return conversions.builtins(
            contract.Status(
                index=encodable(str(self.directory)),
                photos=self.photos,
                described=self.described,
                pending=self.pending,
                gated=dict(self.gated),
                sightings=self.sightings,
                ads_without_photo=self.ads_without_photo,
                identifiers=dict(self.identifiers),
                unread_sightings=self.unread_sightings,
                failed=self.failed,
                failed_pairs=self.failed_pairs,
                skipped=conversions.counts_by_text(self.skipped),
                files=contract.Files(**self.files),
                profiles=self.profiles,
                matches=sum(self.matches.values()),
                matches_by_kind=dict(self.matches),
                waiting_pairs=self.waiting,
                decisions=contract.DecisionCounts(**self.decisions),
                collections={entry.name: entry.sightings for entry in self.collections},
                galleries=[
                    contract.Gallery(entry.name, entry.files, entry.photos)
                    for entry in self.collections
                    if entry.kind == "gallery"
                ],
                preset=self.preset,
                embedder=self.embedder,
                catalogue=encodable(self.catalogue),
                vectors={name: _vectors(stats) for name, stats in self.vectors.items()},
                traces=contract.Kept(self.traces.count, self.traces.bytes),
                pictures=contract.Kept(self.pictures.count, self.pictures.bytes),
                bytes=self.bytes,
                runs=[_run(run) for run in self.runs],
                writer=self.writer,
            )
        )


def _vectors(stats: StoreStats) -> "contract.Vectors":
    from imagematch import contract

    return contract.Vectors(
        vectors=stats.vectors,
        removed=stats.tombstones,
        shards=stats.shards,
        bytes=stats.bytes,
        method=stats.method,
        listed=stats.listed,
        listed_shards=stats.listed_shards,
        search=how_searched(stats),
    )


def _run(run: Run) -> "contract.Run":
    from imagematch import contract

    return contract.Run(
        id=run.id,
        what=run.what,
        job=run.job,
        folder=run.root,
        started=run.started,
        finished=run.finished,
        state=run.state,
        message=run.message,
        counts=dict(run.counts),
    )


def status_of(session: Session) -> Status:
    """Look at an index.

    Raises:
        IndexMissing, IndexDamaged, IndexTooNew, SettingsError: it can't be read.
    """
    with session.reading() as index:
        census = Census(index.catalogue)
        photos, seen = index.photos.counts(), index.sightings.counts()
        pictures = index.pictures.stats()
        return Status(
            directory=session.directory,
            photos=photos["all"],
            described=photos["described"],
            pending=census.pending(),
            gated=census.gated(),
            failed=seen["failed"],
            failed_pairs=index.matches.count_failed(),
            skipped=index.sightings.count_skipped(),
            files=census.files(),
            sightings=seen["sightings"],
            ads_without_photo=index.ads.count(),
            identifiers=index.identifiers.counts(),
            unread_sightings=index.identifiers.count_unread(),
            profiles=seen["profiles"],
            matches=index.matches.counts(),
            waiting=index.matches.waiting(),
            decisions=_decisions(index),
            collections=_collections(index, census),
            preset=index.embedder.preset,
            embedder=str(index.embedder.identity) if index.embedder.dimensions else None,
            catalogue=index.catalogue.description(),
            vectors=index.store_stats(),
            traces=index.traces.stats(),
            pictures=pictures,
            bytes=_bytes_beside_pictures(session.directory) + pictures.bytes,
            runs=index.catalogue.last_runs(_RUNS_SHOWN),
            writer=holder(session.directory),
        )


def failed_files(session: Session) -> Iterator[FailedSighting]:
    """All files that could not be described; raises as `status_of`."""
    with session.reading() as index:
        yield from Census(index.catalogue).failed_files()


def failed_pairs(session: Session) -> Iterator[FailedCouple]:
    """All pairs of photos that could not be compared; raises as `status_of`."""
    with session.reading() as index:
        yield from Census(index.catalogue).failed_pairs()


def unfinished(session: Session) -> int:
    """How many photos an index does not answer for yet, because a run was stopped or goes on."""
    with session.reading() as index:
        return sum(root.pending + root.unsearched for root in Census(index.catalogue).roots())


def _collections(index: Index, census: Census) -> tuple[CollectionCounts, ...]:
    sightings = census.sightings()
    return tuple(
        CollectionCounts(name, kind, sightings.get(name, 0), files, photos)
        for name, (kind, files, photos) in index.collections.counts().items()
    )


def _decisions(index: Index) -> dict[str, int]:
    decided = DecisionsInForce.of(index)
    counts: dict[str, int] = {
        about: sum(len(decided.standing(about, verdict)) for verdict in verdicts[:-1])
        for about, verdicts in VERDICTS.items()
    }
    return counts | {"operator": sum(in_force(index.operator_decisions.history()))}


def _bytes_beside_pictures(directory: Path) -> int:
    """Size of all other files: of pictures there may be millions, counted already."""
    total = 0
    for top in directory.iterdir():
        for path in (top, *(() if top.name == PICTURES else top.rglob("*"))):
            try:
                total += path.lstat().st_size
            except FileNotFoundError:  # a writer has merged it away
                continue
    return total


def how_searched(stats: StoreStats) -> str:
    """How a vector store searches, and what it chose that by, in words."""
    if not stats.listed_shards:
        return "every vector is compared, which so few allow"
    large = (
        "inverted lists with 4-bit product quantisation, exact re-ranking"
        if stats.kind == "float"
        else "queries are compared with every hash, indexing with those that share two bytes"
    )
    shards = counted(stats.listed_shards, "shard")
    rest = stats.vectors - stats.listed
    text = f"{large}, for {shards} of {counted(stats.listed, 'vector')}"
    return f"{text}; every vector is compared of the other {rest:,}" if rest else text
