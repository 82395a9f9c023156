"""Comparison: copies are laid over each other to the pixel, other photos are told from them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import composites, edits
from imagematch.kernels import comparison
from imagematch.kernels.comparison import (
    coarse_check,
    coarse_pixel_check,
    compare,
    deserves_full_check,
    has_enough_keypoints,
    has_enough_on_photographs,
    reverse,
)
from imagematch.kernels.keypoints import Features, extract, extract_coarse, on_photographs
from imagematch.kernels.panels import Box, find_panels
from imagematch.records import Bytes, Geometry
from imagematch.settings import DEFAULTS
from tests.kernels.pictures import scene

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

SETTINGS = DEFAULTS.verify
NAMES = ("astronaut", "coffee", "chelsea", "rocket")
PHOTOS = {name: np.asarray(getattr(data, name)()) for name in NAMES}
PHOTO = PHOTOS["coffee"]
HEIGHT, WIDTH = PHOTO.shape[:2]

#: Where a point may end up beside its true place, px of the full-size photo.
CLOSE = 2.5


def features(rgb: Bytes, box: Box | None = None) -> Features:
    rgb = np.ascontiguousarray(rgb)
    return extract(rgb, rgb.shape[1], SETTINGS, box)


@cache
def _seen(pixels: bytes, shape: tuple[int, ...]) -> Features:
    return features(np.frombuffer(pixels, np.uint8).reshape(shape))


def judged(query: Bytes, photo: Bytes) -> Geometry:
    return compare(
        _seen(query.tobytes(), query.shape), _seen(photo.tobytes(), photo.shape), SETTINGS
    )


def apply(transform: object, points: np.ndarray) -> np.ndarray:
    lifted = np.column_stack([points, np.ones(len(points))]) @ np.array(transform).T
    return lifted[:, :2] / lifted[:, 2:]


def off(geometry: Geometry, truth: np.ndarray, size: tuple[int, int]) -> float:
    """By how many px the transform misplaces a point of a query of that (height, width)."""
    y, x = np.mgrid[0.1:0.9:5j, 0.1:0.9:5j]
    points = np.column_stack([x.ravel() * size[1], y.ravel() * size[0]])
    there = apply(geometry.transform, points) - apply(truth, points)
    return float(np.linalg.norm(there, axis=1).max())


def matrix(*rows: tuple[float, float, float]) -> np.ndarray:
    return np.array([*rows, (0, 0, 1)], float)


@dataclass(frozen=True)
class Copy:
    """An edit, where its pixels come from, and how much of each photo the other shows."""

    edit: Callable[[Bytes], Bytes]
    truth: np.ndarray  # 3x3, from px of the copy to px of the photo
    cover_query: float = 1.0
    cover_photo: float = 1.0
    mirrored: bool = False


FLIP = matrix((-1, 0, WIDTH - 1), (0, 1, 0))


def resized(rgb: Bytes, factor: float, interpolation: int) -> Bytes:
    scaled = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=interpolation)
    return np.asarray(scaled, np.uint8)


COPIES = {
    "the same": Copy(lambda rgb: rgb, np.eye(3)),
    "recompressed": Copy(
        lambda rgb: edits.recompress(rgb, np.random.default_rng(0), 0.7), np.eye(3)
    ),
    "tinted": Copy(lambda rgb: edits.colour_filter(rgb, np.random.default_rng(0), 1.0), np.eye(3)),
    "cropped": Copy(
        lambda rgb: rgb[60:380, 90:570],
        matrix((1, 0, 90), (0, 1, 60)),
        cover_photo=320 * 480 / (HEIGHT * WIDTH),
    ),
    "framed": Copy(
        lambda rgb: np.pad(rgb, ((50, 50), (50, 50), (0, 0))),
        matrix((1, 0, -50), (0, 1, -50)),
        cover_query=HEIGHT * WIDTH / ((HEIGHT + 100) * (WIDTH + 100)),
    ),
    "half as large": Copy(
        lambda rgb: resized(rgb, 0.5, cv2.INTER_AREA),
        matrix((2, 0, 0.5), (0, 2, 0.5)),
    ),
    "twice as large": Copy(
        lambda rgb: resized(rgb, 2, cv2.INTER_CUBIC),
        matrix((0.5, 0, -0.25), (0, 0.5, -0.25)),
    ),
    "turned left": Copy(lambda rgb: np.rot90(rgb), matrix((0, -1, WIDTH - 1), (1, 0, 0))),
    "upside down": Copy(
        lambda rgb: np.rot90(rgb, 2), matrix((-1, 0, WIDTH - 1), (0, -1, HEIGHT - 1))
    ),
    "mirrored": Copy(lambda rgb: rgb[:, ::-1], FLIP, mirrored=True),
    "mirrored and cropped": Copy(
        lambda rgb: rgb[40:, ::-1][:, 30:500],
        FLIP @ matrix((1, 0, 30), (0, 1, 40)),
        cover_photo=360 * 470 / (HEIGHT * WIDTH),
        mirrored=True,
    ),
}


# --- copies --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_laid_over_its_photo(name: str) -> None:
    copy = COPIES[name]
    query = np.ascontiguousarray(copy.edit(PHOTO))
    geometry = judged(query, PHOTO)
    assert geometry.reason == "accepted"
    assert geometry.mirrored == copy.mirrored
    assert geometry.inliers >= 50
    assert geometry.correlation > 0.95
    assert geometry.closeness > 0.85
    assert off(geometry, copy.truth, (query.shape[0], query.shape[1])) < CLOSE
    assert geometry.cover_query == pytest.approx(copy.cover_query, abs=0.04)
    assert geometry.cover_photo == pytest.approx(copy.cover_photo, abs=0.04)


@pytest.mark.parametrize("name", COPIES)
def test_the_other_way_round_the_verdict_is_the_same(name: str) -> None:
    query = COPIES[name].edit(PHOTO)
    there, back = judged(query, PHOTO), judged(PHOTO, query)
    assert (back.reason, back.mirrored) == (there.reason, there.mirrored)
    assert back.correlation == pytest.approx(there.correlation, abs=0.02)
    assert back.cover_query == pytest.approx(there.cover_photo, abs=0.03)
    assert back.cover_photo == pytest.approx(there.cover_query, abs=0.03)


@pytest.mark.parametrize("mirrored", [False, True], ids=["as it is", "mirrored"])
@pytest.mark.parametrize("edit", edits.EDITS)
def test_a_copy_of_every_edit_is_accepted(edit: str, mirrored: bool) -> None:
    shown = PHOTO[:, ::-1] if mirrored else PHOTO
    copy = edits.EDITS[edit](np.ascontiguousarray(shown), np.random.default_rng(0), 0.5)
    geometry = judged(copy, PHOTO)
    assert geometry.reason == "accepted"
    assert geometry.mirrored == (mirrored != (edit == "mirror"))
    assert geometry.correlation > 0.8
    assert geometry.agreement > 0.8
    assert geometry.correlation >= geometry.plain_correlation - 0.02
    assert geometry.agreement >= geometry.plain_agreement - 0.02


# --- coarse checks -------------------------------------------------------------------------------


def coarse_features(*pictures: Bytes) -> list[Features]:
    return [extract_coarse(np.ascontiguousarray(rgb), rgb.shape[1], SETTINGS) for rgb in pictures]


def at_pixels(query: Bytes, photo: Bytes) -> Geometry:
    sides = zip(coarse_features(query, photo), (query, photo), strict=True)
    seen = [on_photographs(coarse, np.ascontiguousarray(rgb)) for coarse, rgb in sides]
    return coarse_pixel_check(seen[0], seen[1], SETTINGS)


@pytest.mark.parametrize("mirrored", [False, True], ids=["as it is", "mirrored"])
@pytest.mark.parametrize("edit", edits.EDITS)
def test_a_copy_of_every_edit_deserves_a_closer_look(edit: str, mirrored: bool) -> None:
    shown = PHOTO[:, ::-1] if mirrored else PHOTO
    copy = edits.EDITS[edit](np.ascontiguousarray(shown), np.random.default_rng(0), 0.5)
    sides = coarse_features(copy, PHOTO)
    assert has_enough_keypoints(*sides, high_recall=False)
    geometry = coarse_check(sides[0], sides[1], SETTINGS)
    assert geometry.inliers >= SETTINGS.min_coarse_inliers
    assert (geometry.reason, geometry.transform, geometry.overlap) == ("few_inliers", None, 0)
    assert deserves_full_check(at_pixels(copy, PHOTO))


@pytest.mark.parametrize("query", NAMES)
@pytest.mark.parametrize("photo", NAMES)
def test_other_photos_deserve_none(query: str, photo: str) -> None:
    if query == photo:
        return
    assert not deserves_full_check(at_pixels(PHOTOS[query], PHOTOS[photo]))


def test_a_coarse_check_of_too_little_says_nothing() -> None:
    blank = np.full((90, 120, 3), 200, np.uint8)
    for sides in (coarse_features(blank, PHOTO), coarse_features(PHOTO, blank)):
        assert not has_enough_keypoints(*sides, high_recall=False)
        assert not has_enough_on_photographs(*sides)
    assert at_pixels(blank, PHOTO).reason == "few_keypoints"


def test_a_query_looks_closer_at_soft_photos_than_indexing_does() -> None:
    full = coarse_features(PHOTO)[0]
    assert len(full.points) >= 100
    some = {count: replace(full, points=full.points[:count]) for count in (39, 59, 99, 100)}
    assert {
        count: has_enough_keypoints(full, few, high_recall=False) for count, few in some.items()
    } == {
        39: False,
        59: False,
        99: True,
        100: True,
    }
    assert [
        count for count, few in some.items() if has_enough_keypoints(few, full, high_recall=True)
    ] == [100]
    assert [count for count, few in some.items() if not has_enough_on_photographs(few, full)] == [
        39
    ]


# --- the overlap and the transform ---------------------------------------------------------------


def test_overlap_is_the_covered_share_of_the_smaller_photo() -> None:
    crop, framed = COPIES["cropped"].edit(PHOTO), COPIES["framed"].edit(PHOTO)
    for query, photo in ((crop, PHOTO), (PHOTO, crop), (framed, PHOTO), (PHOTO, framed)):
        assert judged(query, photo).overlap > 0.97
    halves = PHOTO[:, : WIDTH * 2 // 3], PHOTO[:, WIDTH // 4 :]
    shared = WIDTH * 2 // 3 - WIDTH // 4
    assert judged(*halves).overlap == pytest.approx(shared / (WIDTH * 2 // 3), abs=0.04)


def test_the_transform_is_between_the_full_size_photos() -> None:
    """Large photos are decoded at a reduced size; the evidence speaks of the files."""
    crop = np.ascontiguousarray(PHOTO[60:380, 90:570])
    query = extract(crop, 3 * crop.shape[1], SETTINGS)
    photo = extract(PHOTO, 2 * WIDTH, SETTINGS)
    geometry = compare(query, photo, SETTINGS)
    truth = np.diag([2, 2, 1]) @ matrix((1, 0, 90), (0, 1, 60)) @ np.diag([1 / 3, 1 / 3, 1])
    assert off(geometry, truth, (3 * crop.shape[0], 3 * crop.shape[1])) < 3 * CLOSE


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_view_is_laid_over_the_whole_photo(mirrored: bool) -> None:
    others = [rgb for name, rgb in PHOTOS.items() if name != "coffee"]
    shown = np.ascontiguousarray(PHOTO[:, ::-1]) if mirrored else PHOTO
    picture = composites.collage(shown, others, np.random.default_rng(4), 0.5)
    query = features(PHOTO)
    truth, cell = _place_in_collage(picture, shown)
    panel = max(find_panels(picture), key=lambda box: _shared(box, cell))

    geometry = compare(query, features(picture, panel), SETTINGS)

    assert geometry.reason == "accepted"
    assert geometry.mirrored == mirrored
    flip = FLIP if mirrored else np.eye(3)
    assert off(geometry, truth @ flip, (HEIGHT, WIDTH)) < 2 * CLOSE
    assert geometry.cover_photo == pytest.approx(0.24, abs=0.03)  # of the collage, not of the view
    whole = compare(features(picture, panel), query, SETTINGS)
    assert whole.cover_query == pytest.approx(geometry.cover_photo, abs=0.03)


def _place_in_collage(picture: Bytes, photo: Bytes) -> tuple[np.ndarray, Box]:
    """From px of the photo to px of the collage, and the cell that shows its middle square."""
    gutter = round(0.04 * 0.5 * 1080)
    side = (1080 - 3 * gutter) // 2
    factor = side / HEIGHT
    middle = (WIDTH - HEIGHT) // 2
    square = cv2.resize(photo[:, middle : middle + HEIGHT], (side, side))
    starts = [
        (top, left) for top in (gutter, 2 * gutter + side) for left in (gutter, 2 * gutter + side)
    ]
    top, left = min(
        starts,
        key=lambda at: float(
            np.abs(
                picture[at[0] : at[0] + side, at[1] : at[1] + side].astype(float) - square
            ).mean()
        ),
    )
    truth = matrix((factor, 0, left - middle * factor), (0, factor, top))
    return truth, Box(top, top + side, left, left + side)


def _shared(one: Box, two: Box) -> int:
    height = min(one.bottom, two.bottom) - max(one.top, two.top)
    width = min(one.right, two.right) - max(one.left, two.left)
    return max(0, height) * max(0, width)


def test_a_screenshot_is_matched_by_its_photo_alone() -> None:
    shot = composites.screenshot(PHOTO, np.random.default_rng(1), 0.3)
    geometry = judged(shot, PHOTO)
    assert geometry.reason == "accepted"
    assert geometry.cover_photo == pytest.approx(1, abs=0.02)


def test_two_screenshots_of_one_app_do_not_match() -> None:
    rng = np.random.default_rng
    geometry = judged(
        composites.screenshot(PHOTOS["astronaut"], rng(1), 0.3),
        composites.screenshot(PHOTOS["chelsea"], rng(1), 0.3),
    )
    assert geometry.reason != "accepted"


# --- reversing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "share"), [("astronaut", 0.3), ("chelsea", 0.3), ("chelsea", 0.5)]
)
def test_a_small_print_is_as_close_from_either_side(name: str, share: float) -> None:
    # Between two pixels, where an error of one pixel of the print is much of the photo.
    smaller = np.array([[share, 0, 200.4], [0, share, 80]])
    soft = cv2.GaussianBlur(PHOTOS[name], (0, 0), 0.5 / share)
    there = cv2.warpAffine(np.ones_like(soft), smaller, (WIDTH, HEIGHT)) > 0
    wall = np.where(there, cv2.warpAffine(soft, smaller, (WIDTH, HEIGHT)), PHOTO)
    print_first, photo_first = judged(wall, PHOTOS[name]), judged(PHOTOS[name], wall)
    assert print_first.plain_closeness > 0.5
    assert photo_first.plain_closeness == pytest.approx(print_first.plain_closeness, abs=0.08)


@pytest.mark.parametrize("name", ["cropped", "mirrored", "turned left"])
def test_reversed_evidence_reads_from_the_photo_to_the_query(name: str) -> None:
    geometry = judged(COPIES[name].edit(PHOTO), PHOTO)
    back = reverse(geometry)
    y, x = np.mgrid[0:HEIGHT:5j, 0:WIDTH:5j]
    points = np.column_stack([x.ravel(), y.ravel()])
    there_and_back = apply(back.transform, apply(geometry.transform, points))
    np.testing.assert_allclose(there_and_back, points, atol=0.01)
    assert (back.cover_query, back.cover_photo) == (geometry.cover_photo, geometry.cover_query)
    alike = partial(replace, transform=None, cover_query=0.0, cover_photo=0.0)
    assert alike(back) == alike(geometry)


element = st.floats(0.1, 10) | st.floats(-10, -0.1)


@given(
    st.tuples(element, element),
    st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)),
    st.tuples(st.floats(-1e-4, 1e-4), st.floats(-1e-4, 1e-4)),
    st.booleans(),
)
def test_reversed_twice_is_as_before(
    scale: tuple[float, float],
    shift: tuple[float, float],
    slant: tuple[float, float],
    mirrored: bool,
) -> None:
    truth = matrix((scale[0], 0.2, shift[0]), (-0.1, scale[1], shift[1]))
    truth = truth @ np.array([[1, 0, 0], [0, 1, 0], [*slant, 1]])
    rows: Any = tuple(tuple(float(value) for value in row) for row in truth / truth[2, 2])
    known = Geometry(
        *(40, 0.9, 0.5, 0.9, 0.8, 0.7, mirrored, rows, "accepted"), *(0.6, 0.5, 0.4, 0.3)
    )
    again = reverse(reverse(known))
    assert replace(again, transform=None) == replace(known, transform=None)
    # Seven digits are kept, of which a large shift takes some.
    corners = np.array([[0, 0], [640, 0], [640, 480], [0, 480]])
    np.testing.assert_allclose(
        apply(again.transform, corners), apply(known.transform, corners), rtol=1e-3, atol=2
    )


def test_evidence_without_a_transform_can_be_reversed() -> None:
    nothing = judged(np.zeros((100, 100, 3), np.uint8), PHOTO)
    assert nothing.transform is None
    assert reverse(nothing) == nothing


# --- other photos --------------------------------------------------------------------------------


def test_two_photos_of_one_scene_agree_less_closely_than_a_copy() -> None:
    left, right, _ = data.stereo_motorcycle()
    for query, photo in ((left, right), (right, left), (left[:, ::-1], right)):
        geometry = judged(query, photo)
        assert geometry.inliers > 50
        assert geometry.closeness < 0.6
        assert geometry.plain_closeness < 0.45
        assert geometry.plain_agreement < 0.75


@pytest.mark.parametrize("query", NAMES)
@pytest.mark.parametrize("photo", NAMES)
def test_other_photos_have_nothing_in_common(query: str, photo: str) -> None:
    if query != photo:
        geometry = judged(PHOTOS[query], PHOTOS[photo])
        assert geometry.reason in {"few_keypoints", "few_inliers", "implausible"}
        assert geometry.transform is None
        assert not geometry.mirrored
        assert (geometry.overlap, geometry.cover_query, geometry.cover_photo) == (0, 0, 0)


def test_a_shared_watermark_is_no_copy() -> None:
    stamped = [
        edits.watermark(PHOTOS[name], np.random.default_rng(3), 1.0, text="EXAMPLE AGENCY")
        for name in ("coffee", "chelsea")
    ]
    assert judged(*stamped).reason != "accepted"


def test_too_little_in_common_to_compare_does_not_count_as_different() -> None:
    whole = features(PHOTO)
    content = np.zeros_like(whole.content)
    content[100:130, 100:130] = True
    geometry = compare(replace(whole, content=content), whole, SETTINGS)
    assert geometry.reason == "small_overlap"
    assert geometry.correlation == 0


def test_a_strip_in_common_is_a_small_overlap() -> None:
    rgb = PHOTOS["chelsea"]
    geometry = judged(rgb[:176], rgb[130:])
    assert geometry.reason == "small_overlap"
    assert geometry.overlap == pytest.approx(46 / 170, abs=0.04)
    assert geometry.correlation > 0.95


@settings(max_examples=25)
@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 255), st.booleans())
def test_blank_and_tiny_photos_are_rejected(
    height: int, width: int, level: int, noisy: bool
) -> None:
    rgb = np.full((height, width, 3), level, np.uint8)
    if noisy and min(height, width) < 8:
        rgb = np.random.default_rng(level).integers(0, 256, rgb.shape, dtype=np.uint8)
    seen, other = features(rgb), features(np.asarray(scene()))
    assert seen.points.shape == (len(seen.descriptors), 2)
    for query, photo in ((seen, other), (other, seen), (seen, seen)):
        assert compare(query, photo, SETTINGS).reason == "few_keypoints"


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (2, 2500)])
def test_a_line_of_pixels_is_rejected(shape: tuple[int, int]) -> None:
    line = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert judged(line, PHOTO).reason == "few_keypoints"


# --- the same every time -------------------------------------------------------------------------


def test_a_verdict_does_not_depend_on_what_was_compared_before() -> None:
    query, photo = features(COPIES["cropped"].edit(PHOTO)), features(PHOTO)
    first = compare(query, photo, SETTINGS)
    compare(
        features(PHOTOS["astronaut"]),
        features(edits.blur(PHOTOS["astronaut"], np.random.default_rng(), 0.3)),
        SETTINGS,
    )
    cv2.setRNGSeed(99)
    assert compare(query, photo, SETTINGS) == first


@pytest.mark.parametrize(
    "matrix",
    [
        [[1.0, 0.0, 3.0], [0.0, 1.0, 5.0], [0.01, 0.02, 0.0]],
        [[1e-3, 0.0, 1e6], [0.0, 1e-3, 1e6], [1e-9, 0.0, 1e-20]],
    ],
)
def test_a_corner_at_the_horizon_leaves_finite_numbers(matrix: list[list[float]]) -> None:
    rounded = comparison._rounded(np.array(matrix))
    assert np.isfinite(np.array(rounded)).all()


def test_a_transform_that_can_not_be_inverted_has_no_reverse() -> None:
    flat = Geometry(
        9,
        0.5,
        0.5,
        0.4,
        0.9,
        0.9,
        False,
        ((1.0, 2.0, 0.0), (2.0, 4.0, 0.0), (0.0, 0.0, 1.0)),
        "accepted",
    )
    found = comparison.reverse(flat)
    assert found.transform is None
    assert (found.cover_query, found.cover_photo) == (0.4, 0.5)
