"""What can't be is refused before it is stored, and what real photos give is not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imagematch.records import Evidence, Fingerprint, Geometry, Judgement
from imagematch.settings import DEFAULTS, DescribeSettings
from imagematch.stages import result_checks
from imagematch.stages.fingerprints import (
    QueryPrint,
    describe_files,
    describe_queries,
    file_outside,
)
from imagematch.stages.geometry import PairTask, verify_pairs
from tests.stores.builders import WIDTH, fingerprint, sha
from tests.world import mirrored, photo, save

ANY = file_outside("x.jpg")
GOOD = fingerprint(sha("x.jpg"))
UNIT = GOOD.embeddings[:1]


def test_what_photos_give_is_sound(tmp_path: Path) -> None:
    hashes = DescribeSettings(preset="hashes")
    tasks = [
        file_outside(save(photo(1), tmp_path / "1.jpg")),
        file_outside(save(mirrored(photo(1)), tmp_path / "2.png")),
        file_outside(save(photo(2) // 255, tmp_path / "flat.png")),
        file_outside(save(photo(3, 9, 400), tmp_path / "tiny.webp")),
    ]
    for task, found in zip(tasks, describe_files(DEFAULTS.decode, hashes, tasks), strict=True):
        result_checks.fingerprint(task, found, 0)
    asked = describe_queries(DEFAULTS.decode, hashes, tasks, crops=True)
    for task, entry in zip(tasks, asked, strict=True):
        result_checks.query_print(task, entry, 0)
    pairs = [
        PairTask(replace(one, sha256=str(n)), two, 0, 0)
        for n, one in enumerate(tasks)
        for two in tasks
    ]
    for pair in pairs:
        result_checks.geometry(pair, verify_pairs(DEFAULTS.decode, DEFAULTS.verify, [pair])[0])
    result_checks.fingerprint(ANY, GOOD, WIDTH)
    result_checks.geometry(ANY, None)


@pytest.mark.model
def test_what_the_model_gives_is_sound(tmp_path: Path) -> None:
    task = file_outside(save(photo(1), tmp_path / "1.jpg"))
    (found,) = describe_files(DEFAULTS.decode, DEFAULTS.describe, [task])
    result_checks.fingerprint(task, found, 512)
    (asked,) = describe_queries(DEFAULTS.decode, DEFAULTS.describe, [task], crops=True)
    result_checks.query_print(task, asked, 512)


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0"},
        {"sha256": None},
        {"pixel_sha256": "g" * 64},
        {"phash": b"0" * 16},
        {"pdq": "0" * 63},
        {"pdq": "0" * 63 + "\n"},
        {"width": 0},
        {"width": 10.0},
        {"width": np.int64(10)},
        {"height": 2**31},
        {"frames": -1},
        {"frames": True},
        {"truncated": None},
        {"truncated": np.bool_(True)},
        {"format": ""},
        {"gate": "odd"},
        {"pdq_quality": 101},
        {"pdq_quality": float("nan")},
        {"picture": None},
        {"seconds": {"decode": float("nan")}},
        {"embeddings": None},
        {"embeddings": UNIT.tolist()},
        {"embeddings": UNIT[0]},
        {"embeddings": UNIT.astype(np.float64)},
        {"embeddings": UNIT * 2},
        {"embeddings": UNIT * 0},
        {"embeddings": UNIT * np.float32(np.nan)},
        {"embeddings": UNIT * np.float32(np.inf)},
        {"embeddings": UNIT[:, :-1] / np.linalg.norm(UNIT[:, :-1])},
        {"embeddings": np.repeat(UNIT, 17, axis=0)},
    ],
    ids=str,
)
def test_nonsense_in_a_fingerprint_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        result_checks.fingerprint(ANY, replace(GOOD, **change), WIDTH)


def test_fingerprint_of_another_photo_is_refused() -> None:
    with pytest.raises(ValueError, match="that of the photo"):
        result_checks.fingerprint(file_outside("y.jpg", sha("y.jpg")), GOOD, WIDTH)


@pytest.mark.parametrize("found", [None, "a fingerprint", GOOD.embeddings, [GOOD], b"\xff\xd8"])
@pytest.mark.parametrize("check", [result_checks.fingerprint, result_checks.query_print])
def test_things_of_another_kind_are_refused(check: Callable[..., None], found: object) -> None:
    with pytest.raises(ValueError, match="the result"):
        check(ANY, found)


ORIENTATIONS = np.zeros((8, 32), np.uint8)


@pytest.mark.parametrize(
    ("fingerprint", "orientations", "views"),
    [
        (replace(GOOD, pdq=""), ORIENTATIONS, GOOD.embeddings),
        (GOOD, ORIENTATIONS[:7], GOOD.embeddings),
        (GOOD, ORIENTATIONS.astype(np.float32), GOOD.embeddings),
        (GOOD, None, GOOD.embeddings),
        (GOOD, ORIENTATIONS, GOOD.embeddings[:1]),
        (GOOD, ORIENTATIONS, np.vstack([GOOD.embeddings, UNIT * np.float32(np.nan)])),
    ],
)
def test_nonsense_in_a_query_is_refused(
    fingerprint: Fingerprint, orientations: Any, views: Any
) -> None:
    result_checks.query_print(ANY, QueryPrint(GOOD, ORIENTATIONS, GOOD.embeddings), WIDTH)
    with pytest.raises(ValueError, match="wanted"):
        result_checks.query_print(ANY, QueryPrint(fingerprint, orientations, views), WIDTH)


SEEN = Geometry(9, 0.5, 0.5, 0.5, 0.5, 0.5, False, ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)), "x")


@pytest.mark.parametrize(
    "change",
    [
        {"inliers": -1},
        {"inliers": np.int64(4)},
        {"overlap": float("nan")},
        {"overlap": 1.5},
        {"correlation": float("inf")},
        {"closeness": None},
        {"plain_correlation": "much"},
        {"agreement": -0.5},
        {"reason": None},
        {"transform": ((1.0, 0, 0), (0, 1.0, 0))},
        {"transform": ((1.0, 0, 0), (0, 1.0, 0), (0, 0, float("nan")))},
    ],
    ids=str,
)
def test_nonsense_in_a_geometry_is_refused(change: dict[str, Any]) -> None:
    result_checks.geometry(ANY, SEEN)
    with pytest.raises(ValueError, match="wanted"):
        result_checks.geometry(ANY, replace(SEEN, **change))


@pytest.mark.parametrize(
    "found",
    [
        None,
        Judgement("copy", float("nan"), Evidence(False, 1, 0.5, None, "x")),
        Judgement("copy", 1.1, Evidence(False, 1, 0.5, None, "x")),
        Judgement("twin", 0.5, Evidence(False, 1, 0.5, None, "x")),  # type: ignore[arg-type]
        Judgement("copy", 0.5, Evidence(False, 1, float("nan"), None, "x")),
    ],
)
def test_nonsense_in_a_judgement_is_refused(found: object) -> None:
    with pytest.raises(ValueError, match="wanted"):
        result_checks.judgement(found)


def test_what_is_said_of_nonsense_shows_no_photo() -> None:
    pixels = np.full((300, 300, 3), 77, np.uint8)
    with pytest.raises(ValueError, match=r"uint8 of shape \(300, 300, 3\)") as caught:
        result_checks.fingerprint(ANY, replace(GOOD, embeddings=pixels))  # type: ignore[arg-type]
    assert "77" not in str(caught.value)


@pytest.mark.parametrize("found", ["a picture", b"GIF89a", 7])
def test_pictures_of_another_kind_are_refused(found: object) -> None:
    for check in (result_checks.jpeg, result_checks.drawing):
        check(ANY, None)
        with pytest.raises(ValueError, match="the result"):
            check(ANY, found)
