"""Broken picture files made from numbers: sound files of every format, changed by seed.

Changes know the structure of a file where that leads deeper into a decoder than random bytes do:
sizes, TIFF tags, PNG chunks with right checksums, JPEG segments, boxes of ISO media files.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from PIL import Image

from tests.kernels.pictures import encoded, scene

type _Random = np.random.Generator

_WIDTH, _HEIGHT = 160, 120
#: What a size, count or offset is replaced by.
_EXTREMES = (0, 1, 2, 7, 120, 160, 255, 256, 4095, 32767, 65535, 65536, 2**31 - 1, 2**32 - 1)


@cache
def sound_files() -> dict[str, bytes]:
    """A file of each kind that is decoded, by name."""
    rgb = scene(_WIDTH, _HEIGHT)
    gray, small = rgb.convert("L"), rgb.resize((64, 48))
    alpha = rgb.copy()
    alpha.putalpha(gray)
    turned = rgb.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [rgb, Image.new("RGB", rgb.size, "white"), rgb.rotate(180)]
    moving = {"save_all": True, "append_images": frames[1:]}
    files = {
        "jpeg": encoded(rgb, "JPEG", quality=90),
        "jpeg progressive": encoded(rgb, "JPEG", progressive=True, subsampling=2),
        "jpeg gray": encoded(gray, "JPEG"),
        "jpeg cmyk": encoded(rgb.convert("CMYK"), "JPEG"),
        "jpeg exif": encoded(turned, "JPEG", exif=exif, icc_profile=b"none" * 40),
        "jpeg restarts": encoded(rgb, "JPEG", restart_marker_rows=1),
        "mpo": encoded(rgb, "MPO", **moving),
        "png": encoded(rgb, "PNG", exif=exif),
        "png alpha": encoded(alpha, "PNG"),
        "png palette": encoded(rgb.quantize(16), "PNG", transparency=3),
        "png bilevel": encoded(rgb.convert("1"), "PNG"),
        "png 16 bits": encoded(_deep(gray), "PNG"),
        "apng": encoded(rgb, "PNG", **moving),
        "webp": encoded(rgb, "WEBP", quality=80),
        "webp lossless": encoded(alpha, "WEBP", lossless=True),
        "webp moving": encoded(small, "WEBP", save_all=True, append_images=[small.rotate(9)]),
        "gif": encoded(rgb.quantize(64), "GIF"),
        "gif moving": encoded(rgb, "GIF", **moving),
        "bmp": encoded(rgb, "BMP"),
        "bmp palette": encoded(rgb.quantize(16), "BMP"),
        "tiff": encoded(rgb, "TIFF"),
        "tiff 16 bits": encoded(_deep(gray), "TIFF"),
        "tiff float": encoded(gray.convert("F"), "TIFF"),
        "tiff cmyk": encoded(rgb.convert("CMYK"), "TIFF", compression="tiff_lzw"),
        "tiff fax": encoded(rgb.convert("1"), "TIFF", compression="group4"),
        "tiff big": encoded(rgb, "TIFF", big_tiff=True),
        "heif": encoded(rgb, "HEIF", quality=60),
        "avif": encoded(rgb, "AVIF", speed=10),
        "avif moving": encoded(small, "AVIF", speed=10, save_all=True, append_images=[small]),
    }
    for way in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        files[f"tiff {way}"] = encoded(rgb, "TIFF", compression=way)
    for mode in ("1", "L", "P", "CMYK", "RGB", "I;16"):
        last = _deep(gray) if mode == "I;16" else rgb.convert(mode)
        pages = {"save_all": True, "append_images": [last]}
        files[f"tiff pages to {mode}"] = encoded(rgb, "TIFF", **pages)
        files[f"tiff pages from {mode}"] = encoded(last, "TIFF", save_all=True, append_images=[rgb])
    return files


def _deep(gray: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)


def mutated(seed: int) -> bytes:
    """The broken file of a number; the same on every machine with the same encoders."""
    rng = np.random.default_rng(seed)
    files = list(sound_files().values())
    data = files[seed % len(files)]
    own = _OWN.get(_family(data), ())
    for _ in range(int(rng.integers(1, 4))):
        ways = own if own and rng.random() < 0.5 else _ANYWHERE
        data = ways[int(rng.integers(len(ways)))](data, rng)
    return data


def _family(data: bytes) -> str:
    starts = (("png", b"\x89PNG"), ("jpeg", b"\xff\xd8"), ("tiff", b"II"), ("gif", b"GIF8"))
    for name, start in starts:
        if data.startswith(start):
            return name
    return "media" if data[4:8] == b"ftyp" else "riff" if data[:4] == b"RIFF" else ""


# --- anywhere in a file -------------------------------------------------------------------------


def _place(data: bytes, rng: _Random) -> int:
    """A byte, half of the time one of the first 600, where headers are."""
    most = len(data) if rng.random() < 0.5 else min(len(data), 600)
    return int(rng.integers(max(1, most)))


def _run(data: bytes, rng: _Random) -> tuple[int, int]:
    start = _place(data, rng)
    return start, start + int(2 ** rng.uniform(0, 11))


def _bytes_changed(data: bytes, rng: _Random) -> bytes:
    changed = bytearray(data)
    for _ in range(int(2 ** rng.uniform(0, 5))):
        if changed:
            changed[_place(data, rng)] = int(rng.integers(256))
    return bytes(changed)


def _bits_flipped(data: bytes, rng: _Random) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 9))):
        if changed:
            changed[_place(data, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _zeroed(data: bytes, rng: _Random) -> bytes:
    start, end = _run(data, rng)
    return data[:start] + bytes(len(data[start:end])) + data[end:]


def _cut_short(data: bytes, rng: _Random) -> bytes:
    return data[: int(len(data) * rng.random())]


def _cut_out(data: bytes, rng: _Random) -> bytes:
    start, end = _run(data, rng)
    return data[:start] + data[end:]


def _repeated(data: bytes, rng: _Random) -> bytes:
    start, end = _run(data, rng)
    return data[:end] + data[start:end] * int(rng.integers(1, 9)) + data[end:]


def _spliced(data: bytes, rng: _Random) -> bytes:
    """A piece of another file in the place of one of this."""
    files = list(sound_files().values())
    other = files[int(rng.integers(len(files)))]
    start, end = _run(data, rng)
    from_there, to_there = _run(other, rng)
    return data[:start] + other[from_there:to_there] + data[end:]


def _prefixed(data: bytes, rng: _Random) -> bytes:
    junk = (b"\xef\xbb\xbf", b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", rng.bytes(5), b"\0" * 64)
    return junk[int(rng.integers(len(junk)))] + data


def _resized(data: bytes, rng: _Random) -> bytes:
    """The picture's width or height, wherever and however it is written, is another number."""
    side = (_WIDTH, _HEIGHT)[int(rng.integers(2))]
    value = _EXTREMES[int(rng.integers(len(_EXTREMES)))]
    layout = ("<H", ">H", "<I", ">I")[int(rng.integers(4))]
    old = struct.pack(layout, side)
    new = struct.pack(layout, value % 256 ** len(old))
    return data.replace(old, new, int(rng.integers(1, 3)))


