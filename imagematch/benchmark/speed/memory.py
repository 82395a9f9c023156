"""The most memory that indexing takes, and its processor time, by number of photos."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from imagematch.benchmark.speed import photos, processes
from imagematch.benchmark.speed.records import Growth, Peak
from imagematch.monitor import Monitor


def measure(
    presets: Sequence[str],
    folder: Path,
    paths: Sequence[str],
    sizes: Sequence[int],
    scratch: Path,
    monitor: Monitor,
) -> tuple[Peak, ...]:
    """Index the first few photos, then more, each time into a new index.

    Args:
        paths: of photos, relative to the folder; evenly chosen.
        sizes: how many of them; sizes beyond what there is are left out.
        scratch: an empty folder.

    Raises:
        UsageError: imagematch failed.
        Stopped: as asked through the monitor.
    """
    fitting = sorted({min(size, len(paths)) for size in sizes} | {len(paths)})
    monitor.stage("Measuring memory", len(fitting) * len(presets))
    peaks = []
    for size in fitting:
        laid = photos.lay_out("", folder, photos.evenly(paths, size), scratch / str(size))
        for preset in presets:
            index = scratch / f"index-{preset}-{size}"
            words = ("index", laid.folder, "--index", index, "--preset", preset, "--json")
            command = processes.imagematch(*words)
            ran = processes.checked(processes.run(command, monitor, memory=True), command)
            peaks.append(Peak(preset, size, ran.peak, ran.processor))
            shutil.rmtree(index)
            monitor.advance()
    return tuple(sorted(peaks, key=lambda peak: (presets.index(peak.preset), peak.photos)))


def growth(peaks: Sequence[Peak]) -> tuple[Growth, ...]:
    """How the processor time of indexing grows, for each preset."""
    presets = dict.fromkeys(peak.preset for peak in peaks)
    found = []
    for preset in presets:
        of = [peak for peak in peaks if peak.preset == preset]
        sizes, seconds = zip(*((peak.photos, peak.processor) for peak in of), strict=True)
        found.append(Growth(f"indexing with {preset}, processor", "s", sizes, seconds))
    return tuple(found)
