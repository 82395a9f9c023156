"""What a file says about its turn in, the turn that puts its pixels upright out.

Values are those of EXIF tag 0x0112: 1 is upright, 2 to 8 are flips and quarter turns. EXIF counts
before XMP where both make sense, as in every viewer that reads both. Blocks come from strangers:
nothing is parsed but this one tag, in time proportional to the block.
"""

import re
import struct
from collections.abc import Iterable

from PIL import Image

#: What puts a picture upright, by the value of EXIF tag 0x0112.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: Values that change width and height places.
SIDEWAYS = frozenset({5, 6, 7, 8})

UPRIGHT = 1
ORIENTATION_TAG = 0x0112

#: How the TIFF structure of an EXIF block begins, and its byte order for `struct`.
_TIFF_START = re.compile(rb"II\*\0|MM\0\*")
_ORDERS = {b"I": "<", b"M": ">"}

#: Bytes before that: "Exif" and two zeros, in HEIF and AVIF also an offset of four bytes.
_BEFORE = 64

#: The value as the standard has it (SHORT), and as some software writes it (LONG, BYTE). Left over
#: bytes of the field are zeros, so that no more than one of them makes sense.
_FORMS = ("H", "I", "B")

#: The property as an attribute and as an element; no XML is parsed, so nothing can be expanded.
_XMP = re.compile(
    rb"tiff:Orientation\s{0,20}=\s{0,20}[\"']\s{0,20}([1-8])\s{0,20}[\"']"
    rb"|<tiff:Orientation(?:\s[^<>]{0,200})?>\s{0,200}([1-8])\s{0,200}</tiff:Orientation"
)


def turn(exif: bytes, xmp: bytes) -> int:
    """The turn by EXIF, else by XMP, else 1.

    Args:
        exif, xmp: as the file has them; may be empty or broken.
    """
    return exif_turn(exif) or xmp_turn(xmp) or UPRIGHT


def exif_turn(block: bytes) -> int:
    """Find the orientation in an EXIF block, 1 to 8; 0 where there is none that makes sense.

    Pillow's own parser collects every tag first, which hostile blocks make expensive or fatal.
    """
    found = _TIFF_START.search(block[:_BEFORE])
    if found is None:
        return 0
    block = block[found.start() :]
    order = _ORDERS[block[:1]]
    try:
        start = struct.unpack_from(order + "I", block, 4)[0]
        for entry in range(struct.unpack_from(order + "H", block, start)[0]):
            at = start + 2 + 12 * entry
            if struct.unpack_from(order + "H", block, at)[0] == ORIENTATION_TAG:
                return valid(struct.unpack_from(order + form, block, at + 8)[0] for form in _FORMS)
    except struct.error:
        return 0
    return 0


def xmp_turn(packet: bytes) -> int:
    """Find the orientation in an XMP packet, 1 to 8; 0 where there is none that makes sense."""
    found = _XMP.search(packet.replace(b"\0", b""))  # UTF-16 becomes readable, too
    return int(found[1] or found[2]) if found else 0


def valid(values: Iterable[object]) -> int:
    """The first value that is an orientation, else 0."""
    return next((v for v in values if isinstance(v, int) and v in range(1, 9)), 0)


def from_text(profile: str) -> bytes:
    """The block that ImageMagick wrote into a PNG as text: its name, its length, its hex digits."""
    digits = profile.split("\n", 3)[-1]
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""
