"""Photos a second: imagematch, its bare kernels and the peers, by turns on the same files."""

import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmark.speed import bare, peers, processes, recording
from benchmark.speed.measurements import Ratio, Throughput, Timed
from benchmark.speed.peers import Environment
from benchmark.speed.photo_sets import Laid
from benchmark.speed.processes import Ran
from imagematch.runtime.monitor import Monitor, Unwatched
from imagematch.services import indexing
from imagematch.sources.folder_source import FolderSource

#: Presets that index differently: `fast` and `balanced` differ in queries only.
PRESETS = ("hashes", "balanced", "thorough")

#: Photos a second of a preset over those of a peer, at least (2 cores, photos of about 500 px); 0
#: where the ratio is told without a target.
_TARGETS = {
    ("hashes", peers.immaculate("pdq")): 0.7,
    ("hashes", peers.plain_loop_of("imagehash")): 0.0,
    ("hashes", peers.plain_loop_of("pdqhash")): 0.0,
    ("balanced", peers.immaculate("sscd_distilled")): 1.2,
    ("balanced", peers.immaculate("sscd")): 3.0,
    ("thorough", peers.immaculate("sscd")): 0.0,
}
#: Photos a second of a preset over those of its kernels in a loop, at least.
_EFFICIENCY = 0.85


@dataclass(frozen=True, slots=True)
class _Contender:
    """Something to run on a folder of photos.

    Attributes:
        start: runs it once; `memory` as in `processes.run`.
        missing: why it can't run; "" where it can.
        written: where it keeps what it computes, if it does.
    """

    name: str
    start: Callable[[bool], Ran]
    missing: str = ""
    written: Path | None = None


def title(preset: str) -> str:
    """How tables call a preset."""
    return f"imagematch {preset}"


def kernels(preset: str, *, verified: bool) -> str:
    """How tables call the kernels of a preset."""
    return f"bare kernels of {preset}" + (", pairs too" if verified else "")


def measure(
    laid: Laid,
    environment: Environment,
    scratch: Path,
    monitor: Monitor,
    *,
    rounds: int,
    workers: int,
    targets: bool = True,
) -> Throughput:
    """Let all contenders take turns.

    A first round, which is not timed, fills the caches and sees how much memory each takes.

    Args:
        laid: the files.
        scratch: an empty folder.
        targets: compare with the targets, which are for photos of about 500 px.

    Raises:
        UsageError: imagematch failed.
        Stopped: as asked through the monitor.
    """
    monitor.stage(f"Recording the work on {laid.about.name}", len(PRESETS))
    contenders = [
        *_ours(laid, scratch, workers, monitor),
        *(_peer(peer, environment, laid, monitor) for peer in peers.all_peers()),
    ]
    able = [contender for contender in contenders if not contender.missing]
    monitor.stage(f"Taking turns on {laid.about.name}", len(able) * (rounds + 1))
    timed = {
        contender.name: Timed(contender.name, laid.about.count, note=contender.missing)
        for contender in contenders
    }
    for number in range(rounds + 1):
        for contender in able:
            monitor.check()
            before = timed[contender.name]
            if not before.note:
                timed[contender.name] = _with(before, contender, warm_up=number == 0)
            monitor.advance()
    return Throughput(laid.about, tuple(timed.values()), tuple(_ratios(timed, targets)))


def _with(before: Timed, contender: _Contender, *, warm_up: bool) -> Timed:
    """What is known of a contender after another round."""
    ran = contender.start(warm_up)
    if ran.code not in (0, 1):
        return replace(before, seconds=(), processor=(), note=f"failed: {ran.said}")
    if warm_up:
        written = _bytes_of(contender.written) if contender.written else 0
        return replace(before, peak=ran.peak, written=written)
    return replace(
        before,
        seconds=(*before.seconds, ran.seconds),
        processor=(*before.processor, ran.processor),
    )


def _ours(laid: Laid, scratch: Path, workers: int, monitor: Monitor) -> Iterator[_Contender]:
    for preset in PRESETS:
        index = scratch / f"index-{preset}"
        yield _Contender(
            title(preset), partial(_indexed, laid, preset, index, monitor), written=index
        )
        request = indexing.IndexRequest(FolderSource(laid.folder), preset=preset)
        tape = recording.record(scratch / f"recorded-{preset}", request, Unwatched())
        monitor.check()
        monitor.advance()
        for verified in (False, True):
            name = kernels(preset, verified=verified)
            path = tape.save(scratch / f"{name}.tape", first_only=not verified)
            yield _Contender(name, partial(_replayed, path, workers, monitor))


def _indexed(laid: Laid, preset: str, index: Path, monitor: Monitor, memory: bool) -> Ran:
    """Index everything into a new index."""
    shutil.rmtree(index, ignore_errors=True)
    words = ("index", laid.folder, "--index", index, "--preset", preset, "--json")
    command = processes.imagematch(*words)
    return processes.checked(processes.run(command, monitor, memory=memory), command)


def _replayed(tape: Path, workers: int, monitor: Monitor, memory: bool) -> Ran:
    command = bare.command(tape, workers)
    return processes.checked(processes.run(command, monitor, memory=memory), command)


def _peer(peer: peers.Peer, environment: Environment, laid: Laid, monitor: Monitor) -> _Contender:
    def start(memory: bool) -> Ran:
        return processes.run(
            peer.command(environment, laid.folder),
            monitor,
            memory=memory,
            environment={"PYTHONPATH": ""},  # its own packages, and not ours
        )

    return _Contender(peer.name, start, environment.missing(peer))


def _bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# --- ratios --------------------------------------------------------------------------------------


def _ratios(timed: Mapping[str, Timed], targets: bool) -> Iterator[Ratio]:
    wanted = [(title(preset), peer, target) for (preset, peer), target in _TARGETS.items()]
    for preset in PRESETS:
        # The target is for what describes photos; how many pairs there are to verify beyond that
        # depends on the photos.
        wanted.append((title(preset), kernels(preset, verified=False), _EFFICIENCY))
        wanted.append((title(preset), kernels(preset, verified=True), 0.0))
    for of, to, target in wanted:
        if of in timed:
            yield ratio(timed[of], timed[to], target if targets else 0.0)


def ratio(ours: Timed, theirs: Timed, target: float = 0.0) -> Ratio:
    """How many times as many photos a second one does, round by round."""
    each: Sequence[float] = [
        their / our for our, their in zip(ours.seconds, theirs.seconds, strict=False)
    ]
    if not each:
        each = [math.nan]
    return Ratio(ours.name, theirs.name, median(each), min(each), max(each), target)
