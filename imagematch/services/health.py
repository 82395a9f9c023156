"""Whether an index is well, and how to mend it: the recipe of `doctor`.

Every check copes with an index that can't be opened, because that is when it is needed.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagematch import settings as settings_module
from imagematch.amounts import agreeing, counted
from imagematch.errors import (
    ImagematchError,
    IndexDamaged,
    IndexTooNew,
    IndexTooOld,
    IndexUnavailable,
    PhotoError,
    SettingsError,
    ShapeError,
)
from imagematch.records import Locator
from imagematch.services.environment import Finding, check_environment
from imagematch.settings import Settings
from imagematch.sources.reading import sha256_of
from imagematch.stores.audit import AuditLog
from imagematch.stores.catalogue import Catalogue
from imagematch.stores.census import Census, RootCount
from imagematch.stores.directory import catalogue_path
from imagematch.stores.durable import PARTIAL_SUFFIX
from imagematch.stores.faiss_store import FaissVectorStore
from imagematch.stores.index import Index, repair_vectors
from imagematch.stores.layout import (
    embedder_of,
    index_exists,
    open_catalogue,
    store_kinds,
)
from imagematch.stores.lock import holder
from imagematch.surrogates import encodable

_REPAIR = "run `imagematch doctor --repair`"
_GO_ON = "run the command that indexed it again, with the same options"

#: Files that are listed by name.
_LISTED = 3

#: Indexed files that are read to see whether they still are what they were: a second on most disks.
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Checkup:
    """Everything that `doctor` found.

    Attributes:
        directory: of the index, which need not exist.
        environment: about this machine.
        index: about the index; what is left after a repair.
        repaired: what a repair did, in plain words.
    """

    directory: Path
    environment: tuple[Finding, ...]
    index: tuple[Finding, ...]
    repaired: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Its JSON, see docs/schemas/doctor.schema.json."""
        from imagematch import contract, conversions

        return conversions.builtins(
            contract.Checkup(
                index=encodable(str(self.directory)),
                environment=[finding.shape() for finding in self.environment],
                findings=[finding.shape() for finding in self.index],
                repaired=conversions.texts(self.repaired),
            )
        )

    @property
    def exit_code(self) -> int:
        """3 where the index has problems, 1 where only this machine has, else 0."""
        if any(finding.state == "problem" for finding in self.index):
            return IndexUnavailable.exit_code
        if any(finding.state == "problem" for finding in self.environment):
            return 1
        return 0


def check(
    directory: Path, *, wanted: bool, repair: bool = False, all_files: bool = False
) -> Checkup:
    """Check this machine and, where there is one, an index.

    Args:
        wanted: somebody named the index, so that it is a problem if there is none.
        repair: mend what can be mended first.
        all_files: read every indexed file, not only some.

    Raises:
        IndexLocked, StorageFull, IndexUnavailable: the repair can't be done now.
    """
    if not _may_exist(directory):
        missing = Finding(
            "index",
            "problem" if wanted else "ok",
            f"there is no index in {directory}",
            "make one: `imagematch index FOLDER`" if wanted else "",
        )
        return Checkup(directory, tuple(check_environment(directory, None)), (missing,))
    repaired = tuple(_repair(directory)) if repair else ()
    found = tuple(_check_index(directory, all_files))
    return Checkup(
        directory, tuple(check_environment(directory, _settings_in_use(directory))), found, repaired
    )


def _may_exist(directory: Path) -> bool:
    try:
        return index_exists(directory)
    except (IndexUnavailable, SettingsError):
        return True  # the checks say what is in the way


# --- repair ------------------------------------------------------------------------------------


def _repair(directory: Path) -> Iterator[str]:
    """Mend what can be; what could not be is found by the checks that follow."""
    purpose = "imagematch doctor --repair"
    try:
        older = _is_older(directory)
        dropped = repair_vectors(directory, purpose)
        yield from (f"dropped: {problem}" for problem in dropped)
        with Index.write(directory, purpose) as index:
            if older:
                version = index.catalogue.version()
                yield f"brought the catalogue from an older schema to version {version}"
            # Opening compares numbers only, which may be equal by chance.
            settled = [*index.settled, *index.compare(repair=True), *_deleted_pictures(index)]
            yield from (f"settled: {difference}" for difference in settled)
            if dropped or settled:
                index.audit.record("repaired", dropped=dropped, settled=settled)
    except (SettingsError, ShapeError, IndexDamaged, IndexTooNew) as error:
        yield f"the repair ended early: {error}"


