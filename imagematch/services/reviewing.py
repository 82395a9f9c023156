"""What people decide, as recipes: about matches, hot photos and what to ignore; and its history."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from imagematch.errors import IndexLocked, UsageError
from imagematch.exchange import decisions as exported
from imagematch.records import (
    About,
    Content,
    Decision,
    FailedFile,
    HotPhoto,
    IgnoredPhoto,
    Locator,
    OperatorDecision,
    Reach,
    StoredSighting,
    Verdict,
)
from imagematch.runtime.executors import Executor
from imagematch.runtime.failures import failure_from, stops_run
from imagematch.runtime.monitor import Monitor
from imagematch.services import indexing
from imagematch.services.indexing import IGNORED, IndexRequest
from imagematch.services.runs import recorded_run
from imagematch.services.session import Session
from imagematch.sources.folder import lone_file
from imagematch.sources.folder_source import FolderSource
from imagematch.sources.reading import sha256_of
from imagematch.stages import describe, operator_constraints, reach, scan, search, verify
from imagematch.stages.decisions_in_force import DecisionsInForce
from imagematch.stages.operator_groups import Operators
from imagematch.stages.resolving import resolve_match, resolve_photo
from imagematch.stages.shared_photos import SharedPhotos
from imagematch.stores.census import Census
from imagematch.stores.index import Index
from imagematch.stores.layout import index_exists, missing_index
from imagematch.surrogates import encodable


@dataclass(frozen=True, slots=True)
class Ignoring:
    """What putting photos on the ignore list did.

    Attributes:
        decisions: one a photo.
        near_copies: other photos of the index that are ignored with them.
        failures: files that could not be read or described; they are not on the list. Of folders,
            those that are new.
        failed_before: files of folders that could not be described before, and still can't.
        failed_pairs: pairs of photos that could not be compared, of which no earlier run told.
        searched: whether further near-copies were looked for; False while a run is under way, which
            does that, or the next one.
    """

    decisions: tuple[Decision, ...]
    near_copies: int
    failures: tuple[FailedFile, ...]
    failed_before: int = 0
    failed_pairs: int = 0
    searched: bool = True


class Foreseen(NamedTuple):
    """How far decisions would reach, and the links that need nobody's agreement."""

    reach: Reach
    most: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision of the history; `in_force` unless a later one took its place."""

    decision: Decision | OperatorDecision
    in_force: bool

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/decisions.schema.json."""
        from imagematch import conversions

        return conversions.builtins(
            conversions.operator_entry(self.decision, in_force=self.in_force)
            if isinstance(self.decision, OperatorDecision)
            else conversions.history_entry(self.decision, in_force=self.in_force)
        )


# --- matches -----------------------------------------------------------------------------------


def decide(
    session: Session, match: str, verdict: Verdict, note: str = "", actor: str = ""
) -> Decision:
    """Confirm or reject a match for good, or take that back; waits for no run.

    Args:
        match: as people type it, see `stages.resolving`.
        actor: who decides; "" for the one of the session. The same goes for all that follows.

    Raises:
        UsageError: there is no such match, or nothing to decide about it.
        IndexUnavailable: the index can't be written to.
    """
    with session.deciding(actor) as index:
        return _kept(
            index, _on_match(session, index, match, verdict, note, actor or session.actor)
        )[0]


def reach_of_decision(session: Session, match: str, verdict: Verdict) -> Foreseen:
    """How far `decide` would reach; raises as it does."""
    return _foreseen(session, lambda index: _on_match(session, index, match, verdict))


def _on_match(
    session: Session,
    index: Index,
    match: str,
    verdict: Verdict,
    note: str = "",
    actor: str = "",
) -> list[Decision]:
    named = resolve_match(index, match, tuple(session.asked))
    return [Decision("match", named.photos, verdict, actor, "", note, named.kind)]


# --- hot photos --------------------------------------------------------------------------------


def hot_photos(session: Session) -> list[HotPhoto]:
    """Photos set aside because they would link people by mistake, and those that were released."""
    with session.reading() as index:
        photos = SharedPhotos(index, index.settings.link)
        found = photos.hot(Operators.read(index, photos).hot)
    return [photo for photo in found if photo.state != "ignored"]


