"""How imagematch linked profiles at first, to see what changed: photos alone, pair by pair.

A photo that seven profiles show links nobody; rarer ones make links, each weighted by its rarity.
A link joins two groups alone only if it is strong; weaker ones must come in twos, from different
photos, so that strangers are not chained.
"""

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmark.links.items import PHOTO, Grouping, Items, Pairs
from imagematch.kernels.forest import Forest

#: Profiles that make a photo hot, the least strength of a link, and of one that joins alone.
_HOT, _LEAST, _STRONG = 7, 0.5, 0.8

#: Rarity was measured against a world of at least this many profiles.
_LEAST_WORLD = 1000


def former_links(items: Items, _setting: float) -> Grouping:
    """Clusters and links as they were."""
    photos = items.only((PHOTO,))
    edges = _edges(photos)
    labels = np.arange(len(items.profiles))
    for group in find_clusters(edges, _STRONG):
        labels[list(group.nodes)] = group.nodes[0]
    ends = np.array([(edge.left, edge.right) for edge in edges], np.int64).reshape(-1, 2)
    strengths = np.array([edge.strength for edge in edges], np.float64)
    return Grouping(labels, Pairs(ends[:, 0], ends[:, 1], strengths))


def _edges(photos: Items) -> "list[Edge[int]]":
    showing: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for row in zip(photos.profile.tolist(), photos.item.tolist(), photos.confidence, strict=True):
        showing[row[1]].append((row[0], float(row[2])))
    between: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)
    for item, owners in showing.items():
        if len(owners) < _HOT:
            rarity = _rarity(len(owners), len(photos.profiles))
            for (left, sure), (right, other) in combinations(sorted(owners), 2):
                between[left, right][item] = min(sure, other) * rarity
    edges = []
    for (left, right), shared in sorted(between.items()):
        strength = 1 - math.prod(1 - each for each in shared.values())
        if strength >= _LEAST:
            edges.append(Edge(left, right, strength, frozenset(frozenset({i}) for i in shared)))
    return edges


def _rarity(shared_by: int, profiles: int) -> float:
    """Inverse document frequency, 1 for a photo of two profiles."""
    world = max(profiles, _LEAST_WORLD)
    return max(0.0, math.log(world / max(2, shared_by)) / math.log(world / 2))


@dataclass(frozen=True, slots=True)
class Edge[N: Hashable]:
    """Two nodes that something joins.

    Attributes:
        strength: 0-1.
        evidence: the items that it rests on, independent of each other; items of two edges that
            have something in common are not.
    """

    left: N
    right: N
    strength: float
    evidence: frozenset[frozenset[Hashable]]


@dataclass(frozen=True, slots=True)
class Group[N: Hashable]:
    """A cluster.

    Attributes:
        nodes: in the order of the edges that named them first.
        edges: all given edges between its nodes, in the order given.
        weakest: the weakest edge that is needed to hold the group together: the smallest one of
            its maximum spanning tree.
    """

    nodes: tuple[N, ...]
    edges: tuple[Edge[N], ...]
    weakest: Edge[N]


def find_clusters[N: Hashable](edges: Sequence[Edge[N]], strong: float) -> list[Group[N]]:
    """Group nodes by edges that hold.

    Args:
        edges: one from a node to itself joins nothing and is left out.
        strong: least strength of an edge that joins two groups alone.

    Returns:
        Groups of two nodes and more, largest first, then as their first edge was given.
    """
    edges = [edge for edge in edges if edge.left != edge.right]
    forest: Forest[N] = Forest()
    for edge in edges:
        if edge.strength >= strong:
            forest.join(edge.left, edge.right)
    while _join_corroborated(forest, [edge for edge in edges if edge.strength < strong]):
        pass
    members: dict[N, list[Edge[N]]] = {}
    for edge in edges:
        if forest.find(edge.left) == forest.find(edge.right):
            members.setdefault(forest.find(edge.left), []).append(edge)
    groups = [_group(inside) for inside in members.values()]
    return sorted(groups, key=lambda group: -len(group.nodes))


def _join_corroborated[N: Hashable](forest: Forest[N], weak: Sequence[Edge[N]]) -> bool:
    """Join groups that two independent weak edges lead between; whether there were any."""
    between: dict[frozenset[N], list[Edge[N]]] = {}
    for edge in weak:
        ends = frozenset((forest.find(edge.left), forest.find(edge.right)))
        if len(ends) == 2:
            between.setdefault(ends, []).append(edge)
    joined = False
    for edges in between.values():
        if _independent(edges):
            joined |= forest.join(edges[0].left, edges[0].right)
    return joined


def _independent[N: Hashable](edges: Sequence[Edge[N]]) -> bool:
    """Whether the edges together rest on two items; one edge that does so counts as well."""
    items = set().union(*(edge.evidence for edge in edges))
    return any(one.isdisjoint(two) for one, two in combinations(items, 2))


def _group[N: Hashable](edges: Sequence[Edge[N]]) -> Group[N]:
    nodes = dict.fromkeys(node for edge in edges for node in (edge.left, edge.right))
    forest: Forest[N] = Forest()
    # Kruskal: of the edges that join something, strongest first, the last is the weakest needed.
    needed = [
        edge
        for edge in sorted(edges, key=lambda edge: -edge.strength)
        if forest.join(edge.left, edge.right)
    ]
    return Group(tuple(nodes), tuple(edges), needed[-1])
