"""What people decide, as recipes: about matches, hot photos and what to ignore; and its history."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from imagematch.errors import UsageError
from imagematch.exchange import decisions as exported
from imagematch.records import (
    About,
    Content,
    Decision,
    FailedFile,
    HotPhoto,
    IgnoredPhoto,
    Reach,
    StoredSighting,
    Verdict,
)
from imagematch.runtime.executors import Executor
from imagematch.runtime.failures import failure_from, stops_run
from imagematch.runtime.monitor import Monitor
from imagematch.services import indexing
from imagematch.services.indexing import IGNORED, IndexRequest
from imagematch.services.opening import open_for_writing
from imagematch.services.runs import recorded_run
from imagematch.sources.reading import sha256_of
from imagematch.stages import describe, reach, scan, search, verify
from imagematch.stages.decisions_in_force import DecisionsInForce
from imagematch.stages.photo_workers import photo_workers
from imagematch.stages.resolving import resolve_match, resolve_photo
from imagematch.stages.shared_photos import SharedPhotos
from imagematch.stores.audit import account
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
    """

    decisions: tuple[Decision, ...]
    near_copies: int
    failures: tuple[FailedFile, ...]
    failed_before: int = 0
    failed_pairs: int = 0


class Foreseen(NamedTuple):
    """How far decisions would reach, and the links that need nobody's agreement."""

    reach: Reach
    most: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """One decision of the history; `in_force` unless a later one took its place."""

    decision: Decision
    in_force: bool

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/decisions.schema.json."""
        from imagematch import conversions

        return conversions.builtins(
            conversions.history_entry(self.decision, in_force=self.in_force)
        )


# --- matches -----------------------------------------------------------------------------------


def decide(directory: Path, match: str, verdict: Verdict, note: str = "") -> Decision:
    """Confirm or reject a match for good, or take that back.

    Args:
        match: as people type it, see `stages.resolving`.

    Raises:
        UsageError: there is no such match, or nothing to decide about it.
        IndexUnavailable: the index can't be written to.
    """
    with Index.write(directory, "imagematch decide") as index:
        return _kept(index, _on_match(index, match, verdict, note))[0]


def reach_of_decision(directory: Path, match: str, verdict: Verdict) -> Foreseen:
    """How far `decide` would reach; raises as it does."""
    return _foreseen(directory, lambda index: _on_match(index, match, verdict))


def _on_match(index: Index, match: str, verdict: Verdict, note: str = "") -> list[Decision]:
    named = resolve_match(index, match)
    return [Decision("match", named.photos, verdict, account(), "", note, named.kind)]


# --- hot photos --------------------------------------------------------------------------------


def hot_photos(directory: Path) -> list[HotPhoto]:
    """Photos set aside because they would link people by mistake, and those that were released."""
    with Index.read(directory) as index:
        photos = SharedPhotos(index, index.settings.link).hot()
    return [photo for photo in photos if photo.state != "ignored"]


def settle_hot(
    directory: Path, photos: Sequence[str], verdict: Verdict, note: str = ""
) -> list[Decision]:
    """Let photos link in spite of many profiles, keep them from it for good, or ask again.

    Args:
        photos: files or SHA-256.

    Raises:
        UsageError: the index does not know one of them.
        IndexUnavailable: the index can't be written to.
    """
    with Index.write(directory, "imagematch hot") as index:
        return _kept(index, _on_hot(index, photos, verdict, note))


def reach_of_hot(directory: Path, photos: Sequence[str], verdict: Verdict) -> Foreseen:
    """How far `settle_hot` would reach; raises as it does."""
    return _foreseen(directory, lambda index: _on_hot(index, photos, verdict))


def _on_hot(
    index: Index, photos: Sequence[str], verdict: Verdict, note: str = ""
) -> list[Decision]:
    contents = dict.fromkeys(resolve_photo(index, text) for text in photos)
    return _made("hot", verdict, note, contents)


# --- the ignore list ---------------------------------------------------------------------------


def ignore(directory: Path, targets: Sequence[str], note: str, monitor: Monitor) -> Ignoring:
    """Put photos on the ignore list, and find all that is near them.

    Args:
        targets: folders, files, or SHA-256 of photos of the index. Folders and files that are not
            in the index are indexed for this purpose.

    Raises:
        UsageError: one of the targets is nothing of that.
        IndexUnavailable, EmbedderUnavailable, PresetMismatch: nothing was changed.
        Stopped: as asked through the monitor; what is done is kept.
    """
    if not index_exists(directory):
        raise missing_index(directory)
    request = IndexRequest(directory, IGNORED, kind=IGNORED, purpose="imagematch ignore add")
    with open_for_writing(directory, request.purpose) as index:
        folders = [target for target in targets if Path(target).is_dir()]
        failures: list[FailedFile] = []
        failed_before, failed_pairs = 0, 0
        found: list[Content] = []
        others = _known_and_new(index, [text for text in targets if text not in folders], failures)
        for folder in folders:
            report = indexing.update(index, replace(request, folder=Path(folder)), monitor)
            failures += report.failures
            failed_before += report.failed - report.failed_new
            failed_pairs += report.failed_pairs
            found += _described_in(index, Path(folder))
        found += others.known
        with recorded_run(index, "ignore") as run, photo_workers(index.settings) as executor:
            found += _described_files(index, executor, others.new, run.id, failures, monitor)
            kept = _kept(index, _made("ignore", "ignore", note, dict.fromkeys(found)))
            ids = index.decisions.contents({content.sha256 for content in others.known})
            monitor.stage("search", None)
            search.around(index, sorted(ids))
            verify.run(index, executor, run.id, monitor)
            failed_pairs += index.matches.count_failed(index.catalogue.last_done())
        by_content = {decision.photos[0] for decision in kept}
        near = DecisionsInForce.of(index).near_copies.values()
        copies = sum(decision.photos[0] in by_content for decision in near)
        return Ignoring(tuple(kept), copies, tuple(failures), failed_before, failed_pairs)


def unignore(directory: Path, photos: Sequence[str], note: str = "") -> list[Decision]:
    """Take photos off the ignore list; a near-copy of one that stays is an exception from now on.

    Args:
        photos: files or SHA-256.

    Raises:
        UsageError: one of them is not ignored.
        IndexUnavailable: the index can't be written to.
    """
    with Index.write(directory, "imagematch ignore remove") as index:
        return _kept(index, _off_the_list(index, photos, note))


def reach_of_unignoring(directory: Path, photos: Sequence[str]) -> Foreseen:
    """How far `unignore` would reach; raises as it does."""
    return _foreseen(directory, lambda index: _off_the_list(index, photos))


def _off_the_list(index: Index, photos: Sequence[str], note: str = "") -> list[Decision]:
    decided = DecisionsInForce.of(index)
    contents = [resolve_photo(index, text) for text in photos]
    for text, content in zip(photos, contents, strict=True):
        latest = decided.latest("ignore", (content,))
        ids = index.decisions.contents({content.sha256})
        if (latest is None or latest.verdict != "ignore") and not ids.keys() & decided.ignored:
            raise UsageError(
                f"{encodable(text)} is not ignored; `imagematch ignore list` shows what is"
            )
    return _made("ignore", "reopen", note, dict.fromkeys(contents))


def ignored(directory: Path) -> list[IgnoredPhoto]:
    """The ignore list, with the near-copies in ads, in the order in which it grew."""
    with Index.read(directory) as index:
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
            sha256 = sha256_of(text, index.settings.decode.max_bytes)
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
    roots = {scan.add_file(index, IGNORED, path, sha256, run_id) for path, sha256 in files}
    for root_id in sorted(roots):
        indexing.try_again(index, root_id)
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


def history(directory: Path) -> list[Recorded]:
    """All decisions of an index, oldest first."""
    with Index.read(directory) as index:
        decided = DecisionsInForce.of(index)
        return [Recorded(made, decided.in_force(made)) for made in index.decisions.history()]


def take_over(directory: Path, file: Path) -> tuple[int, int]:
    """Take over the decisions that another index exported.

    Returns:
        How many the file has, and how many of them are new here.

    Raises:
        UsageError: the file is no such export; nothing was taken over.
        IndexUnavailable: the index can't be written to.
    """
    others = exported.read(file)
    with Index.write(directory, "imagematch decisions import") as index:
        new = index.decisions.merge(others)
        index.audit.record("decisions imported", file=str(file), decisions=len(others), new=new)
    return len(others), new


def reach_of_import(directory: Path, file: Path) -> Foreseen:
    """How far `take_over` would reach; raises as it does."""
    return _foreseen(directory, lambda _: exported.read(file))


def _foreseen(directory: Path, made: Callable[[Index], Sequence[Decision]]) -> Foreseen:
    # For writing, so that nobody is asked in vain; not for longer, since people take their time.
    with Index.write(directory, "imagematch") as index:
        settings = index.settings.link
        return Foreseen(reach.run(index, settings, made(index)), settings.ask_links)


def _made(about: About, verdict: Verdict, note: str, contents: Iterable[Content]) -> list[Decision]:
    """One decision about each of some photos."""
    return [Decision(about, (photo,), verdict, account(), "", note) for photo in contents]


def _kept(index: Index, made: Sequence[Decision]) -> list[Decision]:
    """Keep decisions of one kind for good, and log them."""
    kept = index.decisions.add(made)
    if kept:
        first = kept[0]
        photos = [[photo.sha256 for photo in decision.photos] for decision in kept]
        index.audit.record(
            "decision", about=first.about, verdict=first.verdict, photos=photos, note=first.note
        )
    return kept
