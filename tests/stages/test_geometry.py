"""Verifying pairs: what fits is accepted, and what can't be read is unknown, not different."""

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from imagematch.records import Geometry
from imagematch.settings import DecodeSettings, VerifySettings
from imagematch.stages import geometry
from imagematch.stages.fingerprints import FileTask
from imagematch.stages.geometry import PairTask, verify_pairs
from tests.world import mirrored, photo, save


def task(path: Path) -> FileTask:
    return FileTask((str(path),), hashlib.sha256(path.read_bytes()).hexdigest())


def verified(left: FileTask, right: FileTask) -> Geometry | None:
    [found] = verify_pairs(DecodeSettings(), VerifySettings(), [PairTask(left, right, 0, 0)])
    return found


def test_a_mirrored_copy_fits_and_another_photo_does_not(tmp_path: Path) -> None:
    first, other = (task(save(photo(seed), tmp_path / f"{seed}.jpg")) for seed in (1, 2))
    copy = task(save(mirrored(photo(1)), tmp_path / "copy.jpg"))
    fits, fits_not = verified(copy, first), verified(copy, other)
    assert fits is not None
    assert fits_not is not None
    assert (fits.reason, fits.mirrored, fits.overlap > 0.95) == ("accepted", True, True)
    assert fits_not.reason != "accepted"


def test_a_file_that_is_gone_or_changed_leaves_the_pair_unknown(tmp_path: Path) -> None:
    first = task(save(photo(3), tmp_path / "3.jpg"))
    gone = FileTask((str(tmp_path / "gone.jpg"),), "0" * 64)
    changed = FileTask(first.paths, "1" * 64)
    assert verified(first, gone) is None
    assert verified(changed, first) is None
    assert verified(first, FileTask((), "2" * 64)) is None


def test_running_out_of_memory_leaves_the_pair_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise RuntimeError("OpenCV: Insufficient memory")

    monkeypatch.setattr(geometry.keypoints, "compare", exhausted)
    first = task(save(photo(4), tmp_path / "4.jpg"))
    assert verified(first, first) is None


def test_a_worker_remembers_a_bounded_number_of_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(geometry, "_KEPT", 2)
    geometry._cache.clear()
    tasks = [task(save(photo(seed, 120, 90), tmp_path / f"{seed}.jpg")) for seed in range(5)]
    for left, right in pairwise(tasks):
        verified(left, right)
    assert len(geometry._cache) == 2
