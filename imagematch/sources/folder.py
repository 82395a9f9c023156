"""A folder in, every regular file below it out, with a reason for each thing that is not read.

The folder was filled by somebody else: it may hold links that loop or leave it, pipes that never
answer, names in any script or none, and folders that refuse to open. None of that ends a walk.
Nothing is opened but folders and files named like AppleDouble litter, and no link is followed.
"""

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from imagematch.errors import SourceUnavailable, UsageError
from imagematch.kernels.sidecars import kind_by_name
from imagematch.records import FoundFile, SightingInfo, SkippedFile
from imagematch.sources.source import UNREADABLE, FoundFolder, change_time, within_64_bits
from imagematch.surrogates import encodable

LEFT_OUT = "belongs to imagematch (an index or the manifest)"
INNER_LINK = "a link to something inside the folder, which is read in its own place"
OUTER_LINK = "a link that leaves the folder; no path may leave the root"
BROKEN_LINK = "a link that leads nowhere"
LITTER = "kept by the operating system or another program, not a photo"

#: What each of these is counted as.
_KINDS = {LEFT_OUT: "imagematch", INNER_LINK: "link", OUTER_LINK: "link", BROKEN_LINK: "link"}

#: In lower case. Trash folders and Android's .thumbnails are not here: they can hold evidence.
_LITTER_FILES = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
#: What names of litter end with, but for those that begin with a dot.
_LITTER_ENDS = frozenset(end for name in _LITTER_FILES for end in (name[-1], name[-1].upper()))
_LITTER_FOLDERS = frozenset(
    {
        "__macosx",
        ".appledouble",
        ".spotlight-v100",
        ".fseventsd",
        "system volume information",
        "@eadir",
        ".git",
        ".hg",
        ".svn",
    }
)
#: What every index has: its settings, its vectors, and its catalogue or what says where that is.
#: It holds small pictures of photos, which would be found as copies of them.
_SETTINGS, _VECTORS, _CATALOGUES = "settings.toml", "vectors", ("catalogue.sqlite", "catalogue.id")

#: First bytes of an AppleDouble file (RFC 1740, appendix B).
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_APPLE_PREFIX = "._"

#: Files whose `stat_result` is in memory at a time.
_MOST_STATS = 1024

_SPECIAL = {
    stat.S_IFIFO: "a named pipe, not a file",
    stat.S_IFSOCK: "a socket, not a file",
    stat.S_IFCHR: "a device, not a file",
    stat.S_IFBLK: "a device, not a file",
}


@dataclass(frozen=True, slots=True)
class _Root:
    """The folder of one walk: where it really is, and which folder that was when it began."""

    folder: Path
    identity: tuple[int, int]  # device and inode
    left_out: frozenset[str]  # relative to `folder`


@dataclass(frozen=True, slots=True)
class _Level:
    """One open folder on the way down."""

    entries: Iterator[os.DirEntry[str]]
    prefix: str  # relative path with a closing `/`; "" for the root
    info: SightingInfo  # what the path says about the files in it


def walk(
    root: Path, *, site_from_path: bool = False, leave_out: Collection[Path] = ()
) -> Iterator[FoundFile | SkippedFile]:
    """Find every regular file below a folder, ordered by path parts as bytes.

    Links are never followed: one whose target lies inside the root is skipped since the target is
    found anyway, one that leaves the root since no path may leave it. A skipped folder is one
    `SkippedFile`, whatever lies below it; that goes for a folder that can't be read, too.

    Args:
        root: the folder; may itself be a link.
        site_from_path: the first folder of a path is the site, the second, if any, the profile.
        leave_out: files and folders that are not to be read, such as the index itself.

    Returns:
        Paths of both records are relative and spelled as the file system does.

    Raises:
        UsageError: `root` is a file, or lies in what is left out.
        SourceUnavailable: `root` is missing or can't be opened, or goes away during the walk.
    """
    opened, entries = _open_root(root, leave_out)
    return _walk(opened, entries, site_from_path)


def folders(
    root: Path, *, site_from_path: bool = False, leave_out: Collection[Path] = ()
) -> Iterator[FoundFolder | SkippedFile]:
    """Find what `walk` finds, folder by folder: for a root that hardly differs from the last time.

    Args:
        root, site_from_path, leave_out: see `walk`.

    Returns:
        Every folder before those in it, which come by name; a folder that can't be read as a skip.

    Raises:
        As `walk`.
    """
    opened, entries = _open_root(root, leave_out)
    return _folders(opened, entries, site_from_path)


