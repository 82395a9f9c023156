"""Views: numbered the same for everybody, cut out straight, and none of them twice."""

from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import composites
from imagematch.kernels import views
from imagematch.kernels.panels import Box, find_panels
from imagematch.kernels.views import MOST_INDEXED, View, boxes, crops, find_views, further_views
from imagematch.records import Bytes
from imagematch.stores.photos import VIEWS
from tests.kernels.pasting import inside, iou, pasted
from tests.world import photo as painted

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")

PHOTOS = {
    name: np.asarray(getattr(data, name)()) for name in ("astronaut", "coffee", "chelsea", "rocket")
}
ASTRONAUT, COFFEE, CHELSEA, _ = PHOTOS.values()

#: Two views that share more than this are one, intersection over union.
SAME = 0.75


def alike(one: Bytes, other: Bytes) -> float:
    """How well one picture, scaled, correlates with the middle of another, -1 to 1.

    The best of some places, so that a few px more or less at the edge do not matter.
    """
    size = 200, round(200 * other.shape[0] / other.shape[1])
    one, other = (
        np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
        for rgb in (one, other)
    )
    return float(cv2.matchTemplate(one, other[16:-16, 16:-16], cv2.TM_CCOEFF_NORMED).max())


def collage(strength: float = 0.5) -> Bytes:
    others = [rgb for name, rgb in PHOTOS.items() if name != "astronaut"]
    return composites.collage(ASTRONAUT, others, np.random.default_rng(1), strength)


def album() -> Bytes:
    """Photos in rows with white between them, one of them tilted, which no line cuts out."""
    picture = np.full((900, 1200, 3), 255, np.uint8)
    for slot, (top, left) in enumerate([(20, 20), (20, 620), (460, 20)]):
        picture[top : top + 400, left : left + 550] = painted(slot, 550, 400)
    ground = np.ascontiguousarray(picture[440:, 600:])
    picture[440:, 600:], _ = pasted(ground, COFFEE, 400, 12, rim=0)
    return picture


# --- which there are -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", PHOTOS)
def test_an_ordinary_photo_has_few_if_any(name: str) -> None:
    assert len(find_views(PHOTOS[name])) <= 1


def found(picture: Bytes) -> tuple[View, ...]:
    """All views that are proposed: without the whole and without crops."""
    cropped = {crop.box for crop in crops(picture.shape)}
    views = all_views(picture)
    return tuple(view for view in views if view.corners is not None or view.box not in cropped)


def all_views(picture: Bytes) -> tuple[View, ...]:
    """All but the whole."""
    parts = find_views(picture)
    return (*parts, *further_views(picture, parts))


@pytest.mark.parametrize("strength", [0.0, 0.6])
def test_panels_come_first(strength: float) -> None:
    picture = collage(strength)
    panels = find_panels(picture)
    assert len(panels) >= 3
    assert find_views(picture)[: len(panels)] == tuple(View(panel) for panel in panels)


@pytest.mark.parametrize("picture", [collage(), album()], ids=["collage", "album"])
def test_no_part_is_there_twice(picture: Bytes) -> None:
    """Panels have frames of their own around them, and may be quarters of the picture."""
    views = all_views(picture)
    assert len(views) >= 4 + 9
    assert all(iou(one.box, other.box) < SAME for one, other in combinations(views, 2))


def test_a_tilted_photo_among_panels_is_a_view_too() -> None:
    straightened = [view.cut(album()) for view in found(album())]
    assert max(alike(part, COFFEE) for part in straightened) > 0.9


