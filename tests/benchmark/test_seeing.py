"""A world as imagematch sees it: what its profiles show, with who truly runs them."""

from pathlib import Path

import pytest

from benchmark.links import seeing, world_pictures, worlds
from imagematch.runtime.monitor import Unwatched
from tests.world import photo, save


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[worlds.World, Path]:
    base = tmp_path_factory.mktemp("world")
    for number in range(60):
        save(photo(number), base / "photos" / f"{number}.jpg")
    planned = worlds.plan([f"{number}.jpg" for number in range(60)], 3)
    (base / "out").mkdir()
    world_pictures.write(planned, base / "photos", base / "out", Unwatched())
    return planned, base / "out"


def test_items_are_what_the_profiles_of_a_world_show(world: tuple[worlds.World, Path]) -> None:
    planned, folder = world
    seen = seeing.see(planned, "tuning", folder, "hashes", Unwatched())
    items = seen.items
    assert seen.pictures == len(list(planned.shots))
    assert sorted(items.profiles) == sorted(f"{p.site}/{p.handle}" for p in planned.profiles)
    truth = {f"{p.site}/{p.handle}": p.operator for p in planned.profiles}
    assert [truth[name] for name in items.profiles] == items.operators.tolist()
    assert {"photo", "phone"} <= set(items.types)
    assert (items.shown_by > 1).all()
    # The hotline stands in a column that is marked as one of phones.
    assert planned.hotline in items.names