def _folders(
    root: _Root, entries: list[os.DirEntry[str]], site_from_path: bool
) -> Iterator[FoundFolder | SkippedFile]:
    found = FoundFolder("", SightingInfo())
    waiting = _sorted_out(entries, found, root)[::-1]
    yield found
    while waiting:
        entry, above = waiting.pop()
        path = f"{above.path}/{entry.name}" if above.path else entry.name
        found = FoundFolder(path, _info(path) if site_from_path else above.info)
        try:
            with _opened(f"{root.folder}/{path}") as there, os.scandir(there) as listed:
                inner = _sorted_out(list(listed), found, root)[::-1]
        except OSError as error:
            _check_still_there(root)
            yield SkippedFile(path, f"{UNREADABLE} ({error.strerror})")
            continue
        if _is_index([entry.name for entry, _ in inner], found.names):
            yield SkippedFile(path, LEFT_OUT)
            continue
        waiting += inner
        yield found


@contextmanager
def _opened(folder: str) -> Iterator[str | int]:
    """A folder for `os.scandir`: open where the system can do that, so that it need not look up the
    whole path again for each file in there, and can't be led elsewhere by a link in its place."""
    if os.scandir not in os.supports_fd:  # Windows
        yield folder
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _sorted_out(
    entries: list[os.DirEntry[str]], found: FoundFolder, root: _Root
) -> list[tuple[os.DirEntry[str], FoundFolder]]:
    """Put the files and skips of a folder where they belong; returns the folders in it, by name.

    Args:
        entries: is emptied, since each remembers all that the system told of it.
    """
    prefix = f"{found.path}/" if found.path else ""
    watched = any(path.startswith(prefix) for path in root.left_out)
    names: list[str] = []
    stats: list[os.stat_result] = []
    inner = []
    entries.sort(key=attrgetter("name"), reverse=True)
    while entries:
        entry = entries.pop()
        name = entry.name
        try:
            # Nearly all are plain files: those are told by the least work.
            if (
                entry.is_file(follow_symlinks=False)
                and not watched
                and name[0] != "."
                and name[-1] not in _LITTER_ENDS
            ):
                stats.append(entry.stat(follow_symlinks=False))
                names.append(name)
                if len(stats) == _MOST_STATS:
                    found.add(names, stats)
                    names, stats = [], []
                continue
            reason = _reason(entry, prefix + name, root)
            if reason is not None:
                found.skips.append(SkippedFile(prefix + name, reason))
            elif entry.is_dir(follow_symlinks=False):
                inner.append((entry, found))
            else:
                stats.append(entry.stat(follow_symlinks=False))
                names.append(name)
        except OSError as error:
            _check_still_there(root)
            found.skips.append(SkippedFile(prefix + name, f"{UNREADABLE} ({error.strerror})"))
    found.add(names, stats)
    return inner


def _open_root(root: Path, leave_out: Collection[Path]) -> tuple[_Root, list[os.DirEntry[str]]]:
    shown = encodable(str(root))
    try:
        folder = root.resolve(strict=True)
        status = folder.stat()
        entries = _listed(os.fspath(folder))
    except NotADirectoryError as error:
        raise UsageError(
            f"{shown} is not a folder; name the folder that holds the photos"
        ) from error
    except (OSError, RuntimeError) as error:  # RuntimeError: Python 3.12's word for a link loop
        why = error.strerror if isinstance(error, OSError) else "a loop of links"
        raise SourceUnavailable(
            f"{shown} can't be opened ({why}); check the path, and that the drive is plugged in"
        ) from error
    if _is_index(*_names(entries)):
        raise UsageError(f"{shown} is an index, not a folder of photos; name what it was made of")
    left_out = [path.resolve() for path in leave_out]
    for path in left_out:
        if folder.is_relative_to(path):
            raise UsageError(
                f"{shown} lies in {encodable(str(path))}, which {LEFT_OUT}; name a folder of photos"
            )
    below = frozenset(
        path.relative_to(folder).as_posix() for path in left_out if path.is_relative_to(folder)
    )
    return _Root(folder, (status.st_dev, status.st_ino), below), entries


