"""Where a picture is a photograph: photos are, however soft or dark; what is drawn is not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import composites, edits
from benchmark.drawn.grounds import gradient
from benchmark.drawn.printed import KINDS
from imagematch.kernels.content import (
    is_photographic,
    islands,
    photographic,
    photographic_share,
)
from imagematch.kernels.panels import Box
from imagematch.records import Bytes
from imagematch.settings import DEFAULTS
from tests.kernels.pasting import place_of
from tests.world import photo as painted

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

PHOTOS = {
    name: np.asarray(getattr(data, name)()) for name in ("astronaut", "coffee", "chelsea", "rocket")
}


def share_within(box: Box, rgb: Bytes) -> tuple[float, float]:
    """The shares of a picture that are photographic inside of a box and outside, 0-1.

    What is nearer to its edge than a window is left out.
    """
    small = photographic(rgb).astype(np.uint8)
    mask = cv2.resize(small, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_NEAREST)
    edge = round(31 * max(1.0, max(rgb.shape) / 512))
    top, left = max(0, box.top - edge), max(0, box.left - edge)
    beyond = np.ones(mask.shape, bool)
    beyond[top : box.bottom + edge, left : box.right + edge] = False
    within = mask[box.top + edge : box.bottom - edge, box.left + edge : box.right - edge]
    return float(within.mean()), float(mask[beyond].mean())


# --- what is drawn -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("look", [0, 1, 2])
def test_text_on_paper_is_not_photographic(kind: str, look: int) -> None:
    """Chats, cards, banners, forms and notices."""
    picture = KINDS[kind](np.random.default_rng(look))(np.random.default_rng(0))
    assert photographic_share(picture) < 0.06
    # JPEG sets a grain around letters; of photos there is far more.
    assert photographic_share(edits.recompress(picture, np.random.default_rng(0), 0.4)) < 0.1


@given(st.integers(1, 300), st.integers(1, 300), st.tuples(*[st.integers(0, 255)] * 3))
def test_nothing_of_a_plain_picture_is_photographic(
    height: int, width: int, colour: tuple[int, int, int]
) -> None:
    plain = np.full((height, width, 3), colour, np.uint8)
    assert not photographic(plain).any()
    assert photographic_share(plain) == 0


def screenshot(rgb: Bytes, seed: int) -> Bytes:
    return composites.screenshot(rgb, np.random.default_rng(seed), 0.4)


def web_page(rgb: Bytes, seed: int) -> Bytes:
    return composites.web_page(rgb, np.random.default_rng(seed), 0.6)


#: Seeds of a screenshot with a dark interface and of one with a light one.
DARK, LIGHT = 1, 5


def assert_told_apart(rgb: Bytes, screen: Callable[[Bytes, int], Bytes], seed: int) -> None:
    picture = screen(rgb, seed)
    place = place_of(rgb.shape, lambda photo: screen(photo, seed))
    for saved in (picture, edits.recompress(picture, np.random.default_rng(0), 0.3)):
        within, beyond = share_within(place, saved)
        assert within > 0.8
        assert beyond < 0.05


@pytest.mark.parametrize(
    ("screen", "seed"), [(screenshot, DARK), (screenshot, LIGHT), (web_page, 1)]
)
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_of_a_screenshot_the_photo_is_and_the_interface_is_not(
    screen: Callable[[Bytes, int], Bytes], seed: int, name: str
) -> None:
    assert_told_apart(PHOTOS[name], screen, seed)


def test_of_a_dark_photo_in_a_dark_app_the_photo_is_and_the_interface_is_not() -> None:
    assert_told_apart(PHOTOS["rocket"], screenshot, DARK)


# --- what is not ---------------------------------------------------------------------------------


def dark(rgb: Bytes) -> Bytes:
    return rgb // 3


def soft(rgb: Bytes) -> Bytes:
    return edits.blur(rgb, np.random.default_rng(0), 0.5)


def recompressed(rgb: Bytes) -> Bytes:
    return edits.recompress(rgb, np.random.default_rng(0), 0.7)


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("altered", [np.array, soft, recompressed, dark])
def test_photos_are_photographic(name: str, altered: Callable[[Bytes], Bytes]) -> None:
    picture = altered(PHOTOS[name])
    # The rocket stands before a dark sky, which is ground like any other.
    least = 3 * DEFAULTS.describe.min_photographic if name == "rocket" else 0.5
    assert photographic_share(picture) > least


def test_noise_is_photographic() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert photographic(noise).all()
    assert photographic_share(noise) > 0.99


def test_a_gradient_may_be_a_photograph_and_shows_nothing() -> None:
    ramp = np.linspace(20, 220, 480)[:, None, None] + np.zeros((480, 640, 3))
    for picture in (ramp.astype(np.uint8), gradient(np.random.default_rng(0), 640, 480)):
        assert photographic(picture).mean() > 0.95
        assert photographic_share(picture) == 0


def test_letters_on_a_photo_leave_it_a_photograph() -> None:
    plain = PHOTOS["coffee"]
    lettered = edits.phone_number(plain, np.random.default_rng(0), 0.9)
    assert photographic_share(lettered) > 0.8 * photographic_share(plain)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([*PHOTOS.values(), painted(0, 300, 200)]),
    st.sampled_from(list(KINDS.values())),
    st.floats(0, 1),
    st.sampled_from([0.001, 0.05, 0.2, 0.5, 0.9]),
)
def test_whether_enough_is_photographic_is_what_the_share_says(
    rgb: Bytes, kind: Callable[..., Callable[..., Bytes]], covered: float, least: float
) -> None:
    """From a whole photo to a page of text, and all between."""
    drawn = kind(np.random.default_rng(0))(np.random.default_rng(0))
    page = cv2.resize(drawn, (rgb.shape[1], rgb.shape[0]), interpolation=cv2.INTER_AREA)
    picture = rgb.copy()
    picture[: round(covered * len(rgb))] = page[: round(covered * len(rgb))]
    assert is_photographic(picture, least) == (photographic_share(picture) >= least)


# --- form ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 1500), st.integers(1, 40), st.booleans(), st.integers(0, 5))
def test_any_size_has_a_mask_of_its_shape(long: int, short: int, tall: bool, seed: int) -> None:
    shape = (long, short, 3) if tall else (short, long, 3)
    picture = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    mask = photographic(picture)
    reduced = min(1.0, 512 / long)
    assert mask.dtype == np.bool_
    assert mask.shape == tuple(max(1, round(side * reduced)) for side in shape[:2])
    assert 0 <= photographic_share(picture) <= 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(0, 3), st.booleans(), st.integers(0, 30))
def test_what_is_photographic_does_not_depend_on_how_a_picture_lies_or_on_its_light(
    seed: int, turns: int, flip: bool, lighter: int
) -> None:
    rgb = painted(seed, 200, 150) // 2 + 60
    rgb[:60] = cv2.GaussianBlur(rgb, (0, 0), 12)[:60]  # some of it plain
    there = np.ascontiguousarray(np.rot90(rgb, turns))
    there = np.ascontiguousarray(there[:, ::-1]) if flip else there
    back = photographic(there + np.uint8(lighter))
    back = np.rot90(back[:, ::-1] if flip else back, -turns)
    assert np.array_equal(back, photographic(rgb))


# --- photographs in what is drawn ----------------------------------------------------------------


def page(*avatars: tuple[str, int, int, int]) -> Bytes:
    """A dark page of an app with round photos: name, left, top and side of each, px."""
    made = np.full((1024, 576, 3), 24, np.uint8)
    for line in range(12):
        at = (40, 420 + 45 * line)
        cv2.putText(made, "last seen today", at, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (200, 200, 200), 2)
    for name, left, top, side in avatars:
        small = cv2.resize(PHOTOS[name], (side, side), interpolation=cv2.INTER_AREA)
        disc = cv2.circle(
            np.zeros((side, side), np.uint8), (side // 2, side // 2), side // 2, 1, -1
        )
        there = made[top : top + side, left : left + side]
        there[disc > 0] = small[disc > 0]
    return made


def test_a_round_photo_on_a_page_is_an_island() -> None:
    [found] = islands(page(("astronaut", 200, 120, 150)))
    assert found.overlap(Box(120, 270, 200, 350)) > 0.6


def test_each_photo_on_a_page_is_an_island_of_its_own() -> None:
    found = islands(page(("astronaut", 40, 60, 180), ("chelsea", 340, 200, 150)))
    assert len(found) == 2
    assert found[0].overlap(Box(60, 240, 40, 220)) > 0.6
    assert found[1].overlap(Box(200, 350, 340, 490)) > 0.6


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photograph_as_a_whole_is_no_island(name: str) -> None:
    assert not islands(np.ascontiguousarray(PHOTOS[name]))


def test_text_has_no_island() -> None:
    assert not islands(page())


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (31, 31), (3000, 40)])
def test_islands_lie_within_pictures_of_any_size(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for box in islands(noise):
        assert 0 <= box.top < box.bottom <= shape[0]
        assert 0 <= box.left < box.right <= shape[1]
