"""The steps of imagematch as recipes: what each door calls, readable from top to bottom.

Stages that look at pictures are imported where they are used: that takes as long as a run over
100,000 files that have not changed.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from imagematch import presets
from imagematch.errors import KeepsFailing, ManifestError, SourceUnavailable, Stopped, UsageError
from imagematch.records import (
    Drawing,
    FailedFile,
    Failure,
    IndexReport,
    Judgement,
    LinkReport,
    PhotoPair,
    QueryMatch,
    QueryResult,
    Reach,
    StoredSighting,
)
from imagematch.records import QueryOptions as QueryOptions
from imagematch.runtime.executors import Executor
from imagematch.runtime.monitor import Monitor
from imagematch.settings import DescribeSettings, Settings
from imagematch.sources import folder
from imagematch.stages import scan, tally
from imagematch.stages.photo_workers import photo_workers
from imagematch.stages.scan import Source
from imagematch.stores.census import Census
from imagematch.stores.index import EmbedderRecord, Index
from imagematch.stores.layout import index_exists

#: Failures named in a report; the catalogue has them all.
_FAILURES_LISTED = 10_000

ADS, GALLERY, IGNORED = "ads", "gallery", "ignored"
_KIND_WORDS = {ADS: "a collection of ads", GALLERY: "a gallery", IGNORED: "the ignore list"}


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What to index.

    Attributes:
        kind: of the collection, if it is new: "ads", "gallery" or "ignored".
        manifest, no_manifest, site_from_path: see `stages.scan.Source`.
        preset: of a new index; an existing one may change to another with the same model. None:
            the index's own.
        redescribe: change an existing index to `preset`, and describe every photo again.
        retry_failed: try failed files again, not only those that failed for a passing cause.
        reread: read every file, also those that look unchanged; `redescribe` does so, too.
        purpose: the command, for those who find the index locked.
        job: name of a scheduled job; "" outside of one.
    """

    folder: Path
    collection: str = ADS
    kind: str = ADS
    manifest: Path | None = None
    no_manifest: bool = False
    site_from_path: bool | None = None
    preset: str | None = None
    redescribe: bool = False
    retry_failed: bool = False
    allow_lost: bool = False
    reread: bool = False
    purpose: str = "imagematch index"
    job: str = ""


def index_folder(directory: Path, request: IndexRequest, monitor: Monitor) -> IndexReport:
    """Bring an index up to date with a folder: scan, describe, search, verify.

    What is done already is not done again, and a stopped or killed run goes on where it was.

    Raises:
        UsageError, SourceUnavailable, IndexUnavailable, EmbedderUnavailable: nothing was changed.
        Stopped: as asked through the monitor; everything done so far is kept.
        KeepsFailing: imagematch itself failed again and again; so is what was done before.
    """
    _check_inputs(directory, request)
    with open_for_writing(directory, request) as index:
        return update(index, request, monitor)


def _check_inputs(directory: Path, request: IndexRequest) -> None:
    """Refuse what can't work before an empty index is left behind."""
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"--index {directory} is a file; an index is a directory")
    if request.manifest is not None and not request.manifest.is_file():
        raise ManifestError(f"there is no manifest {request.manifest}")
    if not (request.allow_lost and not request.folder.exists()):
        folder.walk(request.folder, leave_out=[directory])