def _number_changed(data: bytes, rng: _Random) -> bytes:
    """Two or four bytes become an extreme."""
    layout = ("<H", ">H", "<I", ">I")[int(rng.integers(4))]
    value = _EXTREMES[int(rng.integers(len(_EXTREMES)))] % 256 ** struct.calcsize(layout)
    at = _place(data, rng)
    return data[:at] + struct.pack(layout, value) + data[at + struct.calcsize(layout) :]


_ANYWHERE = (
    *(_bytes_changed, _bits_flipped, _zeroed, _cut_short, _cut_out, _repeated),
    *(_spliced, _prefixed, _resized, _number_changed),
)

# --- by the structure of a format ---------------------------------------------------------------


def _shuffled(pieces: list[bytes], rng: _Random, change: Callable[[bytes], bytes]) -> list[bytes]:
    """One piece is changed, left out, doubled, or trades places with another one."""
    if not pieces:
        return pieces
    at, other = (int(rng.integers(len(pieces))) for _ in range(2))
    way = int(rng.integers(4))
    if way == 0:
        pieces[at] = change(pieces[at])
    elif way == 1:
        del pieces[at]
    elif way == 2:
        pieces.insert(other, pieces[at])
    else:
        pieces[at], pieces[other] = pieces[other], pieces[at]
    return pieces


