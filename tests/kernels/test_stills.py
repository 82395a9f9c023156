"""Which frames of an animation are pictures of their own, and how much each shows."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from imagematch.kernels.stills import different, shows, unlike
from imagematch.records import Bytes
from tests.world import photo

WIDTH, HEIGHT = 256, 192
PHOTOS = [photo(seed, WIDTH, HEIGHT) for seed in range(1, 21)]
BLACK, WHITE = np.zeros_like(PHOTOS[0]), np.full_like(PHOTOS[0], 255)


def fade(left: Bytes, right: Bytes, steps: int) -> list[Bytes]:
    shares = np.linspace(0, 1, steps + 2)[1:-1]
    return [np.rint(left * (1 - share) + right * share).astype(np.uint8) for share in shares]


def slide(left: Bytes, right: Bytes, steps: int) -> list[Bytes]:
    both = np.concatenate([left, right], axis=1)
    places = np.linspace(0, WIDTH, steps + 2)[1:-1].astype(int)
    return [both[:, place : place + WIDTH].copy() for place in places]


def pan(seed: int, frames: int, step: int = 3) -> list[Bytes]:
    wide = photo(seed, WIDTH + frames * step, HEIGHT)
    return [wide[:, step * at : step * at + WIDTH].copy() for at in range(frames)]


def counted(frames: list[Bytes], durations: list[float] | None = None) -> int:
    return len(different(frames, durations or [100] * len(frames)))


def test_the_pictures_of_a_slideshow_are_counted() -> None:
    assert different(PHOTOS[:4], [100] * 4) == [0, 1, 2, 3]
    assert counted(PHOTOS) >= 18  # that many small pictures are not all unlike each other


def test_a_picture_that_comes_again_is_counted_once() -> None:
    assert different([PHOTOS[0], PHOTOS[1]] * 5, [100] * 10) == [0, 1]
    assert different([PHOTOS[0]] * 10, [100] * 10) == [0]


@pytest.mark.parametrize("steps", [3, 10, 30])
def test_what_a_fade_shows_on_its_way_is_no_picture(steps: int) -> None:
    one, two, three = PHOTOS[:3]
    ways = fade(one, two, steps), fade(two, three, steps)
    held = [one] * 6 + ways[0] + [two] * 6 + ways[1] + [three] * 6
    long = [one, *ways[0], two, *ways[1], three]
    durations: list[float] = [2000, *[40] * steps, 2000, *[40] * steps, 2000]
    assert counted(held) == counted(long, durations) == 3


def test_a_fade_from_black_and_to_white_adds_nothing() -> None:
    frames = [
        BLACK,
        *fade(BLACK, PHOTOS[0], 9),
        *[PHOTOS[0]] * 3,
        *fade(PHOTOS[0], WHITE, 9),
        WHITE,
    ]
    assert counted(frames) == 1


def test_what_slides_past_a_picture_that_stands_still_is_none() -> None:
    one, two = PHOTOS[:2]
    frames = [*[one] * 6, *slide(one, two, 3), *[two] * 6]
    assert counted(frames) == 2


def test_motion_is_one_picture_and_a_cut_begins_another() -> None:
    assert counted(pan(1, 40)) == 1
    assert counted(pan(1, 15) + pan(2, 15)) == 2


def test_noise_on_a_still_picture_is_no_motion() -> None:
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(PHOTOS[0] + rng.normal(0, 10, BLACK.shape), 0, 255).astype(np.uint8)
        for _ in range(8)
    ]
    assert counted(noisy) == 1


def test_plain_frames_are_no_pictures() -> None:
    assert different([BLACK, WHITE, BLACK], [100] * 3) == []
    assert different([BLACK, PHOTOS[0], WHITE], [100] * 3) == [1]


def test_pages_are_pictures_even_if_they_follow_each_other_like_frames() -> None:
    assert len(unlike(pan(1, 40))) > 1
    assert len(unlike([PHOTOS[0], PHOTOS[0][::2, ::2], WHITE, PHOTOS[1]])) == 2


def test_a_small_frame_and_one_pixel_are_no_trouble() -> None:
    assert len(different([PHOTOS[0][:1, :1], PHOTOS[0][:1], PHOTOS[0][:, :1]], [1, 1, 1])) <= 3
    assert shows(PHOTOS[0][:1, :1]) == 0


@given(
    st.lists(
        arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
        min_size=1,
        max_size=6,
    )
)
def test_any_frames_give_ascending_places(frames: list[Bytes]) -> None:
    found = different(frames, [40] * len(frames))
    assert found == sorted(set(found))
    assert all(0 <= shows(frame) <= 1 for frame in frames)


def lettering() -> Bytes:
    page = WHITE.copy()
    for line in range(12):
        at = (4, 14 + 16 * line)
        cv2.putText(page, "Call me now 0123456789", at, cv2.FONT_HERSHEY_PLAIN, 1, (0, 0, 0), 1)
    return page


def test_a_photo_shows_more_than_anything_drawn_or_random() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]

    def grey(levels: np.ndarray) -> Bytes:
        return np.repeat(levels[..., None], 3, axis=2).astype(np.uint8)

    others = {
        "noise": rng.integers(0, 256, BLACK.shape, dtype=np.uint8),
        "grey noise": grey(rng.integers(0, 256, (HEIGHT, WIDTH))),
        "blocks": grey(np.kron(rng.integers(0, 256, (24, 32)), np.ones((8, 8)))),
        "code": grey(np.kron(rng.integers(0, 2, (48, 64)) * 255, np.ones((4, 4)))),
        "text": lettering(),
        "gradient": grey(x),
        "stripes": grey(x % 6 // 3 * 255),
        "rings": grey(127 + 127 * np.sin((x * x + y * y) / 90)),
        "white": WHITE,
        **{f"squares of {side}": grey((x // side + y // side) % 2 * 255) for side in (1, 3, 8, 32)},
    }
    least = min(shows(rgb) for rgb in PHOTOS)
    assert {name for name, rgb in others.items() if shows(rgb) > least / 2} == set()


def test_a_photo_shows_more_than_a_dark_or_smooth_version_of_it() -> None:
    for rgb in PHOTOS[:5]:
        assert shows(rgb) > shows(fade(BLACK, rgb, 9)[2])
        assert shows(rgb) > shows(np.asarray(cv2.GaussianBlur(rgb, (0, 0), 20), np.uint8))
