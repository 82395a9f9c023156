"""Panels: found in composite pictures, near where the photos are, and hardly ever in others."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.copies import composites
from benchmark.copies.marks import BLACK, blend, letters, place
from imagematch.kernels.panels import Box, enlarged, find_panels
from imagematch.kernels.sizes import sizes
from imagematch.records import Bytes
from tests.kernels.pasting import inside, iou, place_of

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

PHOTOS = {
    name: np.asarray(getattr(data, name)()) for name in ("astronaut", "coffee", "chelsea", "rocket")
}
ASTRONAUT, *OTHERS = PHOTOS.values()


def cells(strength: float, columns: int, rows: int) -> list[Box]:
    """Where `composites.collage` puts its photos."""
    gutter = round(0.04 * strength * 1080)
    cell = (1080 - gutter * (columns + 1)) // columns
    starts = [gutter + slot * (cell + gutter) for slot in range(max(columns, rows))]
    return [
        Box(top, top + cell, left, left + cell)
        for top in starts[:rows]
        for left in starts[:columns]
    ]


def painted(height: int, width: int, seed: int) -> Bytes:
    """Blots of all sizes: noise at several scales."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.uniform(0, 255, (side, side, 3)).astype(np.float32), (width, height))
        for side in (3, 9, 27)
    ]
    return np.mean(layers, axis=0).astype(np.uint8)


# --- what is a panel -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PHOTOS)
def test_an_ordinary_photo_has_none(name: str) -> None:
    assert find_panels(PHOTOS[name]) == ()


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0], ids="gutter {}".format)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_photos_of_a_collage_are_found(strength: float, seed: int) -> None:
    """All but one, at least: the mast in the rocket's photo may be taken for a seam."""
    picture = composites.collage(ASTRONAUT, OTHERS, np.random.default_rng(seed), strength)
    found = find_panels(picture)
    overlaps = [max(iou(cell, box) for box in found) for cell in cells(strength, columns=2, rows=2)]
    assert sum(overlap > 0.85 for overlap in overlaps) >= 3
    assert min(overlaps) > 0.45
    assert len(found) <= 5


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_photo_in_a_screenshot_is_found(name: str, seed: int) -> None:
    def shown(rgb: Bytes) -> Bytes:
        return composites.screenshot(rgb, np.random.default_rng(seed), 0.4)

    place = place_of(PHOTOS[name].shape, shown)
    found = find_panels(shown(PHOTOS[name]))
    assert [iou(place, box) > 0.85 for box in found] == [True]


@pytest.mark.parametrize("ground", [(255, 255, 255), (229, 221, 213)], ids=["white", "beige"])
def test_a_chat_is_no_photo(ground: tuple[int, int, int]) -> None:
    screen: Bytes = np.full((1200, 600, 3), ground, np.uint8)
    lines = ("hello, are you there?", "yes", "how much for tonight", "call me first", "ok, at nine")
    for line, words in enumerate(lines * 2):
        top, left = 60 + 110 * line, 30 + 160 * (line % 2)
        screen[top : top + 70, left : left + 380] = (220, 248, 198)
        mask = place(letters(words, 26), screen.shape, left + 20, top + 20)
        screen = blend(screen, mask, BLACK, 1.0)
    assert find_panels(screen) == ()


@pytest.mark.parametrize(("bar", "panels"), [(24, 0), (120, 1)])
def test_what_is_nearly_all_of_the_picture_is_no_panel(bar: int, panels: int) -> None:
    """The whole picture describes it as well."""
    picture = np.concatenate([np.full((bar, 512, 3), 255, np.uint8), ASTRONAUT])
    assert len(find_panels(picture)) == panels


def test_largest_come_first() -> None:
    picture = np.full((900, 600, 3), 255, np.uint8)
    picture[20:300, 20:580] = painted(280, 560, 1)
    picture[330:880, 20:580] = painted(550, 560, 2)
    areas = [box.area for box in find_panels(picture)]
    assert len(areas) == 2
    assert areas == sorted(areas, reverse=True)


def test_there_are_never_more_than_twelve() -> None:
    photos = [painted(270, 270, seed) for seed in range(16)]
    assert (
        len(find_panels(composites.collage(photos[0], photos[1:], np.random.default_rng(), 0.5)))
        == 12
    )


def _column(widths: Sequence[int], height: int) -> Bytes:
    strips = [painted(height, width, seed) for seed, width in enumerate(widths)]
    return np.concatenate([strip // 2 + 120 * (i % 2) for i, strip in enumerate(strips)], axis=1)


@given(
    st.lists(st.integers(1, 90), min_size=1, max_size=5),
    st.integers(1, 300),
    st.booleans(),
)
def test_any_picture_has_its_panels_inside_and_never_all_of_it(
    widths: list[int], height: int, turned: bool
) -> None:
    picture = _column(widths, height)
    if turned:
        picture = np.ascontiguousarray(picture.swapaxes(0, 1))
    whole = Box(0, picture.shape[0], 0, picture.shape[1])
    for box in find_panels(picture):
        assert inside(box, picture)
        assert box != whole


@given(st.integers(1, 2000), st.integers(1, 3), st.integers(0, 255), st.booleans())
def test_thin_and_flat_pictures_have_none(length: int, side: int, level: int, tall: bool) -> None:
    shape = (length, side, 3) if tall else (side, length, 3)
    assert find_panels(np.full(shape, level, np.uint8)) == ()
    noise = np.random.default_rng(level).integers(0, 256, shape, dtype=np.uint8)
    assert find_panels(noise) == ()


# --- boxes ---------------------------------------------------------------------------------------


def test_a_box_cuts_its_pixels() -> None:
    box = Box(top=2, bottom=5, left=1, right=3)
    picture = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    cut = box.cut(picture)
    assert np.array_equal(cut, picture[2:5, 1:3])
    assert cut.flags.c_contiguous
    assert box.area == 6


@given(st.integers(1, 900), st.integers(1, 900), st.data())
def test_boxes_of_the_reduced_picture_lie_in_the_picture(
    height: int, width: int, data: st.DataObject
) -> None:
    rgb = np.zeros((height, width, 3), np.uint8)
    small = sizes(rgb).small
    assert max(small.shape[:2]) <= 256
    assert sizes(small).small is small
    top = data.draw(st.integers(0, small.shape[0] - 1))
    left = data.draw(st.integers(0, small.shape[1] - 1))
    box = Box(top, small.shape[0], left, small.shape[1])
    (found,) = enlarged([box], small, rgb)
    assert (found.bottom, found.right) == (height, width)
    assert 0 <= found.top < height
    assert 0 <= found.left < width
