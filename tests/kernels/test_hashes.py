"""Perceptual hashes: their exchange forms, their symmetries, and when they mean nothing."""

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

from benchmark.copies import composites, edits
from benchmark.drawn import printed
from imagematch.errors import ShapeError
from imagematch.kernels.decode import decode
from imagematch.kernels.hashes import (
    hamming,
    pack_hex,
    pdq,
    pdq_dihedral,
    phash,
    pixel_sha256,
    quality_gate,
)
from imagematch.kernels.sizes import sizes
from imagematch.settings import DEFAULTS
from tests.kernels.pictures import scene

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

SETTINGS = DEFAULTS.describe
PHOTO = np.asarray(scene(640, 480))

#: In the order of `pdq_dihedral`.
TURNS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "upright": lambda rgb: rgb,
    "turned 90 degrees left": lambda rgb: np.rot90(rgb, 1),
    "turned 180 degrees": lambda rgb: np.rot90(rgb, 2),
    "turned 90 degrees right": lambda rgb: np.rot90(rgb, 3),
    "mirrored top to bottom": lambda rgb: rgb[::-1],
    "mirrored left to right": lambda rgb: rgb[:, ::-1],
    "mirrored on the main diagonal": lambda rgb: rgb.swapaxes(0, 1),
    "mirrored on the other diagonal": lambda rgb: np.rot90(rgb, 2).swapaxes(0, 1),
}


def packed(rgb: np.ndarray) -> np.ndarray:
    return pack_hex([pdq(np.ascontiguousarray(rgb))[0]])[0]


def gate(rgb: np.ndarray) -> str:
    return quality_gate(sizes(rgb), rgb.shape[1], rgb.shape[0], SETTINGS)


def blank(level: int = 255) -> Image.Image:
    return Image.new("RGB", (800, 600), (level, level, level))


# --- hashes --------------------------------------------------------------------------------------


def test_golden_hashes_stay() -> None:
    assert phash(PHOTO) == "8850976a3f3b326d"
    assert pdq(PHOTO) == ("12e66d197b119d216ad93a258d1b72a41f01e8db152ec0fe427e95ab6e747b85", 100)
    assert (
        pixel_sha256(PHOTO, 640, 480)
        == "76aa24bf05b77fad989bf2d3eed3f29a06eaa1cd1f1532f962ddb2d6c954ee60"
    )


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60), st.just(3))))
def test_phash_is_that_of_imagehash(rgb: np.ndarray) -> None:
    assert phash(rgb) == str(imagehash.phash(Image.fromarray(rgb)))


def test_phash_of_real_photos_is_that_of_imagehash(shared_data: Path) -> None:
    photos = sorted((shared_data / "photos").rglob("*.jpg"))[::40]
    assert photos
    for path in photos:
        rgb = decode(path.read_bytes(), DEFAULTS.decode).rgb
        assert phash(rgb) == str(imagehash.phash(Image.fromarray(rgb))), path


