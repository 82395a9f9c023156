"""What a scan knows of a folder from the last one, asked for as far as it is needed.

Nothing here grows with the number of files but a byte for each.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from imagematch.kernels.sidecars import named_like_picture
from imagematch.records import FoundFile
from imagematch.stores.known_files import KnownFile, KnownFiles, folder_of
from imagematch.stores.scan_inserts import inode_of, sightings_sha256
from imagematch.surrogates import encodable

#: Folders whose known files are read one folder at a time; of more, all known files are read once.
_FEW_FOLDERS = 50


#: How photos have failed that were perhaps none.
_PERHAPS_SKIPPED = frozenset({"empty", "not_an_image", "unsupported", "corrupt"})


def is_touched(found: FoundFile, known: KnownFile) -> bool:
    """Whether a file plainly was written to."""
    return (found.size, found.mtime_ns) != (known.size, known.mtime_ns)


def is_to_be_read(found: FoundFile, known: KnownFile, change_times: bool) -> bool:
    """Whether a known file may have other bytes, or count as something else, than it did.

    Args:
        change_times: see `ScanSettings`.
    """
    return (
        is_touched(found, known)
        or (change_times and _was_changed(found, known))
        or (known.sha256 is None and not known.skipped)
        or known.failed == "changed"
        # An older version took all files for photos.
        or (known.failed in _PERHAPS_SKIPPED and not named_like_picture(found.path))
    )


def differs(found: FoundFile, known: KnownFile) -> bool:
    """Whether there is something to note about a file that was read and has the same content."""
    return (
        is_touched(found, known)
        or _was_changed(found, known)
        or (known.ctime_ns == 0 and inode_of(found) is not None)
        or sightings_sha256(found.sightings) != known.sightings_sha256
    )


def _was_changed(found: FoundFile, known: KnownFile) -> bool:
    """Whether the time of change is another one, where the file system can be trusted with it.

    Who sets the time of modification back, or moves another file over this one, can't set it.
    """
    trusted = known.ctime_ns != 0 and inode_of(found) is not None
    return trusted and found.ctime_ns != known.ctime_ns


class LastScan:
    """The files that were there at the last scan of a root, and which of them were met again.

    Attributes:
        folders: as the last scan left them; empty where files were changed since.
        count: of all known files.
    """

    def __init__(self, files: KnownFiles, root_id: int) -> None:
        self._files = files
        self._root_id = root_id
        self.folders = files.folders_of(root_id)
        self.count = sum(folder.files for folder in self.folders.values())
        if not self.folders:
            self.count = files.count(root_id)
        self._last_id = files.last_id()  # what comes during the scan has larger ones
        self._passed: set[str] = set()  # folders that hold what they held
        self._taken = bytearray(self._last_id + 1 if self.count else 0)  # 1 by id: was taken
        self._met: Counter[str] = Counter()  # known files that were taken, by folder

    def passes(self, path: str, digest: bytes) -> bool:
        """Whether a folder holds what it held at the last scan, so that nobody needs its files."""
        known = self.folders.get(path)
        if known is None or known.digest != digest:
            return False
        self._passed.add(path)
        return True

    def take(self, paths: Sequence[str]) -> dict[str, KnownFile]:
        """What was known of some files, by path; they are not lost then."""
        if not self.count:
            return {}
        found = self._files.files_under(self._root_id, {path: encodable(path) for path in paths})
        for file in found.values():
            self._taken[file.id] = 1
            self._met[folder_of(file.path)] += 1
        return found

    def is_later(self, file_id: int) -> bool:
        """Whether a file came during the scan."""
        return file_id > self._last_id

    def lost(self) -> list[KnownFile]:
        """All known files that are neither taken nor in a folder that passed."""
        return [
            file
            for file in self._perhaps_lost()
            if not self.is_later(file.id)
            and not self._taken[file.id]
            and folder_of(file.path) not in self._passed
        ]

    def _perhaps_lost(self) -> Iterator[KnownFile]:
        if self._met.total() + sum(self.folders[path].files for path in self._passed) == self.count:
            return iter(())
        short = [
            path
            for path, folder in self.folders.items()
            if path not in self._passed and self._met[path] < folder.files
        ]
        if not self.folders or len(short) > _FEW_FOLDERS:
            return self._files.files_of(self._root_id)
        return chain.from_iterable(self._files.files_of(self._root_id, path) for path in short)
