"""Link: stored matches in, links between profiles and clusters of profiles out.

A photo that two profiles share says more the fewer others show it, so each shared photo is weighed
by its rarity, and one that many profiles show (a placeholder, a logo, a stock picture) links
nobody. Everything follows from what is stored, so nothing is: a link is never out of date.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product

from imagematch.kernels import keypoints
from imagematch.kernels.clusters import Edge, Forest, find_clusters
from imagematch.records import (
    Cluster,
    Evidence,
    HotPhoto,
    Judgement,
    Link,
    LinkReport,
    PhotoPair,
    Profile,
    StoredSighting,
)
from imagematch.settings import LinkSettings
from imagematch.stores.index import Index
from imagematch.stores.matches import StoredMatch

#: One photo seen in two places: beyond doubt.
_SAME_BYTES = Judgement("exact", 1.0, Evidence(True, None, None, None, "same_bytes"))

#: Rarity is measured against a world of at least this many profiles: an index is a sample of one.
_LEAST_WORLD = 1000


#: Confidence from which copies count as forms of one photo.
_SURE = 0.9

_HOT = "shared_by_many"

#: What a link rests on: for each shared photo the groups of copies it was found in.
type Evidences = frozenset[frozenset[int]]


@dataclass(frozen=True, slots=True)
class _Shared:
    """A pair of sightings, and the groups of copies that the two photos belong to."""

    pair: PhotoPair
    groups: frozenset[int]


def run(index: Index, settings: LinkSettings) -> LinkReport:
    """Join profiles by the photos they share."""
    return _Linker(index, settings).report()


class _Linker:
    """The evidence of one index, and what follows from it."""

    def __init__(self, index: Index, settings: LinkSettings) -> None:
        self._settings = settings
        self._matches = list(index.matches.matches())
        shared = index.sightings.photos_with_several_sightings()
        ids = sorted({*shared, *(id_ for m in self._matches for id_ in (m.photo_a, m.photo_b))})
        self._sightings = index.sightings.sightings_of(ids)
        self._gates = index.photos.gates(ids)
        self._profiles = index.sightings.counts()["profiles"]
        self._group_of = _groups_of_copies(ids, self._matches)
        self._shown_by = self._profiles_by_group()

    def report(self) -> LinkReport:
        """Everything that the evidence gives."""
        links = _links(self._shared(), self._settings.min_strength)
        return LinkReport(
            self._profiles,
            tuple(link for link, _ in links),
            _clusters(links, self._settings.strong),
            tuple(self._hot()),
            tuple(self._gallery_hits()),
            tuple(self._scenes()),
            self._unprofiled(),
        )

    # --- what the photos show ------------------------------------------------------------------

    def _ads(self, photo_id: int) -> dict[Profile, StoredSighting]:
        """The profiles that show a photo, each with one sighting."""
        found: dict[Profile, StoredSighting] = {}
        for sighting in self._sightings[photo_id]:
            if sighting.info.profile and not sighting.gallery:
                found.setdefault(Profile(sighting.info.site, sighting.info.profile), sighting)
        return found

    def _profiles_by_group(self) -> dict[int, set[Profile]]:
        shown: dict[int, set[Profile]] = defaultdict(set)
        for photo_id, group in self._group_of.items():
            shown[group].update(self._ads(photo_id))
        return shown

    def _is_hot(self, photo_id: int) -> bool:
        group = self._shown_by[self._group_of[photo_id]]
        return len(group) >= self._settings.hot_profiles

    def _may_link(self, photo_id: int) -> bool:
        return not self._gates.get(photo_id) and not self._is_hot(photo_id)

    # --- pairs ---------------------------------------------------------------------------------

    def _shared(self) -> Iterator[_Shared]:
        """Every pair of profiles with a photo that they share, in any form."""
        for photo_id in self._sightings:
            if self._may_link(photo_id):
                shown = sorted(self._ads(photo_id).items())
                for (_, left), (_, right) in combinations(shown, 2):
                    yield self._pair(photo_id, photo_id, left, right, _SAME_BYTES)
        for match in self._counting():
            if not (self._may_link(match.photo_a) and self._may_link(match.photo_b)):
                continue
            for (one, left), (two, right) in product(
                self._ads(match.photo_a).items(), self._ads(match.photo_b).items()
            ):
                if one != two or self._settings.same_profile:
                    yield self._pair(match.photo_a, match.photo_b, left, right, match.judgement)

    def _counting(self) -> Iterator[StoredMatch]:
        return (match for match in self._matches if match.judgement.kind != "scene")

    def _pair(
        self,
        photo_a: int,
        photo_b: int,
        left: StoredSighting,
        right: StoredSighting,
        judgement: Judgement,
    ) -> _Shared:
        groups = frozenset((self._group_of[photo_a], self._group_of[photo_b]))
        shared_by = len(set().union(*(self._shown_by[group] for group in groups)))
        weight = _rarity(shared_by, self._profiles)
        return _Shared(PhotoPair(left, right, judgement, shared_by, weight), groups)

    # --- lists beside the links ----------------------------------------------------------------

    def _hot(self) -> Iterator[HotPhoto]:
        """Photos set aside, those of most profiles first."""
        examples: dict[int, int] = {}
        for photo_id, group in self._group_of.items():
            if self._is_hot(photo_id) and self._ads(photo_id):
                examples.setdefault(group, photo_id)
        hot = [
            HotPhoto(self._sightings[photo][0], tuple(sorted(self._shown_by[group])), _HOT)
            for group, photo in examples.items()
        ]
        for photo_id, gate in self._gates.items():
            shown = self._ads(photo_id)
            if gate and len(shown) > 1 and not self._is_hot(photo_id):
                hot.append(HotPhoto(self._sightings[photo_id][0], tuple(sorted(shown)), gate))
        return iter(sorted(hot, key=lambda photo: -len(photo.profiles)))

    def _gallery_hits(self) -> Iterator[PhotoPair]:
        """A gallery's photo on the left, an ad's on the right, surest first."""
        hits = []
        for photo_id, sightings in self._sightings.items():
            reference = [sighting for sighting in sightings if sighting.gallery]
            for left, right in product(reference[:1], _one_each(sightings)):
                hits.append(self._pair(photo_id, photo_id, left, right, _SAME_BYTES).pair)
        for match in self._counting():
            for a, b, judgement in (
                (match.photo_a, match.photo_b, match.judgement),
                (match.photo_b, match.photo_a, _reversed(match.judgement)),
            ):
                reference = [sighting for sighting in self._sightings[a] if sighting.gallery]
                for left, right in product(reference[:1], _one_each(self._sightings[b])):
                    hits.append(self._pair(a, b, left, right, judgement).pair)
        return iter(sorted(hits, key=_surest_first))

    def _scenes(self) -> Iterator[PhotoPair]:
        """Leads: other photos of the same place in two profiles, most keypoints first."""
        found = []
        for match in self._matches:
            if match.judgement.kind != "scene":
                continue
            lefts, rights = self._ads(match.photo_a), self._ads(match.photo_b)
            pairs = [(lefts[one], rights[two]) for one, two in product(lefts, rights) if one != two]
            for left, right in pairs[:1]:
                pair = self._pair(match.photo_a, match.photo_b, left, right, match.judgement)
                found.append(pair.pair)
        return iter(sorted(found, key=lambda pair: -_inliers(pair.judgement)))

    def _unprofiled(self) -> int:
        """Matches that join nobody because nothing says whose one of the photos is."""
        matches = sum(
            not all(
                self._ads(photo) or any(sighting.gallery for sighting in self._sightings[photo])
                for photo in (match.photo_a, match.photo_b)
            )
            for match in self._counting()
        )
        repeated = sum(
            len(_one_each(sightings)) > 1 and not self._ads(photo_id)
            for photo_id, sightings in self._sightings.items()
        )
        return matches + repeated


def _groups_of_copies(ids: Sequence[int], matches: Sequence[StoredMatch]) -> dict[int, int]:
    """For each photo the smallest id among its sure copies; a collage is no copy of its parts."""
    forest: Forest[int] = Forest()
    for match in matches:
        if match.judgement.kind in ("exact", "copy") and match.judgement.confidence >= _SURE:
            forest.join(*sorted((forest.find(match.photo_a), forest.find(match.photo_b))))
    return {photo_id: forest.find(photo_id) for photo_id in ids}


def _rarity(shared_by: int, profiles: int) -> float:
    """How much a photo says that so many profiles show, 0-1: inverse document frequency.

    1 for a photo of two profiles, which is as rare as a shared photo gets.
    """
    world = max(profiles, _LEAST_WORLD)
    if shared_by <= 2:
        return 1.0
    return round(max(0.0, math.log(world / shared_by) / math.log(world / 2)), 4)


def _links(shared: Iterator[_Shared], min_strength: float) -> list[tuple[Link, Evidences]]:
    """Links with what each rests on, strongest first."""
    between: dict[tuple[Profile, Profile], list[_Shared]] = defaultdict(list)
    for item in shared:
        item = _in_order(item)
        between[_profile(item.pair.left), _profile(item.pair.right)].append(item)
    links = []
    for (left, right), items in between.items():
        kept = _independent(items)
        doubt = math.prod(1 - item.pair.judgement.confidence * item.pair.weight for item in kept)
        strength = round(1 - doubt, 4)
        if strength >= min_strength:
            pairs = tuple(item.pair for item in kept)
            links.append((Link(left, right, strength, pairs), frozenset(i.groups for i in kept)))
    return sorted(links, key=lambda entry: (-entry[0].strength, entry[0].left, entry[0].right))


def _independent(items: Sequence[_Shared]) -> list[_Shared]:
    """The surest pair for each shared photo: copies of one photo count once."""
    kept: list[_Shared] = []
    used: set[int] = set()
    for item in sorted(items, key=lambda item: _surest_first(item.pair)):
        if not item.groups & used:
            kept.append(item)
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


def _in_order(item: _Shared) -> _Shared:
    """With the profile that sorts first on the left."""
    pair = item.pair
    if _profile(pair.left) <= _profile(pair.right):
        return item
    turned = replace(pair, left=pair.right, right=pair.left, judgement=_reversed(pair.judgement))
    return replace(item, pair=turned)


def _reversed(judgement: Judgement) -> Judgement:
    geometry = judgement.evidence.geometry
    if geometry is None:
        return judgement
    evidence = replace(judgement.evidence, geometry=keypoints.reverse(geometry))
    return replace(judgement, evidence=evidence)


def _one_each(sightings: Sequence[StoredSighting]) -> list[StoredSighting]:
    """Sightings in ads, one a profile; every one that has no profile."""
    found: dict[object, StoredSighting] = {}
    for sighting in sightings:
        if not sighting.gallery:
            owner = _profile(sighting) if sighting.info.profile else sighting.path
            found.setdefault(owner, sighting)
    return list(found.values())


def _profile(sighting: StoredSighting) -> Profile:
    return Profile(sighting.info.site, sighting.info.profile)


def _surest_first(pair: PhotoPair) -> tuple[float, float, str, str]:
    return -pair.judgement.confidence, -pair.weight, pair.left.path, pair.right.path


def _inliers(judgement: Judgement) -> int:
    geometry = judgement.evidence.geometry
    return geometry.inliers if geometry else 0
