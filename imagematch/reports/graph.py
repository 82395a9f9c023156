"""A link report as a graph of profiles, for Gephi and other network tools: GEXF 1.3 and GraphML.

Both have the same nodes, edges and values, and come in parts, a line or an element each. As text
and not as a tree: a million links would take gigabytes. Hidden characters of names are spelled out
(`\\x00`), since XML forbids most of them. An edge's weight is the probability of the link.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple
from xml.sax.saxutils import escape

from imagematch import __version__, formatting
from imagematch.records import Cluster, Link, LinkReport, Profile

_NODE_ATTRIBUTES = (
    ("site", "string"),
    ("profile", "string"),
    ("cluster", "integer"),
    ("cluster_id", "string"),
)
_EDGE_ATTRIBUTES = (
    ("probability", "double"),
    ("bits", "double"),
    ("evidence", "string"),  # the kinds of what both share: "photo; phone"
    ("items", "integer"),  # that both share
    ("photos", "integer"),
    ("best_kind", "string"),
    ("best_confidence", "double"),
    ("best_match", "string"),
    ("confirmed", "boolean"),
    ("weakest", "boolean"),  # of its cluster
)
_DESCRIPTION = "Profiles joined by what they share"

#: Types of GEXF that GraphML calls otherwise.
_GRAPHML_TYPES = {"integer": "int"}

#: What else an attribute between quotes may not hold.
_QUOTE = {'"': "&quot;"}


class _Node(NamedTuple):
    id: str
    label: str
    values: dict[str, str]


class _Edge(NamedTuple):
    id: str
    source: str
    target: str
    weight: str
    values: dict[str, str]


class _Network:
    """The nodes and edges of a report; profiles that nothing links are left out."""

    def __init__(self, report: LinkReport) -> None:
        self._links = formatting.strongest_first(report.links)
        self._clusters = formatting.clusters_by_profile(report)
        self._weakest = formatting.weakest_ends(report)
        ends = (end for link in self._links for end in (link.left, link.right))
        # Numbers as ids: "a/b" + "c" and "a" + "b/c" would share a spelled-out one.
        profiles = sorted({*self._clusters, *ends})
        self._ids = {profile: f"n{at}" for at, profile in enumerate(profiles)}

    def nodes(self) -> Iterator[_Node]:
        for profile, node in self._ids.items():
            yield _Node(node, str(profile), _node_values(profile, self._clusters.get(profile)))

    def edges(self) -> Iterator[_Edge]:
        for at, link in enumerate(self._links):
            weakest = (link.left, link.right) in self._weakest
            values = _edge_values(link, weakest=weakest)
            ends = self._ids[link.left], self._ids[link.right]
            yield _Edge(f"e{at}", *ends, values["probability"], values)


def _node_values(profile: Profile, cluster: Cluster | None) -> dict[str, str]:
    values = {"site": profile.site, "profile": profile.handle}
    if cluster is not None:
        values |= {"cluster": str(cluster.number), "cluster_id": cluster.id}
    return values


def _edge_values(link: Link, *, weakest: bool) -> dict[str, str]:
    values = {
        "probability": str(formatting.probability(link)),
        "bits": str(formatting.bits(link.bits)),
        "evidence": "; ".join(formatting.evidence_kinds(link)),
        "items": str(len(link.shared)),
        "photos": str(len(link.pairs)),
        "weakest": _boolean(weakest),
    }
    if link.pairs:
        best = max(link.pairs, key=lambda pair: formatting.confidence(pair.judgement))
        values["best_kind"] = best.judgement.kind
        values["best_confidence"] = str(formatting.confidence(best.judgement))
        values["best_match"] = best.id
        values["confirmed"] = _boolean(any(pair.decision for pair in link.pairs))
    return values


def _boolean(value: bool) -> str:
    return str(value).lower()


# --- GEXF --------------------------------------------------------------------------------------


def gexf_parts(report: LinkReport) -> Iterator[str]:
    """Profiles as nodes and links as edges.

    Source: https://gexf.net/schema.html, version 1.3.
    """
    network = _Network(report)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gexf xmlns="http://gexf.net/1.3" version="1.3">',
        "  <meta>",
        f"    <creator>{escape(f'imagematch {__version__}')}</creator>",
        f"    <description>{_DESCRIPTION}</description>",
        "  </meta>",
        '  <graph defaultedgetype="undirected" mode="static">',
    )
    for line in chain(
        head,
        _gexf_declared("node", _NODE_ATTRIBUTES),
        _gexf_declared("edge", _EDGE_ATTRIBUTES),
        _gexf_list("nodes", map(_gexf_node, network.nodes())),
        _gexf_list("edges", map(_gexf_edge, network.edges())),
        ("  </graph>", "</gexf>"),
    ):
        yield f"{line}\n"


def _gexf_declared(of: str, attributes: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f'    <attributes class="{of}" mode="static">'
    for name, type_ in attributes:
        yield f'      <attribute id="{name}" title="{name}" type="{type_}" />'
    yield "    </attributes>"


def _gexf_list(tag: str, elements: Iterable[str]) -> Iterator[str]:
    found = False
    for element in elements:
        if not found:
            yield f"    <{tag}>"
        found = True
        yield element
    yield f"    </{tag}>" if found else f"    <{tag} />"


def _gexf_node(node: _Node) -> str:
    return _gexf_element("node", f'id="{node.id}" label={_quoted(node.label)}', node.values)


def _gexf_edge(edge: _Edge) -> str:
    ends = f'source="{edge.source}" target="{edge.target}"'
    return _gexf_element("edge", f'id="{edge.id}" {ends} weight="{edge.weight}"', edge.values)


def _gexf_element(tag: str, attributes: str, values: dict[str, str]) -> str:
    inside = "".join(
        f'          <attvalue for="{name}" value={_quoted(value)} />\n'
        for name, value in values.items()
    )
    return (
        f"      <{tag} {attributes}>\n        <attvalues>\n{inside}"
        f"        </attvalues>\n      </{tag}>"
    )


# --- GraphML -----------------------------------------------------------------------------------


def graphml_parts(report: LinkReport) -> Iterator[str]:
    """The same as GraphML, which most network tools and libraries read.

    Source: http://graphml.graphdrawing.org/specification.html.
    """
    network = _Network(report)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">',
        f"  <desc>{_DESCRIPTION}; made by {escape(f'imagematch {__version__}')}</desc>",
    )
    for line in chain(
        head,
        _graphml_keys("node", (("label", "string"), *_NODE_ATTRIBUTES)),
        _graphml_keys("edge", (("weight", "double"), *_EDGE_ATTRIBUTES)),
        ('  <graph id="links" edgedefault="undirected">',),
        map(_graphml_node, network.nodes()),
        map(_graphml_edge, network.edges()),
        ("  </graph>", "</graphml>"),
    ):
        yield f"{line}\n"


def _graphml_keys(of: str, attributes: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, type_ in attributes:
        of_graphml = _GRAPHML_TYPES.get(type_, type_)
        # An id of a key is unique in the file, also between nodes and edges.
        yield f'  <key id="{of}_{name}" for="{of}" attr.name="{name}" attr.type="{of_graphml}" />'


def _graphml_node(node: _Node) -> str:
    return _graphml_element("node", f'id="{node.id}"', {"label": node.label, **node.values})


def _graphml_edge(edge: _Edge) -> str:
    attributes = f'id="{edge.id}" source="{edge.source}" target="{edge.target}"'
    return _graphml_element("edge", attributes, {"weight": edge.weight, **edge.values})


def _graphml_element(tag: str, attributes: str, values: dict[str, str]) -> str:
    inside = "".join(
        f'      <data key="{tag}_{name}">{_text(value)}</data>\n' for name, value in values.items()
    )
    return f"    <{tag} {attributes}>\n{inside}    </{tag}>"


# --- text --------------------------------------------------------------------------------------


def _text(text: str) -> str:
    """Text from outside, between tags."""
    return escape(formatting.printable(text))


def _quoted(text: str) -> str:
    """Text from outside as the value of an attribute, with its quotes."""
    return f'"{escape(formatting.printable(text), _QUOTE)}"'
