"""Operators: all that profiles show in, groups of profiles and what they rest on out.

Everything follows from what is stored, so nothing is: a cluster is never out of date.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Self

import numpy as np

from imagematch.kernels.forest import Forest
from imagematch.kernels.operators import weights
from imagematch.kernels.operators.code_lengths import CodeLengths
from imagematch.kernels.operators.grouping import group
from imagematch.kernels.operators.partition import Partition
from imagematch.kernels.operators.shown import KINDS, Ints, Reals, Shown
from imagematch.records import (
    IdentifierKind,
    ItemKind,
    OperatorDecision,
    OperatorVerdict,
    Profile,
)
from imagematch.stages.operator_constraints import constraints
from imagematch.stages.shared_photos import PhotoItem, SharedPhotos
from imagematch.stores.identifiers import ShownIdentifier
from imagematch.stores.index import Index
from imagematch.stores.operator_decisions import spelled_profile

#: From so many operators on, what they all show is no theft any more: it is common.
_COMMON = 4

#: From this probability on, profiles that were not joined are a link all the same.
_POSSIBLE = 0.25

#: Of more profiles of a cluster that show one item, each is linked with the first only.
_FEW = 10


@dataclass(frozen=True, slots=True)
class Item:
    """Something that several profiles show.

    Attributes:
        value: normal form of an identifier; "" for a photo.
        photo: None for an identifier.
        profiles: numbers of profiles, ascending.
    """

    kind: ItemKind
    value: str
    photo: PhotoItem | None
    profiles: tuple[int, ...]


class Operators:
    """Profiles in groups, one for each operator as far as can be told.

    Attributes:
        profiles: by number, in the order in which they were indexed.
        ids: of each of them in the catalogue.
        items: by number.
        unshared: photos of each profile that no other shows.
        of: number of each profile's group; shape (P,).
    """

    def __init__(
        self,
        ids: Sequence[int],
        profiles: Sequence[Profile],
        items: Sequence[Item],
        unshared: Sequence[int],
        phones: Mapping[int, set[str]],
        decisions: Sequence[OperatorDecision] = (),
    ) -> None:
        """Args:
        phones: of each profile that shows any.
        decisions: what people said of operators, oldest first.
        """
        self.ids, self.profiles, self.items, self.unshared = ids, profiles, items, unshared
        self._phones = phones
        sites = {site: place for place, site in enumerate(sorted({p.site for p in profiles}))}
        self._shown = Shown(
            np.array([KINDS.index(item.kind) for item in items], np.int64),
            np.array([one for item in items for one in item.profiles], np.int64),
            np.repeat(np.arange(len(items)), [len(item.profiles) for item in items]),
            np.array([sites[one.site] for one in profiles], np.int64),
            np.array(unshared, np.int64),
        )
        self._lengths = CodeLengths(self._shown)
        numbers = {profile: number for number, profile in enumerate(profiles)}
        self._said = constraints(decisions, numbers)
        self._together: list[tuple[int, int]] = [
            (int(one), int(two)) for one, two in self._said.together
        ]
        self.of: Ints = group(self._shown, self._lengths, self._said.together, self._said.apart)
        self._now = Partition(self._shown, self._lengths, self.of)

    @classmethod
    def read(cls, index: Index, photos: SharedPhotos) -> Self:
        """The profiles of an index, by all that they show."""
        known = index.profiles.all()
        profiles = [profile for _, profile in known]
        number = {profile: place for place, profile in enumerate(profiles)}
        shown, phones = _identifiers(index, number)
        items = [*_photos(photos, number), *shown]
        counts = index.profiles.photo_counts()
        unshared = [counts.get(profile_id, 0) for profile_id, _ in known]
        for item in items:
            for profile, forms in item.photo.photos.items() if item.photo else ():
                unshared[number[profile]] -= len(forms)
        return cls(
            [profile_id for profile_id, _ in known],
            profiles,
            items,
            [max(0, count) for count in unshared],
            phones,
            index.operator_decisions.history(),
        )

    # --- what is shown -------------------------------------------------------------------------

    def shown_by(self, profile: int) -> set[int]:
        """The items that a profile shows."""
        return self._by_profile[profile]

    @cached_property
    def _by_profile(self) -> dict[int, set[int]]:
        found: dict[int, set[int]] = defaultdict(set)
        for number, item in enumerate(self.items):
            for profile in item.profiles:
                found[profile].add(number)
        return found

    # --- groups --------------------------------------------------------------------------------

    def cluster_id(self, of: int) -> str:
        """Stays as long as the profile that was indexed first is in the group; "" for one alone."""
        members = self.members.get(of)
        return f"C{self.ids[members[0]]}" if members else ""

    @property
    def membership(self) -> dict[Profile, str]:
        """The id of the cluster of each profile that is in one."""
        return {
            self.profiles[profile]: self.cluster_id(of)
            for of, members in self.members.items()
            for profile in members
        }

    @cached_property
    def members(self) -> dict[int, list[int]]:
        """The profiles of each group of two and more, ascending."""
        found: dict[int, list[int]] = defaultdict(list)
        for profile, number in enumerate(self.of.tolist()):
            found[number].append(profile)
        return {number: profiles for number, profiles in found.items() if len(profiles) > 1}

    @cached_property
    def shown_in(self) -> dict[int, dict[int, list[int]]]:
        """For each group of two and more what several of its profiles show, with these profiles:
        items that belong to it, and others only where it would fall apart without them. What is
        common belongs to those who are most of them that show it."""
        own: dict[int, dict[int, list[int]]] = {number: {} for number in self.members}
        every: dict[int, dict[int, list[int]]] = {number: {} for number in self.members}
        common = set(self.common)
        for number, item in enumerate(self.items):
            by_group: dict[int, list[int]] = defaultdict(list)
            for profile in item.profiles:
                by_group[int(self.of[profile])].append(profile)
            for of, profiles in by_group.items():
                if len(profiles) > 1:
                    every[of][number] = profiles
                    mostly = 2 * len(profiles) > len(item.profiles) or number not in common
                    if self._now.home[number] == of and mostly:
                        own[of][number] = profiles
        return {
            of: own[of] if _connected(own[of].values(), len(members)) else every[of]
            for of, members in self.members.items()
        }

    @cached_property
    def _held(self) -> Reals:
        return weights.held(self._shown, self._lengths, self.of)

    @cached_property
    def _whole(self) -> Reals:
        return weights.whole(self._shown, self._lengths, self.of)

    @cached_property
    def prior(self) -> float:
        """Bits for two profiles to have one operator before anything is known; negative."""
        return weights.prior(self._lengths)

    @cached_property
    def bits_in(self) -> dict[int, dict[int, float]]:
        """For each group of two and more, and each item that several of its profiles show, the bits
        by which it speaks for two of these."""
        rows = [
            (of, item, len(profiles))
            for of, shown in self.shown_in.items()
            for item, profiles in shown.items()
        ]
        table = np.array(rows, np.int64).reshape(-1, 3)
        bits = weights.of_items(self._lengths, table[:, 1], table[:, 2]).tolist()
        found: dict[int, dict[int, float]] = {of: {} for of in self.members}
        for (of, item, _), each in zip(rows, bits, strict=True):
            found[of][item] = each
        return found

    def bits(self, item: int, inside: int) -> float:
        """Bits by which an item speaks for two profiles; `inside`: see `weights.of_items`."""
        one, showing = np.array([item]), np.array([inside])
        return float(weights.of_items(self._lengths, one, showing)[0])

    def total(self, left: int, right: int) -> float:
        """Bits by which two profiles of one group have one operator: as many as hold both in it,
        and it together."""
        return float(min(self._held[left], self._held[right], self._whole[self.of[left]]))

    @staticmethod
    def probability(bits: float) -> float:
        """How likely it is that two profiles have one operator, by all bits."""
        return float(weights.probability(np.array([bits]))[0])

    def linked(self, of: int) -> list[tuple[int, int]]:
        """Pairs of profiles of a group that are linked, ascending: of a few that show one item each
        with each, of many each with the first."""
        pairs: set[tuple[int, int]] = set()
        for profiles in self.shown_in[of].values():
            if len(profiles) <= _FEW:
                pairs.update(combinations(profiles, 2))
            else:
                pairs.update(product(profiles[:1], profiles[1:]))
        members = set(self.members[of])
        pairs.update((one, two) for one, two in self._together if members.issuperset((one, two)))
        return sorted(pairs)

    # --- what people said ----------------------------------------------------------------------

    def said(self, left: int, right: int) -> OperatorDecision | None:
        """What a person said of two profiles, if it is in force."""
        return self._said.made.get((min(left, right), max(left, right)))

    def apart(self, groups: Set[int] | None = None) -> tuple[OperatorDecision, ...]:
        """Decisions that keep profiles apart, oldest first; between some groups, or all."""
        return self._standing("not_same", lambda ends: groups is None or ends <= groups)

    def unmet(self, groups: Set[int] | None = None) -> tuple[OperatorDecision, ...]:
        """Decisions that profiles have one operator, which others rule out, oldest first; about
        some groups, or all."""
        return self._standing(
            "same", lambda ends: len(ends) > 1 and (groups is None or bool(ends & groups))
        )

    def _standing(
        self, verdict: OperatorVerdict, concerned: Callable[[Set[int]], bool]
    ) -> tuple[OperatorDecision, ...]:
        """Decisions in force about two profiles whose groups are concerned."""
        found = {
            id(made)
            for (one, two), made in self._said.made.items()
            if made.verdict == verdict and concerned({int(self.of[one]), int(self.of[two])})
        }
        return tuple(made for made in self._said.standing if id(made) in found)

    def groups_of(self, decision: OperatorDecision) -> set[int]:
        """The groups of the profiles that a decision is about."""
        about = {*decision.left, *decision.right}
        return {
            int(of)
            for of, profile in zip(self.of, self.profiles, strict=True)
            if spelled_profile(profile) in about
        }

    @cached_property
    def possible(self) -> dict[tuple[int, int], float]:
        """Pairs of profiles of different groups that may have one operator all the same, with the
        bits that say so: what would be saved if their groups were one."""
        between: dict[tuple[int, int], float] = {}
        found = self._now.candidates()
        for left, right, bits in zip(*(each.tolist() for each in found), strict=True):
            if self.probability(bits) >= _POSSIBLE:
                between[left, right] = bits
        for item, bits in self.bridges.items():
            if self.probability(bits) >= _POSSIBLE:
                for pair in combinations(sorted(self.sides(item)), 2):
                    between[pair] = max(bits, between.get(pair, bits))
        pairs: dict[tuple[int, int], float] = {}
        for item in self.bridges:
            for (one, ones), (two, twos) in combinations(self.sides(item).items(), 2):
                if (of_both := between.get((min(one, two), max(one, two)))) is not None:
                    for pair in (*product(ones[:1], twos[:_FEW]), *product(ones[1:_FEW], twos[:1])):
                        pairs[min(pair), max(pair)] = of_both
        return {pair: pairs[pair] for pair in sorted(pairs) if self.said(*pair) is None}

    def phones(self, of: int) -> dict[int, set[str]]:
        """The phones of each profile of a group that shows any, but for those of sites."""
        return {
            profile: phones
            for profile in self.members[of]
            if (phones := self._phones.get(profile, set()) - self._phones_of_sites)
        }

    @cached_property
    def _phones_of_sites(self) -> set[str]:
        return {self.items[item].value for item in self.common if self.of_site(item)}

    # --- what joins nobody ---------------------------------------------------------------------

    def sides(self, item: int) -> dict[int, list[int]]:
        """The profiles that show an item, by group, those groups first that have most of them."""
        found: dict[int, list[int]] = defaultdict(list)
        for profile in self.items[item].profiles:
            found[int(self.of[profile])].append(profile)
        return dict(sorted(found.items(), key=lambda side: (-len(side[1]), side[0])))

    @cached_property
    def common(self) -> list[int]:
        """Items of so many operators that they say nothing of any."""
        found: list[int] = np.flatnonzero(self._now.spread >= _COMMON).tolist()
        return found

    @cached_property
    def bridges(self) -> dict[int, float]:
        """Rare items that profiles of a few operators show, and the bits that would be saved if
        these were one."""
        items = np.flatnonzero((self._now.spread > 1) & (self._now.spread < _COMMON))
        saved = self._now.saved_by_items(items)
        return dict(zip(items.tolist(), saved.tolist(), strict=True))

    @cached_property
    def hot(self) -> set[int]:
        """Groups of photos that are common, see `SharedPhotos.hot`."""
        photos = (self.items[item].photo for item in self.common)
        return {photo.group for photo in photos if photo is not None and not photo.released}

    def of_site(self, item: int) -> str:
        """The site that a common contact seems to be of; "" for none."""
        if not self._lengths.of_site[item]:
            return ""
        sites = [self.profiles[profile].site for profile in self.items[item].profiles]
        return max(sorted(set(sites)), key=sites.count)


def _connected(sets: Iterable[Sequence[int]], members: int) -> bool:
    """Whether sets of profiles that have some in common are one that has so many members."""
    forest: Forest[int] = Forest()
    joined = 1
    for first, *others in sets:
        joined += sum(forest.join(first, other) for other in others)
    return joined == members


def _photos(photos: SharedPhotos, number: Mapping[Profile, int]) -> list[Item]:
    return [
        Item(
            "released" if item.released else "photo",
            "",
            item,
            tuple(sorted(number[profile] for profile in item.photos)),
        )
        for item in photos.items()
    ]


def _identifiers(
    index: Index, number: Mapping[Profile, int]
) -> tuple[list[Item], dict[int, set[str]]]:
    """What several profiles show, and the phones of each."""
    showing: dict[tuple[ItemKind, str], set[int]] = defaultdict(set)
    phones: dict[int, set[str]] = defaultdict(set)
    for shown in index.identifiers.shown():
        kind, profile = kind_of(shown), number[shown.profile]
        showing[kind, shown.value].add(profile)
        if kind == "phone":
            phones[profile].add(shown.value)
    items = [
        Item(kind, value, None, tuple(sorted(profiles)))
        for (kind, value), profiles in sorted(showing.items())
        if len(profiles) > 1
    ]
    return items, phones


#: What each kind of identifier is as evidence. A number that no country has is one all the same
#: where several show it; a handle without its platform is only a name.
_KINDS: dict[IdentifierKind, ItemKind] = {
    "phone": "phone",
    "email": "email",
    "handle": "handle",
    "crypto": "crypto",
    "url": "url",
    "host": "host",
    "other": "other",
    "text": "text",
}


def kind_of(shown: ShownIdentifier) -> ItemKind:
    """What an identifier is as evidence."""
    return "name" if shown.kind == "handle" and not shown.confirmed else _KINDS[shown.kind]
