"""What a worker makes of one file."""

import hashlib
from pathlib import Path

import pytest

from imagematch.errors import PhotoError
from imagematch.kernels import hashes
from imagematch.records import Failure, Fingerprint
from imagematch.settings import DecodeSettings, DescribeSettings
from imagematch.stages import fingerprints
from imagematch.stages.fingerprints import FileTask, describe_files, describe_queries, read_photo
from tests.world import photo, save

DECODE, HASHES = DecodeSettings(), DescribeSettings(preset="hashes")


def test_a_fingerprint_says_what_the_file_is(tmp_path: Path) -> None:
    path = save(photo(1), tmp_path / "1.png")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    [found] = describe_files(DECODE, HASHES, [FileTask((str(path),), sha256)])
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
    tasks = [FileTask((str(save(photo(1), tmp_path / "1.jpg")),), "")]
    [found] = describe_files(DECODE, DescribeSettings(), tasks)
    [query] = describe_queries(DECODE, DescribeSettings(), tasks, crops=True)
    assert isinstance(found, Fingerprint)
    assert not isinstance(query, Failure)
    assert found.embeddings.shape[1] == 512
    assert query.orientations.shape == (8, hashes.PDQ_BYTES)
    assert len(query.views) == len(found.embeddings) + 9
    assert (query.views[: len(found.embeddings)] == found.embeddings).all()
    [few] = describe_queries(DECODE, DescribeSettings(), tasks, crops=False)
    assert not isinstance(few, Failure)
    assert (few.views == found.embeddings).all()


def test_one_bad_file_of_a_chunk_fails_alone(tmp_path: Path) -> None:
    good, bad = save(photo(1), tmp_path / "1.jpg"), tmp_path / "2.jpg"
    bad.write_text("no photo")
    tasks = [FileTask((str(path),), "") for path in (bad, good, tmp_path / "gone.jpg")]
    results = describe_files(DECODE, HASHES, tasks)
    codes = [result.code if isinstance(result, Failure) else "" for result in results]
    assert codes == ["not_an_image", "", "unreadable"]


def test_bytes_come_from_the_first_path_that_still_has_them(tmp_path: Path) -> None:
    good, other = save(photo(1), tmp_path / "1.jpg"), save(photo(2), tmp_path / "2.jpg")
    sha256 = hashlib.sha256(good.read_bytes()).hexdigest()
    gone = tmp_path / "gone.jpg"
    data, _ = read_photo(FileTask((str(gone), str(other), str(good)), sha256), DECODE)
    assert data == good.read_bytes()
    with pytest.raises(PhotoError, match="was changed") as caught:
        read_photo(FileTask((str(gone), str(other)), sha256), DECODE)
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

    monkeypatch.setattr(fingerprints.hashes, "phash", exhausted)
    tasks = [FileTask((str(save(photo(1), tmp_path / "1.jpg")),), "")]
    [found] = describe_files(DECODE, HASHES, tasks)
    assert isinstance(found, Failure)
    assert found.code == "memory"


def test_a_programming_error_is_not_blamed_on_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(fingerprints.hashes, "phash")
    tasks = [FileTask((str(save(photo(1), tmp_path / "1.jpg")),), "")]
    with pytest.raises(AttributeError):
        describe_files(DECODE, HASHES, tasks)
