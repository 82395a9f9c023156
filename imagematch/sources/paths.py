"""Relative paths as text: how a file's path is shown, and how a path in a manifest is understood.

A path here is relative to a root, with `/` between its parts.
"""

import re
import unicodedata

_SURROGATE = re.compile("[\ud800-\udfff]")
_ABSOLUTE = re.compile(r"\s*(/|[A-Za-z]:)")


def printable(path: str) -> str:
    r"""Turn a path as `os.fsdecode` gives it into text that any database and JSON can hold.

    Args:
        path: may hold surrogate escapes, one for each byte that is not UTF-8.

    Returns:
        The same, with such bytes as `\xff`, and any other lone surrogate (Windows allows them in
        names) as `\ud800`. Always valid UTF-8. Control characters and line breaks stay.
    """
    return path if path.isascii() else _SURROGATE.sub(_escaped, path)


def _escaped(surrogate: re.Match[str]) -> str:
    code = ord(surrogate[0])
    # os.fsdecode turns the byte 0x80 into U+DC80 and so on (PEP 383).
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def without_surrogates(text: str) -> str:
    """Drop lone surrogates, which UTF-8 can't express."""
    return text if text.isascii() else _SURROGATE.sub("", text)


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
    r"""Make two paths equal that also differ in case, in `\` for `/`, or in being `printable`."""
    path = path.strip().replace("\\", "/")
    if path.isascii():
        return path.lower()
    # Escapes hold a backslash: replace it too, so that a manifest that names `\xff.jpg` matches.
    path = unicodedata.normalize("NFC", printable(path).replace("\\", "/"))
    return unicodedata.normalize("NFC", path.casefold())
