"""Hard pairs: the same for every run, different where they must be, and of every group."""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmark.drawn import printed
from benchmark.pairs import hard, lookalikes, neighbours
from benchmark.pairs.hard import HardPair
from imagematch.errors import UsageError
from imagematch.kernels.resizing import resize
from imagematch.records import Bytes, Floats
from tests.world import photo, save

type Folder = Callable[[int], list[Path]]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Writes as many small photos as asked for, under names that are not neighbours."""

    def filled(count: int) -> list[Path]:
        names = [f"{3 * number}.jpg" for number in range(count)]
        return [
            save(photo(number, 96, 72), tmp_path / "photos" / name)
            for number, name in enumerate(names)
        ]

    return filled


@pytest.fixture
def no_stereo(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without the package that brings a stereo pair."""
    monkeypatch.setattr(neighbours, "find_spec", lambda _name: None)


def groups_of(pairs: Sequence[HardPair]) -> Counter[str]:
    return Counter(pair.group for pair in pairs)


def sums_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.jpg")
    }


def scene(*, shift: int = 0) -> Bytes:
    """What a camera sees that moves a little to the right."""
    wide = photo(5, 400, 240)
    return np.ascontiguousarray(wide[:, shift : shift + 320])


# --- all of it ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_stereo")
def test_every_made_group_gets_its_share_of_different_pictures(
    folder: Folder, tmp_path: Path
) -> None:
    pairs = list(hard.make(folder(20), tmp_path / "out", 1, pairs=80))
    assert set(groups_of(pairs)) == set(hard.MADE_GROUPS)
    assert set(groups_of(pairs).values()) == {2, 3}
    assert len(pairs) == 80
    assert len({frozenset((pair.left, pair.right)) for pair in pairs}) == 80
    scenes = {pair.group for pair in pairs if pair.may_be_scene}
    assert scenes == {"disjoint_crops", "same_pattern", "virtual_background", "studio_wall"}
    for pair in pairs:
        assert pair.left.read_bytes() != pair.right.read_bytes()
        for side in (pair.left, pair.right):
            with Image.open(side) as image:
                assert image.format == "JPEG"
                assert max(image.size) <= 1280


@pytest.mark.usefixtures("no_stereo")
def test_the_same_seed_makes_the_same_files_and_another_seed_others(
    folder: Folder, tmp_path: Path
) -> None:
    photos = folder(8)
    runs = {"first": (photos, 1), "again": (photos[::-1], 1), "other": (photos, 2)}
    for name, (given_photos, seed) in runs.items():
        list(hard.make(given_photos, tmp_path / name, seed, pairs=40))
    first, again, other = (sums_of(tmp_path / name) for name in runs)
    assert first == again
    assert not set(first.values()) & set(other.values())


@pytest.mark.usefixtures("no_stereo")
def test_too_few_photos_leave_out_what_needs_more(folder: Folder, tmp_path: Path) -> None:
    made = set(groups_of(list(hard.make(folder(1), tmp_path / "out", 1, pairs=99))))
    grids = {"qr_code", "sudoku", "printed_grid", "avatar"}
    assert made == {"disjoint_crops", "near_uniform", *printed.KINDS, *grids}


# --- which photos ------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_stereo")
def test_files_that_are_no_photos_are_passed_over(folder: Folder, tmp_path: Path) -> None:
    photos = folder(2)
    broken = tmp_path / "photos" / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not much of a picture")
    strip = save(photo(7, 90, 4), tmp_path / "photos" / "strip.png")
    asked = [*photos, broken, strip, tmp_path / "photos" / "gone.jpg"]
    pairs = hard.make(asked, tmp_path / "with", 3, pairs=6, groups=["disjoint_crops"])
    assert len(list(pairs)) == 6


@pytest.mark.usefixtures("no_stereo")
def test_known_twins_and_equal_files_never_face_each_other(folder: Folder, tmp_path: Path) -> None:
    first, second, third = folder(3)
    third.write_bytes(second.read_bytes())
    twins = [(first, second), (third, first)]
    for known, count in ((twins, 0), ([], 2)):
        pairs = hard.make(
            [first, second, third],
            tmp_path / "out",
            1,
            twins=known,
            pairs=2,
            groups=["same_watermark", "same_pattern"],
        )
        assert len(list(pairs)) == count


@pytest.mark.parametrize("count", [4, 8, 18])
def test_collages_of_a_pair_share_no_photo(count: int) -> None:
    plain = [np.full((20, 20, 3), 10 * number + 20, np.uint8) for number in range(count)]
    (recipe,) = (
        recipe for recipe in lookalikes.RECIPES["same_collage_frame"] if recipe.photos == count
    )
    left, right = recipe.draw(plain, np.random.default_rng(count))
    assert left.shape == right.shape
    frame = {0, 255}
    levels = [set(np.unique(side).tolist()) - frame for side in (left, right)]
    assert len(levels[0]) == len(levels[1]) == count // 2
    assert not levels[0] & levels[1]


