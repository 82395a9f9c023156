"""Verifying pairs: what fits is accepted, small parts are looked at closer, and what can't be read
is unknown, not different.
"""

import hashlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.copies import edits
from imagematch.kernels import comparison, keypoints, views
from imagematch.kernels.decode import DecodedPhoto
from imagematch.kernels.keypoints import Features
from imagematch.kernels.panels import Box
from imagematch.records import Bytes, Geometry
from imagematch.settings import DecodeSettings, VerifySettings
from imagematch.stages import fingerprints, geometry
from imagematch.stages.fingerprints import FileTask, file_outside
from imagematch.stages.geometry import PairTask, verify_pairs
from tests.kernels.pasting import iou
from tests.world import mirrored, photo, save

_SETTINGS = VerifySettings()


def task(path: Path) -> FileTask:
    return file_outside(path, hashlib.sha256(path.read_bytes()).hexdigest())


def verified(
    left: FileTask,
    right: FileTask,
    left_view: int = 0,
    right_view: int = 0,
    settings: VerifySettings = _SETTINGS,
) -> Geometry | None:
    pair = PairTask(left, right, left_view, right_view)
    [found] = verify_pairs(DecodeSettings(), settings, [pair])
    return found


def with_inset(rgb: Bytes, width: int) -> tuple[Bytes, Box]:
    """A wall with a small print of a photo on it, and where."""
    height = round(width * rgb.shape[0] / rgb.shape[1])
    wall = np.asarray(cv2.GaussianBlur(photo(70, 1000, 800), (0, 0), 30), np.uint8)
    wall[300 : 300 + height, 600 : 600 + width] = cv2.resize(
        rgb, (width, height), interpolation=cv2.INTER_AREA
    )
    return wall, Box(300, 300 + height, 600, 600 + width)


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """How much of each photo was looked at, for each full comparison that was made."""
    made: list[tuple[float, float]] = []
    compare = comparison.compare

    def counted(query: Features, other: Features, settings: VerifySettings) -> Geometry:
        if settings == _SETTINGS or not settings.min_coarse_inliers:  # else, a coarse check
            made.append((query.share, other.share))
        return compare(query, other, settings)

    monkeypatch.setattr(comparison, "compare", counted)
    return made


def test_a_mirrored_copy_fits_and_another_photo_does_not(tmp_path: Path) -> None:
    first, other = (task(save(photo(seed), tmp_path / f"{seed}.jpg")) for seed in (1, 2))
    copy = task(save(mirrored(photo(1)), tmp_path / "copy.jpg"))
    fits, fits_not = verified(copy, first), verified(copy, other)
    assert fits is not None
    assert fits_not is not None
    assert (fits.reason, fits.mirrored, fits.overlap > 0.95) == ("accepted", True, True)
    assert fits_not.reason != "accepted"


@pytest.mark.parametrize("as_query", [True, False])
def test_a_small_part_is_looked_at_closer(
    tmp_path: Path, compared: list[tuple[float, float]], as_query: bool
) -> None:
    original = photo(71, 640, 480)
    picture, place = with_inset(original, 130)
    parts = views.find_views(picture)
    [view] = [1 + number for number, part in enumerate(parts) if iou(part.box, place) > 0.75]
    wall = task(save(picture, tmp_path / "wall.png"))
    known = task(save(original, tmp_path / "original.png"))

    def look(number: int) -> Geometry:
        sides = (wall, known, number, 0) if as_query else (known, wall, 0, number)
        found = verified(*sides)
        assert found is not None
        return found

    whole, closer = look(0), look(view)

    share = parts[view - 1].box.area / picture[:, :, 0].size
    looked = sorted(min(pair) for pair in compared)
    assert looked == pytest.approx([share, 1, 1])
    assert closer.reason == "accepted"
    assert closer.inliers > whole.inliers
    part, full = (
        (closer.cover_query, closer.cover_photo)
        if as_query
        else (closer.cover_photo, closer.cover_query)
    )
    assert part == pytest.approx(place.area / picture[:, :, 0].size, rel=0.25)
    assert full > 0.9


