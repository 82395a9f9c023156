"""Keypoints: on photographs only, of all sizes, the same in a mirror, and paired one to one."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import composites, edits
from imagematch.kernels.keypoints import (
    Features,
    extract,
    extract_coarse,
    mirror,
    nearby,
    on_photographs,
    tentative,
)
from imagematch.kernels.panels import Box
from imagematch.records import Bytes
from imagematch.settings import DEFAULTS
from tests.kernels.pasting import place_of

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

SETTINGS = DEFAULTS.verify
NAMES = ("astronaut", "coffee", "chelsea", "rocket")
PHOTOS = {name: np.asarray(getattr(data, name)()) for name in NAMES}
PHOTO = PHOTOS["coffee"]
HEIGHT, WIDTH = PHOTO.shape[:2]


def features(rgb: Bytes, box: Box | None = None) -> Features:
    rgb = np.ascontiguousarray(rgb)
    return extract(rgb, rgb.shape[1], SETTINGS, box)


# --- extracting ----------------------------------------------------------------------------------


def test_keypoints_are_limited_and_of_unit_length() -> None:
    few = extract(PHOTO, WIDTH, replace(SETTINGS, keypoints=50))
    assert 0 < len(few.points) <= 60  # 50; equally strong ones stay together
    np.testing.assert_allclose(np.linalg.norm(few.descriptors, axis=1), 1, atol=1e-5)
    assert max(few.gray.shape) == SETTINGS.side


def test_some_keypoints_are_of_details_that_a_small_copy_still_has() -> None:
    """The strongest of a sharp photo are its smallest, which half the size has lost."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 60, PHOTO.shape[:2])[:, :, None]
    sharp = np.clip(PHOTO + grain, 0, 255).astype(np.uint8)
    soft = cv2.GaussianBlur(sharp, (0, 0), 3)
    found = tentative(features(soft), features(sharp), SETTINGS.ratio)
    assert len(found) > 3 * SETTINGS.min_inliers


def test_coarse_keypoints_are_few_and_of_the_same_places() -> None:
    coarse, full = extract_coarse(PHOTO, WIDTH, SETTINGS), extract(PHOTO, WIDTH, SETTINGS)
    assert 0 < len(coarse.points) <= 0.8 * SETTINGS.keypoints
    assert max(coarse.gray.shape) == round(0.4 * SETTINGS.side)
    assert (coarse.corner, coarse.share) == (full.corner, full.share)
    assert coarse.scale == pytest.approx(0.4 * full.scale, rel=0.01)
    found = tentative(coarse, full, SETTINGS.ratio)
    assert len(found) > SETTINGS.min_inliers
    there = (coarse.points[found[:, 0]] + 0.5) / 0.4 - 0.5
    assert np.median(np.abs(there - full.points[found[:, 1]])) < 1


def test_coarse_keypoints_count_text_until_they_are_held_to_photographs() -> None:
    def shown(rgb: Bytes) -> Bytes:
        return composites.screenshot(rgb, np.random.default_rng(5), 0.3)

    picture = shown(PHOTO)
    coarse = extract_coarse(picture, picture.shape[1], SETTINGS)
    on_them = on_photographs(coarse, picture)
    assert coarse.content.all()
    assert 0 < len(on_them.points) < len(coarse.points)
    across, down = on_them.points.round().astype(int).T
    assert on_them.content[down, across].all()
    place = place_of(PHOTO.shape, shown)
    inside = np.zeros(picture.shape[:2], np.bool_)
    inside[place.top : place.bottom, place.left : place.right] = True
    across, down = (on_them.points / on_them.scale).astype(int).T
    assert inside[down, across].mean() > 0.95


