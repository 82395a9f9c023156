"""Scan: a source in, sightings in the catalogue out.

Compares what is there with what was there at the last scan, so that new, changed, moved and
vanished files are told apart. Folders are compared first, by a digest of all that they hold, and
only the files of those that differ one by one; only files that are new or were touched are read, to
hash them. Nothing is decoded here. New photos are handed on with the bytes that were hashed, so
that nobody reads them again.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import batched, compress
from pathlib import Path
from typing import NamedTuple

from imagematch.amounts import agreeing, counted
from imagematch.errors import SourceUnavailable
from imagematch.records import FoundAd, FoundFile, Locator, ManifestNote, SkippedFile
from imagematch.runtime.failures import failure_from, stops_run
from imagematch.runtime.monitor import Monitor
from imagematch.sources.reading import read_once
from imagematch.sources.source import UNREADABLE, Entry, FoundFolder, Source
from imagematch.stages.file_changes import LastScan, differs, is_to_be_read, is_touched
from imagematch.stages.scan_ads import AdScan
from imagematch.stores.index import Index
from imagematch.stores.known_files import KnownFile, KnownFolder, folder_of
from imagematch.stores.photos import NewPhoto, PendingPhoto
from imagematch.stores.scan_inserts import ScannedFile, inode_of, sightings_sha256
from imagematch.surrogates import encodable

#: Threads that hash; hashing leaves Python's lock, and a disk serves two readers better than one.
_THREADS = 2

#: Longest file whose bytes are held for whoever describes it, and bytes of files that are read
#: together. A longer file is read again.
_MOST_HELD, _HELD_TOGETHER = 16 * 2**20, 64 * 2**20


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What to scan.

    Attributes:
        collection: name; it must exist.
        allow_lost: go on although most known files are gone.
        reread: read every file, also those that look unchanged.
    """

    source: Source
    collection: str
    allow_lost: bool = False
    reread: bool = False


@dataclass(slots=True)
class ScanReport:
    """What a scan found; files unless it says otherwise.

    Attributes:
        seen: regular files; those that are plainly no pictures count here, and nowhere else.
        ads: without a photo, which count nowhere else.
        hidden: ids of known files that are not among these, because they or a folder above them
            can't be read; they stay as they were.
    """

    root_id: int
    seen: int = 0
    new: int = 0
    changed: int = 0
    moved: int = 0
    vanished: int = 0
    ads: int = 0
    skips: list[SkippedFile] = field(default_factory=list)
    notes: list[ManifestNote] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)


def begin(
    index: Index,
    request: ScanRequest,
    run_id: int,
    monitor: Monitor,
    expect: Callable[[], object] = lambda: None,
) -> "Scan":
    """Begin to bring the catalogue up to date with a source; `Scan.photos` does it.

    Args:
        expect: called once, when there are photos to describe or may be; the scan goes on.

    Raises:
        SourceUnavailable: the material is gone.
        ManifestError: the manifest can't be read.
    """
    collection = index.collections.get(request.collection)
    source, root = request.source, request.source.root
    labels = source.labels(index.collections.labels(collection, root))
    leave_out = [index.directory.resolve()]
    entries: Iterator[Entry] = iter(())
    count: Callable[[], int | None] = int
    if root.exists() or not request.allow_lost:  # else it is gone for good, and the caller knows it
        entries = source.entries(labels, index.settings.scan, leave_out)
        count = partial(source.count, labels, leave_out)
    root_id = index.collections.ensure_root(collection, root, labels)
    return Scan(index, request, entries, count, root_id, run_id, monitor, expect)


def add_file(
    index: Index, collection: str, found: FoundFile, folder: Path, sha256: str, run_id: int
) -> int:
    """Note one file of a folder, and leave what else is in there alone; returns the root's id.

    Args:
        collection: name; it must exist.
        found: directly in the folder.
        folder: absolute.
        sha256: of the file.
    """
    of = index.collections.get(collection)
    root_id = index.collections.ensure_root(of, folder, index.collections.labels(of, folder))
    shown = encodable(found.path)
    known = index.known.files_under(root_id, {found.path: shown}).get(found.path)
    if known is None or known.sha256 != sha256:
        file = ScannedFile(found, shown, sha256, None)
        index.sightings.add_files(root_id, run_id, [file], [known.id] if known else [])
    return root_id