def settle_hot(
    session: Session, photos: Sequence[str], verdict: Verdict, note: str = "", actor: str = ""
) -> list[Decision]:
    """Let photos link in spite of many profiles, keep them from it for good, or ask again.

    It waits for no run.

    Args:
        photos: files or SHA-256.

    Raises:
        UsageError: the index does not know one of them; nothing is decided.
        IndexUnavailable: the index can't be written to.
    """
    with session.deciding(actor) as index:
        return _kept(index, _on_hot(index, photos, verdict, note, actor or session.actor))


def reach_of_hot(session: Session, photos: Sequence[str], verdict: Verdict) -> Foreseen:
    """How far `settle_hot` would reach; raises as it does."""
    return _foreseen(session, lambda index: _on_hot(index, photos, verdict))


def _on_hot(
    index: Index, photos: Sequence[str], verdict: Verdict, note: str = "", actor: str = ""
) -> list[Decision]:
    contents = dict.fromkeys(resolve_photo(index, text) for text in photos)
    return _made("hot", verdict, note, contents, actor)


# --- the ignore list ---------------------------------------------------------------------------


def ignore(
    session: Session, targets: Sequence[str], note: str, monitor: Monitor, actor: str = ""
) -> Ignoring:
    """Put photos on the ignore list, and find all that is near them.

    Photos of the index are ignored at once, also while a run is under way, which then looks for
    what is near them.

    Args:
        targets: folders, files, or SHA-256 of photos of the index. Folders and files that are not
            in the index are indexed for this purpose.

    Raises:
        UsageError: one of the targets is nothing of that.
        IndexLocked: a run is under way, and there are new files to index.
        IndexUnavailable, EmbedderUnavailable, PresetMismatch: nothing was changed; where there is
            nothing to index, the photos are ignored, and the next run looks for what is near them.
        Stopped: as asked through the monitor; what is done is kept.
    """
    if not index_exists(session.directory):
        raise missing_index(session.directory)
    folders = [Path(target) for target in targets if Path(target).is_dir()]
    failures: list[FailedFile] = []
    with session.reading() as index:
        texts = [text for text in targets if not Path(text).is_dir()]
        others = _known_and_new(index, texts, failures)
    made = _made("ignore", "ignore", note, dict.fromkeys(others.known), actor or session.actor)
    if not folders and not others.new:
        with session.deciding(actor) as index:
            kept = _kept(index, made)
        counts = _Counts()
        try:
            with session.running(_IGNORING) as index:
                _search_around(session, index, counts, monitor)
        except IndexLocked:
            counts.searched = False
    else:
        with session.running(_IGNORING) as index:
            counts = _Counts()
            found = _taken_in(session, index, folders, others.new, failures, counts, monitor)
            who = actor or session.actor
            made += _made("ignore", "ignore", note, dict.fromkeys(found), who)
            kept = _kept(index, list(dict.fromkeys(made)))
            # The search for what was indexed just now has looked as far.
            index.decisions.searched_around({photo.sha256 for photo in found})
            _search_around(session, index, counts, monitor)
    with session.reading() as index:
        by_content = {decision.photos[0] for decision in kept}
        near = DecisionsInForce.of(index).near_copies.values()
        copies = sum(decision.photos[0] in by_content for decision in near)
    return Ignoring(
        tuple(kept),
        copies,
        tuple(failures),
        counts.failed_before,
        counts.failed_pairs,
        counts.searched,
    )


_IGNORING = "imagematch ignore add"


@dataclass(slots=True)
class _Counts:
    """What went wrong, and whether anybody looked for near-copies; see `Ignoring`."""

    failed_before: int = 0
    failed_pairs: int = 0
    searched: bool = True


