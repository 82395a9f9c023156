"""The speed benchmark as a recipe: a folder of photos in, what was measured out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark import machine
from benchmark.speed import (
    busy,
    growing_indexes,
    held,
    making,
    memory,
    peers,
    photo_sets,
    step_times,
    throughput,
    unchanged,
)
from benchmark.speed.measurements import Peak, Speed, Steps, Throughput
from benchmark.speed.throughput import PRESETS
from imagematch.runtime.monitor import Monitor
from imagematch.settings import DEFAULTS

THROUGHPUT, STEPS, MEMORY = "throughput", "steps", "memory"
UNCHANGED, BUSY, HELD, SCALE = "unchanged", "busy", "held", "scale"
#: What can be measured, in the order of tables.
ALL_PARTS = (THROUGHPUT, STEPS, MEMORY, UNCHANGED, BUSY, HELD, SCALE)

#: Photos that are taken apart into steps, half of a minute of the slowest preset, and photos that
#: come before.
_STEPS_PHOTOS, _WARM_PHOTOS = 300, 8


@dataclass(frozen=True, slots=True)
class SpeedRequest:
    """What to measure.

    Attributes:
        folder: of photos.
        peers: folder of the environment that the peers are installed in; None for none.
        parts: of `ALL_PARTS`.
        photos: for throughput, evenly chosen.
        large: 12-megapixel photos for throughput; 0 for none.
        many: photos up to which memory is measured, made of those in the folder.
        rounds: of everything that is timed.
        tree: small files to look at again.
        scale: sizes of made-up indexes, photos.
        command: that repeats the run.
        leave_out: files and folders in `folder` that are no part of it.
    """

    folder: Path
    peers: Path | None = None
    parts: tuple[str, ...] = ALL_PARTS
    photos: int = 1000
    large: int = 40
    many: int = 4000
    rounds: int = 3
    tree: int = 20_000
    scale: tuple[int, ...] = (10_000, 100_000)
    seed: int = 0
    command: str = "python -m benchmark speed"
    leave_out: tuple[Path, ...] = ()


def run(request: SpeedRequest, scratch: Path, monitor: Monitor) -> Speed:
    """Measure.

    Args:
        scratch: an empty folder; what is written goes there.

    Raises:
        UsageError: there is no photo in the folder, or a command of imagematch fails.
        SourceUnavailable: there is no such folder.
        Stopped: as asked through the monitor.
    """
    monitor.stage("Reading the folder", None)
    paths = photo_sets.files_of(request.folder, request.leave_out)
    environment = peers.environment(request.peers)
    wanted = request.parts
    measured = Speed(
        folder=request.folder.resolve().name,
        command=request.command,
        machine=machine.describe(),
        rounds=request.rounds,
        workers=DEFAULTS.workers.count or machine.cores(),
        peers={
            peer.package: environment.versions[peer.package]
            for peer in peers.all_peers()
            if not environment.missing(peer)
        },
    )
    if THROUGHPUT in wanted:
        turns = _throughput(request, paths, environment, scratch, monitor)
        measured = replace(measured, throughput=turns)
    if STEPS in wanted:
        measured = replace(measured, steps=_steps(request, paths, scratch, monitor))
    if MEMORY in wanted:
        peaks = _peaks(request, paths, scratch, monitor)
        measured = replace(measured, peaks=peaks, growth=memory.growth(peaks))
    if UNCHANGED in wanted:
        work = _work(scratch, "unchanged")
        again = unchanged.measure(request.tree, request.rounds, work, monitor)
        measured = replace(measured, unchanged=again)
    if BUSY in wanted:
        some = photo_sets.evenly(paths, request.photos)
        found = busy.measure(request.folder, some, _work(scratch, "busy"), monitor)
        measured = replace(measured, busy=found)
    if HELD in wanted:
        some = photo_sets.evenly(paths, request.photos)
        work = _work(scratch, "held")
        stays = held.measure(request.folder, some, request.rounds, work, monitor)
        measured = replace(measured, held=stays)
    if SCALE in wanted:
        measured = _scaled(measured, request, paths, scratch, monitor)
    return measured


def _scaled(
    measured: Speed,
    request: SpeedRequest,
    paths: Sequence[str],
    scratch: Path,
    monitor: Monitor,
) -> Speed:
    some = photo_sets.evenly(paths, request.photos)
    laid = photo_sets.lay_out("", request.folder, some, scratch / "resembled")
    points = growing_indexes.measure_search(
        request.scale, laid.folder, _work(scratch, "search"), request.seed, monitor
    )
    links = growing_indexes.link_growth(
        request.scale, _work(scratch, "links"), request.seed, monitor
    )
    growth = (*measured.growth, *growing_indexes.search_growth(points), *links)
    return replace(measured, search=points, growth=growth)


def missing(request: SpeedRequest) -> tuple[str, ...]:
    """Packages that imagematch could be compared with, if they were installed."""
    environment = peers.environment(request.peers)
    names = {peer.package for peer in peers.all_peers() if environment.missing(peer)}
    return tuple(sorted(names))


def _throughput(
    request: SpeedRequest,
    paths: Sequence[str],
    environment: peers.Environment,
    scratch: Path,
    monitor: Monitor,
) -> tuple[Throughput, ...]:
    """The folder's own photos, then large ones."""
    some = photo_sets.evenly(paths, request.photos)
    laid = [photo_sets.lay_out("photos as they are", request.folder, some, scratch / "small")]
    if request.large:
        some = photo_sets.evenly(paths, request.large)
        target = scratch / "large"
        laid.append(
            making.make_large("12 megapixels", request.folder, some, target, request.seed, monitor)
        )
    workers = DEFAULTS.workers.count or machine.cores()
    measured = []
    for number, one in enumerate(laid):
        work = _work(scratch, f"turns-{number}")
        measured.append(
            throughput.measure(
                one,
                environment,
                work,
                monitor,
                rounds=request.rounds,
                workers=workers,
                targets=number == 0,
            )
        )
    return tuple(measured)


def _steps(
    request: SpeedRequest, paths: Sequence[str], scratch: Path, monitor: Monitor
) -> tuple[Steps, ...]:
    some = photo_sets.evenly(paths, min(request.photos, _STEPS_PHOTOS))
    others = sorted(set(paths) - set(some))[:_WARM_PHOTOS] or some[:1]
    laid = photo_sets.lay_out("", request.folder, some, scratch / "apart")
    warm = photo_sets.lay_out("", request.folder, others, scratch / "apart-others")
    monitor.stage("Taking apart where time goes", len(PRESETS))
    found = []
    for preset in PRESETS:
        work = _work(scratch, f"steps-{preset}")
        found.append(step_times.measure(preset, laid.folder, warm.folder, work, monitor))
        monitor.advance()
    return tuple(found)


def _peaks(
    request: SpeedRequest, paths: Sequence[str], scratch: Path, monitor: Monitor
) -> tuple[Peak, ...]:
    target = _work(scratch, "many")
    made = making.make_many(request.folder, paths, request.many, target, request.seed, monitor)
    return memory.measure(PRESETS, target, made, _work(scratch, "memory"), monitor)


def _work(scratch: Path, name: str) -> Path:
    """A new folder."""
    folder = scratch / name
    folder.mkdir()
    return folder
