"""Whole pictures without keypoints: soft copies and copies behind bars are told, others are not."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from imagematch.kernels import whole
from imagematch.kernels.keypoints import Features, without_keypoints
from imagematch.records import Bytes, Geometry
from imagematch.settings import DEFAULTS

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

ASTRONAUT, COFFEE, CAT = (
    np.ascontiguousarray(np.asarray(picture))
    for picture in (data.astronaut(), data.coffee(), data.chelsea())
)


def features(rgb: Bytes) -> Features:
    return without_keypoints(np.ascontiguousarray(rgb), rgb.shape[1], DEFAULTS.verify)


def compared(query: Bytes, photo: Bytes) -> Geometry | None:
    return whole.compare(features(query), features(photo))


def blurred(rgb: Bytes, sigma: float = 12.0) -> Bytes:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)


def in_squares(rgb: Bytes, side: int = 16) -> Bytes:
    height, width = rgb.shape[:2]
    small = cv2.resize(rgb, (width // side, height // side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def behind_bars(rgb: Bytes, level: int = 0) -> Bytes:
    barred = rgb.copy()
    for top in range(0, len(rgb), 40):
        barred[top : top + 14] = level
    return barred


EDITS: dict[str, Callable[[Bytes], Bytes]] = {
    "blur": blurred,
    "strong blur": lambda rgb: blurred(rgb, 18.0),
    "squares": in_squares,
    "large squares": lambda rgb: in_squares(rgb, 20),
    "black bars": behind_bars,
    "white bars": lambda rgb: behind_bars(rgb, 255),
    "upright bars": lambda rgb: behind_bars(rgb.swapaxes(0, 1)).swapaxes(0, 1),
}


@pytest.mark.parametrize("photo", [ASTRONAUT, COFFEE, CAT], ids=["astronaut", "coffee", "cat"])
@pytest.mark.parametrize("edit", EDITS)
def test_a_copy_without_details_is_told(photo: Bytes, edit: str) -> None:
    if photo is COFFEE and "bars" in edit:
        pytest.skip("the cup is as dark and as light as the bars, and little else is left")
    for one, two in ((EDITS[edit](photo), photo), (photo, EDITS[edit](photo))):
        found = compared(one, two)
        assert found is not None
        assert found.reason == "accepted"
        assert found.plain_closeness >= 0.7


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_another_photo_is_not(edit: str) -> None:
    for one, two in ((ASTRONAUT, COFFEE), (COFFEE, CAT), (CAT, ASTRONAUT)):
        assert compared(EDITS[edit](one), two) is None


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("flipped", [False, True])
def test_turned_and_mirrored_pictures_are_laid_over_the_right_way(
    turns: int, flipped: bool
) -> None:
    height, width = COFFEE.shape[:2]
    turned = np.rot90(COFFEE[:, ::-1] if flipped else COFFEE, turns)
    found = compared(blurred(turned), COFFEE)
    assert found is not None
    assert found.transform is not None
    # A point of the photo, and where it is in the turned one.
    marker = np.zeros((height, width), bool)
    marker[30, 90] = True
    down, across = np.argwhere(np.rot90(marker[:, ::-1] if flipped else marker, turns))[0]
    there = np.array(found.transform) @ (across + 0.5, down + 0.5, 1)
    assert there[:2] / there[2] == pytest.approx((90.5, 30.5), abs=1.5)
    assert found.mirrored == (np.linalg.det(np.array(found.transform)) < 0)


def test_pictures_that_hardly_show_anything_are_not_compared() -> None:
    gradient = np.tile(np.linspace(40, 220, 400), (300, 1)).astype(np.uint8)
    gradient = np.ascontiguousarray(np.repeat(gradient[:, :, None], 3, axis=2))
    assert compared(gradient, gradient) is None
    flat = np.full((300, 400, 3), 120, np.uint8)
    assert compared(flat, flat) is None


def test_sharp_pictures_are_not_compared_by_their_coarse_shapes() -> None:
    """Two cards of one design: only the numbers differ, which coarse shapes do not show."""
    cards = []
    for number in ("5500 1234 8891", "4127 9086 3157"):
        card = COFFEE.copy()
        cv2.putText(card, number, (60, 220), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (250, 250, 250), 2)
        cards.append(card)
    found = compared(*cards)
    assert found is None or not found.coarse


def test_papers_are_not_compared_by_their_coarse_shapes() -> None:
    sheets = []
    for text in ("rent paid in full", "total sum of all"):
        sheet = np.full((400, 300, 3), 255, np.uint8)
        for line in range(12):
            cv2.putText(
                sheet, text, (20, 30 + 30 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 2
            )
        sheets.append(blurred(sheet, 4.0))
    assert compared(*sheets) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (2, 3), (63, 65), (1023, 50)])
def test_any_size_has_an_answer(shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    found = compared(noise, noise)
    assert found is None or found.reason == "accepted"
