"""New matches: what runs have added in, pairs of sightings that no analyst has been shown out."""

from collections.abc import Collection

from imagematch.records import PhotoPair
from imagematch.settings import LinkSettings
from imagematch.stages.operator_groups import Operators
from imagematch.stages.shared_photos import Shared, SharedPhotos, surest_first
from imagematch.stores.index import Index


def run(index: Index, settings: LinkSettings, run_ids: Collection[int]) -> tuple[PhotoPair, ...]:
    """Matches that some runs brought: between owners and with galleries, surest first.

    A match is new when its run found it, or when one of its sightings is new.
    """
    photos = SharedPhotos(index, settings)
    common = Operators.read(index, photos).hot

    def is_new(item: Shared) -> bool:
        runs = (item.run_id, item.pair.left.added_run, item.pair.right.added_run)
        return max(runs) in run_ids

    found = [*photos.gallery_hits(), *photos.between_owners(common)]
    return tuple(sorted((item.pair for item in found if is_new(item)), key=surest_first))