def update(index: Index, request: IndexRequest, monitor: Monitor) -> IndexReport:
    """Do the work of `index_folder` in an index that is open for writing; raises as it does."""
    start = time.perf_counter()
    collection = index.collections.ensure(request.collection, request.kind)
    if collection.kind != request.kind:
        raise UsageError(
            f"{request.collection!r} is {_KIND_WORDS[collection.kind]}, not "
            f"{_KIND_WORDS[request.kind]}"
        )
    source = Source(
        _root(index, request),
        request.collection,
        request.manifest,
        request.no_manifest,
        request.site_from_path,
        request.allow_lost,
        request.reread or request.redescribe,
    )
    what = "reindex" if request.job else "index"
    run_id = index.catalogue.start_run(what, request.job, str(source.folder))
    try:
        spent: dict[str, float] = {}
        nice = index.settings.workers.nice if request.job else 0
        with photo_workers(index.settings, nice=nice) as executor:
            with _timed(spent, "scan"):
                scanned = scan.run(index, source, run_id, monitor, executor.start)
            try_again(index, scanned.root_id, all_failures=request.retry_failed)
            hidden = index.photos.pending_only_in(scanned.root_id, scanned.hidden)
            described, partly_seen, matches, not_looked_at = _work_off(
                index, scanned.root_id, run_id, spent, monitor, executor
            )
    except BaseException as error:
        state = "stopped" if isinstance(error, (Stopped, KeyboardInterrupt)) else "failed"
        index.catalogue.finish_run(run_id, state, {}, str(error))
        raise
    told, told_pairs = index.catalogue.last_done(str(source.folder)), index.catalogue.last_done()
    failures = index.sightings.failed_files(scanned.root_id, _FAILURES_LISTED, told)
    counts = tally.run(index, scanned, told, hidden)
    report = IndexReport(
        seen=counts.seen,
        described=described,
        known=counts.seen - described - counts.failed - counts.skipped.total(),
        skipped=counts.skipped.total(),
        failed=counts.failed,
        matches=matches,
        seconds=round(time.perf_counter() - start, 3),
        failed_new=counts.failed_new,
        failed_pairs=index.matches.count_failed(told_pairs),
        new=scanned.new,
        moved=scanned.moved,
        changed=scanned.changed,
        vanished=scanned.vanished,
        partly_seen=partly_seen,
        skips=tuple(scanned.skips),
        failures=tuple(FailedFile(path, failure) for path, failure in failures),
        pair_failures=tuple(index.matches.failures(_FAILURES_LISTED, told_pairs)),
        notes=tuple(scanned.notes),
        spent={part: round(seconds, 3) for part, seconds in spent.items()},
        run_id=run_id,
        not_looked_at=not_looked_at,
        skipped_kinds=dict(counts.skipped.most_common()),
    )
    index.catalogue.finish_run(run_id, "done", _run_counts(report))
    index.audit.record(what, run=run_id, folder=str(source.folder), **_run_counts(report))
    return report


def try_again(index: Index, root_id: int, *, all_failures: bool = False) -> None:
    """Have the photos of a root, and pairs, that failed before wait for another try.

    Args:
        all_failures: also those that will fail again; else those that failed for a passing cause,
            and those that another installation met, such as an older version.
    """
    if index.photos.any_failed() or index.matches.any_failed():
        from imagematch.stages.installation import installation

        here = installation()
        index.photos.retry(root_id, here, all_failures=all_failures)
        index.matches.retry(here, all_failures=all_failures)


def _work_off(
    index: Index,
    root_id: int,
    run_id: int,
    spent: dict[str, float],
    monitor: Monitor,
    executor: Executor,
) -> tuple[int, int, int, int]:
    """Describe, search and verify what waits; returns how many photos of the root were described,
    of how many of these that was not all they show, how many pairs matched, and how many were
    judged without a look at both pictures."""
    roots = Census(index.catalogue).roots()
    if not (index.matches.any_waiting() or any(root.pending or root.unsearched for root in roots)):
        for stage in ("describe", "search", "verify"):
            monitor.stage(stage, 0)
        return 0, 0, 0, 0
    from imagematch.stages import describe, search, verify

    described = describe.run(index, executor, root_id, run_id, monitor)
    spent.update(described.spent)
    with _timed(spent, "search"):
        search.run(index, root_id, monitor)
    _catch_up(index, executor, root_id, run_id, monitor)
    with _timed(spent, "verify"):
        verified = verify.run(index, executor, run_id, monitor)
    return described.described, described.partly_seen, verified.matches, verified.unseen


