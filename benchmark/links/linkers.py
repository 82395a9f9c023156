"""Ways to make operators of items: those that one would try first, and the best that could be.

A method has one setting. It is chosen on tuning worlds, and reported on others. To add a method,
name it in `METHODS`, or give it to `python -m benchmark relink --method MODULE:FUNCTION`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import cast

import numpy as np

from benchmark.links.former_links import former_links
from benchmark.links.items import Grouping, Items, Pairs
from benchmark.links.link_metrics import pairwise
from benchmark.quality.metrics import Numbers
from imagematch.errors import UsageError
from imagematch.kernels.forest import Forest
from imagematch.records import ItemKind, Profile
from imagematch.stages.operator_groups import Item, Operators

type Group = Callable[[Items, float], Grouping]


@dataclass(frozen=True, slots=True)
class Linker:
    """A method.

    Attributes:
        name: as tables show it.
        group: items and the setting in, a grouping out; must not look at `Items.operators`.
        settings: to choose from; one where there is nothing to choose.
    """

    name: str
    group: Group
    settings: tuple[float, ...] = (0.0,)


def tuned(linker: Linker, worlds: Sequence[Items]) -> float:
    """The setting with the best F1 of pairs, on average over some worlds; the first of equals."""
    if len(linker.settings) == 1 or not worlds:
        return linker.settings[0]
    means = [
        np.mean([pairwise(one.operators, linker.group(one, setting).labels).f1 for one in worlds])
        for setting in linker.settings
    ]
    return linker.settings[int(np.argmax(np.nan_to_num(means)))]


def named(text: str) -> Linker:
    """The method MODULE:FUNCTION.

    The function takes `Items` and a setting, or `Items` alone, and gives a `Grouping`. Its
    attribute `settings`, if it has one, is what is chosen from.

    Raises:
        UsageError: there is none.
    """
    module, _, name = text.partition(":")
    try:
        group = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(
            f"there is no method {text} ({error}); wanted MODULE:FUNCTION, as package.module:group"
        ) from error
    return Linker(text, group, tuple(getattr(group, "settings", (0.0,))))


# --- methods -------------------------------------------------------------------------------------


def all_shared(items: Items, _setting: float) -> Grouping:
    """Connected components of everything that is shared."""
    return Grouping(_components(items, np.ones(len(items.names), np.bool_)))


def without_common(items: Items, most: float) -> Grouping:
    """Connected components of the items that at most so many profiles show."""
    return Grouping(_components(items, items.shown_by <= most))


def truth_known(items: Items, _setting: float) -> Grouping:
    """What items can tell at best: an operator's profiles that its items connect.

    Not a method: it looks at the truth. What it misses shares no item that was found.
    """
    forest: Forest[tuple[int, int]] = Forest()
    operators = items.operators[items.profile].tolist()
    for profile, item, operator in zip(
        items.profile.tolist(), items.item.tolist(), operators, strict=True
    ):
        forest.join((-1, profile), (item, operator))
    return Grouping(_labels(items, lambda profile: forest.find((-1, profile))))


def operators(items: Items, _setting: float) -> Grouping:
    """What `imagematch link` makes of the items."""
    showing: list[list[int]] = [[] for _ in items.names]
    for profile, item in zip(items.profile.tolist(), items.item.tolist(), strict=True):
        showing[item].append(profile)
    found = Operators(
        range(len(items.profiles)),
        [Profile(site, name) for site, name in zip(items.sites, items.profiles, strict=True)],
        [
            Item(cast(ItemKind, kind), name, None, tuple(sorted(profiles)))
            for kind, name, profiles in zip(items.types, items.names, showing, strict=True)
        ],
        items.unshared.tolist(),
        {},
    )
    pairs = {
        pair: found.probability(found.total(*pair))
        for group in found.members
        for pair in found.linked(group)
    }
    pairs |= {pair: found.probability(bits) for pair, bits in found.possible.items()}
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    likely = np.array(list(pairs.values()), np.float64)
    return Grouping(found.of, Pairs(ends[:, 0], ends[:, 1], likely))


#: What imagematch does, as tables name it.
OURS = "imagematch link"

METHODS = (
    Linker(OURS, operators),
    Linker("imagematch link at first, photos alone", former_links),
    Linker("all shared items, connected", all_shared),
    Linker(
        "without common items, connected",
        without_common,
        (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 60, 100),
    ),
)
BEST = Linker("the best that these items allow", truth_known)


def _components(items: Items, joins: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Numbers:
    forest: Forest[tuple[bool, int]] = Forest()
    kept = joins[items.item]
    for profile, item in zip(items.profile[kept].tolist(), items.item[kept].tolist(), strict=True):
        forest.join((True, item), (False, profile))
    return _labels(items, lambda profile: forest.find((False, profile)))


def _labels(items: Items, find: Callable[[int], object]) -> Numbers:
    """Numbers of the sets that profiles are in."""
    numbers: dict[object, int] = {}
    found = [find(profile) for profile in range(len(items.profiles))]
    return np.array([numbers.setdefault(one, len(numbers)) for one in found], np.int64)


def connected(items: Items, links: Pairs, least: float) -> Grouping:
    """Connected components of the pairs with at least this probability."""
    forest: Forest[int] = Forest()
    kept = links.probability >= least
    for left, right in zip(links.left[kept].tolist(), links.right[kept].tolist(), strict=True):
        forest.join(left, right)
    return Grouping(_labels(items, forest.find), links)
