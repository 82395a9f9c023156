"""Where two photos overlap: to the pixel where the truth is known, and never outside of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.kernels.comparison import compare
from imagematch.kernels.keypoints import extract
from imagematch.kernels.overlap import Fit, Side, find_fit
from imagematch.kernels.panels import Box
from imagematch.records import Bytes, Geometry
from imagematch.settings import DEFAULTS
from tests.world import photo

SETTINGS = DEFAULTS.verify
PHOTO = photo(11, 480, 360)  # without lines that look like those of a collage
HEIGHT, WIDTH = PHOTO.shape[:2]
CLOSE = 3.0  # px


def side(rgb: Bytes, width: int = 0) -> Side:
    rgb = np.ascontiguousarray(rgb)
    return Side(rgb, width or rgb.shape[1], "photo")


def judged(query: Side, other: Side, box: Box | None = None) -> Geometry:
    """What verification says, having looked at a box of the query."""
    geometry = compare(
        extract(query.rgb, query.width, SETTINGS, box),
        extract(other.rgb, other.width, SETTINGS),
        SETTINGS,
    )
    assert geometry.reason == "accepted"
    return geometry


def fitted(query: Side, other: Side, box: Box | None = None) -> Fit:
    fit = find_fit(query, other, judged(query, other, box), SETTINGS)
    assert fit is not None
    return fit


def bounds(outline: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom."""
    return np.concatenate([outline.min(axis=0), outline.max(axis=0)])


def assert_near(outline: np.ndarray, *wanted: float) -> None:
    assert np.abs(bounds(outline) - wanted).max() < CLOSE


def test_a_crop_is_outlined_in_the_photo_and_covers_itself() -> None:
    fit = fitted(side(PHOTO[60:300, 100:400]), side(PHOTO))
    assert_near(fit.query_outline, 0, 0, 300, 240)
    assert_near(fit.photo_outline, 100, 60, 400, 300)


def test_points_of_a_crop_lie_where_they_were_cut_from() -> None:
    fit = fitted(side(PHOTO[60:300, 100:400]), side(PHOTO))
    assert len(fit.points) >= SETTINGS.min_inliers
    assert np.abs(fit.points[:, :2] + (100, 60) - fit.points[:, 2:]).max() < CLOSE + 2


def test_a_mirrored_photo_keeps_its_own_coordinates() -> None:
    fit = fitted(side(PHOTO[:, ::-1]), side(PHOTO))
    assert fit.mirrored
    assert_near(fit.query_outline, 0, 0, WIDTH, HEIGHT)
    assert np.abs(WIDTH - 1 - fit.points[:, 0] - fit.points[:, 2]).max() < CLOSE + 2


def test_a_rotated_photo_is_covered_as_it_stands() -> None:
    fit = fitted(side(np.rot90(PHOTO)), side(PHOTO))
    assert_near(fit.query_outline, 0, 0, HEIGHT, WIDTH)
    assert_near(fit.photo_outline, 0, 0, WIDTH, HEIGHT)


def test_coordinates_are_those_of_the_full_size_photo() -> None:
    fit = fitted(side(PHOTO, 4 * WIDTH), side(PHOTO))
    assert np.abs(bounds(fit.query_outline) - (0, 0, 4 * WIDTH, 4 * HEIGHT)).max() < 4 * CLOSE
    assert_near(fit.photo_outline, 0, 0, WIDTH, HEIGHT)


def collage() -> Bytes:
    """Four photos with lines between them; the first shows the middle of PHOTO in half its size."""
    canvas = np.full((380, 380, 3), 255, np.uint8)
    tiles = [PHOTO[:, 60:420][::2, ::2], *(photo(seed, 180, 180) for seed in (50, 51, 52))]
    for tile, (top, left) in zip(tiles, ((0, 0), (0, 200), (200, 0), (200, 200)), strict=True):
        canvas[top : top + 180, left : left + 180] = tile
    return canvas


def test_the_part_of_a_collage_ends_where_its_panel_ends() -> None:
    fit = fitted(side(collage()), side(PHOTO), Box(0, 180, 0, 180))
    assert np.abs(bounds(fit.query_outline) - (0, 0, 180, 180)).max() < 6
    assert np.abs(bounds(fit.photo_outline) - (60, 0, 420, 360)).max() < 12


def test_a_small_part_shows_more_points_than_the_whole_picture_had() -> None:
    small = photo(60, 480, 360)
    small[20:140, 20:180] = PHOTO[::3, ::3]
    query, original = side(small), side(PHOTO)
    whole = Box(20, 140, 20, 180)
    geometry = judged(query, original, whole)
    fit = find_fit(query, original, geometry, SETTINGS)
    assert fit is not None
    assert len(fit.points) >= geometry.inliers / 2
    inside = (fit.points[:, :2] >= 18) & (fit.points[:, :2] <= (182, 142))
    assert inside.all()


@pytest.mark.parametrize(
    "reason", ["few_keypoints", "few_inliers", "implausible", "small_overlap", "a later reason"]
)
def test_what_was_not_laid_over_shows_no_fit(reason: str) -> None:
    same = side(PHOTO)
    assert find_fit(same, same, replace(judged(same, same), reason=reason), SETTINGS) is None


def test_another_photo_of_a_scene_shows_what_fits_and_a_missing_transform_nothing() -> None:
    same = side(PHOTO)
    geometry = replace(judged(same, same), reason="pixels_differ")
    assert find_fit(same, same, geometry, SETTINGS) is not None
    assert find_fit(same, same, replace(geometry, transform=None), SETTINGS) is None


def test_a_transform_and_its_negative_say_the_same() -> None:
    crop, whole = side(PHOTO[60:300, 100:400]), side(PHOTO)
    geometry = judged(crop, whole)
    assert geometry.transform is not None
    turned = tuple((-a, -b, -c) for a, b, c in geometry.transform)
    one = find_fit(crop, whole, geometry, SETTINGS)
    other = find_fit(crop, whole, replace(geometry, transform=turned), SETTINGS)
    assert one is not None
    assert other is not None
    assert np.allclose(one.photo_outline, other.photo_outline)
    assert np.array_equal(one.points, other.points)


numbers = st.floats(-2, 2) | st.sampled_from((0.0, 1.0, 1e-9, -1e-9, 1e9))
rows = st.tuples(numbers, numbers, numbers)
sizes = st.tuples(st.integers(1, 60), st.integers(1, 60))


@settings(max_examples=40, deadline=None)
@given(st.tuples(rows, rows, rows), sizes, sizes, st.integers(1, 5000), st.booleans())
def test_no_transform_leads_outside_of_the_photos(
    transform: tuple[tuple[float, float, float], ...],
    query_size: tuple[int, int],
    photo_size: tuple[int, int],
    width: int,
    mirrored: bool,
) -> None:
    rng = np.random.default_rng(0)
    query, other = (
        side(rng.integers(0, 256, (*size, 3), np.uint8), wide)
        for size, wide in ((query_size, width), (photo_size, 0))
    )
    geometry = Geometry(20, 1.0, 0.5, 0.5, 1.0, 1.0, mirrored, transform, "accepted")
    fit = find_fit(query, other, geometry, SETTINGS)
    if fit is None:
        return
    for shown, outline in ((query, fit.query_outline), (other, fit.photo_outline)):
        slack = 1e-3 * (1 + max(shown.size))
        assert (outline >= -slack).all()
        assert (outline <= np.array(shown.size) + slack).all()
    assert fit.points.shape[1] == 4
