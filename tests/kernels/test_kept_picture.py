"""The picture kept of a photo: small, grey, of the right size, and never taken for another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.errors import PhotoError
from imagematch.kernels import comparison, kept_picture, keypoints
from imagematch.kernels.keypoints import Features
from imagematch.records import Bytes
from imagematch.settings import DecodeSettings, VerifySettings
from tests.world import mirrored, photo

ONE, OTHER = "ab" * 32, "cd" * 32
PICTURE = kept_picture.encode(photo(1), ONE, 3200, 2400)


def refused(data: bytes, sha256: str = ONE) -> bool:
    """Whether the picture is not taken; the checkup of an index must say the same."""
    assert kept_picture.is_sound(PICTURE, ONE)
    try:
        kept_picture.decode(data, sha256, DecodeSettings())
    except PhotoError as error:
        return error.code == "corrupt" and not kept_picture.is_sound(data, sha256)
    return False


def test_a_kept_picture_is_small_and_grey_and_knows_the_size_of_the_photo() -> None:
    data = kept_picture.encode(photo(2, 1024, 768), ONE, 4000, 3000)
    found = kept_picture.decode(data, ONE, DecodeSettings())
    assert found.rgb.shape == (384, 512, 3)
    assert (found.rgb == found.rgb[:, :, :1]).all()
    assert (found.width, found.height) == (4000, 3000)
    assert len(data) < 80_000


def test_a_small_photo_is_not_enlarged() -> None:
    found = kept_picture.decode(
        kept_picture.encode(photo(3, 60, 1), ONE, 60, 1), ONE, DecodeSettings()
    )
    assert found.rgb.shape == (1, 60, 3)


def test_a_very_long_photo_keeps_a_row_of_pixels() -> None:
    strip = np.zeros((1, 1024, 3), np.uint8)
    found = kept_picture.decode(kept_picture.encode(strip, ONE, 20_000, 1), ONE, DecodeSettings())
    assert found.rgb.shape == (1, 512, 3)


def test_the_picture_of_another_photo_is_refused() -> None:
    assert refused(PICTURE, OTHER)


@settings(max_examples=200)
@given(st.integers(0, len(PICTURE) - 1), st.integers(1, 255))
def test_any_changed_byte_is_noticed(at: int, change: int) -> None:
    damaged = bytearray(PICTURE)
    damaged[at] ^= change
    assert refused(bytes(damaged))


@given(st.integers(0, len(PICTURE) - 1))
def test_a_cut_picture_is_noticed(length: int) -> None:
    assert refused(PICTURE[:length])


@given(st.binary(max_size=300))
def test_garbage_is_refused(garbage: bytes) -> None:
    assert refused(garbage)
    assert refused(PICTURE + b"\0" + garbage)


@pytest.mark.parametrize("seed", [4, 5, 6])
def test_a_copy_fits_the_kept_picture_as_it_fits_the_photo(seed: int) -> None:
    def features(rgb: Bytes, width: int) -> Features:
        return keypoints.extract(rgb, width, VerifySettings())

    rgb = photo(seed, 1000, 750)
    small = kept_picture.decode(kept_picture.encode(rgb, ONE, 1000, 750), ONE, DecodeSettings())
    copy = features(mirrored(rgb), 1000)
    whole, reduced = (
        comparison.compare(copy, features(other, 1000), VerifySettings())
        for other in (rgb, small.rgb)
    )
    assert whole.reason == reduced.reason == "accepted"
    assert whole.transform is not None
    assert reduced.transform is not None
    # Both in px of the full-size photos: a corner lands in the same place.
    corner = np.array([900.0, 700.0, 1.0])
    there = [np.array(fit.transform) @ corner for fit in (whole, reduced)]
    points = [(x / depth, y / depth) for x, y, depth in there]
    assert np.allclose(points[0], points[1], atol=3)
