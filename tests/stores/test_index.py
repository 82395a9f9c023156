"""An index as a whole: made in one piece, and catalogue and vectors that stay together."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from imagematch import settings as settings_module
from imagematch.errors import (
    IndexDamaged,
    IndexLocked,
    IndexMissing,
    IndexUnavailable,
    PresetMismatch,
    UsageError,
)
from imagematch.presets import with_preset
from imagematch.settings import DEFAULTS
from imagematch.stores import layout
from imagematch.stores.index import EmbedderRecord, HeldIndex, Index, repair_vectors
from imagematch.stores.photos import photo_of, vector_id
from tests.stores.builders import (
    HASHES,
    MODEL,
    OTHER_MODEL,
    add,
    create,
    describe,
    match,
    scanned,
    store_vectors,
)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return create(tmp_path / "index")


def filled(directory: Path, count: int = 4) -> list[int]:
    """Describe some photos, with a match between the first two; returns their ids."""
    with Index.write(directory, "test") as index:
        ids = describe(index, add(index, *(scanned(f"{n}.jpg") for n in range(count))))
        match(index, [(ids[0], ids[1])])
    return ids


# --- held open ---------------------------------------------------------------------------------


def test_who_may_only_read_sees_what_others_write(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite is told then that nobody writes, so that it needs no file beside the catalogue."""
    monkeypatch.setattr(os, "access", lambda *_: False)
    with closing(HeldIndex(directory)) as held:
        for known in (0, 2, 4):
            with held.state() as index:
                assert index.photos.counts()["described"] == len(index.pdq.ids()) == known
            with Index.write(directory, "test") as writer:
                describe(writer, add(writer, *(scanned(f"{known + n}.jpg") for n in range(2))))


def test_nothing_is_opened_again_once_it_was_closed(directory: Path) -> None:
    """As by a thread that was about to read when another one closed it."""
    held = HeldIndex(directory)
    about_to_read = held.state()
    held.close()
    held.close()
    with pytest.raises(UsageError, match="open it again"), about_to_read:
        pass


# --- making one --------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process: nothing in the code may catch it."""