def _listed(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))


def _walk(
    root: _Root, entries: list[os.DirEntry[str]], site_from_path: bool
) -> Iterator[FoundFile | SkippedFile]:
    levels = [_Level(iter(entries), "", SightingInfo())]
    while levels:
        level = levels[-1]
        for entry in level.entries:
            path = level.prefix + entry.name
            try:
                skip = _reason(entry, path, root)
                if skip is not None:
                    yield SkippedFile(path, skip)
                elif entry.is_dir(follow_symlinks=False):
                    listed = _listed(entry.path)
                    if _is_index(*_names(listed)):
                        yield SkippedFile(path, LEFT_OUT)
                        continue
                    info = _info(path) if site_from_path else level.info
                    levels.append(_Level(iter(listed), path + "/", info))
                    break
                else:
                    yield _found(entry.stat(follow_symlinks=False), path, level.info)
            except OSError as error:
                _check_still_there(root)
                yield SkippedFile(path, f"{UNREADABLE} ({error.strerror})")
        else:
            levels.pop()


def _reason(entry: os.DirEntry[str], path: str, root: _Root) -> str | None:
    """Why an entry is not read; None for a plain file or folder."""
    if path in root.left_out:
        return LEFT_OUT
    if entry.is_symlink() or entry.is_junction():
        return _link_reason(root.folder / path, root)
    if entry.is_dir(follow_symlinks=False):
        return LITTER if entry.name.lower() in _LITTER_FOLDERS else None
    if not entry.is_file(follow_symlinks=False):
        mode = entry.stat(follow_symlinks=False).st_mode
        return _SPECIAL.get(stat.S_IFMT(mode), "neither a file nor a folder")
    return LITTER if _is_litter(root.folder / path) else None


def kind_of_skip(skip: SkippedFile) -> str:
    """What something that `walk` does not read is counted as."""
    if skip.reason == LITTER:
        name = skip.path.rpartition("/")[2].lower()
        return (name in _LITTER_FILES and kind_by_name(name)) or "system"
    return _KINDS.get(
        skip.reason, "unreadable" if skip.reason.startswith(UNREADABLE) else "special"
    )


def _names(entries: Sequence[os.DirEntry[str]]) -> tuple[list[str], list[str]]:
    """Names of the folders and of the plain files in a folder."""
    return (
        [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)],
        [entry.name for entry in entries if entry.is_file(follow_symlinks=False)],
    )


def _is_index(folders: Sequence[str], files: Sequence[str]) -> bool:
    """Whether a folder is an index, by the names in it; most have no folder of vectors."""
    return _VECTORS in folders and _SETTINGS in files and any(name in files for name in _CATALOGUES)


def _link_reason(link: Path, root: _Root) -> str:
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return BROKEN_LINK
    return INNER_LINK if target.is_relative_to(root.folder) else OUTER_LINK


def _is_litter(path: Path) -> bool:
    if path.name.startswith(_APPLE_PREFIX):
        # macOS writes one beside each file on foreign drives; but a photo may be named so, too.
        with path.open("rb") as file:
            return file.read(len(_APPLE_DOUBLE)) == _APPLE_DOUBLE
    return path.name.lower() in _LITTER_FILES


def lone_file(path: Path) -> FoundFile:
    """One file directly in a root, as `walk` would find it there.

    Raises:
        OSError: it is gone, or can't be looked at.
    """
    return _found(path.stat(), path.name, SightingInfo())


def _found(status: os.stat_result, path: str, info: SightingInfo) -> FoundFile:
    mtime, ctime = within_64_bits([status.st_mtime_ns, change_time(status)])
    return FoundFile(path, status.st_size, mtime, (info,), status.st_ino, ctime)


def _info(folder: str) -> SightingInfo:
    site, *rest = folder.split("/", 2)
    return SightingInfo(site=encodable(site), profile=encodable(rest[0]) if rest else "")


def _check_still_there(root: _Root) -> None:
    """Tell one file that can't be read from a drive that was pulled out: its empty mount point is
    another folder."""
    try:
        status = root.folder.stat()
    except OSError:
        status = None
    if status is None or (status.st_dev, status.st_ino) != root.identity:
        raise SourceUnavailable(
            f"{encodable(str(root.folder))} went away while it was read; check that the drive is "
            "plugged in, and run again"
        )
