"""Files of several pictures: which is shown, in which form, and how many others there are."""

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from imagematch.errors import PhotoError
from imagematch.kernels import decode as decoding
from imagematch.kernels.decode import DecodedPhoto, decode
from imagematch.settings import DEFAULTS
from tests.kernels.pictures import apart, encoded, scene
from tests.world import photo as drawn

MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I;16", "I", "F", "CMYK", "YCbCr", "LAB", "HSV")
ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")


def opened(data: bytes) -> DecodedPhoto:
    photo = decode(data, DEFAULTS.decode)
    assert photo.rgb.dtype == np.uint8
    assert photo.rgb.ndim == 3
    assert photo.rgb.shape[2] == 3
    assert photo.rgb.flags.c_contiguous
    return photo


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """The same picture in a mode that TIFF, PNG or JPEG may have."""
    grey = np.asarray(image.convert("L"))
    if mode == "I;16":
        return Image.fromarray(grey.astype(np.uint16) * 257)
    if mode == "F":
        return Image.fromarray(grey.astype(np.float32) / 255)
    if mode == "PA":
        return image.quantize(64).convert("PA")
    if mode == "LAB":
        spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(image, *spaces, outputMode="LAB")
        assert converted is not None
        return converted
    return image.convert(mode)


def pages(name: str, images: Sequence[Image.Image], **options: object) -> bytes:
    rest = list(images[1:])
    return encoded(images[0], name, save_all=True, append_images=rest, **options)


def pictures(*seeds: int, size: tuple[int, int] = (320, 240)) -> list[Image.Image]:
    return [Image.fromarray(drawn(seed, *size)) for seed in seeds]


def checkerboard(square: int = 8, size: tuple[int, int] = (320, 240)) -> Image.Image:
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    return Image.fromarray(((x // square + y // square) % 2 * 255).astype(np.uint8)).convert("RGB")


def shown(photo: DecodedPhoto, among: Sequence[Image.Image]) -> int:
    """Which of some pictures was decoded."""
    height, width = photo.rgb.shape[:2]
    far = [apart(photo.rgb, np.asarray(image.resize((width, height)))) for image in among]
    assert min(far) < 20
    return int(np.argmin(far))


# --- pages ---------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    modes=st.lists(st.sampled_from(MODES[:-1]), min_size=1, max_size=3),
    sizes=st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), min_size=3, max_size=3),
    compression=st.sampled_from([None, "tiff_lzw", "tiff_adobe_deflate", "packbits"]),
)
def test_the_first_page_comes_as_rgb_whatever_modes_and_sizes_the_pages_have(
    modes: list[str], sizes: list[tuple[int, int]], compression: str | None
) -> None:
    images = [in_mode(scene(*size), mode) for mode, size in zip(modes, sizes, strict=False)]
    photo = opened(pages("TIFF", images, compression=compression))
    alone = opened(encoded(images[0], "TIFF", compression=compression))
    assert (photo.width, photo.height) == sizes[0]
    assert photo.frames == len(modes)
    assert np.array_equal(photo.rgb, alone.rgb)


#: Of the others, the writers of AVIF and WebP convert what they can't write.
KINDS = {
    "TIFF": MODES[:-1],
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("1", "L", "RGB", "CMYK", "YCbCr"),
    "GIF": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "HEIF": ("L", "LA", "RGB", "RGBA", "I;16"),
    "WEBP": MODES,
    "AVIF": MODES,
}


@pytest.mark.parametrize(
    ("name", "mode"), [(name, mode) for name, modes in KINDS.items() for mode in modes]
)
def test_every_mode_that_a_format_has_becomes_rgb(name: str, mode: str) -> None:
    data = encoded(in_mode(scene(), mode), name)
    assert opened(data).rgb.shape == (120, 160, 3)


@pytest.mark.parametrize("other", ["1", "L", "P", "CMYK", "RGB"])
def test_a_page_of_another_mode_after_a_photo_leaves_the_photo(other: str) -> None:
    photo, page = pictures(1, 2)
    decoded = opened(pages("TIFF", [photo, in_mode(page.resize((100, 80)), other)]))
    assert (decoded.width, decoded.height, decoded.frames) == (320, 240, 2)
    assert np.array_equal(decoded.rgb, np.asarray(photo))


def test_pixels_of_an_unforeseen_kind_become_a_photo_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoding, "_rendered", lambda image, *_: image.convert("L"))
    with pytest.raises(PhotoError, match="unforeseen"):
        opened(encoded(scene(), "PNG"))


def test_further_pages_are_counted_once_for_each_picture() -> None:
    one, two, three = pictures(1, 2, 3)
    blank = Image.new("RGB", (320, 240), "white")
    assert opened(pages("TIFF", [one])).unseen == 0
    assert opened(pages("TIFF", [one, two, three])).unseen == 2
    assert opened(pages("TIFF", [one, two, two, one])).unseen == 1
    assert opened(pages("TIFF", [one, blank, one.resize((160, 120))])).unseen == 0


