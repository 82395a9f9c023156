"""A picture at three sizes: none too large, each an average of the one before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.kernels.sizes import MIDDLE, SMALL, sizes, within


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 1100), st.integers(1, 90), st.booleans())
def test_no_size_is_larger_than_it_may_be_and_none_is_empty(
    long: int, short: int, tall: bool
) -> None:
    shape = (long, short, 3) if tall else (short, long, 3)
    rgb = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = sizes(rgb)
    assert found.whole is rgb
    assert max(found.middle.shape[:2]) <= MIDDLE
    assert max(found.small.shape[:2]) <= SMALL
    assert min(found.small.shape) >= 1
    assert (found.middle is rgb) == (max(shape) <= MIDDLE)
    assert (found.small is rgb) == (max(shape) <= SMALL)
    assert sizes(found.small).small is found.small


@pytest.mark.parametrize("longer", [300, 383, 384, 500, 511, 512, 700, 1024])
def test_the_small_size_has_the_levels_of_the_picture(longer: int) -> None:
    """A ramp stays a ramp from end to end, whichever way it was reduced."""
    ramp = np.linspace(0, 255, longer).astype(np.uint8)
    rgb = np.repeat(np.tile(ramp, (201, 1))[:, :, None], 3, axis=2)
    small = sizes(rgb).small
    assert max(small.shape[:2]) >= 3 * SMALL // 4
    line = np.linspace(0, 255, small.shape[1])
    assert np.abs(small[:, :, 0] - line).max() < 3


def test_half_a_picture_is_its_mean_over_two_by_two() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (301, 501, 3), dtype=np.uint8)
    blocks = rgb[:300, :500].astype(np.float64).reshape(150, 2, 250, 2, 3).mean(axis=(1, 3))
    assert np.abs(sizes(rgb).small - blocks).max() <= 0.5


def test_scaling_down_keeps_the_shape_and_never_enlarges() -> None:
    rgb = np.zeros((300, 400, 3), np.uint8)
    assert within(rgb, 400) is rgb
    assert within(rgb, 200).shape == (150, 200, 3)
