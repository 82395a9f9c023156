"""Which clusters became others: who was in which one when last told, and is now, in."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from imagematch.records import ClusterChange, Profile

type Membership = Mapping[Profile, str]


def changes(before: Membership, now: Membership) -> Iterator[ClusterChange]:
    """How clusters differ, by id: those that are new, grew, were joined, fell apart or are gone.

    Args:
        before, now: the id of the cluster of each profile that is in one.
    """
    then, members = _by_id(before), _by_id(now)
    parts: dict[str, set[str]] = defaultdict(set)
    for profile, old in before.items():
        parts[old].add(now.get(profile, ""))
    for new, profiles in members.items():
        came_from = {before[profile] for profile in profiles if profile in before}
        added = tuple(profile for profile in profiles if profile not in before)
        if len(came_from) > 1:
            yield ClusterChange("joined", new, _in_order(came_from), tuple(profiles))
        elif not came_from:
            yield ClusterChange("new", new, (), tuple(profiles))
        elif added:
            yield ClusterChange("grew", new, _in_order(came_from), added)
    for old, profiles in then.items():
        left = _in_order(parts[old] - {""})
        if not left:
            yield ClusterChange("gone", old, (old,), tuple(profiles))
        elif len(parts[old]) > 1:
            yield ClusterChange("fell_apart", old, left, tuple(profiles))


def _by_id(membership: Membership) -> dict[str, list[Profile]]:
    found: dict[str, list[Profile]] = defaultdict(list)
    for profile, of in membership.items():
        found[of].append(profile)
    return {of: sorted(found[of]) for of in _in_order(found)}


def _in_order(ids: Mapping[str, object] | set[str]) -> tuple[str, ...]:
    return tuple(sorted(ids, key=lambda each: (len(each), each)))
