"""A link report as a graph of profiles, in GEXF 1.3 for Gephi and other network tools."""

from xml.etree import ElementTree as ET

from imagematch import __version__
from imagematch.records import Link, LinkReport, Profile
from imagematch.reports import shown

_NODE_ATTRIBUTES = (("site", "string"), ("profile", "string"), ("cluster", "integer"))
_EDGE_ATTRIBUTES = (
    ("strength", "double"),
    ("photos", "integer"),
    ("best_kind", "string"),
    ("best_confidence", "double"),
    ("best_match", "string"),
    ("confirmed", "boolean"),
    ("weakest", "boolean"),  # of its cluster
)


def link_gexf(report: LinkReport) -> str:
    """Profiles as nodes and links as edges; profiles that nothing links are left out.

    Hidden characters of names are spelled out (`\\x00`), since XML forbids most of them. An edge's
    weight is the link's strength.

    Source: https://gexf.net/schema.html, version 1.3.
    """
    root = ET.Element("gexf", {"xmlns": "http://gexf.net/1.3", "version": "1.3"})
    meta = ET.SubElement(root, "meta")
    ET.SubElement(meta, "creator").text = f"imagematch {__version__}"
    ET.SubElement(meta, "description").text = "Profiles joined by photos that they share"
    graph = ET.SubElement(root, "graph", {"defaultedgetype": "undirected", "mode": "static"})
    _declare(graph, "node", _NODE_ATTRIBUTES)
    _declare(graph, "edge", _EDGE_ATTRIBUTES)

    links = shown.strongest_first(report.links)
    numbers = shown.cluster_numbers(report)
    profiles = sorted({*numbers, *(end for link in links for end in (link.left, link.right))})
    # Numbers as ids: "a/b" + "c" and "a" + "b/c" would share a spelled-out one.
    ids = {profile: f"n{at}" for at, profile in enumerate(profiles)}
    nodes = ET.SubElement(graph, "nodes")
    for profile in profiles:
        _add_node(nodes, ids[profile], profile, numbers.get(profile))
    edges = ET.SubElement(graph, "edges")
    weakest = shown.weakest_ends(report)
    for at, link in enumerate(links):
        _add_edge(edges, f"e{at}", ids, link, weakest=(link.left, link.right) in weakest)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _declare(graph: ET.Element, of: str, attributes: tuple[tuple[str, str], ...]) -> None:
    parent = ET.SubElement(graph, "attributes", {"class": of, "mode": "static"})
    for name, type_ in attributes:
        ET.SubElement(parent, "attribute", {"id": name, "title": name, "type": type_})


def _add_node(nodes: ET.Element, id_: str, profile: Profile, cluster: int | None) -> None:
    node = ET.SubElement(nodes, "node", {"id": id_, "label": shown.printable(str(profile))})
    values = {"site": profile.site, "profile": profile.handle}
    if cluster is not None:
        values["cluster"] = str(cluster)
    _add_values(node, values)


def _add_edge(
    edges: ET.Element, id_: str, ids: dict[Profile, str], link: Link, *, weakest: bool
) -> None:
    strength = str(shown.floored(link.strength))
    edge = ET.SubElement(
        edges,
        "edge",
        {"id": id_, "source": ids[link.left], "target": ids[link.right], "weight": strength},
    )
    values = {"strength": strength, "photos": str(len(link.pairs)), "weakest": _boolean(weakest)}
    if link.pairs:
        best = max(link.pairs, key=lambda pair: shown.confidence(pair.judgement))
        values["best_kind"] = best.judgement.kind
        values["best_confidence"] = str(shown.confidence(best.judgement))
        values["best_match"] = best.match
        values["confirmed"] = _boolean(any(pair.decision for pair in link.pairs))
    _add_values(edge, values)


def _boolean(value: bool) -> str:
    return str(value).lower()


def _add_values(element: ET.Element, values: dict[str, str]) -> None:
    parent = ET.SubElement(element, "attvalues")
    for name, value in values.items():
        ET.SubElement(parent, "attvalue", {"for": name, "value": shown.printable(value)})
