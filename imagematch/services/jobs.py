"""The jobs file: jobs.toml in, the folders that `imagematch reindex` keeps up to date out."""

import os
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagematch.errors import JobsError, UsageError
from imagematch.records import IdentifierKind
from imagematch.services import schedules
from imagematch.services.schedules import Schedule
from imagematch.sources.folder_source import FolderSource, marked

#: The collection of a job that names none.
_ADS = "ads"

#: Key of a job -> what its value must be.
_KEYS: dict[str, type] = {
    "name": str,
    "folder": str,
    "manifest": str,
    "collection": str,
    "gallery": bool,
    "site_from_path": bool,
    "identifiers": dict,
    "schedule": str,
    "every": str,
}
_TYPE_WORDS = {
    bool: "true or false",
    str: "text that is not empty",
    dict: 'a table such as {telegram = "handle"}',
}


@dataclass(frozen=True, slots=True)
class Job:
    """One folder that is looked at again and again.

    Attributes:
        source: its folder is absolute; what it does not say is not taken from the last run.
        gallery: the collection is a reference gallery.
        schedule: None: only a plain `imagematch reindex` runs the job.
    """

    name: str
    source: FolderSource
    collection: str = _ADS
    gallery: bool = False
    schedule: Schedule | None = None


def load(path: Path) -> tuple[Job, ...]:
    """Read a jobs file; paths in it are relative to the folder that it lies in.

    Raises:
        JobsError: it can't be read, or a job in it is incomplete or contradicts another.
    """
    tables = _tables(path)
    jobs = tuple(_job(path, number, table) for number, table in enumerate(tables, 1))
    if not jobs:
        raise JobsError(f"{path} has no job; a job begins with a line [[job]]: docs/scheduling.md")
    _check_together(path, jobs)
    return jobs


def select(jobs: Sequence[Job], name: str | None) -> tuple[Job, ...]:
    """The job of a name, or all.

    Raises:
        JobsError: there is no job of that name.
    """
    chosen = tuple(job for job in jobs if name is None or job.name == name)
    if not chosen:
        known = ", ".join(job.name for job in jobs)
        raise JobsError(f"there is no job {name!r}; the jobs are {known}")
    return chosen


def _tables(path: Path) -> list[Any]:
    try:
        # Windows editors put a byte order mark in front.
        data = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise JobsError(
            f"there is no jobs file {path}; name one with --jobs, or write one: docs/scheduling.md"
        ) from None
    except (OSError, ValueError) as error:
        raise JobsError(
            f"{path} can't be read: {error}. In TOML, a Windows path stands in single quotes"
        ) from error
    unknown = sorted(data.keys() - {"job"})
    tables = data.get("job", [])
    if unknown or not isinstance(tables, list):
        found = f"{unknown[0]!r}" if unknown else "[job]"
        raise JobsError(f"{path}: {found} is unknown; a job begins with a line [[job]]")
    return tables


def _job(path: Path, number: int, table: Any) -> Job:
    if not isinstance(table, dict):
        raise JobsError(f"{path}: job {number} is no table; a job begins with a line [[job]]")
    name = table.get("name")
    where = f"{path}: job {name!r}" if isinstance(name, str) else f"{path}: job {number}"
    for key, value in table.items():
        if key not in _KEYS:
            raise JobsError(f"{where}: unknown key {key!r}; known: {', '.join(_KEYS)}")
        if type(value) is not _KEYS[key] or (isinstance(value, str) and not value.strip()):
            raise JobsError(f"{where}: {key} is {value!r}, but must be {_TYPE_WORDS[_KEYS[key]]}")
    if name is None:
        raise JobsError(f'{where} has no name; give it one: name = "ads"')
    if "folder" not in table and "manifest" not in table:
        raise JobsError(f'{where} has no folder; say what to read: folder = "ads"')
    if table.get("gallery") and "collection" not in table:
        raise JobsError(f'{where}: a gallery needs a name: collection = "missing"')
    manifest = _inside(path, table["manifest"]) if "manifest" in table else None
    folder = _inside(path, table["folder"]) if "folder" in table else None
    if folder is None:
        assert manifest is not None
        folder = manifest.parent
    return Job(
        name,
        FolderSource(
            folder,
            manifest,
            manifest is None,
            table.get("site_from_path", False),
            _identifiers(where, table.get("identifiers", {})),
        ),
        table.get("collection", _ADS),
        table.get("gallery", False),
        _schedule(where, table),
    )


def _identifiers(where: str, columns: Mapping[str, Any]) -> tuple[tuple[str, IdentifierKind], ...]:
    try:
        return marked({name: str(kind) for name, kind in columns.items()})
    except UsageError as error:
        raise JobsError(f"{where}: identifiers: {error}") from error


def _inside(path: Path, value: str) -> Path:
    """A path of the jobs file; one folder has one spelling, so that it is one root of an index."""
    return Path(os.path.normpath(path.parent.absolute() / value))


def _schedule(where: str, table: dict[str, Any]) -> Schedule | None:
    if "schedule" in table and "every" in table:
        raise JobsError(f"{where} has both `schedule` and `every`; keep one of them")
    try:
        if "schedule" in table:
            return schedules.cron(table["schedule"])
        if "every" in table:
            return schedules.interval(table["every"])
    except JobsError as error:
        raise JobsError(f"{where}: {error}") from error
    return None


def _check_together(path: Path, jobs: Sequence[Job]) -> None:
    if twice := _first_repeated(jobs, lambda job: job.name):
        raise JobsError(f"{path}: two jobs are called {twice[1].name!r}; names must differ")
    if twice := _first_repeated(jobs, lambda job: (job.collection, job.source.folder)):
        folder = twice[1].source.folder
        raise JobsError(
            f"{path}: the jobs {twice[0].name!r} and {twice[1].name!r} both read {folder} "
            f"into the collection {twice[1].collection!r}; make one job of them"
        )
    kinds = {job.collection: job for job in jobs}
    for job in jobs:
        if job.gallery != kinds[job.collection].gallery:
            raise JobsError(
                f"{path}: the collection {job.collection!r} is a gallery in one of the jobs "
                f"{job.name!r} and {kinds[job.collection].name!r}, but not in the other"
            )


def _first_repeated(jobs: Iterable[Job], key: Callable[[Job], object]) -> tuple[Job, Job] | None:
    seen: dict[object, Job] = {}
    for job in jobs:
        if key(job) in seen:
            return seen[key(job)], job
        seen[key(job)] = job
    return None