def _with_folders(path: str) -> Iterator[str]:
    """A path, and every folder above it but the root."""
    while path:
        yield path
        path = folder_of(path)


class _Touched(NamedTuple):
    """A file to read, and what was known under its name."""

    found: FoundFile
    known: KnownFile | None


class Scan:
    """One scan of one root, which goes on as its new photos are taken.

    Attributes:
        report: complete when all photos were taken.
    """

    def __init__(
        self,
        index: Index,
        request: ScanRequest,
        entries: Iterator[Entry],
        count: Callable[[], int | None],
        root_id: int,
        run_id: int,
        monitor: Monitor,
        expect: Callable[[], object],
    ) -> None:
        self._index = index
        self._source = request.source
        self._root = str(request.source.root)
        self._entries, self._count = entries, count
        self._reread, self._allow_lost = request.reread, request.allow_lost
        self._run_id = run_id
        self._monitor = monitor
        self._expect = expect
        self._change_times = index.settings.scan.change_times
        self._expected = False
        self.report = ScanReport(root_id)
        self._batch = index.settings.store.batch
        self._last_complete = index.known.last_complete_run(root_id)
        self._known = LastScan(index.known, root_id)
        self._ads = AdScan(index, root_id, run_id)
        # Bytes that changed between a scan and being described; their folder may look as before.
        self._suspected = index.known.folders_of_failures(root_id, "changed")
        self._seen: dict[str, KnownFolder] = {}
        self._unread: set[str] = set()  # folders with a file that could not be read
        self._changed: set[int] = set()  # ids of files with other bytes than before
        self._listed: list[FoundFile] = []  # to be compared
        self._touched: list[_Touched] = []
        self._to_hold = 0  # bytes of these
        self._new: deque[NewPhoto] = deque()  # to be handed on
        self._handed_on = False
        self._relabelled: list[tuple[int, FoundFile]] = []

    def photos(self) -> Iterator[NewPhoto]:
        """Scan, and hand on the photos that nobody knew, when their rows are committed.

        The last ones come when the scan is over. They are steps of the stage "describe" if no
        others came before, and else, like those, of the stage "scan": who takes them advances it.

        Raises:
            SourceUnavailable: the material is gone, or most of its known files are.
            Stopped: as asked through the monitor; what was scanned is kept.
        """
        # Of a folder that is new, all is new, and takes as long as it takes to describe it.
        self._monitor.stage("scan", None if self._known.count else self._count())
        with ThreadPoolExecutor(_THREADS) as threads:
            for entry in self._entries:
                if isinstance(entry, FoundFolder):
                    self.report.skips += entry.skips
                    yield from self._look_through(threads, entry)
                elif isinstance(entry, FoundAd):
                    self._ads.take(entry)
                elif isinstance(entry, SkippedFile):
                    self.report.skips.append(entry)
                elif isinstance(entry, ManifestNote):
                    self.report.notes.append(entry)
                else:
                    self._listed.append(entry)
                    if len(self._listed) == self._batch:
                        yield from self._compare_listed(threads)
            yield from self._compare_listed(threads)
            self._store(threads)
        self._finish()
        if self._new and not self._handed_on:
            self._monitor.advance(len(self._new))
            self._monitor.stage("describe", len(self._new))
        yield from self._taken()

    def _taken(self) -> Iterator[NewPhoto]:
        """Hand on what has come together, and forget it one by one."""
        while self._new:
            self._handed_on = True
            yield self._new.popleft()

    def _look_through(self, threads: ThreadPoolExecutor, found: FoundFolder) -> Iterator[NewPhoto]:
        """Compare a folder as a whole, and its files only where that is not enough."""
        digest = found.digest(change_times=self._change_times)
        count = len(found.names)
        look_closer = self._reread or found.path in self._suspected
        if not look_closer and self._known.passes(found.path, digest):
            self.report.seen += count
            self._monitor.advance(count)
        else:
            for files in batched(found.files(), self._batch):
                yield from self._compare(threads, files)
        self._seen[found.path] = KnownFolder(count, digest)
        # Also where nothing is to be read: a walk over known files can be long.
        self._monitor.check()

    def _compare_listed(self, threads: ThreadPoolExecutor) -> Iterator[NewPhoto]:
        yield from self._compare(threads, self._listed)
        self._listed.clear()

    def _compare(
        self, threads: ThreadPoolExecutor, entries: Sequence[FoundFile]
    ) -> Iterator[NewPhoto]:
        """Sort files by whether they are to be read, and store what has come together."""
        known = self._known.take([entry.path for entry in entries])
        unread = 0
        for entry in entries:
            unread += not self._is_to_be_read(entry, known.get(entry.path))
            together = max(len(self._touched), len(self._relabelled))
            if together >= self._batch or self._to_hold >= _HELD_TOGETHER:
                self._store(threads)
                yield from self._taken()
        self.report.seen += len(entries)
        self._monitor.advance(unread)
        self._monitor.check()

    def _is_to_be_read(self, entry: FoundFile, known: KnownFile | None) -> bool:
        """Remember a file with those to read, or what is said anew about one that is not."""
        if known is None or self._reread or is_to_be_read(entry, known, self._change_times):
            self._touched.append(_Touched(entry, known))
            self._to_hold += entry.size if entry.size <= _MOST_HELD else 0
            if self._known.count == 0:
                self._call()  # all of a new folder is to be described, so they need not wait
            return True
        # Nobody asks what is said about something that was skipped.
        if not known.skipped and sightings_sha256(entry.sightings) != known.sightings_sha256:
            self._relabelled.append((known.id, entry))
        return False

    def _store(self, threads: ThreadPoolExecutor) -> None:
        """Commit what is to be read and what is said anew."""
        self._read(threads, self._touched)
        self._touched.clear()
        self._to_hold = 0
        self._index.sightings.refresh_files(self.report.root_id, self._relabelled)
        self._relabelled.clear()

    def _read(self, threads: ThreadPoolExecutor, touched: Sequence[_Touched]) -> None:
        """Hash files and store them, in one transaction."""
        if not touched:
            return
        scanned: list[ScannedFile] = []
        replaced: list[int] = []
        known_before: list[bool] = []
        mistaken: list[int] = []
        same: list[tuple[int, FoundFile]] = []
        held: dict[str, tuple[FoundFile, bytes]] = {}
        contents = self._contents(threads, touched)
        for (found, known), (file, data) in zip(touched, contents, strict=True):
            if file.failure is not None:
                self._unread.add(folder_of(found.path))
            if known is not None and (known.sha256, known.skipped) == (file.sha256, file.skipped):
                # The same content, or a file that still can't be read: that is no change either.
                if differs(file.found, known):
                    same.append((known.id, self._with_true_ctime(file.found, known)))
                continue
            scanned.append(file)
            if file.sha256 is not None:
                held.setdefault(file.sha256, (found, data))
            known_before.append(known is not None)
            if known is None:
                self.report.new += not file.skipped
            elif file.skipped and not is_touched(found, known):
                mistaken.append(known.id)
            else:
                replaced.append(known.id)
                self.report.changed += not file.skipped
        self._index.sightings.discard_files(self.report.root_id, mistaken)
        self._index.sightings.refresh_files(self.report.root_id, same)
        added = self._index.sightings.add_files(
            self.report.root_id, self._run_id, scanned, replaced
        )
        self._changed.update(compress(added.files, known_before))
        for sha256, photo_id in added.photos.items():
            found, data = held[sha256]
            locators = (Locator(self._root, found.path),)
            self._new.append(NewPhoto(PendingPhoto(photo_id, sha256, locators), data))
        self._monitor.advance(len(touched) - len(added.photos))
        if scanned and not self._expected and self._index.photos.count_pending(self.report.root_id):
            self._call()

    def _call(self) -> None:
        """Say once that there is work."""
        if not self._expected:
            self._expected = True
            self._expect()

    def _with_true_ctime(self, found: FoundFile, known: KnownFile) -> FoundFile:
        """A file whose content is the same, without its time of change where that is made up.

        Some file systems give another one whenever they are asked.
        """
        if is_touched(found, known):
            return found
        try:
            again = self._source.look_again(found)
        except OSError:
            return found
        return found if again.ctime_ns == found.ctime_ns else replace(found, ctime_ns=0)

    def _contents(
        self, threads: ThreadPoolExecutor, touched: Sequence[_Touched]
    ) -> Iterator[tuple[ScannedFile, bytes]]:
        """What is in some files, in order: those that were read under another name are not read.

        Bytes come with those that are not too long to be held.
        """
        new = [entry.found for entry in touched if entry.known is None]
        known = self._index.known.same_inodes(self.report.root_id, new)
        hashes = [
            known.get(inode)
            if entry.known is None and not self._reread and (inode := inode_of(entry.found))
            else None
            for entry in touched
        ]
        return threads.map(self._scanned, (entry.found for entry in touched), hashes)

    def _scanned(self, found: FoundFile, sha256: str | None) -> tuple[ScannedFile, bytes]:
        shown = encodable(found.path)
        if sha256 is not None:
            return ScannedFile(found, shown, sha256, None), b""
        most = self._index.settings.decode.max_bytes
        try:
            with self._source.open(Locator(self._root, found.path)) as file:
                read = read_once(file, found.path, found.size, most, _MOST_HELD)
        except Exception as error:
            if stops_run(error):
                raise
            return ScannedFile(found, shown, None, failure_from(error)), b""
        if read.skipped:
            none = replace(found, sightings=())
            return ScannedFile(none, shown, None, None, read.skipped), b""
        return ScannedFile(found, shown, read.sha256, None), read.data

    def _finish(self) -> None:
        """Tell moved from vanished files, unless so many are gone that the drive must be."""
        unreadable = {skip.path for skip in self.report.skips if skip.reason.startswith(UNREADABLE)}
        lost: list[KnownFile] = []
        for file in self._known.lost():
            if unreadable and not unreadable.isdisjoint(_with_folders(file.path)):
                self.report.hidden.append(file.id)
            else:
                lost.append(file)
        moved = self._moved(lost)
        gone = set(moved.values())
        vanished = [file for file in lost if file.id not in gone]
        self._check_lost(vanished)
        self._ads.finish()
        self._index.sightings.finish_scan(
            self.report.root_id,
            self._run_id,
            [file.id for file in vanished],
            moved,
            self._left_behind(hidden=bool(unreadable)),
        )
        self.report.ads = self._ads.seen
        self.report.moved = len(moved)
        self.report.vanished = sum(not file.skipped for file in vanished)
        # A file that was moved over another one is no change, and what a killed run added before
        # this one was not counted.
        over = len(moved.keys() & self._changed)
        self.report.changed -= over
        self.report.new -= sum(self._known.is_later(new) for new in moved) - over

    def _moved(self, lost: Sequence[KnownFile]) -> dict[int, int]:
        """Which lost files are there under another name: from the id of that to the id of this.

        What came since the last complete scan came in this run, or in one that was killed.
        """
        photos = {file.photo_id for file in lost if file.photo_id is not None}
        arrived = self._index.known.arrived(self.report.root_id, photos, self._last_complete)
        ids = {file.id for file in lost}  # a killed run may have seen a file that is gone again
        waiting = {
            photo: iter([file for file in files if file not in ids])
            for photo, files in arrived.items()
        }
        moved = {}
        for file in lost:
            if (new := next(waiting.get(file.photo_id or 0, iter(())), None)) is not None:
                moved[new] = file.id
        return moved

    def _left_behind(self, *, hidden: bool) -> dict[str, KnownFolder] | None:
        """The folders for the next scan to compare with; None where it finds the same already."""
        if hidden:
            seen = {}  # what is in there is known, but nobody saw it
        else:
            seen = self._seen | {
                path: self._seen[path]._replace(digest=b"")
                for path in self._unread & self._seen.keys()
            }
        return None if seen == self._known.folders else seen

    def _check_lost(self, vanished: Sequence[KnownFile]) -> None:
        """Refuse to believe that most photos are gone; others may delete what lay beside them."""
        limits = self._index.settings.scan
        if self._allow_lost or not vanished:
            return
        # An empty folder is what a drive leaves behind, however few files it had.
        emptied = self.report.seen == 0
        skipped = self._index.known.count_skipped(self.report.root_id, self._run_id)
        known, lost = self._known.count - skipped, sum(not file.skipped for file in vanished)
        guarded = known >= limits.lost_minimum
        if emptied or (guarded and lost > limits.lost_share * known):
            raise SourceUnavailable(
                f"{lost:,} of the {counted(known, 'file')} known in {self._root} "
                f"{agreeing(lost, 'is', 'are')} gone. Is a drive unplugged or a share not mounted? "
                f"Nothing was marked as vanished. If {agreeing(lost, 'it is', 'they are')} gone "
                f"for good, run again with --allow-lost"
            )
