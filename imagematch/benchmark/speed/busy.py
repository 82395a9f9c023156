"""Asking an index while it is written to: what that does to the time of an answer."""

from collections.abc import Sequence
from pathlib import Path

from imagematch import pipeline
from imagematch.benchmark.load import UnderLoad, measure_under_load
from imagematch.benchmark.speed import photos
from imagematch.errors import UsageError
from imagematch.monitor import Monitor, Unwatched

#: How long queries are asked, each time, s, and photos that are asked for in turn.
_SECONDS, _ASKED = 40.0, 50

#: New photos, at least: more than are described meanwhile.
_OTHERS = 8000


def measure(folder: Path, paths: Sequence[str], scratch: Path, monitor: Monitor) -> UnderLoad:
    """Index photos, then ask for some of them at rest and during `imagematch reindex` of others.

    Args:
        paths: of the photos, relative to the folder.
        scratch: an empty folder.

    Raises:
        UsageError: the reindex was done before the queries were.
        Stopped: as asked through the monitor.
    """
    laid = photos.lay_out("", folder, paths, scratch / "asked")
    index = scratch / "index"
    monitor.stage("Indexing photos to ask for", None)
    pipeline.index_folder(index, pipeline.IndexRequest(laid.folder, "asked"), Unwatched())
    monitor.check()
    monitor.stage("Making photos to reindex", None)
    _make_others(folder, paths, scratch / "others")
    jobs = scratch / "jobs.toml"
    jobs.write_text('[[job]]\nname = "others"\nfolder = "others"\n', "utf-8")

    def watch(words: str) -> None:
        monitor.check()
        monitor.stage(words.capitalize(), None)

    asked = [laid.folder / path for path in photos.evenly(paths, _ASKED)]
    try:
        return measure_under_load(index, asked, jobs, _SECONDS, watch)
    except RuntimeError as error:
        raise UsageError(
            f"{_OTHERS:,} photos are described too fast here to ask for others meanwhile; leave "
            f"`busy` out of --parts"
        ) from error


def _make_others(folder: Path, paths: Sequence[str], target: Path) -> None:
    """Files that are new to an index: bytes behind the end of a picture make it another photo."""
    for number in range(-(-_OTHERS // len(paths))):
        for path in paths:
            other = target / f"{number}" / path
            other.parent.mkdir(parents=True, exist_ok=True)
            other.write_bytes((folder / path).read_bytes() + b"%d" % number)
