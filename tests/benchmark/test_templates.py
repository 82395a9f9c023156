"""Pairs of one template: the same design on both sides, and different things in it."""

from collections.abc import Iterator

import numpy as np
import pytest

from benchmark.drawn import frames, puzzles, screens, walls
from benchmark.pairs.lookalikes import Recipe
from benchmark.pairs.templates import TEMPLATES
from imagematch.kernels.resizing import resize
from tests.world import photo


def every_recipe() -> Iterator[tuple[str, Recipe]]:
    for group, recipes in TEMPLATES.items():
        for number, recipe in enumerate(dict.fromkeys(recipes)):
            yield f"{group} {number}", recipe


RECIPES = [pytest.param(recipe, id=name) for name, recipe in every_recipe()]


def drawn(recipe: Recipe, seed: int) -> list[np.ndarray]:
    photos = [photo(number, 200, 160) for number in range(recipe.photos)]
    return list(recipe.draw(photos, np.random.default_rng(seed)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_both_sides_are_pictures_that_differ(recipe: Recipe) -> None:
    for seed in range(3):
        left, right = drawn(recipe, seed)
        for side in (left, right):
            assert side.dtype == np.uint8
            assert side.ndim == 3
            assert min(side.shape[:2]) >= 24
        small = [resize(side, 48, 48).astype(int) for side in (left, right)]
        differs = (np.abs(small[0] - small[1]).max(axis=2) > 12).mean()
        assert differs > 0.02


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_seed_draws_the_same_pair_and_another_seed_another(recipe: Recipe) -> None:
    first, again, other = (drawn(recipe, seed) for seed in (4, 4, 5))
    for one, same in zip(first, again, strict=True):
        assert np.array_equal(one, same)
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("make", frames.FRAMES)
def test_a_frame_is_the_same_around_any_photo(make: object) -> None:
    frame = make(np.random.default_rng(3), 240, 200)  # type: ignore[operator]
    shown = [frame(np.full((60, 80, 3), level, np.uint8)) for level in (60, 150)]
    same = (shown[0] == shown[1]).all(axis=2)
    assert 0.05 < same.mean() < 0.95
    assert not same[90:110, 110:130].any()


def test_codes_share_what_all_codes_have_and_no_more() -> None:
    codes = [puzzles.qr_matrix(3, np.random.default_rng(seed)) for seed in (1, 2)]
    same = codes[0] == codes[1]
    assert codes[0].shape == (29, 29)
    for code in codes:
        for corner in (code[:7, :7], code[:7, -7:], code[-7:, :7]):
            assert corner[0].all()
            assert not corner[1, 1:6].any()
            assert corner[2:5, 2:5].all()
    assert 0.4 < same[9:-9, 9:-9].mean() < 0.7


def test_a_call_shows_every_photo_it_is_given() -> None:
    levels = (40, 90, 140, 190)
    photos = [np.full((60, 80, 3), level, np.uint8) for level in levels]
    show = screens.call(np.random.default_rng(1), 4)
    picture = show(photos, np.random.default_rng(2))
    for level in levels:
        assert (picture == level).all(axis=2).mean() > 0.1


@pytest.mark.parametrize("wall", walls.WALLS)
def test_a_wall_has_texture_all_over(wall: object) -> None:
    picture = wall(np.random.default_rng(6), 300, 240)  # type: ignore[operator]
    assert picture.shape == (240, 300, 3)
    cells = [cell for rows in np.array_split(picture, 3) for cell in np.array_split(rows, 3, 1)]
    assert min(cell.std() for cell in cells) > 3


def test_the_textured_part_of_a_photo_is_taken() -> None:
    rgb = np.full((200, 200, 3), 90, np.uint8)
    rgb[90:, 90:] = np.random.default_rng(0).integers(0, 255, (110, 110, 3))
    assert walls.textured_part(rgb, 80, 80).std(axis=(0, 1)).min() > 20
