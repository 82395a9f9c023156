"""Frames: pasted pictures are found where they lie, upright or tilted; photos have hardly any."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagematch.kernels.outlines import find_outlines
from imagematch.records import Bytes
from tests.kernels.pasting import BLACK, WHITE, pasted
from tests.world import photo as painted

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

NAMES = ("astronaut", "coffee", "chelsea", "rocket")
PHOTOS = {name: np.asarray(getattr(data, name)()) for name in NAMES}

#: How far a corner may be from the pasted picture's, px, of pictures 450 to 640 px wide: less than
#: the rim, so that the outer edge of it would not do.
CLOSE, RIM = 7.0, 8


def nearest(found: list[np.ndarray], corners: np.ndarray) -> float:
    """How far the best frame's worst corner is from where it should be, px; in order."""
    turned = [np.roll(corners, turn, axis=0) for turn in range(4)]
    return min(
        (float(np.linalg.norm(frame - at, axis=1).max()) for frame in found for at in turned),
        default=np.inf,
    )


# --- what is a frame -----------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0, 5, -12, 25, 40])
@pytest.mark.parametrize("ground", NAMES)
def test_a_picture_with_a_white_rim_is_found(ground: str, angle: float) -> None:
    inset = PHOTOS["chelsea" if ground == "coffee" else "coffee"]
    picture, corners = pasted(PHOTOS[ground], inset, 190, angle, rim=RIM)
    found = find_outlines(picture)
    assert nearest(found, corners) < CLOSE
    assert len(found) <= 3


@pytest.mark.parametrize("angle", [0, -12, 25])
def test_a_picture_with_a_dark_rim_is_found(angle: float) -> None:
    picture, corners = pasted(
        PHOTOS["coffee"], PHOTOS["chelsea"], 190, angle, rim=RIM, colour=BLACK
    )
    assert nearest(find_outlines(picture), corners) < CLOSE


@pytest.mark.parametrize("angle", [0, -12, 25])
def test_a_picture_without_a_rim_is_found_on_a_smooth_ground(angle: float) -> None:
    ground = np.asarray(cv2.GaussianBlur(PHOTOS["rocket"], (0, 0), 20), np.uint8)
    picture, corners = pasted(ground, PHOTOS["chelsea"], 200, angle, rim=0)
    assert nearest(find_outlines(picture), corners) < CLOSE


def test_a_picture_is_found_at_any_size_of_the_whole() -> None:
    """Corners are in px of what was given, not of the reduced picture."""
    picture, corners = pasted(PHOTOS["coffee"], PHOTOS["chelsea"], 190, 12, rim=RIM)
    for factor in (2, 4):
        large = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        found = find_outlines(np.asarray(large, np.uint8))
        assert nearest(found, factor * corners) < factor * CLOSE


@pytest.mark.parametrize("name", NAMES)
def test_an_ordinary_photo_has_few_if_any(name: str) -> None:
    assert len(find_outlines(PHOTOS[name])) <= 1


@pytest.mark.parametrize("name", ["grass", "gravel", "brick"])
def test_a_texture_has_few(name: str) -> None:
    texture = cv2.cvtColor(np.asarray(getattr(data, name)()), cv2.COLOR_GRAY2RGB)
    assert len(find_outlines(np.asarray(texture, np.uint8))) <= 1


def test_a_disc_and_a_triangle_are_no_frames() -> None:
    picture = np.full((400, 400, 3), 120, np.uint8)
    cv2.circle(picture, (120, 120), 70, WHITE, -1)
    cv2.fillPoly(picture, [np.array([[250, 300], [380, 300], [315, 180]])], WHITE)
    assert find_outlines(picture) == []


def test_one_rim_is_one_frame_and_the_inner_edge_of_it() -> None:
    ground = np.full((420, 600, 3), 120, np.uint8)
    picture, corners = pasted(ground, PHOTOS["chelsea"], 240, 8, rim=RIM + 2)
    found = find_outlines(picture)
    assert len(found) == 1
    assert nearest(found, corners) < CLOSE


# --- the order and the number of them ------------------------------------------------------------


def sheet(columns: int, rows: int) -> Bytes:
    """Photos side by side on white, each of another size."""
    picture = np.full((160 * rows, 160 * columns, 3), 255, np.uint8)
    for slot in range(columns * rows):
        side = 100 + 3 * slot
        top, left = slot // columns * 160 + 10, slot % columns * 160 + 10
        picture[top : top + side, left : left + side] = painted(slot, side, side) // 2
    return picture


def test_there_are_never_more_than_ten() -> None:
    assert len(find_outlines(sheet(4, 4))) == 10


def test_largest_come_first() -> None:
    areas = [cv2.contourArea(frame) for frame in find_outlines(sheet(3, 2))]
    assert len(areas) == 6
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("angle", [0, 20, -20])
def test_corners_go_round_with_the_clock_from_the_upper_left_one(angle: float) -> None:
    picture, _ = pasted(PHOTOS["coffee"], PHOTOS["chelsea"], 190, angle, rim=RIM)
    for frame in find_outlines(picture):
        sides = np.roll(frame, -1, axis=0) - frame
        following = np.roll(sides, -1, axis=0)
        assert (sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0] > 0).all()
        assert frame.sum(axis=1).argmin() == 0


# --- hostile pictures ----------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.integers(1, 3000),
    st.integers(1, 60),
    st.booleans(),
    st.sampled_from(("noise", "blocks", "plain")),
    st.integers(0, 100),
)
@example(12, 12, False, "plain", 0)  # its border has 0.84 of its area
def test_frames_of_any_picture_lie_in_it(
    long: int, short: int, tall: bool, way: str, seed: int
) -> None:
    height, width = (long, short) if tall else (short, long)
    rng = np.random.default_rng(seed)
    if way == "noise":
        picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    elif way == "plain":
        picture = np.full((height, width, 3), seed, np.uint8)
    else:
        blocks = rng.integers(0, 2, (4, 4, 3), dtype=np.uint8) * 255
        picture = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)
    found = find_outlines(picture)
    assert way != "plain" or not found
    for frame in found:
        assert frame.shape == (4, 2)
        assert frame.dtype == np.float32
        assert (frame >= 0).all()
        assert (frame <= (width, height)).all()
