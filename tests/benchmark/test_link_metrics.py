"""Clusters against operators: by hand where it is small, and against plain counting."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.links.link_metrics import Score, b_cubed, pairwise, sizes
from benchmark.quality.metrics import Numbers
from imagematch.errors import ShapeError
from imagematch.records import Flags

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.booleans()), max_size=14)


def numbers(*values: int) -> Numbers:
    return np.array(values, np.int64)


def columns(rows: list[tuple[int, int, bool]]) -> tuple[Numbers, Numbers, Flags]:
    return (
        numbers(*(truth for truth, _, _ in rows)),
        numbers(*(found for _, found, _ in rows)),
        np.array([among for _, _, among in rows], np.bool_),
    )


def near(score: Score, precision: float, recall: float) -> bool:
    """Whether a score is this one but for rounding."""
    return (score.precision, score.recall) == pytest.approx((precision, recall))


def test_pairs_are_counted_by_hand() -> None:
    truth, found = numbers(0, 0, 0, 1, 1, 2), numbers(7, 7, 9, 9, 9, 5)
    # Joined: 01, 23, 24, 34; an operator's: 01, 02, 12, 34.
    assert pairwise(truth, found) == Score(0.5, 0.5)
    assert pairwise(truth, found).f1 == 0.5


def test_b_cubed_is_that_of_its_paper() -> None:
    """The two answers of figure 5 of Bagga and Baldwin: chains of 5, 2 and 5."""
    truth = numbers(*[0] * 5, *[1] * 2, *[2] * 5)
    small_merged = numbers(*[0] * 5, *[1] * 7)
    large_merged = numbers(*[0] * 5, *[1] * 2, *[0] * 5)
    assert b_cubed(truth, small_merged).precision == pytest.approx(16 / 21)  # 76 %
    assert b_cubed(truth, large_merged).precision == pytest.approx(7 / 12)  # 58 %
    assert b_cubed(truth, small_merged).recall == b_cubed(truth, large_merged).recall == 1


def test_only_pairs_with_a_profile_that_counts_do() -> None:
    truth, found = numbers(0, 0, 1, 1, 1), numbers(0, 0, 0, 2, 2)
    among = np.array([True, True, False, False, False])
    # Joined with one of the first two: 01, 02, 12; an operator's: 01.
    assert near(pairwise(truth, found, among), 1 / 3, 1)
    assert near(b_cubed(truth, found, among), 2 / 3, 1)


def test_what_finds_nothing_has_no_precision_and_an_f1_of_zero() -> None:
    score = pairwise(numbers(0, 0), numbers(0, 1))
    assert np.isnan(score.precision)
    assert (score.recall, score.f1) == (0.0, 0.0)
    assert np.isnan(pairwise(numbers(0, 1), numbers(0, 1)).f1)
    assert np.isnan(b_cubed(numbers(), numbers()).f1)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="have the shapes"):
        pairwise(numbers(0, 1), numbers(0))


def test_a_million_profiles_in_one_cluster_are_not_paired() -> None:
    truth = np.arange(1_000_000) // 2
    score = pairwise(truth, np.zeros_like(truth))
    assert near(score, 1 / 999_999, 1)


@given(LABELS)
def test_pairs_are_what_plain_counting_gives(rows: list[tuple[int, int, bool]]) -> None:
    truth, found, among = columns(rows)
    pairs = [(i, j) for i, j in combinations(range(len(rows)), 2) if among[i] or among[j]]
    joined = {(i, j) for i, j in pairs if found[i] == found[j]}
    true = {(i, j) for i, j in pairs if truth[i] == truth[j]}
    score = pairwise(truth, found, among)
    for value, whole in ((score.precision, joined), (score.recall, true)):
        if whole:
            assert value == pytest.approx(len(joined & true) / len(whole))
        else:
            assert np.isnan(value)


@given(LABELS)
def test_b_cubed_is_what_plain_counting_gives(rows: list[tuple[int, int, bool]]) -> None:
    truth, found, among = columns(rows)
    if not among.any():
        return
    counted = [place for place in range(len(rows)) if among[place]]
    both = [(truth == truth[place]) & (found == found[place]) for place in counted]
    shares = [
        (one.sum() / (found == found[place]).sum(), one.sum() / (truth == truth[place]).sum())
        for one, place in zip(both, counted, strict=True)
    ]
    precision, recall = np.mean(shares, axis=0)
    assert near(b_cubed(truth, found, among), precision, recall)


@given(LABELS)
def test_names_of_labels_do_not_matter_and_the_truth_is_perfect(
    rows: list[tuple[int, int, bool]],
) -> None:
    truth, found, _ = columns(rows)
    if truth.size:
        assert near(b_cubed(truth, 100 - truth), 1, 1)
        same = b_cubed(truth, found)
        assert near(b_cubed(truth * 3 + 1, 50 - found), same.precision, same.recall)
    assert [int((truth == one).sum()) for one in truth] == sizes(truth).tolist()
