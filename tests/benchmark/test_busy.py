"""Latency under load: measured only where there is load."""

import shutil
from pathlib import Path

import pytest

from imagematch.benchmark.speed.busy import measure_under_load
from tests.conftest import World


def test_work_that_ends_before_the_queries_do_is_refused(world: World, tmp_path: Path) -> None:
    index = shutil.copytree(world.index, tmp_path / "index")
    jobs = tmp_path / "jobs.toml"
    jobs.write_text(f'[[job]]\nname = "ads"\nfolder = "{world.ads.as_posix()}"\n')
    told: list[str] = []
    photos = [world.ads / "site0/profile0/0.jpg"]
    with pytest.raises(RuntimeError, match="gave work for less"):
        measure_under_load(index, photos, jobs, 20, told.append)
    assert len(told) == 3
