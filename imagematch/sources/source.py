"""What a source is: material in, entries and their bytes out.

A scan knows this protocol and no source by name. A locator says where a photo is; a source finds
out which there are, and what is known about each.
"""

import hashlib
import os
from array import array
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from imagematch.records import (
    FoundAd,
    FoundFile,
    Locator,
    ManifestNote,
    RootLabels,
    SightingInfo,
    SkippedFile,
)
from imagematch.settings import ScanSettings

#: How the reason of a folder or entry begins that the system does not let us look at.
UNREADABLE = "can't be read"

#: Nanoseconds since 1970 that arrays and databases can hold, to the year 2262.
_LATEST = 2**63 - 1


@dataclass(slots=True)
class FoundFolder:
    """The regular files directly in one folder, held so that a million of them fit in memory.

    A scan compares it as a whole, and passes over its files where its digest is as before.

    Attributes:
        path: relative to the root, as in `FoundFile`; "" for the root itself.
        info: what the path says about the files.
        names: of the files, ascending.
        skips: what else is in it and is not read.
    """

    path: str
    info: SightingInfo
    names: list[str] = field(default_factory=list)
    skips: list[SkippedFile] = field(default_factory=list)
    _sizes: array[int] = field(default_factory=lambda: array("q"))
    _mtimes: array[int] = field(default_factory=lambda: array("q"))
    _inodes: array[int] = field(default_factory=lambda: array("Q"))
    _ctimes: array[int] = field(default_factory=lambda: array("q"))

    def add(self, names: list[str], stats: list[os.stat_result]) -> None:
        """Take in files; of a `stat_result`, a twelfth of its memory is kept."""
        self.names += names
        self._sizes.extend([status.st_size for status in stats])
        self._mtimes.extend(within_64_bits([status.st_mtime_ns for status in stats]))
        self._inodes.extend([status.st_ino for status in stats])
        self._ctimes.extend(within_64_bits([change_time(status) for status in stats]))

    def files(self) -> Iterator[FoundFile]:
        """The files one by one."""
        prefix = f"{self.path}/" if self.path else ""
        facts = zip(self.names, self._sizes, self._mtimes, self._inodes, self._ctimes, strict=True)
        for name, size, mtime, inode, ctime in facts:
            yield FoundFile(prefix + name, size, mtime, (self.info,), inode, ctime)

    def digest(self, *, change_times: bool = True) -> bytes:
        """Identity of all that a scan compares: names, sizes, times and labels. 32 bytes.

        Args:
            change_times: also when data, owner or name of the files were last changed.
        """
        labels = (self.info.site, self.info.profile, *self.names)  # no name has a NUL or a "/"
        digest = hashlib.sha256("\0/".join(labels).encode("utf-8", "surrogatepass"))
        digest.update(self._sizes)
        digest.update(self._mtimes)
        digest.update(self._ctimes if change_times else b"without")
        return digest.digest()


def within_64_bits(times: list[int]) -> array[int]:
    """Times that fit into 64 bits: files can claim to be of the year 2381."""
    try:
        return array("q", times)
    except OverflowError:
        return array("q", [max(-_LATEST, min(_LATEST, time)) for time in times])


def change_time(status: os.stat_result) -> int:
    """The time of the last change, ns; 0 on Windows, which gives that of creation for it."""
    return 0 if os.name == "nt" else status.st_ctime_ns


#: What a source gives: folders where nothing but their path says more about their files.
type Entry = FoundFile | FoundFolder | FoundAd | SkippedFile | ManifestNote


class Source(Protocol):
    """Material that can be scanned. It holds all options that are about it, in one place."""

    @property
    def root(self) -> Path:
        """Absolute and without links: what an index knows the material by."""
        ...

    def check(self, leave_out: Collection[Path] = ()) -> None:
        """Refuse what can't be scanned, before anything is made for it.

        Raises:
            UsageError, ManifestError: the options do not fit the material.
            SourceUnavailable: it is missing or can't be opened.
        """
        ...

    def labels(self, before: RootLabels) -> RootLabels:
        """What is asked for, and where nothing is, what held at the last scan of the root.

        Raises:
            ManifestError: the manifest of the last scan is gone.
        """
        ...

    def entries(
        self, labels: RootLabels, settings: ScanSettings, leave_out: Collection[Path] = ()
    ) -> Iterator[Entry]:
        """All that there is, each file and each ad without a photo once, and a skip with its reason
        for what is not read.

        Args:
            leave_out: files and folders that are not to be read, such as the index itself.

        Raises:
            UsageError, ManifestError, SourceUnavailable: as `check`, or meanwhile.
        """
        ...

    def count(self, labels: RootLabels, leave_out: Collection[Path] = ()) -> int | None:
        """How many files `entries` will give, for progress; None where only reading all tells."""
        ...

    def look_again(self, found: FoundFile) -> FoundFile:
        """An entry with its size and times as they are now.

        Raises:
            OSError: it is gone, or can't be looked at.
        """
        ...

    def open(self, locator: Locator) -> AbstractContextManager[BinaryIO]:
        """The bytes of an entry.

        A scan asks for new entries in their order, from a few threads at a time, and at most
        `store.batch` entries behind `entries`; so a source that can only be read forwards may do
        so once.

        Raises:
            PhotoError: "unreadable", also within the block.
        """
        ...
