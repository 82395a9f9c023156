"""Who runs which profiles, by what they show: what joins, what does not, and what it rests on."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import ShapeError
from imagematch.kernels.operators import partition, weights
from imagematch.kernels.operators.code_lengths import CodeLengths
from imagematch.kernels.operators.grouping import group
from imagematch.kernels.operators.partition import Partition
from imagematch.kernels.operators.shown import KINDS, Ints, Shown
from imagematch.records import ItemKind

type Item = tuple[ItemKind, Sequence[int]]


def world(
    profiles: int, items: Sequence[Item], sites: Sequence[int] = (), unshared: int = 0
) -> Shown:
    """What profiles show; each has as many photos of its own as `unshared`."""
    return Shown(
        np.array([KINDS.index(kind) for kind, _ in items], np.int64),
        np.array([profile for _, showing in items for profile in showing], np.int64),
        np.repeat(np.arange(len(items)), [len(showing) for _, showing in items]),
        np.array(sites if len(sites) else np.arange(profiles) % 8, np.int64),
        np.full(profiles, unshared, np.int64),
    )


def grouped(shown: Shown, **pairs: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The groups of two and more, each ascending."""
    asked = {name: np.array(some, np.int64).reshape(-1, 2) for name, some in pairs.items()}
    of = group(shown, CodeLengths(shown), **asked)
    groups = [np.flatnonzero(of == number).tolist() for number in range(of.max(initial=-1) + 1)]
    return [members for members in groups if len(members) > 1]


TEN = range(10)
THREE_PHOTOS: list[Item] = [("photo", TEN)] * 3


# --- what joins ----------------------------------------------------------------------------------


def test_nobody_and_nothing_make_no_groups() -> None:
    assert grouped(world(0, [])) == []
    assert grouped(world(5, [])) == []
    assert grouped(world(3, [("photo", [1])])) == []


def test_three_photos_on_the_same_ten_profiles_join_them() -> None:
    assert grouped(world(10, THREE_PHOTOS)) == [list(TEN)]


def test_a_placeholder_on_everybody_changes_nothing() -> None:
    shown = world(300, [*THREE_PHOTOS, ("photo", range(300))], unshared=1)
    assert grouped(shown) == [list(TEN)]


@pytest.mark.parametrize("unshared", [0, 2])
def test_a_photo_that_twenty_strangers_show_joins_nobody(unshared: int) -> None:
    assert grouped(world(100, [("photo", range(20))], unshared=unshared)) == []


def test_a_photo_alone_joins_a_few_profiles() -> None:
    joined = [len(grouped(world(100, [("photo", range(size))]))) for size in range(2, 9)]
    assert joined == sorted(joined, reverse=True)
    assert joined[0] == 1
    assert joined[-1] == 0


@pytest.mark.parametrize("kind", ["phone", "email", "handle", "crypto", "released"])
def test_what_nobody_else_has_joins_forty_profiles_alone(kind: ItemKind) -> None:
    shown = world(400, [(kind, range(40))], [number % 3 for number in range(400)], unshared=3)
    assert grouped(shown) == [list(range(40))]


def test_a_hotline_on_most_ads_of_a_site_joins_nobody() -> None:
    sites = [0] * 320 + [1] * 100
    items: list[Item] = [("phone", range(300)), ("photo", [3, 4]), ("photo", [3, 4])]
    assert grouped(world(420, items, sites)) == [[3, 4]]


def test_a_number_that_all_of_a_small_site_show_is_an_operators() -> None:
    assert grouped(world(12, [("phone", range(5))], [0] * 5 + [1] * 7)) == [list(range(5))]


def test_a_stolen_photo_joins_no_groups_that_are_well_knit() -> None:
    ours: list[Item] = [("photo", range(6))] * 4
    theirs: list[Item] = [("photo", range(6, 12))] * 3
    stolen: Item = "photo", [0, *range(6, 12)]
    assert grouped(world(12, [*ours, *theirs, stolen])) == [list(range(6)), list(range(6, 12))]