def _taken_in(
    session: Session,
    index: Index,
    folders: Sequence[Path],
    files: Sequence[tuple[Path, str]],
    failures: list[FailedFile],
    counts: _Counts,
    monitor: Monitor,
) -> list[Content]:
    """Index folders and files for the ignore list; returns the photos that they show."""
    found: list[Content] = []
    for folder in folders:
        source = FolderSource(folder)
        request = IndexRequest(source, IGNORED, kind=IGNORED, purpose=_IGNORING)
        report = indexing.update(session, index, request, monitor)
        failures += report.failures
        counts.failed_before += report.failed - report.failed_new
        counts.failed_pairs += report.failed_pairs
        found += _described_in(index, folder)
    if files:
        with recorded_run(index, "ignore") as run:
            executor = session.workers(index.settings)
            found += _described_files(index, executor, files, run.id, failures, monitor)
    return found


def _search_around(session: Session, index: Index, counts: _Counts, monitor: Monitor) -> None:
    """Find the near-copies of what was ignored, far beyond the few that a run looks at."""
    with recorded_run(index, "ignore") as run:
        monitor.stage("search", None)
        search.around_ignored(index)
        verify.run(index, session.workers(index.settings), run.id, monitor)
        counts.failed_pairs += index.matches.count_failed(index.catalogue.last_done())


def unignore(
    session: Session, photos: Sequence[str], note: str = "", actor: str = ""
) -> list[Decision]:
    """Take photos off the ignore list; a near-copy of one that stays is an exception from now on.

    Args:
        photos: files or SHA-256.

    Raises:
        UsageError: one of them is not ignored.
        IndexUnavailable: the index can't be written to.
    """
    with session.deciding(actor) as index:
        return _kept(index, _off_the_list(index, photos, note, actor or session.actor))


def reach_of_unignoring(session: Session, photos: Sequence[str]) -> Foreseen:
    """How far `unignore` would reach; raises as it does."""
    return _foreseen(session, lambda index: _off_the_list(index, photos))


def _off_the_list(
    index: Index, photos: Sequence[str], note: str = "", actor: str = ""
) -> list[Decision]:
    decided = DecisionsInForce.of(index)
    contents = [resolve_photo(index, text) for text in photos]
    for text, content in zip(photos, contents, strict=True):
        latest = decided.latest("ignore", (content,))
        ids = index.decisions.contents({content.sha256})
        if (latest is None or latest.verdict != "ignore") and not ids.keys() & decided.ignored:
            raise UsageError(
                f"{encodable(text)} is not ignored; `imagematch ignore list` shows what is"
            )
    return _made("ignore", "reopen", note, dict.fromkeys(contents), actor)


def ignored(session: Session) -> list[IgnoredPhoto]:
    """The ignore list, with the near-copies in ads, in the order in which it grew."""
    with session.reading() as index:
        decided = DecisionsInForce.of(index)
        sightings = index.sightings.sightings_of(sorted(decided.ignored))
        return [
            IgnoredPhoto(
                decision,
                tuple(_seen(sightings, decided.listed, decision)),
                tuple(
                    sighting
                    for sighting in _seen(sightings, decided.near_copies, decision)
                    if not (sighting.gallery or sighting.ignored)
                ),
            )
            for decision in decided.standing("ignore", "ignore")
        ]


def _seen(
    sightings: Mapping[int, Sequence[StoredSighting]],
    photos: Mapping[int, Decision],
    decision: Decision,
) -> Iterator[StoredSighting]:
    """Where the photos were seen that a decision is about."""
    for photo_id, made in photos.items():
        if made == decision:
            yield from sightings[photo_id]


class _Others(NamedTuple):
    """Photos of the index, and files that it does not have: absolute path and SHA-256."""

    known: list[Content]
    new: list[tuple[Path, str]]


def _known_and_new(index: Index, texts: Sequence[str], failures: list[FailedFile]) -> _Others:
    others = _Others([], [])
    for text in texts:
        path = Path(text)
        if not path.is_file():
            others.known.append(resolve_photo(index, text))
            continue
        try:
            sha256 = sha256_of(Locator.outside(text), index.settings.decode.max_bytes)
        except Exception as error:
            if stops_run(error):
                raise
            failures.append(FailedFile(text, failure_from(error)))
            continue
        if index.photos.id_of(sha256) is None:
            others.new.append((path.absolute(), sha256))
        else:
            others.known.append(resolve_photo(index, sha256))
    return others


