"""A world as imagematch sees it: its folder is indexed, and what its profiles show comes out.

Photos are grouped by the matches that imagematch itself finds, and contacts are read as it reads
them, so that its faults count.
"""

from pathlib import Path

import numpy as np

import imagematch
from benchmark.links import world_pictures
from benchmark.links.items import Items, Measured
from benchmark.links.worlds import REGION, World
from imagematch.records import Profile
from imagematch.runtime.monitor import Monitor
from imagematch.services.session import Session
from imagematch.stages.operator_groups import Operators
from imagematch.stages.shared_photos import SharedPhotos

#: Columns of the manifest that hold contacts, beside the usual ones.
_MARKED = {"handle": "handle", "contact": "phone"}


def see(world: World, half: str, folder: Path, preset: str, monitor: Monitor) -> Measured:
    """Index a world that `world_pictures.write` wrote.

    Args:
        folder: of the world; the index goes there, too.

    Raises:
        ImagematchError: as indexing does.
        Stopped: as asked through the monitor.
    """
    index = folder / "index"
    index.mkdir()
    # Ads name their numbers as people of one country do.
    (index / "settings.toml").write_text(f'[scan]\nphone_region = "{REGION}"\n', "utf-8")
    with imagematch.open(index, create=True) as opened:
        report = opened.add(
            folder / "ads",
            manifest=folder / world_pictures.MANIFEST,
            identifiers=_MARKED,
            preset=preset,
            progress=monitor,
        )
    monitor.stage("Collecting items", None)
    with Session(index) as session, session.reading() as state:
        operators = Operators.read(state, SharedPhotos(state, state.settings.link))
    return Measured(world.seed, half, report.seen, items_of(world, operators))


def items_of(world: World, operators: Operators) -> Items:
    """What profiles show as arrays, with who truly runs them."""
    truth = {Profile(one.site, one.handle): one.operator for one in world.profiles}
    rows = [
        (profile, number)
        for number, item in enumerate(operators.items)
        for profile in item.profiles
    ]
    table = np.array(rows, np.int64).reshape(-1, 2)
    return Items(
        tuple(map(str, operators.profiles)),
        tuple(profile.site for profile in operators.profiles),
        np.array([truth[profile] for profile in operators.profiles], np.int64),
        tuple(item.kind for item in operators.items),
        tuple(
            item.value if item.photo is None else f"({item.photo.group})"
            for item in operators.items
        ),
        table[:, 0],
        table[:, 1],
        np.ones(len(table)),
        np.array(operators.unshared, np.int64),
    )
