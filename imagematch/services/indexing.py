"""A source to an index that is up to date with it: scan, describe, search, verify, identify.

Stages that look at pictures are imported where they are used: that takes as long as a run over
100,000 files that have not changed.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from imagematch.errors import KeepsFailing, SourceUnavailable, UsageError
from imagematch.records import FailedFile, IndexReport, ManifestNote
from imagematch.runtime.executors import Executor
from imagematch.runtime.monitor import Monitor
from imagematch.services.runs import recorded_run
from imagematch.services.session import Session
from imagematch.sources.source import Source
from imagematch.stages import identify, scan, tally
from imagematch.stages.scan import ScanReport, ScanRequest
from imagematch.stores.census import Census
from imagematch.stores.index import Index
from imagematch.stores.photos import NewPhoto

if TYPE_CHECKING:
    from imagematch.stages.describe import DescribeReport

#: Failures named in a report; the catalogue has them all.
_FAILURES_LISTED = 10_000

ADS, GALLERY, IGNORED = "ads", "gallery", "ignored"
KIND_WORDS = {ADS: "a collection of ads", GALLERY: "a gallery", IGNORED: "the ignore list"}


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """What to index.

    Attributes:
        source: the material, with all options about it.
        kind: of the collection, if it is new: "ads", "gallery" or "ignored".
        preset: of a new index; an existing one may change to another with the same model. None:
            the index's own.
        redescribe: change an existing index to `preset`, and describe every photo again.
        retry_failed: try failed files again, not only those that failed for a passing cause.
        reread: read every file, also those that look unchanged; `redescribe` does so, too.
        purpose: the command, for those who find the index locked.
        job: name of a scheduled job; "" outside of one.
    """

    source: Source
    collection: str = ADS
    kind: str = ADS
    preset: str | None = None
    redescribe: bool = False
    retry_failed: bool = False
    allow_lost: bool = False
    reread: bool = False
    purpose: str = "imagematch index"
    job: str = ""


def index_folder(session: Session, request: IndexRequest, monitor: Monitor) -> IndexReport:
    """Bring an index up to date with a folder.

    What is done already is not done again, and a stopped or killed run goes on where it was.

    Raises:
        UsageError, SourceUnavailable, IndexUnavailable, EmbedderUnavailable: nothing was changed.
        Stopped: as asked through the monitor; everything done so far is kept.
        KeepsFailing: imagematch itself failed again and again; so is what was done before.
    """
    _check_inputs(session.directory, request)
    with session.running(
        request.purpose, preset=request.preset, redescribe=request.redescribe
    ) as index:
        return update(session, index, request, monitor)


def _check_inputs(directory: Path, request: IndexRequest) -> None:
    """Refuse what can't work before an empty index is left behind."""
    source = request.source
    if directory.exists() and not directory.is_dir():
        raise UsageError(f"--index {directory} is a file; an index is a directory")
    if source.root.exists() or not request.allow_lost:
        source.check([directory])


def update(session: Session, index: Index, request: IndexRequest, monitor: Monitor) -> IndexReport:
    """Do the work of `index_folder` in an index that is open for a run; raises as it does."""
    start = time.perf_counter()
    _check_collection(index, request)
    root = request.source.root
    _check_root(index, request, root)
    what = "reindex" if request.job else "index"
    with recorded_run(index, what, request.job, str(root)) as run:
        work = _work(session, index, request, run.id, monitor)
        report = _report(index, root, work, run.id, start)
        run.counts = _run_counts(report)
    index.audit.record(what, run=run.id, folder=str(root), **run.counts)
    return report


def _check_collection(index: Index, request: IndexRequest) -> None:
    """Make the collection where it is new; one of another kind is refused."""
    collection = index.collections.ensure(request.collection, request.kind)
    if collection.kind != request.kind:
        raise UsageError(
            f"{request.collection!r} is {KIND_WORDS[collection.kind]}, not "
            f"{KIND_WORDS[request.kind]}"
        )


def _check_root(index: Index, request: IndexRequest, root: Path) -> None:
    """Refuse a root that can't be told from others.

    Raises:
        UsageError: it overlaps with another folder of ads; each photo that they share would count
            as seen twice, and profiles would be linked with themselves.
        SourceUnavailable: there is no such folder, nor was there ever.
    """
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


@dataclass(slots=True)
class _Work:
    """What the stages of a run did.

    Attributes:
        hidden: photos that wait to be described, only in files that the scan could not see.
        spent: seconds by part.
        described: photos of the root.
        partly_seen: of how many of these not all that they show was looked at.
        matches: pairs that matched.
        not_looked_at: pairs that were judged without a look at both pictures.
        found_new: the scan handed photos on, which were described as it went.
        notes: on texts whose identifiers could not be read.
    """

    scanned: ScanReport
    hidden: set[int]
    spent: dict[str, float]
    described: int = 0
    partly_seen: int = 0
    matches: int = 0
    not_looked_at: int = 0
    found_new: bool = False
    notes: Sequence[ManifestNote] = ()

    def count(self, described: "DescribeReport") -> None:
        """Add photos of the root that were described."""
        self.described += described.described
        self.partly_seen += described.partly_seen
        for part, seconds in described.spent.items():
            self.spent[part] = self.spent.get(part, 0.0) + seconds


