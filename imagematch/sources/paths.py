"""Relative paths as text: how a file's path is shown, and how a path in a manifest is understood.

A path here is relative to a root, with `/` between its parts.
"""

import re
import unicodedata

from imagematch.surrogates import encodable

_ABSOLUTE = re.compile(r"\s*(/|[A-Za-z]:)")


def relative(path: str) -> str | None:
    r"""Bring a path that somebody else wrote into the form of `FoundFile.path`.

    Args:
        path: with `/` or `\` between the parts; `.` and `..` are resolved as text.

    Returns:
        The path with `/` between its parts, "" for the root itself, and None when the path is
        absolute, names a drive or a share, or leaves the root on its way.
    """
    path = path.replace("\\", "/")
    if _ABSOLUTE.match(path):
        return None
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not kept:
                return None
            kept.pop()
        elif part not in ("", "."):
            kept.append(part)
    path = "/".join(kept)
    return None if _ABSOLUTE.match(path) else path


def composed(path: str) -> str:
    """Make two paths equal that differ in Unicode normal form only (macOS writes NFD), or in
    blanks around them."""
    path = path.strip()
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def loose(path: str) -> str:
    r"""Make two paths equal that also differ in case, in `\` for `/`, or in being `encodable`."""
    path = path.strip().replace("\\", "/")
    if path.isascii():
        return path.lower()
    # Escapes hold a backslash: replace it too, so that a manifest that names `\xff.jpg` matches.
    path = unicodedata.normalize("NFC", encodable(path).replace("\\", "/"))
    return unicodedata.normalize("NFC", path.casefold())
