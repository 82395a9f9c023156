"""The FAISS store: the conformance suite, and what its files go through."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imagematch.errors import IndexDamaged, IndexMissing, IndexTooNew, ShapeError
from imagematch.stores import durable, exact, hamming, mmap_advice, rows, shards
from imagematch.stores.durable import FileRecord
from imagematch.stores.faiss_store import FaissVectorStore, choose_merge
from imagematch.stores.repair import repair as repair_store
from imagematch.stores.shards import ShardEntry
from imagematch.stores.vectors import VectorKind, VectorStore
from tests.stores.vector_store_conformance import (
    WIDTHS,
    VectorStoreConformance,
    assert_same,
    brute_force,
    crowded_vectors,
    numbers,
    random_vectors,
)

NO_FILE = FileRecord(0, "")


def open_store(
    directory: Path, *, kind: VectorKind = "float", writable: bool = True, merge_shards: int = 4
) -> FaissVectorStore:
    return FaissVectorStore.open(
        directory, kind, WIDTHS[kind], writable=writable, merge_shards=merge_shards
    )


def filled(directory: Path, batches: int = 3, size: int = 10, merge_shards: int = 99) -> np.ndarray:
    """Fill a float store with ids from 1, some removed, and return their vectors."""
    vectors = random_vectors("float", batches * size)
    with closing(open_store(directory, merge_shards=merge_shards)) as store:
        for start in range(0, len(vectors), size):
            store.add(np.arange(start + 1, start + size + 1), vectors[start : start + size])
        store.remove(numbers(2))
    return vectors


def state(directory: Path, *, writable: bool) -> dict[int, bytes]:
    with closing(open_store(directory, writable=writable)) as store:
        assert store.verify() == []
        ids = store.ids()
        return dict(zip(ids.tolist(), map(bytes, store.get(ids)), strict=True))


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


class TestFaissStore(VectorStoreConformance):
    def open_store(self, directory: Path, kind: VectorKind) -> VectorStore:
        return open_store(directory, kind=kind)


class TestFaissStoreInSmallBlocks(VectorStoreConformance):
    """The same with every block border in reach of a test."""

    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rows, "BLOCK_ROWS", 7)
        monkeypatch.setattr(rows, "_GATHERED", 3)
        monkeypatch.setattr(hamming, "_ROWS", 3)
        monkeypatch.setattr(hamming, "_DISTANCES", 8)
        monkeypatch.setattr(exact, "SLACK", 1)
        monkeypatch.setattr(exact, "PAIRS", 5)
        monkeypatch.setattr(exact, "SHARE", 5)
        monkeypatch.setattr(shards, "COPY_ROWS", 3)
        monkeypatch.setattr(exact, "_FEW", 1)
        monkeypatch.setattr(mmap_advice, "_AT_ONCE", 2)

    def open_store(self, directory: Path, kind: VectorKind) -> VectorStore:
        return open_store(directory, kind=kind)


# --- search ------------------------------------------------------------------------------------


def test_scores_are_the_same_bits_in_any_company(tmp_path: Path) -> None:
    # FAISS itself fails this at 20 queries: its sums change with the shape of the call.
    vectors = random_vectors("float", 3000, width=512)
    with closing(
        FaissVectorStore.open(tmp_path, "float", 512, writable=True, merge_shards=99)
    ) as store:
        for start in range(0, 3000, 750):
            store.add(np.arange(start + 1, start + 751), vectors[start : start + 750])
        many = store.search(vectors[:256], 15)
        one = [store.search(vectors[at : at + 1], 15) for at in range(256)]
    with closing(
        FaissVectorStore.open(tmp_path / "one", "float", 512, writable=True, merge_shards=99)
    ) as store:
        store.add(np.arange(1, 3001), vectors)
        in_one_shard = store.search(vectors[:256], 15)

    np.testing.assert_array_equal(np.concatenate([each.scores for each in one]), many.scores)
    np.testing.assert_array_equal(np.concatenate([each.ids for each in one]), many.ids)
    assert_same(in_one_shard, many)


def test_scores_are_those_of_float64(tmp_path: Path) -> None:
    vectors = random_vectors("float", 200)
    with closing(open_store(tmp_path)) as store:
        store.add(np.arange(1, 201), vectors)
        # A query need not have unit length; this one makes rounding errors large.
        queries = 1000 * random_vectors("float", 30, seed=5)

        found = store.search(queries, 200)

    assert_same(found, brute_force(dict(enumerate(vectors, 1)), queries, 200, "float"))


@pytest.mark.parametrize("kind", ["float", "binary"])
def test_more_ties_than_slack_at_the_border_are_resolved_by_id(
    tmp_path: Path, kind: VectorKind
) -> None:
    near, far = random_vectors(kind, 2)
    vectors = np.stack([near, *[far] * 200])
    ids = np.concatenate([[1000], np.random.default_rng(0).permutation(np.arange(1, 201))])
    with closing(open_store(tmp_path, kind=kind)) as store:
        store.add(ids, vectors)
        store.remove(np.arange(1, 90))

        found = store.search(near[None], 4)

    assert found.ids.tolist() == [[1000, 90, 91, 92]]


# --- layout ------------------------------------------------------------------------------------


def test_shards_are_plain_arrays_and_the_manifest_is_json(tmp_path: Path) -> None:
    vectors = filled(tmp_path)

    manifest = json.loads((tmp_path / "manifest.json").read_text())

    assert [shard["rows"] for shard in manifest["shards"]] == [10, 10, 10]
    assert manifest["shards"][0]["removed"] == [1]
    assert np.load(tmp_path / "000002.ids.npy").tolist() == list(range(11, 21))
    np.testing.assert_array_equal(np.load(tmp_path / "000002.vectors.npy"), vectors[10:20])
    assert manifest["shards"][1]["vectors"] == {
        "bytes": (tmp_path / "000002.vectors.npy").stat().st_size,
        "sha256": durable.file_record(tmp_path / "000002.vectors.npy").sha256,
    }


def test_opening_changes_no_byte(tmp_path: Path) -> None:
    filled(tmp_path)
    before = files(tmp_path)

    for writable in (False, True):
        open_store(tmp_path, writable=writable, merge_shards=2).close()

    assert files(tmp_path) == before


def test_merging_drops_what_was_removed_and_changes_no_answer(tmp_path: Path) -> None:
    vectors = filled(tmp_path)
    known = {at: vector for at, vector in enumerate(vectors, 1) if at not in (2, 25)}
    with closing(open_store(tmp_path, merge_shards=1)) as store:
        store.remove(numbers(25))

        stats = store.stats()
        assert (stats.vectors, stats.tombstones, stats.shards) == (28, 0, 1)
        assert_same(store.search(vectors, 12), brute_force(known, vectors, 12, "float"))
        assert store.verify() == []


def test_small_shards_are_merged_beyond_the_limit(tmp_path: Path) -> None:
    filled(tmp_path, batches=12, merge_shards=4)

    with closing(open_store(tmp_path)) as store:
        stats = store.stats()
    assert stats.shards <= 4
    assert stats.vectors == 119
    assert len(files(tmp_path)) == 1 + 2 * stats.shards


def test_shard_that_is_mostly_removed_is_rewritten(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(open_store(tmp_path)) as store:
        store.remove(np.arange(11, 17))

        assert store.stats().tombstones == 1
        assert store.stats().vectors == 23


def test_store_emptied_and_refilled_never_reuses_a_shard_number(tmp_path: Path) -> None:
    filled(tmp_path, batches=1)
    with closing(open_store(tmp_path)) as store:
        store.remove(np.arange(1, 99))
        assert store.stats().bytes == 0
    with closing(open_store(tmp_path)) as store:
        store.add(numbers(1), random_vectors("float", 1))

    assert set(files(tmp_path)) == {"manifest.json", "000002.ids.npy", "000002.vectors.npy"}


def entries(*sizes: int) -> list[ShardEntry]:
    return [ShardEntry(at, rows, NO_FILE, NO_FILE) for at, rows in enumerate(sizes, 1)]


def test_adding_little_to_a_million_never_rewrites_the_million() -> None:
    sizes = [1_000_000]
    written = 0
    for _ in range(40):
        sizes.append(256)
        while group := choose_merge(entries(*sizes), 16):
            assert 0 not in group
            merged = sum(sizes[at] for at in group)
            written += merged
            sizes = [size for at, size in enumerate(sizes) if at not in group] + [merged]
    assert sum(sizes) == 1_000_000 + 40 * 256
    assert written < 4 * 40 * 256


def test_growing_batch_by_batch_rewrites_a_vector_only_a_few_times() -> None:
    sizes: list[int] = []
    written = 0
    for _ in range(400):
        sizes.append(256)
        while group := choose_merge(entries(*sizes), 16):
            merged = sum(sizes[at] for at in group)
            written += merged
            sizes = [size for at, size in enumerate(sizes) if at not in group] + [merged]
    assert written < 3 * 400 * 256


def test_four_shards_with_lists_of_about_one_size_become_one() -> None:
    few = [ShardEntry(at, 20_000, NO_FILE, NO_FILE, (), NO_FILE) for at in range(1, 4)]
    large = ShardEntry(9, 300_000, NO_FILE, NO_FILE, (), NO_FILE)
    assert choose_merge([*few, large], 16) == []
    assert choose_merge([few[0], large, *few[1:], replace(few[0], rows=60_000)], 16) == [0, 2, 3, 4]


def test_number_of_shards_stays_within_the_limit_for_any_sizes() -> None:
    random.seed(3)
    sizes: list[int] = []
    for _ in range(500):
        sizes.append(int(10 ** random.uniform(0, 6)))
        while group := choose_merge(entries(*sizes), 2):
            assert len(group) > 1
            merged = sum(sizes[at] for at in group)
            sizes = [size for at, size in enumerate(sizes) if at not in group] + [merged]
        assert len(sizes) <= 2


# --- readers beside the writer -----------------------------------------------------------------


def test_reader_keeps_its_state_while_the_writer_merges(tmp_path: Path) -> None:
    vectors = filled(tmp_path)
    with closing(open_store(tmp_path, writable=False)) as reader:
        before = reader.search(vectors, 5)
        with closing(open_store(tmp_path, merge_shards=1)) as writer:
            writer.add(numbers(500), random_vectors("float", 1, seed=9))
            assert writer.stats().shards == 1

        assert_same(reader.search(vectors, 5), before)
        assert 500 not in reader.ids()
    assert 500 in state(tmp_path, writable=False)


def test_reader_that_loses_the_race_against_a_merge_opens_the_newer_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    real = shards.open_shard
    races: list[ShardEntry] = []

    def merge_first(
        directory: Path, entry: ShardEntry, kind: VectorKind, width: int
    ) -> shards.Shard:
        if not races:
            races.append(entry)
            with closing(open_store(tmp_path, merge_shards=1)) as writer:
                writer.remove(numbers(1))
        return real(directory, entry, kind, width)

    monkeypatch.setattr(shards, "open_shard", merge_first)
    with closing(open_store(tmp_path, writable=False)) as reader:
        assert reader.stats().shards == 1
        assert len(reader.ids()) == 28


def test_reader_can_not_write(tmp_path: Path) -> None:
    filled(tmp_path)
    with closing(open_store(tmp_path, writable=False)) as reader:
        for change in (
            lambda: reader.add(numbers(99), random_vectors("float", 1)),
            lambda: reader.remove(numbers(1)),
        ):
            with pytest.raises(ValueError, match="reading only"):
                change()


def test_closed_store_says_so(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.close()

    with pytest.raises(ValueError, match="closed"):
        store.ids()


# --- killed ------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it has an effect."""


