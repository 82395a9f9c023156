"""What people said of operators, as it holds: of two profiles, the latest decision counts."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import OperatorDecision, OperatorVerdict, Profile
from imagematch.stages.operator_constraints import constraints, in_force, standing_between

PROFILES = [Profile("site", handle) for handle in "abcdef"]
NUMBER = {profile: place for place, profile in enumerate(PROFILES)}


@st.composite
def histories(draw: st.DrawFn) -> list[OperatorDecision]:
    made = []
    for time in range(draw(st.integers(0, 8))):
        either = draw(st.lists(st.sampled_from(PROFILES), min_size=2, max_size=6, unique=True))
        cut = draw(st.integers(1, len(either) - 1))
        verdict: OperatorVerdict = draw(st.sampled_from(["same", "not_same", "reopen"]))
        left, right = (tuple(sorted(side)) for side in (either[:cut], either[cut:]))
        made.append(OperatorDecision(left, right, verdict, "anna", f"{time}"))
    return made


def latest(history: list[OperatorDecision], one: Profile, two: Profile) -> OperatorDecision | None:
    """By the definition."""
    about = [
        each
        for each in history
        if (one in each.left and two in each.right) or (two in each.left and one in each.right)
    ]
    return about[-1] if about and about[-1].verdict != "reopen" else None


@given(histories())
def test_the_latest_decision_about_two_profiles_counts(history: list[OperatorDecision]) -> None:
    found = constraints(history, NUMBER)
    counting = []
    for one, two in product(range(6), repeat=2):
        said = latest(history, PROFILES[one], PROFILES[two])
        if one < two:
            assert found.made.get((one, two)) == said
        counting += [said] if said else []
    assert [each in counting for each in history] == in_force(history)
    assert list(found.standing) == [each for each in history if each in counting]


@given(histories(), st.integers(1, 5))
def test_what_stands_between_two_sides_is_about_one_of_each(
    history: list[OperatorDecision], cut: int
) -> None:
    sides = PROFILES[:cut], PROFILES[cut:]
    wanted = {latest(history, one, two) for one, two in product(*sides)} - {None}
    assert list(standing_between(history, *sides)) == [each for each in history if each in wanted]


@given(histories())
def test_clusters_that_are_one_operator_are_held_together_by_few_pairs(
    history: list[OperatorDecision],
) -> None:
    together = {tuple(pair) for pair in constraints(history[-1:], NUMBER).together.tolist()}
    if not history or history[-1].verdict != "same":
        assert not together
        return
    last = history[-1]
    lefts, rights = ([NUMBER[each] for each in side] for side in (last.left, last.right))
    assert len(together) == len(lefts) + len(rights) - 1


def test_profiles_are_found_whatever_a_database_spells_out() -> None:
    odd = Profile("site", "nul\0 \ud800")
    said = OperatorDecision(
        (Profile("site", "nul\\x00 \\ud800"),), (PROFILES[0],), "same", "anna", "1"
    )
    assert list(constraints([said], {odd: 0, PROFILES[0]: 1}).made) == [(0, 1)]
