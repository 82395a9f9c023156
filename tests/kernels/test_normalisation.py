"""Backgrounds: what a view has in common with anything is no sign of a copy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.kernels.normalisation import LAST, backgrounds
from imagematch.records import Floats


def row(*cosines: float) -> Floats:
    """The neighbours of one view, as a store returns them."""
    return np.array([sorted(cosines, reverse=True)], np.float32)


def test_the_few_nearest_which_may_be_copies_do_not_count() -> None:
    strangers = [0.2] * (LAST - 5)
    for copies in ([0.2] * 5, [1.0] * 5):
        assert backgrounds(row(*copies, *strangers)) == pytest.approx([0.2])


def test_a_view_that_is_like_everything_has_a_higher_background() -> None:
    plain, sharp = backgrounds(np.array([[0.4] * LAST, [0.15] * LAST], np.float32))
    assert (plain, sharp) == (pytest.approx(0.4), pytest.approx(0.15))


def test_a_hundred_copies_are_no_background() -> None:
    assert 0.98 - backgrounds(row(*[0.98] * 100))[0] > 0.5


@pytest.mark.parametrize("neighbours", [0, 3, 8])
def test_where_there_are_few_neighbours_the_background_is_low(neighbours: int) -> None:
    scores = row(*[0.9] * neighbours, *[-np.inf] * (LAST - neighbours))
    for found in (scores, scores[:, :neighbours]):
        assert backgrounds(found) == pytest.approx([0.1 + 0.08 * max(0, neighbours - 5)], abs=0.01)


def test_no_view_has_no_background() -> None:
    assert backgrounds(np.empty((0, LAST), np.float32)).shape == (0,)


@given(st.lists(st.floats(-1, 1, width=32), min_size=0, max_size=40), st.floats(0, 0.5))
def test_a_background_is_in_its_range_and_grows_with_the_cosines(
    cosines: list[float], more: float
) -> None:
    [one] = backgrounds(row(*cosines))
    [higher] = backgrounds(row(*(cosine + more for cosine in cosines)))
    assert 0.09 < one <= higher + 1e-6
    assert higher < 0.46
