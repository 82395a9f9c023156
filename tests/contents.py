"""What an index holds, without ids, times and runs: equal for two indexes that say the same."""

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from imagematch.stores.index import Index
from imagematch.stores.photos import VIEWS

#: Columns that say when or under which number something came, not what it is.
_INCIDENTAL = frozenset(
    {
        *("id", "file_id", "photo_id", "profile_id", "root_id", "collection_id"),
        *("photo_a", "photo_b", "run_id", "added_run", "scanned_run"),
        *("first_seen", "last_seen", "scanned_at", "mtime_ns"),
    }
)

_QUERIES = {
    "meta": "SELECT * FROM meta WHERE value <> ''",
    "collections": "SELECT * FROM collections",
    "photos": "SELECT * FROM photos",
    "profiles": "SELECT * FROM profiles",
    "files": """SELECT f.*, r.path AS root, c.name AS collection, p.sha256 FROM files f
        JOIN roots r ON r.id = f.root_id JOIN collections c ON c.id = r.collection_id
        LEFT JOIN photos p ON p.id = f.photo_id""",
    "sightings": """SELECT s.*, f.path, r.path AS root, f.state, o.site AS owner_site, o.handle
        FROM sightings s JOIN files f ON f.id = s.file_id JOIN roots r ON r.id = f.root_id
        LEFT JOIN profiles o ON o.id = s.profile_id""",
    "identifiers": """SELECT i.kind, i.value, i.confirmed, w.place, w.raw, f.path
        FROM identifiers i JOIN identifier_sightings w ON w.identifier_id = i.id
        JOIN sightings s ON s.id = w.sighting_id JOIN files f ON f.id = s.file_id""",
    "unread": "SELECT count(*) FROM unread_sightings",
    "matches": """SELECT m.*, a.sha256 AS a, b.sha256 AS b FROM matches m
        JOIN photos a ON a.id = m.photo_a JOIN photos b ON b.id = m.photo_b""",
    "candidates": """SELECT n.*, a.sha256 AS a, b.sha256 AS b FROM candidates n
        JOIN photos a ON a.id = n.photo_a JOIN photos b ON b.id = n.photo_b""",
}


def contents(index: Path) -> dict[str, list[Any]]:
    """Every table with natural keys in place of ids, the settings, and the vector of each view."""
    found: dict[str, list[Any]] = {}
    # Only to look: immutable would miss the log of a process that was killed.
    with closing(sqlite3.connect(f"file:{index}/catalogue.sqlite?mode=rw", uri=True)) as catalogue:
        catalogue.row_factory = sqlite3.Row
        for table, query in _QUERIES.items():
            found[table] = sorted(map(_facts, catalogue.execute(query)), key=repr)
    found["settings"] = (index / "settings.toml").read_text(encoding="utf-8").splitlines()
    found.update(_vectors(index))
    return found


def _facts(row: sqlite3.Row) -> dict[str, Any]:
    return {name: row[name] for name in sorted(row.keys()) if name not in _INCIDENTAL}


def _vectors(index: Path) -> dict[str, list[Any]]:
    """For each store, sorted: the photo's SHA-256, the number of the view, the vector's bytes."""
    found: dict[str, list[Any]] = {}
    with Index.read(index) as opened:
        for name, store in (("pdq", opened.pdq), ("embeddings", opened.embeddings)):
            if store is None:
                continue
            ids = store.ids()
            facts = opened.photos.facts(sorted({int(vector) // VIEWS for vector in ids}))
            found[name] = sorted(
                (facts[int(vector) // VIEWS].sha256, int(vector) % VIEWS, row.tobytes().hex())
                for vector, row in zip(ids, store.get(ids), strict=True)
            )
    return found


def progress(index: Path) -> tuple[int, ...]:
    """How far an index has come: its files, described and searched photos, candidates, matches."""
    counts = (
        "SELECT count(*) FROM files",
        "SELECT count(*) FROM photos WHERE state = 'described'",
        "SELECT count(*) FROM photos WHERE searched",
        "SELECT count(*) FROM candidates",
        "SELECT count(*) FROM matches",
    )
    if not (index / "catalogue.sqlite").exists():
        return ()
    with closing(sqlite3.connect(index / "catalogue.sqlite")) as catalogue:
        return tuple(catalogue.execute(count).fetchone()[0] for count in counts)


def differences(left: dict[str, list[Any]], right: dict[str, list[Any]]) -> list[str]:
    """What one index says and the other does not, in words; empty when they say the same."""
    found = []
    for table in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(table, []), right.get(table, [])
        found += [f"{table}, left only: {row}" for row in _without(ours, theirs)]
        found += [f"{table}, right only: {row}" for row in _without(theirs, ours)]
    return found


def _without(rows: Sequence[Any], others: Sequence[Any]) -> list[Any]:
    known = {repr(row) for row in others}
    missing = [row for row in rows if repr(row) not in known]
    return missing or (["a row more than once"] if len(rows) > len(others) else [])


def file_digests(folder: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
