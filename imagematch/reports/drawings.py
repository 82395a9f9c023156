"""Drawings of matches as files: an RGB array in, a PNG in a folder and a JPEG for pages out.

File names come from strangers, and the folder may hold files of the user: a name is made safe,
and nothing is replaced that does not say that imagematch drew it.
"""

import io
import re
from itertools import count
from pathlib import Path, PurePath

from PIL import Image, PngImagePlugin

from imagematch.errors import UsageError
from imagematch.kernels import resizing
from imagematch.records import Bytes, Drawing, Picture
from imagematch.reports import save_bytes

#: Stands in every PNG, within its first _HEAD bytes: 41 of PNG's own before it.
_MARK = b"Software\0imagematch --explain"
_HEAD = 41 + len(_MARK)

_MOST_STEM = 40  # letters of the query's name in that of the drawing
_PAGE_WIDTH = 1200  # px; wider than a page shows, for sharp screens
_QUALITY = 72


def encode(rgb: Bytes) -> Drawing:
    """Pack a drawing of shape (H, W, 3), uint8."""
    name, value = _MARK.decode().split("\0")
    marked = PngImagePlugin.PngInfo()
    marked.add_text(name, value)
    png, jpeg = io.BytesIO(), io.BytesIO()
    Image.fromarray(rgb).save(png, "PNG", pnginfo=marked)
    scale = min(1.0, _PAGE_WIDTH / rgb.shape[1])
    small = resizing.resize(rgb, round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    Image.fromarray(small).save(jpeg, "JPEG", quality=_QUALITY)
    height, width = small.shape[:2]
    return Drawing(png.getvalue(), Picture(jpeg.getvalue(), width, height))


def file_name(query: str, match: str) -> str:
    """Name of the PNG of a match: of ASCII letters, digits, `.`, `_` and `-`, on any system.

    It ends in what the pair is called, so that another pair never gets it, and the same pair does.
    """
    stem = re.sub(r"[^A-Za-z0-9]+", "_", PurePath(query).stem).strip("_")[:_MOST_STEM]
    return f"{stem or 'photo'}_{match}.png"


def save_drawing(folder: Path, query: str, match: str, drawn: Drawing) -> Path:
    """Write the PNG; an older drawing of the same name is replaced, a file of others stays.

    Args:
        match: its id.

    Returns:
        Where it is: with a number in the name if a file of others has that name.

    Raises:
        UsageError: the folder can't be written to.
    """
    wanted = folder / file_name(query, match)
    numbered = (wanted.with_stem(f"{wanted.stem}_{number}") for number in count(2))
    path = wanted
    while not _is_free(path):
        path = next(numbered)
    save_bytes(path, drawn.png)
    return path


def _is_free(path: Path) -> bool:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return False
    try:
        with path.open("rb") as file:
            return file.read(_HEAD).endswith(_MARK)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # not ours to read


def make_folder(folder: Path) -> None:
    """Make the folder for drawings, before any work is done for it.

    Raises:
        UsageError: it is a file, or can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder} can't be made: {error.strerror}. Name a folder, or a new one where you may "
            "write."
        ) from error
