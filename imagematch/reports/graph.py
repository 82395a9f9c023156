"""A link report as a graph of profiles, in GEXF 1.3 for Gephi and other network tools."""

from collections.abc import Iterable, Iterator
from itertools import chain
from xml.sax.saxutils import escape

from imagematch import __version__, formatting
from imagematch.records import Link, LinkReport, Profile

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

#: What else an attribute between quotes may not hold.
_QUOTE = {'"': "&quot;"}


def link_parts(report: LinkReport) -> Iterator[str]:
    """Profiles as nodes and links as edges; profiles that nothing links are left out.

    It comes in parts, a line or an element each. Hidden characters of names are spelled out
    (`\\x00`), since XML forbids most of them. An edge's weight is the link's strength.

    Source: https://gexf.net/schema.html, version 1.3.
    """
    links = formatting.strongest_first(report.links)
    numbers = formatting.cluster_numbers(report)
    profiles = sorted({*numbers, *(end for link in links for end in (link.left, link.right))})
    # Numbers as ids: "a/b" + "c" and "a" + "b/c" would share a spelled-out one.
    ids = {profile: f"n{at}" for at, profile in enumerate(profiles)}
    weakest = formatting.weakest_ends(report)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<gexf xmlns="http://gexf.net/1.3" version="1.3">',
        "  <meta>",
        f"    <creator>{escape(f'imagematch {__version__}')}</creator>",
        "    <description>Profiles joined by photos that they share</description>",
        "  </meta>",
        '  <graph defaultedgetype="undirected" mode="static">',
    )
    nodes = (_node(ids[profile], profile, numbers.get(profile)) for profile in profiles)
    edges = (
        _edge(f"e{at}", ids, link, weakest=(link.left, link.right) in weakest)
        for at, link in enumerate(links)
    )
    for line in chain(
        head,
        _declared("node", _NODE_ATTRIBUTES),
        _declared("edge", _EDGE_ATTRIBUTES),
        _list("nodes", nodes),
        _list("edges", edges),
        ("  </graph>", "</gexf>"),
    ):
        yield f"{line}\n"


def _declared(of: str, attributes: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f'    <attributes class="{of}" mode="static">'
    for name, type_ in attributes:
        yield f'      <attribute id="{name}" title="{name}" type="{type_}" />'
    yield "    </attributes>"


def _list(tag: str, elements: Iterable[str]) -> Iterator[str]:
    found = False
    for element in elements:
        if not found:
            yield f"    <{tag}>"
        found = True
        yield element
    yield f"    </{tag}>" if found else f"    <{tag} />"


def _node(id_: str, profile: Profile, cluster: int | None) -> str:
    values = {"site": profile.site, "profile": profile.handle}
    if cluster is not None:
        values["cluster"] = str(cluster)
    return _element("node", f'id="{id_}" label={_quoted(str(profile))}', values)


def _edge(id_: str, ids: dict[Profile, str], link: Link, *, weakest: bool) -> str:
    strength = str(formatting.floored(link.strength))
    values = {"strength": strength, "photos": str(len(link.pairs)), "weakest": _boolean(weakest)}
    if link.pairs:
        best = max(link.pairs, key=lambda pair: formatting.confidence(pair.judgement))
        values["best_kind"] = best.judgement.kind
        values["best_confidence"] = str(formatting.confidence(best.judgement))
        values["best_match"] = best.id
        values["confirmed"] = _boolean(any(pair.decision for pair in link.pairs))
    ends = f'source="{ids[link.left]}" target="{ids[link.right]}"'
    return _element("edge", f'id="{id_}" {ends} weight="{strength}"', values)


def _boolean(value: bool) -> str:
    return str(value).lower()


def _element(tag: str, attributes: str, values: dict[str, str]) -> str:
    """One node or edge. As text, not as a tree: a million links would take gigabytes."""
    inside = "".join(
        f'          <attvalue for="{name}" value={_quoted(value)} />\n'
        for name, value in values.items()
    )
    return (
        f"      <{tag} {attributes}>\n        <attvalues>\n{inside}"
        f"        </attvalues>\n      </{tag}>"
    )


def _quoted(text: str) -> str:
    """Text from outside as the value of an attribute, with its quotes."""
    return f'"{escape(formatting.printable(text), _QUOTE)}"'
