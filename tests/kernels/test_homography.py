"""Homographies: found among wrong pairs, the same every time, and refused where no repost is."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.kernels.homography import (
    between_pixels,
    covered,
    enlargement,
    fit,
    plausible,
    project,
)
from imagematch.records import Doubles, Floats
from imagematch.settings import DEFAULTS
from tests.world import photo

SIZE = WIDTH, HEIGHT = 400, 300
CORNERS = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], float)
REPROJECTION = DEFAULTS.verify.reprojection

seeds = st.integers(0, 2**32 - 1)


def scaling(across: float, down: float | None = None) -> Doubles:
    return np.diag([across, across if down is None else down, 1.0])


def shift(across: float, down: float) -> Doubles:
    return np.array([[1, 0, across], [0, 1, down], [0, 0, 1]], float)


def turn(degrees: float) -> Doubles:
    """Around the middle."""
    angle = np.deg2rad(degrees)
    around = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.eye(3)
    matrix[:2, :2] = around
    return shift(WIDTH / 2, HEIGHT / 2) @ matrix @ shift(-WIDTH / 2, -HEIGHT / 2)


def slant(across: float, down: float) -> Doubles:
    return np.array([[1, 0, 0], [0, 1, 0], [across, down, 1]], float)


def drawn(rng: np.random.Generator) -> Doubles:
    """What a repost may do: turned, scaled, moved and slanted."""
    moved = shift(*rng.uniform(-40, 40, 2)) @ turn(rng.uniform(-180, 180))
    return moved @ scaling(rng.uniform(0.4, 2)) @ slant(*rng.uniform(-4e-4, 4e-4, 2))


def pairs(
    rng: np.random.Generator, matrix: Doubles, count: int = 100, wrong: float = 0.0
) -> tuple[Floats, Floats]:
    """Points and where they come to lie, half a px off; a share of them anywhere."""
    source = rng.uniform((0, 0), SIZE, (count, 2))
    target = project(matrix, source) + rng.normal(0, 0.5, source.shape)
    astray = round(wrong * count)
    target[:astray] = rng.uniform(target.min(axis=0), target.max(axis=0), (astray, 2))
    return source.astype(np.float32), target.astype(np.float32)


# --- finding -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_a_homography_is_found_though_six_in_ten_pairs_are_wrong(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = drawn(rng)
    found = fit(*pairs(rng, truth, wrong=0.6), REPROJECTION)
    assert found is not None
    away = np.linalg.norm(project(found.matrix, CORNERS) - project(truth, CORNERS), axis=1).max()
    assert away < 2 * REPROJECTION
    # Few of the wrong pairs agree by accident, and of the right ones few are in one place.
    assert 36 <= found.inliers <= 50
    assert plausible(found.matrix, SIZE)


@settings(max_examples=15, deadline=None)
@given(seeds)
def test_the_same_pairs_give_the_same_whatever_came_before(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ours = pairs(rng, drawn(rng), wrong=0.4)
    first = fit(*ours, REPROJECTION)
    fit(*pairs(rng, drawn(rng)), REPROJECTION)
    second = fit(*ours, REPROJECTION)
    assert first is not None
    assert second is not None
    assert np.array_equal(first.matrix, second.matrix)
    assert first.inliers == second.inliers


def test_many_pairs_in_one_place_are_one_piece_of_evidence() -> None:
    rng = np.random.default_rng(0)
    source, target = pairs(rng, turn(10), 20)
    crowded = np.concatenate([source, np.repeat(source[:1], 200, axis=0)])
    there = np.concatenate([target, np.repeat(target[:1], 200, axis=0)])
    found = fit(crowded, there, REPROJECTION)
    assert found is not None
    assert found.inliers <= 20


def at_random(count: int) -> Floats:
    return np.random.default_rng(count).uniform(0, 300, (count, 2)).astype(np.float32)


LINE = np.column_stack([np.linspace(0, 300, 40)] * 2).astype(np.float32)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (at_random(0), at_random(0)),
        (at_random(3), at_random(3)),
        (np.repeat(at_random(3), 10, axis=0), at_random(30)),
        (at_random(30), np.repeat(at_random(3), 10, axis=0)),
        (at_random(30), np.repeat(at_random(1), 30, axis=0)),
        (LINE, LINE),
        (at_random(40), LINE),
    ],
    ids=["none", "three", "from three", "to three", "to one", "on a line", "to a line"],
)
def test_points_that_say_nothing_give_none(source: Floats, target: Floats) -> None:
    assert fit(source, target, REPROJECTION) is None


# --- what a repost may do ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        turn(90),
        turn(180),
        turn(-30),
        scaling(0.2),
        scaling(5),
        scaling(1.6, 1),
        shift(5000, -3000),
        slant(6e-4, 4e-4),
    ],
    ids=lambda matrix: str(matrix.round(4).tolist()),
)
def test_what_reposts_do_is_plausible_and_so_is_its_reverse(matrix: Doubles) -> None:
    assert plausible(matrix, SIZE)
    assert plausible(np.linalg.inv(matrix), SIZE)


@settings(max_examples=60)
@given(seeds)
def test_a_flip_on_top_is_refused(seed: int) -> None:
    """Mirrored copies are looked for with a mirrored query."""
    matrix = drawn(np.random.default_rng(seed))
    assert plausible(matrix, SIZE)
    for flip in (scaling(-1, 1), scaling(1, -1)):
        assert not plausible(matrix @ shift(WIDTH / 2, HEIGHT / 2) @ flip, SIZE)


def test_folding_is_refused() -> None:
    """Two corners change places."""
    folded = CORNERS[[1, 0, 2, 3]].astype(np.float32)
    matrix = cv2.getPerspectiveTransform(CORNERS.astype(np.float32), folded)
    assert not plausible(np.asarray(matrix, np.float64), SIZE)


@pytest.mark.parametrize(
    "matrix",
    [
        scaling(6),
        scaling(1 / 6),
        scaling(100, 100),
        scaling(1e-3, 1),
        slant(-1 / 300, 0),  # a part lies behind the camera
        slant(-1 / 400, 0),  # an edge lies infinitely far away
        slant(0.02, 0),  # tilted more than a photo of a photo is
        np.zeros((3, 3)),
    ],
    ids=lambda matrix: str(matrix.round(4).tolist()),
)
def test_blowing_up_squashing_and_tilting_too_far_are_refused(matrix: Doubles) -> None:
    assert not plausible(matrix, SIZE)


# --- points and areas ----------------------------------------------------------------------------


@given(seeds)
def test_there_and_back_is_where_a_point_was(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, points = drawn(rng), rng.uniform((0, 0), SIZE, (20, 2))
    back = project(np.linalg.inv(matrix), project(matrix, points))
    np.testing.assert_allclose(back, points, atol=1e-6)
    np.testing.assert_allclose(project(-3.0 * matrix, points), project(matrix, points))


@given(st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-180, 180))
def test_enlargement_is_by_how_much_the_area_grows(
    across: float, down: float, degrees: float
) -> None:
    matrix = turn(degrees) @ scaling(across, down)
    assert enlargement(matrix, SIZE) == pytest.approx(across * down, rel=1e-3)


def test_covered_is_the_share_of_the_content_that_comes_to_lie_on_the_other() -> None:
    everything = np.ones((HEIGHT, WIDTH), bool)
    left = everything.copy()
    left[:, WIDTH // 2 :] = False
    assert covered(everything, SIZE, np.eye(3)) == 1
    half = shift(WIDTH / 2, 0)
    assert covered(everything, SIZE, half) == pytest.approx(0.5)
    assert covered(left, SIZE, half) == 1
    assert covered(left, SIZE, shift(-WIDTH / 2, 0)) == 0
    assert covered(~everything, SIZE, np.eye(3)) == 0


@given(seeds, st.integers(1, 50), st.integers(1, 50))
def test_covered_is_a_share_for_content_of_any_size(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    content = rng.random((height, width)) < 0.5
    assert 0 <= covered(content, SIZE, drawn(rng)) <= 1


# --- by pixels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [shift(1.5, -1.0), turn(0.4), scaling(1.006), np.eye(3)], ids=str)
def test_pixels_find_what_keypoints_were_off_by(off: Doubles) -> None:
    gray = cv2.cvtColor(photo(3, WIDTH, HEIGHT), cv2.COLOR_RGB2GRAY)
    moved = cv2.warpPerspective(gray, off, SIZE, borderMode=cv2.BORDER_REFLECT)
    found = between_pixels(gray, moved, np.ones(gray.shape, bool))
    assert found is not None
    inner = CORNERS * 0.8 + np.array(SIZE) * 0.1
    there = project(found.astype(float), inner)
    assert np.abs(there - project(off, inner)).max() < 0.3


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (7, 9), (64, 64)])
def test_pixels_that_say_nothing_move_nothing_far(shape: tuple[int, int]) -> None:
    flat = np.full(shape, 90, np.uint8)
    nowhere = np.zeros(shape, bool)
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for one, two, where in (
        (flat, flat, ~nowhere),
        (noise, flat, ~nowhere),
        (noise, noise, nowhere),
    ):
        found = between_pixels(one, two, where)
        assert found is None or np.isfinite(found).all()