@pytest.mark.parametrize(
    "group", ["same_watermark", "same_phone_number", "same_emoji", "same_logo_corner"]
)
def test_what_is_drawn_over_two_photos_is_the_same_at_the_same_place(group: str) -> None:
    (recipe,) = lookalikes.RECIPES[group]
    dark, light = (np.full((90, 120, 3), level, np.uint8) for level in (60, 90))
    left, right = recipe.draw([dark, light], np.random.default_rng(4))
    drawn = [side != level for side, level in ((left, 60), (right, 90))]
    assert left.shape == right.shape
    assert 0.001 < drawn[0].mean() < 0.6
    assert (drawn[0] == drawn[1]).mean() > 0.99  # soft edges round to either level


# --- crops -------------------------------------------------------------------------------------


@given(height=st.integers(24, 2000), width=st.integers(24, 2000), seed=st.integers(0, 2**32 - 1))
def test_crops_of_one_photo_lie_apart_and_inside_it(height: int, width: int, seed: int) -> None:
    first, second = lookalikes.disjoint_boxes(height, width, np.random.default_rng(seed))
    down = max(first.top, second.top) - min(first.bottom, second.bottom)
    across = max(first.left, second.left) - min(first.right, second.right)
    assert down >= 0.05 * height or across >= 0.05 * width
    for box in (first, second):
        assert 0 <= box.top < box.bottom <= height
        assert 0 <= box.left < box.right <= width
        assert box.area >= 0.15 * height * width * 0.8


def test_crops_come_in_all_layouts() -> None:
    rng = np.random.default_rng(0)
    shapes = set()
    for _ in range(100):
        first, second = lookalikes.disjoint_boxes(200, 200, rng)
        shapes.add((first.top < second.top, first.left < second.left, first.area > second.area))
    assert len(shapes) >= 5


# --- text --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", printed.KINDS)
def test_pictures_of_one_text_share_size_and_differ_in_words(kind: str) -> None:
    draw = printed.KINDS[kind](np.random.default_rng(2))
    pictures = [draw(np.random.default_rng(number)) for number in range(3)]
    assert len({picture.shape for picture in pictures}) == 1
    for one, other in combinations(pictures, 2):
        assert (one != other).any(axis=2).mean() > 0.01


@pytest.mark.usefixtures("no_stereo")
def test_ten_pictures_of_one_text_all_face_each_other(tmp_path: Path) -> None:
    pairs = list(hard.make([], tmp_path / "out", 1, pairs=46, groups=["text_banner"]))
    sides = [frozenset((pair.left, pair.right)) for pair in pairs]
    assert len(set(sides)) == 46
    assert len(frozenset().union(*sides[:45])) == 10
    assert not sides[45] & frozenset().union(*sides[:45])


# --- real photos -------------------------------------------------------------------------------


def labelled_folder(folder: Path, *rows: tuple[str, str]) -> Path:
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        save(photo(ord(name[0]), 80, 60), folder / name)
    with (folder / "pairs.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("photo_a", "photo_b", "note"), *((*row, "") for row in rows)])
    return folder


@pytest.mark.usefixtures("no_stereo")
def test_labelled_pairs_come_through_as_they_are_and_first(folder: Folder, tmp_path: Path) -> None:
    labelled = labelled_folder(tmp_path / "place", ("a.jpg", "b.jpg"), ("a.jpg", "c.jpg"))
    pairs = list(hard.make(folder(1), tmp_path / "out", 1, labelled=labelled, pairs=10))
    assert pairs[:2] == [
        HardPair("same_place", labelled / "a.jpg", labelled / "b.jpg", may_be_scene=True),
        HardPair("same_place", labelled / "a.jpg", labelled / "c.jpg", may_be_scene=True),
    ]
    assert groups_of(pairs)["same_place"] == 2
    few = hard.make(folder(1), tmp_path / "out", 1, labelled=labelled, pairs=1)
    assert list(few) == pairs[:1]


def test_labels_that_name_no_photo_are_an_error_with_their_line(tmp_path: Path) -> None:
    labelled = labelled_folder(tmp_path / "place", ("a.jpg", "b.jpg"), ("a.jpg", "missing.jpg"))
    with pytest.raises(UsageError, match=r"pairs.csv, line 3: .*missing.jpg"):
        list(hard.make([], tmp_path / "out", 1, labelled=labelled, pairs=5))


def test_a_folder_without_labels_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pairs.csv"):
        list(hard.make([], tmp_path / "out", 1, labelled=tmp_path, pairs=5))


def test_neighbouring_frames_are_found_by_their_numbers(tmp_path: Path) -> None:
    frames = [save(scene(shift=8 * n), tmp_path / f"shoot_{n + 9}.jpg") for n in range(3)]
    save(scene(), tmp_path / "elsewhere.jpg")
    save(photo(6), tmp_path / "shoot_12.jpg")  # the next by number, of something else
    found = list(neighbours.find(sorted(tmp_path.iterdir())))
    assert {frozenset(pair) for pair in found} == {frozenset(pair) for pair in pairwise(frames)}
    assert len(found) == 2


def test_neighbouring_frames_are_found_by_the_cameras_clock(tmp_path: Path) -> None:
    for name, second, rgb in (
        ("one.jpg", 10, scene()),
        ("two.jpg", 12, scene(shift=8)),
        ("late.jpg", 40, scene(shift=16)),
    ):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"2024:05:01 12:00:{second}"
        save(rgb, tmp_path / name, exif=exif)
    found = list(neighbours.find(sorted(tmp_path.iterdir())))
    assert found == [(tmp_path / "one.jpg", tmp_path / "two.jpg")]


class ByLevel:
    """An embedder that turns by one degree with each level of red; grey is alike with nothing."""

    dimensions = 2

    def embed(self, photos: Sequence[Bytes]) -> Floats:
        turns = np.deg2rad([rgb[:, :, 0].mean() for rgb in photos])
        return np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)

    def further_views(self, embedding: Floats) -> int:
        raise NotImplementedError


