"""Composites show the photo in another picture, whole or as a panel of its own."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import composites
from imagematch.errors import ShapeError
from imagematch.records import Bytes
from tests.benchmark.test_edits import peak_correlation, photo
from tests.kernels.pasting import place_of

strengths = st.floats(0, 1)
seeds = st.integers(0, 2**32 - 1)


# --- screens -------------------------------------------------------------------------------------


def test_a_screenshot_shows_the_whole_photo_on_a_tall_screen() -> None:
    rgb = photo(10, 300, 400)
    screen = composites.screenshot(rgb, np.random.default_rng(1), 0.0, title="Title", text="Words")
    assert screen.shape[0] > 1.8 * screen.shape[1]
    assert peak_correlation(screen, rgb) > 0.999


def test_two_screenshots_of_one_seed_differ_only_in_the_photo() -> None:
    first, second = (
        composites.screenshot(photo(seed, 300, 400), np.random.default_rng(1), 0.0)
        for seed in (1, 2)
    )
    rows = np.nonzero((first != second).any(axis=(1, 2)))[0]
    assert rows.max() - rows.min() < 300


@settings(max_examples=30, deadline=None)
@given(st.integers(24, 500), st.integers(24, 500), strengths, seeds)
def test_a_web_page_shows_the_whole_photo_in_its_shape(
    height: int, width: int, strength: float, seed: int
) -> None:
    def shown(rgb: Bytes) -> Bytes:
        return composites.web_page(rgb, np.random.default_rng(seed), strength)

    page = shown(photo(seed, height, width))
    place = place_of((height, width, 3), shown)
    across, down = place.right - place.left, place.bottom - place.top
    assert page.shape[1] == max(640, round(1.25 * width))
    assert across <= 0.8 * page.shape[1] + 1
    assert down <= 0.75 * page.shape[1] + 1
    assert across == pytest.approx(down * width / height, abs=1 + width / height)


@pytest.mark.parametrize("size", [(300, 400), (400, 200)], ids=["wide", "tall"])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_web_page_has_facts_beside_or_below_the_photo(
    size: tuple[int, int], strength: float
) -> None:
    def shown(rgb: Bytes) -> Bytes:
        return composites.web_page(rgb, np.random.default_rng(1), strength)

    rgb = photo(10, *size)
    page, place = shown(rgb), place_of(rgb.shape, shown)
    small = (place.right - place.left, place.bottom - place.top)
    wanted = np.asarray(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), np.uint8)
    assert peak_correlation(page, wanted) > 0.95
    page[: place.bottom, : place.right] = 255
    assert (page < 128).any()


def test_a_stronger_web_page_shows_the_photo_smaller() -> None:
    def area(strength: float) -> int:
        return place_of(
            (300, 400, 3),
            lambda rgb: composites.web_page(rgb, np.random.default_rng(1), strength),
        ).area

    assert area(0.0) > area(0.5) > area(1.0)


# --- collages and insets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "side"), [("collage_2", 540), ("collage_4", 540), ("collage_9", 360)]
)
def test_a_collage_has_the_photo_and_each_other_as_a_panel(name: str, side: int) -> None:
    composite = composites.COMPOSITES[name]
    panels = [photo(seed, side, side) for seed in range(composite.others + 1)]
    made = composite.apply(panels[0], panels[1:], np.random.default_rng(3), 0.0)
    assert made.shape[1] == 1080
    for panel in panels:
        assert peak_correlation(made, panel) > 0.99


@settings(max_examples=40, deadline=None)
@given(strengths, seeds)
def test_an_inset_lies_within_its_background(strength: float, seed: int) -> None:
    background = np.zeros((120, 160, 3), dtype=np.uint8)
    made = composites.inset(photo(seed), [background], np.random.default_rng(seed), strength)
    assert made.shape == background.shape
    assert 0 < (made > 0).any(axis=2).mean() < 0.5


@pytest.mark.parametrize("composite", [composites.collage, composites.inset])
def test_a_composite_without_other_photos_says_so(composite: object) -> None:
    with pytest.raises(ShapeError, match="got none"):
        composite(photo(1), [], np.random.default_rng(0), 0.5)  # type: ignore[operator]