def test_keypoints_lie_on_the_photo_of_a_screenshot_only() -> None:
    def shown(rgb: Bytes) -> Bytes:
        return composites.screenshot(rgb, np.random.default_rng(5), 0.3)

    seen, place = features(shown(PHOTO)), place_of(PHOTO.shape, shown)
    edge = 8
    low = np.array([place.left, place.top]) - edge
    high = np.array([place.right, place.bottom]) + edge
    there = seen.points / seen.scale
    assert len(there) > 50
    assert ((there >= low) & (there <= high)).all(axis=1).mean() > 0.99
    x, y = seen.points.round().astype(int).T
    assert seen.content[y, x].mean() > 0.95
    assert seen.content.mean() < 0.5


def test_a_page_of_text_has_no_keypoints() -> None:
    page = np.full((600, 500, 3), 250, np.uint8)
    for line in range(14):
        cv2.putText(page, f"Line {line} of a page", (30, 40 + 40 * line), 0, 1, (20, 20, 30), 2)
    assert len(features(page).points) == 0


def test_a_view_is_looked_at_in_its_own_size_and_knows_its_place() -> None:
    large = np.asarray(cv2.resize(PHOTO, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8)
    box = Box(100, 500, 200, 500)
    whole, view = (
        extract(large, 3 * 2 * WIDTH, SETTINGS),
        extract(large, 3 * 2 * WIDTH, SETTINGS, box),
    )
    assert view.size == (SETTINGS.side * 3 // 4, SETTINGS.side)
    assert view.corner == (600, 300)  # px of the full-size photo
    assert view.scale == pytest.approx(SETTINGS.side / (3 * 400))
    assert view.share == pytest.approx(box.area / (4 * HEIGHT * WIDTH))
    assert view.full_area == pytest.approx(whole.full_area, rel=0.01)
    assert (whole.share, whole.corner) == (1, (0, 0))
    moved = (whole.points / whole.scale - view.corner) * view.scale
    inside = ((moved >= 0) & (moved <= view.size)).all(axis=1)
    assert len(view.points) > 2 * inside.sum()


def test_a_small_view_is_not_enlarged_without_end() -> None:
    view = features(PHOTO, Box(0, 40, 0, 60))
    assert view.size == (120, 80)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 600), st.integers(1, 30), st.booleans(), st.integers(0, 5))
def test_any_size_has_features(long: int, short: int, tall: bool, seed: int) -> None:
    shape = (long, short, 3) if tall else (short, long, 3)
    seen = features(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8))
    assert seen.points.shape == (len(seen.descriptors), 2)
    assert seen.descriptors.shape[1] == 128
    assert seen.gray.shape == seen.content.shape
    assert max(seen.size) <= SETTINGS.side
    assert np.isfinite(seen.descriptors).all()
    assert (seen.points >= -1).all()
    assert (seen.points <= seen.size).all()


def test_features_are_the_same_every_time() -> None:
    one, two = features(PHOTO), features(PHOTO)
    assert np.array_equal(one.points, two.points)
    assert np.array_equal(one.descriptors, two.descriptors)


# --- mirroring -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_mirrored_features_are_those_of_the_flipped_photo(name: str) -> None:
    computed = mirror(features(PHOTOS[name]))
    seen = features(PHOTOS[name][:, ::-1])
    assert np.array_equal(computed.gray, seen.gray)
    # Scaling a mask to another size moves its edges by a px.
    assert (computed.content == seen.content).mean() > 0.97

    products = computed.descriptors @ seen.descriptors.T
    nearest = products.argmax(axis=1)
    apart = np.linalg.norm(computed.points - seen.points[nearest], axis=1)
    assert (apart < 1).mean() > 0.75
    assert np.median(products.max(axis=1)) > 0.99
    # Keypoints of a photo and of its mirror image lie on the same spots, without a shift.
    shift = np.median((computed.points - seen.points[nearest])[apart < 1], axis=0)
    assert np.abs(shift).max() < 0.1


