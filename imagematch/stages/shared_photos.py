"""Photos that several owners show: stored matches and sightings in, groups of copies out.

What links, reports and galleries have in common: which photos are copies of each other, who shows
them, and which may link nobody. What people decided comes before all that.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, product

from imagematch.kernels.confidence import SAME_BYTES
from imagematch.kernels.forest import Forest
from imagematch.records import (
    Decision,
    Evidence,
    HotPhoto,
    Judgement,
    PhotoPair,
    Profile,
    StoredSighting,
)
from imagematch.settings import LinkSettings
from imagematch.stages.decisions_in_force import DecisionsInForce, is_sure_copy
from imagematch.stores.decision_history import order
from imagematch.stores.index import Index
from imagematch.stores.matches import StoredMatch

_HOT, _KEPT, _IGNORED = "shared_by_many", "kept", "ignored"

#: From this confidence on, a match that is no sure copy (a part, or a copy that was edited a lot)
#: says that its two photos show one thing.
_LIKELY = 0.8

#: Each owner is paired with each other where there are at most so many, else all with the first.
_FEW = 10

#: Who shows a photo: a profile, or the file itself where nothing says whose it is.
type Owner = Profile | str
type Owners = dict[Owner, StoredSighting]
type _Entry = tuple[Owner, StoredSighting]


@dataclass(frozen=True, slots=True)
class Shared:
    """A pair of sightings, and the run that found their match; 0 where the bytes are the same."""

    pair: PhotoPair
    run_id: int = 0


@dataclass(frozen=True, slots=True)
class PhotoItem:
    """A photo in all its forms, and who shows it in ads.

    Attributes:
        group: the smallest id among its sure copies.
        released: a person said that it may link in spite of many profiles.
        photos: by profile, the ids of the photos by which it shows this one: sure copies, or photos
            that are likely to have it in them.
    """

    group: int
    released: bool
    photos: dict[Profile, list[int]]


class SharedPhotos:
    """All matches of an index with the sightings of both sides."""

    def __init__(self, index: Index, settings: LinkSettings) -> None:
        self._settings = settings
        self._decided = DecisionsInForce.of(index)
        self._matches = list(self._decided.applied(index.matches.matches()))
        repeated = [*index.sightings.photos_with_several_sightings(), *self._decided.ignored]
        matched = (photo for match in self._matches for photo in (match.photo_a, match.photo_b))
        ids = sorted({*repeated, *matched})
        self._sightings = index.sightings.sightings_of(ids)
        # Of most photos there is one sighting: a table for each would be most of the memory.
        self._owned = {
            photo_id: self._owners_of(photo_id) for photo_id in ids if self._is_repeated(photo_id)
        }
        self._gates = index.photos.gates(ids)
        self._group_of = _groups_of_copies(ids, self._matches)
        self._shown_by = self._profiles_by_group()
        self._hot_decisions = self._latest_by_group()
        self._by_photos = {
            (match.photo_a, match.photo_b): match
            for match in self._matches
            if match.judgement.kind != "scene"
        }
        self.profiles = index.sightings.counts()["profiles"]

    # --- who shows what ------------------------------------------------------------------------

    def _owners(self, photo_id: int) -> Owners:
        """Who shows a photo in ads, each with one sighting."""
        found = self._owned.get(photo_id)
        return self._owners_of(photo_id) if found is None else found

    def _is_repeated(self, photo_id: int) -> bool:
        return len(self._sightings[photo_id]) > 1

    def _owners_of(self, photo_id: int) -> Owners:
        found: Owners = {}
        for sighting in self._sightings[photo_id]:
            if not (sighting.gallery or sighting.ignored):
                found.setdefault(_owner(sighting), sighting)
        return found

    def _showing(self, photo_id: int) -> set[Profile]:
        return {owner for owner in self._owners(photo_id) if isinstance(owner, Profile)}

    def _profiles_by_group(self) -> dict[int, set[Profile]]:
        shown: dict[int, set[Profile]] = {}
        for photo_id, group in self._group_of.items():
            shown.setdefault(group, set()).update(self._showing(photo_id))
        return shown

    def _latest_by_group(self) -> dict[int, Decision]:
        """For each group the latest decision about one of its photos, if it is in force."""
        latest: dict[int, Decision] = {}
        for photo_id, group in self._group_of.items():
            decision = self._decided.on_photo("hot", photo_id)
            if decision and (group not in latest or order(decision) > order(latest[group])):
                latest[group] = decision
        return {group: made for group, made in latest.items() if made.verdict != "reopen"}

    def _hot_decision(self, photo_id: int) -> Decision | None:
        return self._hot_decisions.get(self._group_of[photo_id])

    def _may_link(self, photo_id: int) -> bool:
        if photo_id in self._decided.ignored:
            return False
        if decision := self._hot_decision(photo_id):
            return decision.verdict == "release"
        return not self._gates.get(photo_id)

    # --- photos as evidence --------------------------------------------------------------------

    def items(self) -> list[PhotoItem]:
        """All photos that several profiles show and that may link them, by group.

        A photo of one group that is likely to be in one of another, such as the part of a collage,
        is shown by the profiles of both: that of the two which more profiles show, so that nothing
        is evidence twice.
        """
        found: dict[int, PhotoItem] = {}
        for photo_id, group in self._group_of.items():
            if self._may_link(photo_id):
                for profile in sorted(self._showing(photo_id)):
                    self._shows(found, group, profile, photo_id)
        sizes = {group: len(item.photos) for group, item in found.items()}
        for (photo_a, photo_b), match in self._by_photos.items():
            one, two = self._group_of[photo_a], self._group_of[photo_b]
            likely = match.judgement.confidence >= _LIKELY and one != two
            if likely and self._may_link(photo_a) and self._may_link(photo_b):
                known = sizes.get(one, 0), -one
                first = known > (sizes.get(two, 0), -two)
                host, guest = (one, photo_b) if first else (two, photo_a)
                for profile in sorted(self._showing(guest)):
                    self._shows(found, host, profile, guest)
        several = (item for item in found.values() if len(item.photos) > 1)
        return sorted(several, key=lambda item: item.group)

    def _shows(
        self, found: dict[int, PhotoItem], group: int, profile: Profile, photo_id: int
    ) -> None:
        item = found.get(group)
        if item is None:
            item = found[group] = PhotoItem(group, group in self._hot_decisions, {})
        shown = item.photos.setdefault(profile, [])
        if photo_id not in shown:
            shown.append(photo_id)

    def example(self, item: PhotoItem) -> StoredSighting:
        """One sighting of a photo in an ad."""
        return self._example(next(iter(item.photos.values()))[0])

    def pair(self, item: PhotoItem, left: Profile, right: Profile) -> PhotoPair | None:
        """The surest pair of sightings of a photo by two profiles, or by one that shows it twice.

        None where only others tell that theirs are one photo: both are copies of a third.
        """
        best: PhotoPair | None = None
        wrong = False
        for one in item.photos[left][:_FEW]:
            for two in item.photos[right][:_FEW]:
                if left == right and one >= two:
                    continue
                found = self._between(min(one, two), max(one, two), left, right, turned=two < one)
                if found is not None and (
                    best is None
                    or surest_first(found, turned=two < one) < surest_first(best, turned=wrong)
                ):
                    best, wrong = found, two < one
        return turned(Shared(best)).pair if best is not None and wrong else best

    def _between(
        self, one: int, two: int, left: Profile, right: Profile, *, turned: bool
    ) -> PhotoPair | None:
        """Sightings of two photos, the smaller id on the left, or of one; `turned`: the right
        profile shows that one."""
        if turned:
            left, right = right, left
        match = self._by_photos.get((one, two))
        if one == two:
            return self._pair(
                one, one, self._owners(one)[left], self._owners(one)[right], SAME_BYTES
            ).pair
        if match is None:
            return None
        return self._matched(match, self._owners(one)[left], self._owners(two)[right]).pair

    # --- pairs ---------------------------------------------------------------------------------

    def between_owners(self, set_aside: Collection[int]) -> Iterator[Shared]:
        """Every pair of owners with a photo that they share, in any form; of many owners, each with
        the first.

        Args:
            set_aside: groups of photos that link nobody.
        """
        for photo_id, left, right in self._same_photo():
            if self._group_of[photo_id] not in set_aside:
                yield self._pair(photo_id, photo_id, left, right, SAME_BYTES)
        for match, left, right in self._two_photos():
            groups = {self._group_of[match.photo_a], self._group_of[match.photo_b]}
            if groups.isdisjoint(set_aside):
                yield self._matched(match, left, right)

    def _same_photo(self) -> Iterator[tuple[int, StoredSighting, StoredSighting]]:
        for photo_id in self._sightings:
            if self._is_repeated(photo_id) and self._may_link(photo_id):
                for left, right in _within(self._owners(photo_id)):
                    yield photo_id, left, right

    def _two_photos(self) -> Iterator[tuple[StoredMatch, StoredSighting, StoredSighting]]:
        for match in self._counting():
            if not (self._may_link(match.photo_a) and self._may_link(match.photo_b)):
                continue
            for (one, left), (two, right) in _across(
                self._owners(match.photo_a), self._owners(match.photo_b)
            ):
                if one != two or self._settings.same_profile:
                    yield match, left, right

    def _counting(self) -> Iterator[StoredMatch]:
        return (match for match in self._matches if match.judgement.kind != "scene")

    def _matched(self, match: StoredMatch, left: StoredSighting, right: StoredSighting) -> Shared:
        of_match = match.decision, match.run_id
        return self._pair(match.photo_a, match.photo_b, left, right, match.judgement, *of_match)

    def _pair(
        self,
        photo_a: int,
        photo_b: int,
        left: StoredSighting,
        right: StoredSighting,
        judgement: Judgement,
        decision: Decision | None = None,
        run_id: int = 0,
    ) -> Shared:
        one, two = (self._shown_by[self._group_of[photo]] for photo in (photo_a, photo_b))
        shared_by = len(one) if one is two else len(one | two)
        return Shared(PhotoPair(left, right, judgement, shared_by, decision), run_id)

    # --- lists beside the links ----------------------------------------------------------------

    def hot(self, set_aside: Collection[int]) -> list[HotPhoto]:
        """Photos that link nobody or were released, those of most profiles first.

        Args:
            set_aside: groups that many profiles show which nothing else connects.
        """
        found = [*self._hot_groups(set_aside), *self._gated(), *self._ignored()]
        return sorted(found, key=lambda photo: -len(photo.profiles))

    def _hot_groups(self, set_aside: Collection[int]) -> Iterator[HotPhoto]:
        """Groups of copies that were set aside, or that somebody decided about."""
        examples: dict[int, int] = {}
        for photo_id, group in self._group_of.items():
            listed = group in set_aside or group in self._hot_decisions
            if listed and self._showing(photo_id) and photo_id not in self._decided.ignored:
                examples.setdefault(group, photo_id)
        for group, photo_id in examples.items():
            decision = self._hot_decisions.get(group)
            kept = decision is not None and decision.verdict == "keep"
            gate = None if group in set_aside else self._gates.get(photo_id)
            profiles = tuple(sorted(self._shown_by[group]))
            reason = _KEPT if kept else gate or _HOT
            yield HotPhoto(self._example(photo_id), profiles, reason, decision)

    def _gated(self) -> Iterator[HotPhoto]:
        """Photos that may only match exactly, and that several profiles show."""
        for photo_id, gate in self._gates.items():
            shown = self._showing(photo_id)
            listed = self._hot_decision(photo_id)
            if len(shown) > 1 and not listed and photo_id not in self._decided.ignored:
                yield HotPhoto(self._example(photo_id), tuple(sorted(shown)), gate)

    def _ignored(self) -> Iterator[HotPhoto]:
        """What the ignore list, near-copies included, keeps from linking several profiles."""
        shown: dict[Decision, set[Profile]] = {}
        examples: dict[Decision, int] = {}
        for photo_id, decision in self._decided.ignored.items():
            if showing := self._showing(photo_id):
                shown.setdefault(decision, set()).update(showing)
                examples.setdefault(decision, photo_id)
        for decision, profiles in shown.items():
            if len(profiles) > 1:
                example = self._example(examples[decision])
                yield HotPhoto(example, tuple(sorted(profiles)), _IGNORED, decision)

    def _example(self, photo_id: int) -> StoredSighting:
        """A sighting in an ad."""
        return next(iter(self._owners(photo_id).values()))

    def gallery_hits(self) -> list[Shared]:
        """A gallery's photo on the left, an ad's on the right, surest first."""
        hits = []
        for photo_id in self._sightings.keys() - self._decided.ignored.keys():
            for left, right in product(self._references(photo_id), self._owners(photo_id).values()):
                hits.append(self._pair(photo_id, photo_id, left, right, SAME_BYTES))
        for match in self._counting():
            there, back = (match.photo_a, match.photo_b), (match.photo_b, match.photo_a)
            for (reference, ad), back_to_front in ((there, False), (back, True)):
                for left, right in product(self._references(reference), self._owners(ad).values()):
                    if back_to_front:
                        hits.append(turned(self._matched(match, right, left)))
                    else:
                        hits.append(self._matched(match, left, right))
        return sorted(hits, key=lambda hit: surest_first(hit.pair))

    def _references(self, photo_id: int) -> list[StoredSighting]:
        """One sighting for each gallery that a photo is in."""
        found: dict[str, StoredSighting] = {}
        for sighting in self._sightings[photo_id]:
            if sighting.gallery:
                found.setdefault(sighting.collection, sighting)
        return list(found.values())

    def scenes(self) -> list[Shared]:
        """Leads: other photos of the same place by two owners, most keypoints first."""
        found: list[Shared] = []
        for match in self._matches:
            if match.judgement.kind != "scene":
                continue
            owners = self._owners(match.photo_a).items(), self._owners(match.photo_b).items()
            for (one, left), (two, right) in product(*owners):
                if one != two:
                    found.append(self._matched(match, left, right))
                    break
        return sorted(found, key=lambda item: -_inliers(item.pair.judgement))

    def unprofiled(self) -> int:
        """Matches that join nobody because nothing says whose one of the photos is."""
        if all(each.info.profile for seen in self._sightings.values() for each in seen):
            return 0
        pairs = chain(self._same_photo(), self._two_photos())
        return sum(not (left.info.profile and right.info.profile) for _, left, right in pairs)


def _within(owners: Owners) -> Iterator[tuple[StoredSighting, StoredSighting]]:
    """Pairs of owners of one photo: profiles each with each, other files with the first owner."""
    named, nameless = _split(owners)
    for (_, left), (_, right) in _paired(named):
        yield left, right
    everyone = [sighting for _, sighting in (*named, *nameless)]
    for sighting in everyone[max(1, len(named)) :]:
        yield everyone[0], sighting


def _across(lefts: Owners, rights: Owners) -> Iterator[tuple[_Entry, _Entry]]:
    """Pairs of owners of two photos: profiles each with each, other files once."""
    (named_left, nameless_left), (named_right, nameless_right) = _split(lefts), _split(rights)
    if len(named_left) * len(named_right) <= _FEW**2:
        yield from product(named_left, named_right)
    else:
        yield from product(named_left[:1], named_right)
        yield from product(named_left[1:], named_right[:1])
    if lefts and rights and (nameless_left or nameless_right):
        yield (*nameless_left, *named_left)[0], (*nameless_right, *named_right)[0]


def _paired(entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, _Entry]]:
    """Each of a few with each other, of many with the first."""
    return combinations(entries, 2) if len(entries) <= _FEW else product(entries[:1], entries[1:])


def _split(owners: Owners) -> tuple[list[_Entry], list[_Entry]]:
    """Profiles, and files that nobody is named for."""
    named: list[_Entry] = []
    nameless: list[_Entry] = []
    for owner, sighting in owners.items():
        (named if isinstance(owner, Profile) else nameless).append((owner, sighting))
    return named, nameless


def _groups_of_copies(ids: Sequence[int], matches: Sequence[StoredMatch]) -> dict[int, int]:
    """For each photo the smallest id among its sure copies; a collage is no copy of its parts."""
    forest: Forest[int] = Forest()
    for match in matches:
        if is_sure_copy(match.judgement):
            forest.join(*sorted((forest.find(match.photo_a), forest.find(match.photo_b))))
    return {photo_id: forest.find(photo_id) for photo_id in ids}


def surest_first(pair: PhotoPair, *, turned: bool = False) -> tuple[float, float, str, str]:
    """A key to sort by; of a pair that is to be `turned`, the key that it has then."""
    left, right = (pair.right, pair.left) if turned else (pair.left, pair.right)
    return -pair.judgement.confidence, pair.shared_by, left.path, right.path


def profile_of(sighting: StoredSighting) -> Profile:
    """Whose sighting it is; the handle is empty where nobody knows."""
    return _profile(sighting.info.site, sighting.info.profile)


#: One object a profile: tables of profiles compare those that are the same at once.
_profile = lru_cache(maxsize=1 << 17)(Profile)


def _owner(sighting: StoredSighting) -> Owner:
    return profile_of(sighting) if sighting.info.profile else f"{sighting.root}/{sighting.path}"


def turned(item: Shared) -> Shared:
    """The same evidence, read from right to left."""
    pair = item.pair
    judgement = pair.judgement
    geometry = judgement.evidence.geometry
    if geometry is not None:
        from imagematch.kernels import comparison

        found = judgement.evidence
        back = comparison.reverse(geometry)
        evidence = Evidence(found.exact, found.pdq_distance, found.cosine, back, found.rule)
        judgement = Judgement(judgement.kind, judgement.confidence, evidence)
    back_to_front = PhotoPair(pair.right, pair.left, judgement, pair.shared_by, pair.decision)
    return Shared(back_to_front, item.run_id)


def _inliers(judgement: Judgement) -> int:
    geometry = judgement.evidence.geometry
    return geometry.inliers if geometry else 0
