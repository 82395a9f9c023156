"""Pictures for reports: small ones of photos, and drawings of what was found."""

from collections.abc import Iterable, Iterator, Mapping

from imagematch.records import Comparison, Drawing, QueryMatch, QueryResult, StoredSighting
from imagematch.services.session import Session
from imagematch.settings import Settings
from imagematch.stages.photo_workers import photo_workers


def explain_matches(
    session: Session, results: Iterable[QueryResult]
) -> Iterator[tuple[str, QueryMatch, Drawing | None]]:
    """Draw what a query found, a drawing for each different photo; see `stages.explain.run`."""
    from imagematch.stages import explain

    with session.reading() as index:
        executor = session.workers(index.settings, embedding=False)
        yield from explain.run(index, executor, results)


def explain_comparison(settings: Settings, comparison: Comparison) -> Drawing | None:
    """Draw two files that were compared; see `stages.explain.run_comparison`."""
    from imagematch.stages import explain

    with photo_workers(settings, embedding=False) as executor:
        return explain.run_comparison(executor, settings, comparison)


def make_thumbnails(
    session: Session, sightings: Iterable[StoredSighting], others: Mapping[str, str] | None = None
) -> dict[str, bytes]:
    """JPEGs for a report, by SHA-256 of the photo; what can't be made is left out.

    Args:
        others: further pictures, from the name they get in the answer to the path of the file.
    """
    from imagematch.stages import thumbnails
    from imagematch.stages.fingerprints import FileTask, file_outside

    with session.reading() as index:
        hashes = sorted({sighting.photo for sighting in sightings})
        tasks = {
            sha256: FileTask(locators, sha256, index.pictures.path(sha256))
            for sha256, locators in index.photos.locators_by_hash(hashes).items()
        }
        for name, path in (others or {}).items():
            tasks[name] = file_outside(path)
        executor = session.workers(index.settings, embedding=False)
        return thumbnails.run(executor, index.settings, tasks)