def test_mirrored_twice_is_as_before() -> None:
    once = features(PHOTO)
    twice = mirror(mirror(once))
    assert np.array_equal(twice.gray, once.gray)
    np.testing.assert_allclose(twice.points, once.points, atol=1e-3)
    assert np.array_equal(twice.descriptors, once.descriptors)


# --- pairing -------------------------------------------------------------------------------------


def shared(one: np.ndarray, other: np.ndarray) -> float:
    """The share of pairs that another list has too."""
    return len(set(map(tuple, one)) & set(map(tuple, other))) / len(one)


def test_the_keypoints_of_a_photo_pair_with_themselves() -> None:
    """Not all: two keypoints of one place may be alike."""
    seen = features(PHOTO)
    pairs = tentative(seen, seen, SETTINGS.ratio)
    away = np.linalg.norm(seen.points[pairs[:, 0]] - seen.points[pairs[:, 1]], axis=1)
    assert len(pairs) > 0.5 * len(seen.points)
    assert away.max() < 6


@pytest.mark.parametrize("query", ["chelsea", "astronaut"])
def test_a_place_pairs_with_one_place(query: str) -> None:
    """Several keypoints of one place, which differ in direction or size, may have the same pair."""
    soft = edits.blur(PHOTOS[query], np.random.default_rng(0), 0.3)
    one, other = features(soft), features(PHOTOS[query])
    pairs = tentative(one, other, SETTINGS.ratio)
    assert len(set(pairs[:, 0])) == len(pairs) > 50
    for paired in set(pairs[:, 1]):
        there = one.points[pairs[pairs[:, 1] == paired, 0]]
        assert np.ptp(there, axis=0).max() < 12  # each within 6 px of the best


def test_a_stricter_ratio_keeps_fewer_of_the_same() -> None:
    one, other = features(edits.blur(PHOTO, np.random.default_rng(0), 0.3)), features(PHOTO)
    strict, loose = (tentative(one, other, ratio) for ratio in (0.6, 0.9))
    assert 0 < len(strict) < len(loose)
    assert shared(strict, loose) == 1


def test_a_detail_that_is_in_two_places_says_nothing_of_where_it_is() -> None:
    half = PHOTOS["chelsea"][:, :220]
    alone, both = features(half), features(np.concatenate([half, half], axis=1))
    once, twice = (tentative(alone, other, SETTINGS.ratio) for other in (alone, both))
    assert len(once) > 5 * len(twice)


def test_nothing_pairs_with_nothing() -> None:
    blank, seen = features(np.zeros((90, 120, 3), np.uint8)), features(PHOTO)
    for one, other in ((blank, seen), (seen, blank), (blank, blank)):
        assert tentative(one, other, SETTINGS.ratio).shape == (0, 2)
        there = one.points.astype(float)
        assert nearby(one, other, there, 8, 0.8).shape == (0, 2)


def test_nearby_pairs_lie_where_they_are_expected_and_are_alike() -> None:
    one, other = features(edits.blur(PHOTO, np.random.default_rng(0), 0.3)), features(PHOTO)
    there = one.points.astype(float)
    pairs = nearby(one, other, there, 8, 0.8)
    assert len(pairs) > len(tentative(one, other, SETTINGS.ratio))
    assert np.abs(there[pairs[:, 0]] - other.points[pairs[:, 1]]).max() <= 8
    alike = (one.descriptors[pairs[:, 0]] * other.descriptors[pairs[:, 1]]).sum(axis=1)
    assert alike.min() >= 0.8 - 1e-6
    assert len(nearby(one, other, there, 2, 0.8)) < len(pairs)
    assert len(nearby(one, other, there + 1000, 8, 0.8)) == 0


def test_what_is_expected_nowhere_is_near_nothing() -> None:
    """A homography takes some points to infinity."""
    seen = features(PHOTO)
    there = np.full(seen.points.shape, np.nan)
    there[::2] = np.inf
    assert len(nearby(seen, seen, there, 8, 0.8)) == 0
