"""Methods and worlds in, figures out: each method is tuned on some worlds and scored on others."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np

from benchmark.links.items import Grouping, Items, Measured
from benchmark.links.link_metrics import Score, b_cubed, pairwise, sizes
from benchmark.links.linkers import BEST, METHODS, Linker, tuned
from benchmark.quality.metrics import Bin, Numbers, Values, calibration_error, reliability
from imagematch.kernels.operators.shown import KINDS
from imagematch.records import Flags, ItemKind

#: What methods are given, by the name of the table.
EVIDENCE: Mapping[str, tuple[ItemKind, ...]] = MappingProxyType(
    {"photos alone": ("photo",), "all evidence": KINDS}
)

#: Operators by their number of profiles, as in the tables; 1 are independents.
BANDS = ((1, 1), (2, 8), (9, 14), (15, None))

_WORST = 10


@dataclass(frozen=True, slots=True)
class BandFigures:
    """Profiles of operators of about one size.

    Attributes:
        low, high: profiles of an operator; None for no limit.
        profiles: how many there are.
    """

    low: int
    high: int | None
    profiles: int
    pairs: Score
    b_cubed: Score


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far the probabilities of links hold.

    Attributes:
        links: how many there are.
        error: 0-1, expected calibration error, bins of equal width.
    """

    links: int
    error: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class WorstPair:
    """Two profiles that a method takes for one operator's by mistake, or does not.

    Attributes:
        probability: 0-1, that the method gave the pair; NaN where it gave none.
        shared: what both show, each as "type name".
    """

    world: str
    left: str
    right: str
    probability: float
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """What one method gave on the reporting worlds.

    Attributes:
        evidence: a key of `EVIDENCE`.
        setting: that was chosen.
        clusters: of two profiles and more; `largest`: profiles of the largest of them.
        calibration: None of a method that gives no links.
        false: surest first, of pairs in one cluster that the method links.
        missed: those that share most first.
    """

    method: str
    evidence: str
    setting: float
    pairs: Score
    b_cubed: Score
    clusters: int
    largest: int
    bands: tuple[BandFigures, ...]
    calibration: Calibration | None
    false: tuple[WorstPair, ...]
    missed: tuple[WorstPair, ...]


def measure(
    tuning: Sequence[Measured], reporting: Sequence[Measured], more: Sequence[Linker] = ()
) -> tuple[MethodFigures, ...]:
    """Figures of all methods, in the order of tables.

    Args:
        more: further methods.
    """
    found = []
    for evidence, types in EVIDENCE.items():
        learnt = [world.items.only(types) for world in tuning]
        asked = [world.items.only(types) for world in reporting]
        names = [world.name for world in reporting]
        for linker in (*METHODS, *more, BEST):
            setting = tuned(linker, learnt)
            groupings = [linker.group(items, setting) for items in asked]
            found.append(_figures(linker.name, evidence, setting, names, asked, groupings))
    return tuple(found)


def _figures(
    method: str,
    evidence: str,
    setting: float,
    names: Sequence[str],
    worlds: Sequence[Items],
    groupings: Sequence[Grouping],
) -> MethodFigures:
    truth = _side_by_side([items.operators for items in worlds])
    found = _side_by_side([grouping.labels for grouping in groupings])
    of_cluster = sizes(found)
    each = list(zip(names, worlds, groupings, strict=True))
    false = sorted((pair for one in each for pair in _false(*one)), key=_surest)
    missed = sorted((pair for one in each for pair in _missed(*one)), key=_most_shared)
    return MethodFigures(
        method,
        evidence,
        setting,
        pairwise(truth, found),
        b_cubed(truth, found),
        int(np.unique(found[of_cluster > 1]).size),
        int(of_cluster.max(initial=0)),
        tuple(_bands(truth, found)),
        _calibration(worlds, groupings),
        tuple(false[:_WORST]),
        tuple(missed[:_WORST]),
    )


