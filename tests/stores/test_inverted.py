"""Large shards: what is left out is far away, lists survive the disk, and no score changes."""

import mmap
from collections import Counter
from contextlib import closing
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import psutil
import pytest

from imagematch.errors import IndexDamaged
from imagematch.records import Bytes, Floats
from imagematch.stores import hamming, inverted, shards
from imagematch.stores.faiss_store import FaissVectorStore
from imagematch.stores.inverted import Lists
from imagematch.stores.repair import repair as repair_store
from imagematch.stores.rows import Subset
from imagematch.stores.vectors import VectorKind
from tests.stores.vector_store_conformance import brute_force, numbers

ROWS, COPIES = 6000, 100
WIDTHS: dict[VectorKind, int] = {"float": 64, "binary": 32}
KINDS = list(WIDTHS)


def crowd(kind: VectorKind, seed: int = 0) -> Floats | Bytes:
    """Vectors that lie about fifty places, as photos of alike things do."""
    rng = np.random.default_rng(seed)
    if kind == "binary":
        places = rng.integers(0, 2, (50, 256))
        flipped = rng.random((ROWS, 256)) < 0.3
        return np.packbits(places[rng.integers(0, 50, ROWS)] ^ flipped, axis=1)
    places = rng.standard_normal((50, 64))
    return unit(places[rng.integers(0, 50, ROWS)] + 1.2 * rng.standard_normal((ROWS, 64)))


def unit(rows: np.ndarray) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def copies(kind: VectorKind, vectors: Floats | Bytes, of: np.ndarray) -> Floats | Bytes:
    """Nearby vectors: 25 bits or fewer away, or with a cosine of about 0.8."""
    rng = np.random.default_rng(1)
    if kind == "binary":
        flips = np.zeros((len(of), 256), np.uint8)
        for row in flips:
            row[rng.choice(256, rng.integers(0, 26), replace=False)] = 1
        return vectors[of] ^ np.packbits(flips, axis=1)
    return unit(vectors[of] + 0.09 * rng.standard_normal((len(of), 64)))


def open_store(directory: Path, kind: VectorKind, *, writable: bool = True) -> FaissVectorStore:
    return FaissVectorStore.open(
        directory, kind, WIDTHS[kind], writable=writable, merge_shards=4, ivf_min_vectors=1000
    )


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> VectorKind:
    found: VectorKind = request.param
    return found


@pytest.fixture
def store(kind: VectorKind, tmp_path: Path) -> Path:
    return made(tmp_path / "store", kind)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    return made(tmp_path / "store", "float")


def made(directory: Path, kind: VectorKind) -> Path:
    """A store of a large shard and of a small one."""
    vectors = crowd(kind)
    with closing(open_store(directory, kind)) as opened:
        opened.add(np.arange(1, 5901), vectors[:5900])
        opened.add(np.arange(5901, 6001), vectors[5900:])
        assert opened.stats().method == "lists"
        assert opened.stats().listed == 5900
    return directory


def test_copies_are_found_with_their_exact_scores(store: Path, kind: VectorKind) -> None:
    vectors = crowd(kind)
    of = np.random.default_rng(2).integers(0, ROWS, COPIES)
    asked = copies(kind, vectors, of)
    with closing(open_store(store, kind, writable=False)) as opened:
        found = opened.search(asked, 5)
    truth = brute_force(dict(enumerate(vectors, start=1)), asked, 5, kind)
    there = found.ids[:, 0] == truth.ids[:, 0]
    assert there.mean() >= 0.99
    assert (found.ids == (of + 1)[:, None]).any(axis=1).mean() >= 0.99
    np.testing.assert_array_equal(found.scores[there, 0], truth.scores[there, 0])


