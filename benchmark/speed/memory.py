"""The most memory that indexing takes, and its processor time, by number of photos."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmark.speed import photo_sets, processes
from benchmark.speed.measurements import Growth, Peak
from imagematch.runtime.monitor import Monitor

#: How many times the photos of one measurement the next one has, and what the first has at most.
_STEP, _FIRST = 4, 250


def measure(
    presets: Sequence[str],
    folder: Path,
    paths: Sequence[str],
    scratch: Path,
    monitor: Monitor,
) -> tuple[Peak, ...]:
    """Index the first few photos, then more, each time into a new index.

    Args:
        paths: of photos, relative to the folder, of which the first are like all.
        scratch: an empty folder.

    Raises:
        UsageError: imagematch failed.
        Stopped: as asked through the monitor.
    """
    sizes = _sizes(len(paths))
    monitor.stage("Measuring memory", len(sizes) * len(presets))
    peaks = []
    for size in sizes:
        laid = photo_sets.lay_out("", folder, paths[:size], scratch / str(size))
        for preset in presets:
            index = scratch / f"index-{preset}-{size}"
            words = ("index", laid.folder, "--index", index, "--preset", preset, "--json")
            command = processes.imagematch(*words)
            ran = processes.checked(processes.run(command, monitor, memory=True), command)
            peaks.append(Peak(preset, size, ran.peak, ran.processor))
            shutil.rmtree(index)
            monitor.advance()
    return tuple(sorted(peaks, key=lambda peak: (presets.index(peak.preset), peak.photos)))


def _sizes(most: int) -> list[int]:
    """Numbers of photos, ascending, each four times the one before; at last all."""
    sizes = [most]
    while sizes[0] > _FIRST:
        sizes.insert(0, -(-sizes[0] // _STEP))
    return sizes


def growth(peaks: Sequence[Peak]) -> tuple[Growth, ...]:
    """How the processor time of indexing grows, for each preset."""
    presets = dict.fromkeys(peak.preset for peak in peaks)
    found = []
    for preset in presets:
        of = [peak for peak in peaks if peak.preset == preset]
        sizes, seconds = zip(*((peak.photos, peak.processor) for peak in of), strict=True)
        found.append(Growth(f"indexing with {preset}, processor", "s", sizes, seconds))
    return tuple(found)
