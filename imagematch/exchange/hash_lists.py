"""A list of hashes that another program wrote: what can be looked up of each line out.

Read are one hash a line; CSV with a header that names `sha256`, `pdq`, `phash` or `hash`; CSV
without one, a hash first and what it is of last, as the programs of ThreatExchange write it
(`hash,quality,file name`); and JSONL, an object a line with the same names.
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from imagematch.errors import UsageError
from imagematch.records import ListedHashes, UnusableLine
from imagematch.surrogates import encodable

#: Hex digits of each kind of hash.
DIGITS = {"sha256": 64, "pdq": 64, "phash": 16}

#: A column for a hash of any kind, told by its length.
_ANY = "hash"
#: Columns that say which photo it is, the first that is there.
_LABELS = ("label", "name", "filename", "file", "path", "id")

#: Hashes that others use and an index does not keep, by their length.
_OTHERS = {32: "an MD5", 40: "a SHA-1"}

_HEX = re.compile(r"[0-9a-f]+")
_DELIMITERS = ",;\t|"
#: Longest line that is read, characters: what is longer is no list of hashes.
_LONGEST = 2**20

#: Bytes at the start of a list that tell its encoding.
_START = 4096

_WANTED = "wanted 64 hex digits (SHA-256 or PDQ) or 16 (pHash)"


def read(path: Path) -> Iterator[ListedHashes | UnusableLine]:
    """Read a list line by line, in order; blank lines and those that begin with # are left out.

    Of 64 digits without a column that says more, nobody can tell whether they are a SHA-256 or a
    PDQ hash: they are looked up as both, of which one finds nothing.

    Raises:
        UsageError: it is no list of hashes, or can't be read.
    """
    where = encodable(str(path))
    try:
        with path.open("rb") as file:  # once: the output of a program can't be read twice
            encoding = _encoding(file.peek()[:_START], where)
            yield from _entries(TextIOWrapper(file, encoding, "replace", newline=""), where)
    except OSError as error:
        raise UsageError(f"{where} can't be read: {error.strerror}") from error


def one(kind: str, text: str) -> ListedHashes:
    """A hash that was typed.

    Args:
        kind: one of `DIGITS`.

    Raises:
        UsageError: it is none of that kind.
    """
    try:
        typed: dict[str, Any] = {kind: _checked(kind, text)}
    except ValueError as error:
        raise UsageError(str(error)) from None
    return ListedHashes(**typed)


def _encoding(start: bytes, where: str) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if b"\0" in start:
        raise UsageError(f"{where} is no text; wanted a list of hashes, see README")
    return "utf-8-sig"


def _entries(file: TextIO, where: str) -> Iterator[ListedHashes | UnusableLine]:
    columns: Sequence[str] | None = None
    delimiter = ""
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST + 1), ""), start=1):
        if len(line) > _LONGEST:
            raise UsageError(f"{where}, line {number} is longer than {_LONGEST:,} characters")
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            if text.startswith("["):
                raise ValueError("a JSON array; wanted one object a line")
            if text.startswith("{"):
                yield _listed(_of_json(text), number)
                continue
            delimiter = delimiter or next((mark for mark in _DELIMITERS if mark in text), ",")
            cells = [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter))]
            if columns is None:
                columns = _header(cells)
                if columns:
                    continue
            yield _listed(_named(cells, columns), number)
        except (ValueError, csv.Error, RecursionError) as error:
            yield UnusableLine(number, encodable(str(error)))


def _header(cells: Sequence[str]) -> Sequence[str]:
    """Names of columns, in lower case, if these cells are some; else none."""
    names = [cell.lower() for cell in cells]
    return names if {*DIGITS, _ANY, "md5", "sha1"} & {*names} else ()


def _named(cells: Sequence[str], columns: Sequence[str]) -> Mapping[str, str]:
    if columns:
        return dict(zip(columns, cells, strict=False))
    return {_ANY: cells[0], "label": cells[-1] if len(cells) > 1 else ""}


def _of_json(text: str) -> Mapping[str, str]:
    entry = json.loads(text)
    return {
        str(name).lower(): value if isinstance(value, str) else json.dumps(value)
        for name, value in entry.items()
        if value is not None
    }


def _listed(values: Mapping[str, str], line: int) -> ListedHashes:
    """Raises ValueError: there is nothing to look up, or what is there is no hash."""
    found: dict[str, Any] = {
        kind: _checked(kind, values[kind]) for kind in DIGITS if values.get(kind)
    }
    if text := values.get(_ANY, ""):
        found = {kind: _checked(kind, text) for kind in _kinds(text)} | found
    if not found:
        others = [name for name in ("md5", "sha1") if values.get(name)]
        raise ValueError(
            f"an index keeps no {others[0].upper()}; {_WANTED}" if others else f"no hash; {_WANTED}"
        )
    label = next((values[name] for name in _LABELS if values.get(name)), "")
    return ListedHashes(**found, label=encodable(label), line=line)


def _kinds(text: str) -> Sequence[str]:
    kinds = [kind for kind, digits in DIGITS.items() if digits == len(text)]
    if not kinds and len(text) in _OTHERS:
        raise ValueError(
            f"{_shown(text)} looks like {_OTHERS[len(text)]}, which an index does not "
            f"keep; {_WANTED}"
        )
    return kinds or ["sha256"]


def _checked(kind: str, text: str) -> str:
    digits = text.strip().lower()
    if len(digits) != DIGITS[kind] or not _HEX.fullmatch(digits):
        names = {"sha256": "SHA-256", "pdq": "PDQ hash", "phash": "pHash"}
        raise ValueError(f"{_shown(text)} is no {names[kind]} of {DIGITS[kind]} hex digits")
    return digits


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}...")