def test_flat_pictures_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes each worker 30 MB to load, and one flat picture among thousands would do."""
    flat = [np.full((60, 80, 3), level, np.uint8) for level in range(256)]
    expected = [str(imagehash.phash(Image.fromarray(rgb))) for rgb in flat]
    monkeypatch.delattr(imagehash, "phash")
    assert [phash(rgb) for rgb in flat] == expected


def test_pdq_has_the_bit_order_of_threatexchange() -> None:
    """Mirroring negates the odd horizontal frequencies: bits 0, 2, 4... from the last digit on."""
    there, back = packed(PHOTO), packed(PHOTO[:, ::-1])
    flipped = np.unpackbits(there ^ back)[::-1].reshape(16, 16).mean(axis=0)
    assert (flipped[0::2] > 0.5).all()
    assert (flipped[1::2] < 0.5).all()


def test_pdq_survives_scaling() -> None:
    large = np.asarray(scene(1024, 768))
    assert hamming(packed(large), packed(PHOTO)[None])[0] <= 10


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 900, 3), (900, 1, 3), (4, 4, 3)])
def test_pdq_of_next_to_nothing_is_zero_with_no_quality(shape: tuple[int, ...]) -> None:
    assert pdq(np.zeros(shape, np.uint8)) == ("0" * 64, 0)


def test_pdq_accepts_read_only_and_strided_pixels() -> None:
    frozen = PHOTO.copy()
    frozen.flags.writeable = False
    assert pdq(frozen) == pdq(PHOTO)
    assert pdq(PHOTO[:, ::-1]) == pdq(np.ascontiguousarray(PHOTO[:, ::-1]))


@pytest.mark.parametrize("side", [(640, 480), (300, 420)])
def test_every_dihedral_row_is_the_hash_of_the_turned_photo(side: tuple[int, int]) -> None:
    photo = np.asarray(scene(*side))
    rows, quality = pdq_dihedral(photo)
    assert rows.shape == (8, 32)
    assert (rows[0].tobytes().hex(), quality) == pdq(photo)
    for at, turn in enumerate(TURNS.values()):
        turned = packed(turn(photo))
        assert hamming(turned, rows).argmin() == at
        assert hamming(turned, rows[at : at + 1])[0] <= 24


# --- packing and distance ------------------------------------------------------------------------

HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=6)


@given(HASHES)
def test_packing_keeps_every_bit(hashes: list[bytes]) -> None:
    rows = pack_hex([entry.hex() for entry in hashes])
    assert rows.shape == (len(hashes), 32)
    assert [row.tobytes() for row in rows] == hashes


@pytest.mark.parametrize("text", ["", "00", "g" * 64, " " * 64, "0" * 63 + "\u0663", "0" * 66])
def test_a_malformed_hash_is_refused(text: str) -> None:
    with pytest.raises(ShapeError):
        pack_hex(["0" * 64, text])


@given(st.binary(min_size=32, max_size=32), HASHES)
def test_hamming_counts_the_bits_that_differ(query: bytes, database: list[bytes]) -> None:
    one = np.frombuffer(query, np.uint8)
    many = pack_hex([entry.hex() for entry in database])
    wanted = [(int.from_bytes(query) ^ int.from_bytes(entry)).bit_count() for entry in database]
    assert hamming(one, many).tolist() == wanted


@given(*[st.binary(min_size=32, max_size=32)] * 3)
def test_hamming_is_a_distance(a: bytes, b: bytes, c: bytes) -> None:
    rows = pack_hex([a.hex(), b.hex(), c.hex()])
    table = np.stack([hamming(row, rows) for row in rows])
    assert (table == table.T).all()
    assert (table.diagonal() == 0).all()
    assert table[0, 2] <= table[0, 1] + table[1, 2]
    assert hamming(~rows[0], rows[:1])[0] == 256


@pytest.mark.parametrize("shapes", [((32,), (3, 8)), ((1, 32), (3, 32)), ((32,), (32,)), ((), ())])
def test_hamming_refuses_arrays_that_do_not_fit(shapes: tuple[tuple[int, ...], ...]) -> None:
    query, database = (np.zeros(shape, np.uint8) for shape in shapes)
    with pytest.raises(ShapeError):
        hamming(query, database)


# --- identity of pixels --------------------------------------------------------------------------


def test_pixel_identity_depends_on_pixels_shape_and_full_size_only() -> None:
    known = pixel_sha256(PHOTO, 640, 480)
    other = PHOTO.copy()
    other[5, 5, 1] ^= 1
    assert pixel_sha256(np.asfortranarray(PHOTO), 640, 480) == known
    assert len({known, pixel_sha256(other, 640, 480), pixel_sha256(PHOTO, 1280, 960)}) == 3
    assert pixel_sha256(PHOTO.reshape(320, 960, 3), 640, 480) != known


# --- gate ----------------------------------------------------------------------------------------


def test_an_ordinary_photo_passes_even_when_dim_or_small() -> None:
    assert gate(PHOTO) == ""
    assert gate(PHOTO // 3) == ""
    assert gate(np.asarray(scene(48, 60))) == ""


@pytest.mark.parametrize("size", [(47, 400), (400, 47), (4000, 50)])
def test_a_tiny_picture_or_a_strip_is_gated(size: tuple[int, int]) -> None:
    width, height = size
    scale = min(1, 1024 / max(size))
    rgb = np.asarray(scene(round(width * scale), max(1, round(height * scale))))
    assert quality_gate(sizes(rgb), width, height, SETTINGS) == "tiny"


def logo() -> Image.Image:
    image = blank()
    ImageDraw.Draw(image).ellipse((380, 280, 420, 320), fill=(200, 20, 20))
    return image


def noise(low: int, high: int) -> Image.Image:
    levels = np.random.default_rng(0).integers(low, high, (600, 800, 3), dtype=np.uint8)
    return Image.fromarray(levels)


@pytest.mark.parametrize(
    "picture",
    [
        blank(),
        blank(0),
        logo(),
        noise(4, 12),
        Image.linear_gradient("L").resize((800, 600)).convert("RGB"),
    ],
    ids=["white", "black", "a small logo on white", "a covered lens", "a gradient"],
)
def test_pictures_that_show_nothing_are_flat(picture: Image.Image) -> None:
    assert gate(np.asarray(picture)) == "flat"


def large_logo() -> np.ndarray:
    image = blank()
    draw = ImageDraw.Draw(image)
    draw.ellipse((200, 100, 600, 500), fill=(200, 20, 20))
    draw.polygon([(400, 160), (520, 420), (280, 420)], fill=(255, 255, 255))
    return np.asarray(image)


@pytest.mark.parametrize("kind", printed.KINDS)
def test_pictures_of_text_are_drawn(kind: str) -> None:
    """Chats, business cards, phone-number banners, forms and notices."""
    draw = printed.KINDS[kind](np.random.default_rng(0))
    for seed in range(3):
        assert gate(draw(np.random.default_rng(seed))) == "drawn"


def test_a_logo_is_drawn_and_on_a_photo_it_is_not() -> None:
    assert gate(large_logo()) == "drawn"
    photo = np.asarray(data.coffee())
    with_logo = photo.copy()
    with_logo[20:140, 20:180] = large_logo()[::5, ::5]
    assert gate(with_logo) == ""


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket", "camera", "coins"])
@pytest.mark.parametrize("altered", ["as it is", "blurred", "dark", "small", "in a screenshot"])
def test_photos_pass(name: str, altered: str) -> None:
    rgb = np.asarray(getattr(data, name)())
    rgb = rgb if rgb.ndim == 3 else np.stack([rgb] * 3, axis=2)
    rng = np.random.default_rng(5)
    match altered:
        case "blurred":
            rgb = edits.blur(rgb, rng, 0.5)
        case "dark":
            rgb = rgb // 3
        case "small":
            rgb = edits.downscale(rgb, rng, 0.9)
        case "in a screenshot":
            rgb = composites.screenshot(rgb, rng, 0.4)
    assert gate(rgb) == ""


def test_noise_is_not_flat_and_its_hash_is_like_no_other() -> None:
    one, other = np.asarray(noise(0, 256)), np.asarray(noise(0, 256).rotate(180))
    assert gate(one) == ""
    assert hamming(packed(one), packed(other)[None])[0] > 90


def test_the_gate_follows_its_settings() -> None:
    assert quality_gate(sizes(PHOTO), 640, 480, replace(SETTINGS, min_side=481)) == "tiny"
    assert quality_gate(sizes(PHOTO), 640, 480, replace(SETTINGS, min_contrast=200.0)) == "flat"
    kept = replace(SETTINGS, min_contrast=0.0)
    assert quality_gate(sizes(np.asarray(logo())), 800, 600, kept) == "drawn"
    kept = replace(kept, min_photographic=0.0)
    assert quality_gate(sizes(np.asarray(logo())), 800, 600, kept) == ""
    assert quality_gate(sizes(PHOTO), 640, 480, replace(SETTINGS, min_photographic=1.0)) == "drawn"


@pytest.mark.parametrize("wide", [48, 200, 256])
@pytest.mark.parametrize("seed", range(4))
def test_contrast_is_that_between_the_hundredths(seed: int, wide: int) -> None:
    """`numpy` says how much there is; the gate closes right above it."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 2 + 60 * seed, (97, wide, 3)).astype(np.uint8)
    rgb[:3] = 255
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float64)
    contrast = float(gray.clip(*np.percentile(gray, (1, 99))).std())
    picture, kept = sizes(rgb), replace(SETTINGS, min_photographic=0.0)
    gates = [
        quality_gate(picture, 97, wide, replace(kept, min_contrast=contrast + change))
        for change in (-1e-6, 1e-6)
    ]
    assert gates[1] == "flat"
    assert gates[0] == "" or seed == 0


