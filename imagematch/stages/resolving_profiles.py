"""Resolving: what a person types for a cluster or a profile in, the profiles that it means out.

Strangers choose their handles: one may look like the id of a cluster, or hold a slash. What may be
two things is refused with both.
"""

from collections.abc import Sequence

from imagematch import formatting
from imagematch.errors import UsageError
from imagematch.records import Profile
from imagematch.stages.operator_groups import Operators
from imagematch.stages.shared_photos import SharedPhotos
from imagematch.stores.decision_history import spelled
from imagematch.stores.index import Index

#: Profiles that a message names, and characters of what was typed.
_LISTED, _MOST_CHARACTERS = 4, 120

type Sides = tuple[tuple[Profile, ...], tuple[Profile, ...]]


def resolve_sides(index: Index, left: str, right: str) -> Sides:
    """Two profiles or clusters, each the id of a cluster or a profile as `imagematch link` shows
    them; the handle alone will do where nothing else is called so.

    Returns:
        The profiles of each; of a cluster, all that it has now.

    Raises:
        UsageError: one of them is unknown or ambiguous, or both have a profile in common.
    """
    names = _Names(index)
    lefts, rights = names.profiles(left), names.profiles(right)
    both = sorted({*lefts} & {*rights})
    if both:
        raise UsageError(
            f"{_shown(left)} and {_shown(right)} have {_listed(both)} in common, so there is "
            f"nothing to decide between them; give two different profiles or clusters"
        )
    return lefts, rights


class _Names:
    """What people may call the profiles of an index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._known = [profile for _, profile in index.profiles.all()]
        self._clusters: dict[str, tuple[Profile, ...]] | None = None

    def profiles(self, text: str) -> tuple[Profile, ...]:
        """Those of a cluster, or the one that is called so."""
        called = self._called(text)
        cluster: tuple[Profile, ...] = ()
        if not called:
            cluster = self._cluster(text)
            called = [each for each in self._known if spelled(each.handle) == spelled(text)]
        if cluster and called:
            raise UsageError(
                f"{_shown(text)} is a cluster, and the handle of {_listed(called)}; give the "
                f"profile with its site, or name profiles of the cluster: {_listed(cluster)}"
            )
        if len(called) > 1:
            raise UsageError(
                f"{_shown(text)} may be any of {len(called):,} profiles: "
                f"{'; '.join(map(_apart, called[:_LISTED]))}. Give the site and the handle, or the "
                f"cluster that the profile is in; `imagematch link` shows them"
            )
        if not (cluster or called):
            raise UsageError(
                f"{_shown(text)} is neither a cluster nor a profile of {self._index.directory}; "
                f"`imagematch link` shows clusters, as in C12, and profiles, as in site/handle. A "
                f"cluster that became part of another has that one's id"
            )
        return cluster or tuple(called)

    def _called(self, text: str) -> list[Profile]:
        """Profiles that are shown so: to the letter, or with what is hidden spelled out."""
        plain = spelled(text)
        found = [profile for profile in self._known if spelled(str(profile)) == plain]
        if not found and "/" in text:
            visible = formatting.printable(plain)
            found = [each for each in self._known if formatting.printable(str(each)) == visible]
        return found

    def _cluster(self, text: str) -> tuple[Profile, ...]:
        number = text.removeprefix("C")
        if number == text or not (number.isascii() and number.isdigit()):
            return ()  # grouping takes its time
        if self._clusters is None:
            operators = Operators.read(
                self._index, SharedPhotos(self._index, self._index.settings.link)
            )
            self._clusters = {
                operators.cluster_id(of): tuple(operators.profiles[one] for one in members)
                for of, members in operators.members.items()
            }
        return self._clusters.get(text, ())


def _shown(text: str) -> str:
    return formatting.shortened(formatting.printable(spelled(text)), _MOST_CHARACTERS) or "''"


def _apart(profile: Profile) -> str:
    """A profile where its site and its handle are to be told apart."""
    return f"{_shown(profile.handle)} on {_shown(profile.site)}"


def _listed(profiles: Sequence[Profile]) -> str:
    named = ", ".join(_shown(str(profile)) for profile in profiles[:_LISTED])
    more = len(profiles) - _LISTED
    return f"{named} and {more:,} more" if more > 0 else named
