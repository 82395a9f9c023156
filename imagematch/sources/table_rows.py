"""A CSV or JSONL file in, its rows as text by column out, with a note for each row that is off.

Written for files that people and scrapers make: any of four separators, UTF-8 or UTF-16, single
bytes of Windows-1252 in between, NULs, line breaks in cells, a quotation mark that never closes.
Rows stream: memory does not grow with the file.
"""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from imagematch.amounts import counted
from imagematch.errors import ManifestError
from imagematch.records import ManifestNote
from imagematch.surrogates import encodable

#: Columns with a meaning; others are kept as they are.
COLUMNS = (
    "path",
    "site",
    "profile",
    "url",
    "ad_id",
    "posted_at",
    "phone",
    "email",
    "location",
    "text",
)

#: Longest line that is read, characters; also the limit of a cell, which the csv module sets at
#: 128 Ki: too little for the HTML of an ad.
MAX_LINE = 16 * 2**20
#: A CSV row over more lines is taken for a quotation mark that never closes.
MAX_ROW_LINES = 1000

_SEPARATORS = ",;\t|"
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\s*", re.IGNORECASE)  # Excel's own first line
_BINARY = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "compressed with gzip",
}
# What errors="surrogateescape" makes of bytes that are not UTF-8, and those as Windows-1252.
_ESCAPED = re.compile("[\udc80-\udcff]")
_WINDOWS_1252 = {
    0xDC00 + byte: bytes([byte]).decode("cp1252", errors="replace") for byte in range(0x80, 0x100)
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row; columns of `COLUMNS` under those names, others under their own."""

    line: int  # 1 is the first line of the file
    values: Mapping[str, str]


def rows(path: Path) -> Iterator[Row | ManifestNote]:
    """Read a table row by row, in order; a note stands in the place of a bad row.

    Blank rows are passed over. Column names count without blanks around them, and for `COLUMNS`
    in any case. In JSONL, numbers, lists and objects become JSON text and null becomes "". A table
    of ads without photos needs no `path`, but a `profile`; a note says so.

    Raises:
        ManifestError: the file is missing or unreadable, is no CSV and no JSONL, or has no column
            `path` nor `profile`.
    """
    if not path.is_file():
        what = "is not a file" if path.exists() else "does not exist"
        raise ManifestError(f"{_shown(path)} {what}; wanted a manifest as CSV or JSONL")
    try:
        with path.open("rb") as file:
            yield from _table(file, path)
    except OSError as error:
        raise ManifestError(f"{_shown(path)} can't be read: {error.strerror}") from error


def _table(file: BinaryIO, path: Path) -> Iterator[Row | ManifestNote]:
    encoding = _encoding(file, path)
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
    lines = _Lines(text, path)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise ManifestError(f"{_shown(path)} is empty; wanted a manifest as CSV or JSONL")
    lines.put_back([first])
    start = first.lstrip()[0]
    if start == "[":
        raise ManifestError(
            f"{_shown(path)} is one JSON array; wanted CSV, or JSON with one object a line"
        )
    if start == "{" or path.suffix.lower() in (".jsonl", ".ndjson"):
        yield from _json_rows(lines, path)
    else:
        yield from _csv_rows(lines, path)
    if lines.mended:
        yield ManifestNote(
            "not_utf8",
            f"line {lines.first_mended}",
            f"the first of {counted(lines.mended, 'line that is', 'lines that are')} not UTF-8; "
            "read as Windows-1252",
        )


def _encoding(file: BinaryIO, path: Path) -> str:
    start = file.read(4)
    file.seek(0)
    for magic, what in _BINARY.items():
        if start.startswith(magic):
            raise ManifestError(f"{_shown(path)} is {what}; save it as CSV in UTF-8 and name that")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    # No byte order mark, but Latin letters with a NUL on every other side.
    if len(start) == 4 and start[1] == start[3] == 0:
        return "utf-16-le"
    if len(start) == 4 and start[0] == start[2] == 0:
        return "utf-16-be"
    return "utf-8-sig"


class _Lines:
    """The lines of a file, line ends kept, numbered, cleaned, and with a way to put some back.

    Attributes:
        number: of the line handed out last; 0 before the first.
        mended: lines that were not UTF-8.
        first_mended: number of the first of them.
    """

    def __init__(self, text: TextIO, path: Path) -> None:
        self.number = 0
        self.mended = 0
        self.first_mended = 0
        self._text = text
        self._path = path
        self._back: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._back.pop() if self._back else self._read()
        self.number += 1
        return line

    def put_back(self, lines: Sequence[str]) -> None:
        self._back.extend(reversed(lines))
        self.number -= len(lines)

    def _read(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE:
            raise ManifestError(
                f"{_shown(self._path)}: line {self.number + 1} is longer than {MAX_LINE} "
                "characters; wanted a manifest as CSV or JSONL"
            )
        if _ESCAPED.search(line):
            self.mended += 1
            self.first_mended = self.first_mended or self.number + 1
            line = line.translate(_WINDOWS_1252)
        return line.replace("\0", "")


def _csv_rows(lines: _Lines, path: Path) -> Iterator[Row | ManifestNote]:
    # Process-wide, so it is only ever raised.
    csv.field_size_limit(max(MAX_LINE, csv.field_size_limit()))
    records = _csv_records(lines, _separator(lines))
    _, header = next(records, (0, None))
    columns = _columns(header or [])
    if "path" not in columns and "profile" in columns:
        yield _no_paths(1)
    elif "path" not in columns:
        raise ManifestError(
            f"{_shown(path)} has no column `path`; its first line has "
            f"{brief(', '.join(columns)) or 'nothing'}; wanted names such as "
            f"{', '.join(COLUMNS[:4])}"
        )
    for line, cells in records:
        if cells is None:
            yield _bad_row(line, "a quotation mark that never closes")
        elif len(cells) < len(columns) or _filled(cells[len(columns) :]):
            if _filled(cells):
                yield _bad_row(
                    line, f"{counted(len(cells), 'field')} where the header has {len(columns)}"
                )
        elif _filled(cells):
            # Spreadsheets write empty cells beyond the last column.
            yield Row(line, dict(zip(columns, cells, strict=False)))


def _filled(cells: Iterable[str]) -> bool:
    return any(cell.strip() for cell in cells)


def _separator(lines: _Lines) -> str:
    """Choose the separator under which the header has a `path` or else a `profile` column, and most
    columns."""
    header = next(lines)
    if named := _SEPARATOR_LINE.fullmatch(header):
        return named[1]
    lines.put_back([header])

    def fit(separator: str) -> tuple[bool, bool, int]:
        columns = _columns(next(csv.reader([header], delimiter=separator)))
        return "path" in columns, "profile" in columns, len(columns)

    return max(_SEPARATORS, key=fit)


def _csv_records(lines: _Lines, separator: str) -> Iterator[tuple[int, list[str] | None]]:
    """Split lines into records, each with its line number; None where a quote never closes.

    A record that does not parse costs one line: the lines that it had swallowed are read again.
    """
    while True:
        taken: list[str] = []
        start = lines.number + 1
        feed = _kept(itertools.islice(lines, MAX_ROW_LINES), taken)
        try:
            cells = next(csv.reader(feed, delimiter=separator, strict=True), None)
        except csv.Error:
            lines.put_back(taken[1:])
            yield start, _sloppy(taken[0], separator)
            continue
        if cells is None:
            return
        yield start, cells


def _kept(lines: Iterable[str], taken: list[str]) -> Iterator[str]:
    for line in lines:
        taken.append(line)
        yield line


def _sloppy(line: str, separator: str) -> list[str] | None:
    """Read a line such as `a.jpg,"Anna" blonde`, which is not proper CSV but plain enough."""
    if line.count('"') % 2:
        return None
    return next(csv.reader([line], delimiter=separator))


def _json_rows(lines: _Lines, path: Path) -> Iterator[Row | ManifestNote]:
    any_path = any_profile = False
    for line in lines:
        if not line.strip():
            continue
        row = _json_row(line, lines.number)
        if isinstance(row, Row):
            any_path = any_path or "path" in row.values
            any_profile = any_profile or "profile" in row.values
        yield row
    if any_profile and not any_path:
        yield _no_paths(1)
    elif not any_path:
        raise ManifestError(f"{_shown(path)}: no line of it is a JSON object with a `path`")


def _json_row(line: str, number: int) -> Row | ManifestNote:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _bad_row(number, f"not JSON: {error}")
    if not isinstance(value, dict):
        return _bad_row(number, "not a JSON object")
    return Row(number, dict(zip(_columns(value), map(_as_text, value.values()), strict=True)))


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _columns(names: Iterable[str]) -> list[str]:
    """Bring column names into the spelling of `COLUMNS`; name the nameless; tell twins apart."""
    columns: list[str] = []
    for position, name in enumerate(names, start=1):
        name = name.strip()
        known = name.lower()
        name = known if known in COLUMNS else name or f"column {position}"
        columns.append(f"{name} ({position})" if name in columns else name)
    return columns


def _no_paths(line: int) -> ManifestNote:
    what = "no column `path`, so every row is an ad without a photo"
    return ManifestNote("no_path_column", f"line {line}", what)


def _bad_row(line: int, message: str) -> ManifestNote:
    return ManifestNote("bad_row", f"line {line}", message)


def brief(text: str) -> str:
    """Text from a file, fit for a message: printable and not endless."""
    text = encodable(text)
    return text if len(text) <= 200 else text[:200] + "…"


def _shown(path: Path) -> str:
    return encodable(str(path))
