"""The bytes of a file in, what it says about itself out, without decoding: format and frames.

Only content counts; suffixes lie. Everything here takes time in proportion to the file at most.
"""

import re
import struct

#: Bytes at the start of a file that tell its format.
HEAD_BYTES = 1024

type _Table = tuple[tuple[str, re.Pattern[bytes]], ...]


def _table(*rows: tuple[str, bytes]) -> _Table:
    return tuple((name, re.compile(pattern, re.DOTALL)) for name, pattern in rows)


_DECODED = _table(
    ("JPEG", rb"\xff\xd8\xff"),
    ("PNG", rb"\x89PNG\r\n\x1a\n"),
    ("WEBP", rb"RIFF....WEBP"),
    ("GIF", rb"GIF8[79]a"),
    ("BMP", rb"BM"),
    ("TIFF", rb"II[*+]\0|MM\0[*+]"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset(
    {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"}
)

#: Pictures that are recognised but not decoded, from the formats' own documents.
_NOT_DECODED = _table(
    ("PostScript (EPS)", rb"%!PS|\xc5\xd0\xd3\xc6"),
    ("a Photoshop file (PSD)", rb"8BPS"),
    ("a JPEG 2000 picture", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
    ("a JPEG XL picture", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    ("a Windows icon (ICO)", rb"\0\0\x01\0[^\0]\0"),
    ("a Windows cursor (CUR)", rb"\0\0\x02\0[^\0]\0"),
    ("a Mac icon (ICNS)", rb"icns"),
    (
        "an SVG drawing",
        rb"\s*(<\?xml[^>]*>\s*)?(<!--.{0,400}?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg",
    ),
    ("a Windows metafile (WMF, EMF)", rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF"),
    ("a DirectDraw texture (DDS)", rb"DDS "),
    ("a Blizzard texture (BLP)", rb"BLP[12]"),
    ("a game texture (FTEX)", rb"FTEX|FT[CU]\0"),
    ("a QOI picture", rb"qoif"),
    ("a Netpbm picture (PPM, PGM, PBM, PFM, PAM)", rb"P[1-7Ff]\s"),
    ("a PCX picture", rb"\x0a[\0\x02-\x05]\x01[\x01\x02\x04\x08]"),
    ("a multi-page PCX picture (DCX)", rb"\xb1\x68\xde\x3a"),
    ("an SGI picture", rb"\x01\xda[\0\x01][\x01\x02]"),
    ("a Sun raster picture", rb"\x59\xa6\x6a\x95"),
    ("an X bitmap (XBM)", rb"\s*(/\*.{0,400}?\*/\s*)?#define\s+\S+_width\b"),
    ("an X pixmap (XPM)", rb"/\* XPM \*/"),
    ("an Autodesk animation (FLI, FLC)", rb".{4}[\x11\x12]\xaf"),
    ("an astronomical picture (FITS)", rb"SIMPLE  ="),
    ("a GIMP brush (GBR)", rb".{20}GIMP"),
    ("a JPEG XR picture", rb"II\xbc[\0\x01]"),
    (
        "a camera's raw file",
        rb"II\x1a\0{3}HEAPCCDR|FOVb|FUJIFILMCCD-RAW|IIRO|IIRS|IIU\0|MMOR|.{4}ftypcrx ",
    ),
)
#: The same for what may show something, and is no picture.
_FILMS_AND_DATA = _table(
    ("a PDF document", rb"%PDF"),
    ("weather data (GRIB, BUFR)", rb"GRIB|BUFR"),
    ("scientific data (HDF5)", rb"\x89HDF\r\n\x1a\n"),
    ("a sound or AVI film", rb"RIFF....(WAVE|AVI )"),
    ("an MPEG film", rb"\0\0\x01[\xb3\xba]"),
    ("a Matroska or WebM film", rb"\x1a\x45\xdf\xa3"),
    ("a film, or a picture of another kind, in an ISO media file (MP4)", rb".{4}ftyp"),
)
#: Formats whose first bytes a text may have by chance.
_BY_CHANCE = re.compile("BMP|PPM|ICNS|DDS|BLP|FTEX|QOI")
_TEXT = re.compile(rb"[^\x00-\x08\x0e-\x1a\x1c-\x1f]*")
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"

#: What scraped folders hold instead of the picture that the name promises.
_NO_PICTURE = _table(
    ("a web page (HTML)", rb"\s*(?i:<(!doctype\s+html|html|head|body))"),
    ("an archive or an Office document (ZIP)", rb"PK\x03\x04"),
    ("an archive (tar)", rb".{257}ustar"),
    ("an archive (RAR, 7z)", rb"Rar!\x1a\x07|7z\xbc\xaf\x27\x1c"),
    ("an older Office document or a thumbnail cache", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("a database (SQLite)", rb"SQLite format 3\0"),
    ("a sound (MP3)", rb"ID3"),
    ("a program", rb"\x7fELF|MZ.{58}"),
    ("XML", rb"(\xef\xbb\xbf)?\s*<\?xml"),
    ("JSON", rb'(\xef\xbb\xbf)?\s*(\{\s*(["}]|$)|\[\s*([\[{"\]\d-]|$))'),
    (
        "text that a picture was turned into, with most of its bytes lost",
        rb"(\xef\xbf\xbd){2,6}\0.JFIF|(\xef\xbf\xbd){2,6}.{1,6}Exif|\xef\xbf\xbdPNG\r?\n",
    ),
)

_PNG_ESSENTIAL = frozenset({b"CgBI", b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"})

#: A file is filled up by 16 times its length at most (with less of it left, nothing is seen), and
#: never by more than this, bytes.
_MOST_FILLING = 64 * 2**20

#: Tag and type in the index of a multi-picture file; pictures of one that are looked at.
_MP_ENTRIES, _MP_PREVIEW, _MP_OTHER_EYE = 0xB002, 0x010000, 0x020002
_MOST_MP_PICTURES = 16

#: How the makers of HDR photos (Adobe and Google, ISO 21496-1, Apple) mark what is no picture.
_GAIN_MAP = re.compile(rb"hdrgm:|urn:iso:std:iso:ts:21496|HDRGainMap")

#: Counting the frames of a GIF stops here.
MOST_FRAMES = 10_000


def sniff(data: bytes) -> str | None:
    """Name the format by content if it is one that is decoded, else None."""
    if data[4:8] == b"ftyp":
        return _media_format(data)
    return _first(_DECODED, data)


def foreign_picture(data: bytes) -> str | None:
    """Name a picture or film of a format that is not decoded, in words for people."""
    if data.endswith(_TGA_FOOTER):
        return "a Targa picture (TGA)"
    return _first((*_NOT_DECODED, *_FILMS_AND_DATA), data)


def is_text(data: bytes) -> bool:
    """Whether the first bytes of a file hold no control characters but those of text."""
    return _TEXT.fullmatch(data[:HEAD_BYTES]) is not None


def starts_like_picture(data: bytes) -> bool:
    """Whether a file starts like a picture of some format, decoded or not.

    A text may begin with "BM" or "P1 ", as some pictures do, and is none for that.

    Args:
        data: the first bytes are enough.
    """
    name = sniff(data) or _first(_NOT_DECODED, data)
    return name is not None and not (_BY_CHANCE.search(name) and is_text(data))


def foreign_file(data: bytes) -> str | None:
    """Name a file that is no picture at all, in words for people."""
    return _first(_NO_PICTURE, data)


def _first(table: _Table, data: bytes) -> str | None:
    head = data[:HEAD_BYTES]
    return next((name for name, pattern in table if pattern.match(head)), None)


def _media_format(data: bytes) -> str | None:
    """Tell AVIF and HEIF from films, which share the box that lists the brands (ISO 14496-12)."""
    length = min(struct.unpack_from(">I", data)[0], 256)
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, length, 4)}
    if brands & _AVIF_BRANDS:
        return "AVIF"
    return "HEIF" if brands & _HEIF_BRANDS else None


def gif_frames(data: bytes) -> int:
    """Count the frames of a GIF by its block structure (GIF89a, section 12), without decoding."""
    at = 13 + _table_bytes(data[10:11])
    frames = 0
    while at < len(data) and frames < MOST_FRAMES and data[at] != 0x3B:
        if data[at] == 0x2C:
            frames += 1
            at += 11 + _table_bytes(data[at + 9 : at + 10])
        elif data[at] == 0x21:
            at += 2
        else:
            at += 1
            continue
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    return max(frames, 1)


def _table_bytes(flags: bytes) -> int:
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def mpo_pictures(data: bytes, index: bytes, offset: int) -> list[bytes]:
    """Cut the further pictures out of a multi-picture file (CIPA DC-007), which is a JPEG.

    Left out are previews, the other halves of stereo pictures, and the maps of brightness that
    phones add to a photo (HDR).

    Args:
        index: the MP index, as the JPEG has it.
        offset: of the index in the file, bytes.
    """
    order = {b"II": "<", b"MM": ">"}.get(index[:2], ">")
    found: list[bytes] = []
    try:
        start = struct.unpack_from(order + "I", index, 4)[0]
        for entry in range(struct.unpack_from(order + "H", index, start)[0]):
            tag, _, length, at = struct.unpack_from(order + "HHII", index, start + 2 + 12 * entry)
            if tag != _MP_ENTRIES:
                continue
            for picture in range(1, min(length // 16, _MOST_MP_PICTURES + 1)):
                kind, size, place = struct.unpack_from(order + "III", index, at + 16 * picture)
                jpeg = data[offset + place : offset + place + size]
                if (
                    kind & 0xFF0000 != _MP_PREVIEW
                    and kind & 0xFFFFFF != _MP_OTHER_EYE
                    and not _GAIN_MAP.search(jpeg, 0, 2**16)
                ):
                    found.append(jpeg)
    except struct.error:
        return found
    return found


def repaired(data: bytes, name: str, filling: int = 0) -> bytes:
    """Take what stops a plugin, although the picture may be sound, out of a damaged file.

    Args:
        filling: the byte that stands for those that are missing in a WebP, AVIF or HEIF that ends
            early. Their decoders take it for some picture or other; what came before is as it was.
    """
    if name == "PNG":
        return _png_essentials(data)
    if name == "WEBP":
        return _filled(data, struct.unpack_from("<I", data, 4)[0] + 8, filling)
    if name in ("AVIF", "HEIF"):
        return _filled(data, _boxes_end(data), filling)
    return data


def _png_essentials(data: bytes) -> bytes:
    """Keep the chunks of the still picture; a bad text, profile or animation goes."""
    kept = [data[:8]]
    at = 8
    while at + 8 <= len(data):
        end = at + 12 + struct.unpack_from(">I", data, at)[0]
        if data[at + 4 : at + 8] in _PNG_ESSENTIAL:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _filled(data: bytes, length: int, filling: int) -> bytes:
    """Fill a file that ends early up to the length that its header names.

    The second half gets zeros, which pass for the empty chunks that may follow the picture's.
    """
    missing = length - len(data)
    if not 0 < missing <= min(16 * len(data), _MOST_FILLING):
        return data
    return data + bytes([filling]) * (missing // 2) + bytes(missing - missing // 2)


def _boxes_end(data: bytes) -> int:
    """Follow the outermost boxes of an ISO media file to where the last one should end."""
    at = 0
    while at + 8 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        if size < 8:  # to the end of the file, or a 64-bit size: no photo needs one
            return len(data)
        at += size
    return at
