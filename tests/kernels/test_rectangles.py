"""Upright pictures pasted onto another one are found, with a rim of any colour or none."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from imagematch.kernels.panels import Box, enlarged
from imagematch.kernels.rectangles import rectangles_of
from imagematch.kernels.sizes import sizes
from imagematch.kernels.steps import steps
from imagematch.records import Bytes
from tests.kernels.pasting import inside, iou

ASTRONAUT, COFFEE = data.astronaut(), data.coffee()
RIMS = {"white": (255, 255, 255), "red": (200, 30, 30), "black": (0, 0, 0)}


def find_rectangles(rgb: Bytes) -> list[Box]:
    """The rectangles of a picture, in px of it."""
    small = sizes(rgb).small
    return list(enlarged(rectangles_of(small, steps(small)), small, rgb))


def pasted(rim: tuple[int, int, int] | None, top: int, left: int) -> tuple[Bytes, Box]:
    small = cv2.resize(COFFEE, (210, 140), interpolation=cv2.INTER_AREA)
    if rim is not None:
        small = cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=rim)
    picture = ASTRONAUT.copy()
    box = Box(top, top + small.shape[0], left, left + small.shape[1])
    picture[box.top : box.bottom, box.left : box.right] = small
    return picture, box


@pytest.mark.parametrize("rim", RIMS)
@pytest.mark.parametrize("place", [(60, 40), (300, 250)])
def test_a_pasted_picture_is_found_whatever_its_rim(rim: str, place: tuple[int, int]) -> None:
    picture, box = pasted(RIMS[rim], *place)
    assert max(iou(found, box) for found in find_rectangles(picture)) > 0.8


def test_most_pictures_without_a_rim_are_found() -> None:
    """Where the ground is as dark as the picture there is no line to be seen."""
    places = [(top, left) for top in (20, 110, 200, 350) for left in (20, 150, 290)]
    hits = 0
    for place in places:
        picture, box = pasted(None, *place)
        hits += any(iou(found, box) > 0.7 for found in find_rectangles(picture))
    assert hits >= len(places) // 2


def test_a_picture_in_the_corner_is_found_by_two_sides() -> None:
    picture, _ = pasted(RIMS["red"], 368, 298)
    assert max(iou(found, Box(368, 512, 298, 512)) for found in find_rectangles(picture)) > 0.8


def test_of_small_frames_those_that_the_photo_goes_on_across_are_mostly_left_out() -> None:
    small = cv2.resize(COFFEE, (90, 60), interpolation=cv2.INTER_AREA)
    places = [(top, left) for top in (30, 160, 290, 420) for left in (40, 190, 340)]
    hits = {"framed": 0, "pasted": 0}
    for top, left in places:
        place = Box(top, top + 60, left, left + 90)
        for name in hits:
            picture = ASTRONAUT.copy()
            if name == "pasted":
                picture[place.top : place.bottom, place.left : place.right] = small
            cv2.rectangle(picture, (left - 1, top - 1), (left + 90, top + 60), RIMS["white"], 2)
            hits[name] += any(iou(box, place) > 0.7 for box in find_rectangles(picture))
    assert hits["framed"] <= 6
    assert hits["pasted"] >= 9


def test_a_plain_card_is_no_picture() -> None:
    picture = ASTRONAUT.copy()
    picture[100:240, 150:360] = (235, 235, 235)
    picture[150:160, 180:330] = (20, 20, 20)
    assert all(iou(found, Box(100, 240, 150, 360)) < 0.5 for found in find_rectangles(picture))


@pytest.mark.parametrize("photo", [ASTRONAUT, COFFEE, data.chelsea(), data.rocket()])
def test_an_ordinary_photo_has_hardly_any(photo: Bytes) -> None:
    assert len(find_rectangles(photo)) <= 1


def test_noise_and_plain_ground_have_none() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert find_rectangles(noise) == []
    assert find_rectangles(np.full((300, 400, 3), 90, np.uint8)) == []


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 500), st.integers(1, 60), st.booleans(), st.integers(0, 100))
def test_boxes_lie_in_any_picture(long: int, short: int, tall: bool, seed: int) -> None:
    size = (long, short) if tall else (short, long)
    blocks = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    boxes = find_rectangles(picture)
    assert len(boxes) <= 3
    assert all(inside(box, picture) for box in boxes)