def test_a_phone_joins_sets_of_profiles_with_photos_of_their_own() -> None:
    one: list[Item] = [("photo", range(4))] * 4
    two: list[Item] = [("photo", range(4, 8))] * 4
    assert grouped(world(50, [*one, *two])) == [list(range(4)), list(range(4, 8))]
    assert grouped(world(50, [*one, *two, ("phone", range(8))])) == [list(range(8))]


def test_large_operators_without_a_rare_photo_are_found() -> None:
    """25 profiles, each with four of twelve photos, among strangers with two stock photos."""
    rng = np.random.default_rng(3)
    showing: list[list[int]] = [[] for _ in range(12)]
    for profile in range(25):
        for photo in rng.choice(12, 4, replace=False):
            showing[photo].append(profile)
    stock = [
        sorted([int(rng.integers(25)), *rng.choice(range(25, 300), 20, replace=False)])
        for _ in range(6)
    ]
    items: list[Item] = [("photo", one) for one in [*showing, *stock]]
    assert grouped(world(300, items, unshared=1)) == [list(range(25))]


def test_a_photo_on_thousands_of_profiles_costs_no_pairs() -> None:
    """An operator of 2,000 profiles, each with six of twenty photos that 600 show."""
    rng = np.random.default_rng(1)
    showing: list[list[int]] = [[] for _ in range(20)]
    for profile in range(2000):
        for photo in rng.choice(20, 6, replace=False):
            showing[photo].append(profile)
    items: list[Item] = [("photo", one) for one in showing]
    (members,) = grouped(world(20_000, items, unshared=1))
    assert members == list(range(2000))