def levels(folder: Path, *reds: int) -> list[Path]:
    """Photos of plain colours; those 32 to 75 degrees apart look alike to `ByLevel`."""
    colours = [(red, 90, 90) for red in reds]
    return [
        save(np.full((30, 40, 3), colour, np.uint8), folder / f"{colour[0]:03}.png")
        for colour in colours
    ]


def test_photos_with_close_embeddings_look_alike_and_folders_take_turns(tmp_path: Path) -> None:
    low, near, far = levels(tmp_path / "a", 0, 10, 50)
    one, other = levels(tmp_path / "b", 120, 160)
    broken = tmp_path / "a" / "broken.png"
    broken.write_bytes(b"no photo")
    found = neighbours.look_alikes([low, near, far, one, other, broken], ByLevel())
    # The first two are so close that they may be one photo, saved twice.
    assert found == [(near, far), (one, other), (far, one), (low, far)]
    assert neighbours.look_alikes([broken], ByLevel()) == []


@pytest.mark.usefixtures("no_stereo")
def test_real_photos_that_look_alike_are_pairs_unless_they_are_twins(tmp_path: Path) -> None:
    first, second, third = levels(tmp_path / "in", 0, 40, 80)
    for twins, wanted in (((), {(0, 40), (40, 80)}), ([(second, first)], {(40, 80)})):
        made = list(
            hard.make(
                [first, second, third],
                tmp_path / "out",
                1,
                twins=twins,
                embedder=ByLevel(),
                pairs=100,
                groups=["text_banner"],
            )
        )
        found = [pair for pair in made if pair.group in ("real_lookalikes", "lookalike_avatars")]
        assert len(found) == 2 * len(wanted)
        assert all(pair.may_be_scene for pair in found)
        shown = {
            tuple(round(side, -1) for side in map(red_of, (pair.left, pair.right)))
            for pair in found
            if pair.group == "real_lookalikes"
        }
        assert shown == wanted


def red_of(path: Path) -> int:
    return int(np.median(np.asarray(Image.open(path))[:, :, 0]))


@pytest.mark.usefixtures("no_stereo")
def test_frames_that_are_known_twins_are_no_hard_pair(tmp_path: Path) -> None:
    frames = [save(scene(shift=8 * n), tmp_path / "in" / f"{n}.jpg") for n in range(2)]
    for twins, count in (((), 1), ([(frames[1], frames[0])], 0)):
        pairs = list(
            hard.make(frames, tmp_path / "out", 1, twins=twins, pairs=10, groups=["text_banner"])
        )
        assert groups_of(pairs)["neighbouring_frames"] == count


def test_a_stereo_pair_of_an_installed_package_is_used(tmp_path: Path) -> None:
    found = list(neighbours.stereo_pairs())
    if not found:
        pytest.skip("no installed package brings a stereo pair")
    (pair,) = [
        pair for pair in hard.make([], tmp_path / "out", 1, pairs=10) if pair.group == "stereo"
    ]
    assert pair.may_be_scene
    sides = [np.asarray(Image.open(side)) for side in (pair.left, pair.right)]
    assert resize(sides[0], 64, 64).std() > 10
    assert (resize(sides[0], 64, 64) != resize(sides[1], 64, 64)).mean() > 0.5
