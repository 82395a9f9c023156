"""Scan: a folder and its manifest in, sightings in the catalogue out.

Compares what is there with what was there at the last scan, so that new, changed, moved and
vanished files are told apart. Only files that are new or were touched are read, to hash them;
nothing is decoded here.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from imagematch.errors import ManifestError, PhotoError, SourceUnavailable
from imagematch.monitor import Monitor
from imagematch.records import Failure, FoundFile, ManifestNote, SkippedFile
from imagematch.sources import folder, manifest
from imagematch.sources.folder import UNREADABLE
from imagematch.sources.paths import printable
from imagematch.sources.reading import sha256_of
from imagematch.stores.collections import RootLabels
from imagematch.stores.index import Index
from imagematch.stores.sightings import KnownFile, ScannedFile, sightings_sha256

#: Threads that hash; hashing leaves Python's lock, and a disk serves two readers better than one.
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Source:
    """Where sightings come from.

    Attributes:
        folder: absolute.
        collection: name; it must exist.
        manifest: CSV or JSONL that says more about the files; None: that of the folder's last run.
        no_manifest: leave the manifest of the last run, too.
        site_from_path: the first folder is the site, the second the profile; None: as at the
            folder's last run.
        allow_lost: go on although most known files are gone.
    """

    folder: Path
    collection: str
    manifest: Path | None = None
    no_manifest: bool = False
    site_from_path: bool | None = None
    allow_lost: bool = False


@dataclass(slots=True)
class ScanReport:
    """What a scan found; files unless it says otherwise."""

    root_id: int
    seen: int = 0  # regular files
    new: int = 0
    changed: int = 0
    moved: int = 0
    vanished: int = 0
    skips: list[SkippedFile] = field(default_factory=list)
    notes: list[ManifestNote] = field(default_factory=list)


def run(index: Index, source: Source, run_id: int, monitor: Monitor) -> ScanReport:
    """Bring the catalogue up to date with a folder.

    Raises:
        SourceUnavailable: the folder is gone, or most of its known files are.
        ManifestError: the manifest can't be read.
        Stopped: as asked through the monitor; what was scanned is kept.
    """
    collection = index.collections.get(source.collection)
    labels = _labels(source, index.collections.labels(collection, source.folder))
    entries = _entries(index, source, labels)
    root_id = index.collections.ensure_root(collection, source.folder, labels)
    return _Scan(index, source, root_id, run_id, monitor).run(entries)


def add_file(index: Index, collection: str, path: Path, sha256: str, run_id: int) -> int:
    """Note one file of a folder, and leave what else is in there alone; returns the root's id.

    Args:
        collection: name; it must exist.
        path: absolute.
        sha256: of the file.
    """
    of = index.collections.get(collection)
    root_id = index.collections.ensure_root(
        of, path.parent, index.collections.labels(of, path.parent)
    )
    status = path.stat()
    found = FoundFile(path.name, status.st_size, status.st_mtime_ns)
    known = next(
        (file for file in index.sightings.known_files(root_id) if file.path == path.name), None
    )
    if known is None or known.sha256 != sha256:
        file = ScannedFile(found, printable(path.name), sha256, None)
        index.sightings.add_files(root_id, run_id, [file], [known.id] if known else [])
    return root_id


def _labels(source: Source, before: RootLabels) -> RootLabels:
    """What is asked for, and where nothing is, what held at the folder's last run.

    Raises:
        ManifestError: the manifest of the last run is gone.
    """
    by_path = before.site_from_path if source.site_from_path is None else source.site_from_path
    if source.manifest is not None:
        return RootLabels(by_path, str(source.manifest.absolute()))
    if source.no_manifest or not before.manifest:
        return RootLabels(by_path)
    if not Path(before.manifest).exists():
        raise ManifestError(
            f"{before.manifest}, which {source.folder} was indexed with, is gone; give --manifest "
            f"FILE, or --no-manifest to go on without what it said about the photos"
        )
    return RootLabels(by_path, before.manifest)


def _entries(
    index: Index, source: Source, labels: RootLabels
) -> Iterator[FoundFile | SkippedFile | ManifestNote]:
    leave_out = [index.directory.resolve()]
    if source.allow_lost and not source.folder.exists():
        return iter(())  # gone for good, and the caller knows it
    if labels.manifest:
        leave_out.append(Path(labels.manifest).resolve())
    found = folder.walk(source.folder, site_from_path=labels.site_from_path, leave_out=leave_out)
    if not labels.manifest:
        return iter(found)
    return manifest.join(found, manifest.read(Path(labels.manifest), index.settings.scan))


class _Touched(NamedTuple):
    """A file to read, and what was known under its name."""

    found: FoundFile
    known: KnownFile | None


class _Scan:
    """One scan of one root."""

    def __init__(
        self, index: Index, source: Source, root_id: int, run_id: int, monitor: Monitor
    ) -> None:
        self._index = index
        self._source = source
        self._run_id = run_id
        self._monitor = monitor
        self._report = ScanReport(root_id)
        self._lost = {file.path: file for file in index.sightings.known_files(root_id)}
        self._known = len(self._lost)
        self._last_complete = index.sightings.last_complete_run(root_id)
        # Ids of files that came since the last complete scan, in killed runs too, by content:
        # what is lost under one name may be among them under another.
        self._arrived: dict[str, list[int]] = {}

    def run(self, entries: Iterator[FoundFile | SkippedFile | ManifestNote]) -> ScanReport:
        self._monitor.stage("scan", None)
        touched: list[_Touched] = []
        relabelled: list[tuple[int, FoundFile]] = []
        with ThreadPoolExecutor(_THREADS) as threads:
            for entry in entries:
                if isinstance(entry, SkippedFile):
                    self._report.skips.append(entry)
                elif isinstance(entry, ManifestNote):
                    self._report.notes.append(entry)
                else:
                    self._compare(entry, touched, relabelled)
                if self._report.seen % self._index.settings.store.batch == 0:
                    # Also where nothing is to be read: a walk over known files can be long.
                    self._monitor.check()
                if len(touched) >= self._index.settings.store.batch:
                    self._read(threads, touched)
                    touched.clear()
            self._read(threads, touched)
        self._index.sightings.refresh_files(relabelled)
        self._finish()
        return self._report

    def _compare(
        self,
        entry: FoundFile,
        touched: list[_Touched],
        relabelled: list[tuple[int, FoundFile]],
    ) -> None:
        self._report.seen += 1
        self._monitor.advance()
        known = self._lost.pop(entry.path, None)
        if known is None or known.sha256 is None:
            touched.append(_Touched(entry, known))
            return
        if (entry.size, entry.mtime_ns) != (known.size, known.mtime_ns):
            touched.append(_Touched(entry, known))
            return
        if known.added_run > self._last_complete:
            self._arrived.setdefault(known.sha256, []).append(known.id)
        if sightings_sha256(entry.sightings) != known.sightings_sha256:
            relabelled.append((known.id, entry))

    def _read(self, threads: ThreadPoolExecutor, touched: Sequence[_Touched]) -> None:
        """Hash files and store them, in one transaction."""
        scanned: list[ScannedFile] = []
        replaced: list[int] = []
        same: list[tuple[int, FoundFile]] = []
        for (found, known), file in zip(
            touched, threads.map(self._scanned, (entry.found for entry in touched)), strict=True
        ):
            if known is not None and known.sha256 == file.sha256:
                # The same content, or a file that still can't be read: that is no change either.
                same.append((known.id, found))
                continue
            scanned.append(file)
            if known is not None:
                replaced.append(known.id)
                self._report.changed += 1
            else:
                self._report.new += 1
        self._index.sightings.refresh_files(same)
        ids = self._index.sightings.add_files(self._report.root_id, self._run_id, scanned, replaced)
        for file, file_id in zip(scanned, ids, strict=True):
            if file.sha256:
                self._arrived.setdefault(file.sha256, []).append(file_id)

    def _scanned(self, found: FoundFile) -> ScannedFile:
        shown = printable(found.path)
        try:
            sha256 = sha256_of(
                str(self._source.folder / found.path), self._index.settings.decode.max_bytes
            )
        except PhotoError as error:
            return ScannedFile(found, shown, None, Failure(error.code, str(error)))
        return ScannedFile(found, shown, sha256, None)

    def _finish(self) -> None:
        """Tell moved from vanished files, unless so many are gone that the drive must be."""
        unread = tuple(
            skip.path + "/" for skip in self._report.skips if skip.reason.startswith(UNREADABLE)
        )
        lost = [file for file in self._lost.values() if not file.path.startswith(unread)]
        moved: dict[int, int] = {}
        vanished: list[int] = []
        for file in lost:
            arrived = self._arrived.get(file.sha256 or "", [])
            if arrived:
                moved[arrived.pop(0)] = file.id
            else:
                vanished.append(file.id)
        self._check_lost(len(vanished))
        self._index.sightings.finish_scan(self._report.root_id, self._run_id, vanished, moved)
        self._report.moved, self._report.vanished = len(moved), len(vanished)
        self._report.new -= len(moved)

    def _check_lost(self, vanished: int) -> None:
        limits = self._index.settings.scan
        if self._source.allow_lost:
            return
        # An empty folder is what a drive leaves behind, however few files it had.
        emptied = vanished > 0 and self._report.seen == 0
        guarded = self._known >= limits.lost_minimum
        if emptied or (guarded and vanished > limits.lost_share * self._known):
            raise SourceUnavailable(
                f"{vanished} of the {self._known} files known in {self._source.folder} are gone. "
                f"Is a drive unplugged or a share not mounted? Nothing was marked as vanished. If "
                f"they are gone for good, run again with --allow-lost"
            )