def test_a_page_that_is_damaged_hides_nothing_of_the_first() -> None:
    one, two = pictures(1, 2)
    data = pages("TIFF", [one, two], compression="tiff_adobe_deflate")
    at = data.rindex(b"\x78\x9c")
    photo = opened(data[:at] + b"\xff" * 40 + data[at + 40 :])
    assert not photo.truncated
    assert np.array_equal(photo.rgb, np.asarray(one))


@pytest.mark.parametrize("primary", [0, 1, 2])
def test_of_a_heif_the_main_picture_is_shown_and_the_others_are_counted(primary: int) -> None:
    images = pictures(1, 2, 3)
    file = pillow_heif.from_pillow(images[0])
    for image in images[1:]:
        file.add_from_pillow(image)
    buffer = io.BytesIO()
    file.save(buffer, quality=90, primary_index=primary)
    photo = opened(buffer.getvalue())
    assert shown(photo, images) == primary
    assert (photo.frames, photo.unseen) == (3, 2)


def test_pictures_behind_a_jpeg_are_counted() -> None:
    one, two = pictures(1, 2)
    assert opened(pages("MPO", [one, two])).unseen == 1
    assert opened(pages("MPO", [one, one.resize((160, 120))])).unseen == 0
    assert opened(encoded(one, "JPEG")).unseen == 0


def test_the_brightness_of_an_hdr_photo_is_no_picture() -> None:
    one, two = pictures(1, 2)
    gains = b'<rdf:Description xmlns:hdrgm="x" hdrgm:Version="1.0"/>'
    two.encoderinfo = {"xmp": gains}
    data = pages("MPO", [one, two])
    if gains not in data:
        pytest.skip("the writer does not take it over")
    assert opened(data).unseen == 0


# --- animations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ANIMATED)
@pytest.mark.parametrize("first", [True, False])
def test_the_photo_is_shown_and_not_the_checkerboard(name: str, *, first: bool) -> None:
    photo = pictures(1)[0]
    for square in (1, 2, 4, 8, 32) if name == "PNG" else (2, 16):
        frames = [photo, checkerboard(square)] if first else [checkerboard(square), photo]
        decoded = opened(pages(name, frames, duration=[800, 800]))
        assert shown(decoded, [photo]) == 0
        assert decoded.frames == 2


