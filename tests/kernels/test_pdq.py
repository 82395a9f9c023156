"""The quick way to PDQ says what the reference library says, or that it can't tell."""

import cv2
import numpy as np
import pdqhash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagematch.kernels.pdq import bits_and_quality
from imagematch.kernels.sizes import within
from imagematch.records import Bytes

data = pytest.importorskip("skimage.data", reason="the photos come with scikit-image")


def says_what_the_library_says(rgb: Bytes) -> bool:
    """Whether there was an answer at all; a wrong one fails."""
    found = bits_and_quality(rgb)
    if found is None:
        return False
    bits, quality = pdqhash.compute(rgb)
    assert np.array_equal(found[0], bits.astype(np.bool_))
    assert found[1] == quality
    return True


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
@pytest.mark.parametrize("side", [512, 301, 128, 64, 40])
def test_photos_of_any_size_get_the_librarys_hash_without_it(name: str, side: int) -> None:
    rgb = within(np.asarray(getattr(data, name)()), side)
    assert says_what_the_library_says(rgb) or side <= 128


def test_most_photos_are_decided_without_the_library() -> None:
    photo = np.asarray(data.astronaut())
    crops = [photo[top : top + 300, left : left + 350] for top in (0, 99) for left in (0, 50, 99)]
    assert sum(says_what_the_library_says(crop.copy()) for crop in crops) >= 4


@settings(deadline=None, max_examples=60)
@given(
    st.integers(5, 520),
    st.integers(5, 520),
    st.integers(1, 40),
    st.integers(0, 255),
    st.integers(0, 9),
)
def test_no_answer_contradicts_the_library(
    height: int, width: int, cells: int, level: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    blots = rng.integers(0, 1 + level, (cells, cells, 3)).astype(np.uint8)
    large = np.asarray(cv2.resize(blots, (width, height)), np.uint8)
    says_what_the_library_says(large.reshape(height, width, 3))
    says_what_the_library_says(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("shape", [(4, 300, 3), (300, 4, 3), (1, 1, 3)])
def test_what_the_library_has_rules_for_is_left_to_it(shape: tuple[int, ...]) -> None:
    assert bits_and_quality(np.full(shape, 90, np.uint8)) is None


def test_a_plain_picture_whose_bits_are_chance_is_left_to_the_library() -> None:
    assert bits_and_quality(np.full((200, 300, 3), 90, np.uint8)) is None
