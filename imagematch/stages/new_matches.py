"""New matches: what runs have added in, pairs of sightings that no analyst has been shown out."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from imagematch.records import PhotoPair, Profile
from imagematch.settings import LinkSettings
from imagematch.stages.operator_groups import Operators
from imagematch.stages.shared_photos import Shared, SharedPhotos, surest_first
from imagematch.stores.index import Index


class News(NamedTuple):
    """What is new.

    Attributes:
        pairs: matches between owners and with galleries, surest first.
        clusters: the id of the cluster of each profile that is in one now.
    """

    pairs: tuple[PhotoPair, ...]
    clusters: Mapping[Profile, str]


def run(index: Index, settings: LinkSettings, run_ids: Collection[int]) -> News:
    """Matches that some runs brought, and the clusters that there are now.

    A match is new when its run found it, or when one of its sightings is new. Photos that many show
    and nothing else connects are none.
    """
    photos = SharedPhotos(index, settings)
    operators = Operators.read(index, photos)

    def is_new(item: Shared) -> bool:
        runs = (item.run_id, item.pair.left.added_run, item.pair.right.added_run)
        return max(runs) in run_ids

    found = [*photos.gallery_hits(), *photos.between_owners(operators.hot)]
    pairs = sorted((item.pair for item in found if is_new(item)), key=surest_first)
    return News(tuple(pairs), operators.membership)