@pytest.mark.parametrize("share", [4, 50])
def test_of_a_subset_the_nearest_are_found_among_many_nearer_rows(
    listed: Path, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every 50th row is looked at, every fourth is what lists propose for an indexed photo; a query
    looks at all of these, too."""
    vectors = crowd("float")
    among = Subset(np.arange(share, ROWS + 1, share), 1)
    there = {name: vectors[name - 1] for name in range(share, ROWS + 1, share)}
    of = np.random.default_rng(2).permutation(list(there))[:COPIES] - 1
    asked = copies("float", vectors, of)
    proposing = Mock(wraps=Lists.propose, side_effect=Lists.propose)
    monkeypatch.setattr(Lists, "propose", lambda *given, **named: proposing(*given, **named))
    with closing(open_store(listed, "float", writable=False)) as opened:
        every = opened.search(asked, 5, among=among)
        assert not proposing.called
        found = opened.search(asked, 5, among=among, high_recall=False)
    assert proposing.called == (share == 4)
    assert set(found.ids.ravel().tolist()) <= there.keys() | {-1}
    truth = brute_force(there, asked, 5, "float")
    assert (every.ids[:, 0] == truth.ids[:, 0]).all()
    same = (found.ids[:, 0] == truth.ids[:, 0]).mean()
    assert same >= 0.99 if share == 4 else same == 1
    assert (found.ids[:, 0] == of + 1).mean() >= 0.95


def test_lists_propose_no_removed_rows(listed: Path) -> None:
    vectors = crowd("float")
    with closing(open_store(listed, "float")) as opened:
        nearest = opened.search(vectors[:1], 40).ids[0]
        opened.remove(nearest[:30])
        found = opened.search(vectors[:1], 10).ids[0].tolist()
    assert len(set(found) - {-1} - set(nearest[:30].tolist())) == 10
    assert len(set(found) & set(nearest[30:].tolist())) >= 8


@pytest.mark.skipif(
    not hasattr(psutil.Process().memory_info(), "shared") or not hasattr(mmap, "MADV_DONTNEED"),
    reason="the system does not tell what is in memory, or can't be told",
)
def test_what_was_compared_does_not_stay_in_memory(tmp_path: Path) -> None:
    """32 MB of vectors in a large shard and 1 MB in small ones, all of which are looked at."""
    rng = np.random.default_rng(4)
    vectors = unit(rng.standard_normal((16_500, 512)))

    def store(merge_shards: int) -> FaissVectorStore:
        return FaissVectorStore.open(
            tmp_path, "float", 512, writable=True, merge_shards=merge_shards, ivf_min_vectors=1000
        )

    with closing(store(2)) as opened:
        opened.add(np.arange(1, 16_001), vectors[:16_000])
        opened.add(np.arange(16_001, 16_251), vectors[16_000:16_250])
        opened.search(vectors[:100], 5)  # loads what all searches share
    with closing(store(1)) as opened:
        before = psutil.Process().memory_info().shared
        opened.search(vectors[::8], 20, high_recall=True)
        opened.get(np.arange(1, 16_251))
        opened.add(np.arange(16_251, 16_501), vectors[16_250:])
        assert opened.stats().shards == 1
        assert opened.verify() == []
        assert psutil.Process().memory_info().shared - before < 8e6
        opened.search(vectors[:20], 800)
        assert psutil.Process().memory_info().shared - before > 20e6  # for the next query


def test_shallow_search_scores_exactly_and_finds_most(store: Path, kind: VectorKind) -> None:
    vectors = crowd(kind)
    of = np.random.default_rng(3).integers(0, ROWS, COPIES)
    asked = copies(kind, vectors, of)
    with closing(open_store(store, kind, writable=False)) as opened:
        found = opened.search(asked, 5, high_recall=False)
        if kind == "binary":
            near = opened.search(asked, 5, limit=31, high_recall=False)
            assert (near.ids[:, 0] == of + 1).mean() >= 0.9
            assert (near.scores[near.ids >= 0] <= 31).all()
    there = found.ids[:, 0] == of + 1
    assert there.mean() >= 0.9
    truth = brute_force(dict(enumerate(vectors, start=1)), asked[there], 1, kind)
    np.testing.assert_array_equal(found.scores[there, 0], truth.scores[:, 0])


def test_deep_search_of_hashes_misses_nothing(tmp_path: Path) -> None:
    vectors = crowd("binary")
    asked = copies("binary", vectors, np.arange(0, ROWS, 300))
    with closing(open_store(tmp_path, "binary")) as opened:
        opened.add(np.arange(1, ROWS + 1), vectors)
        for limit in (None, 64.0):
            found = opened.search(asked, 7, limit=limit)
            truth = brute_force(dict(enumerate(vectors, start=1)), asked, 7, "binary", limit)
            np.testing.assert_array_equal(found.scores, truth.scores)
            np.testing.assert_array_equal(found.ids, truth.ids)


def test_a_search_in_many_shards_with_lists_finds_what_one_would(
    tmp_path: Path, kind: VectorKind
) -> None:
    vectors = crowd(kind)
    of = np.random.default_rng(4).integers(0, ROWS, COPIES)
    with closing(open_store(tmp_path, kind)) as opened:
        for start in range(0, ROWS, 2000):
            opened.add(np.arange(start + 1, start + 2001), vectors[start : start + 2000])
        assert opened.stats().listed_shards == 3
        assert opened.stats().listed == ROWS
        found = opened.search(copies(kind, vectors, of), 5)
    assert (found.ids[:, 0] == of + 1).mean() >= 0.99


def test_removed_vectors_are_not_found(store: Path, kind: VectorKind) -> None:
    vectors = crowd(kind)
    with closing(open_store(store, kind)) as opened:
        opened.remove(numbers(7, 8, 5950))
        found = opened.search(vectors[[6, 7, 5949]], 5)
        assert not np.isin(found.ids, [7, 8, 5950]).any()
        assert opened.stats().method == "lists"


def test_merged_shards_have_lists_of_their_own(tmp_path: Path) -> None:
    vectors = crowd("float")
    with closing(open_store(tmp_path, "float")) as opened:
        for start in range(0, ROWS, 600):
            opened.add(np.arange(start + 1, start + 601), vectors[start : start + 600])
        assert opened.verify() == []
        # Five times 600, four times, and the last.
        assert (opened.stats().shards, opened.stats().listed_shards) == (3, 2)
    names = Counter(path.name.split(".", 1)[1] for path in tmp_path.glob("0*"))
    assert names == {"ids.npy": 3, "lists": 2, "vectors.npy": 3}


def test_a_store_can_do_without_lists(store: Path, kind: VectorKind) -> None:
    vectors = crowd(kind)
    with closing(
        FaissVectorStore.open(store, kind, WIDTHS[kind], writable=True, merge_shards=1)
    ) as opened:
        opened.remove(numbers(ROWS))
        assert opened.stats().method == "exact"
        assert (opened.search(vectors[:50], 1).ids[:, 0] == np.arange(1, 51)).all()
    assert not list(store.glob("*.lists"))


@pytest.mark.parametrize("damage", [b"", b"\0" * 64, None], ids=["cut", "overwritten", "gone"])
def test_damaged_lists_cost_time_and_no_match(listed: Path, damage: bytes | None) -> None:
    vectors = crowd("float")
    [path] = listed.glob("*.lists")
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage + path.read_bytes()[len(damage) :] if damage else b"")
    with closing(open_store(listed, "float", writable=False)) as opened:
        assert (opened.search(vectors[:50], 1).ids[:, 0] == np.arange(1, 51)).all()
        [problem] = opened.verify()
        assert path.name in problem
    repair = repair_store(listed, "float", WIDTHS["float"])
    assert (len(repair.lost), repair.nameless, len(repair.problems)) == (0, 0, 1)
    with closing(open_store(listed, "float", writable=False)) as opened:
        assert opened.verify() == []
        assert opened.stats().method == "lists"


def test_repair_of_a_lost_manifest_brings_the_lists_back(listed: Path) -> None:
    (listed / "manifest.json").unlink()
    assert repair_store(listed, "float", WIDTHS["float"]).problems
    with closing(open_store(listed, "float", writable=False)) as opened:
        assert opened.stats().listed == 5900
        assert opened.verify() == []


def test_a_store_whose_lists_are_damaged_says_that_it_compares_everything(
    listed: Path,
) -> None:
    next(listed.glob("*.lists")).write_bytes(b"")
    with closing(open_store(listed, "float", writable=False)) as opened:
        assert (opened.stats().method, opened.stats().listed_shards) == ("exact", 0)


def test_the_same_vectors_give_the_same_lists(tmp_path: Path) -> None:
    vectors = crowd("float")
    assert Lists.build(vectors).write(tmp_path / "a") == Lists.build(vectors).write(tmp_path / "b")


@pytest.mark.parametrize("width", [1, 3, 4, 64, 95, 128, 150, 384, 768])
def test_vectors_of_any_width_get_lists(width: int) -> None:
    """Any ONNX model may be named in the settings."""
    vectors = unit(np.random.default_rng(width).standard_normal((1000, width)))
    _, rows = Lists.build(vectors).propose(
        vectors, 30, np.ones(len(vectors), bool), high_recall=True
    )
    assert rows.shape == (1000, 30)
    if width > 3:  # in fewer dimensions, a thousand vectors are hardly apart
        assert (rows == np.arange(1000)[:, None]).any(axis=1).mean() > 0.95


def test_lists_with_codes_of_another_kind_are_not_used(
    listed: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What they propose could not be compared with what others do."""
    monkeypatch.setattr(inverted, "_CODES", 16)
    with closing(open_store(listed, "float")) as opened:
        assert "another version" in caplog.text
        assert opened.stats().listed_shards == 0
        assert len(opened.verify()) == 1
    repair_store(listed, "float", WIDTHS["float"])
    with closing(open_store(listed, "float")) as opened:
        assert (opened.stats().listed_shards, opened.verify()) == (1, [])


def test_what_is_not_what_was_written_is_not_read(tmp_path: Path) -> None:
    record = Lists.build(crowd("float")).write(tmp_path / "lists")
    with (tmp_path / "lists").open("r+b") as file:
        file.seek(1000)
        file.write(b"\xff\xff\xff\xff")
    with pytest.raises(IndexDamaged, match="altered"):
        Lists.read(tmp_path / "lists", record)
    with pytest.raises(IndexDamaged, match="can't be read"):
        Lists.read(tmp_path / "none", record)


def test_only_large_shards_have_lists(listed: Path) -> None:
    manifest = shards.read_manifest(listed)
    assert [(entry.rows, entry.lists is not None) for entry in manifest.shards] == [
        (5900, True),
        (100, False),
    ]


def test_hashes_that_share_two_bytes_meet_and_others_do_not(tmp_path: Path) -> None:
    """Whatever the order of rows, removed ones among them, and however often they meet."""
    rng = np.random.default_rng(5)
    vectors = rng.integers(0, 256, (3000, 32), dtype=np.uint8)
    vectors[1000:1500] = vectors[1000]  # a photo that was posted five hundred times
    asked = np.concatenate([vectors[np.arange(0, 3000, 10)], vectors[[1000] * 200]])
    asked[:300] ^= np.packbits(rng.random((300, 256)) < 0.1, axis=1)
    with closing(open_store(tmp_path, "binary")) as opened:
        opened.add(np.arange(1, 3001), vectors)
        opened.remove(np.arange(1100, 1201))
        found = opened.search(asked, 700, limit=64, high_recall=False)
        high_recall = opened.search(asked, 700, limit=64)
    alive = np.setdiff1d(np.arange(3000), np.arange(1099, 1200))
    for query, ids, scores, all_ids in zip(
        asked, found.ids, found.scores, high_recall.ids, strict=True
    ):
        same = vectors[alive] == query
        meet = (same & np.roll(same, -1, axis=1)).any(axis=1)
        bits = np.bitwise_count(vectors[alive] ^ query).sum(axis=1)
        assert set(ids[ids >= 0]) == set(alive[meet & (bits <= 64)] + 1)
        assert set(all_ids[all_ids >= 0]) == set(alive[bits <= 64] + 1)
        assert (np.diff(scores[ids >= 0]) >= 0).all()


def test_few_hashes_are_compared_with_all(tmp_path: Path) -> None:
    store, vectors = made(tmp_path / "store", "binary"), crowd("binary")
    far = vectors[:20].astype(np.uint8)
    far[:, ::2] ^= 1  # no two bytes side by side are left as they were
    with closing(open_store(store, "binary", writable=False)) as opened:
        assert (
            opened.search(far, 1, limit=16, high_recall=False).ids[:, 0] == np.arange(1, 21)
        ).all()
        others = np.random.default_rng(6).integers(0, 256, (hamming._MANY, 32), dtype=np.uint8)
        many = np.concatenate([far, others])
        assert (opened.search(many, 1, limit=16, high_recall=False).ids[:20] == -1).all()


def test_equal_hashes_get_the_answer_of_each_alone(tmp_path: Path) -> None:
    store, vectors = made(tmp_path / "store", "binary"), crowd("binary")
    asked = vectors[[7, 3, 7, 7, 3, 9]]
    with closing(open_store(store, "binary", writable=False)) as opened:
        found = opened.search(asked, 3, limit=64)
        alone = [opened.search(query[None], 3, limit=64) for query in asked]
    assert (found.ids == np.concatenate([one.ids for one in alone])).all()
    assert (found.scores == np.concatenate([one.scores for one in alone])).all()


def test_lists_of_hashes_that_older_versions_wrote_are_swept(tmp_path: Path) -> None:
    made(tmp_path / "store", "binary")
    old = tmp_path / "store/000001.lists"
    old.write_bytes(b"centres and rows")
    with closing(open_store(tmp_path / "store", "binary")) as opened:
        assert opened.verify() == []
    assert not old.exists()
