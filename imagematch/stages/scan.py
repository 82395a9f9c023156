"""Scan: a folder and its manifest in, sightings in the catalogue out.

Compares what is there with what was there at the last scan, so that new, changed, moved and
vanished files are told apart. Only files that are new or were touched are read, to hash them;
nothing is decoded here.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from imagematch.errors import PhotoError, SourceUnavailable
from imagematch.monitor import Monitor
from imagematch.records import Failure, FoundFile, ManifestNote, SkippedFile
from imagematch.sources import folder, manifest
from imagematch.sources.paths import printable
from imagematch.sources.reading import sha256_of
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
        manifest: CSV or JSONL that says more about the files.
        site_from_path: the first folder is the site, the second the profile.
        allow_lost: go on although most known files are gone.
    """

    folder: Path
    collection: str
    manifest: Path | None = None
    site_from_path: bool = False
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
    entries = _entries(index, source)
    collection = index.sightings.collection(source.collection)
    root_id = index.sightings.ensure_root(collection, source.folder)
    return _Scan(index, source, root_id, run_id, monitor).run(entries)


def _entries(index: Index, source: Source) -> Iterator[FoundFile | SkippedFile | ManifestNote]:
    leave_out = [index.directory.resolve()]
    if source.manifest:
        leave_out.append(source.manifest.resolve())
    found = folder.walk(source.folder, site_from_path=source.site_from_path, leave_out=leave_out)
    if source.manifest is None:
        return iter(found)
    return manifest.join(found, manifest.read(source.manifest, index.settings.scan))


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
        # Files that came since the last complete scan, a killed one's included: an old name's
        # content may turn up under one of these.
        self._arrived: dict[int, list[KnownFile | int]] = {}

    def run(self, entries: Iterator[FoundFile | SkippedFile | ManifestNote]) -> ScanReport:
        self._monitor.stage("scan", None)
        touched: list[tuple[FoundFile, KnownFile | None]] = []
        relabelled: list[tuple[int, FoundFile]] = []
        arrived: list[KnownFile] = []
        with ThreadPoolExecutor(_THREADS) as threads:
            for entry in entries:
                if isinstance(entry, SkippedFile):
                    self._report.skips.append(entry)
                    continue
                if isinstance(entry, ManifestNote):
                    self._report.notes.append(entry)
                    continue
                self._report.seen += 1
                self._monitor.advance()
                known = self._lost.pop(entry.path, None)
                if known is not None and known.added_run > self._last_complete:
                    arrived.append(known)
                if known is None or _touched(entry, known):
                    touched.append((entry, known))
                elif sightings_sha256(entry.sightings) != known.sightings_sha256:
                    relabelled.append((known.id, entry))
                if len(touched) >= self._index.settings.store.batch:
                    self._read(threads, touched)
                    touched = []
            self._read(threads, touched)
        self._index.sightings.refresh_files(relabelled)
        self._finish()
        return self._report
