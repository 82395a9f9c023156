"""Heavy edits take as much of the photo away as they say, and leave the rest."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import avatars, composites, heavy_edits
from benchmark.copies.marks import WHITE, cover
from imagematch.errors import ShapeError
from imagematch.records import Bytes
from tests.world import photo

#: An avatar is never the photo as it is.
AVATARS = {"circle", "turned_circle", "chat_profile"}

seeds = st.integers(0, 2**32 - 1)


def edited(name: str, rgb: Bytes, strength: float = 1.0, seed: int = 5) -> Bytes:
    return heavy_edits.HEAVY_EDITS[name](rgb, np.random.default_rng(seed), strength)


@pytest.mark.parametrize("name", sorted(set(heavy_edits.HEAVY_EDITS) - AVATARS))
def test_strength_zero_returns_the_photo_as_it_is(name: str) -> None:
    assert np.array_equal(edited(name, photo(3), 0.0), photo(3))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["big_sticker", "banner", "blinds"]), st.sampled_from([0.6, 1.0]), seeds)
def test_what_covers_a_photo_covers_the_share_that_was_asked_for(
    name: str, strength: float, seed: int
) -> None:
    most = {"big_sticker": 0.4, "banner": 0.35, "blinds": 0.5}[name]
    rgb = np.full((300, 400, 3), 77, np.uint8)
    share = (edited(name, rgb, strength, seed) != rgb).any(axis=2).mean()
    # A large heart or star stands over the edge of the photo.
    assert most * strength * 0.7 < share < most * strength * 1.1


@pytest.mark.parametrize("name", ["strong_blur", "pixelate"])
def test_detail_goes_and_colours_stay(name: str) -> None:
    rgb = photo(4)
    made = edited(name, rgb)
    assert made.shape == rgb.shape
    coarse = [cv2.resize(side, (4, 3), interpolation=cv2.INTER_AREA) for side in (rgb, made)]
    assert np.abs(coarse[0].astype(int) - coarse[1]).mean() < 8
    detail = [cv2.Laplacian(side, cv2.CV_64F).std() for side in (rgb, made)]
    assert detail[1] < 0.5 * detail[0]


def test_pixels_are_as_large_as_they_say() -> None:
    made = edited("pixelate", photo(4, 600, 400))
    runs = np.diff(np.nonzero(np.diff(made[200].astype(int), axis=0).any(axis=1))[0])
    assert 15 <= np.median(runs) <= 25


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_what_never_arrived_has_no_detail_and_the_rest_is_whole(strength: float, seed: int) -> None:
    rgb = photo(6, 600, 480)
    made = edited("cut_off", rgb, strength, seed)
    assert made.shape == rgb.shape
    off = np.abs(made.astype(int) - rgb).mean(axis=(1, 2))
    arrived = round(480 * (1 - 0.6 * strength))
    assert off[: arrived - 80].mean() < 6
    assert off[arrived + 80 :].mean() > 20


@pytest.mark.parametrize("seed", range(8))
def test_files_that_broke_off_are_grey_below(seed: int) -> None:
    assert np.ptp(edited("cut_off", photo(6, 600, 480), 1.0, seed)[-20:]) == 0


def test_a_damaged_file_is_whole_above_the_gap() -> None:
    rgb = photo(7, 600, 480)
    made = edited("damaged", rgb)
    assert made.shape == rgb.shape
    off = np.abs(made.astype(int) - rgb).mean(axis=(1, 2))
    assert off[:100].mean() < 6
    assert off.max() > 20


def test_nothing_is_printed_for_files_that_are_broken_on_purpose(
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("cut_off", "damaged"):
        edited(name, photo(8))
    assert capfd.readouterr() == ("", "")


def test_a_steep_tilt_turns_by_up_to_half_a_quarter() -> None:
    made = edited("steep_tilt", photo(9, 300, 300))
    assert made.shape[0] == pytest.approx(300 * np.sqrt(2), abs=2)


def test_a_circle_shows_the_middle_on_a_plain_ground() -> None:
    rgb = photo(10, 400, 300)
    made = avatars.in_circle(rgb, 120, WHITE)
    rows, columns = np.mgrid[0:120, 0:120] - 59.5
    reach = np.hypot(rows, columns)
    assert (made[reach > 61] == 255).all()
    assert np.array_equal(made[reach < 58], cover(rgb, 120)[reach < 58])


def test_circles_have_the_sizes_that_sites_use() -> None:
    sides = [edited("circle", photo(10), strength).shape[0] for strength in (0.0, 1.0)]
    assert sides == [320, 100]


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_profile_page_shows_the_photo_in_a_circle_once(strength: float) -> None:
    red, blue = (np.full((90, 90, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))
    pages = [edited("chat_profile", rgb, strength) for rgb in (red, blue)]
    changed = (pages[0] != pages[1]).any(axis=2)
    width = pages[0].shape[1]
    wanted = np.pi / 4 * ((0.5 - 0.3 * strength) * width) ** 2
    assert changed.sum() == pytest.approx(wanted, rel=0.05)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 1), seeds)
def test_a_new_background_keeps_the_middle_of_the_photo(strength: float, seed: int) -> None:
    rgb, other = photo(11), np.zeros((200, 200, 3), np.uint8)
    made = composites.new_background(rgb, [other], np.random.default_rng(seed), strength)
    kept = np.abs(made.astype(int) - rgb).sum(axis=2) < 8
    assert kept[110:130, 150:170].all()
    assert (made[:4, :4] == 0).all()
    assert kept.mean() == pytest.approx(0.6 - 0.2 * strength, abs=0.08)


def test_a_new_background_without_another_photo_says_so() -> None:
    with pytest.raises(ShapeError, match="got none"):
        composites.new_background(photo(1), [], np.random.default_rng(0), 0.5)
