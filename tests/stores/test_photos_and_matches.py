"""Photos, candidates and matches in the catalogue: each once, in blocks, and only what counts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from imagematch.records import Evidence, Failure, Geometry, Judgement, Locator
from imagematch.stores import matches as matches_module
from imagematch.stores import photos as photos_module
from imagematch.stores.census import Census
from imagematch.stores.index import Index
from imagematch.stores.matches import Candidate, FailedPair
from imagematch.stores.photos import VIEWS, Described, photo_of, vector_id
from imagematch.stores.schema import matches
from tests.stores.builders import (
    add,
    candidate,
    create,
    describe,
    fingerprint,
    match,
    scanned,
    sha,
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        yield opened


@given(st.integers(1, 2**58), st.integers(0, VIEWS - 1))
def test_vector_ids_lead_back_to_their_photo(photo_id: int, view: int) -> None:
    assert photo_of(vector_id(photo_id, view)) == photo_id
    assert vector_id(photo_id, view) < 2**63


# --- photos ------------------------------------------------------------------------------------


def test_pending_photos_can_be_saved_while_they_are_read(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos_module, "MANY", 3)
    root = add(index, *(scanned(f"{number}.jpg") for number in range(10)))
    found = []
    for photo in index.photos.pending(root):
        found.append(photo.id)
        assert photo.locators == (Locator("/ads", f"{photo.id - 1}.jpg"),)
        index.photos.save_described([Described(photo.id, fingerprint(photo.sha256), 0)], "test")
    assert found == list(range(1, 11))
    assert index.photos.count_pending(root) == 0
    assert [photo.id for photo in index.photos.unsearched(root)] == found


def test_photos_of_other_roots_are_not_described(index: Index) -> None:
    first = add(index, scanned("a.jpg", "shared"), scanned("b.jpg"))
    second = add(index, scanned("c.jpg", "shared"), root="/more")
    assert [photo.id for photo in index.photos.pending(second)] == [1]
    assert next(index.photos.pending(second)).locators == (
        Locator("/ads", "a.jpg"),
        Locator("/more", "c.jpg"),
    )
    assert index.photos.count_pending(first) == 2


def test_only_passing_failures_are_tried_again_unless_asked(index: Index) -> None:
    root = add(index, scanned("a.jpg"), scanned("b.jpg"), scanned("c.jpg"))
    failed = [(1, Failure("corrupt", "bad")), (2, Failure("timeout", "slow"))]
    index.photos.save_failed(failed, "here", 1)
    assert index.photos.retry(root, "here") == 1
    assert [photo.id for photo in index.photos.pending(root)] == [2, 3]
    assert index.photos.retry(root, "here", all_failures=True) == 1
    assert index.sightings.count_failed(root) == 0


def test_failures_are_tried_again_by_another_installation_and_stay_old(index: Index) -> None:
    root = add(index, scanned("a.jpg"), scanned("b.jpg"))
    run_id = index.catalogue.last_done("/ads")
    odd = "Traceback \0 \ud800 \u202e"
    index.photos.save_failed([(1, Failure("internal", "bug", odd))], "old", run_id + 1)
    assert index.photos.retry(root, "old") == 0
    assert index.sightings.count_failed(root, run_id) == 1
    assert index.photos.retry(root, "new") == 1
    assert not index.photos.any_failed()
    index.photos.save_failed([(1, Failure("internal", "bug"))], "new", run_id + 2)
    assert index.photos.retry(root, "new") == 0
    # It is no news to who was told of the first time.
    assert index.sightings.count_failed(root, run_id + 1) == 0
    assert index.sightings.failed_files(root, 10, run_id) == [("a.jpg", Failure("internal", "bug"))]
    assert Census(index.catalogue).internal() == (1, 0)
    index.photos.retry(root, "newest")
    index.photos.save_described([Described(1, fingerprint(sha("a.jpg")), 2)], "test")
    index.photos.forget_fingerprints([1])
    index.photos.save_failed([(1, Failure("corrupt", "bad"))], "newest", run_id + 3)
    assert index.sightings.count_failed(root, run_id + 2) == 1  # it was well in between
    (file,) = Census(index.catalogue).failed_files()
    assert (file.path, file.installation) == ("a.jpg", "newest")
    assert index.photos.failure_of(sha("a.jpg")) == Failure("corrupt", "bad")
    assert index.photos.failure_of(sha("b.jpg")) is None


def test_fingerprint_is_found_again_by_bytes_and_by_pixels(index: Index) -> None:
    add(index, scanned("a.jpg"), scanned("b.jpg"))
    index.photos.save_described([Described(2, fingerprint(sha("b.jpg")), 2)], "test")
    assert index.photos.id_of(sha("b.jpg")) == 2
    assert index.photos.id_of(sha("a.jpg")) is None
    pixels = sha(sha("b.jpg"))
    assert index.photos.with_pixels([pixels, "0" * 64]) == {pixels: [2]}
    facts = index.photos.facts([1, 2, 3])
    assert list(facts) == [2]
    assert (facts[2].pdq, facts[2].views, facts[2].pdq_quality) == (sha("b.jpg"), 2, 100)


def test_gated_photo_has_no_vectors(index: Index) -> None:
    add(index, scanned("a.jpg"), scanned("b.jpg"))
    flat = fingerprint(sha("a.jpg"), gate="flat")
    index.photos.save_described([Described(1, flat, len(flat.embeddings))], "test")
    assert index.photos.vector_ids() == ([], [])
    assert index.photos.gates([1, 2]) == {1: "flat"}
    assert index.compare(repair=False) == []


def test_forgotten_fingerprints_take_their_pairs_with_them(index: Index) -> None:
    first, second, third = describe(index, add(index, *(scanned(f"{n}.jpg") for n in range(3))))
    match(index, [(first, second), (second, third)])
    index.matches.save_candidates([candidate(first, third)], [first, second, third])
    index.photos.forget_fingerprints([first])
    assert [(entry.photo_a, entry.photo_b) for entry in index.matches.matches()] == [
        (second, third)
    ]
    assert index.matches.waiting() == 0
    counts = index.photos.counts()
    assert (counts["pending"], counts["described"], counts["views"]) == (1, 2, 4)


# --- candidates and matches --------------------------------------------------------------------


@pytest.fixture
def described(index: Index) -> list[int]:
    return describe(index, add(index, *(scanned(f"{number}.jpg") for number in range(12))))


def test_candidate_is_kept_once_as_it_was_found_first(index: Index, described: list[int]) -> None:
    first, second = described[:2]
    index.matches.save_candidates([candidate(first, second)], [first])
    other = Candidate(first, second, None, 0.1, True, 3, 4)
    index.matches.save_candidates([other], [second])
    assert list(index.matches.candidates(same_pixels=False)) == [candidate(first, second)]
    assert list(index.matches.candidates(same_pixels=True)) == []


def test_pair_that_can_not_be_compared_waits_for_another_installation(
    index: Index, described: list[int]
) -> None:
    pairs = [candidate(described[0], described[1]), candidate(described[2], described[3])]
    index.matches.save_candidates(pairs, [])
    unsure = Judgement("copy", 0.6, Evidence(False, 12, 0.8, None, "unverified"))
    bug = Failure("internal", "bug", "Traceback \0")
    index.matches.save_failed(
        [FailedPair(pairs[0], bug, unsure), FailedPair(pairs[1], bug, None)], "old", 1
    )
    assert index.matches.waiting() == 0
    assert [match.judgement.confidence for match in index.matches.matches()] == [0.6]
    assert (index.matches.count_failed(), index.matches.count_failed(1)) == (2, 0)
    assert [failure.code for failure in index.matches.failures(10)] == ["internal"] * 2
    assert Census(index.catalogue).internal() == (0, 2)
    told = list(Census(index.catalogue).failed_pairs())
    assert told[0].paths == ("/ads/0.jpg", "/ads/1.jpg")
    assert told[0].photos == (sha("0.jpg"), sha("1.jpg"))

    assert index.matches.retry("old") == 0
    assert index.matches.retry("new") == 2
    assert list(index.matches.candidates(same_pixels=False)) == pairs
    assert list(index.matches.matches()) == []
    sure = Judgement("copy", 0.9, Evidence(False, 12, 0.8, None, "geometry"))
    second = index.catalogue.start_run("index", "", "/ads")
    index.matches.save_judged([(pairs[0], sure)], [True], second)
    index.matches.save_failed([FailedPair(pairs[1], bug, None)], "new", second)
    assert index.matches.count_failed() == 1
    assert index.matches.count_failed(1) == 0  # no news
    assert index.matches.retry("new") == 0
    assert index.matches.retry("new", all_failures=True) == 1
    index.photos.forget_fingerprints([described[2]])
    assert not index.matches.any_failed()
    assert index.matches.waiting() == 0


def test_searched_photos_are_not_looked_for_again(index: Index, described: list[int]) -> None:
    root = index.collections.ensure_root(index.collections.get("ads"), Path("/ads"))
    assert index.photos.count_unsearched(root) == 12
    index.matches.save_candidates([], described[:11])
    assert [photo.id for photo in index.photos.unsearched(root)] == described[11:]


def test_candidates_can_be_judged_while_they_are_read(
    index: Index, described: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matches_module, "MANY", 5)
    pairs = [candidate(a, b) for a in described for b in described if a < b]
    index.matches.save_candidates(pairs, [])
    judgement = Judgement("copy", 0.9, Evidence(False, 1, None, None, "geometry"))
    seen = []
    for number, pair in enumerate(index.matches.candidates(same_pixels=False)):
        seen.append(pair)
        index.matches.save_judged([(pair, judgement)], [number % 2 == 0], 1)
    assert seen == pairs
    assert index.matches.waiting() == 0
    kept = [(entry.photo_a, entry.photo_b) for entry in index.matches.matches()]
    assert kept == [(pair.photo_a, pair.photo_b) for pair in pairs[::2]]


def test_pair_is_one_match_and_keeps_the_run_that_found_it(
    index: Index, described: list[int]
) -> None:
    later = index.catalogue.start_run("index", "", "/ads")
    match(index, [(described[0], described[1])], run_id=1)
    match(index, [(described[0], described[1])], run_id=later)
    assert [entry.run_id for entry in index.matches.matches()] == [1]
    assert index.matches.counts() == {"copy": 1}
    with pytest.raises(IntegrityError), index.catalogue.change() as connection:
        connection.execute(
            matches.insert().values(
                photo_a=described[0],
                photo_b=described[1],
                kind="copy",
                confidence=1.0,
                rule="",
                run_id=1,
            )
        )


GEOMETRY = Geometry(
    64,
    0.7,
    0.8,
    0.9,
    0.95,
    0.5,
    True,
    ((1.0, 0.1, 2.5), (0.0, 1.0, 1e-7), (0.0, 0.0, 1.0)),
    "accepted",
)


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(False, 18, 0.8125, GEOMETRY, "geometry"),
        Evidence(False, None, None, None, "unverified"),
        Evidence(True, 0, 1.0, None, "same_pixels"),
        Evidence(
            False, 3, None, Geometry(0, 0, 0, 0, 0, 0, False, None, "few_keypoints"), "geometry"
        ),
    ],
)
def test_evidence_comes_back_as_it_was(
    index: Index, described: list[int], evidence: Evidence
) -> None:
    judgement = Judgement("exact" if evidence.exact else "copy", 0.123456789, evidence)
    pair = candidate(described[0], described[1])
    index.matches.save_judged([(pair, judgement)], [True], 1)
    (stored,) = index.matches.matches()
    assert stored.judgement == judgement


def test_match_of_an_unknown_photo_is_refused(index: Index, described: list[int]) -> None:
    with pytest.raises(IntegrityError):
        match(index, [(described[0], 999)])
    assert list(index.matches.matches()) == []
