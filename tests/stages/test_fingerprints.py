"""What a worker makes of one file."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmark.drawn.printed import KINDS
from imagematch.errors import EmbedderUnavailable, PhotoError
from imagematch.kernels import embeddings, hashes, views
from imagematch.records import Bytes, Failure, Fingerprint, Floats, Locator
from imagematch.settings import DecodeSettings, DescribeSettings
from imagematch.stages.fingerprints import (
    FileTask,
    describe_files,
    describe_queries,
    file_outside,
    read_photo,
)
from imagematch.stores.photos import VIEWS
from tests.world import photo, save

DECODE, HASHES = DecodeSettings(), DescribeSettings(preset="hashes")


def test_a_fingerprint_says_what_the_file_is(tmp_path: Path) -> None:
    path = save(photo(1), tmp_path / "1.png")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    [found] = describe_files(DECODE, HASHES, [file_outside(path, sha256)])
    assert isinstance(found, Fingerprint)
    assert (found.sha256, found.width, found.height, found.format) == (sha256, 320, 240, "PNG")
    assert (found.pdq, found.pdq_quality) == hashes.pdq(photo(1))
    assert (found.phash, found.gate) == (hashes.phash(photo(1)), "")
    assert found.embeddings.shape == (0, 0)
    assert set(found.seconds) == {"decode", "hash", "embed"}


@pytest.mark.model
def test_the_real_model_gives_the_whole_picture_first_and_a_query_more_views(
    tmp_path: Path,
) -> None:
    tasks = [file_outside(save(photo(1), tmp_path / "1.jpg"))]
    [found] = describe_files(DECODE, DescribeSettings(), tasks)
    [query] = describe_queries(DECODE, DescribeSettings(), tasks, crops=True)
    assert isinstance(found, Fingerprint)
    assert not isinstance(query, Failure)
    assert found.embeddings.shape[1] == 512
    assert query.orientations.shape == (8, hashes.PDQ_BYTES)
    assert len(query.views) >= len(found.embeddings) + 9
    assert (query.views[: len(found.embeddings)] == found.embeddings).all()
    [few] = describe_queries(DECODE, DescribeSettings(), tasks, crops=False)
    assert not isinstance(few, Failure)
    assert (few.views == found.embeddings).all()


class _Means:
    """An embedder of two numbers, so that it can be seen what was embedded."""

    dimensions = 2
    composite = False

    def further_views(self, embedding: Floats) -> int:
        assert embedding.shape == (2,)
        return 15 if self.composite else 0

    def embed(self, photos: Sequence[Bytes]) -> Floats:
        shapes = np.array([rgb.shape[:2] for rgb in photos], np.float32)
        return np.asarray(shapes / np.linalg.norm(shapes, axis=1, keepdims=True), np.float32)


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> _Means:
    embedder = _Means()
    monkeypatch.setattr(embeddings, "load", lambda _: embedder)
    return embedder


def test_the_whole_picture_is_embedded_first_then_its_views_and_a_querys_crops(
    tmp_path: Path, means: _Means
) -> None:
    rgb = np.concatenate([photo(1), np.full((40, 320, 3), 255, np.uint8), photo(2, 320, 160)])
    task = file_outside(save(rgb, tmp_path / "two.png"))
    [found] = describe_files(DECODE, DescribeSettings(), [task])
    [query] = describe_queries(DECODE, DescribeSettings(), [task], crops=True)
    parts = views.find_views(rgb)
    assert len(parts) >= 2
    assert isinstance(found, Fingerprint)
    assert not isinstance(query, Failure)
    further = views.further_views(rgb, parts)
    wanted = means.embed([rgb, *(view.cut(rgb) for view in (*parts, *further))])
    assert np.array_equal(found.embeddings, wanted[: 1 + len(parts)])
    assert np.array_equal(query.views, wanted)


def test_a_composite_has_as_many_views_of_a_query_as_the_ids_of_vectors_have_room_for(
    tmp_path: Path, means: _Means
) -> None:
    means.composite = True
    rgb = np.concatenate([photo(1), np.full((40, 320, 3), 255, np.uint8), photo(2, 320, 160)])
    task = file_outside(save(rgb, tmp_path / "two.png"))
    [found] = describe_files(DECODE, DescribeSettings(), [task])
    [query] = describe_queries(DECODE, DescribeSettings(), [task], crops=True)
    parts = views.find_views(rgb)
    assert isinstance(found, Fingerprint)
    assert not isinstance(query, Failure)
    further = views.further_views(rgb, parts)
    wanted = means.embed([rgb, *(view.cut(rgb) for view in (*parts, *further))])
    assert len(wanted) > VIEWS
    assert np.array_equal(found.embeddings, wanted[:VIEWS])
    assert np.array_equal(query.views, wanted)
    [fewer] = describe_files(DECODE, DescribeSettings(crops=False), [task])
    [few] = describe_queries(DECODE, DescribeSettings(), [task], crops=False)
    assert isinstance(fewer, Fingerprint)
    assert not isinstance(few, Failure)
    assert np.array_equal(fewer.embeddings, wanted[: 1 + len(parts)])
    assert np.array_equal(few.views, found.embeddings)


@pytest.mark.usefixtures("means")
def test_a_picture_of_text_is_not_embedded_not_even_for_a_query(tmp_path: Path) -> None:
    text = KINDS["text_notice"](np.random.default_rng(0))(np.random.default_rng(0))
    task = file_outside(save(text, tmp_path / "text.png"))
    [found] = describe_files(DECODE, DescribeSettings(), [task])
    [query] = describe_queries(DECODE, DescribeSettings(), [task], crops=True)
    assert isinstance(found, Fingerprint)
    assert not isinstance(query, Failure)
    assert (found.gate, found.embeddings.shape) == ("drawn", (0, 2))
    assert query.views.shape == (0, 2)


@pytest.mark.usefixtures("means")
def test_photos_in_what_is_drawn_are_embedded_and_those_of_a_query_in_more_views(
    tmp_path: Path,
) -> None:
    page = np.full((2400, 640, 3), 255, np.uint8)
    page[1200:1440, 100:420] = photo(1)  # a twentieth of it
    task = file_outside(save(page, tmp_path / "page.png"))
    [found] = describe_files(DECODE, DescribeSettings(), [task])
    [query] = describe_queries(DECODE, DescribeSettings(), [task], crops=True)
    assert isinstance(found, Fingerprint)
    assert not isinstance(query, Failure)
    assert (found.gate, query.fingerprint.gate) == ("drawn", "drawn")
    assert 2 <= len(found.embeddings) < len(query.views)
    assert np.array_equal(query.views[: len(found.embeddings)], found.embeddings)


def test_one_bad_file_of_a_chunk_fails_alone(tmp_path: Path) -> None:
    good, bad = save(photo(1), tmp_path / "1.jpg"), tmp_path / "2.jpg"
    bad.write_text("no photo")
    tasks = [file_outside(path) for path in (bad, good, tmp_path / "gone.jpg")]
    results = describe_files(DECODE, HASHES, tasks)
    codes = [result.code if isinstance(result, Failure) else "" for result in results]
    assert codes == ["not_an_image", "", "unreadable"]


def test_bytes_come_from_the_first_path_that_still_has_them(tmp_path: Path) -> None:
    good, other = save(photo(1), tmp_path / "1.jpg"), save(photo(2), tmp_path / "2.jpg")
    sha256 = hashlib.sha256(good.read_bytes()).hexdigest()
    gone = tmp_path / "gone.jpg"
    data, _ = read_photo(FileTask(tuple(map(Locator.outside, (gone, other, good))), sha256), DECODE)
    assert data == good.read_bytes()
    with pytest.raises(PhotoError, match="was changed") as caught:
        read_photo(FileTask(tuple(map(Locator.outside, (gone, other))), sha256), DECODE)
    assert caught.value.code == "changed"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("std::bad_alloc"),
        RuntimeError("OpenCV: Insufficient memory: Failed to allocate 12 bytes"),
    ],
)
def test_running_out_of_memory_is_a_failure_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def exhausted(*_: object) -> None:
        raise error

    monkeypatch.setattr(hashes, "phash", exhausted)
    tasks = [file_outside(save(photo(1), tmp_path / "1.jpg"))]
    [found] = describe_files(DECODE, HASHES, tasks)
    assert isinstance(found, Failure)
    assert found.code == "memory"


def test_an_error_that_nobody_foresaw_fails_the_file_alone_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: Bytes) -> str:
        raise ZeroDivisionError("a whole class of photos")

    tasks = [file_outside(save(photo(seed), tmp_path / f"{seed}.jpg")) for seed in (1, 2)]
    good = hashes.phash
    answers = iter([nothing, good])
    monkeypatch.setattr(hashes, "phash", lambda rgb: next(answers)(rgb))
    failed, described = describe_files(DECODE, HASHES, tasks)
    assert isinstance(described, Fingerprint)
    assert isinstance(failed, Failure)
    assert failed.code == "internal"
    assert "ZeroDivisionError: a whole class of photos" in failed.message
    assert "in _fingerprint" in failed.traceback


def test_what_is_about_the_run_is_not_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: DescribeSettings) -> None:
        raise EmbedderUnavailable("the model is gone")

    monkeypatch.setattr(embeddings, "load", gone)
    tasks = [file_outside(save(photo(1), tmp_path / "1.jpg"))]
    with pytest.raises(EmbedderUnavailable):
        describe_files(DECODE, HASHES, tasks)
