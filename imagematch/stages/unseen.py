"""Candidates that nobody could look at: judgements in, how many there are and why out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from imagematch.records import Judgement
from imagematch.sources.reading import exists
from imagematch.stores.index import Index


@dataclass(frozen=True, slots=True)
class Unseen:
    """Candidates whose picture could not be looked at; photos.

    Attributes:
        traced: of them, how many were compared by the trace that was kept.
        gone: of them, how many have no file any more.
        unreadable: of them, how many have one that was changed or can't be compared.
        folders: that are not there, of those whose files are gone.
    """

    traced: int = 0
    gone: int = 0
    unreadable: int = 0
    folders: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return self.gone + self.unreadable


def was_seen(judgement: Judgement) -> bool:
    """Whether the pictures of a pair were looked at, or did not need to be."""
    geometry = judgement.evidence.geometry
    return judgement.evidence.exact or (geometry is not None and not geometry.traced)


def unseen(index: Index, judged: Mapping[int, Judgement]) -> Unseen:
    """Count those of the candidates of a query that nobody could look at.

    Args:
        judged: by id of the photo.
    """
    photos = [photo_id for photo_id, judgement in judged.items() if not was_seen(judgement)]
    if not photos:
        return Unseen()
    locators = index.photos.locators_of(photos)
    gone = [photo for photo in photos if not any(map(exists, locators[photo]))]
    roots = {
        sighting.root
        for sightings in index.sightings.sightings_of(gone).values()
        for sighting in sightings
    }
    return Unseen(
        sum(judged[photo].evidence.geometry is not None for photo in photos),
        len(gone),
        len(photos) - len(gone),
        tuple(sorted(root for root in roots if not Path(root).is_dir())),
    )