def _described_in(index: Index, folder: Path) -> list[Content]:
    """The photos that a folder on the ignore list shows at present."""
    place = Path(os.path.realpath(folder))
    roots = Census(index.catalogue).roots()
    files = (
        file
        for root in roots
        if (root.collection, root.path) == (IGNORED, place)
        for file in index.known.files_of(root.id)
    )
    return _contents(index, {file.photo_id for file in files if file.photo_id is not None})


def _contents(index: Index, photo_ids: Collection[int]) -> list[Content]:
    facts = index.photos.facts(sorted(photo_ids)).values()
    return [Content(photo.sha256, photo.pixel_sha256) for photo in facts]


def _described_files(
    index: Index,
    executor: Executor,
    files: Sequence[tuple[Path, str]],
    run_id: int,
    failures: list[FailedFile],
    monitor: Monitor,
) -> list[Content]:
    """Index single files on the ignore list; what can't be described is added to the failures."""
    if not files:
        return []
    index.collections.ensure(IGNORED, IGNORED)
    roots = {
        scan.add_file(index, IGNORED, lone_file(path), path.parent, sha256, run_id)
        for path, sha256 in files
    }
    for root_id in sorted(roots):
        indexing.try_again(index, root_id, run_id)
        describe.run(index, executor, root_id, run_id, monitor)
        search.run(index, root_id, monitor)
    found: list[Content] = []
    for path, sha256 in files:
        photo_id = index.photos.id_of(sha256)
        if photo_id is not None:
            found += _contents(index, {photo_id})
        elif failure := index.photos.failure_of(sha256):
            failures.append(FailedFile(str(path), failure))
    return found


# --- the history -------------------------------------------------------------------------------


def history(session: Session) -> list[Recorded]:
    """All decisions of an index, oldest first."""
    with session.reading() as index:
        decided = DecisionsInForce.of(index)
        photos = [Recorded(made, decided.in_force(made)) for made in index.decisions.history()]
        said = index.operator_decisions.history()
        operators = map(Recorded, said, operator_constraints.in_force(said))
    # Of one time, in an order that every index has.
    return sorted((*photos, *operators), key=lambda entry: entry.decision.at)


def take_over(session: Session, file: Path) -> tuple[int, int]:
    """Take over the decisions that another index exported; waits for no run.

    Returns:
        How many the file has, and how many of them are new here.

    Raises:
        UsageError: the file is no such export; nothing was taken over.
        IndexUnavailable: the index can't be written to.
    """
    others = exported.read(file)
    total = len(others.decisions) + len(others.operators)
    with session.deciding() as index:

        def log(new: int) -> None:
            index.audit.record("decisions imported", file=str(file), decisions=total, new=new)

        also = partial(index.operator_decisions.merge, others=others.operators)
        return total, index.decisions.merge(others.decisions, log, also)


def reach_of_import(session: Session, file: Path) -> Foreseen:
    """How far `take_over` would reach; raises as it does."""
    return _foreseen(session, lambda _: exported.read(file).decisions)


def _foreseen(session: Session, made: Callable[[Index], Sequence[Decision]]) -> Foreseen:
    with session.reading() as index:
        return Foreseen(reach.run(index, made(index)), index.settings.link.ask_links)


def _made(
    about: About, verdict: Verdict, note: str, contents: Iterable[Content], actor: str
) -> list[Decision]:
    """One decision about each of some photos."""
    return [Decision(about, (photo,), verdict, actor, "", note) for photo in contents]


def _kept(index: Index, made: Sequence[Decision]) -> list[Decision]:
    """Keep decisions of one kind for good, and log them: both, or neither."""

    def log(kept: list[Decision]) -> None:
        first = kept[0]
        photos = [[photo.sha256 for photo in decision.photos] for decision in kept]
        index.audit.record(
            "decision", about=first.about, verdict=first.verdict, photos=photos, note=first.note
        )

    return index.decisions.add(made, log)
