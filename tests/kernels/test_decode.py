"""What `decode` makes of sound, odd, damaged and hostile files."""

import logging
import os
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from imagematch.errors import PhotoError
from imagematch.kernels.containers import gif_frames
from imagematch.kernels.decode import DecodedPhoto, decode, sniff
from imagematch.kernels.orientation import exif_turn
from imagematch.records import FAILURE_CODES
from imagematch.settings import DEFAULTS
from tests.kernels.pictures import apart, encoded, scene

SETTINGS = DEFAULTS.decode
SHARED = Path(__file__).parents[3] / "shared" / "data"

FORMATS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95},
    "PNG": {},
    "WEBP": {"lossless": True},
    "GIF": {},
    "BMP": {},
    "TIFF": {},
    "HEIF": {"quality": 95},
    "AVIF": {"quality": 95},
}
FILES = {name: encoded(scene(), name, **options) for name, options in FORMATS.items()}


def opened(data: bytes, **changes: int) -> DecodedPhoto:
    return decode(data, replace(SETTINGS, **changes))


def failure(data: bytes, **changes: int) -> PhotoError:
    with pytest.raises(PhotoError) as caught:
        opened(data, **changes)
    assert caught.value.code in FAILURE_CODES
    assert "\n" not in str(caught.value)
    return caught.value


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG from its chunks, with right checksums."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def header(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)


# --- formats and modes ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_told_by_content_and_decoded(name: str) -> None:
    photo = opened(FILES[name])
    assert (sniff(FILES[name]), photo.format) == (name, name)
    assert (photo.width, photo.height, photo.frames, photo.truncated) == (160, 120, 1, False)
    assert photo.rgb.dtype == np.uint8
    assert apart(photo.rgb, np.asarray(scene())) < 6  # GIF has 256 colours


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_bytes_give_the_same_pixels(name: str) -> None:
    assert np.array_equal(opened(FILES[name]).rgb, opened(FILES[name]).rgb)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("name", ["PNG", "TIFF"])
def test_modes_decode_to_the_same_picture(mode: str, name: str) -> None:
    converted = scene().convert(mode)
    assert apart(opened(encoded(converted, name)).rgb, np.asarray(converted.convert("RGB"))) < 0.01


@pytest.mark.parametrize("scale", [1, 8], ids=["as it is", "scaled down"])
@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bits_become_eight(order: str, scale: int) -> None:
    grey = scene(160 * scale, 120 * scale).convert("L")
    deep = np.asarray(grey).astype(order) * 257
    mode = "I;16" if order == "<u2" else "I;16B"
    image = Image.frombytes(mode, grey.size, deep.astype(order).tobytes())
    wanted = opened(encoded(grey, "PNG")).rgb
    names = ["PNG", "TIFF"] if mode == "I;16" else ["TIFF"]
    for name in names:
        assert apart(opened(encoded(image, name)).rgb, wanted) < 1


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0, 3e6])
def test_float_and_32_bit_pictures_are_brought_to_eight_bits(white: float) -> None:
    levels = np.asarray(scene().convert("L"), dtype=np.float32) / 255
    levels = (levels - levels.min()) / np.ptp(levels) * white
    pictures: list[np.ndarray] = [levels] if white == 1 else [levels, levels.astype(np.int32)]
    for picture in pictures:
        rgb = opened(encoded(Image.fromarray(picture), "TIFF")).rgb
        assert apart(rgb[..., 0], levels / white * 255) < 1


def test_a_float_picture_with_infinities_is_decoded() -> None:
    levels = np.linspace(0, 1, 4800, dtype=np.float32).reshape(60, 80)
    levels[0, :3] = np.nan, np.inf, -np.inf
    assert opened(encoded(Image.fromarray(levels), "TIFF")).rgb.max() == 255


