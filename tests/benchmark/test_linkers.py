"""Ways to make operators of items, on worlds small enough to know the answer."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.links import items as saved
from benchmark.links import link_figures, link_tables, linkers
from benchmark.links.items import Grouping, Items, Measured, Pairs
from benchmark.links.linkers import BEST, METHODS, Linker, connected, tuned
from imagematch.errors import UsageError

OURS, FORMER, ALL, UNCOMMON = METHODS


def items(operators: list[int], *shown: tuple[str, list[int]]) -> Items:
    """Items, each a type and the profiles that show it."""
    rows = [(profile, item) for item, (_, showing) in enumerate(shown) for profile in showing]
    table = np.array(rows, np.int64).reshape(-1, 2)
    return Items(
        tuple(f"site0/{number}" for number in range(len(operators))),
        ("site0",) * len(operators),
        np.array(operators, np.int64),
        tuple(kind for kind, _ in shown),
        tuple(f"item {number}" for number in range(len(shown))),
        table[:, 0],
        table[:, 1],
        np.ones(len(rows)),
        np.zeros(len(operators), np.int64),
    )


def pairs(*rows: tuple[int, int, float]) -> Pairs:
    table = np.array(rows, np.float64).reshape(-1, 3)
    return Pairs(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])


def measured(half: str, world: Items) -> Measured:
    return Measured(1, half, 12, world)


#: Two operators of two and three profiles; a placeholder on four of five; a phone that joins 2.
WORLD = items(
    [0, 0, 1, 1, 1],
    ("photo", [0, 1]),
    ("photo", [2, 3]),
    ("photo", [0, 1, 2, 3]),
    ("phone", [3, 4]),
)


def groups(grouping: Grouping) -> set[frozenset[int]]:
    labels = grouping.labels.tolist()
    return {frozenset(n for n, one in enumerate(labels) if one == label) for label in labels}


def test_components_join_all_that_share_anything() -> None:
    assert groups(ALL.group(WORLD, 0)) == {frozenset(range(5))}
    assert groups(UNCOMMON.group(WORLD, 2)) == {frozenset({0, 1}), frozenset({2, 3, 4})}
    photos = WORLD.only({"photo"})
    assert groups(UNCOMMON.group(photos, 2)) == {
        frozenset({0, 1}),
        frozenset({2, 3}),
        frozenset({4}),
    }


def test_imagematch_joins_what_is_likely_and_says_how_sure_it_is() -> None:
    world = items(
        [0, 0, 0, 1, 1], *[("photo", [0, 1, 2])] * 3, ("phone", [3, 4]), ("photo", [2, 3])
    )
    found = OURS.group(world, 0)
    assert groups(found) == {frozenset({0, 1, 2}), frozenset({3, 4})}
    assert found.links is not None
    sure = dict(
        zip(
            zip(found.links.left.tolist(), found.links.right.tolist(), strict=True),
            found.links.probability.tolist(),
            strict=True,
        )
    )
    assert sure[0, 1] > 0.99
    assert sure[3, 4] > 0.8
    assert groups(FORMER.group(world, 0)) == {frozenset({0, 1, 2, 3}), frozenset({4})}


def test_the_best_knows_the_truth_but_needs_an_item() -> None:
    assert groups(BEST.group(WORLD, 0)) == {frozenset({0, 1}), frozenset({2, 3, 4})}
    assert groups(BEST.group(WORLD.only({"phone"}), 0)) == {
        *(frozenset({n}) for n in range(3)),
        frozenset({3, 4}),
    }


def test_the_setting_with_the_best_f1_is_chosen() -> None:
    assert tuned(UNCOMMON, [WORLD]) == 2
    lone = items([0, 0, 0, 0], ("photo", [0, 1, 2, 3]))
    assert tuned(UNCOMMON, [lone]) == 4
    assert tuned(UNCOMMON, []) == UNCOMMON.settings[0]


def test_pairs_below_a_probability_join_nobody() -> None:
    links = pairs((0, 1, 0.9), (1, 2, 0.4))
    assert groups(connected(WORLD, links, 0.5)) == {
        frozenset({0, 1}),
        *(frozenset({n}) for n in (2, 3, 4)),
    }


def test_items_of_some_types_are_numbered_anew() -> None:
    phones = WORLD.only({"phone"})
    assert (phones.types, phones.names) == (("phone",), ("item 3",))
    assert phones.profile.tolist() == [3, 4]
    assert phones.item.tolist() == [0, 0]
    assert phones.shown_by.tolist() == [2]
    assert WORLD.only(()).shown_by.tolist() == []


# --- saved worlds --------------------------------------------------------------------------------


def test_a_world_is_read_as_it_was_saved(tmp_path: Path) -> None:
    saved.save(measured("tuning", WORLD), tmp_path / "w.json")
    again = saved.load(tmp_path / "w.json")
    assert again.name == "tuning-1"
    assert again.items.profiles == WORLD.profiles
    for name in ("operators", "profile", "item", "confidence", "unshared"):
        assert np.array_equal(getattr(again.items, name), getattr(WORLD, name))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 0}'])
def test_what_is_no_world_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="can't be read as the items of a world"):
        saved.load(tmp_path / "w.json")


def test_a_method_of_ones_own_is_found_by_name() -> None:
    mine = linkers.named("benchmark.links.linkers:all_shared")
    assert mine.settings == (0.0,)
    for text in ("benchmark.links.linkers:nothing", "nowhere:group", "words"):
        with pytest.raises(UsageError, match="there is no method"):
            linkers.named(text)


# --- figures -------------------------------------------------------------------------------------


def test_figures_say_how_well_each_method_does() -> None:
    wrong = Grouping(np.array([0, 0, 0, 3, 4]), pairs((0, 1, 0.9), (1, 2, 0.8)))
    figures = link_figures.measure(
        [measured("tuning", WORLD)],
        [measured("reporting", WORLD)],
        [Linker("wrong", lambda _items, _setting: wrong)],
    )
    assert [method.method for method in figures] == [
        method.method
        for evidence in link_figures.EVIDENCE
        for method in link_tables.of(figures, evidence)
    ]
    by_name = {(method.evidence, method.method): method for method in figures}
    uncommon = by_name["all evidence", UNCOMMON.name]
    assert (uncommon.setting, uncommon.pairs.f1, uncommon.clusters, uncommon.largest) == (
        2,
        1,
        2,
        3,
    )
    given = by_name["photos alone", "wrong"]
    assert given.pairs.precision == pytest.approx(1 / 3)
    assert given.calibration is not None
    assert given.calibration.error == pytest.approx((0.1 + 0.8) / 2)
    (false,) = given.false
    assert (false.left, false.right, false.probability) == ("site0/1", "site0/2", 0.8)
    assert false.shared == ("photo item 2",)
    assert given.missed[0].shared == ("photo item 1", "photo item 2")
    assert given.bands[1].profiles == 5


def test_worlds_are_scored_side_by_side() -> None:
    """Labels of two worlds mean different operators, also where they are the same numbers."""
    one = measured("reporting", items([0, 0], ("photo", [0, 1])))
    figures = link_figures.measure(
        [],
        [one, one],
        [Linker("each alone", lambda its, _: Grouping(np.arange(len(its.profiles))))],
    )
    by_name = {method.method: method for method in figures if method.evidence == "photos alone"}
    assert by_name[ALL.name].pairs.f1 == 1
    assert (by_name[ALL.name].clusters, by_name[ALL.name].largest) == (2, 2)
    assert by_name["each alone"].pairs.recall == 0
    assert by_name["each alone"].calibration is None