@pytest.mark.parametrize("strength", [2.0, 4.0, 9.0])
def test_detail_is_what_differs_from_its_neighbourhood(strength: float) -> None:
    """Whether a few lines decide it or all of them must: the limit is the same."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, 200)[None, :] + np.zeros((150, 1))
    blots = cv2.resize(rng.normal(0, strength, (30, 40)), (200, 150))
    gray = (ramp + blots).clip(0, 255).astype(np.uint8)
    levels = gray.astype(np.float32)
    detail = float((levels - cv2.GaussianBlur(levels, (0, 0), 8.0)).std())
    picture = sizes(np.repeat(gray[:, :, None], 3, axis=2))
    for change, gate_says in ((-0.01, ""), (0.01, "flat")):
        settings = replace(SETTINGS, min_contrast=3 * (detail + change), min_photographic=0.0)
        assert quality_gate(picture, 200, 150, settings) == gate_says


def test_photos_of_all_heights_leave_nothing_large_behind() -> None:
    pictures = [np.asarray(scene(200, height)) for height in range(240, 500, 4)]
    quality_gate(sizes(pictures[0]), 200, 240, SETTINGS)
    tracemalloc.start()
    try:
        for picture in pictures:
            quality_gate(sizes(picture), 200, len(picture), SETTINGS)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 4_000_000
