"""The GEXF and GraphML reports read back as the graph that was written."""

import dataclasses
import io
from collections.abc import Callable, Iterable
from xml.etree import ElementTree as ET

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import LinkReport, Profile
from imagematch.reports import graph
from tests.reports import builders

type Reader = Callable[[LinkReport], networkx.Graph]


def gexf(report: LinkReport) -> networkx.Graph:
    data = "".join(graph.gexf_parts(report)).encode("utf-8")
    return networkx.read_gexf(io.BytesIO(data), version="1.3")


def graphml(report: LinkReport) -> networkx.Graph:
    return networkx.parse_graphml("".join(graph.graphml_parts(report)))


both = pytest.mark.parametrize("read", [gexf, graphml])


@both
def test_profiles_and_links_come_back_with_their_values(read: Reader) -> None:
    network = read(builders.report())

    by_label = {values["label"]: values for _, values in network.nodes(data=True)}
    assert set(by_label) == {"siteA/anna", "siteB/bella", "siteC/cleo"}
    assert by_label["siteA/anna"]["site"] == "siteA"
    assert by_label["siteA/anna"]["profile"] == "anna"
    assert by_label["siteA/anna"]["cluster"] == 1
    strongest = max((values for *_, values in network.edges(data=True)), key=lambda e: e["weight"])
    assert by_label["siteA/anna"]["cluster_id"] == "c1"
    assert strongest["probability"] == strongest["weight"] == 0.9991
    assert strongest["bits"] == 8.75
    assert strongest["evidence"] == "photo"
    assert strongest["photos"] == strongest["items"] == 2
    assert strongest["best_kind"] == "exact"
    assert strongest["best_confidence"] == 1.0
    assert strongest["best_match"] == builders.pair().id
    weakest = {values["weight"]: values["weakest"] for *_, values in network.edges(data=True)}
    assert weakest == {0.9991: False, 0.97: False, 0.93: True}
    by_phone = next(v for *_, v in network.edges(data=True) if v["evidence"] == "phone")
    assert by_phone["photos"] == 0
    assert "best_match" not in by_phone


@both
def test_profiles_outside_clusters_have_no_cluster(read: Reader) -> None:
    network = read(dataclasses.replace(builders.report(), clusters=()))

    assert all("cluster" not in values for _, values in network.nodes(data=True))


@both
def test_profiles_that_look_alike_when_joined_stay_two_nodes(read: Reader) -> None:
    link = builders.link_between(Profile("a/b", "c"), Profile("a", "b/c"), builders.pair())
    report = dataclasses.replace(builders.report(), links=(link,), clusters=())

    assert read(report).number_of_nodes() == 2


@both
def test_an_empty_report_is_an_empty_graph(read: Reader) -> None:
    assert read(builders.found(0)).number_of_nodes() == 0


@pytest.mark.parametrize("name", builders.HOSTILE)
def test_hostile_names_are_only_text(name: str) -> None:
    assert tags(graph.gexf_parts(builders.named_report(name))) == {
        "gexf", "meta", "creator", "description", "graph", "attributes", "attribute",
        "nodes", "node", "attvalues", "attvalue", "edges", "edge",
    }  # fmt: skip
    assert tags(graph.graphml_parts(builders.named_report(name))) == {
        *("graphml", "desc", "key", "graph", "node", "edge", "data")
    }


def tags(parts: Iterable[str]) -> set[str]:
    root = ET.fromstring("".join(parts).encode("utf-8"))
    return {element.tag.rpartition("}")[2] for element in root.iter()}


@both
@given(name=st.text(st.characters(), max_size=30))
def test_any_name_makes_well_formed_xml(read: Reader, name: str) -> None:
    assert read(builders.named_report(name)).number_of_edges() == 1
