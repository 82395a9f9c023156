"""A manifest in, what it says about each file out: `read` keeps its rows, `join` gives them to
the files of a walk and notes every row and file that is left over. Rows about no file are ads.

Rows are somebody else's claims: paths that leave the root are refused, values are kept as text.
"""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

from imagematch.kernels.phones import checked_region, to_e164
from imagematch.records import FoundAd, FoundFile, ManifestNote, SightingInfo, SkippedFile
from imagematch.settings import ScanSettings
from imagematch.sources import table_rows
from imagematch.sources.absolute import is_address, within
from imagematch.sources.paths import composed, loose, relative
from imagematch.surrogates import encodable, without_surrogates

# Columns that `SightingInfo` has a field for, in the order in which rows are packed.
_FIELDS = table_rows.COLUMNS[1:]
# Ten digits from 2001 to 2033; a leading 2 is rather 2024010210, a time without separators.
_UNIX_TIME = re.compile("1[0-9]{9}([0-9]{3})?")
# The shape is checked first, as `fromisoformat` takes any character for the T and, in Python
# 3.12, drops the last digits of 2024010210.
_DATE = re.compile(r"[0-9]{4}(-?)([0-9]{2}\1[0-9]{2}|W[0-9]{2}\1[0-9])")
_DATE_AND_TIME = re.compile(_DATE.pattern + "[T ].+")


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One usable row."""

    line: int  # 1 is the first line of the file
    path: str  # see `paths.relative`
    info: SightingInfo


@dataclass(frozen=True, slots=True)
class Manifest:
    """The usable rows of a manifest, packed so that a million of them fit in memory.

    Attributes:
        packed: `paths.loose` form of a path -> the rows whose path has it, in order, each as
            `_packed` makes it.
        last_line: of the last usable row; 0 without any.
        notes: bad and duplicate rows.
        packed_ads: `FoundAd.key_of` -> the rows without a path that have it, in order.
        further: columns with a value in some row that `SightingInfo` has no field for.
    """

    packed: Mapping[str, Sequence[bytes]]
    last_line: int
    notes: tuple[ManifestNote, ...]
    packed_ads: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    further: frozenset[str] = frozenset()

    def rows(self) -> Iterator[ManifestRow]:
        """All rows about files, in no order of interest."""
        return (_unpacked(row) for rows in self.packed.values() for row in rows)

    def ads(self) -> Iterator[FoundAd]:
        """The ads without a photo, by their first rows."""
        for key, rows in self.packed_ads.items():
            yield FoundAd(key, tuple(_unpacked(row).info for row in rows))

    def rows_like(self, path: str) -> list[ManifestRow]:
        """The rows that may mean a file: their path equals its own but for case and spelling."""
        return [_unpacked(row) for row in self.packed.get(loose(path), ())]


def read(path: Path, settings: ScanSettings, root: Path | None = None) -> Manifest:
    """Read a manifest, CSV or JSONL.

    Values are stripped, and lose NULs and lone surrogates; phones become E.164 and times ISO 8601
    (also from Unix seconds and milliseconds) where they can be understood, else they stay as they
    are. Empty cells of further columns are dropped.

    Args:
        root: the folder that it describes, absolute and without links; without it, every absolute
            path is refused.

    Raises:
        ManifestError: the file is missing, neither CSV nor JSONL, or has no column `path` nor
            `profile`.
        SettingsError: `settings.phone_region` is no country code.
    """
    kept = _Kept(checked_region(settings.phone_region), root)
    notes: list[ManifestNote] = []
    for row in table_rows.rows(path):
        note = row if isinstance(row, ManifestNote) else kept.add(row)
        if note is not None:
            notes.append(note)
    return Manifest(
        kept.packed, kept.last_line, tuple(notes), kept.packed_ads, frozenset(kept.further)
    )


class _Kept:
    """What becomes a `Manifest`, while it is read."""

    def __init__(self, region: str | None, root: Path | None) -> None:
        self.packed: dict[str, list[bytes]] = {}
        self.packed_ads: dict[str, list[bytes]] = {}
        self.further: set[str] = set()
        self.last_line = 0
        self._digests: set[bytes] = set()  # of rows, to know a second one like it
        self._region = region
        self._root = root

    def add(self, row: table_rows.Row) -> ManifestNote | None:
        """Keep a row, or say why not."""
        path = _path(row, self._root)
        if isinstance(path, ManifestNote):
            return path
        known = [_known(column, row.values.get(column, ""), self._region) for column in _FIELDS]
        further = _further(row)
        self.further.update(further[::2])
        packed = _packed(row, path, known, further)
        if not path:
            return self._add_ad(row.line, packed)
        digest = _digest(path, known)
        if digest in self._digests:
            return _note("duplicate_row", row.line, f"{path}: the same as an earlier row")
        self._digests.add(digest)
        self.packed.setdefault(loose(path), []).append(packed)
        self.last_line = row.line
        return None

    def _add_ad(self, line: int, packed: bytes) -> ManifestNote | None:
        info = _unpacked(packed).info
        if not info.profile:
            return _note("bad_row", line, "neither a path nor a profile")
        # Its further columns count: they may be all that tells a profile's rows apart.
        digest = _digest("", packed.decode("utf-8", "surrogatepass").split("\0")[1:])
        if digest in self._digests:
            return _note("duplicate_row", line, "the same as an earlier row")
        self._digests.add(digest)
        self.packed_ads.setdefault(FoundAd.key_of(info), []).append(packed)
        return None


def _path(row: table_rows.Row, root: Path | None) -> str | ManifestNote:
    """The file that a row is about; "" for none."""
    written = row.values.get("path", "").replace("\0", "")
    if not written.strip():
        return ""
    path = None if is_address(written) else relative(written)
    if path is None and root is not None:
        path = within(written, root)
    if path is None:
        return _note("bad_row", row.line, f"{written}: no path may leave the root")
    if not path.strip():
        return _note("bad_row", row.line, f"{written}: the root itself, not a file in it")
    return path


def _note(problem: str, line: int, message: str) -> ManifestNote:
    return ManifestNote(problem, f"line {line}", table_rows.brief(message))


def _known(column: str, value: str, region: str | None) -> str:
    value = _clean(value)
    if column == "phone" and value:
        return to_e164(value, region)
    if column == "posted_at" and value:
        return _iso_time(value)
    return value


def _clean(value: str) -> str:
    return without_surrogates(value.replace("\0", "")).strip()


def _iso_time(value: str) -> str:
    """ISO 8601 where that can be read out of a value; no time or zone is made up."""
    if _UNIX_TIME.fullmatch(value):
        seconds = int(value) / (1000 if len(value) == 13 else 1)
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
        if _DATE_AND_TIME.fullmatch(value):
            return datetime.fromisoformat(value).isoformat()
    except ValueError:
        pass  # the 31st of February and the like
    return value


def _digest(path: str, known: Sequence[str]) -> bytes:
    text = "\0".join((path, *known))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _further(row: table_rows.Row) -> list[str]:
    """Name and value of each further column, one after the other."""
    parts: list[str] = []
    for column, value in row.values.items():
        if column not in table_rows.COLUMNS and (value := _clean(value)):
            parts += (_clean(column), value)
    return parts


def _packed(row: table_rows.Row, path: str, known: Sequence[str], further: Sequence[str]) -> bytes:
    """Line, path, the fields, then the further columns, with NULs between."""
    parts = [str(row.line), path, *known, *further]
    return "\0".join(parts).encode("utf-8", "surrogatepass")


def _unpacked(row: bytes) -> ManifestRow:
    line, path, *values = row.decode("utf-8", "surrogatepass").split("\0")
    known, further = values[: len(_FIELDS)], values[len(_FIELDS) :]
    site, profile, url, ad_id, posted_at, phone, email, location, text = known
    extra = dict(zip(further[::2], further[1::2], strict=True))
    info = SightingInfo(site, profile, url, ad_id, posted_at, phone, email, location, text, extra)
    return ManifestRow(int(line), path, info)


def join(
    found: Iterable[FoundFile | SkippedFile], manifest: Manifest
) -> Iterator[FoundFile | FoundAd | SkippedFile | ManifestNote]:
    """Give each file what the manifest says about it.

    A row means the file with exactly its path; else the only file whose path has the same Unicode
    normal form (macOS writes NFD); else the only one that is equal but for case. Several rows for
    a file are several sightings, in row order. A file without a row keeps what `walk` knew; so
    does a row without site or profile.

    Args:
        found: what `walk` gave.
        manifest: what `read` gave.

    Returns:
        The manifest's own notes first, and the ads without a photo; then every file and skip of
        `found`, in its order but for files that other spellings might mean, which come after the
        others; notes on files without a row beside them; notes on rows without a file at the end.
    """
    yield from manifest.notes
    yield from manifest.ads()
    claimed = bytearray(manifest.last_line + 1)  # by line: 1 once a file has the row
    skipped: dict[str, str] = {}
    unsettled: dict[str, list[FoundFile]] = {}
    for item in found:
        if isinstance(item, SkippedFile):
            if loose(item.path) in manifest.packed:
                skipped[item.path] = item.reason
            yield item
            continue
        rows = manifest.rows_like(item.path)
        if any(row.path != item.path for row in rows):
            unsettled.setdefault(loose(item.path), []).append(item)
            continue
        for row in rows:
            claimed[row.line] = 1
        yield from _described(item, rows)
    for files in unsettled.values():
        yield from _settled(files, manifest.rows_like(files[0].path), claimed)
    for row in manifest.rows():
        if not claimed[row.line]:
            yield _without_file(row, skipped)


def _described(
    file: FoundFile, rows: Sequence[ManifestRow], why: str = "not in the manifest"
) -> Iterator[FoundFile | ManifestNote]:
    """One file with its rows, or with a note why it has none."""
    if rows:
        known = file.sightings[0]
        yield replace(file, sightings=tuple(_filled(row.info, known) for row in rows))
    else:
        yield file
        yield ManifestNote("file_without_row", encodable(file.path), why)


def _filled(info: SightingInfo, known: SightingInfo) -> SightingInfo:
    if (info.site or not known.site) and (info.profile or not known.profile):
        return info
    return replace(info, site=info.site or known.site, profile=info.profile or known.profile)


def _settled(
    files: Sequence[FoundFile], rows: Sequence[ManifestRow], claimed: bytearray
) -> Iterator[FoundFile | ManifestNote]:
    """Give rows to files where all of their paths are loosely equal."""
    meant: dict[str, list[ManifestRow]] = {file.path: [] for file in files}
    for row in rows:
        owner = None if claimed[row.line] else _meant(row.path, meant)
        if owner is not None:
            meant[owner].append(row)
            claimed[row.line] = 1
    unclear = not all(claimed[row.line] for row in rows)
    why = "a row is like it, but other files are, too" if unclear else "not in the manifest"
    for file in files:
        yield from _described(file, meant[file.path], why)


def _meant(path: str, files: Collection[str]) -> str | None:
    """The file that a row's path means, of several that are loosely equal; None if unclear."""
    if path in files:
        return path
    same = [file for file in files if composed(file) == composed(path)] or list(files)
    return same[0] if len(same) == 1 else None


def _without_file(row: ManifestRow, skipped: Mapping[str, str]) -> ManifestNote:
    reason = skipped.get(row.path)
    what = "there is no such file" if reason is None else f"skipped: {reason}"
    return _note("row_without_file", row.line, f"{row.path}: {what}")