def test_alpha_is_laid_on_white() -> None:
    clear = scene().convert("RGBA")
    clear.putalpha(0)
    assert (opened(encoded(clear, "PNG")).rgb == 255).all()
    clear.putalpha(128)
    half = (np.asarray(scene()).astype(float) + 255) / 2
    for name in ("PNG", "TIFF"):
        assert apart(opened(encoded(clear, name)).rgb, half.astype(np.uint8)) < 2


def test_a_transparent_palette_entry_becomes_white() -> None:
    image = scene().quantize(16)
    index = int(np.asarray(image)[0, 0])
    there = np.asarray(image) == index
    for name in ("PNG", "GIF"):
        rgb = opened(encoded(image, name, transparency=index)).rgb
        assert (rgb[there] == 255).all()
        assert (rgb[~there] != 255).any()


@pytest.mark.parametrize("depth", [8, 16])
def test_a_transparent_colour_of_an_rgb_png_is_no_error(depth: int) -> None:
    row = b"\0" + struct.pack(">6H", 7, 7, 7, 65535, 0, 65535)
    if depth == 8:
        row = b"\0" + bytes([7, 7, 7, 255, 0, 255])
    size = struct.pack(">IIBBBBB", 2, 1, depth, 2, 0, 0, 0)
    clear = (b"tRNS", struct.pack(">3H", 7, 7, 7))
    data = png((b"IHDR", size), clear, (b"IDAT", zlib.compress(row)), (b"IEND", b""))
    assert opened(data).rgb[0, 1].tolist() == [255, 0, 255]


def test_cmyk_jpeg_keeps_its_colours() -> None:
    image = scene().convert("CMYK")
    assert apart(opened(encoded(image, "JPEG", quality=95)).rgb, np.asarray(scene())) < 4


def test_mpo_is_a_jpeg() -> None:
    data = encoded(scene(), "MPO", save_all=True, append_images=[Image.new("RGB", (160, 120))])
    photo = opened(data)
    assert (photo.format, photo.frames) == ("JPEG", 1)
    assert apart(photo.rgb, np.asarray(scene())) < 6


# --- scaling and turning -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(3000, 1700), (1025, 900), (500, 2600)])
def test_large_pictures_are_scaled_and_report_their_size(name: str, size: tuple[int, int]) -> None:
    image = scene(*size)
    photo = opened(encoded(image, name), working_side=512)
    assert (photo.width, photo.height) == size
    assert max(photo.rgb.shape[:2]) == 512
    height, width = photo.rgb.shape[:2]
    wanted = image.resize((width, height), Image.Resampling.LANCZOS)
    assert apart(photo.rgb, np.asarray(wanted)) < 3


@pytest.mark.parametrize("size", [(3000, 1), (1, 3000), (1, 1)])
@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_a_strip_keeps_at_least_one_pixel(name: str, size: tuple[int, int]) -> None:
    rgb = opened(encoded(Image.new("RGB", size, (9, 99, 199)), name), working_side=256).rgb
    assert min(rgb.shape) >= 1
    assert max(rgb.shape[:2]) <= 256


UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_all_orientations_decode_to_the_same_upright_picture(name: str, orientation: int) -> None:
    stored = scene().transpose(UNDO[orientation]) if orientation in UNDO else scene()
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = opened(encoded(stored, name, exif=exif.tobytes(), **FORMATS[name]))
    assert (photo.width, photo.height) == (160, 120)
    assert apart(photo.rgb, np.asarray(scene())) < 6


