"""How costs grow over sizes that no folder of photos has: made-up indexes of any size."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmark.speed import scale, synthetic_catalogue
from benchmark.speed.measurements import Growth
from benchmark.speed.scale import ScalePoint
from benchmark.speed.synthetic import Prints
from imagematch.runtime.monitor import Monitor, Unwatched
from imagematch.services import indexing
from imagematch.services.session import Session
from imagematch.sources.folder_source import FolderSource
from imagematch.stores.index import Index

#: Of more photos no catalogue is made: that takes ten times as long as to link them.
_MOST_LINKED = 1_000_000

#: Seconds that `imagematch link` may take on a million photos, milliseconds that one query's
#: candidates may take, seconds until an index is open, and bytes that it may hold of a photo in
#: memory (2 cores).
_LINK_TARGET = {1_000_000: 60.0}
_QUERY_TARGET = {1_000_000: 50.0, 10_000_000: 150.0}
_OPEN_TARGET = {1_000_000: 1.0}
_RESIDENT_TARGET = {10_000_000: 120.0 * 10_000_000}

#: Photos a second in batch, 2,000 or more: milliseconds of one.
_BATCH_TARGET = {1_000_000: 0.5}


def measure_search(
    sizes: Sequence[int], photos: Path, scratch: Path, seed: int, monitor: Monitor
) -> tuple[ScalePoint, ...]:
    """Search made-up indexes of each of some sizes, in photos.

    Args:
        photos: a folder with photos whose fingerprints the made-up ones resemble.
        scratch: an empty folder.

    Raises:
        Stopped: as asked through the monitor.
    """
    real = _prints(photos, scratch / "real")
    return scale.measure_scale(sorted(set(sizes)), scratch, seed, monitor, real)


def _prints(folder: Path, directory: Path) -> Prints:
    """Fingerprints of the photos of a folder, those of the whole pictures."""
    with Session(directory) as session:
        request = indexing.IndexRequest(FolderSource(folder))
        indexing.index_folder(session, request, Unwatched())
    with Index.read(directory) as index:
        assert index.embeddings is not None  # the default preset has them
        ids = index.pdq.ids()
        return Prints(
            np.asarray(index.embeddings.get(ids), np.float32),
            np.asarray(index.pdq.get(ids), np.uint8),
        )


def search_growth(points: Sequence[ScalePoint]) -> tuple[Growth, ...]:
    """How each cost of searching grows."""

    def cost(
        name: str,
        unit: str,
        of: Callable[[ScalePoint], float],
        target: dict[int, float] | None = None,
    ) -> Growth:
        sizes = tuple(point.photos for point in points)
        most = {size: value for size, value in (target or {}).items() if size in sizes}
        return Growth(name, unit, sizes, tuple(of(point) for point in points), most)

    if not points:
        return ()
    return (
        cost("vectors, stored", "s", lambda point: point.build_seconds),
        cost("10,000 photos more", "s", lambda point: point.add_seconds),
        cost("vectors on disk", "bytes", lambda point: point.disk_bytes * point.photos),
        cost(
            "vectors resident in memory",
            "bytes",
            lambda point: point.resident_bytes * point.photos,
            _RESIDENT_TARGET,
        ),
        cost("vectors, opened", "s", lambda point: point.open_seconds, _OPEN_TARGET),
        cost("candidates of a query, median", "ms", lambda point: 1000 * point.single_p50),
        cost(
            "candidates of a query, 99 of 100",
            "ms",
            lambda point: 1000 * point.single_p99,
            _QUERY_TARGET,
        ),
        cost(
            "candidates of a photo with one view, 99 of 100",
            "ms",
            lambda point: 1000 * point.upright_p99,
            _QUERY_TARGET,
        ),
        cost(
            "candidates of a photo, in batch",
            "ms",
            lambda point: 1000 / point.batch_per_second,
            _BATCH_TARGET,
        ),
    )


def link_growth(
    sizes: Sequence[int], scratch: Path, seed: int, monitor: Monitor
) -> tuple[Growth, ...]:
    """`imagematch link` on made-up catalogues of up to a million photos, as a process of its own.

    Args:
        scratch: an empty folder.

    Raises:
        Stopped: as asked through the monitor.
    """

    def watch(words: str) -> None:
        monitor.check()
        monitor.stage(words.capitalize(), None)

    linked = sorted({size for size in sizes if size <= _MOST_LINKED})
    if not linked:
        return ()
    costs = synthetic_catalogue.measure_link(linked, scratch, seed, watch)
    photos = tuple(cost.photos for cost in costs)
    seconds = tuple(cost.seconds for cost in costs)
    memory = tuple(cost.peak for cost in costs)
    target = {size: most for size, most in _LINK_TARGET.items() if size in photos}
    return (
        Growth("link", "s", photos, seconds, target),
        Growth("link, memory", "bytes", photos, memory),
    )
