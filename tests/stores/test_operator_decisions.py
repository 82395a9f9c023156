"""What people said of operators, in the catalogue: nothing is lost, and two histories merge."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from imagematch.records import OperatorDecision, OperatorVerdict, Profile
from imagematch.stores.index import Index
from tests.stores.builders import create, decision

FUTURE = "2999-01-01T00:00:00.000+00:00"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        yield opened


def said(
    left: str,
    right: str,
    verdict: OperatorVerdict = "same",
    *,
    who: str = "anna",
    at: str = "",
    note: str = "",
) -> OperatorDecision:
    """A decision about profiles, each of one letter."""
    lefts, rights = (tuple(Profile("site", one) for one in side) for side in (left, right))
    return OperatorDecision(lefts, rights, verdict, who, at, note)


def unlogged(_: object) -> None:
    pass


def full(_: object) -> None:
    raise OSError("no space left on the device")


def merged(index: Index, *others: OperatorDecision) -> int:
    return index.decisions.merge([], also=partial(index.operator_decisions.merge, others=others))


def test_decisions_are_kept_in_the_order_they_were_made(index: Index) -> None:
    made = [said("ab", "c", note="tattoo"), said("a", "c", "not_same"), said("a", "c", "reopen")]
    kept = [index.operator_decisions.add(each, unlogged) for each in made]
    assert index.operator_decisions.history() == kept
    assert [replace(each, at="") for each in kept] == made
    assert [each.at for each in kept] == sorted({each.at for each in kept})


def test_decision_is_later_than_all_others_even_where_the_clock_was_set_back(
    index: Index,
) -> None:
    merged(index, said("a", "b", at=FUTURE))
    assert index.operator_decisions.add(said("c", "d", "not_same"), unlogged).at > FUTURE


def test_merging_twice_changes_nothing(index: Index) -> None:
    others = [said("a", "b", at=FUTURE), said("ab", "c", at=FUTURE)]
    assert merged(index, *others) == 2
    assert merged(index, *others) == 0
    assert merged(index, *others, replace(others[0], note="another")) == 1
    # The order of a side's profiles says nothing.
    turned = replace(others[1], left=tuple(reversed(others[1].left)))
    assert merged(index, turned, turned) == 0


def test_what_cannot_be_logged_is_not_kept(index: Index) -> None:
    with pytest.raises(OSError, match="no space"):
        index.operator_decisions.add(said("a", "b"), full)
    both = (
        [decision("keep", "a", at=FUTURE)],
        partial(index.operator_decisions.merge, others=[said("a", "b", at=FUTURE)]),
    )
    with pytest.raises(OSError, match="no space"):
        index.decisions.merge(both[0], full, both[1])
    assert index.operator_decisions.history() == []
    assert index.decisions.history() == []


def test_what_is_new_of_both_kinds_is_logged_together(index: Index) -> None:
    logged: list[int] = []
    also = partial(index.operator_decisions.merge, others=[said("a", "b", at=FUTURE)])
    for _ in range(2):
        index.decisions.merge([decision("keep", "a", at=FUTURE)], logged.append, also)
    assert logged == [2, 0]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("line\nbreak\t'; DROP TABLE decisions; --", "line\nbreak\t'; DROP TABLE decisions; --"),
        ("\udcff not UTF-8 \ud800", "\\udcff not UTF-8 \\ud800"),
        ("nul\0byte", "nul\\x00byte"),
        ("\u202e وردة 🌹", "\u202e وردة 🌹"),
        ("n" * 100_000, "n" * 100_000),
    ],
)
def test_any_name_and_note_is_kept_readable_and_merges_with_itself(
    index: Index, words: str, kept: str
) -> None:
    left, right = (Profile(words, words),), (Profile("site", "b"),)
    made = index.operator_decisions.add(
        OperatorDecision(left, right, "same", words, "", words), unlogged
    )
    assert made.left == (Profile(kept, kept),)
    assert (made.note, made.who) == (kept, kept)
    assert index.operator_decisions.history() == [made]
    assert merged(index, made) == 0