def _deleted_pictures(index: Index) -> Iterator[str]:
    if damaged := list(index.pictures.damaged()):
        index.pictures.discard(damaged)
        were = counted(len(damaged), "kept picture was", "kept pictures were")
        yield f"{were} damaged and {agreeing(len(damaged), 'is', 'are')} deleted"


def _is_older(directory: Path) -> bool:
    try:
        open_catalogue(directory, "read").close()
    except IndexTooOld:
        return True
    return False


# --- checks ------------------------------------------------------------------------------------


def _check_index(directory: Path, all_files: bool) -> Iterator[Finding]:
    writer = holder(directory)
    yield Finding("lock", "ok", f"{writer} is writing" if writer else "nobody is writing to it")
    yield from _check_settings(directory)
    yield from _check_audit(directory)
    if writer is None:
        yield from _check_partials(directory)
    try:
        with closing(open_catalogue(directory, "read")) as catalogue:
            yield from _check_catalogue(directory, catalogue)
            yield from _check_vectors(directory, catalogue)
    except SettingsError as error:
        yield Finding("catalogue", "problem", str(error), "correct settings.toml")
        return
    except IndexUnavailable as error:
        yield _unusable(directory, error)
        return
    yield from _check_together(directory, writer, all_files)


def _unusable(directory: Path, error: IndexUnavailable) -> Finding:
    if isinstance(error, IndexTooOld):
        return Finding("schema", "problem", str(error), _REPAIR)
    if isinstance(error, IndexTooNew):
        return Finding("schema", "problem", str(error), "install the newer imagematch")
    if type(error) is IndexUnavailable:
        return Finding("catalogue", "problem", str(error), "mend that and check again")
    return Finding("catalogue", "problem", str(error), _anew(directory))


def _anew(directory: Path) -> str:
    path = catalogue_path(directory)
    moved = f"move {path} away" if path.is_file() else "empty its database"
    return (
        f"a damaged catalogue can't be repaired: copy it back from a backup, or {moved} and index "
        f"your folders again; audit.jsonl and settings.toml stay"
    )


def _settings_in_use(directory: Path) -> Settings:
    try:
        return settings_module.load(directory / "settings.toml")
    except SettingsError:
        return settings_module.DEFAULTS


def _check_settings(directory: Path) -> Iterator[Finding]:
    try:
        settings_module.load(directory / "settings.toml")
    except SettingsError as error:
        yield Finding("settings", "problem", str(error), "correct that line, or delete it")
    else:
        yield Finding("settings", "ok", "settings.toml can be read")


def _check_audit(directory: Path) -> Iterator[Finding]:
    try:
        trail = AuditLog(directory / "audit.jsonl").read()
    except OSError as error:
        message = f"audit.jsonl can't be read: {error.strerror}"
        yield Finding("audit", "problem", message, "check its permissions")
        return
    text = f"audit.jsonl has {counted(len(trail.entries), 'entry', 'entries')}"
    if trail.torn:
        advice = "nothing to do if a run was killed; else somebody has edited the log"
        yield Finding("audit", "warning", f"{text} and {counted(trail.torn, 'torn line')}", advice)
    else:
        yield Finding("audit", "ok", text)


def _check_partials(directory: Path) -> Iterator[Finding]:
    left = sorted(str(path) for path in directory.rglob(f".*{PARTIAL_SUFFIX}"))
    if left:
        names = ", ".join(left[:_LISTED]) + (", ..." if len(left) > _LISTED else "")
        yield Finding(
            "temporary files",
            "warning",
            f"{len(left)} left by a killed run: {names}",
            "the next run deletes them, and so does `imagematch doctor --repair`",
        )


def _check_catalogue(directory: Path, catalogue: Catalogue) -> Iterator[Finding]:
    problems = catalogue.check()
    for problem in problems:
        yield Finding("catalogue", "problem", problem, _anew(directory))
    if not problems:
        message = f"whole, schema version {catalogue.version()}, {catalogue.description()}"
        yield Finding("catalogue", "ok", message)


def _check_vectors(directory: Path, catalogue: Catalogue) -> Iterator[Finding]:
    for name, kind, width in store_kinds(embedder_of(catalogue)):
        place = directory / "vectors" / name
        problems: Sequence[str]
        try:
            # Shards are only merged from a store that is open for writing.
            with closing(
                FaissVectorStore.open(place, kind, width, writable=False, merge_shards=2)
            ) as store:
                problems, stats = store.verify(), store.stats()
        except (IndexUnavailable, ShapeError, OSError) as error:
            yield Finding("vectors", "problem", str(error), _REPAIR)
            continue
        for problem in problems:
            yield Finding("vectors", "problem", problem, _REPAIR)
        if not problems:
            held = f"{counted(stats.vectors, 'vector')} in {counted(stats.shards, 'shard')}"
            message = f"{name}: {held}, checksums agree"
            yield Finding("vectors", "ok", message)