def _png_changed(data: bytes, rng: _Random) -> bytes:
    """A chunk is changed, with a right checksum; pixels are compressed again."""

    def change(chunk: bytes) -> bytes:
        name, body = chunk[4:8], chunk[8:-4]
        if name == b"IDAT" and rng.random() < 0.7:
            try:
                body = zlib.compress(_bytes_changed(zlib.decompress(body), rng))
            except zlib.error:
                body = _bytes_changed(body, rng)
        else:
            body = _number_changed(body, rng)[: max(4, len(body))]
        checked = name + body
        return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))

    return data[:8] + b"".join(_shuffled(list(_png_chunks(data)), rng, change))


def _png_chunks(data: bytes) -> Iterator[bytes]:
    at = 8
    while at + 12 <= len(data):
        end = at + 12 + struct.unpack_from(">I", data, at)[0]
        yield data[at:end].ljust(12, b"\0")
        at = end


def _jpeg_changed(data: bytes, rng: _Random) -> bytes:
    """A segment before the pixels is changed, with a right length."""

    def change(segment: bytes) -> bytes:
        body = _number_changed(segment[4:], rng)[:65000]
        return segment[:2] + struct.pack(">H", len(body) + 2) + body

    pieces, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        pieces.append(data[at:end].ljust(4, b"\0"))
        at = end
    return data[:2] + b"".join(_shuffled(pieces, rng, change)) + data[at:]


def _tiff_changed(data: bytes, rng: _Random) -> bytes:
    """Tag, type, count or value of an entry of a directory, or where the next directory is."""
    if len(data) < 16 or data[2] != 42:
        return _number_changed(data, rng)
    directories = list(_tiff_directories(data))
    if not directories:
        return data
    start, count = directories[int(rng.integers(len(directories)))]
    entry = start + 2 + 12 * int(rng.integers(count + 1))  # the last is the link to the next one
    field, size = ((0, 2), (2, 2), (4, 4), (8, 4))[int(rng.integers(4))]
    if entry == start + 2 + 12 * count:
        field, size = 0, 4
    tags = (256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 320, 322, 338, 339, 34675)
    values = tags if field == 0 and size == 2 else (*_EXTREMES, start, 8, 3, 5, 13)
    value = values[int(rng.integers(len(values)))] % 256**size
    return data[: entry + field] + value.to_bytes(size, "little") + data[entry + field + size :]


def _tiff_directories(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each begins, and how many entries it has."""
    at, seen = struct.unpack_from("<I", data, 4)[0], 0
    while 0 < at < len(data) - 2 and seen < 5:
        count = struct.unpack_from("<H", data, at)[0]
        if count > 200 or at + 6 + 12 * count > len(data):
            return
        yield at, count
        at, seen = struct.unpack_from("<I", data, at + 2 + 12 * count)[0], seen + 1


def _blocks_changed(data: bytes, rng: _Random, *, first: int, layout: str, named: int) -> bytes:
    """A block that begins with (or after its name with) a length is changed, lost or doubled."""

    def change(block: bytes) -> bytes:
        return _number_changed(block, rng)

    pieces: list[bytes] = []
    at = first
    while at + 8 <= len(data) and len(pieces) < 50:
        length = struct.unpack_from(layout, data, at + named)[0] + (8 if named else 0)
        length = max(8, length + length % 2 if named else length)
        pieces.append(data[at : at + length])
        at += length
    return data[:first] + b"".join(_shuffled(pieces, rng, change))


def _boxes_changed(data: bytes, rng: _Random) -> bytes:
    return _blocks_changed(data, rng, first=0, layout=">I", named=0)


def _riff_changed(data: bytes, rng: _Random) -> bytes:
    return _blocks_changed(data, rng, first=12, layout="<I", named=4)


def _gif_changed(data: bytes, rng: _Random) -> bytes:
    """A byte beside what begins an image or an extension: sizes, offsets, flags, code sizes."""
    starts = [at for at, byte in enumerate(data) if byte in (0x2C, 0x21)]
    if not starts:
        return data
    at = starts[int(rng.integers(min(len(starts), 6)))] + int(rng.integers(12))
    return data[:at] + bytes([int(rng.integers(256))]) + data[at + 1 :]


_OWN: dict[str, tuple[Callable[[bytes, _Random], bytes], ...]] = {
    "png": (_png_changed,),
    "jpeg": (_jpeg_changed,),
    "tiff": (_tiff_changed,),
    "media": (_boxes_changed,),
    "riff": (_riff_changed,),
    "gif": (_gif_changed,),
}