def kill_at(step: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the first `step` calls that change or sync files pass, and fail every later one."""
    calls: list[str] = []

    def guarded(name: str) -> Callable[..., object]:
        real = getattr(os, name)

        def call(*args: object, **kwargs: object) -> object:
            calls.append(name)
            if len(calls) > step:
                raise Killed
            return real(*args, **kwargs)

        return call

    for name in ("fsync", "replace", "unlink"):
        monkeypatch.setattr(os, name, guarded(name))
    return calls


def add_batch(store: FaissVectorStore) -> None:
    store.add(np.arange(101, 111), random_vectors("float", 10, seed=7))


CHANGES: dict[str, tuple[int, Callable[[FaissVectorStore], object]]] = {
    "add": (99, add_batch),
    "add and merge": (3, add_batch),
    "remove": (99, lambda store: store.remove(numbers(1, 12, 13))),
    "remove and rewrite": (99, lambda store: store.remove(np.arange(3, 9))),
    "remove a whole shard": (99, lambda store: store.remove(np.arange(1, 11))),
    "remove and merge": (1, lambda store: store.remove(numbers(1))),
}


@pytest.mark.parametrize("change", CHANGES)
def test_store_killed_at_any_step_is_in_the_old_or_the_new_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    merge_shards, act = CHANGES[change]
    filled(tmp_path / "old")
    shutil.copytree(tmp_path / "old", tmp_path / "new")
    with closing(open_store(tmp_path / "new", merge_shards=merge_shards)) as store:
        act(store)
    old, new = (state(tmp_path / name, writable=False) for name in ("old", "new"))
    reached, step = set(), 0
    while True:
        directory = tmp_path / f"killed at {step}"
        shutil.copytree(tmp_path / "old", directory)
        store = open_store(directory, merge_shards=merge_shards)
        with monkeypatch.context() as patch:
            kill_at(step, patch)
            try:
                act(store)
            except Killed:
                finished = False
            else:
                finished = True
        found = state(directory, writable=False)
        assert found in (old, new)
        assert state(directory, writable=True) == found
        assert_only_named_files(directory)
        reached.add(found == new)
        if finished:
            break
        step += 1
    assert found == new
    assert step >= 3
    assert reached == {False, True} or old == new


def assert_only_named_files(directory: Path) -> None:
    named = {"manifest.json"}
    for shard in json.loads((directory / "manifest.json").read_text())["shards"]:
        named |= {f"{shard['number']:06d}.{part}.npy" for part in ("ids", "vectors")}
    assert set(files(directory)) == named


def test_store_killed_while_it_is_created_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in range(4):
        directory = tmp_path / str(step)
        with monkeypatch.context() as patch:
            calls = kill_at(step, patch)
            try:
                open_store(directory).close()
            except Killed:
                assert len(calls) > step
        assert state(directory, writable=True) == {}


def test_number_of_a_failed_add_is_not_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    store = open_store(tmp_path, merge_shards=99)
    real = durable.fsync_directory
    synced: list[Path] = []

    def fail_after_the_manifest(directory: Path) -> None:
        synced.append(directory)
        if len(synced) == 3:  # ids, vectors, manifest
            raise OSError(errno.EIO, "input/output error")
        real(directory)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "fsync_directory", fail_after_the_manifest)
        with pytest.raises(OSError, match="input/output"):
            add_batch(store)
    with monkeypatch.context() as patch:
        kill_at(6, patch)  # both files of the next shard are there, the manifest is not
        with pytest.raises(Killed):
            store.add(numbers(200), random_vectors("float", 1))

    found = state(tmp_path, writable=False)

    assert len(found) == 39
    assert 200 not in found


WRITER = """
    import sys
    from pathlib import Path
    import numpy as np
    from imagematch.stores.faiss_store import FaissVectorStore

    def vector(seed):
        one = np.random.default_rng(seed).normal(size=16)
        return (one / np.linalg.norm(one)).astype(np.float32)

    store = FaissVectorStore.open(
        Path(sys.argv[1]), "float", 16, writable=True, merge_shards=4
    )
    start = int(store.ids().max(initial=0)) + 1
    while True:
        ids = np.arange(start, start + 5)
        store.add(ids, np.stack([vector(seed) for seed in ids]))
        print(start + 4, flush=True)
        start += 5
"""


@pytest.mark.slow
def test_store_of_a_process_that_is_really_killed_keeps_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    random.seed(1)
    last = 0
    for _ in range(10):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        process.stdout.readline()  # so that each round gets somewhere before it is killed
        time.sleep(random.uniform(0, 0.15))
        process.kill()
        lines = process.stdout.read().split("\n")
        process.wait()
        acknowledged = max([int(line) for line in lines[:-1]], default=last + 5)

        with closing(open_store(tmp_path, writable=False)) as store:
            ids = store.ids()
            assert ids.tolist() == list(range(1, len(ids) + 1))
            assert len(ids) in (acknowledged, acknowledged + 5)
            assert len(ids) > last
            rng = np.random.default_rng(len(ids))
            wanted = rng.normal(size=16)
            np.testing.assert_allclose(
                store.get(ids[-1:])[0], wanted / np.linalg.norm(wanted), atol=1e-6
            )
            assert store.verify() == []
        last = len(ids)


# --- disk full ---------------------------------------------------------------------------------


def test_full_disk_leaves_the_store_as_it_was_and_usable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    before, old = files(tmp_path), state(tmp_path, writable=False)
    store = open_store(tmp_path)
    for file in range(3):  # ids, vectors, manifest
        with monkeypatch.context() as patch:
            fill_disk(patch, after=file)
            with pytest.raises(OSError, match="disk full"):
                add_batch(store)
        assert len(store.ids()) == len(old)
        assert state(tmp_path, writable=False) == old
        if file < 2:
            assert files(tmp_path) == before  # what was written has given its space back
    open_store(tmp_path).close()
    assert files(tmp_path) == before

    add_batch(store)

    assert len(state(tmp_path, writable=False)) == len(old) + 10


def test_full_disk_while_merging_does_not_fail_the_add(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    filled(tmp_path)
    store = open_store(tmp_path, merge_shards=3)
    fill_disk(monkeypatch, after=3)

    add_batch(store)

    assert "could not be merged" in caplog.text
    assert len(state(tmp_path, writable=False)) == 39


def fill_disk(patch: pytest.MonkeyPatch, after: int) -> None:
    """Let so many files be written, then none."""
    real = durable.atomic_file
    written: list[Path] = []

    def atomic_file(path: Path) -> AbstractContextManager[durable.Writer]:
        written.append(path)
        if len(written) > after:
            raise OSError(errno.ENOSPC, "disk full")
        return real(path)

    patch.setattr(durable, "atomic_file", atomic_file)


# --- damage ------------------------------------------------------------------------------------


def test_reader_of_nothing_is_told_that_there_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="no vector store"):
        open_store(tmp_path / "nowhere", writable=False)
    assert not (tmp_path / "nowhere").exists()


def test_store_of_another_kind_or_width_is_refused(tmp_path: Path) -> None:
    filled(tmp_path)

    with pytest.raises(ShapeError, match="float vectors of width 16, not binary of width 8"):
        open_store(tmp_path, kind="binary")
    with pytest.raises(ShapeError, match="not float of width 17"):
        FaissVectorStore.open(tmp_path, "float", 17, writable=True, merge_shards=4)


def flip(path: Path, at: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


DAMAGE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "manifest cut short": ("manifest.json", cut),
    "manifest empty": ("manifest.json", lambda path: path.write_bytes(b"")),
    "manifest a list": ("manifest.json", lambda path: path.write_text("[]")),
    "manifest altered": (
        "manifest.json",
        lambda path: path.write_text(path.read_text().replace('"removed": [1]', '"removed": [2]')),
    ),
    "manifest gone": ("manifest.json", Path.unlink),
    "vectors cut short": ("000002.vectors.npy", cut),
    "vectors gone": ("000002.vectors.npy", Path.unlink),
    "ids gone": ("000002.ids.npy", Path.unlink),
    "ids of another type": (
        "000002.ids.npy",
        lambda path: path.write_bytes(path.read_bytes().replace(b"<i8", b"<f8")),
    ),
    "vectors not an array": (
        "000002.vectors.npy",
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
    ),
}


@pytest.mark.parametrize("writable", [False, True])
@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_file_is_named_on_open_with_the_next_step(
    tmp_path: Path, damage: str, writable: bool
) -> None:
    filled(tmp_path)
    name, harm = DAMAGE[damage]
    harm(tmp_path / name)
    before = files(tmp_path)

    with pytest.raises(IndexDamaged) as caught:
        open_store(tmp_path, writable=writable)

    assert str(tmp_path / name) in str(caught.value)
    assert "imagematch doctor --repair" in str(caught.value)
    assert files(tmp_path) == before


def test_manifest_of_a_newer_version_is_not_taken_for_damage(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"format": 2, "anything": []}')

    with pytest.raises(IndexTooNew, match="format 2"):
        open_store(tmp_path)
    with pytest.raises(IndexTooNew):
        repair_store(tmp_path, "float", 16)


@pytest.mark.parametrize("name", ["000002.vectors.npy", "000002.ids.npy"])
def test_verify_finds_a_single_flipped_bit(tmp_path: Path, name: str) -> None:
    filled(tmp_path)
    flip(tmp_path / name)

    with closing(open_store(tmp_path, writable=False)) as store:
        problems = store.verify()

    assert any(name in problem and "checksum" in problem for problem in problems)


def test_merge_refuses_to_hide_damage(tmp_path: Path) -> None:
    filled(tmp_path)
    flip(tmp_path / "000002.vectors.npy")
    before = files(tmp_path)

    with (
        closing(open_store(tmp_path, merge_shards=1)) as store,
        pytest.raises(IndexDamaged, match=r"000002\.vectors\.npy was altered"),
    ):
        store.remove(numbers(1))

    after = files(tmp_path)
    assert {**after, "manifest.json": before["manifest.json"]} == before


def test_verify_finds_what_checksums_can_not(tmp_path: Path) -> None:
    # Written by a faulty program: whole files with wrong content.
    vectors = random_vectors("float", 3)
    vectors[1, 0] = np.nan
    first = shards.write_shard(tmp_path, 1, numbers(3, 2, 5), [vectors], np.float32, 16)
    second = shards.write_shard(
        tmp_path, 2, numbers(5, 6), [random_vectors("float", 2)], np.float32, 16
    )
    shards.write_manifest(tmp_path, shards.Manifest("float", 16, 3, (first, second)))

    with closing(open_store(tmp_path, writable=False)) as store:
        problems = "\n".join(store.verify())

    assert "000001.ids.npy holds ids that are not positive, ascending and unique" in problems
    assert "000001.vectors.npy holds 1 vector that is not finite" in problems
    assert "1 id more than once, for instance 5" in problems


def test_repair_of_a_sound_store_changes_no_byte(tmp_path: Path) -> None:
    filled(tmp_path)
    before = files(tmp_path)

    repair = repair_store(tmp_path, "float", 16)

    assert (repair.lost.tolist(), repair.nameless, repair.rebuilt) == ([], 0, False)
    assert repair.problems == ()
    assert files(tmp_path) == before


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
def test_repair_drops_a_damaged_shard_and_names_the_lost_ids(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    vectors = filled(tmp_path)
    harm(tmp_path / "000001.vectors.npy")

    repair = repair_store(tmp_path, "float", 16)

    assert repair.lost.tolist() == [1, *range(3, 11)]
    assert (repair.nameless, repair.rebuilt) == (0, False)
    assert "000001.vectors.npy" in repair.problems[0]
    with closing(open_store(tmp_path)) as store:
        assert store.verify() == []
        store.add(repair.lost, vectors[repair.lost - 1])
        assert store.ids().tolist() == [1, *range(3, 31)]


def test_repair_counts_what_it_can_not_name(tmp_path: Path) -> None:
    filled(tmp_path)
    flip(tmp_path / "000001.ids.npy")

    repair = repair_store(tmp_path, "float", 16)

    assert (repair.lost.tolist(), repair.nameless) == ([], 9)
    assert list(state(tmp_path, writable=True)) == list(range(11, 31))


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
def test_repair_rebuilds_a_lost_manifest_from_the_shards(
    tmp_path: Path, harm: Callable[[Path], object]
) -> None:
    vectors = filled(tmp_path)
    with closing(open_store(tmp_path, merge_shards=99)) as store:
        store.add(numbers(2), vectors[20:21])  # again, with another vector
    harm(tmp_path / "manifest.json")
    cut(tmp_path / "000003.vectors.npy")
    (tmp_path / "000009.ids.npy").write_bytes(b"no array")
    shutil.copy(tmp_path / "000001.vectors.npy", tmp_path / "000009.vectors.npy")

    repair = repair_store(tmp_path, "float", 16)

    assert repair.rebuilt
    found = state(tmp_path, writable=True)
    assert list(found) == list(range(1, 21))
    assert found[2] == bytes(vectors[20])
    assert found[1] == bytes(vectors[0])


def test_crowded_store_survives_any_order_of_batches(tmp_path: Path) -> None:
    vectors = crowded_vectors("float", 400, seed=1)
    ids = np.random.default_rng(0).permutation(np.arange(1, 401))
    with closing(open_store(tmp_path)) as store:
        for start in range(0, 400, 23):
            store.add(ids[start : start + 23], vectors[start : start + 23])
        found = store.search(vectors[:40], 7)

    known = dict(zip(ids.tolist(), vectors, strict=True))
    assert_same(found, brute_force(known, vectors[:40], 7, "float"))