def _side_by_side(labels: Sequence[Numbers]) -> Numbers:
    """Labels of several worlds as if they were one in which nobody meets."""
    moved = []
    first = 0
    for one in labels:
        _, numbers = np.unique(one, return_inverse=True)
        moved.append(numbers + first)
        first += int(numbers.max(initial=-1)) + 1
    return np.concatenate(moved) if moved else np.empty(0, np.int64)


def _bands(truth: Numbers, found: Numbers) -> list[BandFigures]:
    size = sizes(truth)
    bands = []
    for low, high in BANDS:
        among: Flags = (size >= low) & (size <= (high or size.max(initial=0)))
        scores = pairwise(truth, found, among), b_cubed(truth, found, among)
        bands.append(BandFigures(low, high, int(among.sum()), *scores))
    return bands


def _calibration(worlds: Sequence[Items], groupings: Sequence[Grouping]) -> Calibration | None:
    probabilities: list[Values] = []
    truths: list[Flags] = []
    for items, grouping in zip(worlds, groupings, strict=True):
        if grouping.links is None:
            return None
        links = grouping.links
        probabilities.append(links.probability)
        truths.append(items.operators[links.left] == items.operators[links.right])
    if not probabilities:
        return None
    probability, true = np.concatenate(probabilities), np.concatenate(truths)
    error = calibration_error(probability, true, equal_count=False)
    return Calibration(probability.size, error, reliability(probability, true))


# --- worst pairs ---------------------------------------------------------------------------------


def _false(world: str, items: Items, grouping: Grouping) -> list[WorstPair]:
    """The surest links of a method within its clusters that join two operators."""
    links = grouping.links
    if links is None:
        return []
    wrong = (items.operators[links.left] != items.operators[links.right]) & (
        grouping.labels[links.left] == grouping.labels[links.right]
    )
    places = np.flatnonzero(wrong)
    first = places[np.argsort(-links.probability[places], kind="stable")][:_WORST]
    shown = _shown(items)
    columns = links.left[first], links.right[first], links.probability[first]
    return [
        _pair(world, items, shown, left, right, probability)
        for left, right, probability in zip(*(c.tolist() for c in columns), strict=True)
    ]


def _missed(world: str, items: Items, grouping: Grouping) -> list[WorstPair]:
    """An operator's pairs in different clusters that share most."""
    shown = _shown(items)
    members: dict[int, list[int]] = defaultdict(list)
    for profile, operator in enumerate(items.operators.tolist()):
        members[operator].append(profile)
    labels = grouping.labels
    apart = [
        (left, right)
        for profiles in members.values()
        for left, right in combinations(profiles, 2)
        if labels[left] != labels[right]
    ]
    apart.sort(key=lambda ends: -len(shown[ends[0]] & shown[ends[1]]))
    nothing = float("nan")
    return [_pair(world, items, shown, *ends, nothing) for ends in apart[:_WORST]]


def _shown(items: Items) -> dict[int, frozenset[int]]:
    shown: dict[int, set[int]] = {profile: set() for profile in range(len(items.profiles))}
    for profile, item in zip(items.profile.tolist(), items.item.tolist(), strict=True):
        shown[profile].add(item)
    return {profile: frozenset(its) for profile, its in shown.items()}


def _pair(
    world: str,
    items: Items,
    shown: Mapping[int, frozenset[int]],
    left: int,
    right: int,
    probability: float,
) -> WorstPair:
    shared = (
        f"{items.types[one]} {items.names[one]}" for one in sorted(shown[left] & shown[right])
    )
    return WorstPair(world, items.profiles[left], items.profiles[right], probability, tuple(shared))


def _surest(pair: WorstPair) -> tuple[float, str, str, str]:
    return -pair.probability, pair.world, pair.left, pair.right


def _most_shared(pair: WorstPair) -> tuple[int, str, str, str]:
    return -len(pair.shared), pair.world, pair.left, pair.right
