"""Steps of a picture: high where it changes, in the map for the way that the line runs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from imagematch.kernels.steps import steps, sums


def test_an_edge_steps_on_both_of_its_sides_by_the_channel_that_changes_most() -> None:
    rgb = np.full((8, 10, 3), 50, np.uint8)
    rgb[:, 4:] = (60, 90, 45)
    found = steps(rgb)
    assert not found.down.any()
    assert found.across.shape == (10, 8)
    assert np.flatnonzero(found.across.any(axis=1)).tolist() == [3, 4]
    assert (found.across[3:5] == 40).all()


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_turning_a_picture_turns_its_steps(height: int, width: int, seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    found, turned = steps(rgb), steps(np.ascontiguousarray(rgb.swapaxes(0, 1)))
    assert np.array_equal(found.down, turned.across)
    assert np.array_equal(found.across, turned.down)
    signed = rgb.astype(int)
    wanted = np.abs(signed[2:] - signed[:-2]).max(axis=2)
    assert np.array_equal(found.down[1:-1], wanted[:, :]) or height < 3
    assert not found.down[[0, -1]].any()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_sums_count_along_each_line(lines: int, pixels: int, seed: int) -> None:
    flags = np.random.default_rng(seed).integers(0, 2, (lines, pixels), dtype=np.uint8)
    found = sums(flags)
    assert not found[:, 0].any()
    assert np.array_equal(found[:, 1:], np.cumsum(flags, axis=1))