def _root(index: Index, request: IndexRequest) -> Path:
    """The folder to index: one root, however the way to it is spelled.

    Raises:
        UsageError: it overlaps with another folder of ads; each photo that they share would count
            as seen twice, and profiles would be linked with themselves.
        SourceUnavailable: there is no such folder, nor was there ever.
    """
    root = Path(os.path.realpath(request.folder))
    known_roots = Census(index.catalogue).roots()
    for known in known_roots:
        if known.collection != request.collection and not known.kind == request.kind == ADS:
            continue
        if request.kind == IGNORED:
            continue  # nobody shows these photos, so it does not matter how often they are seen
        same = known.path == root and known.collection == request.collection
        if not same and (root.is_relative_to(known.path) or known.path.is_relative_to(root)):
            raise UsageError(
                f"{root} has photos in common with {known.path}, which is in the collection "
                f"{known.collection!r} already; index that folder again instead"
            )
    if not root.exists() and root not in {known.path for known in known_roots}:
        raise SourceUnavailable(f"{root} does not exist")
    return root


def _catch_up(index: Index, executor: Executor, but: int, run_id: int, monitor: Monitor) -> None:
    """Describe and search what a change of the embedder, or a stopped run, left of other folders.

    Folders that are not there at the moment (an unplugged drive) wait for their own run, and so do
    those with photos on which imagematch keeps failing: that run says so.
    """
    from imagematch.stages import describe, search

    for root in Census(index.catalogue).roots():
        if root.id != but and (root.pending or root.unsearched) and root.path.is_dir():
            with suppress(KeepsFailing):
                describe.run(index, executor, root.id, run_id, monitor)
            search.run(index, root.id, monitor)


def _run_counts(report: IndexReport) -> dict[str, object]:
    listed = {"skips", "failures", "pair_failures", "notes", "run_id"}
    return {name: value for name, value in asdict(report).items() if name not in listed}


def query_photos(
    directory: Path, photos: Iterable[str], options: QueryOptions, monitor: Monitor
) -> Iterator[QueryResult]:
    """Look photo files up in an index, in the order given.

    Raises:
        UsageError: there is no such collection.
        IndexUnavailable, EmbedderUnavailable: the index can't be searched.
    """
    from imagematch.stages import query

    with Index.read(directory) as index:
        if options.collection:
            index.collections.get(options.collection)
        index.require_embedder(embedder_of(index.settings.describe, index.embedder))
        with photo_workers(index.settings) as executor:
            yield from query.run(index, executor, photos, options, monitor)


def explain_matches(
    directory: Path, results: Iterable[QueryResult]
) -> Iterator[tuple[str, QueryMatch, Drawing | None]]:
    """Draw what a query found, a drawing for each different photo; see `stages.explain.run`."""
    from imagematch.stages import explain

    with Index.read(directory) as index, photo_workers(index.settings, embedding=False) as executor:
        yield from explain.run(index, executor, results)


def link_profiles(
    directory: Path,
    change: Mapping[str, object] | None = None,
    ask: Callable[[Reach, int], object] = lambda _reach, _most: None,
) -> LinkReport:
    """Join the profiles of an index by the photos they share.

    Args:
        change: settings of the group `link` that differ from the index's own.
        ask: told beforehand how far photos reach that make more links each than `link.ask_links`,
            which comes with it, and about which nobody has decided; may raise.
    """
    from imagematch.stages import link

    with Index.read(directory) as index:
        settings = replace(index.settings.link, **(change or {}))  # type: ignore[arg-type]
        return link.run(index, settings, lambda reach: ask(reach, settings.ask_links))


def new_pairs(directory: Path, run_ids: Sequence[int]) -> tuple[PhotoPair, ...]:
    """The matches that some runs brought."""
    from imagematch.stages import news

    with Index.read(directory) as index:
        return news.run(index, index.settings.link, run_ids)


def unfinished(directory: Path) -> int:
    """How many photos an index does not answer for yet, because a run was stopped or goes on."""
    with Index.read(directory) as index:
        return sum(root.pending + root.unsearched for root in Census(index.catalogue).roots())


def galleries(directory: Path) -> list[tuple[str, int, int]]:
    """Name, files and photos of each gallery."""
    with Index.read(directory) as index:
        return [
            (name, files, photos)
            for name, (kind, files, photos) in index.collections.counts().items()
            if kind == GALLERY
        ]


