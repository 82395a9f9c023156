"""How costs grow over sizes that no folder of photos has: made-up indexes of any size."""

from collections.abc import Sequence
from pathlib import Path

from imagematch.benchmark import catalogue
from imagematch.benchmark.speed.records import Growth
from imagematch.monitor import Monitor

#: Seconds that `imagematch link` may take on a million photos (2 cores).
_LINK_TARGET = {1_000_000: 60.0}


def measure(sizes: Sequence[int], scratch: Path, seed: int, monitor: Monitor) -> tuple[Growth, ...]:
    """Measure indexes of each of some sizes, in photos.

    Args:
        scratch: an empty folder.

    Raises:
        Stopped: as asked through the monitor.
    """
    return tuple(_links(sorted(set(sizes)), scratch, seed, monitor))


def _links(sizes: Sequence[int], scratch: Path, seed: int, monitor: Monitor) -> list[Growth]:
    """`imagematch link`, as a process of its own."""

    def watch(words: str) -> None:
        monitor.check()
        monitor.stage(words.capitalize(), None)

    costs = catalogue.measure_link(sizes, scratch, seed, watch).costs
    photos = tuple(cost.photos for cost in costs)
    seconds = tuple(cost.seconds for cost in costs)
    memory = tuple(cost.peak_mib * 2**20 for cost in costs)
    target = {size: most for size, most in _LINK_TARGET.items() if size in photos}
    return [
        Growth("link", "s", photos, seconds, target),
        Growth("link, memory", "bytes", photos, memory),
    ]
