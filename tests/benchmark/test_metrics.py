"""Figures of merit: known cases, a naive reference, and what must hold for any answers."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.quality import metrics
from benchmark.quality.metrics import Answers
from imagematch.errors import ShapeError

#: One query: the scores of its false answers, that of its original (None: not named), and whether
#: it has an original at all. Few distinct scores, so that ties are common.
SCORES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0])
QUERY = st.tuples(st.lists(SCORES, max_size=3), st.none() | SCORES, st.booleans())
type Query = tuple[list[float], float | None, bool]


def answers(queries: list[Query]) -> Answers:
    rows: list[tuple[int, float, bool]] = []
    for number, (false, true, wanted) in enumerate(queries):
        rows += [(number, score, False) for score in false]
        if wanted and true is not None:
            rows.append((number, true, True))
    return Answers(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.float64),
        np.array([row[2] for row in rows], np.bool_),
        np.array([query[2] for query in queries], np.bool_),
    )


def any_answers(minimum: int = 0) -> st.SearchStrategy[Answers]:
    return st.lists(QUERY, min_size=minimum, max_size=8).map(answers)


def with_originals() -> st.SearchStrategy[Answers]:
    return any_answers(1).filter(lambda given: bool(given.wanted.any()))


# --- µAP -----------------------------------------------------------------------------------------


def test_micro_average_precision_of_a_known_case() -> None:
    # In one list: true 0.9, false 0.8 (of a query without original), true 0.7; a third original
    # is never named.
    given = answers([([], 0.9, True), ([0.8], None, False), ([], 0.7, True), ([], None, True)])
    assert metrics.micro_average_precision(given) == pytest.approx((1 + 2 / 3) / 3)


def test_one_score_for_everything_earns_nothing_by_lucky_order() -> None:
    given = answers([([0.5], 0.5, True), ([0.5], 0.5, True)])
    assert metrics.micro_average_precision(given) == pytest.approx((1 / 3 + 2 / 4) / 2)


@given(with_originals())
def test_micro_average_precision_agrees_with_counting_by_hand(given: Answers) -> None:
    order = sorted(zip(given.score, given.true, strict=True), key=lambda row: (-row[0], row[1]))
    total, hits = 0.0, 0
    for place, (_, true) in enumerate(order, start=1):
        if true:
            hits += 1
            total += hits / place
    expected = total / given.wanted.sum()
    assert metrics.micro_average_precision(given) == pytest.approx(expected)
    assert 0 <= expected <= 1


@given(st.lists(st.tuples(st.lists(SCORES, max_size=3), st.booleans()), min_size=1))
def test_originals_above_everything_else_are_perfect(
    queries: list[tuple[list[float], bool]],
) -> None:
    given = answers([(false, 2.0, wanted) for false, wanted in queries])
    if given.wanted.any():
        assert metrics.micro_average_precision(given) == 1
        assert metrics.recall_at_first(given) == 1
        point = metrics.recall_at_precision(metrics.precision_recall(given), 1.0)
        assert (point.threshold, point.recall) == (2.0, 1.0)


@given(with_originals())
def test_a_query_without_original_never_helps(given: Answers) -> None:
    more = Answers(
        np.append(given.query, given.wanted.size),
        np.append(given.score, 0.5),
        np.append(given.true, False),
        np.append(given.wanted, False),
    )
    assert metrics.micro_average_precision(more) <= metrics.micro_average_precision(given) + 1e-12
    assert metrics.recall_at_first(more) == metrics.recall_at_first(given)


@given(with_originals())
def test_only_the_order_of_scores_counts(given: Answers) -> None:
    other = Answers(given.query, np.exp(3 * given.score) - 7, given.true, given.wanted)
    assert metrics.micro_average_precision(other) == metrics.micro_average_precision(given)
    assert metrics.recall_at_first(other) == metrics.recall_at_first(given)
    here, there = (metrics.precision_recall(one) for one in (given, other))
    np.testing.assert_array_equal(here.precision, there.precision)
    np.testing.assert_array_equal(here.recall, there.recall)


@given(with_originals(), st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_count(given: Answers, random: Random) -> None:
    order = list(range(given.score.size))
    random.shuffle(order)
    at = np.array(order, np.int64)
    other = Answers(given.query[at], given.score[at], given.true[at], given.wanted)
    assert metrics.micro_average_precision(other) == metrics.micro_average_precision(given)
    np.testing.assert_array_equal(
        metrics.precision_recall(other).precision, metrics.precision_recall(given).precision
    )


# --- recalls -------------------------------------------------------------------------------------


def test_recall_at_first_wants_the_original_strictly_ahead() -> None:
    given = answers([([0.1], 0.9, True), ([0.9], 0.9, True), ([0.95], 0.9, True), ([], None, True)])
    assert metrics.recall_at_first(given) == 0.25


def test_a_threshold_does_not_cut_through_equal_scores() -> None:
    given = answers([([], 0.9, True), ([], 0.8, True), ([0.8], None, False), ([], 0.7, True)])
    curve = metrics.precision_recall(given)
    assert curve.threshold.tolist() == [0.9, 0.8, 0.7]
    assert curve.precision.tolist() == [1.0, 2 / 3, 3 / 4]
    assert metrics.recall_at_precision(curve, 1.0) == metrics.OperatingPoint(0.9, 1.0, 1 / 3)


def test_a_precision_may_be_reached_again_further_down() -> None:
    false_first: list[Query] = [([0.99], None, False)] + [([], 0.9, True)] * 9
    point = metrics.recall_at_precision(metrics.precision_recall(answers(false_first)), 0.9)
    assert point == metrics.OperatingPoint(0.9, 0.9, 1.0)
    none = metrics.recall_at_precision(metrics.precision_recall(answers(false_first)), 1.0)
    assert (none.threshold, none.recall) == (math.inf, 0.0)


@given(any_answers(), st.sampled_from([0.3, 0.5, 0.9, 0.99, 1.0]))
def test_recall_at_precision_agrees_with_trying_every_threshold(
    given: Answers, least: float
) -> None:
    best = 0.0
    for threshold in given.score:
        shown = given.score >= threshold
        if given.true[shown].mean() >= least and given.wanted.any():
            best = max(best, given.true[shown].sum() / given.wanted.sum())
    point = metrics.recall_at_precision(metrics.precision_recall(given), least)
    assert point.recall == pytest.approx(best)
    found = metrics.found(given, point.threshold)
    assert found.sum() == pytest.approx(point.recall * given.wanted.sum())
    assert not (found & ~given.wanted).any()


@given(any_answers())
def test_recall_falls_as_more_precision_is_asked(given: Answers) -> None:
    curve = metrics.precision_recall(given)
    recalls = [metrics.recall_at_precision(curve, least).recall for least in (0.5, 0.9, 0.99, 1)]
    assert recalls == sorted(recalls, reverse=True)
    assert (np.diff(curve.recall) >= 0).all()
    assert (np.diff(curve.threshold) < 0).all()
    assert ((curve.precision >= 0) & (curve.precision <= 1) & (curve.recall <= 1)).all()


def test_nothing_to_find_has_no_figure() -> None:
    given = answers([([0.5], None, False)])
    assert math.isnan(metrics.micro_average_precision(given))
    assert math.isnan(metrics.recall_at_first(given))
    assert metrics.precision_recall(given).threshold.size == 0


# --- false copies --------------------------------------------------------------------------------


def test_false_copies_count_queries_without_original_and_wrong_photos_apart() -> None:
    given = answers(
        [
            ([0.6, 0.7], None, False),
            ([0.4], None, False),
            ([], None, False),
            ([0.5, 0.9, 0.1], 0.95, True),
        ]
    )
    false = metrics.false_copies(given, 0.5)
    assert false == metrics.FalseCopies(without=3, flagged=1, wanted=1, wrong=2)
    assert false.rate == pytest.approx(1 / 3)


@given(any_answers())
def test_a_higher_threshold_gives_fewer_false_copies(given: Answers) -> None:
    counts = [metrics.false_copies(given, least) for least in (0.0, 0.5, 0.9, 2.0)]
    assert [count.flagged for count in counts] == sorted(
        (count.flagged for count in counts), reverse=True
    )
    assert counts[0].wrong + counts[0].flagged <= (~given.true).sum()
    assert (counts[-1].flagged, counts[-1].wrong) == (0, 0)


# --- wrong input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "score", "true", "wanted"),
    [
        ([0, 1], [0.5], [True], [True, True]),
        ([0], [math.nan], [True], [True]),
        ([1], [0.5], [True], [True]),
        ([0, 0], [0.5, 0.6], [True, True], [True]),
        ([0], [0.5], [True], [False]),
    ],
    ids=["lengths", "not a number", "unknown query", "two originals", "an original unawares"],
)
def test_answers_that_do_not_fit_are_refused(
    query: list[int], score: list[float], true: list[bool], wanted: list[bool]
) -> None:
    with pytest.raises(ShapeError):
        Answers(np.array(query), np.array(score), np.array(true), np.array(wanted))


# --- calibration ---------------------------------------------------------------------------------

JUDGED = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def columns(pairs: list[tuple[float, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])


def test_calibration_error_of_a_known_case() -> None:
    # Ten pairs at 0.15 of which one is true, ten at 0.75 of which five are.
    confidence = np.repeat([0.15, 0.75], 10)
    true = np.array([1] + [0] * 9 + [1] * 5 + [0] * 5, np.float64)
    measure = metrics.calibration_error
    assert measure(confidence, true, equal_count=False) == pytest.approx((0.05 + 0.25) / 2)
    # Ten bins of two: sums of 0.3 against 1, 0, 0, 0, 0, then of 1.5 against 2, 2, 1, 0, 0.
    gaps = [0.7, 0.3, 0.3, 0.3, 0.3, 0.5, 0.5, 0.5, 1.5, 1.5]
    assert measure(confidence, true, equal_count=True) == pytest.approx(sum(gaps) / 20)


@pytest.mark.parametrize("equal_count", [True, False])
def test_certain_and_right_has_no_calibration_error(equal_count: bool) -> None:
    true = np.array([0, 1, 1, 0, 1] * 10, np.float64)
    assert metrics.calibration_error(true, true, equal_count=equal_count) == 0


@given(JUDGED)
def test_calibration_error_is_a_share(pairs: list[tuple[float, bool]]) -> None:
    confidence, true = columns(pairs)
    for equal_count in (True, False):
        error = metrics.calibration_error(confidence, true, equal_count=equal_count)
        assert 0 <= error <= 1


@given(JUDGED)
def test_reliability_and_calibration_error_agree(pairs: list[tuple[float, bool]]) -> None:
    confidence, true = columns(pairs)
    bins = metrics.reliability(confidence, true)
    assert sum(one.count for one in bins) == len(pairs)
    gaps = sum(one.count * abs(one.confidence - one.share) for one in bins if one.count)
    error = metrics.calibration_error(confidence, true, equal_count=False)
    assert gaps / len(pairs) == pytest.approx(error)


def test_bands_meet_without_overlap_and_include_one() -> None:
    confidence, true = np.array([0.5, 0.89, 0.9, 0.99, 1.0]), np.array([0, 1, 1, 1, 1])
    possible = metrics.band(confidence, true, 0.5, 0.9)
    assert (possible.count, possible.share) == (2, 0.5)
    assert metrics.band(confidence, true, 0.9, 0.99).count == 1
    assert metrics.band(confidence, true, 0.99, 1.0).count == 2
    assert math.isnan(metrics.band(confidence, true, 0.0, 0.5).share)


def test_wilson_interval_of_a_known_case() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662, and 0 of 20 gives 0 to 0.1611.
    assert metrics.wilson_interval(263, 81 / 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert metrics.wilson_interval(20, 0.0) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert metrics.wilson_interval(0, math.nan) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_wilson_interval_holds_the_measured_share(counts: tuple[int, int]) -> None:
    count, true = counts
    low, high = metrics.wilson_interval(count, true / count)
    assert 0 <= low <= true / count + 1e-12
    assert true / count - 1e-12 <= high <= 1
