"""What a worker looks at: the file where it is, what was kept of it where it is gone."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagematch import wording
from imagematch.errors import PhotoError
from imagematch.kernels import kept_picture, views
from imagematch.records import Fingerprint
from imagematch.runtime.executors import SerialExecutor
from imagematch.settings import DEFAULTS, DecodeSettings, DescribeSettings, VerifySettings
from imagematch.stages import geometry, thumbnails
from imagematch.stages.explain import DrawingTask, draw_matches
from imagematch.stages.fingerprints import FileTask, describe_files, file_outside, open_photo
from imagematch.stages.geometry import PairTask, verify_pairs
from tests.reports import builders
from tests.world import mirrored, photo, save

DECODE = DecodeSettings()


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    geometry._seen.clear()
    geometry._opened.clear()


@pytest.fixture
def task(tmp_path: Path) -> FileTask:
    """A photo that is there, with the picture that was kept of it."""
    path = save(photo(1, 640, 480), tmp_path / "1.jpg")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    picture = tmp_path / "kept.jpg"
    [found] = describe_files(
        DECODE, DescribeSettings(preset="hashes"), [file_outside(path, sha256)], keep=True
    )
    assert isinstance(found, Fingerprint)
    picture.write_bytes(found.picture)
    return replace(file_outside(path, sha256), kept=picture)


def gone(task: FileTask) -> FileTask:
    Path(str(task.locators[0])).unlink(missing_ok=True)
    return task


def copy_of_it(tmp_path: Path) -> FileTask:
    path = save(mirrored(photo(1, 640, 480)), tmp_path / "copy.jpg")
    return file_outside(path, hashlib.sha256(path.read_bytes()).hexdigest())


def test_no_picture_is_made_unless_asked_for(task: FileTask) -> None:
    [found] = describe_files(DECODE, DescribeSettings(preset="hashes"), [task])
    assert isinstance(found, Fingerprint)
    assert found.picture == b""


def test_a_further_view_of_what_was_kept_is_the_whole_picture(task: FileTask) -> None:
    """Its number may mean another place there, because a part more or less is found."""
    there = geometry._open(task, DECODE)
    left = geometry._open(gone(task), DECODE)
    assert (there.kept, left.kept) == (False, True)
    _, whole = left.view(0)
    parts = len(views.find_views(left.photo.rgb))
    for number in range(1 + parts, 16):
        assert left.view(number)[1] == whole
        assert there.view(number)[1] != there.view(0)[1]


def test_the_file_comes_before_what_was_kept(task: FileTask) -> None:
    photo, from_kept = open_photo(task, DECODE)
    assert (photo.rgb.shape, from_kept) == ((480, 640, 3), False)
    photo, from_kept = open_photo(gone(task), DECODE)
    assert (photo.rgb.shape, photo.width, from_kept) == ((384, 512, 3), 640, True)


def test_a_file_that_holds_something_else_by_now_is_not_taken(task: FileTask) -> None:
    save(photo(2), Path(str(task.locators[0])))
    assert open_photo(task, DECODE)[1]


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"garbage"),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(kept_picture.encode(photo(2), "0" * 64, 320, 240)),
        lambda path: save(photo(1, 640, 480), path),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["garbage", "cut", "of another photo", "not ours", "deleted", "a folder"],
)
def test_a_kept_picture_that_is_not_sound_counts_as_gone(
    task: FileTask, tmp_path: Path, damage: object
) -> None:
    assert callable(damage)
    assert task.kept is not None
    damage(task.kept)
    with pytest.raises(PhotoError) as caught:
        open_photo(gone(task), DECODE)
    assert caught.value.code == "unreadable"  # what is wrong with the file, which matters more
    pair = PairTask(copy_of_it(tmp_path), task, 0, 0)
    assert verify_pairs(DECODE, VerifySettings(), [pair]) == [None]


def test_a_pair_is_verified_with_what_was_kept_and_says_so(task: FileTask, tmp_path: Path) -> None:
    pair = PairTask(copy_of_it(tmp_path), task, 0, 0)
    [whole] = verify_pairs(DECODE, VerifySettings(), [pair])
    geometry._seen.clear()
    geometry._opened.clear()
    gone(task)
    # Twice, since the second answer comes from what the worker remembers.
    found = verify_pairs(DECODE, VerifySettings(), [pair, pair])
    assert whole is not None
    assert (whole.reason, whole.mirrored, whole.kept) == ("accepted", True, False)
    for fit in found:
        assert fit is not None
        assert (fit.reason, fit.mirrored, fit.kept) == ("accepted", True, True)
        assert abs(fit.overlap - whole.overlap) < 0.02
    judgement = builders.judgement(fit=found[0])
    assert "the small grey picture kept of it was compared" in wording.sentence(judgement)
    evidence = replace(judgement.evidence, geometry=whole)
    assert "kept" not in wording.sentence(replace(judgement, evidence=evidence))


def test_what_was_kept_is_drawn_and_makes_a_thumbnail(task: FileTask, tmp_path: Path) -> None:
    judgement = builders.judgement(fit=builders.geometry(40))
    drawing = DrawingTask(copy_of_it(tmp_path), gone(task), "Query", "Indexed", judgement)
    assert draw_matches(DECODE, VerifySettings(), [drawing]) != [None]
    made = thumbnails.run(SerialExecutor(), DEFAULTS, {"it": task, "lost": FileTask((), "0" * 64)})
    assert made.keys() == {"it"}
    pixels = np.asarray(Image.open(io.BytesIO(made["it"])).convert("RGB"), np.int16)
    assert pixels.shape == (300, 400, 3)
    assert np.ptp(pixels, axis=2).max() <= 2  # grey
