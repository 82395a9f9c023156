"""Aligned pixels: light and contrast do not matter, letters on top little, other things do."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import edits
from imagematch.kernels.alignment import Alignment, align
from imagematch.records import Bytes, Flags
from tests.world import photo as painted

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

SHAPE = HEIGHT, WIDTH = 300, 400
EVERYWHERE = np.ones(SHAPE, bool)


def gray(rgb: Bytes) -> Bytes:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), np.uint8)


RGB = np.ascontiguousarray(np.asarray(data.astronaut())[:HEIGHT, :WIDTH])
PHOTO, OTHER = gray(RGB), gray(np.asarray(data.coffee())[:HEIGHT, :WIDTH])


def aligned(photo: Bytes, warped: Bytes, shown: Flags) -> Alignment:
    found = align(photo, warped, shown, np.ones(photo.shape, bool))
    assert found is not None
    return found


# --- copies --------------------------------------------------------------------------------------


def test_the_same_pixels_agree_everywhere() -> None:
    found = aligned(PHOTO, PHOTO, EVERYWHERE)
    for part in (found.plain, found.robust):
        assert (part.correlation, part.agreement, part.closeness) == (1, 1, 1)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.5, 1.5), st.floats(-20, 20))
def test_light_and_contrast_cancel_out(gain: float, lift: float) -> None:
    middle = PHOTO.astype(float) * 0.4 + 70  # nothing is clipped
    altered = np.rint((middle - 120) * gain + 120 + lift).astype(np.uint8)
    found = aligned(np.rint(middle).astype(np.uint8), altered, EVERYWHERE)
    for part in (found.plain, found.robust):
        assert part.correlation > 0.995
        assert part.agreement > 0.995


@pytest.mark.parametrize("way", ["recompress", "blur"])
def test_recompressed_and_soft_copies_agree(way: str) -> None:
    copy = edits.EDITS[way](RGB, np.random.default_rng(0), 0.5)
    assert aligned(PHOTO, gray(copy), EVERYWHERE).robust.correlation > 0.9


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_letters_on_top_count_less_once_they_are_left_out(seed: int) -> None:
    """A watermark all over, and a phone number."""
    lettered = edits.watermark(RGB, np.random.default_rng(seed), 1.0)
    lettered = gray(edits.phone_number(lettered, np.random.default_rng(seed), 1.0))
    for found in (aligned(PHOTO, lettered, EVERYWHERE), aligned(lettered, PHOTO, EVERYWHERE)):
        assert found.robust.correlation > found.plain.correlation + 0.02
        assert found.robust.agreement > found.plain.agreement + 0.03
        assert found.robust.closeness > found.plain.closeness + 0.1
        assert found.robust.agreement > 0.85


@pytest.mark.parametrize("blur", [1.5, 3.0, 5.0])
def test_a_blurred_copy_is_compared_with_what_its_original_would_be(blur: float) -> None:
    soft = np.asarray(cv2.GaussianBlur(PHOTO, (0, 0), blur), np.uint8)
    for found in (aligned(PHOTO, soft, EVERYWHERE), aligned(soft, PHOTO, EVERYWHERE)):
        assert found.plain.correlation > 0.97
        assert found.plain.closeness > 0.9


# --- differences ---------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.15, 0.3, 0.5])
def test_another_thing_in_the_picture_stays_a_difference(share: float) -> None:
    """It is no few sharp pixels: its windows follow the rest in nothing."""
    down, across = round(HEIGHT * share**0.5), round(WIDTH * share**0.5)
    here = np.s_[HEIGHT - down :, WIDTH - across :]
    changed = PHOTO.copy()
    changed[here] = OTHER[here]
    for found in (aligned(PHOTO, changed, EVERYWHERE), aligned(changed, PHOTO, EVERYWHERE)):
        assert found.plain.agreement < 1 - 0.6 * share
        assert found.robust.agreement < 1 - 0.6 * share
        assert found.robust.agreement < found.plain.agreement + 0.1


def test_two_photos_do_not_agree() -> None:
    found = aligned(PHOTO, OTHER, EVERYWHERE)
    for part in (found.plain, found.robust):
        assert abs(part.correlation) < 0.3
        assert part.agreement < 0.2


def test_a_negative_is_the_opposite() -> None:
    found = aligned(PHOTO, 255 - PHOTO, EVERYWHERE)
    assert found.plain.correlation < -0.99
    assert found.plain.agreement == 0


def test_texture_on_one_side_only_is_a_difference() -> None:
    plain = np.full(SHAPE, 90, np.uint8)
    for photo, warped in ((PHOTO, plain), (plain, PHOTO)):
        found = aligned(photo, warped, EVERYWHERE)
        assert (found.plain.agreement, found.robust.agreement) == (0, 0)


def test_what_is_not_shown_by_both_does_not_count() -> None:
    left = EVERYWHERE.copy()
    left[:, WIDTH // 2 :] = False
    changed = PHOTO.copy()
    changed[:, WIDTH // 2 + 8 :] = OTHER[:, WIDTH // 2 + 8 :]  # further than the blur reaches
    found = aligned(PHOTO, changed, left)
    assert (found.plain.agreement, found.robust.agreement) == (1, 1)
    assert found.plain.correlation == pytest.approx(1, abs=1e-3)
    assert aligned(PHOTO, changed, EVERYWHERE).plain.agreement < 0.7


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 1000), st.floats(0, 1))
def test_all_values_are_in_range_and_sides_hardly_matter(
    one: int, other: int, mixed: float
) -> None:
    left, right = (gray(painted(seed, 160, 120)) for seed in (one, other))
    right = np.rint(mixed * left + (1 - mixed) * right).astype(np.uint8)
    there = aligned(left, right, np.ones(left.shape, bool))
    back = aligned(right, left, np.ones(left.shape, bool))
    assert there.plain == back.plain
    assert there.robust.correlation == pytest.approx(back.robust.correlation, abs=0.25)
    for part in (there.plain, there.robust):
        assert -1 <= part.correlation <= 1
        assert 0 <= part.closeness <= part.agreement <= 1


# --- templates -----------------------------------------------------------------------------------

THIRD = gray(np.asarray(data.chelsea())[:HEIGHT, :WIDTH])


def oval(share: float) -> Flags:
    """The middle of a picture, as a person before a wall fills it."""
    down, across = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return np.asarray(np.hypot(down, across) < 2 * (share / np.pi) ** 0.5)


@pytest.mark.parametrize("share", [0.15, 0.3, 0.45])
def test_two_things_before_one_ground_contradict_amid_what_agrees(share: float) -> None:
    there = oval(share)
    one, two = (np.where(there, thing, PHOTO) for thing in (OTHER, THIRD))
    for found in (aligned(one, two, EVERYWHERE), aligned(two, one, EVERYWHERE)):
        assert found.conflict.contradiction > 0.4 * share


def test_a_new_background_surrounds_what_agrees_and_does_not_contradict_amid_it() -> None:
    behind = np.where(oval(0.5), PHOTO, OTHER)
    found = aligned(PHOTO, behind, EVERYWHERE)
    assert found.plain.agreement < 0.8
    assert found.conflict.contradiction < 0.03


def test_a_copy_has_no_conflict() -> None:
    copy = gray(edits.recompress(RGB, np.random.default_rng(0), 0.5))
    conflict = aligned(PHOTO, copy, EVERYWHERE).conflict
    assert conflict.contradiction == 0
    assert conflict.exchanged < 0.001
    assert conflict.shared_detail > 0.95
    assert 0.5 < conflict.compared <= 1


def written(ground: Bytes, text: str) -> Bytes:
    """Lines of text in one place, as on cards of one design."""
    card = ground.copy()
    for line in range(4):
        at = (20, 60 + 65 * line)
        cv2.putText(card, text[line:], at, cv2.FONT_HERSHEY_SIMPLEX, 1.6, 20, 4, cv2.LINE_AA)
    return card


def test_other_numbers_in_one_place_are_exchanged_and_a_watermark_is_not() -> None:
    ground = np.asarray(cv2.GaussianBlur(PHOTO, (0, 0), 12) // 2 + 110, np.uint8)
    one, two = written(ground, "5500 1234 889"), written(ground, "4127 9086 315")
    cards = aligned(one, two, EVERYWHERE).conflict
    marked = gray(edits.watermark(RGB, np.random.default_rng(1), 0.7))
    copy = aligned(PHOTO, marked, EVERYWHERE).conflict
    assert cards.exchanged > 3 * copy.exchanged
    assert cards.shared_detail < copy.shared_detail


# --- nothing to compare --------------------------------------------------------------------------


def test_nothing_shown_or_hardly_anything_says_nothing() -> None:
    assert align(PHOTO, PHOTO, ~EVERYWHERE, EVERYWHERE) is None
    corner = ~EVERYWHERE
    corner[:25, :25] = True
    assert align(PHOTO, PHOTO, corner, EVERYWHERE) is None


def test_flat_photos_say_nothing() -> None:
    plain = np.full(SHAPE, 90, np.uint8)
    assert align(plain, plain, EVERYWHERE, EVERYWHERE) is None
    assert align(plain, plain + np.uint8(50), EVERYWHERE, EVERYWHERE) is None


@settings(deadline=None)
@given(st.integers(1, 31), st.integers(1, 31))
def test_pictures_smaller_than_a_window_say_nothing(height: int, width: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    everywhere = np.ones(noise.shape, bool)
    assert align(noise, noise, everywhere, everywhere) is None
