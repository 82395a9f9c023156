"""Edges: one px wide, joined by two thresholds, as OpenCV's detector finds them."""

import subprocess
import sys

import numpy as np

from imagematch.kernels.edges import edges, peaks

#: Prints on how many pixels the two disagree, for a hundred pictures. OpenCV's detector is safe
#: with two threads, which must not be set for the tests beside this one.
_AGAINST_OPENCV = """
import cv2
import numpy as np
from imagematch.kernels.edges import edges, peaks
from tests.kernels.regular import ODD_SIZES, patterns
from tests.world import photo

cv2.setNumThreads(2)
pictures = [picture for size in ODD_SIZES for picture in patterns(*size)]
pictures += [photo(seed, 256, 171) for seed in range(20)]
found = 0
for picture in pictures:
    gray = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    for low, high in ((20, 60), (60, 150)):
        ours, theirs = edges(peaks(gray), low, high), cv2.Canny(gray, low, high) > 0
        assert (ours == theirs).all(), (picture.shape, (ours != theirs).sum())
        found += int(ours.sum())
print(found)
"""


def step(levels: list[int], height: int = 5) -> np.ndarray:
    """Rows that all have these levels."""
    return np.tile(np.array(levels, np.uint8), (height, 1))


def test_a_step_is_one_px_wide() -> None:
    gray = step([10] * 6 + [200] * 6)
    found = edges(peaks(gray), 20, 60)
    assert (found.sum(axis=1) == 1).all()
    assert found[:, 5].all()
    turned = np.ascontiguousarray(gray.T)
    assert (found == edges(peaks(turned), 20, 60).T).all()


def test_the_gradient_is_told_at_a_peak_and_nowhere_else() -> None:
    steepness = peaks(step([0] * 6 + [255] * 6))
    assert set(np.unique(steepness)) == {0, 1020}


def test_a_faint_edge_counts_where_it_goes_on_as_a_strong_one() -> None:
    faint = step([100] * 6 + [110] * 6, 10)
    assert not edges(peaks(faint), 20, 60).any()
    faint[:3, 6:] = 200
    assert edges(peaks(faint), 20, 60)[9].any()


def test_a_plain_picture_has_no_edges() -> None:
    for size in ((1, 1), (1, 50), (50, 1), (20, 30)):
        found = edges(peaks(np.full(size, 77, np.uint8)), 20, 60)
        assert found.shape == size
        assert not found.any()


def test_they_are_those_that_opencv_finds() -> None:
    """Photos, noise, grids and odd sizes; a change of the maths would change what is indexed."""
    ran = subprocess.run(
        [sys.executable, "-c", _AGAINST_OPENCV], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 10_000
