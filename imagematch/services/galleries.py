"""Galleries: which there are, and how one is forgotten."""

from imagematch.errors import UsageError
from imagematch.records import Gallery
from imagematch.services.indexing import GALLERY, KIND_WORDS
from imagematch.services.session import Session


def list_galleries(session: Session) -> tuple[Gallery, ...]:
    """The galleries of an index, by name."""
    with session.reading() as index:
        return tuple(
            Gallery(name, files, photos)
            for name, (kind, files, photos) in index.collections.counts().items()
            if kind == GALLERY
        )


def remove_gallery(session: Session, name: str) -> int:
    """Forget a gallery; returns how many photos went with it.

    Raises:
        UsageError: there is no such gallery.
    """
    with session.running("imagematch gallery remove") as index:
        collection = index.collections.get(name)
        if collection.kind != GALLERY:
            raise UsageError(f"{name!r} is {KIND_WORDS[collection.kind]}, not a gallery")
        # Pictures first: a run that is killed must leave none of a photo that no row knows.
        index.pictures.discard(index.collections.last_photos(collection))
        gone = index.collections.remove(collection)
        index.remove_vectors(gone)
        index.audit.record("gallery removed", gallery=name, photos=len(gone))
        return len(gone)