def test_pairs_are_bounded_however_many_photos_many_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of twenty photos on twelve of 300 profiles each, pairs are left out; rare ones join still."""
    monkeypatch.setattr(partition, "_MOST_PAIRS", 100)
    rng = np.random.default_rng(5)
    crowded = [sorted(rng.choice(300, 12, replace=False).tolist()) for _ in range(20)]
    shown = world(300, [*(("photo", each) for each in crowded), *THREE_PHOTOS])
    now = Partition(shown, CodeLengths(shown), np.arange(300))
    assert len(now.candidates().left) <= 100
    assert list(TEN) in grouped(shown)


# --- what people say -----------------------------------------------------------------------------


def test_people_join_and_part_profiles() -> None:
    shown = world(12, THREE_PHOTOS)
    assert grouped(shown, together=[(3, 11)]) == [[*TEN, 11]]
    assert grouped(shown, apart=[(0, 9)]) == [list(range(9))]
    assert grouped(shown, apart=[(2, 0), (2, 9), (11, 10)]) == [[0, 1, *range(3, 10)]]


def test_what_is_apart_stays_so_though_others_are_together() -> None:
    assert grouped(world(3, []), together=[(0, 1), (1, 2)], apart=[(0, 2)]) == [[0, 1]]
    shown = world(4, [("phone", range(4))])
    for members in grouped(shown, apart=[(0, 1), (2, 3)]):
        assert not {0, 1} <= set(members)
        assert not {2, 3} <= set(members)


# --- properties ----------------------------------------------------------------------------------

profiles = st.integers(0, 11)
items = st.tuples(st.sampled_from(KINDS), st.sets(profiles, min_size=1).map(sorted))
worlds = st.builds(
    world,
    st.just(12),
    st.lists(items, max_size=8),
    st.lists(st.integers(0, 2), min_size=12, max_size=12),
    st.integers(0, 3),
)
labels = st.lists(st.integers(0, 4), min_size=12, max_size=12).map(
    lambda each: np.array(each, np.int64)
)


def length(shown: Shown, of: Ints) -> float:
    """The whole description, in bits."""
    lengths = CodeLengths(shown)
    now = Partition(shown, lengths, of)
    groups = lengths.group(now.size) + lengths.unshared(now.size, now.alone, now.several)
    return float(groups.sum() + now.cost.sum())


@given(worlds, labels)
def test_what_a_pair_saves_is_what_the_description_gets_shorter_by(shown: Shown, of: Ints) -> None:
    """At least: an item whose home is joined may then find a better one, which is not looked at."""
    now = Partition(shown, CodeLengths(shown), of)
    found = now.candidates()
    for left, right, saved in zip(*found, strict=True):
        joined = np.where(now.of == right, left, now.of)
        assert saved <= length(shown, now.of) - length(shown, joined) + 1e-6
        both = now.saved_by_unions(np.array([left, right]), np.zeros(2, np.int64))
        assert saved == pytest.approx(both[0], abs=1e-6)


@given(worlds)
def test_groups_do_not_depend_on_the_order_of_items(shown: Shown) -> None:
    turned = Shown(
        shown.kinds[::-1],
        shown.profile[::-1],
        shown.items - 1 - shown.item[::-1],
        shown.sites,
        shown.unshared,
    )
    assert grouped(shown) == grouped(turned)


@given(worlds, st.lists(st.tuples(profiles, profiles).filter(lambda p: p[0] != p[1]), max_size=4))
def test_those_that_are_apart_are_never_in_one_group(
    shown: Shown, apart: list[tuple[int, int]]
) -> None:
    for members in grouped(shown, apart=apart, together=[(0, 1), (2, 3)]):
        assert not any({left, right} <= set(members) for left, right in apart)


# --- what groups rest on -------------------------------------------------------------------------


def test_bits_grow_with_rarity_outside_the_group() -> None:
    shown = world(400, [("photo", range(3)), ("photo", range(9)), ("photo", range(90))])
    lengths = CodeLengths(shown)
    rare, common, placeholder = weights.of_items(lengths, np.arange(3), np.array([3, 3, 3]))
    assert rare > common > placeholder
    # A photo that an operator shows thirty times is as rare as one that it shows twice.
    assert weights.of_items(lengths, np.array([1]), np.array([9]))[0] == pytest.approx(rare)


def test_each_profile_is_held_by_what_it_shares() -> None:
    shown = world(12, [*THREE_PHOTOS, ("photo", [9, 10]), ("photo", [9, 10])])
    lengths = CodeLengths(shown)
    of = np.array([0] * 11 + [1])
    held = weights.held(shown, lengths, of)
    for profile in range(11):
        parted = of.copy()
        parted[profile] = 2
        now = Partition(shown, lengths, parted)
        rest = now.of[0 if profile else 1]
        union = np.array([now.of[profile], rest])
        saved = now.saved_by_unions(union, np.zeros(2, np.int64))[0]
        assert held[profile] == pytest.approx(saved, abs=1e-6)
    assert held[11] == 0
    assert held[10] < held[0]


def test_a_group_of_one_lone_photo_is_less_sure_than_each_of_its_profiles() -> None:
    shown = world(3, [("photo", range(3))])
    lengths = CodeLengths(shown)
    of = np.zeros(3, np.int64)
    assert weights.whole(shown, lengths, of)[0] < weights.held(shown, lengths, of).min()


def test_photos_of_ones_own_count_little_against_a_phone() -> None:
    plain, own = (world(50, [("phone", range(40))], unshared=each) for each in (0, 30))
    of = np.array([0] * 40 + list(range(1, 11)))
    for measure in (weights.held, weights.whole):
        few, many = (measure(each, CodeLengths(each), of)[0] for each in (plain, own))
        assert few - 7 < many <= few


def test_probability_is_a_share_that_grows_with_bits() -> None:
    found = weights.probability(np.array([-300.0, 0.0, 1.14, 10.0, 2000.0]))
    assert np.all(np.diff(found) >= 0)
    assert found[0] < 0.001
    assert found[2] == pytest.approx(0.5, abs=0.01)
    assert found[-1] == 1
    assert weights.prior(CodeLengths(world(10, []))) < -10


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError):
        Shown(*(np.zeros(size, np.int64) for size in (1, 2, 3, 4, 4)))
