"""Photos that a program holds: bytes, open files, PIL images or arrays in, bytes of a file out."""

import io
import os
from typing import IO, TYPE_CHECKING, Any, cast

import numpy as np

from imagematch.errors import UsageError
from imagematch.surrogates import encodable

if TYPE_CHECKING:
    from PIL.Image import Image

#: What stands for the path of a photo that has none.
NAMELESS = "(in memory)"

type InMemory = bytes | bytearray | memoryview | IO[bytes] | Image | np.ndarray

#: Modes of PIL that a PNG file keeps as they are.
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


def file_of(photo: "InMemory", most: int) -> tuple[str, bytes]:
    """The name and the bytes of a photo, as a file would have them.

    Args:
        photo: the bytes of a file; a file that is open to be read as bytes, from where it stands; a
            PIL image, the frame that it shows; or an array, shape (H, W, 3), uint8, RGB, or
            shape (H, W), grey.
        most: bytes that are read of an open file: one more than may be.

    Raises:
        UsageError: it is nothing of that, or a PIL image whose file can't be read.
    """
    if isinstance(photo, bytes | bytearray | memoryview):
        return NAMELESS, bytes(photo)
    if isinstance(photo, np.ndarray):
        return NAMELESS, _png(_image_of(photo))
    if hasattr(photo, "getbands"):
        name = os.fsdecode(getattr(photo, "filename", "")) or NAMELESS
        try:
            return name, _png(cast("Image", photo))
        except (OSError, SyntaxError, ValueError) as error:  # PIL reads a file when it must
            raise UsageError(f"the PIL image {encodable(name)} can't be read: {error}") from error
    if hasattr(photo, "read"):
        data = _all_of(photo, most)
        if data is not None:
            name = getattr(photo, "name", "")
            return name if isinstance(name, str) and name else NAMELESS, data
    raise UsageError(
        f"a photo is a path, bytes, a file that is open to be read as bytes, a PIL image or an "
        f"array, not {type(photo).__name__}"
    )


def _all_of(file: Any, most: int) -> bytes | None:
    """What is left of a file, of which a pipe or a connection gives a part at a time.

    None where that is no bytes.
    """
    parts: list[bytes] = []
    while most > 0:
        part = file.read(most)
        if not isinstance(part, bytes):
            return None
        if not part:
            break
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _image_of(pixels: np.ndarray) -> "Image":
    from PIL import Image

    grey, rgb = pixels.ndim == 2, pixels.ndim == 3 and pixels.shape[2] == 3
    if pixels.dtype != np.uint8 or not (grey or rgb) or not pixels.size:
        raise UsageError(
            f"the array of a photo has shape {pixels.shape} and type {pixels.dtype}, but must have "
            f"shape (height, width, 3) and type uint8, in RGB, or (height, width) in grey"
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def _png(image: "Image") -> bytes:
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)  # PNG files say nothing of it
    if upright.mode not in _PNG_MODES:
        upright = upright.convert("RGBA" if "A" in upright.getbands() else "RGB")
    written = io.BytesIO()
    upright.save(written, "PNG", compress_level=1, icc_profile=image.info.get("icc_profile"))
    return written.getvalue()
