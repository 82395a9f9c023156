"""A folder of photos as a source, with a manifest that says more about them where there is one."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from imagematch.errors import ManifestError, UsageError
from imagematch.records import (
    IDENTIFIER_KINDS,
    FoundFile,
    IdentifierKind,
    Locator,
    ManifestNote,
    RootLabels,
)
from imagematch.settings import ScanSettings
from imagematch.sources import folder, reading
from imagematch.sources.source import Entry, FoundFolder
from imagematch.sources.table_rows import COLUMNS, brief

#: Longest name of a column that can be marked, characters.
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder, and what says where its photos are from.

    Attributes:
        folder: as somebody gave it; may be relative, and lead over links.
        manifest: CSV or JSONL that says more about the files; None: that of the folder's last scan.
        no_manifest: leave the manifest of the last scan, too.
        site_from_path: the first folder is the site, the second the profile; None: as at the
            folder's last scan.
        identifiers: columns of the manifest that hold identifiers, as `marked` gives them; None: as
            at the folder's last scan.
    """

    folder: Path
    manifest: Path | None = None
    no_manifest: bool = False
    site_from_path: bool | None = None
    identifiers: tuple[tuple[str, IdentifierKind], ...] | None = None

    @property
    def root(self) -> Path:
        """See `Source.root`."""
        return Path(os.path.realpath(self.folder))

    def check(self, leave_out: Collection[Path] = ()) -> None:
        """See `Source.check`."""
        if self.manifest is not None and not self.manifest.is_file():
            raise ManifestError(f"there is no manifest {self.manifest}")
        folder.walk(self.folder, leave_out=leave_out)

    def labels(self, before: RootLabels) -> RootLabels:
        """See `Source.labels`."""
        by_path = before.site_from_path if self.site_from_path is None else self.site_from_path
        columns = before.identifiers if self.identifiers is None else self.identifiers
        if self.manifest is not None:
            return RootLabels(by_path, str(self.manifest.absolute()), columns)
        if self.no_manifest or not before.manifest:
            return RootLabels(by_path, identifiers=columns)
        if not Path(before.manifest).exists():
            raise ManifestError(
                f"{before.manifest}, which {self.root} was indexed with, is gone; give --manifest "
                f"FILE, or --no-manifest to go on without what it said about the photos"
            )
        return RootLabels(by_path, before.manifest, columns)

    def entries(
        self, labels: RootLabels, settings: ScanSettings, leave_out: Collection[Path] = ()
    ) -> Iterator[Entry]:
        """See `Source.entries`; whole folders, or files one by one where there is a manifest."""
        root, by_path = self.root, labels.site_from_path
        leave_out = _left_out(labels, leave_out)
        if not labels.manifest:
            return folder.folders(root, site_from_path=by_path, leave_out=leave_out)
        from imagematch.sources import manifest  # the phone numbers of the world, for few runs

        found = folder.walk(root, site_from_path=by_path, leave_out=leave_out)
        said = manifest.read(Path(labels.manifest), settings, root)
        return chain(_unused(labels, said.further), manifest.join(found, said))

    def count(self, labels: RootLabels, leave_out: Collection[Path] = ()) -> int:
        """See `Source.count`."""
        found = folder.folders(self.root, leave_out=_left_out(labels, leave_out))
        return sum(len(entry.names) for entry in found if isinstance(entry, FoundFolder))

    def look_again(self, found: FoundFile) -> FoundFile:
        """See `Source.look_again`."""
        return folder.lone_file(self.folder / found.path)

    def open(self, locator: Locator) -> AbstractContextManager[BinaryIO]:
        """See `Source.open`."""
        return reading.opened(locator)


def marked(columns: Mapping[str, str]) -> tuple[tuple[str, IdentifierKind], ...]:
    """Columns of a manifest that hold identifiers, with their kind, by name.

    Raises:
        UsageError: there is no such kind, or such a column has none.
    """
    found: dict[str, IdentifierKind] = {}
    for given, kind in columns.items():
        name = given.strip().lower() if given.strip().lower() in COLUMNS else given.strip()
        if kind not in IDENTIFIER_KINDS:
            raise UsageError(
                f"{kind!r} is no kind of identifier; wanted one of {', '.join(IDENTIFIER_KINDS)}"
            )
        if not name or name == "path" or len(name) > _LONGEST_NAME:
            raise UsageError(f"{brief(given)!r} can't be a column that holds identifiers")
        found[name] = kind
    return tuple(sorted(found.items()))


def _unused(labels: RootLabels, further: Collection[str]) -> Iterator[ManifestNote]:
    """Notes on marked columns that no row has anything in: somebody may have mistyped them."""
    for name, _ in labels.identifiers:
        if name not in COLUMNS and name not in further:
            yield ManifestNote("no_such_column", name, "marked as an identifier, but no row has it")


def _left_out(labels: RootLabels, leave_out: Collection[Path]) -> list[Path]:
    """What is not read, with the manifest, which may lie in the folder."""
    return [*leave_out, *([Path(labels.manifest).resolve()] if labels.manifest else [])]
