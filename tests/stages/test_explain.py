"""Drawing matches in a worker: what can be read is drawn, and what can't be is left out."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imagematch.kernels import comparison, keypoints, match_drawing
from imagematch.records import Bytes, Drawing, Evidence, Judgement
from imagematch.settings import DEFAULTS
from imagematch.stages.explain import DrawingTask, draw_matches
from imagematch.stages.fingerprints import FileTask, file_outside
from tests.reports import builders
from tests.world import photo, save


def file_task(path: Path) -> FileTask:
    return file_outside(path, hashlib.sha256(path.read_bytes()).hexdigest())


def task(query: FileTask, other: FileTask, judgement: Judgement) -> DrawingTask:
    return DrawingTask(query, other, "Query: a.jpg", "Indexed: site / anna, b.jpg", judgement)


def drawn(*tasks: DrawingTask) -> list[Drawing | None]:
    return draw_matches(DEFAULTS.decode, DEFAULTS.verify, tasks)


def pixels(drawing: Drawing | None) -> Bytes:
    assert drawing is not None
    return np.asarray(Image.open(io.BytesIO(drawing.png)))


def verified(left: Bytes, right: Bytes) -> Judgement:
    one, two = (keypoints.extract(rgb, rgb.shape[1], DEFAULTS.verify) for rgb in (left, right))
    geometry = comparison.compare(one, two, DEFAULTS.verify)
    assert geometry.reason == "accepted"
    return Judgement("copy", 0.99, Evidence(False, 20, 0.9, geometry, "geometry"))


def test_lines_are_drawn_where_photos_fit_and_only_there(tmp_path: Path) -> None:
    rgb = photo(3)
    one, two = (file_task(save(rgb, tmp_path / name)) for name in ("1.png", "2.png"))
    [fits, alone] = drawn(task(one, two, verified(rgb, rgb)), task(one, two, builders.unverified()))
    gap = np.s_[60:600, 826:846]  # between the photos
    assert (pixels(alone)[gap] == pixels(alone)[0, 0]).all()
    assert (pixels(fits)[gap] != pixels(fits)[0, 0]).any()


@pytest.mark.parametrize(
    "judgement",
    [
        builders.exact(),
        builders.unverified(),
        builders.scene(),
        builders.judgement(fit=builders.geometry(4, transform=None, reason="few_inliers")),
    ],
    ids=lambda judgement: judgement.evidence.rule,
)
def test_every_kind_of_evidence_can_be_drawn(tmp_path: Path, judgement: Judgement) -> None:
    one, two = (file_task(save(photo(seed), tmp_path / f"{seed}.jpg")) for seed in (1, 2))
    [drawing] = drawn(task(one, two, judgement))
    assert pixels(drawing).shape[1] == 1672


def test_a_file_that_is_gone_broken_or_changed_is_left_out_and_the_others_are_drawn(
    tmp_path: Path,
) -> None:
    good = file_task(save(photo(1), tmp_path / "1.jpg"))
    broken = tmp_path / "broken.jpg"
    broken.write_text("no photo")
    unusable = [
        FileTask((), "0" * 64),
        file_outside(tmp_path / "gone.jpg", "0" * 64),
        FileTask(good.locators, "1" * 64),
        file_task(broken),
    ]
    tasks = [task(good, other, builders.exact()) for other in (*unusable, good)]
    tasks += [task(other, good, builders.exact()) for other in unusable]
    assert [drawing is not None for drawing in drawn(*tasks)] == [False] * 4 + [True] + [False] * 4


def test_running_out_of_memory_leaves_a_drawing_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise RuntimeError("OpenCV: Insufficient memory")

    monkeypatch.setattr(match_drawing, "draw", exhausted)
    good = file_task(save(photo(1), tmp_path / "1.jpg"))
    assert drawn(task(good, good, builders.exact())) == [None]
