"""How a file says that it lies on its side, in every form that is met; it is turned once."""

import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagematch.kernels.decode import decode
from imagematch.kernels.isomedia import main_picture
from imagematch.kernels.orientation import exif_turn, turn, xmp_turn
from imagematch.settings import DEFAULTS
from tests.kernels.pictures import apart, encoded, scene

UNDO = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
OPTIONS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "HEIF": {"quality": 95},
    "AVIF": {"quality": 95},
}
BYTE, SHORT, LONG = 1, 3, 4


def stored(value: int) -> Image.Image:
    """The scene as a camera that was held that way stores it."""
    method = UNDO[value]
    return scene() if method is None else scene().transpose(method)


def exif(value: int, kind: int = SHORT, order: str = ">") -> bytes:
    """An EXIF block with two tags, the second of which is the orientation."""
    field = struct.pack(order + {BYTE: "B3x", SHORT: "H2x", LONG: "I"}[kind], value)
    mark = b"MM" if order == ">" else b"II"
    width = struct.pack(order + "HHII", 0x0100, LONG, 1, 160)
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + field
    head = mark + struct.pack(order + "HIH", 42, 8, 2)
    return b"Exif\0\0" + head + width + entry + bytes(4)


def packet(value: int, form: str = '<rdf:Description tiff:Orientation="%d"/>') -> bytes:
    inner = form % value
    return (
        '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        f'xmlns:tiff="http://ns.adobe.com/tiff/1.0/">{inner}</rdf:RDF></x:xmpmeta>'
    ).encode()


def with_exif(name: str, image: Image.Image, block: bytes) -> bytes:
    """A HEIF or AVIF whose container turns nothing, whatever its EXIF block says.

    The writers would have the container turn it, so they are given a block without the tag.
    """
    other = exif(1).replace(b"\x01\x12", b"\x01\x13")
    data = encoded(image, name, exif=other, **OPTIONS[name])
    assert data.count(other[6:]) == 1
    data = data.replace(other[6:], block[6:])
    assert not main_picture(data).turned
    return data


def tagged_tiff(
    image: Image.Image, value: int, kind: int, order: str, *, xmp: bytes = b""
) -> bytes:
    """An uncompressed TIFF, written by hand, since Pillow would write a SHORT."""
    pixels = image.tobytes()
    field = struct.pack(order + {BYTE: "B3x", SHORT: "H2x", LONG: "I"}[kind], value)
    entries = [
        struct.pack(order + "HHII", 0x0100, LONG, 1, image.width),
        struct.pack(order + "HHII", 0x0101, LONG, 1, image.height),
        struct.pack(order + "HHII", 0x0102, SHORT, 3, 0),  # place, below
        struct.pack(order + "HHIHxx", 0x0103, SHORT, 1, 1),
        struct.pack(order + "HHIHxx", 0x0106, SHORT, 1, 2),
        struct.pack(order + "HHII", 0x0111, LONG, 1, 8),
        *([struct.pack(order + "HHI", 0x0112, kind, 1) + field] if value else []),
        struct.pack(order + "HHIHxx", 0x0115, SHORT, 1, 3),
        struct.pack(order + "HHII", 0x0116, LONG, 1, image.height),
        struct.pack(order + "HHII", 0x0117, LONG, 1, len(pixels)),
        *([struct.pack(order + "HHII", 700, BYTE, len(xmp), 14 + len(pixels))] if xmp else []),
    ]
    bits = 8 + len(pixels)
    entries[2] = struct.pack(order + "HHII", 0x0102, SHORT, 3, bits)
    start = bits + 6 + len(xmp)
    mark = b"MM" if order == ">" else b"II"
    return (
        mark
        + struct.pack(order + "HI", 42, start)
        + pixels
        + struct.pack(order + "3H", 8, 8, 8)
        + xmp
        + struct.pack(order + "H", len(entries))
        + b"".join(entries)
        + bytes(4)
    )


def expect_upright(data: bytes) -> None:
    photo = decode(data, DEFAULTS.decode)
    assert (photo.width, photo.height) == (160, 120)
    assert apart(photo.rgb, np.asarray(scene())) < 6


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG])
@pytest.mark.parametrize("value", UNDO)
def test_exif_counts_in_every_type_and_byte_order(value: int, kind: int, order: str) -> None:
    block = exif(value, kind, order)
    assert exif_turn(block) == exif_turn(block.removeprefix(b"Exif\0\0")) == value
    image = stored(value)
    for name in ("JPEG", "PNG", "WEBP"):
        expect_upright(encoded(image, name, exif=block, **OPTIONS[name]))
    expect_upright(tagged_tiff(image, value, kind, order))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [BYTE, SHORT, LONG])
@pytest.mark.parametrize("name", ["HEIF", "AVIF"])
def test_exif_alone_turns_heif_and_avif(name: str, kind: int, order: str) -> None:
    for value in (3, 6):
        expect_upright(with_exif(name, stored(value), exif(value, kind, order)))


