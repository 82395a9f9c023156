"""The edits are pure, seeded, and do what their names say."""

from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import composites, edits, heavy_edits
from imagematch.records import Bytes

#: JPEG is never lossless, and a screenshot is a screenshot at any strength.
CHANGES_AT_ZERO = {"recompress", "screenshot", "web_page"}

sizes = st.integers(24, 90)
strengths = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


def photo(seed: int, height: int = 60, width: int = 80) -> Bytes:
    """Texture at two scales, so that every edit has something to change."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(rng.uniform(40, 215, (4, 4, 3)), (width, height))
    return np.clip(coarse + rng.normal(0, 12, coarse.shape), 0, 255).astype(np.uint8)


def composed(
    composite: composites.Composite,
    others: list[Bytes],
    rgb: Bytes,
    rng: np.random.Generator,
    strength: float,
) -> Bytes:
    return composite.apply(rgb, others, rng, strength)


def every_edit() -> Iterator[tuple[str, edits.Edit]]:
    """What is in `EDITS`, and composites with the photos that they want."""
    yield from edits.EDITS.items()
    yield from heavy_edits.HEAVY_EDITS.items()
    for name, composite in {**composites.COMPOSITES, **composites.HEAVY_COMPOSITES}.items():
        others = [photo(100 + place) for place in range(composite.others)]
        yield name, partial(composed, composite, others)


EVERY = [pytest.param(edit, id=name) for name, edit in every_edit()]


def peak_correlation(picture: Bytes, wanted: Bytes) -> float:
    """How well `wanted` is found somewhere in the picture, -1 to 1."""
    return float(cv2.matchTemplate(picture, wanted, cv2.TM_CCOEFF_NORMED).max())


@pytest.mark.parametrize("edit", EVERY)
@settings(max_examples=15, deadline=None)
@given(sizes, sizes, strengths, seeds)
def test_any_edit_of_any_photo_is_an_rgb_photo_and_leaves_its_input_alone(
    edit: edits.Edit, height: int, width: int, strength: float, seed: int
) -> None:
    rgb = photo(seed, height, width)
    before = rgb.copy()

    edited = edit(rgb, np.random.default_rng(seed), strength)

    assert edited.dtype == np.uint8
    assert edited.ndim == 3
    assert edited.shape[2] == 3
    assert min(edited.shape) > 0
    assert np.array_equal(rgb, before)
    assert not np.shares_memory(edited, rgb)


@pytest.mark.parametrize("edit", EVERY)
def test_the_same_seed_makes_the_same_pixels(edit: edits.Edit) -> None:
    first, second = (edit(photo(1), np.random.default_rng(5), 0.6) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("edit", EVERY)
def test_full_strength_changes_the_photo(edit: edits.Edit) -> None:
    rgb = photo(2, 200, 240)
    assert not np.array_equal(edit(rgb, np.random.default_rng(5), 1.0), rgb)


@pytest.mark.parametrize("name", sorted(set(edits.EDITS) - CHANGES_AT_ZERO))
def test_strength_zero_returns_the_photo_as_it_is(name: str) -> None:
    rgb = photo(3)
    assert np.array_equal(edits.EDITS[name](rgb, np.random.default_rng(5), 0.0), rgb)


@pytest.mark.parametrize("name", ["recompress", "brightness", "colour_filter", "blur", "watermark"])
def test_more_strength_alters_more(name: str) -> None:
    rgb = photo(4, 200, 240)
    differences = [
        np.abs(edits.EDITS[name](rgb, np.random.default_rng(5), strength) - rgb.astype(int)).mean()
        for strength in (0.1, 0.5, 1.0)
    ]
    assert differences == sorted(differences)
    assert differences[0] < differences[2]


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 0.8), seeds)
def test_a_crop_is_a_piece_of_the_photo_with_the_area_that_was_asked_for(
    strength: float, seed: int
) -> None:
    rgb = photo(seed, 150, 200)
    piece = edits.crop(rgb, np.random.default_rng(seed), strength)
    share = piece.shape[0] * piece.shape[1] / (150 * 200)
    # The crop may not grow beyond one side, so light crops keep a little less or more.
    assert share == pytest.approx(1 - strength, abs=0.05)
    assert peak_correlation(rgb, piece) > 0.999


def test_mirroring_twice_gives_the_photo_back() -> None:
    rgb, rng = photo(6), np.random.default_rng(0)
    assert np.array_equal(edits.mirror(edits.mirror(rgb, rng, 1.0), rng, 1.0), rgb)


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_quarter_turn_only_moves_pixels(seed: int) -> None:
    rgb = photo(seed)
    turned = edits.rotate_quarter(rgb, np.random.default_rng(seed), 1.0)
    assert any(np.array_equal(np.rot90(rgb, turns), turned) for turns in (1, 2, 3))


@settings(max_examples=25, deadline=None)
@given(strengths, seeds)
def test_stretching_changes_the_width_alone(strength: float, seed: int) -> None:
    rgb = photo(seed, 100, 200)
    made = edits.stretch(rgb, np.random.default_rng(seed), strength)
    factor = 1.6**strength
    assert made.shape[0] == 100
    assert made.shape[1] in (round(200 * factor), round(200 / factor))
    back = np.asarray(cv2.resize(made, (200, 100), interpolation=cv2.INTER_AREA), np.uint8)
    assert peak_correlation(back, rgb) > 0.9


def test_stretching_goes_both_ways() -> None:
    widths = {
        edits.stretch(photo(1), np.random.default_rng(seed), 1.0).shape[1] for seed in range(20)
    }
    assert widths == {128, 50}


def test_full_grayscale_has_no_colour_left() -> None:
    gray = edits.grayscale(photo(7), np.random.default_rng(0), 1.0)
    assert np.ptp(gray.astype(int), axis=2).max() == 0


def test_a_watermark_reaches_all_parts_of_a_tall_photo_and_a_wide_one() -> None:
    for shape in ((600, 120, 3), (120, 600, 3)):
        plain = np.full(shape, 90, dtype=np.uint8)
        marked = edits.watermark(plain, np.random.default_rng(1), 1.0) != plain
        parts = [part for rows in np.array_split(marked, 2) for part in np.array_split(rows, 2, 1)]
        assert all(part.any() for part in parts)


def test_the_same_watermark_puts_the_same_letters_on_different_photos() -> None:
    dark, light = (np.full((150, 200, 3), level, dtype=np.uint8) for level in (40, 160))
    masks = [
        edits.watermark(plain, np.random.default_rng(1), 0.9, text="market.example") > plain
        for plain in (dark, light)
    ]
    # Where the letters' soft edges round to no change at all, the two may differ.
    assert (masks[0] == masks[1]).mean() > 0.98
    assert masks[0].any()


@pytest.mark.parametrize("centre", [(0.5, 0.5), (0.3, 0.7)])
def test_an_emoji_hides_what_was_asked_for_and_no_more(centre: tuple[float, float]) -> None:
    rgb = photo(8, 200, 200)
    hidden = edits.emoji(rgb, np.random.default_rng(1), 0.6, centre=centre)
    changed = (hidden != rgb).any(axis=2)
    x, y = round(centre[0] * 200), round(centre[1] * 200)
    assert changed[y - 15 : y + 15, x - 15 : x + 15].mean() > 0.99
    rows, columns = np.nonzero(changed)
    assert np.hypot(rows - y, columns - x).max() < 0.25 * 0.6 * 200 + 2


def test_a_caption_leaves_the_photo_below_it_untouched() -> None:
    rgb = photo(9, 120, 160)
    captioned = edits.caption(rgb, np.random.default_rng(1), 0.8, text="so tired")
    assert np.array_equal(captioned[-120:], rgb)
    assert captioned[:-120].min() == 0


#: What is left of the texture of a face is less than this share.
HIDDEN = 0.25


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("centre", [(0.5, 0.5), (0.1, 0.9), (1.0, 0.0)])
def test_a_face_is_hidden_where_it_was_asked_for_and_nowhere_else(
    seed: int, centre: tuple[float, float]
) -> None:
    """By coarse pixels, a blur or a bar, whatever the seed draws."""
    rgb = photo(11, 240, 320)
    made = edits.hidden_face(rgb, np.random.default_rng(seed), 0.8, centre=centre)
    side = round(0.45 * 0.8 * 240)
    left = min(max(0, round(centre[0] * 320) - side // 2), 320 - side)
    top = min(max(0, round(centre[1] * 240) - side // 2), 240 - side)
    outside = np.ones(rgb.shape[:2], bool)
    outside[top : top + side, left : left + side] = False
    assert np.array_equal(made[outside], rgb[outside])
    eyes = np.s_[top + side // 3 : top + 2 * side // 3, left : left + side]
    assert detail(made[eyes]) < HIDDEN * detail(rgb[eyes])


def detail(rgb: Bytes) -> float:
    """How much neighbouring px differ, levels of 255 on average."""
    return float(np.abs(np.diff(rgb.astype(int), axis=1)).mean())


def test_faces_are_hidden_in_all_three_ways() -> None:
    rgb = photo(12, 240, 320)
    made = [
        edits.hidden_face(rgb, np.random.default_rng(seed), 0.8, centre=(0.5, 0.5))
        for seed in range(12)
    ]
    assert len({picture.tobytes() for picture in made}) == 3