def _check_together(directory: Path, writer: str | None, all_files: bool) -> Iterator[Finding]:
    """What can only be checked in an index that opens."""
    try:
        with Index.read(directory) as index:
            yield from _check_differences(index, writer)
            yield from _check_pictures(index)
            yield from _check_waiting(index)
            yield from _check_failures(index)
            yield from _check_roots(Census(index.catalogue).roots())
            yield from _check_files(index, all_files)
    except ImagematchError as error:
        message = f"the index can't be opened: {error}"
        yield Finding("index", "problem", message, "mend what is listed above first")


def _check_differences(index: Index, writer: str | None) -> Iterator[Finding]:
    differences = index.compare(repair=False)
    if not differences:
        yield Finding("agreement", "ok", "catalogue and vectors agree")
    elif writer:
        message = "catalogue and vectors can't be compared while somebody is writing"
        yield Finding("agreement", "warning", message, "check again when that run has ended")
    else:
        lacking = any(len(missing) for _, missing in index.differences().values())
        for difference in differences:
            # Vectors without a row are never found; rows without a vector are missed by a search.
            yield Finding("agreement", "problem" if lacking else "warning", difference, _REPAIR)


def _check_pictures(index: Index) -> Iterator[Finding]:
    kept = index.pictures.stats().count
    if damaged := sum(1 for _ in index.pictures.damaged()):
        yield Finding(
            "pictures",
            "warning",
            f"{damaged:,} of {counted(kept, 'kept picture')} "
            f"{agreeing(damaged, 'is damaged and counts', 'are damaged and count')} as gone",
            f"{_REPAIR}, which deletes them; `imagematch index FOLDER --redescribe` makes new ones",
        )
    elif kept:
        yield Finding("pictures", "ok", f"{counted(kept, 'is', 'are')} kept, checksums agree")


def _check_waiting(index: Index) -> Iterator[Finding]:
    for root in Census(index.catalogue).roots():
        if root.pending or root.unsearched:
            message = (
                f"{root.path} ({root.collection}): "
                f"{counted(root.pending, 'photo waits', 'photos wait')} to be described, "
                f"{root.unsearched:,} to be looked for"
            )
            yield Finding("waiting", "warning", message, _GO_ON)
    if pairs := index.matches.waiting():
        waiting = counted(pairs, "pair of photos waits", "pairs of photos wait")
        message = f"{waiting} to be judged"
        yield Finding("waiting", "warning", message, "run any `imagematch index` again")


def _check_failures(index: Index) -> Iterator[Finding]:
    photos, pairs = Census(index.catalogue).internal()
    if photos or pairs:
        yield Finding(
            "failures",
            "warning",
            f"{counted(photos, 'photo')} and {counted(pairs, 'pair')} of photos "
            f"failed by an error in imagematch itself",
            "please report what `imagematch status --failures` says of them, without photos and "
            "names of files; a newer version tries them again by itself",
        )


def _check_roots(roots: Sequence[RootCount]) -> Iterator[Finding]:
    for root in roots:
        if not root.path.is_dir():
            yield Finding(
                "folders",
                "warning",
                f"{root.path} ({root.collection}) is not there at the moment",
                "plug its drive in before you index it again; nothing is lost until then",
            )


def _check_files(index: Index, all_files: bool) -> Iterator[Finding]:
    """Read files again: someone may have changed them so that no scan saw it."""
    census = Census(index.catalogue)
    total = census.indexed()
    read = gone = 0
    changed: list[Locator] = []
    for file in census.indexed_files(1 if all_files else -(-total // _SAMPLE) or 1):
        try:
            sha256 = sha256_of(file.locator, index.settings.decode.max_bytes)
        except PhotoError:
            gone += 1
            continue
        read += 1
        if sha256 != file.sha256:
            changed.append(file.locator)
    of = f"{read:,} of {counted(total, 'indexed file')} {agreeing(read, 'was', 'were')} read"
    text = of + (f", {gone:,} can't be" if gone else "")
    if changed:
        names = ", ".join(map(str, changed[:_LISTED])) + (", ..." if len(changed) > _LISTED else "")
        yield Finding(
            "files",
            "warning",
            f"{text}; {counted(len(changed), 'no longer has', 'no longer have')} the bytes that "
            f"the catalogue knows: {names}",
            "`imagematch index FOLDER --reread` takes in what was changed",
        )
    elif read:
        yield Finding(
            "files",
            "ok",
            f"{text}, and {agreeing(read, 'has', 'have')} the bytes that the catalogue knows",
        )