@given(st.binary(max_size=200))
@example(b"II*\0\x08\0\0\0\xff\xff")
@example(b"MM\0*\xff\xff\xff\xff")
def test_a_broken_exif_block_leaves_the_picture_as_it_is(block: bytes) -> None:
    assert 0 <= exif_turn(b"Exif\0\0MM\0*" + block) <= 8
    data = encoded(scene(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + block)
    assert opened(data).width == 160


# --- animations ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "AVIF"])
def test_a_blank_opening_is_passed_over(name: str) -> None:
    frames = [scene(), scene(), scene().rotate(180), scene().rotate(180)]
    blank = Image.new("RGB", (160, 120), "white")
    data = encoded(blank, name, save_all=True, append_images=frames, duration=100)
    photo = opened(data)
    assert photo.frames > 1
    assert apart(photo.rgb, np.asarray(scene())) < 12


def test_of_equal_frames_the_first_is_taken() -> None:
    turned = [scene().rotate(180), scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    data = encoded(scene(), "PNG", save_all=True, append_images=turned)
    assert apart(opened(data).rgb, np.asarray(scene())) == 0


def test_an_animation_whose_later_frames_are_missing_shows_the_first() -> None:
    turns = map(Image.Transpose, (Image.Transpose.ROTATE_180, 0, 1))
    later = [scene().transpose(turn) for turn in turns] * 3
    data = encoded(scene(), "GIF", save_all=True, append_images=later)
    photo = opened(data[: len(data) // 3])
    assert photo.truncated
    assert apart(photo.rgb, np.asarray(scene())) < 6


@given(st.binary(max_size=300))
def test_counting_gif_frames_ends_on_any_bytes(tail: bytes) -> None:
    assert gif_frames(b"GIF89a" + tail) >= 1


def test_gif_frames_are_counted_without_decoding() -> None:
    shades = [Image.new("L", (8, 8), shade) for shade in range(0, 250, 10)]
    data = encoded(shades[0], "GIF", save_all=True, append_images=shades[1:])
    assert gif_frames(data) == len(shades)


def test_pages_of_a_tiff_are_counted_and_the_first_is_shown() -> None:
    data = encoded(scene(), "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9))] * 2)
    photo = opened(data)
    assert (photo.frames, photo.width) == (3, 160)


# --- colour --------------------------------------------------------------------------------------


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries changed places."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data.replace(b"rXYZ", b"tmpX").replace(b"gXYZ", b"rXYZ").replace(b"tmpX", b"gXYZ")


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_a_colour_profile_is_applied(name: str) -> None:
    image = Image.merge("RGB", [scene().getchannel(band) for band in "GRB"])
    data = encoded(image, name, icc_profile=swapped_profile(), **FORMATS[name])
    assert apart(opened(data).rgb, np.asarray(scene())) < 6


@pytest.mark.parametrize("profile", [b"\0" * 200, b"x", swapped_profile()[:300]])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_broken_profile_is_ignored(profile: bytes, mode: str) -> None:
    data = encoded(scene().convert(mode), "JPEG")
    with_profile = encoded(scene().convert(mode), "JPEG", icc_profile=profile)
    assert np.array_equal(opened(with_profile).rgb, opened(data).rgb)


def test_an_srgb_profile_changes_no_pixel() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rgb = opened(encoded(scene(), "PNG", icc_profile=profile)).rgb
    assert np.array_equal(rgb, np.asarray(scene()))


# --- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "HEIF"])
def test_a_file_that_ends_early_shows_its_first_rows(name: str) -> None:
    speckles = np.random.default_rng(1).integers(0, 60, (240, 320, 3), dtype=np.uint8)
    image = Image.fromarray(np.asarray(scene(320, 240)) // 2 + speckles)
    options = {"WEBP": {"quality": 90}}.get(name, FORMATS[name])
    data = encoded(image, name, **options)
    whole, cut = opened(data), opened(data[: len(data) * 2 // 3])
    assert (whole.truncated, cut.truncated) == (False, True)
    rows = slice(200, 240) if name == "BMP" else slice(0, 40)  # BMP starts at the bottom
    assert apart(cut.rgb[rows], whole.rgb[rows]) < 2


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_without_pixel_data_is_corrupt(name: str) -> None:
    error = failure(FILES[name][:20])
    assert error.code == "corrupt"
    assert name in str(error)


def test_a_jpeg_cut_at_its_first_pixel_is_corrupt() -> None:
    data = FILES["JPEG"]
    assert failure(data[: data.index(b"\xff\xda") + 14]).code == "corrupt"


def test_a_bad_profile_or_text_in_a_png_does_not_lose_the_picture() -> None:
    rows = b"".join(b"\0" + bytes(row) for row in np.asarray(scene()).reshape(120, -1))
    image = [header(160, 120), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    for bad in [
        (b"iCCP", b"name\0\x07nonsense"),
        (b"zTXt", b"key\0\0" + zlib.compress(bytes(20_000_000))),
        (b"acTL", b"\0\0\0\x05\0\0\0\0"),
    ]:
        assert np.array_equal(opened(png(image[0], bad, *image[1:])).rgb, np.asarray(scene()))


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code", "found"),
    [
        (b"", "empty", "no content"),
        (b"\0" * 100, "not_an_image", "no known picture format"),
        (b"<!DOCTYPE html><html></html>", "not_an_image", "web page"),
        (b"PK\x03\x04" + bytes(40), "not_an_image", "ZIP"),
        (b"%PDF-1.7\n", "unsupported", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unsupported", "PostScript"),
        (b"8BPS\0\x01", "unsupported", "Photoshop"),
        (b"II\xbc\x01\x20\0\0\0", "unsupported", "JPEG XR"),
        (b"II\x1a\0\0\0HEAPCCDR", "unsupported", "raw"),
        (FILES["JPEG"].decode(errors="replace").encode(), "not_an_image", "bytes lost"),
        (FILES["PNG"].decode(errors="replace").encode(), "not_an_image", "bytes lost"),
        (b"\0\0\x01\0\x01\0\x10\x10", "unsupported", "icon"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "unsupported", "JPEG 2000"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", "unsupported", "film"),
        (b"<?xml version='1.0'?>\n<svg xmlns='x'/>", "unsupported", "SVG"),
        (encoded(scene(), "TGA"), "unsupported", "Targa"),
        (encoded(scene(), "PPM"), "unsupported", "Netpbm"),
        (encoded(scene(), "PCX"), "unsupported", "PCX"),
    ],
)
def test_other_files_fail_with_a_plain_reason(data: bytes, code: str, found: str) -> None:
    error = failure(data)
    assert (error.code, found in str(error)) == (code, True)


@pytest.mark.parametrize("side", [100_000, 2_000_000_000])
def test_a_bomb_is_refused_by_its_header(side: int) -> None:
    data = png(header(side, side), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    assert failure(data).code == "too_large"


@pytest.mark.parametrize("name", FORMATS)
def test_the_limits_hold_for_every_format(name: str) -> None:
    data = FILES[name]
    assert failure(data, max_pixels=160 * 120 - 1).code == "too_large"
    assert failure(data, max_bytes=len(data) - 1).code == "too_large"
    assert opened(data, max_pixels=160 * 120, max_bytes=len(data)).width == 160


def test_a_large_limit_reaches_beyond_pillows_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert opened(FILES["GIF"]).width == 160
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_gif_frame_larger_than_its_screen_counts_too() -> None:
    data = bytearray(FILES["GIF"])
    at = data.index(b",", 13 + 3 * 256)
    data[at + 5 : at + 9] = struct.pack("<HH", 60_000, 60_000)
    assert failure(bytes(data)).code == "too_large"


def test_tags_that_share_one_block_are_not_read_over_and_over() -> None:
    count = 4000
    entries = b"".join(struct.pack("<HHII", 40_000 + tag, 1, 200_000, 8) for tag in range(count))
    data = b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(200_000)
    tracemalloc.start()
    assert failure(data).code == "corrupt"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6  # the tags amount to 800 MB


def test_a_long_chain_of_empty_tiff_pages_ends() -> None:
    page = FILES["TIFF"]
    start = struct.unpack_from("<I", page, 4)[0]
    last = start + 2 + 12 * struct.unpack_from("<H", page, start)[0]
    chain = b"".join(struct.pack("<HI", 0, len(page) + 6 * (index + 1)) for index in range(30_000))
    data = page[:last] + struct.pack("<I", len(page)) + page[last + 4 :] + chain
    assert opened(data).frames <= 100


# --- nothing else leaves -------------------------------------------------------------------------


def outcome(data: bytes) -> str:
    try:
        return opened(data, max_pixels=1_000_000).format
    except PhotoError as error:
        return error.code


OUTCOMES = {*FORMATS, *FAILURE_CODES}


@given(st.binary(max_size=400))
def test_random_bytes_raise_only_photo_errors(data: bytes) -> None:
    assert outcome(data) in OUTCOMES


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from([name for name in FORMATS if name != "HEIF"]),
    changes=st.lists(
        st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=8
    ),
    cut=st.floats(0, 1),
)
def test_altered_files_raise_only_photo_errors(
    name: str, changes: list[tuple[int, int]], cut: float
) -> None:
    data = bytearray(FILES[name])
    for at, value in changes:
        data[at % min(len(data), 400) if at % 2 else at % len(data)] = value
    assert outcome(bytes(data)) in OUTCOMES
    assert outcome(bytes(data[: int(len(data) * cut)])) in OUTCOMES


def test_nothing_is_written_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    compressed = encoded(scene(), "TIFF", compression="tiff_adobe_deflate")
    for data in [*FILES.values(), compressed, compressed.replace(b"\x78\x9c", b"\x00\x00")]:
        outcome(data)
        outcome(data[: len(data) // 2])
    assert capfd.readouterr().err == ""


def test_pillows_switches_are_as_before() -> None:
    before = (
        Image.MAX_IMAGE_PIXELS,
        ImageFile.LOAD_TRUNCATED_IMAGES,
        logging.getLogger("PIL").level,
        warnings.filters[:],
    )
    for data in FILES.values():
        outcome(data)
        outcome(data[: len(data) // 2])
    assert before == (
        Image.MAX_IMAGE_PIXELS,
        ImageFile.LOAD_TRUNCATED_IMAGES,
        logging.getLogger("PIL").level,
        warnings.filters[:],
    )


def test_only_the_plugin_of_the_format_is_loaded() -> None:
    program = (
        "import sys\n"
        "from imagematch.kernels.decode import decode\n"
        "from imagematch.settings import DEFAULTS\n"
        "decode(sys.stdin.buffer.read(), DEFAULTS.decode)\n"
        "print(*sorted(name for name in sys.modules if name.endswith('ImagePlugin')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=FILES["BMP"], capture_output=True, check=True
    )
    assert done.stdout.split() == [b"PIL.BmpImagePlugin"]


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="the measuring data is not beside the checkout")
def test_every_bad_input_is_decoded_or_refused() -> None:
    program = (
        "import sys, collections, pathlib\n"
        "from imagematch.errors import PhotoError\n"
        "from imagematch.kernels.decode import decode\n"
        "from imagematch.settings import DEFAULTS\n"
        "counts = collections.Counter()\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).rglob('*')):\n"
        "    if path.is_file():\n"
        "        try:\n"
        "            decode(path.read_bytes(), DEFAULTS.decode)\n"
        "            counts['decoded'] += 1\n"
        "        except PhotoError as error:\n"
        "            counts[error.code] += 1\n"
        "print(sum(counts.values()), counts['decoded'])\n"
    )
    bad_inputs = SHARED / "bad_inputs"
    files = sum(len(names) for _, _, names in os.walk(bad_inputs))
    done = subprocess.run(  # apart from the test run: a native crash must not end it
        [sys.executable, "-c", program, bad_inputs], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen, decoded = map(int, done.stdout.split())
    assert seen == files
    assert decoded > 1000
