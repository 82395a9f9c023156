"""Where and when the ads of clusters were: ads of profiles in, days with their places out."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from imagematch.records import Doubt, Profile, Stop
from imagematch.stores.index import Index
from imagematch.stores.profiles import ProfileAd

#: ISO 8601 begins with a day.
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")

#: What places differ by that are the same, such as "Ghent (BE)" and "ghent, be".
_SPACE = re.compile(r"[\W_]+")


def stops_of(index: Index, numbers: Mapping[int, int]) -> "Stops":
    """Read the ads of some profiles.

    Args:
        numbers: of profiles, by their ids in the catalogue.
    """
    ads: dict[int, list[ProfileAd]] = defaultdict(list)
    spellings: Counter[str] = Counter()
    for ad in index.profiles.ads(sorted(numbers)):
        ads[numbers[ad.profile]].append(ad)
        spellings[ad.location] += 1
    named: dict[str, str] = {}
    for spelling, _ in sorted(spellings.items(), key=lambda entry: (-entry[1], entry[0])):
        named.setdefault(_plain(spelling), spelling.strip())
    return Stops(ads, named)


@dataclass(frozen=True, slots=True)
class Stops:
    """The ads of profiles by their numbers, and the usual spelling of each place."""

    ads: Mapping[int, Sequence[ProfileAd]]
    named: Mapping[str, str]

    def of(self, members: Sequence[tuple[int, Profile]]) -> tuple[Stop, ...]:
        """Where and when the ads of some profiles were, in order; unknown days last."""
        found: dict[tuple[str, bool, str], list[tuple[Profile, str]]] = defaultdict(list)
        for number, profile in members:
            for ad in self.ads.get(number, ()):
                found[*_day(ad), self._place(ad)].append((profile, ad.ad))
        return tuple(
            Stop(
                day,
                seen,
                place,
                tuple(sorted({profile.site for profile, _ in ads})),
                tuple(sorted({profile for profile, _ in ads})),
                len(set(ads)),
            )
            for (day, seen, place), ads in sorted(
                found.items(), key=lambda entry: (not entry[0][0], entry[0])
            )
        )

    def doubts(self, members: Sequence[tuple[int, Profile]]) -> Iterator[Doubt]:
        """Days on which ads name several places, by what the ads say of themselves."""
        places: dict[str, dict[str, set[Profile]]] = defaultdict(lambda: defaultdict(set))
        for number, profile in members:
            for ad in self.ads.get(number, ()):
                day, seen = _day(ad)
                if not seen and day and ad.location.strip():
                    places[day][self._place(ad)].add(profile)
        for day, there in sorted(places.items()):
            if len(there) > 1:
                profiles = set[Profile]().union(*there.values())
                yield Doubt("places_differ", (day, *sorted(there)), tuple(sorted(profiles)))

    def _place(self, ad: ProfileAd) -> str:
        return self.named[_plain(ad.location)]


def _day(ad: ProfileAd) -> tuple[str, bool]:
    """The day of an ad, and whether it is when it was first seen only."""
    if found := _DAY.match(ad.posted_at):
        return found[0], False
    return ad.first_seen[: len("2026-01-31")], True


def _plain(place: str) -> str:
    return _SPACE.sub(" ", place.casefold()).strip()
