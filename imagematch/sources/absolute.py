"""Absolute paths and file addresses, as exports of other programs name files: where in a root they
lie.

Links and spellings are settled by asking the file system; nothing is opened.
"""

import os
import re
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

from imagematch.sources.paths import relative

_FILE_URI = re.compile(r"\s*file:(?://(?:localhost)?(?=/))?(/.*)", re.IGNORECASE | re.DOTALL)
_DRIVE_OF_URI = re.compile(r"/+(?=[A-Za-z]:/)")
_DRIVE = re.compile(r"[A-Za-z]:")


def is_address(written: str) -> bool:
    """Whether a path is written as a `file:` URI."""
    return _FILE_URI.fullmatch(written) is not None


def within(written: str, root: Path) -> str | None:
    r"""Tell which file of a root a path means that is absolute, or leaves the root on its way.

    Args:
        written: with `/` or `\` between its parts, or a `file:` URI.
        root: absolute, without links.

    Returns:
        The path relative to the root, with `/` between its parts, "" for the root itself; None
        where it lies elsewhere.
    """
    path = _plain(written)
    if not path.startswith("/") and not _DRIVE.match(path):
        path = f"{root.as_posix()}/{path}"
    elif os.name == "nt":
        if path.startswith("//") and not _is_below(path, root.as_posix()):
            return None  # somebody else's server would learn who asks for it
    elif path.startswith("/"):
        path = "/" + path.lstrip("/")
    else:
        return None  # a drive, on a system without drives
    folder, _, name = path.rpartition("/")
    if name in ("", ".", ".."):
        folder, name = path, ""
    # As the file system goes, then as text: a folder that is gone may be named as it was.
    for place, rest in ((_real(folder or "/"), name), (os.path.normpath(path), "")):
        below = _below(place, root)
        if below is not None:
            return relative(f"{below}/{rest}".lstrip("/"))
    return None


def _plain(written: str) -> str:
    """A path with `/` between its parts, whatever way it was written."""
    address = _FILE_URI.fullmatch(written)
    if address is None:
        return written.lstrip().replace("\\", "/")
    return _DRIVE_OF_URI.sub("", unquote(address[1], errors="surrogateescape"))


@lru_cache(maxsize=4096)
def _real(folder: str) -> str:
    try:
        return os.path.realpath(folder)
    except (OSError, ValueError):
        return folder


def _below(folder: str, root: Path) -> str | None:
    """The path of a folder from the root on; None where it is not in there."""
    place, start = Path(folder).as_posix(), root.as_posix().rstrip("/")
    if not _is_below(place, start):
        return None
    if not place.startswith(start) and not _is_same(place[: len(start)], root):
        return None
    return place[len(start) :].strip("/")


def _is_below(path: str, start: str) -> bool:
    """Whether a path leads into a folder, but for case."""
    return f"{path}/".casefold().startswith(f"{start.rstrip('/')}/".casefold())


@lru_cache(maxsize=4096)
def _is_same(folder: str, root: Path) -> bool:
    """Whether the file system takes two spellings for one folder, as it does without case."""
    try:
        return Path(folder).samefile(root)
    except (OSError, ValueError):
        return False