def _work(
    session: Session, index: Index, request: IndexRequest, run_id: int, monitor: Monitor
) -> _Work:
    spent: dict[str, float] = {}
    executor = session.workers(index.settings)
    with _timed(spent, "scan"):
        scanning = scan.begin(index, _to_scan(request), run_id, monitor, executor.start)
    new = _each_timed(spent, "scan", scanning.photos())
    described = _describe_new(index, executor, new, run_id, monitor)
    root_id = scanning.report.root_id
    try_again(index, root_id, run_id, all_failures=request.retry_failed)
    hidden = index.photos.pending_only_in(root_id, scanning.report.hidden)
    work = _Work(scanning.report, hidden, spent)
    if described is not None:
        work.count(described)
        work.found_new = True
    _work_off(index, work, run_id, monitor, executor)
    work.notes = _identify(index, executor, spent, monitor)
    return work


def _identify(
    index: Index, executor: Executor, spent: dict[str, float], monitor: Monitor
) -> Sequence[ManifestNote]:
    """Read identifiers where sightings wait for it; returns notes on what could not be."""
    with _timed(spent, "identify"):
        return identify.run(index, executor, monitor).notes


def _describe_new(
    index: Index, executor: Executor, new: Iterator[NewPhoto], run_id: int, monitor: Monitor
) -> "DescribeReport | None":
    """Describe photos while the scan finds them; None where it finds none."""
    first = next(new, None)
    if first is None:
        return None
    from imagematch.stages import describe

    return describe.run_new(index, executor, chain([first], new), run_id, monitor)


def _to_scan(request: IndexRequest) -> ScanRequest:
    reread = request.reread or request.redescribe
    return ScanRequest(request.source, request.collection, request.allow_lost, reread)


def try_again(index: Index, root_id: int, run_id: int, *, all_failures: bool = False) -> None:
    """Have the photos of a root, and pairs, that failed before this run wait for another try.

    Args:
        all_failures: also those that will fail again; else those that failed for a passing cause,
            and those that another installation met, such as an older version.
    """
    if index.photos.any_failed() or index.matches.any_failed():
        from imagematch.stages.installation import installation

        here = installation()
        index.photos.retry(root_id, here, run_id, all_failures=all_failures)
        index.matches.retry(here, all_failures=all_failures)


def _work_off(index: Index, work: _Work, run_id: int, monitor: Monitor, executor: Executor) -> None:
    """Describe, search and verify what waits."""
    root_id = work.scanned.root_id
    roots = Census(index.catalogue).roots()
    if not (
        index.matches.any_waiting()
        or index.decisions.unsearched()
        or any(root.pending or root.unsearched for root in roots)
    ):
        for stage in ("search", "verify") if work.found_new else ("describe", "search", "verify"):
            monitor.stage(stage, 0)
        return
    from imagematch.stages import describe, search, verify

    if not work.found_new or any(root.pending for root in roots if root.id == root_id):
        work.count(describe.run(index, executor, root_id, run_id, monitor))
    with _timed(work.spent, "search"):
        search.run(index, root_id, monitor)
    _catch_up(index, executor, root_id, run_id, monitor)
    with _timed(work.spent, "verify"):
        verified = verify.run(index, executor, run_id, monitor)
    work.matches, work.not_looked_at = verified.matches, verified.unseen


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


def _report(index: Index, root: Path, work: _Work, run_id: int, start: float) -> IndexReport:
    """The counts of a run, and what failed, for the first time, since one that told of it."""
    scanned = work.scanned
    told, told_pairs = index.catalogue.last_done(str(root)), index.catalogue.last_done()
    failures = index.sightings.failed_files(scanned.root_id, _FAILURES_LISTED, told)
    counts = tally.run(index, scanned, told, work.hidden)
    return IndexReport(
        seen=counts.seen,
        described=work.described,
        known=counts.seen - work.described - counts.failed - counts.skipped.total(),
        skipped=counts.skipped.total(),
        failed=counts.failed,
        matches=work.matches,
        seconds=round(time.perf_counter() - start, 3),
        failed_new=counts.failed_new,
        failed_pairs=index.matches.count_failed(told_pairs),
        new=scanned.new,
        moved=scanned.moved,
        changed=scanned.changed,
        vanished=scanned.vanished,
        partly_seen=work.partly_seen,
        skips=tuple(scanned.skips),
        failures=tuple(FailedFile(path, failure) for path, failure in failures),
        pair_failures=tuple(index.matches.failures(_FAILURES_LISTED, told_pairs)),
        notes=(*scanned.notes, *work.notes),
        spent={part: round(seconds, 3) for part, seconds in work.spent.items()},
        run_id=run_id,
        not_looked_at=work.not_looked_at,
        skipped_kinds=dict(counts.skipped.most_common()),
        ads_without_photo=scanned.ads,
    )


def _run_counts(report: IndexReport) -> dict[str, object]:
    listed = {"skips", "failures", "pair_failures", "notes", "run_id"}
    return {name: value for name, value in asdict(report).items() if name not in listed}


@contextmanager
def _timed(spent: dict[str, float], part: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        spent[part] = spent.get(part, 0.0) + time.perf_counter() - start


def _each_timed[T](spent: dict[str, float], part: str, things: Iterator[T]) -> Iterator[T]:
    """Pass things on, and count how long each is waited for."""
    while True:
        with _timed(spent, part):
            thing = next(things, None)
        if thing is None:
            return
        yield thing
