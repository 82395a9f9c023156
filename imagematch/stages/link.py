"""Link: stored matches in, links between profiles and clusters of profiles out.

Everything follows from what is stored, so nothing is: a link is never out of date.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from imagematch.kernels.clusters import Edge, find_clusters
from imagematch.records import Cluster, Link, LinkReport, Profile, Reach
from imagematch.settings import LinkSettings
from imagematch.stages.shared_photos import Shared, SharedPhotos, profile_of, surest_first, turned
from imagematch.stores.index import Index

#: What a link rests on: for each shared photo the groups of copies it was found in.
type Evidences = frozenset[frozenset[int]]

#: What two profiles share, and whether it is to be turned to have the first of them on the left.
type _Sided = tuple[Shared, bool]


def run(
    index: Index, settings: LinkSettings, ask: Callable[[Reach], object] = lambda _: None
) -> LinkReport:
    """Join profiles by the photos they share.

    Args:
        ask: told beforehand what photos reach by the settings alone that make many links each.
    """
    photos = SharedPhotos(index, settings)
    ask(photos.crowds())
    links = _links(photos.between_profiles(), settings.min_strength)
    return LinkReport(
        photos.profiles,
        tuple(link for link, _ in links),
        _clusters(links, settings.strong),
        tuple(photo for photo in photos.hot() if photo.state != "released"),
        tuple(hit.pair for hit in photos.gallery_hits()),
        tuple(scene.pair for scene in photos.scenes()),
        photos.unprofiled(),
    )


def _links(shared: Iterable[Shared], min_strength: float) -> list[tuple[Link, Evidences]]:
    """Links with what each rests on, strongest first."""
    between: dict[tuple[Profile, Profile], list[_Sided]] = defaultdict(list)
    for item in shared:
        left, right = profile_of(item.pair.left), profile_of(item.pair.right)
        if left <= right:
            between[left, right].append((item, False))
        else:
            between[right, left].append((item, True))
    links = []
    for (left, right), items in between.items():
        kept = _independent(items)
        doubt = math.prod(1 - item.pair.judgement.confidence * item.pair.weight for item in kept)
        strength = round(1 - doubt, 4)
        if strength >= min_strength:
            pairs = tuple(item.pair for item in kept)
            links.append((Link(left, right, strength, pairs), frozenset(i.groups for i in kept)))
    return sorted(links, key=lambda entry: (-entry[0].strength, entry[0].left, entry[0].right))


def _independent(items: Sequence[_Sided]) -> list[Shared]:
    """The surest pair for each shared photo: copies of one photo count once."""
    kept: list[Shared] = []
    used: set[int] = set()
    for item, wrong in sorted(items, key=lambda one: surest_first(one[0].pair, turned=one[1])):
        if not item.groups & used:
            kept.append(turned(item) if wrong else item)
            used |= item.groups
    return kept


def _clusters(links: Sequence[tuple[Link, Evidences]], strong: float) -> tuple[Cluster, ...]:
    by_ends = {(link.left, link.right): link for link, _ in links}
    edges = [
        Edge(link.left, link.right, link.strength, evidence)
        for link, evidence in links
        if link.left != link.right
    ]
    return tuple(
        Cluster(
            number,
            tuple(sorted(group.nodes)),
            tuple(by_ends[edge.left, edge.right] for edge in group.edges),
            by_ends[group.weakest.left, group.weakest.right],
        )
        for number, group in enumerate(find_clusters(edges, strong), start=1)
    )
