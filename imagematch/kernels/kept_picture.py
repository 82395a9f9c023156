"""The small grey picture that is kept of a photo: pixels in, a JPEG that vouches for itself out.

It stands in for the photo where the file is gone. A comment in the JPEG says of which photo it is,
and holds a checksum, so that a damaged picture, or that of another photo, is never taken for it.
"""

import hashlib
import io
import re
import struct
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from imagematch.errors import PhotoError
from imagematch.kernels import decode as decoding
from imagematch.kernels.decode import DecodedPhoto
from imagematch.records import Bytes
from imagematch.settings import DecodeSettings

#: Longer side, px: more than the 400 px that verification looks at, so that parts of a collage
#: still have some detail. Of 168 pairs, 167 got the verdict of the files and one another kind.
#: On 48 of these, colour (an eighth larger) gave the same, and 768 px (a quarter) that one, too.
_SIDE = 512

#: Of the JPEG, 1-95: its blocks do not show up in the correlation of aligned pixels.
_QUALITY = 85

_START = b"\xff\xd8"  # of a JPEG
_COMMENT = b"\xff\xfe"  # followed by its length, which counts its own two bytes

#: How such a file begins; the number is that of the form.
_HEAD = re.compile(
    rb"\xff\xd8\xff\xfe.."
    rb"(imagematch kept 1 ([0-9a-f]{64}) ([0-9]{1,9})x([0-9]{1,9})) [0-9a-f]{64}",
    re.DOTALL,
)


def encode(rgb: Bytes, sha256: str, width: int, height: int) -> bytes:
    """Make the picture to keep of a photo, about 30 kB.

    Args:
        rgb: shape (H, W, 3), uint8, upright; may be reduced.
        sha256: of the photo's bytes, hex.
        width, height: of the full-size upright photo, px.
    """
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, _SIDE / max(gray.shape))
    if scale < 1.0:
        size = max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale))
        gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    jpeg = io.BytesIO()
    Image.fromarray(np.asarray(gray, np.uint8)).save(jpeg, "JPEG", quality=_QUALITY)
    body = jpeg.getvalue().removeprefix(_START)
    return _head(f"imagematch kept 1 {sha256} {width}x{height}".encode(), body) + body


def decode(data: bytes, sha256: str, settings: DecodeSettings) -> DecodedPhoto:
    """The kept picture as the photo that it stands for, reduced and grey.

    Args:
        sha256: of the photo, hex.

    Returns:
        `width` and `height` are those of the photo.

    Raises:
        PhotoError: "corrupt" where it is not sound or of another photo; else as `kernels.decode`.
    """
    head = _sound_head(data, sha256)
    if head is None:
        raise PhotoError("corrupt", "the picture kept of it is damaged or of another photo")
    photo = decoding.decode(data, settings)
    return replace(photo, width=int(head[3]), height=int(head[4]))


def is_sound(data: bytes, sha256: str) -> bool:
    """Whether these bytes are, unchanged, what was kept of a photo."""
    return _sound_head(data, sha256) is not None


def _sound_head(data: bytes, sha256: str) -> re.Match[bytes] | None:
    found = _HEAD.match(data)
    if found is None or found[2] != sha256.encode():
        return None
    return found if found[0] == _head(found[1], data[found.end() :]) else None


def _head(about: bytes, body: bytes) -> bytes:
    """All before the body: the start of a JPEG, and a comment with what it is and its checksum."""
    comment = about + b" " + hashlib.sha256(about + body).hexdigest().encode()
    return _START + _COMMENT + struct.pack(">H", len(comment) + 2) + comment
