"""Clusters hold together: no chaining through single weak edges, and the weakest edge is shown."""

import random
from collections.abc import Hashable, Iterable, Sequence
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from benchmark.links.former_links import Edge, Group, find_clusters
from imagematch.kernels.forest import Forest

STRONG = 0.8


def edge(left: str, right: str, strength: float, *evidence: Hashable) -> Edge[str]:
    items = evidence or (f"photo of {left} and {right}",)
    return Edge(left, right, strength, frozenset(frozenset({item}) for item in items))


def clusters(*edges: Edge[str]) -> list[set[str]]:
    return [set(group.nodes) for group in find_clusters(edges, STRONG)]


nodes = st.integers(0, 7)
edges = st.builds(
    Edge,
    nodes,
    nodes,
    st.sampled_from([0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
    st.frozensets(st.frozensets(st.integers(0, 4), min_size=1, max_size=2), min_size=1, max_size=2),
)
graphs = st.lists(edges, max_size=14)


# --- what joins ----------------------------------------------------------------------------------


def test_no_edges_make_no_clusters() -> None:
    assert clusters() == []


def test_a_strong_edge_joins_alone() -> None:
    assert clusters(edge("a", "b", 0.8)) == [{"a", "b"}]


def test_a_weak_edge_alone_joins_nothing() -> None:
    assert clusters(edge("a", "b", 0.79)) == []


def test_a_chain_of_weak_edges_does_not_hold() -> None:
    chain = [edge(left, right, 0.7) for left, right in ("ab", "bc", "cd", "de")]
    assert clusters(*chain) == []


def test_two_strong_groups_stay_apart_over_one_weak_edge() -> None:
    assert clusters(edge("a", "b", 0.9), edge("c", "d", 0.9), edge("b", "c", 0.7)) == [
        {"a", "b"},
        {"c", "d"},
    ]


def test_two_independent_weak_edges_between_two_groups_join_them() -> None:
    assert clusters(
        edge("a", "b", 0.9), edge("c", "d", 0.9), edge("a", "c", 0.6), edge("b", "d", 0.6)
    ) == [{"a", "b", "c", "d"}]


def test_the_same_evidence_twice_is_one_piece_of_evidence() -> None:
    assert clusters(
        edge("a", "b", 0.9),
        edge("a", "c", 0.6, "one photo"),
        edge("b", "c", 0.6, "one photo"),
    ) == [{"a", "b"}]


def test_one_weak_edge_that_rests_on_two_things_joins() -> None:
    assert clusters(edge("a", "b", 0.6, "one photo", "another")) == [{"a", "b"}]


def test_weak_edges_to_different_groups_do_not_add_up() -> None:
    assert clusters(edge("a", "b", 0.7), edge("a", "c", 0.7), edge("a", "d", 0.7)) == []


def test_a_group_that_has_grown_may_be_joined_in_turn() -> None:
    """c joins a-b by two weak edges; only then has d two edges to one group."""
    assert clusters(
        edge("d", "c", 0.6),
        edge("d", "a", 0.6),
        edge("c", "a", 0.6),
        edge("c", "b", 0.6),
        edge("a", "b", 0.9),
    ) == [{"a", "b", "c", "d"}]


def test_an_edge_from_a_node_to_itself_joins_nothing() -> None:
    assert clusters(edge("a", "a", 1.0)) == []
    (group,) = find_clusters([edge("a", "a", 0.1), edge("a", "b", 0.9)], STRONG)
    assert group == Group(("a", "b"), (edge("a", "b", 0.9),), edge("a", "b", 0.9))


# --- what a cluster tells ------------------------------------------------------------------------


def test_a_cluster_has_all_edges_between_its_nodes_and_names_the_weakest_needed() -> None:
    inside = [
        edge("b", "c", 0.85),
        edge("a", "b", 0.95),
        edge("a", "c", 0.2),  # not needed: a and c hold together over b
    ]
    (group,) = find_clusters([inside[0], edge("c", "x", 0.3), *inside[1:]], STRONG)
    assert group == Group(("b", "c", "a"), tuple(inside), inside[0])


def test_the_largest_cluster_comes_first_then_the_one_named_first() -> None:
    assert clusters(
        edge("c", "d", 0.9), edge("a", "b", 0.8), edge("x", "y", 0.9), edge("y", "z", 0.9)
    ) == [{"x", "y", "z"}, {"c", "d"}, {"a", "b"}]


def components(edges: Iterable[Edge[int]]) -> list[set[int]]:
    """Connected components, by merging sets."""
    found: list[set[int]] = []
    for item in edges:
        touching = [group for group in found if {item.left, item.right} & group]
        found = [group for group in found if group not in touching]
        found.append({item.left, item.right}.union(*touching))
    return found


def expected_partition(graph: Sequence[Edge[int]]) -> set[frozenset[int]]:
    """The rule, taken literally: merge any two groups that may be merged until none may."""
    groups = {frozenset({node}) for item in graph for node in (item.left, item.right)}
    while True:
        for one, two in combinations(groups, 2):
            between = [
                item
                for item in graph
                if (item.left in one and item.right in two)
                or (item.left in two and item.right in one)
            ]
            things = frozenset().union(*(item.evidence for item in between))
            apart = any(not one_thing & other for one_thing in things for other in things)
            if any(item.strength >= STRONG for item in between) or apart:
                groups = (groups - {one, two}) | {one | two}
                break
        else:
            return {group for group in groups if len(group) > 1}


@given(graphs)
def test_clusters_are_those_of_the_rule_taken_literally(graph: list[Edge[int]]) -> None:
    found = find_clusters(graph, STRONG)
    assert {frozenset(group.nodes) for group in found} == expected_partition(graph)


@given(graphs, st.randoms(use_true_random=False))
def test_the_order_of_edges_does_not_change_who_belongs_together(
    graph: list[Edge[int]], shuffler: random.Random
) -> None:
    shuffled = list(graph)
    shuffler.shuffle(shuffled)
    one, two = find_clusters(graph, STRONG), find_clusters(shuffled, STRONG)
    assert {frozenset(group.nodes) for group in one} == {frozenset(group.nodes) for group in two}
    assert sorted(group.weakest.strength for group in one) == sorted(
        group.weakest.strength for group in two
    )


@given(graphs)
def test_the_weakest_edge_is_the_bottleneck(graph: list[Edge[int]]) -> None:
    """Edges at least as strong hold the cluster together, stronger ones alone do not."""
    for group in find_clusters(graph, STRONG):
        assert group.weakest in group.edges
        weakest = group.weakest.strength
        as_strong = [item for item in group.edges if item.strength >= weakest]
        stronger = [item for item in group.edges if item.strength > weakest]
        assert components(as_strong) == [set(group.nodes)]
        assert components(stronger) != [set(group.nodes)]


@given(graphs)
def test_every_cluster_lists_the_edges_between_its_nodes_in_the_order_given(
    graph: list[Edge[int]],
) -> None:
    found = find_clusters(graph, STRONG)
    for group in found:
        inside = set(group.nodes)
        assert list(group.edges) == [
            item for item in graph if {item.left, item.right} <= inside and item.left != item.right
        ]
        assert list(group.nodes) == list(
            dict.fromkeys(node for item in group.edges for node in (item.left, item.right))
        )
    sizes = [len(group.nodes) for group in found]
    assert sizes == sorted(sizes, reverse=True)
    assert find_clusters(graph, STRONG) == found


# --- the forest ----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=40))
def test_a_forest_joins_what_was_joined_and_nothing_else(pairs: list[tuple[int, int]]) -> None:
    forest: Forest[int] = Forest()
    groups = [{node} for node in range(21)]
    for left, right in pairs:
        one = next(group for group in groups if left in group)
        two = next(group for group in groups if right in group)
        assert forest.join(left, right) == (one is not two)
        if one is not two:
            one |= two
            groups.remove(two)
    for left, right in combinations(range(21), 2):
        together = any({left, right} <= group for group in groups)
        assert (forest.find(left) == forest.find(right)) == together


def test_a_long_chain_needs_no_deep_recursion() -> None:
    forest: Forest[int] = Forest()
    for node in range(100_000):
        forest.join(node + 1, node)
    assert forest.find(0) == forest.find(100_000)


def test_a_node_stands_for_itself_until_it_is_joined() -> None:
    forest: Forest[str] = Forest()
    assert forest.find("a") == "a"
    assert not forest.join("a", "a")
