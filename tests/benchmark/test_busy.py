"""Latency under load: measured only where there is load."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.speed.busy import measure_under_load
from imagematch.stores.index import Index
from tests.conftest import World


def test_work_that_ends_before_the_queries_do_is_refused(world: World, tmp_path: Path) -> None:
    index = shutil.copytree(world.index, tmp_path / "index")
    jobs = tmp_path / "jobs.toml"
    jobs.write_text(f'[[job]]\nname = "ads"\nfolder = "{world.ads.as_posix()}"\n')
    told: list[str] = []
    photos = [world.ads / "site0/profile0/0.jpg"]
    with pytest.raises(RuntimeError, match="gave work for less"):
        measure_under_load(index, photos, jobs, 20, told.append)
    assert told[0] == "asking an index at rest"
    assert "asking during a reindex" not in told


def test_queries_are_asked_only_once_photos_are_described(world: World, tmp_path: Path) -> None:
    index = shutil.copytree(world.index, tmp_path / "index")
    photo = world.ads / "site0/profile0/0.jpg"
    for number in range(30):
        other = tmp_path / "others" / f"{number}.jpg"
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(photo.read_bytes() + b"%d" % number)
    jobs = tmp_path / "jobs.toml"
    jobs.write_text('[[job]]\nname = "others"\nfolder = "others"\n')
    described: list[int] = []

    def watch(words: str) -> None:
        if words != "waiting until a reindex describes photos":
            with Index.read(index) as opened:
                described.append(opened.photos.counts()["described"])

    with suppress(RuntimeError):  # so few photos may be done before the queries are
        measure_under_load(index, [photo], jobs, 0.1, watch)
    assert len(described) == 2
    assert described[1] > described[0]
