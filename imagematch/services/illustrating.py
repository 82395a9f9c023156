"""Pictures for reports: small ones of photos, and drawings of what was found."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from imagematch.records import Comparison, Drawing, QueryMatch, QueryResult, StoredSighting
from imagematch.settings import Settings
from imagematch.stages.photo_workers import photo_workers
from imagematch.stores.index import Index


def explain_matches(
    directory: Path, results: Iterable[QueryResult]
) -> Iterator[tuple[str, QueryMatch, Drawing | None]]:
    """Draw what a query found, a drawing for each different photo; see `stages.explain.run`."""
    from imagematch.stages import explain

    with Index.read(directory) as index, photo_workers(index.settings, embedding=False) as executor:
        yield from explain.run(index, executor, results)


def explain_comparison(settings: Settings, comparison: Comparison) -> Drawing | None:
    """Draw two files that were compared; see `stages.explain.run_comparison`."""
    from imagematch.stages import explain

    with photo_workers(settings, embedding=False) as executor:
        return explain.run_comparison(executor, settings, comparison)


def make_thumbnails(
    directory: Path, sightings: Iterable[StoredSighting], others: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """JPEGs for a report, by SHA-256 of the photo; what can't be made is left out.

    Args:
        others: further pictures, from the name they get in the answer to the path of the file.
    """
    from imagematch.stages import thumbnails
    from imagematch.stages.fingerprints import FileTask

    with Index.read(directory) as index:
        hashes = sorted({sighting.photo for sighting in sightings})
        tasks = {
            sha256: FileTask(paths, sha256, index.pictures.path(sha256))
            for sha256, paths in index.photos.paths_by_hash(hashes).items()
        }
        for name, path in (others or {}).items():
            tasks[name] = FileTask((path,), "")
        with photo_workers(index.settings, embedding=False) as executor:
            return thumbnails.run(executor, index.settings, tasks)
