"""Decisions in the catalogue: nothing is lost, the latest counts, and two histories merge."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagematch.records import Content
from imagematch.stores import decision_history as decisions_module
from imagematch.stores.index import Index
from tests.stores.builders import add, create, decision, describe, match, scanned, sha

FUTURE = "2999-01-01T00:00:00.000+00:00"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        yield opened


def test_decisions_are_kept_in_the_order_they_were_made(index: Index) -> None:
    made = [
        decision("confirm", "a", "b", note="same scar"),
        decision("reject", "a", "b"),
        decision("reopen", "a", "b"),
    ]
    kept = index.decisions.add(made)
    assert [replace(entry, at="") for entry in index.decisions.history()] == made
    assert index.decisions.history() == kept
    assert [entry.at for entry in kept] == sorted({entry.at for entry in kept})


def test_decision_is_later_than_the_one_it_replaces_even_where_the_clock_was_set_back(
    index: Index,
) -> None:
    index.decisions.merge([decision("confirm", "a", "b", at=FUTURE)])
    [kept] = index.decisions.add([decision("reject", "a", "b")])
    assert kept.at > FUTURE
    [other] = index.decisions.add([decision("reject", "c", "d")])
    assert other.at < FUTURE


def test_merging_twice_changes_nothing(index: Index) -> None:
    others = [decision("confirm", "a", "b", at=FUTURE), decision("keep", "c", at=FUTURE)]
    assert index.decisions.merge(others) == 2
    assert index.decisions.merge(others) == 0
    assert index.decisions.merge([*others, replace(others[0], note="another")]) == 1
    assert len(index.decisions.history()) == 3


def test_what_cannot_be_logged_is_not_kept(index: Index) -> None:
    def full(_: object) -> None:
        raise OSError("no space left on the device")

    with pytest.raises(OSError, match="no space"):
        index.decisions.add([decision("ignore", "a")], full)
    with pytest.raises(OSError, match="no space"):
        index.decisions.merge([decision("ignore", "a", at=FUTURE)], full)
    assert index.decisions.history() == []
    assert index.decisions.unsearched() == set()


def test_near_copies_are_searched_for_of_photos_that_others_ignored(index: Index) -> None:
    others = [decision("ignore", "a", at=FUTURE), decision("keep", "c", at=FUTURE)]
    index.decisions.merge(others)
    assert index.decisions.unsearched() == {others[0].photos[0].sha256}
    index.decisions.searched_around({others[0].photos[0].sha256})
    index.decisions.merge(others)
    assert index.decisions.unsearched() == set()


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        ("line\nbreak\t'; DROP TABLE decisions; --", "line\nbreak\t'; DROP TABLE decisions; --"),
        ("\udcff not UTF-8 \ud800", "\\udcff not UTF-8 \\ud800"),
        ("nul\0byte", "nul\\x00byte"),
        ("\u202e وردة 🌹", "\u202e وردة 🌹"),
        ("n" * 100_000, "n" * 100_000),
    ],
)
def test_any_note_is_kept_readable_and_merges_with_itself(
    index: Index, note: str, kept: str
) -> None:
    [made] = index.decisions.add([decision("ignore", "a", note=note)])
    assert made.note == kept
    assert index.decisions.history() == [made]
    assert index.decisions.merge([made]) == 0


def test_contents_are_found_by_bytes_and_by_pixels(index: Index) -> None:
    describe(index, add(index, scanned("a.jpg"), scanned("b.jpg")))
    add(index, scanned("pending.jpg"), root="/other")
    one = Content(sha("a.jpg"), sha(sha("a.jpg")))
    assert index.decisions.contents([one.sha256]) == {1: one}
    assert index.decisions.contents([one.pixel_sha256]) == {1: one}
    assert index.decisions.contents([sha("pending.jpg")]) == {3: Content(sha("pending.jpg"))}
    assert index.decisions.contents([sha("nowhere")]) == {}


def test_photos_are_found_by_the_beginning_of_their_hash(index: Index) -> None:
    names = [f"{number}.jpg" for number in range(40)]
    add(index, *(scanned(name) for name in names))
    for digits in (1, 2, 12, 64):
        prefix = sha(names[7])[:digits]
        wanted = sorted(sha(name) for name in names if sha(name).startswith(prefix))
        found = index.decisions.beginning_with(prefix, 100)
        assert [content.sha256 for content in found.values()] == wanted
    assert len(index.decisions.beginning_with("", 3)) == 3


def test_matches_of_some_photos_come_once_each(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    from imagematch.stores import matches

    ids = describe(index, add(index, *(scanned(f"{number}.jpg") for number in range(6))))
    pairs = [(1, 2), (1, 3), (2, 5), (4, 5), (5, 6)]
    match(index, pairs)
    for batch in (1, 2, 500):
        monkeypatch.setattr(matches, "MANY", batch)
        for some in ([5], [1, 5], [5, 2], ids, []):
            found = [(found.photo_a, found.photo_b) for found in index.matches.of(some)]
            assert sorted(found) == [pair for pair in pairs if set(pair) & set(some)]


def test_killed_transaction_leaves_no_half_of_a_list(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [decision("ignore", name) for name in "abc"]
    row = decisions_module._row

    def dying(entry: object) -> object:
        if entry.photos[0].sha256 == sha("c"):  # type: ignore[attr-defined]
            raise sqlite3.DatabaseError
        return row(entry)  # type: ignore[arg-type]

    monkeypatch.setattr(decisions_module, "_row", dying)
    with pytest.raises(sqlite3.DatabaseError):
        index.decisions.add(made)
    assert index.decisions.history() == []