def test_a_pair_that_is_clear_as_a_whole_is_not_looked_at_again(
    tmp_path: Path, compared: list[tuple[float, float]]
) -> None:
    one, same = (task(save(photo(72), tmp_path / name)) for name in ("1.png", "2.jpg"))
    found = verified(one, same, 1, 1)
    assert found is not None
    assert found.reason == "accepted"
    assert compared == [(1, 1)]


def test_a_pair_that_only_fits_roughly_as_a_whole_is_looked_at_closer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall, place = with_inset(photo(71, 640, 480), 130)
    parts = views.find_views(wall)
    [view] = [1 + number for number, part in enumerate(parts) if iou(part.box, place) > 0.75]

    compare = comparison.compare

    def rough(query: Features, other: Features, settings: VerifySettings) -> Geometry:
        found = compare(query, other, settings)
        if query.share < 1 or found.reason != "accepted":
            return found
        return replace(found, correlation=0.99, agreement=0.99, plain_closeness=0.6)

    monkeypatch.setattr(comparison, "compare", rough)
    known = task(save(photo(71, 640, 480), tmp_path / "original.png"))
    found = verified(task(save(wall, tmp_path / "wall.png")), known, view)
    assert found is not None
    assert found.cover_query < 0.1
    assert found.plain_closeness > 0.6


def test_photos_without_a_common_keypoint_are_compared_only_on_request(
    tmp_path: Path, compared: list[tuple[float, float]]
) -> None:
    one, other = (task(save(photo(seed), tmp_path / f"{seed}.jpg")) for seed in (76, 77))
    coarse_check = verified(one, other)
    assert coarse_check is not None
    assert (coarse_check.reason, coarse_check.transform) in {
        ("few_keypoints", None),
        ("few_inliers", None),
    }
    assert coarse_check.inliers < _SETTINGS.min_coarse_inliers
    assert compared == []
    looked = verified(one, other, settings=replace(_SETTINGS, min_coarse_inliers=0))
    assert looked is not None
    assert looked.reason in {"few_keypoints", "few_inliers"}
    assert compared == [(1, 1)]


def test_what_fits_by_chance_is_told_by_a_second_coarse_check(
    tmp_path: Path, compared: list[tuple[float, float]]
) -> None:
    """Some keypoints fit, as on one floor, and the rest of the picture does not."""
    scene, other = photo(82, 640, 480), photo(83, 640, 480)
    scene[:130, :130] = other[:130, :130] = photo(84, 130, 130)
    one, two = (task(save(rgb, tmp_path / f"{n}.png")) for n, rgb in enumerate((scene, other)))
    found = verified(one, two)
    assert found is not None
    assert (found.reason, found.transform) == ("few_inliers", None)
    assert compared == []


def test_a_mirrored_part_gets_a_full_check_after_a_coarse_one(
    tmp_path: Path, compared: list[tuple[float, float]]
) -> None:
    part = photo(78, 640, 480)[100:400, 150:450]
    one = task(save(photo(78, 640, 480), tmp_path / "whole.png"))
    other = task(save(mirrored(part), tmp_path / "part.jpg"))
    found = verified(one, other)
    assert found is not None
    assert (found.reason, found.mirrored) == ("accepted", True)
    assert compared == [(1, 1)]


