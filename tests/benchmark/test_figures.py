"""Figures of small runs, counted by hand: what is true, what is false, and what is neither."""

import math
from dataclasses import replace

import pytest

from benchmark.quality.cases import Hit
from benchmark.quality.figures import measure
from tests.benchmark.builders import benchmark, case, claim, run, verdict


def test_recall_of_an_edit_is_taken_at_the_threshold_of_all() -> None:
    cases = [
        case("a", "1.jpg", edit="blur"),
        case("b", "2.jpg", edit="crop_20"),
        case("c", "3.jpg", edit="crop_20", indexed=False),
    ]
    hits = {
        "a": [Hit("1.jpg", 0.9, "copy")],
        "b": [Hit("2.jpg", 0.6, "copy")],
        "c": [Hit("9.jpg", 0.7, "copy")],
    }
    (method,) = measure(benchmark(cases, [run(hits)])).methods
    # Alone, crop_20 would have a threshold of 0.6 at half the precision, and blur one of 0.9.
    assert method.common.threshold == 0.9
    assert method.edits["blur"].share == 1
    assert method.edits["crop_20"].share == 0


def test_cases_without_original_are_no_part_of_an_edits_recall() -> None:
    cases = [case("a", "1.jpg"), case("b", "2.jpg", indexed=False)]
    figures = measure(benchmark(cases, [run({"a": [Hit("1.jpg", 0.9)]})]))
    assert (figures.wanted, figures.without) == (1, 1)
    assert dict(figures.edits) == {"blur": 1}
    assert figures.methods[0].edits["blur"].cases == 1


@pytest.mark.parametrize("twins", [[("1.jpg", "2.jpg")], [("2.jpg", "1.jpg")]])
@pytest.mark.parametrize("indexed", [True, False])
def test_a_twin_of_the_source_is_neither_true_nor_false(
    twins: list[tuple[str, str]], indexed: bool
) -> None:
    cases = [case("a", "1.jpg", indexed=indexed), case("b", "3.jpg")]
    hits = {
        "a": [Hit("2.jpg", 0.99, "copy"), *([Hit("1.jpg", 0.9, "copy")] if indexed else [])],
        "b": [Hit("3.jpg", 0.8, "copy")],
    }
    (with_twins,) = measure(benchmark(cases, [run(hits)], twins=twins)).methods
    (without,) = measure(benchmark(cases, [run(hits)])).methods
    assert with_twins.micro_ap == with_twins.recall_first == 1
    assert without.micro_ap < 1
    assert with_twins.false is not None
    assert (with_twins.false.flagged, with_twins.false.wrong) == (0, 0)
    assert with_twins.reliability is not None
    assert with_twins.reliability.everything.answers == 1 + indexed


def test_a_twin_of_another_photo_is_false() -> None:
    cases = [case("a", "1.jpg")]
    hits = {"a": [claim("2.jpg", 0.9)]}
    (method,) = measure(benchmark(cases, [run(hits)], twins=[("2.jpg", "3.jpg")])).methods
    assert method.false is not None
    assert method.false.wrong == 1


def test_a_photo_named_twice_counts_once() -> None:
    hits = {"a": [Hit("1.jpg", 0.9, "copy"), Hit("1.jpg", 0.8, "copy")]}
    (method,) = measure(benchmark([case("a", "1.jpg")], [run(hits)])).methods
    assert method.micro_ap == method.common.recall == 1


def test_a_scene_is_ranked_and_claims_nothing() -> None:
    cases = [case("a", "1.jpg"), case("b", "2.jpg", indexed=False)]
    hits = {
        "a": [claim("1.jpg", 0.9), claim("5.jpg", 0.95, "scene")],
        "b": [claim("6.jpg", 0.95, "scene"), claim("7.jpg", 0.8, "part")],
    }
    (method,) = measure(benchmark(cases, [run(hits)])).methods
    assert method.recall_first == 0
    assert method.false is not None
    assert (method.false.flagged, method.false.wrong) == (1, 0)
    assert method.reliability is not None
    assert sum(one.count for one in method.reliability.bands.values()) == 2


def test_a_candidate_that_is_not_shown_by_default_claims_nothing() -> None:
    cases = [case("a", "1.jpg"), case("b", "2.jpg", indexed=False)]
    hits = {"a": [Hit("1.jpg", 0.8, "copy")], "b": [Hit("6.jpg", 0.85, "copy")]}
    (method,) = measure(benchmark(cases, [run(hits)])).methods
    assert method.false is not None
    assert method.shown is not None
    assert (method.false.flagged, method.shown.found, method.shown.cases) == (0, 0, 1)
    assert method.recall_first == 1


def test_a_twin_of_what_a_collage_shows_beside_the_photo_is_neither_true_nor_false() -> None:
    collage = replace(case("a", "1.jpg"), beside=("5.jpg",))
    hits = {"a": [claim("6.jpg", 0.99), claim("1.jpg", 0.9), claim("7.jpg", 0.8)]}
    (method,) = measure(benchmark([collage], [run(hits)], twins=[("5.jpg", "6.jpg")])).methods
    assert method.recall_first == 1
    assert method.false is not None
    assert method.false.wrong == 1


def test_only_probabilities_are_held_against_the_truth() -> None:
    hits = {"a": [Hit("1.jpg", 31.0)]}
    (method,) = measure(benchmark([case("a", "1.jpg")], [run(hits, calibrated=False)])).methods
    assert method.false is None
    assert method.reliability is None
    assert method.micro_ap == 1


def test_a_run_that_knows_only_what_is_shown_has_no_calibration() -> None:
    shown = replace(run({"a": [claim("1.jpg", 0.9)]}), whole=False)
    (method,) = measure(benchmark([case("a", "1.jpg")], [shown])).methods
    assert method.reliability is None
    assert method.false is not None


def test_dismissed_candidates_are_left_out_of_the_second_calibration_error() -> None:
    hits = {"a": [Hit("1.jpg", 0.8, "copy"), Hit("2.jpg", 0.01, "copy"), Hit("3.jpg", 0.0, "copy")]}
    (method,) = measure(benchmark([case("a", "1.jpg")], [run(hits)])).methods
    assert method.reliability is not None
    assert method.reliability.everything.answers == 3
    assert method.reliability.everything.equal_width == pytest.approx((0.2 + 0.01) / 3)
    assert method.reliability.not_dismissed.answers == 1
    assert method.reliability.not_dismissed.equal_width == pytest.approx(0.2)


def test_a_method_that_answers_nothing_has_found_nothing() -> None:
    (method,) = measure(benchmark([case("a", "1.jpg")], [run({})])).methods
    assert method.micro_ap == method.recall_first == method.common.recall == 0
    assert method.common.threshold == math.inf
    assert method.edits["blur"].share == 0


def test_hard_pairs_are_counted_by_group() -> None:
    verdicts = [
        verdict("same_place", "scene", 0.2, may_be_scene=True),
        verdict("same_place", "", 0.0, may_be_scene=True),
        verdict("flat", "copy", 0.97),
        verdict("flat", "exact", 1.0),
        verdict("flat", "part", 0.6),
        verdict("flat", "scene", 0.3),
        verdict("flat", "", 0.1),
    ]
    flat, place = measure(benchmark(hard=verdicts)).hard
    assert (flat.group, flat.pairs, flat.copies, flat.scenes, flat.unfounded, flat.nothing) == (
        *("flat", 5, 3, 1, 1, 1),
    )
    assert (place.pairs, place.copies, place.scenes, place.unfounded, place.nothing) == (
        *(2, 0, 1, 0, 1),
    )
    assert (flat.highest, place.highest) == (1.0, 0.2)
