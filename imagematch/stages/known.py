"""What a scan knows of a folder from the last one, asked for as far as it is needed.

Nothing here grows with the number of files but a byte for each.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from imagematch.sources.paths import printable
from imagematch.stores.known import KnownFile, KnownFiles, folder_of

#: Folders whose known files are read one folder at a time; of more, all known files are read once.
_FEW_FOLDERS = 50


class Known:
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
        found = self._files.files_under(self._root_id, {path: printable(path) for path in paths})
        for file in found.values():
            self._taken[file.id] = 1
            self._met[folder_of(file.path)] += 1
        return found

    def lost(self) -> list[KnownFile]:
        """All known files that are neither taken nor in a folder that passed."""
        return [
            file
            for file in self._perhaps_lost()
            if file.id <= self._last_id
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
