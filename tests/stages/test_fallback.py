"""A part of the work that kills a worker costs its file that part, not its answer."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from imagematch import presets
from imagematch.records import Failure, QueryOptions
from imagematch.runtime.executors import ProcessExecutor, SerialExecutor
from imagematch.runtime.monitor import Unwatched
from imagematch.services import querying
from imagematch.services.indexing import IndexRequest
from imagematch.settings import DEFAULTS, WorkerSettings
from imagematch.sources.folder_source import FolderSource
from imagematch.stages import compare, describe, fallback, query, verify
from imagematch.stages.fingerprints import file_outside
from imagematch.stages.geometry import PairTask
from tests import recipes
from tests.stages import killers
from tests.world import mirrored, photo, save

_WORKERS = WorkerSettings(count=1, seconds_per_file=60)


def indexed(tmp_path: Path, preset: str) -> Path:
    for seed in range(3):
        save(photo(seed), tmp_path / "ads" / f"{seed}.jpg")
    save(photo(3), tmp_path / "ads" / "3-kills.jpg")
    recipes.index_folder(
        tmp_path / "index", IndexRequest(FolderSource(tmp_path / "ads"), preset=preset), Unwatched()
    )
    return tmp_path / "index"


def test_an_indexed_photo_whose_further_views_kill_is_described_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(photo(0), tmp_path / "ads" / "0.jpg")
    save(photo(1), tmp_path / "ads" / "kills.jpg")
    save(photo(2), tmp_path / "ads" / "2.jpg")
    monkeypatch.setattr(describe, "describe_files", killers.describe_and_die_of_views)
    request = IndexRequest(FolderSource(tmp_path / "ads"), preset="hashes")
    report = recipes.index_folder(tmp_path / "index", request, Unwatched())
    assert (report.described, report.failed) == (3, 0)


@pytest.mark.parametrize(
    ("preset", "query_function"),
    [
        ("hashes", killers.query_and_die_of_views),
        pytest.param("balanced", killers.query_and_die_of_frames, marks=pytest.mark.model),
    ],
)
def test_a_query_whose_further_views_kill_is_answered_without_them(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    preset: str,
    query_function: Callable[..., object],
) -> None:
    index = indexed(tmp_path, preset)
    asked = [
        str(save(mirrored(photo(seed)), tmp_path / f"{seed}-{name}.jpg"))
        for seed, name in ((0, "lives"), (1, "kills"), (3, "lives"))
    ]
    monkeypatch.setattr(query, "describe_queries", query_function)
    answers = list(recipes.query_photos(index, asked, QueryOptions(), Unwatched()))
    assert [answer.query for answer in answers] == asked
    assert [
        [match.sighting.path for match in answer.matches if match.judgement.kind == "copy"]
        for answer in answers
    ] == [["0.jpg"], ["1.jpg"], ["3-kills.jpg"]]


def test_a_pair_whose_views_kill_is_compared_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = save(photo(1), tmp_path / "1.jpg"), save(mirrored(photo(1)), tmp_path / "2.jpg")
    left, right = (
        file_outside(file, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files
    )
    monkeypatch.setattr(verify, "verify_pairs", killers.verify_and_die_of_views)
    pairs = [PairTask(left, right, *views) for views in ((0, 0), (0, 2), (3, 1))]
    with ProcessExecutor(_WORKERS) as executor:
        found = list(verify.geometries(executor, DEFAULTS, iter(pairs)))
    assert found[0] is not None
    assert found[0].mirrored
    assert found == [found[0]] * 3


def test_two_files_of_which_one_kills_by_its_views_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = str(save(photo(1), tmp_path / "kills.jpg"))
    right = str(save(mirrored(photo(1)), tmp_path / "2.jpg"))
    monkeypatch.setattr(compare, "describe_queries", killers.query_and_die_of_views)
    settings = presets.with_preset(DEFAULTS, "hashes")
    [compared] = querying.compare_files(settings, [(left, right)], Unwatched())
    assert compared.judgement is not None
    assert compared.judgement.kind == "copy"


@pytest.mark.parametrize("code", ["timeout", "memory", "crashed", "corrupt", "not_an_image"])
def test_only_what_costs_a_worker_is_done_again_and_once(code: str) -> None:
    tried: list[int] = []

    def work(chunk: Sequence[int]) -> list[int | Failure]:
        tried.extend(chunk)
        return [Failure(code, "") if abs(task) == 2 else task for task in chunk]

    outcomes = list(
        fallback.run(partial(SerialExecutor(2).run, work), [1, 2, 3], lambda task: -task)
    )
    again = code in ("timeout", "memory", "crashed")
    assert [outcome.task for outcome in outcomes] == [1, -2 if again else 2, 3]
    assert outcomes[1].failure == Failure(code, "")
    assert tried.count(-2) == again


def test_a_task_with_nothing_to_leave_out_is_not_done_again() -> None:
    tried: list[int] = []

    def work(chunk: Sequence[int]) -> list[Failure]:
        tried.extend(chunk)
        return [Failure("memory", "") for _ in chunk]

    list(fallback.run(partial(SerialExecutor().run, work), [5], lambda _: None))
    assert tried == [5]
