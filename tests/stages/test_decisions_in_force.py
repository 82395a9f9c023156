"""Decisions as they apply: the latest about the same contents, whatever order they came in."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import VERDICTS, About, Content, Decision, Evidence, Judgement, Kind
from imagematch.stages.decisions_in_force import CONFIRMED, DecisionsInForce
from imagematch.stores.decision_history import order
from imagematch.stores.matches import StoredMatch

#: Four photos; the first two show the same pixels.
A1, A2, B, C = (Content(name * 64, pixels * 64) for name, pixels in ("1a", "2a", "3b", "4c"))
KNOWN = {1: A1, 2: A2, 3: B, 4: C}
_TIMES = [f"2026-05-09T05:12:31.{number:03}+00:00" for number in range(1000)]


def decision(verdict: str, *photos: Content, at: int = 0, kind: Kind | None = "copy") -> Decision:
    about: About = "match" if len(photos) == 2 else "ignore"
    return Decision(about, tuple(sorted(photos)), verdict, "anna", _TIMES[at], "", kind)  # type: ignore[arg-type]


def stored(
    photo_a: int, photo_b: int, kind: Kind = "copy", confidence: float = 0.97
) -> StoredMatch:
    evidence = Evidence(kind == "exact", 12, 0.8, None, "geometry")
    return StoredMatch(photo_a, photo_b, Judgement(kind, confidence, evidence), 7)


def pairs(decided: DecisionsInForce, *matches: StoredMatch) -> set[tuple[int, int]]:
    return {(match.photo_a, match.photo_b) for match in decided.applied(matches)}


histories = st.lists(
    st.sampled_from(sorted(VERDICTS)).flatmap(
        lambda about: st.builds(
            Decision,
            st.just(about),
            st.sampled_from(
                [(A1, B), (A2, B), (A1, C), (B, C)] if about == "match" else [(A1,), (A2,), (B,)]
            ),
            st.sampled_from(VERDICTS[about]),
            st.just("anna"),
            st.sampled_from(_TIMES),
        )
    ),
    max_size=8,
    unique_by=lambda decision: decision.at,
)


# --- the history -------------------------------------------------------------------------------


@given(histories)
def test_of_everything_said_about_one_thing_the_latest_alone_is_in_force(
    history: list[Decision],
) -> None:
    history.sort(key=order)
    decided = DecisionsInForce(history, KNOWN)
    for about in VERDICTS:
        for subject in ([A1], [A2], [B], [C]) if about != "match" else ([A1, B], [A2, B], [B, C]):
            same = [
                made
                for made in history
                if made.about == about
                and sorted(photo.pixel_sha256 for photo in made.photos)
                == sorted(photo.pixel_sha256 for photo in subject)
            ]
            assert decided.latest(about, subject) == (same[-1] if same else None)
            in_force = [made for made in same if decided.in_force(made)]
            assert in_force == [made for made in same[-1:] if made.verdict != "reopen"]


@given(histories, histories, st.data())
def test_two_histories_merge_to_the_same_in_any_order(
    ours: list[Decision], theirs: list[Decision], data: st.DataObject
) -> None:
    together = [*ours, *theirs]
    other_way = data.draw(st.permutations(together))
    one, two = (
        DecisionsInForce(sorted(set(some), key=order), KNOWN) for some in (together, other_way)
    )
    assert one.ignored == two.ignored
    matches = [stored(*pair) for pair in ((1, 3), (2, 3), (1, 4), (3, 4))]
    assert list(one.applied(matches)) == list(two.applied(matches))


@given(histories)
def test_a_decision_that_reopens_everything_leaves_what_was_measured(
    history: list[Decision],
) -> None:
    history.sort(key=order)
    late = "2027-01-01T00:00:00.000+00:00"
    reopened = [Decision(made.about, made.photos, "reopen", "berta", late) for made in set(history)]
    decided = DecisionsInForce([*history, *reopened], KNOWN)
    matches = [stored(1, 3), stored(3, 4, "scene", 0.2)]
    assert list(decided.applied(matches)) == matches
    assert not decided.ignored


# --- matches -----------------------------------------------------------------------------------


def test_a_rejected_pair_is_gone_for_all_files_with_the_same_pixels() -> None:
    decided = DecisionsInForce([decision("reject", A1, B)], KNOWN)
    assert pairs(decided, stored(1, 3), stored(2, 3), stored(3, 4)) == {(3, 4)}


def test_a_rejection_by_bytes_holds_after_the_photo_is_decoded_in_another_way() -> None:
    before = Content(A1.sha256, "f" * 64)
    assert pairs(DecisionsInForce([decision("reject", before, B)], KNOWN), stored(1, 3)) == set()


def test_a_photo_that_was_not_described_when_it_was_decided_about_is_known_by_its_bytes() -> None:
    decided = DecisionsInForce([decision("reject", Content(A1.sha256), B)], KNOWN)
    assert pairs(decided, stored(1, 3), stored(2, 3)) == set()


def test_a_confirmed_pair_is_certain_and_keeps_its_evidence() -> None:
    [match] = DecisionsInForce([decision("confirm", B, C)], KNOWN).applied(
        [stored(3, 4, confidence=0.6)]
    )
    assert (match.judgement.kind, match.judgement.confidence) == ("copy", 1.0)
    assert match.judgement.evidence.rule == CONFIRMED
    assert match.judgement.evidence.pdq_distance == 12
    assert match.decision is not None


def test_a_confirmed_pair_stays_what_it_was_when_a_later_run_judges_it_lower() -> None:
    decided = DecisionsInForce([decision("confirm", B, C, kind="part")], KNOWN)
    [lower] = decided.applied([stored(3, 4, "scene", 0.1)])
    [missing] = decided.applied([])
    for match in (lower, missing):
        assert (match.photo_a, match.photo_b) == (3, 4)
        assert (match.judgement.kind, match.judgement.confidence) == ("part", 1.0)
    assert missing.run_id == 0


def test_a_confirmed_lead_stays_a_lead() -> None:
    decided = DecisionsInForce([decision("confirm", B, C, kind="scene")], KNOWN)
    [match] = decided.applied([stored(3, 4, "scene", 0.2)])
    assert (match.judgement.kind, match.judgement.confidence) == ("scene", 0.2)
    [missing] = decided.applied([])
    assert (missing.judgement.kind, missing.judgement.confidence) == ("scene", 0.0)


def test_a_confirmed_pair_of_photos_that_the_index_does_not_have_is_nothing_here() -> None:
    stranger = Content("9" * 64)
    assert pairs(DecisionsInForce([decision("confirm", B, stranger)], KNOWN)) == set()


# --- the ignore list ---------------------------------------------------------------------------


def ignoring(*history: Decision, matches: list[StoredMatch]) -> DecisionsInForce:
    decided = DecisionsInForce(history, KNOWN)
    decided.add_near_copies(matches)
    return decided


def test_sure_copies_of_an_ignored_photo_are_ignored_and_nothing_else_is() -> None:
    for kind, confidence, near in (
        ("copy", 0.95, {4}),
        ("exact", 1.0, {4}),
        ("copy", 0.85, set()),
        ("part", 0.99, set()),
        ("scene", 0.3, set()),
    ):
        match = stored(3, 4, kind, confidence)  # type: ignore[arg-type]
        decided = ignoring(decision("ignore", B), matches=[match])
        assert decided.near_copies.keys() == near
        assert pairs(decided, match) == set()


def test_a_copy_of_a_copy_is_not_ignored() -> None:
    decided = ignoring(decision("ignore", B), matches=[stored(3, 4), stored(1, 4)])
    assert decided.ignored.keys() == {3, 4}


def test_a_near_copy_counts_again_when_somebody_says_so() -> None:
    match = stored(3, 4)
    for exception in (decision("reopen", C, at=1), decision("reject", B, C, at=1)):
        decided = ignoring(decision("ignore", B), exception, matches=[match])
        assert decided.ignored.keys() == {3}


def test_files_with_the_pixels_of_an_ignored_photo_are_ignored() -> None:
    for history in permutations([decision("ignore", A1), decision("ignore", A2, at=1)]):
        assert DecisionsInForce(sorted(history, key=order), KNOWN).ignored.keys() == {1, 2}


# --- queries -----------------------------------------------------------------------------------


def test_a_query_with_the_bytes_or_pixels_of_a_rejected_photo_is_ruled_like_it() -> None:
    decided = DecisionsInForce([decision("reject", A1, B)], KNOWN)
    found = stored(1, 3).judgement
    same_bytes, same_pixels = Content(A1.sha256, "e" * 64), Content("e" * 64, A1.pixel_sha256)
    assert decided.on_query(same_bytes, 3, found).rejected
    assert decided.on_query(same_pixels, 3, found).rejected
    assert not decided.on_query(Content("e" * 64, "d" * 64), 3, found).rejected
    assert not decided.on_query(same_bytes, 4, found).rejected


def test_a_query_is_told_of_confirmed_photos_that_no_search_finds() -> None:
    decided = DecisionsInForce([decision("confirm", A1, B)], KNOWN)
    found = decided.confirmed_with(Content("e" * 64, A2.pixel_sha256))
    assert {photo_id: judged.confidence for photo_id, judged in found.items()} == {3: 1.0}
    assert decided.confirmed_with(B).keys() == {1, 2}
    assert decided.confirmed_with(C) == {}
