"""The bytes of a file and the name of its format in, a picture of Pillow's out, ready to be loaded.

Only the plugin that the content asks for ever runs, and only one at a time: Pillow's switches hold
for the whole process. Whatever a plugin raises becomes a `PhotoError`.
"""

import importlib
import io
import logging
import os
import re
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, ImageFile

from imagematch.errors import PhotoError

#: Plugin class of each format, imported when the first such file arrives. `Image.open` is not
#: used: it may load every plugin, PostScript's too, and it swallows the reason of a failure.
_PLUGINS = {
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "HEIF": ("pillow_heif", "HeifImageFile"),
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),  # MPO too, which opens with a JPEG
    "PNG": ("imagematch.kernels.png", "PngFile"),
    "TIFF": ("imagematch.kernels.tiff", "TiffFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
}

#: How plugins say that a file may be sound but is of a kind that they do not read.
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|not installed|not available|cannot handle"
    r"|unknown (compression|pixel mode|data)",
    re.IGNORECASE,
)

#: What a plugin raises where a file leads it astray; the text would only help its authors.
_SLIPS = (struct.error, LookupError, TypeError, AttributeError, ArithmeticError, EOFError)

#: What some plugins say, by its start, in words that help the reader.
_PLAINER = (
    ("not identified by this driver", "its header makes no sense"),
    ("not a WEBP file", "its header makes no sense"),
    ("cannot load this image", "it holds no picture data"),
    ("image not found in GIF frame", "it holds no picture data"),
    ("no more images in GIF file", "it holds no picture data"),
    ("could not create decoder object", "its structure is damaged"),
    ("failed to read next frame", "its picture data is damaged"),
    ("decoder error", "its picture data is damaged"),
    ("broken data stream", "its picture data is damaged"),
    ("tile cannot extend outside image", "its sizes contradict each other"),
    ("broken PNG file", "its structure is damaged"),
    ("Truncated File Read", "it ends early"),
    ("image file is truncated", "it ends early"),
)

_READS = 8  # times its own size that a plugin may read a file, plus the allowance
_READ_ALLOWANCE = 64 * 2**20  # bytes

_PILLOW = threading.RLock()


def opened(data: bytes, name: str) -> ImageFile.ImageFile:
    """Open a file with the plugin of its format; nothing is decoded yet."""
    module, plugin = _PLUGINS[name]
    image: ImageFile.ImageFile = getattr(importlib.import_module(module), plugin)(
        _MeteredFile(data)
    )
    return image


@contextmanager
def reading(name: str, max_pixels: int, *, tolerant: bool) -> Iterator[None]:
    """Set the stage for reading one file, and turn whatever a plugin raises into a `PhotoError`.

    Args:
        max_pixels: of a picture or frame; a larger one is "too_large".
        tolerant: decode a file that ends early as far as it goes.
    """
    try:
        with _pillow(max_pixels, tolerant), _silent(name == "TIFF"):
            yield
    except PhotoError:
        raise
    except MemoryError:
        raise PhotoError("memory", f"not enough memory to decode this {name}") from None
    except Image.DecompressionBombError:
        raise PhotoError("too_large", over_limit(max_pixels)) from None
    except Exception as error:  # noqa: BLE001 - plugins raise anything at all on hostile files
        reason = _plain(error)
        code = "unsupported" if _UNSUPPORTED.search(reason) else "corrupt"
        raise PhotoError(code, f"this {name} can't be decoded: {reason}") from None


def over_limit(max_pixels: int) -> str:
    """Say in words what is too large."""
    return f"a picture or frame of more than the limit of {max_pixels:,} px"


def _plain(error: Exception) -> str:
    """Say on one line what a plugin stumbled over."""
    root = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    if isinstance(root, _SLIPS):
        return "its structure is damaged"
    text = " ".join(str(error).split())[:200]
    plainer = (plain for start, plain in _PLAINER if text.startswith(start))
    return next(plainer, text or type(error).__name__)


@contextmanager
def _pillow(max_pixels: int, tolerant: bool) -> Iterator[None]:
    """Set Pillow's process-wide switches for one file, and keep it from writing to stderr."""
    logger = logging.getLogger("PIL")
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = logger.level
        before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
        logger.setLevel(logging.CRITICAL + 1)
        Image.MAX_IMAGE_PIXELS = (max_pixels + 1) // 2  # Pillow warns there, raises at the double
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant
        try:
            yield
        finally:
            logger.setLevel(level)
            Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = before


@contextmanager
def _silent(needed: bool) -> Iterator[None]:
    """Send file descriptor 2 nowhere: libtiff writes its complaints there, past Python.

    Only for the milliseconds of a TIFF, since it holds for the whole process.
    """
    kept = _copy_of_stderr() if needed else None
    if kept is None:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _copy_of_stderr() -> int | None:
    try:
        return os.dup(2)
    except OSError:
        return None  # a service may have none


class _MeteredFile(io.BytesIO):
    """A file in memory whose reads add up to a bounded number of bytes.

    Tags of a TIFF may all point to the same large block: 1 MB of file, 60 GB of tag values.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = _READS * len(data) + _READ_ALLOWANCE

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self._left -= len(block)
        if self._left < 0:
            raise OSError("its parts overlap: it reads many times larger than it is")
        return block