def remove_gallery(directory: Path, name: str) -> int:
    """Forget a gallery; returns how many photos went with it.

    Raises:
        UsageError: there is no such gallery.
    """
    with Index.write(directory, "imagematch gallery remove") as index:
        collection = index.collections.get(name)
        if collection.kind != GALLERY:
            raise UsageError(f"{name!r} is {_KIND_WORDS[collection.kind]}, not a gallery")
        # Pictures first: a run that is killed must leave none of a photo that no row knows.
        index.pictures.discard(index.collections.last_photos(collection))
        gone = index.collections.remove(collection)
        index.remove_vectors(gone)
        index.audit.record("gallery removed", gallery=name, photos=len(gone))
        return len(gone)


def make_thumbnails(
    directory: Path, sightings: Iterable[StoredSighting], others: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """JPEGs for a report, by SHA-256 of the photo; what can't be made is left out.

    Args:
        others: further pictures, from the name they get in the answer to the path of the file.
    """
    from imagematch.stages import thumbnails
    from imagematch.stages.fingerprints import FileTask

    with Index.read(directory) as index:
        hashes = sorted({sighting.photo for sighting in sightings})
        tasks = {
            sha256: FileTask(paths, sha256, index.pictures.path(sha256))
            for sha256, paths in index.photos.paths_by_hash(hashes).items()
        }
        for name, path in (others or {}).items():
            tasks[name] = FileTask((path,), "")
        with photo_workers(index.settings, embedding=False) as executor:
            return thumbnails.run(executor, index.settings, tasks)


def judge_files(
    settings: Settings, pairs: Iterable[tuple[str, str]], monitor: Monitor
) -> Iterator[Judgement | Failure]:
    """Judge any pairs of photo files, without an index and without a search.

    Args:
        pairs: paths; the first of each is measured as a query is.

    Raises:
        EmbedderUnavailable: as `query_photos`.
    """
    from imagematch.stages import compare

    with photo_workers(settings) as executor:
        yield from compare.run(executor, settings, pairs, monitor)


def stored_matches(directory: Path) -> list[tuple[str, str, Judgement]]:
    """All matches that indexing found, as SHA-256 of both photos and the judgement."""
    with Index.read(directory) as index:
        found = list(index.matches.matches())
        ids = sorted({photo for match in found for photo in (match.photo_a, match.photo_b)})
        facts = index.photos.facts(ids)
        return [
            (facts[match.photo_a].sha256, facts[match.photo_b].sha256, match.judgement)
            for match in found
        ]


@contextmanager
def open_for_writing(directory: Path, request: IndexRequest) -> Iterator[Index]:
    """Open or make the index that a request is about, with the right embedder."""
    with ExitStack() as stack:
        if index_exists(directory):
            index = stack.enter_context(Index.write(directory, request.purpose))
            _settle_embedder(index, request)
        else:
            settings = presets.for_new_index(directory / "settings.toml", request.preset)
            embedder = embedder_of(settings.describe)
            index = stack.enter_context(
                Index.create(directory, request.purpose, settings, embedder)
            )
        yield index


def _settle_embedder(index: Index, request: IndexRequest) -> None:
    settings = index.settings
    if request.preset is not None:
        settings = presets.with_preset(settings, request.preset)
    embedder = embedder_of(settings.describe, index.embedder)
    if request.redescribe:
        index.change_embedder(embedder)
        index.audit.record("described again", embedder=str(embedder.identity))
    else:
        index.adopt(settings, embedder)


def embedder_of(settings: DescribeSettings, known: EmbedderRecord | None = None) -> EmbedderRecord:
    """Which embedder the settings name; raises as `find_model` and `dimensions`.

    Args:
        known: one that need not be loaded to know its dimensions, where it is the same model.
    """
    from imagematch.kernels import embeddings

    identity = embeddings.identity(settings)
    name = identity.name if settings.model else settings.preset
    if known is not None and known.identity == identity:
        return replace(known, preset=name)
    return EmbedderRecord(name, identity, embeddings.dimensions(settings))


@contextmanager
def _timed(spent: dict[str, float], part: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    spent[part] = time.perf_counter() - start
