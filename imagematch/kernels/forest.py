"""Disjoint sets: pairs that belong together in, the sets that they make out."""

from collections.abc import Hashable


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