def die(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.parametrize("step", ["save_settings", "make_stores", "Catalogue.create"])
def test_creation_killed_between_steps_leaves_no_index_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(f"imagematch.stores.index.{step}", die)
        with pytest.raises(Killed):
            create(tmp_path)
    with pytest.raises(IndexMissing, match="imagematch index FOLDER"), Index.read(tmp_path):
        pass
    create(tmp_path)
    with Index.read(tmp_path) as index:
        assert index.compare(repair=False) == []
        assert index.embedder == MODEL


def test_existing_index_keeps_its_settings_and_embedder(directory: Path) -> None:
    other = replace(DEFAULTS, store=replace(DEFAULTS.store, batch=7))
    with Index.create(directory, "test", other, OTHER_MODEL) as index:
        assert index.settings == DEFAULTS
        assert index.embedder == MODEL


def test_vectors_without_a_catalogue_do_not_get_into_a_new_index(directory: Path) -> None:
    filled(directory)
    (directory / "catalogue.sqlite").unlink()
    (directory / "vectors" / "pdq" / "manifest.json").write_bytes(b"damaged")
    with Index.create(directory, "test", DEFAULTS, MODEL) as index:
        assert [stats.vectors for stats in index.store_stats().values()] == [0, 0]


def test_files_that_are_not_of_the_index_are_left_alone(tmp_path: Path) -> None:
    for name in ("vectors/logos/1.svg", "vectors/readme.txt", "photo.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    create(tmp_path)
    with Index.write(tmp_path, "test"):
        pass
    assert (tmp_path / "vectors/logos/1.svg").read_bytes() == b"mine"
    assert (tmp_path / "vectors/readme.txt").read_bytes() == b"mine"


def test_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with (
        pytest.raises(IndexUnavailable, match="can't be made"),
        Index.create(tmp_path / "file" / "index", "test", DEFAULTS, MODEL),
    ):
        pass


def test_second_writer_is_refused_and_a_reader_is_not(directory: Path) -> None:
    with Index.write(directory, "test"):
        with pytest.raises(IndexLocked), Index.write(directory, "test"):
            pass
        with Index.read(directory) as reader:
            assert reader.photos.counts()["all"] == 0


def test_reader_cannot_change_vectors(directory: Path) -> None:
    filled(directory)
    with Index.read(directory) as reader:
        with pytest.raises(ValueError, match="reading only"):
            reader.remove_vectors([1])
        assert reader.compare(repair=False) == []


def test_reader_keeps_working_while_photos_are_added_and_removed(directory: Path) -> None:
    ids = filled(directory)
    with Index.read(directory) as reader:
        with Index.write(directory, "test") as writer:
            describe(writer, add(writer, scanned("new.jpg"), root="/more"))
            gallery = writer.collections.get("ads")
            writer.remove_vectors(writer.collections.remove(gallery))
        vectors = reader.pdq.get(np.array([vector_id(ids[0])]))
        assert reader.pdq.search(vectors, 1).ids.tolist() == [[vector_id(ids[0])]]
        assert reader.photos.facts(ids).keys() == set(ids)  # as when it was opened


def test_note_of_the_embedder_that_is_damaged_is_said(directory: Path) -> None:
    with Index.write(directory, "test") as index:
        index.catalogue.put("embedder", '{"preset": 1}')
    with pytest.raises(IndexDamaged, match="embedder"), Index.read(directory):
        pass


@given(st.text(), st.text(max_size=20), st.integers(0, 4096))
def test_embedder_record_survives_the_catalogue(preset: str, name: str, dimensions: int) -> None:
    record = EmbedderRecord(preset, replace(MODEL.identity, name=name), dimensions)
    assert EmbedderRecord.from_json(record.to_json()) == record


# --- vectors and catalogue ---------------------------------------------------------------------


def problems(index: Index) -> list[str]:
    """What is wrong with the vectors, after reading them all."""
    return [
        problem for store in (index.pdq, index.embeddings) if store for problem in store.verify()
    ]


def assert_whole(directory: Path) -> None:
    with Index.read(directory) as index:
        assert index.compare(repair=False) == []
        assert problems(index) == []


def test_vectors_of_a_run_killed_before_its_commit_are_forgotten(directory: Path) -> None:
    filled(directory)
    with Index.write(directory, "test") as index:
        root = add(index, scanned("new.jpg"), root="/more")
        store_vectors(index, root)
    with Index.write(directory, "test") as index:
        assert index.settle() == []  # opening has done it
        assert index.photos.count_pending(root) == 1
        assert describe(index, root)
    assert_whole(directory)
    entries = [json.loads(line) for line in (directory / "audit.jsonl").read_text().splitlines()]
    assert [entry["event"] for entry in entries] == ["settled"]
    assert entries[0]["details"]["found"] == [
        "1 PDQ vector belongs to no described photo",
        "2 embedding vectors belong to no described photo",
    ]


def test_photo_whose_embedding_is_lost_is_described_again(directory: Path) -> None:
    ids = filled(directory)
    with Index.write(directory, "test") as index:
        assert index.embeddings is not None
        index.embeddings.remove(np.array([vector_id(ids[0], 1)]))
    with Index.write(directory, "test") as index:
        assert index.photos.counts()["pending"] == 1
        assert list(index.matches.matches()) == []
        assert index.compare(repair=False) == []
        root = index.collections.ensure_root(index.collections.get("ads"), Path("/ads"))
        assert describe(index, root) == ids[:1]
    assert_whole(directory)


def test_lost_hash_comes_back_from_the_catalogue_without_the_photo(directory: Path) -> None:
    ids = filled(directory)
    lost = np.array([vector_id(photo) for photo in ids[:3]])
    with Index.write(directory, "test") as index:
        before = index.pdq.get(lost)
        index.pdq.remove(lost)
    with Index.write(directory, "test") as index:
        assert (index.pdq.get(lost) == before).all()
        assert index.photos.counts()["pending"] == 0
        assert len(list(index.matches.matches())) == 1
    assert_whole(directory)


@pytest.mark.parametrize("embedder", [MODEL, HASHES])
def test_deleted_vectors_are_made_again(tmp_path: Path, embedder: EmbedderRecord) -> None:
    directory = create(tmp_path / "index", embedder)
    filled(directory)
    shutil.rmtree(directory / "vectors")
    with pytest.raises(IndexMissing), Index.read(directory):
        pass
    with Index.write(directory, "test") as index:
        root = index.collections.ensure_root(index.collections.get("ads"), Path("/ads"))
        describe(index, root)
        assert index.photos.counts()["described"] == 4
    assert_whole(directory)


def test_equal_numbers_do_not_hide_a_difference_from_compare(directory: Path) -> None:
    ids = filled(directory)
    with Index.write(directory, "test") as index:
        root = add(index, scanned("new.jpg"), root="/more")
        store_vectors(index, root)
        index.remove_vectors(ids[:1])
        assert index.settle() == []
        assert len(index.compare(repair=False)) == 4
        assert len(index.compare(repair=True)) == 4
        assert index.compare(repair=False) == []
        assert index.photos.counts()["pending"] == 2


OPERATIONS = st.lists(
    st.sampled_from(["add", "half", "describe", "lose", "orphan", "remove", "reopen"]), max_size=8
)


@given(OPERATIONS, st.randoms(use_true_random=False))
@hypothesis_settings(max_examples=5, deadline=None)
def test_opening_settles_whatever_killed_runs_leave(operations: list[str], chance: object) -> None:
    with tempfile.TemporaryDirectory() as place:
        directory = create(Path(place))
        for number, operation in enumerate([*operations, "reopen"]):
            with Index.write(directory, "test") as index:
                assert index.compare(repair=False) == []
                root = add(index, scanned("first.jpg", f"{number}"), root=f"/{number}")
                apply(index, operation, root, chance)
        with Index.write(directory, "test") as index:
            assert index.compare(repair=False) == []
            for number in range(len(operations) + 1):
                collection = index.collections.ensure("ads", "ads")
                describe(index, index.collections.ensure_root(collection, Path(f"/{number}")))
            assert index.photos.counts()["pending"] == 0
        assert_whole(directory)


def apply(index: Index, operation: str, root: int, chance: object) -> None:
    alive = sorted({photo_of(int(vector)) for vector in index.pdq.ids()})
    some = chance.choice(alive) if alive else 0  # type: ignore[attr-defined]
    if operation == "half":
        store_vectors(index, root)
    elif operation == "describe":
        describe(index, root)
    elif operation == "lose":
        index.remove_vectors([some])
    elif operation == "orphan":
        index.photos.forget_fingerprints([some])
    elif operation == "remove":
        index.collections.remove(index.collections.get("ads"))


def test_temporary_files_of_killed_writers_are_swept(directory: Path) -> None:
    left = [
        directory / ".settings.toml.0a1b.partial",
        directory / "vectors" / "pdq" / ".x.partial",
    ]
    for path in left:
        path.write_bytes(b"half")
    with Index.write(directory, "test"):
        pass
    assert not any(path.exists() for path in left)


# --- damage ------------------------------------------------------------------------------------


def test_repair_drops_damaged_shards_and_the_rest_is_settled(directory: Path) -> None:
    filled(directory)
    store = directory / "vectors" / MODEL.directory
    vectors = next(store.glob("*.vectors.npy"))
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    with Index.read(directory) as index:
        assert any("checksum" in problem for problem in problems(index))
    assert len(repair_vectors(directory, "test")) == 1
    with Index.write(directory, "test") as index:
        assert index.photos.counts()["pending"] == 4
    assert_whole(directory)


def test_repair_of_an_index_that_is_well_changes_no_byte(directory: Path) -> None:
    filled(directory)
    before = {path: path.read_bytes() for path in (directory / "vectors").rglob("*.*")}
    assert repair_vectors(directory, "test") == []
    assert {path: path.read_bytes() for path in (directory / "vectors").rglob("*.*")} == before


# --- another embedder --------------------------------------------------------------------------


def test_vectors_of_two_models_are_never_mixed(directory: Path) -> None:
    with Index.read(directory) as index:
        index.require_embedder(MODEL)
        with pytest.raises(PresetMismatch, match="--redescribe"):
            index.require_embedder(OTHER_MODEL)


def test_change_of_the_embedder_describes_everything_again(directory: Path) -> None:
    filled(directory)
    with Index.write(directory, "test") as index:
        index.change_embedder(OTHER_MODEL)
        assert index.photos.counts()["pending"] == 4
        assert index.settings.describe.preset == "thorough"
        assert index.compare(repair=False) == []
    with Index.write(directory, "test") as index:
        assert index.embedder == OTHER_MODEL
        assert index.settings.describe.preset == "thorough"
    stores = sorted(path.name for path in (directory / "vectors").iterdir())
    assert stores == [OTHER_MODEL.directory, "pdq"]


STEPS = ["make_stores", "PhotoStore.forget_fingerprints", "save_settings"]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_killed_change_of_the_embedder_is_finished_by_the_next_writer(
    directory: Path, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    filled(directory)
    target, _, method = step.rpartition(".")
    owner = getattr(layout, target) if target else layout
    original = getattr(owner, method)

    def dying(*arguments: object) -> None:
        if after:
            original(*arguments)
        raise Killed

    with Index.write(directory, "test") as index, monkeypatch.context() as patched:
        patched.setattr(owner, method, dying)
        with pytest.raises(Killed):
            index.change_embedder(OTHER_MODEL)
    with Index.read(directory) as reader:
        # Whichever it is, the settings name the embedder whose vectors are open.
        assert reader.settings.describe.preset == reader.embedder.preset
    with Index.write(directory, "test") as index:
        assert index.embedder == OTHER_MODEL
        assert index.settings.describe.preset == "thorough"
        assert index.photos.counts()["pending"] == 4
    assert settings_module.load(directory / "settings.toml").describe.preset == "thorough"
    assert_whole(directory)


def test_preset_with_the_same_model_is_adopted_and_nothing_is_described_again(
    directory: Path,
) -> None:
    filled(directory)
    fast = replace(MODEL, preset="fast")
    with Index.write(directory, "test") as index:
        wanted = with_preset(index.settings, "fast")
        index.adopt(wanted, fast)
        assert index.photos.counts()["pending"] == 0
    with Index.read(directory) as index:
        assert (index.embedder, index.settings) == (fast, wanted)
    assert_whole(directory)


def test_preset_with_another_model_is_not_adopted(directory: Path) -> None:
    with Index.write(directory, "test") as index:
        before = index.settings
        with pytest.raises(PresetMismatch, match="--redescribe"):
            index.adopt(with_preset(before, "thorough"), OTHER_MODEL)
        assert (index.embedder, index.settings) == (MODEL, before)


def test_change_of_the_embedder_brings_the_preset_and_keeps_what_the_user_changed(
    directory: Path,
) -> None:
    own = settings_module.load(directory / "settings.toml")
    users = replace(own, search=replace(own.search, verified=77))
    layout.save_settings(directory, users)
    with Index.write(directory, "test") as index:
        index.change_embedder(OTHER_MODEL)
    found = settings_module.load(directory / "settings.toml")
    assert found == with_preset(users, "thorough")
    assert (found.search.top, found.search.verified) == (30, 77)


@pytest.mark.parametrize(("former", "now"), [("sscd-small", MODEL), ("sscd", OTHER_MODEL)])
def test_index_whose_preset_had_another_name_opens(
    tmp_path: Path, former: str, now: EmbedderRecord
) -> None:
    directory = create(tmp_path / "old", replace(now, preset=former))
    (directory / "settings.toml").write_text(f'[describe]\npreset = "{former}"\n')
    with Index.write(directory, "test") as index:
        assert index.embedder == now
        assert index.settings.describe.preset == now.preset
        index.require_embedder(now)


def test_change_to_a_preset_forgets_the_model_of_ones_own(directory: Path) -> None:
    own = replace(DEFAULTS.describe, model="/models/own.onnx", model_sha256="00")
    layout.save_settings(directory, replace(DEFAULTS, describe=own))
    with Index.write(directory, "test") as index:
        index.change_embedder(HASHES)
        assert index.settings.describe.model == ""
        assert index.embeddings is None


def test_reader_survives_a_change_of_the_embedder(directory: Path) -> None:
    filled(directory)
    with Index.read(directory) as reader:
        assert reader.embeddings is not None
        known = reader.embeddings.ids()
        with Index.write(directory, "test") as index:
            index.change_embedder(OTHER_MODEL)
            with Index.read(directory) as other:
                assert other.embedder == OTHER_MODEL
        assert len(reader.embeddings.get(known)) == len(known)


KILLED_WRITER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from imagematch.stores.index import Index
from tests.stores.builders import add, describe, scanned
with Index.write(Path(sys.argv[1]), "test") as index:
    describe(index, add(index, scanned("a.jpg"), scanned("b.jpg")))
    os._exit(9)
"""


def test_killed_process_leaves_no_lock_and_loses_nothing_committed(directory: Path) -> None:
    here = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED_WRITER, str(directory), str(here)]
    assert subprocess.run(command, check=False, env=dict(os.environ)).returncode == 9
    with Index.write(directory, "test") as index:
        assert index.photos.counts()["described"] == 2
        assert index.compare(repair=False) == []
