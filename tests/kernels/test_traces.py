"""The trace of a photo: small, without a picture in it, and enough to tell copies from others."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.copies import edits
from imagematch.kernels import keypoints, traces
from imagematch.records import Bytes, Geometry
from imagematch.settings import DEFAULTS
from tests.world import photo

MOST_BYTES = 1011


def trace(rgb: Bytes, width: int | None = None) -> traces.Trace:
    read = traces.read(traces.make(rgb, width or rgb.shape[1]))
    assert read is not None
    return read


def compared(query: Bytes, of: traces.Trace) -> Geometry:
    features = keypoints.extract(query, query.shape[1], DEFAULTS.verify)
    return traces.compare(features, of, DEFAULTS.verify)


def edited(name: str, strength: float) -> Callable[[Bytes], Bytes]:
    return lambda rgb: edits.EDITS[name](rgb, np.random.default_rng(1), strength)


def pasted(rgb: Bytes) -> Bytes:
    ground = np.full((400, 600, 3), 235, np.uint8)
    ground[60 : 60 + rgb.shape[0] * 3 // 4, 200 : 200 + rgb.shape[1] * 3 // 4] = cv2.resize(
        rgb, (rgb.shape[1] * 3 // 4, rgb.shape[0] * 3 // 4), interpolation=cv2.INTER_AREA
    )
    return ground


EDITED: dict[str, Callable[[Bytes], Bytes]] = {
    "mirror": edited("mirror", 1.0),
    "half of it, mirrored": lambda rgb: np.ascontiguousarray(rgb[:, : rgb.shape[1] // 2][:, ::-1]),
    "tilt": edited("tilt", 0.6),
    "watermark": edited("watermark", 0.6),
    "blur": edited("blur", 0.4),
    "quarter turn": lambda rgb: np.ascontiguousarray(np.rot90(rgb)),
    "half of the size": lambda rgb: np.asarray(cv2.resize(rgb, None, fx=0.5, fy=0.5), np.uint8),
    "pasted small": pasted,
    "dark": lambda rgb: (rgb // 3).astype(np.uint8),
}


# --- what it tells -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EDITED)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_copies_are_laid_over_and_their_keypoints_agree(name: str, seed: int) -> None:
    rgb = photo(seed)
    found = compared(EDITED[name](rgb), trace(rgb))
    assert found.traced
    assert found.reason == "accepted", found
    assert found.correlation > 0.3
    assert found.mirrored == ("mirror" in name)


@pytest.mark.parametrize("seed", range(4, 12))
def test_strangers_are_not_laid_over(seed: int) -> None:
    found = compared(photo(seed), trace(photo(1)))
    assert found.reason != "accepted"


def test_other_contents_of_one_template_do_not_agree() -> None:
    """A wide frame is most of both pictures, and what it frames differs."""
    frame, one, other = photo(30), photo(31), photo(32)
    left, right = frame.copy(), frame.copy()
    left[40:200, 50:270], right[40:200, 50:270] = one[40:200, 50:270], other[40:200, 50:270]
    same, apart = compared(left, trace(left)), compared(right, trace(left))
    assert same.correlation > 0.6
    assert apart.correlation < 0.3
    assert apart.agreement < 0.4


def test_the_homography_leads_from_full_size_to_full_size() -> None:
    rgb = np.asarray(cv2.resize(photo(7), (640, 480)), np.uint8)
    found = compared(np.ascontiguousarray(rgb[100:400, 200:600]), trace(rgb, width=1280))
    assert found.transform is not None
    corner = np.array(found.transform) @ [0.0, 0.0, 1.0]
    assert corner[:2] / corner[2] == pytest.approx([400, 200], abs=25)
    assert found.cover_photo == pytest.approx(300 * 400 / (640 * 480), abs=0.1)
    assert found.cover_query > 0.95


# --- its bytes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(320, 240), (240, 320), (2000, 60), (60, 2000), (33, 21)])
def test_it_is_small_whatever_the_picture(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    for rgb in (photo(5, *size), rng.integers(0, 256, (size[1], size[0], 3), np.uint8)):
        assert len(traces.make(rgb, size[0])) <= MOST_BYTES


@pytest.mark.parametrize("shape", [(240, 320, 3), (1, 1, 3), (1, 500, 3)])
def test_a_picture_without_keypoints_leaves_none(shape: tuple[int, int, int]) -> None:
    assert traces.make(np.full(shape, 90, np.uint8), shape[1]) == b""
    assert traces.read(b"") is None


SOUND = traces.make(photo(5), 320)


@settings(max_examples=60)
@given(st.integers(0, len(SOUND) * 8 - 1))
def test_a_damaged_trace_counts_as_none(bit: int) -> None:
    data = bytearray(SOUND)
    data[bit // 8] ^= 1 << bit % 8
    assert traces.read(bytes(data)) is None


@given(st.binary(max_size=200) | st.integers(0, len(SOUND) - 1).map(lambda end: SOUND[:end]))
def test_garbage_counts_as_none(data: bytes) -> None:
    assert traces.read(data) is None


def test_it_says_nothing_of_brightness_contrast_or_colour() -> None:
    """Nor of which keypoints were strong: they lie in order of place."""
    rgb = (photo(5) // 2 + 40).astype(np.uint8)
    assert traces.make((rgb + 40).astype(np.uint8), 320) == traces.make(rgb, 320)
    read = trace(rgb)
    assert not read.features.gray.any()
    assert set(np.unique(read.features.histograms)) == {0, 255}
    places = [(float(y), float(x)) for x, y in read.features.points]
    assert places == sorted(places)


def test_the_same_picture_leaves_the_same_trace() -> None:
    assert traces.make(photo(9), 320) == traces.make(photo(9), 320)