FORMS = {
    "attribute": '<rdf:Description tiff:Orientation="%d"/>',
    "attribute in single quotes": "<rdf:Description tiff:Orientation = '%d' />",
    "element": "<rdf:Description><tiff:Orientation>%d</tiff:Orientation></rdf:Description>",
    "element in lines": "<tiff:Orientation\n xml:lang='x'>\n %d\n</tiff:Orientation >",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", OPTIONS)
def test_xmp_alone_turns_a_picture(name: str, form: str) -> None:
    for value in (3, 6):
        xmp = packet(value, FORMS[form])
        if name == "TIFF":
            data = tagged_tiff(stored(value), 0, SHORT, "<", xmp=xmp)
        elif name in ("HEIF", "AVIF"):
            upright = packet(1, FORMS[form])
            data = encoded(stored(value), name, xmp=upright, **OPTIONS[name])
            data = data.replace(upright, xmp)
            assert not main_picture(data).turned
        elif name == "PNG":
            data = encoded(stored(value), name)
            body = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
            text = struct.pack(">I", len(body)) + b"iTXt" + body
            data = data[:33] + text + struct.pack(">I", zlib.crc32(text[4:])) + data[33:]
        else:
            data = encoded(stored(value), name, xmp=xmp, **OPTIONS[name])
        expect_upright(data)


def test_xmp_in_utf16_is_read() -> None:
    assert xmp_turn(packet(6).decode().encode("utf-16")) == 6


@pytest.mark.parametrize("name", ["JPEG", "WEBP"])
def test_a_picture_whose_blocks_agree_is_turned_once(name: str) -> None:
    data = encoded(stored(6), name, exif=exif(6), xmp=packet(6), **OPTIONS[name])
    expect_upright(data)


def test_exif_wins_over_xmp() -> None:
    assert turn(exif(6), packet(3)) == 6
    assert turn(exif(1), packet(3)) == 1
    expect_upright(encoded(stored(6), "JPEG", exif=exif(6), xmp=packet(3), quality=95))
    expect_upright(tagged_tiff(stored(8), 8, SHORT, ">", xmp=packet(3)))
    expect_upright(tagged_tiff(stored(1), 1, LONG, ">", xmp=packet(6)))


@pytest.mark.parametrize("value", [0, 9, 255])
def test_xmp_stands_in_for_exif_that_makes_no_sense(value: int) -> None:
    assert turn(exif(value), packet(3)) == 3
    expect_upright(encoded(stored(6), "JPEG", exif=exif(value), xmp=packet(6), quality=95))
    expect_upright(tagged_tiff(stored(6), value, SHORT, "<", xmp=packet(6)))


@pytest.mark.parametrize("value", UNDO)
@pytest.mark.parametrize("name", ["HEIF", "AVIF"])
def test_the_container_wins_and_nothing_is_turned_twice(name: str, value: int) -> None:
    data = encoded(stored(value), name, exif=exif(value), xmp=packet(3), **OPTIONS[name])
    if value != 1:
        assert main_picture(data).turned
        expect_upright(data)


@pytest.mark.parametrize("value", [3, 6])
def test_a_phone_that_says_it_in_both_places_is_obeyed_once(value: int) -> None:
    data = encoded(stored(value), "HEIF", exif=exif(value), quality=95)
    assert main_picture(data).turned
    assert data.count(exif(value)[6:]) == 1
    expect_upright(data)
    expect_upright(data.replace(exif(value)[6:], exif(value, LONG)[6:]))


def test_exif_counts_for_the_picture_that_it_describes() -> None:
    file = pillow_heif.from_pillow(stored(6))
    file.add_from_pillow(Image.new("RGB", (160, 120), "red"))
    file[1].info["exif"] = exif(1)
    buffer = io.BytesIO()
    file.save(buffer, quality=95, primary_index=1, exif=exif(1))
    said = main_picture(buffer.getvalue())
    assert (said.turned, exif_turn(said.exif)) == (False, 1)


def test_the_text_that_imagemagick_writes_into_a_png_counts() -> None:
    block = exif(6)
    profile = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    body = b"Raw profile type exif\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body
    data = encoded(stored(6), "PNG")
    expect_upright(data[:33] + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + data[33:])


HOSTILE = {
    "entities": b'<!DOCTYPE x [<!ENTITY a "6">]><rdf tiff:Orientation="&a;"/>',
    "many starts": b"<tiff:Orientation" * 600_000,
    "many starts and blanks": b"<tiff:Orientation " * 600_000,
    "blanks": b"tiff:Orientation" + b" " * 10_000_000,
    "many attributes": b"tiff:Orientation=" * 600_000,
    "depth": b"<a>" * 3_000_000,
    "no number": b'<rdf tiff:Orientation="sideways"/>',
    "too large": b'<rdf tiff:Orientation="66"/>',
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_xmp_says_nothing(what: str) -> None:
    assert xmp_turn(HOSTILE[what]) == 0


@given(st.binary(max_size=300))
def test_any_block_gives_an_orientation(block: bytes) -> None:
    for start in (b"", b"II*\0\x08\0\0\0", b"Exif\0\0MM\0*\0\0\0\x08"):
        assert turn(start + block, block) in UNDO


@given(st.data())
def test_any_change_to_the_boxes_leaves_an_answer(data: st.DataObject) -> None:
    file = bytearray(BOXES)
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(main_picture(bytes(file)).exif, bytes)


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def test_boxes_that_promise_endless_work_are_left() -> None:
    item = struct.pack(">HHH", 1, 0, 65535)  # so many parts, whose places take no room
    extents = box(b"iloc", struct.pack(">IHH", 0, 0, 65535) + item * 65535)
    whole = struct.pack(">HHHII", 1, 0, 1, 0, 2**20)  # the same megabyte for each item
    same = box(b"iloc", struct.pack(">IHH", 0, 0x4400, 65535) + whole * 65535)
    kinds = box(b"infe", struct.pack(">IHH4s", 2 << 24, 1, 0, b"Exif"))
    listed = box(b"iinf", struct.pack(">IH", 0, 1000) + kinds * 1000)
    for places in (extents, same):
        main = box(b"pitm", struct.pack(">IH", 0, 1))
        data = box(b"meta", bytes(4) + main + places + listed) + bytes(2**20)
        assert len(main_picture(data).exif) <= 2**20


BOXES = encoded(stored(6), "AVIF", exif=exif(6), xmp=packet(3))[:900]
