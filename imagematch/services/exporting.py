"""What an index knows, for other programs: the hashes of its photos."""

from collections.abc import Iterator

from imagematch.records import ExportedHashes
from imagematch.services.session import Session


def hashes_of(session: Session, collection: str = "") -> Iterator[ExportedHashes]:
    """The hashes of all described photos, once for each file that shows one.

    Args:
        collection: only files of this one; "" for all.

    Raises:
        UsageError: there is no such collection.
    """
    with session.reading() as index:
        if collection:
            index.collections.get(collection)
        for photos in index.photos.hashes():
            sightings = index.sightings.sightings_of([photo.id for photo in photos])
            for photo in photos:
                # A file that a manifest names twice has two sightings.
                for name, path in dict.fromkeys(
                    (sighting.collection, sighting.path) for sighting in sightings[photo.id]
                ):
                    if collection in ("", name):
                        yield ExportedHashes(
                            photo.sha256,
                            photo.phash,
                            photo.pdq,
                            photo.pdq_quality,
                            photo.gate,
                            name,
                            path,
                        )
