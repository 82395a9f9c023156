"""Clusters that hold together: weighted edges in, groups of nodes out.

Single linkage would chain strangers: A shares a weak likeness with B, B another one with C, and A
and C end up together. Here an edge joins two groups alone only if it is strong; weaker ones must
come in twos, from different evidence.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations


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


class Forest[N: Hashable]:
    """Disjoint sets with path compression (Tarjan 1975)."""

    def __init__(self) -> None:
        self._parent: dict[N, N] = {}

    def find(self, node: N) -> N:
        """The node that stands for the set of this one; a new node is a set of its own."""
        parent = self._parent
        root = parent.setdefault(node, node)
        while (above := parent[root]) != root:
            root = above
        while (above := parent[node]) != root:
            parent[node], node = root, above
        return root

    def join(self, left: N, right: N) -> bool:
        """Whether the two were apart before."""
        first, second = self.find(left), self.find(right)
        self._parent[second] = first
        return first != second


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
