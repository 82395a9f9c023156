"""The benchmark of links as a recipe: a folder of photos in, worlds as imagematch saw them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.links import items, seeing, splink_peer, world_pictures, worlds
from benchmark.links.items import Measured
from benchmark.links.linkers import Linker
from benchmark.quality.suite import REPORTING, TUNING, photos_of
from benchmark.speed.peers import environment
from imagematch.errors import UsageError
from imagematch.runtime.monitor import Monitor
from imagematch.settings import DEFAULTS

SPLINK = "splink"

#: Below, a world has too few large operators to say anything of them.
LEAST_PROFILES = 300

#: Photos that make two worlds of the full size, one of each half.
ENOUGH = 2 * worlds.FULL


@dataclass(frozen=True, slots=True)
class LinksRequest:
    """What to measure.

    Attributes:
        folder: of photos.
        tune: seeds of the worlds that methods are tuned on, of the tuning half of the photos.
        seeds: of those that are reported, of the other half.
        peers: folder of an environment that Splink is in; None for none.
        leave_out: files and folders in `folder` that are no part of it.
    """

    folder: Path
    tune: tuple[int, ...] = (0,)
    seeds: tuple[int, ...] = (1,)
    preset: str = DEFAULTS.describe.preset
    peers: Path | None = None
    leave_out: tuple[Path, ...] = ()


def run(
    request: LinksRequest, kept: Path, scratch: Path, monitor: Monitor
) -> tuple[list[Measured], list[Measured]]:
    """Make all worlds, and let imagematch look at them.

    Args:
        kept: a folder; the items of each world are saved there as soon as there are any.
        scratch: an empty folder, for all else.

    Returns:
        The tuning worlds and the reporting ones.

    Raises:
        UsageError: there are too few photos.
        SourceUnavailable: there is no such folder.
        Stopped: as asked through the monitor.
    """
    monitor.stage("Reading the folder", None)
    photos = photos_of(request.folder, request.leave_out)
    if not photos:
        raise UsageError(f"there are no photos in {request.folder}; name another folder")
    halves = {
        half: [photo.path for photo in photos if photo.half == half] for half in (TUNING, REPORTING)
    }
    plans = [
        (half, worlds.plan(halves[half], seed))
        for half, seeds in ((TUNING, request.tune), (REPORTING, request.seeds))
        for seed in seeds
    ]
    kept.mkdir(parents=True, exist_ok=True)
    seen = []
    for half, world in plans:
        folder = scratch / f"{half}-{world.seed}"
        folder.mkdir()
        world_pictures.write(world, request.folder, folder, monitor)
        measured = seeing.see(world, half, folder, request.preset, monitor)
        items.save(measured, kept / f"{measured.name}.json")
        seen.append(measured)
    return of_half(seen, TUNING), of_half(seen, REPORTING)


def of_half(seen: Sequence[Measured], half: str) -> list[Measured]:
    """The worlds of one half."""
    return [world for world in seen if world.half == half]


def peers(folder: Path | None) -> list[Linker]:
    """Methods of other programs, as far as they are installed.

    Args:
        folder: of their environment; None for none.
    """
    found = environment(folder)
    return [splink_peer.linker(found.python)] if SPLINK in found.versions else []


def notes(reporting: Sequence[Measured], linkers: Sequence[Linker]) -> list[str]:
    """What a reader has to know before the figures, in sentences."""
    found = []
    profiles = min(len(world.items.profiles) for world in reporting)
    if profiles < LEAST_PROFILES:
        found.append(
            f"A world has only {profiles} profiles. {ENOUGH:,} photos or more give worlds of the "
            "full size; with fewer, chance decides."
        )
    if not linkers:
        found.append(
            "Not installed, so not compared with: Splink. Make an environment from "
            "benchmark-requirements.lock, and name it with --peers."
        )
    return found