def test_there_are_never_more_than_twelve() -> None:
    photos = [painted(seed, 270, 270) for seed in range(16)]
    picture = composites.collage(photos[0], photos[1:], np.random.default_rng(0), 0.5)
    assert len(find_views(picture)) == 12


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 700), st.integers(1, 60), st.booleans(), st.integers(0, 100))
def test_views_of_any_picture_lie_in_it_and_can_be_cut(
    long: int, short: int, tall: bool, seed: int
) -> None:
    size = (long, short) if tall else (short, long)
    blocks = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    picture = np.asarray(cv2.resize(blocks, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    for view in all_views(picture):
        assert inside(view.box, picture)
        part = view.cut(picture)
        assert part.flags.c_contiguous
        assert part.shape[2] == 3
        assert min(part.shape) > 0


# --- cutting -------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [12, -12, 25, 40])
def test_straightening_a_tilted_picture_gives_it_back(angle: float) -> None:
    picture, _ = pasted(ASTRONAUT, COFFEE, 240, angle, rim=10)
    tilted = [view for view in found(picture) if view.corners is not None]
    [part] = [view.cut(picture) for view in tilted]
    assert part.shape[1] / part.shape[0] == pytest.approx(1.5, abs=0.15)
    assert alike(part, COFFEE) > 0.9
    # What it was cut from shows the ground beside it, and is less like it.
    assert alike(tilted[0].box.cut(picture), COFFEE) < alike(part, COFFEE) - 0.2


def test_an_upright_picture_is_cut_out_as_it_is() -> None:
    picture, corners = pasted(ASTRONAUT, COFFEE, 240, 0, rim=10)
    [view] = find_views(picture)
    wanted = Box(*(round(value) for value in corners[[0, 2]].T[::-1].ravel()))
    assert view.corners is None
    assert iou(view.box, wanted) > 0.9
    assert np.array_equal(view.cut(picture), view.box.cut(picture))


def test_a_view_cuts_the_corners_that_it_names() -> None:
    rgb = painted(3, 80, 60)
    corners = np.array([[10, 5], [70, 5], [70, 45], [10, 45]], np.float32)
    cut = View(Box(5, 45, 10, 70), corners).cut(rgb)
    assert cut.shape == (40, 60, 3)
    assert np.array_equal(cut, rgb[5:45, 10:70])
    turned = View(Box(5, 45, 10, 70), np.roll(corners, -1, axis=0)).cut(rgb)
    assert turned.shape == (60, 40, 3)
    assert alike(turned, np.ascontiguousarray(np.rot90(rgb[5:45, 10:70]))) > 0.95


# --- numbers -------------------------------------------------------------------------------------


@given(st.integers(1, 60), st.integers(1, 60))
def test_nine_crops_of_a_half_and_nine_of_a_third_cover_the_picture(
    height: int, width: int
) -> None:
    picture = np.zeros((height, width, 3), np.uint8)
    views = crops(picture.shape)
    assert len(views) == 18
    for parts, some in ((2, (*views[:4], *views[13:])), (3, views[4:13])):
        covered = np.zeros((height, width), bool)
        for view in some:
            box = view.box
            assert view.corners is None
            assert inside(box, picture)
            assert (box.bottom - box.top, box.right - box.left) == (
                max(1, height // parts),
                max(1, width // parts),
            )
            covered[box.top : box.bottom, box.left : box.right] = True
        # Halves of an odd side are rounded down and leave no gap, thirds two lines at most.
        rows, columns = covered.any(axis=1), covered.any(axis=0)
        assert (covered == (rows[:, None] & columns)).all()
        gaps = 0 if parts == 2 else 2
        assert rows.sum() >= height - gaps
        assert columns.sum() >= width - gaps


def test_quarters_are_the_first_further_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """An indexed composite may have room for few others, and what may be one gets no more."""
    quarters = [Box(top, top + 30, left, left + 40) for top in (0, 30) for left in (0, 40)]
    picture = np.zeros((60, 80, 3), np.uint8)
    assert [view.box for view in further_views(picture, ())[:4]] == quarters
    monkeypatch.delattr(views, "find_outlines")  # which takes longest
    assert [view.box for view in further_views(picture, (), 4)] == quarters
    assert [view.box for view in further_views(picture, (View(quarters[0]),), 4)] == quarters[1:]


def test_vector_ids_have_room_for_all_views_of_an_indexed_photo() -> None:
    assert MOST_INDEXED + 1 == VIEWS


@pytest.mark.parametrize("picture", [collage(), album(), COFFEE], ids=["collage", "album", "photo"])
def test_views_are_numbered_whole_then_parts_then_further_ones(picture: Bytes) -> None:
    whole = Box(0, picture.shape[0], 0, picture.shape[1])
    expected = [whole, *(view.box for view in all_views(picture))]
    assert list(boxes(picture)) == expected


def test_boxes_that_nobody_asks_for_are_not_sought(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(views, "further_views")
    album_of_two = boxes(album())
    assert [next(album_of_two) for _ in range(1 + len(find_views(album())))]
    with pytest.raises(NameError):
        next(album_of_two)
