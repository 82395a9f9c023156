"""Queries while an index is written to: each sees the old or the new state, and never an error."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imagematch.records import QueryResult
from imagematch.runtime.executors import SerialExecutor
from imagematch.runtime.monitor import Unwatched
from imagematch.stages import query
from imagematch.stages.fingerprints import file_outside
from imagematch.stages.query import QueryOptions
from imagematch.stages.search import Finder
from imagematch.stores.index import Index
from tests import recipes
from tests.world import ad_sites, mirrored, photo, save

pytestmark = pytest.mark.slow

_SETTINGS = """
[describe]
preset = "hashes"
[store]
batch = 2
merge_shards = 2
[workers]
count = 1
chunk = 1
"""


def answer(index: Index, photo: Path) -> QueryResult:
    """What `imagematch query` answers, without starting workers."""
    [result] = query.run(
        index, SerialExecutor(), [file_outside(photo)], QueryOptions(), Unwatched()
    )
    return result


def run(*words: str | Path) -> None:
    command = [sys.executable, "-m", "imagematch.cli", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def meanwhile(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Do something in a thread while the block runs; its errors count."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    yield thread
    thread.join()
    if errors:
        raise errors[0]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Four photos, indexed in batches of two."""
    made = tmp_path / "index"
    made.mkdir()
    (made / "settings.toml").write_text(_SETTINGS)
    ad_sites(tmp_path / "ads", range(4))
    run("index", tmp_path / "ads", "--index", made, "--site-from-path")
    return made


def test_queries_during_a_run_that_adds_and_merges(tmp_path: Path, index: Path) -> None:
    old = save(mirrored(photo(1)), tmp_path / "old.jpg")
    new = save(mirrored(photo(70)), tmp_path / "new.jpg")
    ads = ad_sites(tmp_path / "ads", range(4, 80))
    found_new = []
    with (
        Index.read(index) as opened_before,
        meanwhile(lambda: run("index", ads, "--index", index, "--site-from-path")) as writing,
    ):
        while writing.is_alive():
            with Index.read(index) as opened:
                assert answer(opened, old).matches[0].sighting.path == "site1/profile1/1.jpg"
                found_new.append(len(answer(opened, new).matches))
                photos = opened.photos.counts()["all"]
            assert answer(opened_before, old).matches[0].sighting.path == "site1/profile1/1.jpg"
        assert answer(opened_before, old).matches
        assert not answer(opened_before, new).matches  # it is of the moment when it was opened
    assert len(found_new) > 3
    assert found_new == sorted(found_new)  # it comes, and stays
    assert photos == 80
    with Index.read(index) as opened:
        assert len(answer(opened, new).matches) == 1


def test_queries_while_a_gallery_comes_and_goes(tmp_path: Path, index: Path) -> None:
    cases = tmp_path / "cases"
    for seed in range(1, 12):
        save(mirrored(photo(seed)), cases / f"{seed}.jpg")
    asked = save(photo(1), tmp_path / "query.jpg", quality=60)

    def come_and_go() -> None:
        for _ in range(2):
            run("gallery", "add", "cases", cases, "--index", index)
            run("gallery", "remove", "cases", "--index", index)

    seen = set()
    with Index.read(index) as opened_before, meanwhile(come_and_go) as writing:
        while writing.is_alive():
            for opened in (opened_before, None):
                if opened is None:
                    with Index.read(index) as opened:
                        result = answer(opened, asked)
                        recipes.link_profiles(index)
                else:
                    result = answer(opened, asked)
                assert result.failure is None
                seen.add(tuple(match.sighting.path for match in result.matches))
    assert {len(paths) for paths in seen} == {1, 2}
    assert all("site1/profile1/1.jpg" in paths for paths in seen)


def test_an_answer_is_of_one_moment(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes between being found and being shown was there when the question was asked."""
    run("gallery", "add", "cases", _case(tmp_path), "--index", index)
    asked = save(photo(50), tmp_path / "query.jpg", quality=60)
    found = Finder.find

    def find_and_lose(*arguments: object) -> object:
        near = found(*arguments)  # type: ignore[arg-type]
        recipes.remove_gallery(index, "cases")
        return near

    with Index.read(index) as opened:
        monkeypatch.setattr(Finder, "find", find_and_lose)
        assert [match.sighting.path for match in answer(opened, asked).matches] == ["case.jpg"]
    monkeypatch.setattr(Finder, "find", found)
    with Index.read(index) as opened:
        assert answer(opened, asked).matches == ()


def _case(tmp_path: Path) -> Path:
    return save(mirrored(photo(50)), tmp_path / "cases" / "case.jpg").parent