def empty_frames() -> dict[str, Image.Image]:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:240, 0:320]
    return {
        "noise": Image.fromarray(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)),
        "bars": Image.fromarray(np.repeat((x // 40 % 2 * 255)[..., None], 3, 2).astype(np.uint8)),
        "gradient": Image.fromarray((x * 255 // 319).astype(np.uint8)).convert("RGB"),
        "codes": Image.fromarray(
            np.kron(rng.integers(0, 2, (30, 40)) * 255, np.ones((8, 8))).astype(np.uint8)
        ).convert("RGB"),
        "waves": Image.fromarray(
            (127 + 127 * np.sin((x * x + y * y) / 200)).astype(np.uint8)
        ).convert("RGB"),
        "white": Image.new("RGB", (320, 240), "white"),
    }


@pytest.mark.parametrize("what", empty_frames())
def test_a_photo_shows_more_than(what: str) -> None:
    photo, other = pictures(4)[0], empty_frames()[what]
    for frames in ([other, photo], [photo, other]):
        assert shown(opened(pages("PNG", frames, duration=500)), [photo, other]) == 0


@pytest.mark.parametrize("name", ANIMATED)
def test_of_a_slideshow_the_first_photo_is_shown_and_the_others_are_counted(name: str) -> None:
    images = pictures(1, 2, 3, 4)
    photo = opened(pages(name, images, duration=1000))
    assert shown(photo, images) == 0
    assert (photo.frames, photo.unseen) == (4, 3)


def test_a_damaged_end_leaves_the_pictures_before_it() -> None:
    images = pictures(1, 2, 3)
    data = pages("GIF", images, duration=1000)
    photo = opened(data[: len(data) * 3 // 5])
    assert photo.truncated
    assert shown(photo, images) == 0


# --- kinds inside a format -----------------------------------------------------------------------


def apples_png(image: Image.Image) -> bytes:
    """A PNG as Xcode packs it: blue, green, red, premultiplied, and without zlib's header."""
    rgba = np.asarray(image.convert("RGBA")).astype(np.uint16)
    alpha = rgba[..., 3:]
    bgra = np.concatenate([rgba[..., 2::-1] * alpha // 255, alpha], axis=2).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in bgra)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = deflate.compress(rows) + deflate.flush()
    size = struct.pack(">IIBBBBB", *image.size, 8, 6, 0, 0, 0)
    chunks = [(b"CgBI", b"\x50\0\x20\6"), (b"IHDR", size)]
    chunks += [(b"IDAT", packed[at : at + 5000]) for at in range(0, len(packed), 5000)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [*chunks, (b"IEND", b"")]
    )


def test_a_png_out_of_an_iphone_app_is_decoded() -> None:
    image = pictures(1)[0]
    photo = opened(apples_png(image))
    assert not photo.truncated
    assert np.array_equal(photo.rgb, np.asarray(image))


def test_alpha_of_such_a_png_is_laid_on_white() -> None:
    image = pictures(1)[0].convert("RGBA")
    image.putalpha(128)
    assert apart(opened(apples_png(image)).rgb, opened(encoded(image, "PNG")).rgb) < 2


def test_such_a_png_that_ends_early_shows_its_first_rows() -> None:
    image = pictures(1)[0]
    data = apples_png(image)
    photo = opened(data[: len(data) // 2])
    assert photo.truncated
    assert np.array_equal(photo.rgb[:80], np.asarray(image)[:80])


def tiff_of(pieces: Sequence[bytes], size: tuple[int, int], tags: dict[int, int]) -> bytes:
    """A TIFF around strips or tiles that are packed already."""
    body, places = b"", []
    for piece in pieces:
        places.append(8 + len(body))
        body += piece
    arrays = {273: places, 279: [len(piece) for piece in pieces]}
    if 322 in tags:
        arrays = {324: arrays[273], 325: arrays[279]}
    entries = {256: [size[0]], 257: [size[1]], 258: [8, 8, 8], 262: [2], 277: [3], **arrays}
    entries |= {tag: [value] for tag, value in tags.items()}
    at = 8 + len(body)
    directory, values = b"", b""
    start = at + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        numbers = struct.pack(f"<{len(entries[tag])}I", *entries[tag])
        if len(numbers) > 4:
            place = struct.pack("<I", start + len(values))
            values += numbers
        else:
            place = numbers
        directory += struct.pack("<HHI", tag, 4, len(entries[tag])) + place
    count = struct.pack("<H", len(entries))
    return b"II*\0" + struct.pack("<I", at) + body + count + directory + bytes(4) + values


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_webp_in_a_tiff_is_decoded_in_one_strip_in_strips_and_in_tiles(orientation: int) -> None:
    image = pictures(1)[0]
    turn = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[orientation]
    held = image if turn is None else image.transpose(turn)
    width, height = held.size

    def webp(left: int, top: int, right: int, bottom: int) -> bytes:
        return encoded(held.crop((left, top, right, bottom)), "WEBP", lossless=True)

    strips = [webp(0, top, width, min(top + 100, height)) for top in range(0, height, 100)]
    tiles = [
        webp(left, top, left + 128, top + 128)
        for top in range(0, height, 128)
        for left in range(0, width, 128)
    ]
    common = {259: 50001, 274: orientation}
    for data in (
        tiff_of([webp(0, 0, width, height)], held.size, common),
        tiff_of(strips, held.size, common | {278: 100}),
        tiff_of(tiles, held.size, common | {322: 128, 323: 128}),
    ):
        photo = opened(data)
        assert (photo.width, photo.height) == (320, 240)
        assert np.array_equal(photo.rgb, np.asarray(image))


@pytest.mark.parametrize(
    ("compression", "found"),
    [(50002, "JPEG XL"), (34712, "JPEG 2000"), (34887, "LERC"), (7777, "7777")],
)
def test_a_tiff_that_is_packed_in_an_unknown_way_is_not_called_damaged(
    compression: int, found: str
) -> None:
    with pytest.raises(PhotoError, match=found) as caught:
        opened(tiff_of([bytes(99)], (9, 9), {259: compression}))
    assert caught.value.code == "unsupported"


# --- what never arrived --------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.5, 0.7])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("WEBP", {"quality": 85}),
        ("WEBP", {"lossless": True}),
        ("HEIF", {"quality": 85}),
        ("JPEG", {"quality": 85}),
        ("PNG", {}),
    ],
)
def test_what_never_arrived_is_flat_and_what_did_is_as_it_was(
    name: str, options: dict[str, object], share: float
) -> None:
    data = encoded(pictures(5, size=(320, 480))[0], name, **options)
    whole, cut = opened(data), opened(data[: int(len(data) * share)])
    assert cut.truncated
    same = (np.abs(cut.rgb.astype(int) - whole.rgb) <= 2).all(axis=2)
    assert same[:75].mean() > 0.99
    missing = cut.rgb[-20:]
    assert missing.reshape(-1, 3).std(axis=0).max() == 0
    other = cut.rgb[~same]
    plain = (other == missing[0, 0]).all(axis=1)
    assert plain.mean() > 0.9
