"""What every vector store must do; a backend's test class inherits it and says how to open one."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from imagematch.errors import ShapeError
from imagematch.stores.rows import Subset
from imagematch.stores.vectors import Neighbours, VectorKind, VectorStore

KINDS: tuple[VectorKind, ...] = ("float", "binary")
WIDTHS: dict[VectorKind, int] = {"float": 16, "binary": 8}


def random_vectors(kind: VectorKind, count: int, seed: int = 0, width: int = 0) -> np.ndarray:
    """Vectors without pattern: unit floats, or bytes."""
    rng = np.random.default_rng(seed)
    shape = (count, width or WIDTHS[kind])
    if kind == "binary":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return unit(rng.normal(size=shape))


def crowded_vectors(kind: VectorKind, count: int, seed: int) -> np.ndarray:
    """Vectors of which many are equal, or differ only in the last bits."""
    pool = random_vectors(kind, 4, seed=99)
    rng = np.random.default_rng(seed)
    vectors = pool[rng.integers(0, len(pool), count)]
    if kind == "float":
        vectors = unit(vectors + rng.choice([0, 1e-7], size=vectors.shape))
    return vectors


def unit(vectors: np.ndarray) -> np.ndarray:
    rows: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return rows.astype(np.float32)


def numbers(*ids: int) -> np.ndarray:
    return np.array(ids, dtype=np.int64)


def brute_force(
    known: dict[int, np.ndarray],
    queries: np.ndarray,
    top: int,
    kind: VectorKind,
    limit: float | None = None,
) -> Neighbours:
    """The right answer, by looking at everything in float64."""
    ids = np.full((len(queries), top), -1, dtype=np.int64)
    scores = np.full((len(queries), top), -np.inf if kind == "float" else np.inf, dtype=np.float32)
    for at, query in enumerate(queries):
        found = []
        for name, vector in known.items():
            if kind == "float":
                score = np.float32(np.dot(query.astype(np.float64), vector.astype(np.float64)))
                if limit is None or score >= np.float32(limit):
                    found.append((-score, name, score))
            else:
                score = np.float32(np.bitwise_count(query ^ vector).sum())
                if limit is None or score <= limit:
                    found.append((score, name, score))
        for place, (_, name, score) in enumerate(sorted(found)[:top]):
            ids[at, place], scores[at, place] = name, score
    return Neighbours(ids, scores)


def assert_same(found: Neighbours, wanted: Neighbours) -> None:
    np.testing.assert_array_equal(found.ids, wanted.ids)
    np.testing.assert_array_equal(found.scores, wanted.scores)
    assert found.ids.dtype == np.int64
    assert found.scores.dtype == np.float32


class VectorStoreConformance:
    """Inherit, and implement `open_store`."""

    def open_store(self, directory: Path, kind: VectorKind) -> VectorStore:
        """Open for writing the store of that kind in a directory, of the width in WIDTHS."""
        raise NotImplementedError

    @pytest.fixture(params=KINDS)
    def kind(self, request: pytest.FixtureRequest) -> VectorKind:
        kind: VectorKind = request.param
        return kind

    @pytest.fixture
    def store(self, tmp_path: Path, kind: VectorKind) -> Iterator[VectorStore]:
        with closing(self.open_store(tmp_path, kind)) as store:
            yield store

    def test_new_store_is_empty_and_finds_nothing(
        self, store: VectorStore, kind: VectorKind
    ) -> None:
        stats = store.stats()

        assert (stats.vectors, stats.tombstones, stats.shards) == (0, 0, 0)
        assert (stats.kind, stats.width) == (kind, WIDTHS[kind])
        assert store.ids().tolist() == []
        assert store.verify() == []
        assert_same(
            store.search(random_vectors(kind, 2), 3),
            brute_force({}, random_vectors(kind, 2), 3, kind),
        )

    def test_vector_finds_itself_first(self, store: VectorStore, kind: VectorKind) -> None:
        vectors = random_vectors(kind, 50)
        store.add(np.arange(1, 51), vectors)

        found = store.search(vectors, 1)

        assert found.ids[:, 0].tolist() == list(range(1, 51))
        np.testing.assert_allclose(found.scores, 1 if kind == "float" else 0, atol=1e-6)

    def test_fewer_vectors_than_asked_for_are_filled_up(
        self, store: VectorStore, kind: VectorKind
    ) -> None:
        store.add(numbers(5), random_vectors(kind, 1))

        found = store.search(random_vectors(kind, 1), 3)

        assert found.ids.tolist() == [[5, -1, -1]]
        assert np.isinf(found.scores[0, 1:]).all()

    def test_limit_keeps_what_is_as_near_as_it_says(
        self, store: VectorStore, kind: VectorKind
    ) -> None:
        vectors = random_vectors(kind, 30)
        store.add(np.arange(1, 31), vectors)
        known = dict(enumerate(vectors, start=1))
        # The score of the third neighbour itself: the limit is part of what counts.
        limit = float(brute_force(known, vectors[:1], 3, kind).scores[0, 2])

        found = store.search(vectors[:1], 10, limit=limit)

        assert (found.ids[0] > 0).sum() == 3
        assert_same(found, brute_force(known, vectors[:1], 10, kind, limit))

    def test_of_equal_vectors_the_smaller_ids_are_found(
        self, store: VectorStore, kind: VectorKind
    ) -> None:
        same = np.repeat(random_vectors(kind, 1), 40, axis=0)
        ids = np.random.default_rng(1).permutation(np.arange(1, 121))
        for part in np.split(ids, 3):
            store.add(part, same)

        found = store.search(same[:1], 5)

        assert found.ids.tolist() == [[1, 2, 3, 4, 5]]

    def test_only_vectors_of_a_subset_are_found(self, store: VectorStore, kind: VectorKind) -> None:
        vectors = random_vectors(kind, 60)
        for start in (0, 20, 40):
            store.add(np.arange(start + 1, start + 21), vectors[start : start + 20])
        known = dict(enumerate(vectors, start=1))
        for firsts in ([], [8], [8, 12, 16], [0, 20, 56, 200], list(range(0, 64, 4))):
            among = Subset(numbers(*firsts), 4)
            there = {name: known[name] for name in known if name // 4 * 4 in firsts}
            wanted = brute_force(there, vectors[:9], 5, kind)
            assert_same(store.search(vectors[:9], 5, among=among), wanted)
        among = Subset(numbers(8), 4)
        store.remove(numbers(9, 10))
        assert store.search(vectors[9:10], 3, among=among).ids.tolist()[0].count(-1) == 1
        store.add(numbers(10), vectors[10:11])
        assert 10 in store.search(vectors[9:10], 3, among=among).ids

    def test_removed_vectors_never_come_back(self, store: VectorStore, kind: VectorKind) -> None:
        vectors = random_vectors(kind, 40)
        store.add(np.arange(1, 41), vectors)

        assert store.remove(np.arange(1, 31)) == 30

        found = store.search(vectors[:1], 40)
        assert set(found.ids[0].tolist()) == {-1, *range(31, 41)}
        assert store.ids().tolist() == list(range(31, 41))
        assert store.stats().vectors == 10

    def test_unknown_ids_are_not_removed(self, store: VectorStore, kind: VectorKind) -> None:
        store.add(numbers(1, 2), random_vectors(kind, 2))

        assert store.remove(numbers(2, 2, 3)) == 1
        assert store.remove(numbers(2, 3)) == 0
        assert store.remove(numbers()) == 0

    def test_removed_id_can_be_added_again_with_another_vector(
        self, store: VectorStore, kind: VectorKind
    ) -> None:
        old, new = random_vectors(kind, 2)
        store.add(numbers(7, 8), np.stack([old, old]))
        store.remove(numbers(7))

        store.add(numbers(7), new[None])

        np.testing.assert_array_equal(store.get(numbers(7, 8)), np.stack([new, old]))
        assert store.verify() == []

    def test_get_returns_vectors_in_the_order_asked(
        self, store: VectorStore, kind: VectorKind
    ) -> None:
        vectors = random_vectors(kind, 9)
        store.add(np.arange(9, 0, -1), vectors)

        np.testing.assert_array_equal(
            store.get(numbers(3, 9, 1, 3)), vectors[[6, 0, 8, 6]], strict=True
        )
        assert store.get(numbers()).shape == (0, WIDTHS[kind])

    def test_get_of_an_unknown_id_names_it(self, store: VectorStore, kind: VectorKind) -> None:
        store.add(numbers(1, 2), random_vectors(kind, 2))
        store.remove(numbers(2))

        for missing in (2, 42):
            with pytest.raises(KeyError, match=f"id {missing} "):
                store.get(numbers(1, missing))

    @pytest.mark.parametrize("ids", [(0,), (-3,), (4, 4), (1,)])
    def test_ids_that_are_known_or_repeated_or_not_positive_are_refused(
        self, store: VectorStore, kind: VectorKind, ids: tuple[int, ...]
    ) -> None:
        store.add(numbers(1), random_vectors(kind, 1))

        with pytest.raises(ValueError, match="id"):
            store.add(numbers(*ids), random_vectors(kind, len(ids)))

        assert store.ids().tolist() == [1]

    def test_vectors_that_do_not_fit_are_refused(
        self, store: VectorStore, kind: VectorKind
    ) -> None:
        right = random_vectors(kind, 2)
        other = random_vectors("binary" if kind == "float" else "float", 2, width=WIDTHS[kind])

        wrongs: list[np.ndarray] = [right[:, :-1], right[0], other, right.astype(np.float64)]
        for wrong in wrongs:
            with pytest.raises(ShapeError):
                store.add(numbers(1, 2), wrong)
            with pytest.raises(ShapeError):
                store.search(wrong, 3)
        with pytest.raises(ShapeError):
            store.add(np.array([1.0, 2.0]), right)
        with pytest.raises(ValueError, match="3 ids come with 2 vectors"):
            store.add(numbers(1, 2, 3), right)
        assert store.ids().tolist() == []

    @pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, 2.0])
    def test_float_vector_that_is_not_of_unit_length_is_refused(
        self, tmp_path: Path, bad: float
    ) -> None:
        vectors = random_vectors("float", 2)
        vectors[1] *= bad
        with (
            closing(self.open_store(tmp_path, "float")) as store,
            pytest.raises(ShapeError),
        ):
            store.add(numbers(1, 2), vectors)

    def test_top_below_one_is_refused(self, store: VectorStore, kind: VectorKind) -> None:
        with pytest.raises(ValueError, match="top is 0"):
            store.search(random_vectors(kind, 1), 0)

    def test_no_queries_give_no_neighbours(self, store: VectorStore, kind: VectorKind) -> None:
        store.add(numbers(1), random_vectors(kind, 1))

        assert store.search(random_vectors(kind, 0), 3).ids.shape == (0, 3)

    def test_nothing_added_changes_nothing(self, store: VectorStore, kind: VectorKind) -> None:
        store.add(numbers(), random_vectors(kind, 0))

        assert store.stats().shards == 0

    def test_reopened_store_holds_what_was_stored(self, tmp_path: Path, kind: VectorKind) -> None:
        vectors = random_vectors(kind, 20)
        with closing(self.open_store(tmp_path, kind)) as store:
            store.add(np.arange(1, 21), vectors)
            store.remove(numbers(4))
            before = store.search(vectors, 5)

        with closing(self.open_store(tmp_path, kind)) as store:
            assert 4 not in store.ids()
            np.testing.assert_array_equal(store.get(numbers(20)), vectors[19:])
            assert_same(store.search(vectors, 5), before)
            assert store.verify() == []

    def test_answers_do_not_depend_on_order_batches_or_company(
        self, tmp_path: Path, kind: VectorKind
    ) -> None:
        vectors = np.concatenate([crowded_vectors(kind, 150, 3), random_vectors(kind, 150)])
        ids, queries = np.arange(1, 301), vectors[::6]
        with closing(self.open_store(tmp_path / "one", kind)) as store:
            store.add(ids, vectors)
            together = store.search(queries, 8)
            alone = [store.search(query[None], 8) for query in queries]
        with closing(self.open_store(tmp_path / "many", kind)) as store:
            for part in np.array_split(np.random.default_rng(2).permutation(300), 11):
                store.add(ids[part], vectors[part])
            split = store.search(queries, 8)

        assert_same(split, together)
        for at, one in enumerate(alone):
            assert_same(one, Neighbours(together.ids[at : at + 1], together.scores[at : at + 1]))

    def test_any_history_gives_the_answers_of_brute_force(self, kind: VectorKind) -> None:
        run_state_machine_as_test(
            lambda: _History(self, kind),  # type: ignore[arg-type]  # whatever makes one will do
            settings=settings(
                max_examples=25,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


class _History(RuleBasedStateMachine):
    """Random changes to a store, beside a dict that stands for the truth."""

    def __init__(self, backend: VectorStoreConformance, kind: VectorKind) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._backend, self._kind = backend, kind
        self._known: dict[int, np.ndarray] = {}
        self._store = backend.open_store(Path(self._folder.name), kind)

    def teardown(self) -> None:
        self._store.close()
        self._folder.cleanup()

    @rule(ids=st.sets(st.integers(1, 200), max_size=30), seed=st.integers(0, 2**16))
    def add(self, ids: set[int], seed: int) -> None:
        new = np.random.default_rng(seed).permutation(sorted(ids - self._known.keys()))
        vectors = crowded_vectors(self._kind, len(new), seed)
        self._store.add(new.astype(np.int64), vectors)
        self._known.update(zip(new.tolist(), vectors, strict=True))

    @rule(ids=st.sets(st.integers(1, 200), max_size=60))
    def remove(self, ids: set[int]) -> None:
        assert self._store.remove(numbers(*ids)) == len(ids & self._known.keys())
        for name in ids:
            self._known.pop(name, None)

    @rule()
    def reopen(self) -> None:
        self._store.close()
        self._store = self._backend.open_store(Path(self._folder.name), self._kind)

    @rule(
        seed=st.integers(0, 2**16),
        top=st.integers(1, 40),
        count=st.sampled_from([1, 25]),
        share=st.none() | st.floats(0.1, 1),
        spans=st.none() | st.sets(st.integers(0, 49)),
    )
    def search(
        self, seed: int, top: int, count: int, share: float | None, spans: set[int] | None
    ) -> None:
        queries = np.concatenate(
            [crowded_vectors(self._kind, count, seed), random_vectors(self._kind, 1, seed)]
        )
        limit = share if share is None or self._kind == "float" else round(share * 64)
        among, known = None, self._known
        if spans is not None:
            among = Subset(4 * numbers(*sorted(spans)), 4)
            known = {name: known[name] for name in known if name // 4 in spans}
        wanted = brute_force(known, queries, top, self._kind, limit)
        assert_same(self._store.search(queries, top, limit=limit, among=among), wanted)
        # Again, now that it knows where they are.
        assert_same(self._store.search(queries, top, limit=limit, among=among), wanted)

    @invariant()
    def holds_what_it_should(self) -> None:
        known = np.array(sorted(self._known), dtype=np.int64)
        np.testing.assert_array_equal(self._store.ids(), known)
        if len(known):
            np.testing.assert_array_equal(
                self._store.get(known), np.stack([self._known[name] for name in known.tolist()])
            )
