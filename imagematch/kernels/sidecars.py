"""Which files among photos are plainly no pictures: name and first bytes in, a kind to count out.

Folders of photos also hold what other programs keep beside them: metadata, databases, chats, films.
Content decides first and the name second: what starts like a picture is one, whatever its name, and
what is named like one must be one, or has failed.
"""

import re

from imagematch.kernels.containers import (
    foreign_file,
    foreign_picture,
    is_text,
    starts_like_picture,
)

#: Suffixes of pictures, decoded or not. What other programs add behind them for sizes, queries and
#: second downloads does not hide one: `1.jpg:large`, `1.jpg?w=6`, `1.jpg~`, `1.jpg (2)`, `1.jpg.1`.
_PICTURE_NAME = re.compile(
    r"\.(jpe?g|jpe|jfif|jif|pjpe?g|png|apng|webp|gif|bmp|dib|tiff?|heic|heif|hif|heics|avif|avifs"
    r"|jxl|jp2|j2k|jpf|jpx|psd|psb|ico|cur|icns|svgz?|tga|dds|qoi|p[bgnpa]m|pcx|xbm|xpm|wmf|emf"
    r"|eps|raw|dng|cr2|cr3|crw|nef|nrw|arw|srf|sr2|orf|rw2|raf|pef|x3f|3fr|iiq|kdc|mrw|erf)"
    r"([^a-z0-9./\\][^./\\]*|\.\d{1,3})?$",
    re.IGNORECASE,
)
#: What is longer or has no letter is a number or a hash, and no kind.
_SUFFIX = re.compile(r"\.(?=[0-9_-]*[a-z])([a-z0-9_-]{1,10})\s*$", re.IGNORECASE)

#: What a file without a suffix is counted as, by a word of what `containers` calls it.
_KINDS = (
    ("film", "film"),
    ("sound", "sound"),
    ("PDF", "pdf"),
    ("HTML", "html"),
    ("ZIP", "zip"),
    ("SQLite", "db"),
    ("JSON", "json"),
    ("XML", "xml"),
)


def named_like_picture(name: str) -> bool:
    """Whether the last part of a path promises a picture."""
    return _PICTURE_NAME.search(name.rpartition("/")[2]) is not None


def kind_of_sidecar(name: str, head: bytes) -> str:
    """Tell what is plainly no picture from what is one or pretends to be.

    Args:
        name: of the file, or its path.
        head: its first `containers.HEAD_BYTES`, or all of a shorter one.

    Returns:
        What such files are counted as, e.g. "json"; "" for a picture, and for what must be looked
        at as if it were one.
    """
    if named_like_picture(name) or starts_like_picture(head):
        return ""
    return kind_by_name(name) or _kind_by_content(head)


def kind_by_name(name: str) -> str:
    """The suffix in lower case, "" without one."""
    found = _SUFFIX.search(name.rpartition("/")[2])
    return found[1].lower() if found else ""


def _kind_by_content(head: bytes) -> str:
    if not head:
        return "empty"
    written = is_text(head)
    # A text that begins with "P1 " is no picture, whatever it is taken for.
    told = (None if written else foreign_picture(head)) or foreign_file(head) or ""
    other = "text" if written else "data"
    return next((kind for word, kind in _KINDS if word in told), other)
