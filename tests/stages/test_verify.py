"""Verify: each pair is judged once, those with the same pixels first, and none waits in memory."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path

import pytest

from imagematch.records import Judgement
from imagematch.runtime.executors import SerialExecutor
from imagematch.runtime.monitor import Unwatched
from imagematch.stages import verify
from imagematch.stores.index import Index
from imagematch.stores.matches import Candidate, MatchStore
from tests.stores.builders import add, create, describe, scanned


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.write(create(tmp_path / "index"), "test") as opened:
        yield opened


def test_pairs_with_the_same_pixels_come_first_and_none_waits_for_others(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly all pairs are of equal pictures; two others, one at each end, would hold them up."""
    photos = describe(index, add(index, *(scanned(f"{number}.jpg") for number in range(30))))
    both = list(combinations(photos, 2))
    pairs = [Candidate(*pair, 60, 0.1, pair not in (both[0], both[-1]), 0, 0) for pair in both]
    index.matches.save_candidates(pairs, photos)
    monkeypatch.setattr(verify, "_BATCH", 10)
    read = 0
    judged: list[Candidate] = []
    most_held = 0
    candidates, save_judged = MatchStore.candidates, MatchStore.save_judged

    def counted(store: MatchStore, *, same_pixels: bool) -> Iterator[Candidate]:
        nonlocal read, most_held
        for pair in candidates(store, same_pixels=same_pixels):
            read += 1
            most_held = max(most_held, read - len(judged))
            yield pair

    def noted(
        store: MatchStore,
        batch: Sequence[tuple[Candidate, Judgement]],
        keep: Sequence[bool],
        run_id: int,
    ) -> None:
        judged.extend(pair for pair, _ in batch)
        save_judged(store, batch, keep, run_id)

    monkeypatch.setattr(MatchStore, "candidates", counted)
    monkeypatch.setattr(MatchStore, "save_judged", noted)
    report = verify.run(index, SerialExecutor(chunk=1), 1, Unwatched())

    assert judged == sorted(pairs, key=lambda pair: not pair.same_pixels)
    assert most_held <= 10
    assert (report.judged, report.matches) == (len(pairs), len(pairs) - 2)
    assert index.matches.counts() == {"exact": len(pairs) - 2}
    assert index.matches.waiting() == 0
