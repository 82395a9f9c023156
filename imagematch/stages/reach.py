"""Reach: decisions that are about to be made in, the links that they would make out.

A photo that a thousand profiles show makes half a million links once it may link. Only the photos
that decisions are about, and their copies, are looked at, so that asking takes no time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import comb

from imagematch.kernels.forest import Forest
from imagematch.records import Content, Decision, Profile, Reach, StoredSighting
from imagematch.stages.decisions_in_force import DecisionsInForce, is_sure_copy
from imagematch.stages.shared_photos import profile_of
from imagematch.stores.decision_history import order
from imagematch.stores.index import Index

#: A photo joins at most so many profiles that have nothing else in common, see
#: `kernels.operators.shown.PRIORS`; of more, nobody knows without a look at all that they show.
_ALONE = 4

#: Later than all that was decided; ISO 8601.
_NOW = "9999-12-31T23:59:59.999+00:00"


def run(index: Index, made: Sequence[Decision]) -> Reach:
    """Foresee which profiles decisions would link that are not linked by the same photos now.

    Args:
        made: those without a time are made now; the others, where and when they were made.
    """
    made = [decision if decision.at else replace(decision, at=_NOW) for decision in made]
    contents = [photo for decision in made for photo in decision.photos]
    before = _groups(index, contents, ())
    after = _groups(index, contents, made)
    links = _links(after) - _links(before)
    if links <= 0:
        return Reach(0, 0)
    more = [group for group in after if group not in before]
    return Reach(len(frozenset[Profile]().union(*more)), links)


def _links(groups: Iterable[frozenset[Profile]]) -> int:
    return sum(comb(len(group), 2) for group in groups)


def _groups(
    index: Index, contents: Iterable[Content], made: Sequence[Decision]
) -> list[frozenset[Profile]]:
    """The profiles that show each group of copies which may link, as far as contents are in it."""
    decided = DecisionsInForce.of(index, made)
    ids, forest = _copies(index, decided, contents)
    members: dict[int, list[int]] = {}
    for photo_id in ids - decided.ignored.keys():
        members.setdefault(forest.find(photo_id), []).append(photo_id)
    showing = _showing(index, ids)
    gates = index.photos.gates(sorted(ids))
    groups = []
    for photos in members.values():
        shown = frozenset[Profile]().union(*(showing[photo_id] for photo_id in photos))
        verdict = _hot_decision(decided, photos)
        if verdict is None and len(shown) <= _ALONE:
            ungated = (showing[photo_id] for photo_id in photos if photo_id not in gates)
            groups.append(frozenset[Profile]().union(*ungated))
        elif verdict == "release":
            groups.append(shown)
    return groups


def _copies(
    index: Index, decided: DecisionsInForce, contents: Iterable[Content]
) -> tuple[set[int], Forest[int]]:
    """The photos with some contents and all forms of them, and which of them are one photo."""
    hashes = {key for photo in contents for key in (photo.sha256, photo.pixel_sha256) if key}
    forest: Forest[int] = Forest()
    ids: set[int] = set()
    edge = set(index.decisions.contents(hashes))
    while edge:
        ids |= edge
        found = set()
        for match in decided.applied(index.matches.of(edge)):
            pair = {match.photo_a, match.photo_b}
            if is_sure_copy(match.judgement) and pair & edge:
                forest.join(*sorted((forest.find(match.photo_a), forest.find(match.photo_b))))
                found |= pair
        edge = found - ids
    return ids, forest


def _showing(index: Index, ids: set[int]) -> dict[int, frozenset[Profile]]:
    """Who shows each photo in ads."""
    return {
        photo_id: frozenset(_profiles(sightings))
        for photo_id, sightings in index.sightings.sightings_of(sorted(ids)).items()
    }


def _profiles(sightings: Iterable[StoredSighting]) -> Iterator[Profile]:
    for sighting in sightings:
        if sighting.info.profile and not (sighting.gallery or sighting.ignored):
            yield profile_of(sighting)


def _hot_decision(decided: DecisionsInForce, photos: Iterable[int]) -> str | None:
    """What the latest decision about a group says, if it is in force."""
    found = [made for photo_id in photos if (made := decided.on_photo("hot", photo_id))]
    latest = max(found, key=order, default=None)
    return None if latest is None or latest.verdict == "reopen" else latest.verdict