def test_a_photo_is_decoded_once_for_all_its_views(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[FileTask] = []
    open_photo = fingerprints.open_photo

    def counted(file: FileTask, decoding: DecodeSettings) -> tuple[DecodedPhoto, bool]:
        opened.append(file)
        return open_photo(file, decoding)

    monkeypatch.setattr(geometry, "open_photo", counted)
    one, other = (task(save(photo(seed), tmp_path / f"{seed}.png")) for seed in (79, 80))
    for view in range(4):
        verified(one, other, view, 0)
    assert opened == [one, other]


def test_a_view_that_the_picture_does_not_have_is_the_whole(
    tmp_path: Path, compared: list[tuple[float, float]]
) -> None:
    """Views are numbered at the size of decoding, which the settings may have changed since."""
    one, other = (task(save(photo(81), tmp_path / name)) for name in ("1.png", "2.jpg"))
    everything = replace(_SETTINGS, min_coarse_inliers=0)
    assert verified(one, other, 400, 0, everything) is not None
    assert compared == [(1, 1)]


def test_a_closer_look_never_makes_a_match_worse(tmp_path: Path) -> None:
    """The views that look most alike may be the wrong ones."""
    copy = edits.watermark(photo(73), np.random.default_rng(0), 1.0)
    one, other = (
        task(save(rgb, tmp_path / f"{number}.png")) for number, rgb in enumerate((photo(73), copy))
    )
    whole = verified(one, other)
    assert whole is not None
    assert whole.reason == "accepted"
    last = sum(1 for _ in views.boxes(photo(73))) - 1
    for left, right in ((last, 0), (0, 1), (last, 1)):
        found = verified(one, other, left, right)
        assert found is not None
        assert found.reason == "accepted"
        assert found.correlation + found.agreement >= whole.correlation + whole.agreement


def test_a_file_that_is_gone_or_changed_leaves_the_pair_unknown(tmp_path: Path) -> None:
    first = task(save(photo(3), tmp_path / "3.jpg"))
    gone = file_outside(tmp_path / "gone.jpg", "0" * 64)
    changed = FileTask(first.locators, "1" * 64)
    assert verified(first, gone) is None
    assert verified(changed, first) is None
    assert verified(first, FileTask((), "2" * 64)) is None


def test_running_out_of_memory_leaves_the_pair_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise RuntimeError("OpenCV: Insufficient memory")

    monkeypatch.setattr(comparison, "compare", exhausted)
    first = task(save(photo(4), tmp_path / "4.jpg"))
    assert verified(first, first) is None


def test_a_worker_remembers_a_bounded_number_of_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geometry, "_KEPT", 2)
    monkeypatch.setattr(geometry, "_KEPT_COARSE", 3)
    for cache in (geometry._seen, geometry._coarse):
        cache.clear()
    tasks = [task(save(photo(seed, 120, 90), tmp_path / f"{seed}.jpg")) for seed in range(5)]
    for left, right in pairwise(tasks):
        verified(left, right)
        verified(left, right, settings=replace(_SETTINGS, min_coarse_inliers=0))
    assert (len(geometry._seen), len(geometry._coarse)) == (2, 3)
    assert len(geometry._opened) <= geometry._OPEN


@pytest.mark.parametrize(("bits", "coarse_checks"), [(None, 2), (32, 2), (31, 0), (0, 0)])
def test_a_coarse_check_is_spared_where_hashes_tell_as_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int | None, coarse_checks: int
) -> None:
    taken = []
    extract_coarse = keypoints.extract_coarse

    def counted(rgb: Bytes, width: int, settings: VerifySettings, box: Box | None) -> Features:
        taken.append(width)
        return extract_coarse(rgb, width, settings, box)

    monkeypatch.setattr(keypoints, "extract_coarse", counted)
    # Of another photo each time: what was seen of one is remembered.
    shown = photo(80 + (bits or -1))
    one, copy = (task(save(shown, tmp_path / name)) for name in ("1.png", "2.jpg"))
    pair = PairTask(one, copy, 0, 0, pdq_distance=bits)
    [found] = verify_pairs(DecodeSettings(), _SETTINGS, [pair])
    assert found is not None
    assert found.reason == "accepted"
    assert len(taken) == coarse_checks


def test_many_keypoints_do_not_keep_whole_pictures_from_being_compared(tmp_path: Path) -> None:
    """Motion leaves keypoints along its way, and hardly any pixel as it was."""
    rgb = photo(12, 600, 450)
    blur = np.zeros((25, 25), np.float32)
    blur[12] = 1 / 25
    moved = np.asarray(cv2.filter2D(rgb, -1, blur), np.uint8)
    query, original = save(moved, tmp_path / "moved.png"), save(rgb, tmp_path / "original.png")
    pair = PairTask(task(query), task(original), 0, 0, high_recall=True, pdq_distance=6)
    [found] = verify_pairs(DecodeSettings(), VerifySettings(), [pair])
    assert found is not None
    assert found.reason == "accepted"
    assert found.plain_closeness > 0.7
