"""The JSON reports keep their schemas and claim no more than was measured."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch import records
from imagematch.records import Failure, IndexReport, LinkReport, QueryResult
from imagematch.reports import json as reports_json
from tests.reports import builders

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def schema(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    return loaded


def check(data: object, name: str) -> None:
    jsonschema.Draft202012Validator(schema(name)).validate(data)


def link_data(report: LinkReport) -> dict[str, Any]:
    """What a program reads of a report of links."""
    text = "".join(reports_json.link_lines(report))
    data: dict[str, Any] = json.loads(text.encode("utf-8"))
    return data


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_schemas_are_valid_themselves(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text("utf-8")))


def test_query_result_has_exactly_the_keys_of_the_contract() -> None:
    data = builders.result((builders.sighting(), builders.judgement())).to_dict()

    assert data == {
        "query": "in/a.jpg",
        "status": "ok",
        "gate": "",
        "notes": [],
        "not_looked_at": 0,
        "further_pictures": 0,
        "matches": [
            {
                "photo": builders.sha("siteA/anna/1.jpg"),
                "path": "siteA/anna/1.jpg",
                "collection": "ads",
                "site": "siteA",
                "profile": "anna",
                "match": records.match_id(
                    builders.sha("in/a.jpg"), builders.sha("siteA/anna/1.jpg")
                ),
                "kind": "copy",
                "confidence": 0.998,
                "band": "certain",
                "evidence": {
                    "exact": False,
                    "pdq_distance": 18,
                    "cosine": 0.81,
                    "inliers": 64,
                    "overlap": 0.72,
                    "mirrored": False,
                    "transform": [[0.5, 0, 10], [0, 0.5, -3.25], [1.234567e-6, 0, 1]],
                    "traced": False,
                },
                "decision": None,
                "ignored": False,
            }
        ],
    }
    check(data, "query")


def test_what_was_not_measured_is_null_and_never_a_number() -> None:
    data = builders.result((builders.sighting(), builders.unverified())).to_dict()

    evidence = data["matches"][0]["evidence"]
    assert evidence == {
        "exact": False,
        "pdq_distance": 31,
        "cosine": None,
        "inliers": None,
        "overlap": None,
        "mirrored": False,
        "transform": None,
        "traced": False,
    }
    check(data, "query")


def test_a_query_that_failed_says_why() -> None:
    failed = QueryResult("in/b.heic", failure=Failure("corrupt", "it ends after 12 bytes"))

    data = failed.to_dict()

    assert data == {
        "query": "in/b.heic",
        "status": "failed",
        "error": "corrupt: it ends after 12 bytes",
        "gate": "",
        "notes": [],
        "not_looked_at": 0,
        "further_pictures": 0,
        "matches": [],
    }
    check(data, "query")


def test_the_query_schema_refuses_a_failure_without_a_reason() -> None:
    with pytest.raises(jsonschema.ValidationError):
        check({"query": "a", "status": "failed", "gate": "", "notes": [], "matches": []}, "query")


def test_a_query_says_what_limits_its_answer() -> None:
    limited = QueryResult("in/a.png", gate="tiny", notes=("It is too small. \ud800",))

    data = limited.to_dict()

    assert (data["gate"], data["notes"]) == ("tiny", ["It is too small. \\ud800"])
    check(data, "query")


@given(st.lists(st.floats(0, 1), max_size=8), st.randoms())
def test_matches_are_sorted_best_first_whatever_order_they_came_in(
    confidences: list[float], random: Any
) -> None:
    pairs = [
        (builders.sighting(f"{at}.jpg"), builders.judgement(confidence=value))
        for at, value in enumerate(confidences)
    ] + [(builders.sighting("same.jpg"), builders.exact())]
    shuffled = random.sample(pairs, len(pairs))

    data = builders.result(*pairs).to_dict()

    shown = [match["confidence"] for match in data["matches"]]
    assert shown == sorted(shown, reverse=True)
    assert data["matches"][0]["kind"] == "exact"
    assert data == builders.result(*shuffled).to_dict()


@given(st.floats(0, 1))
def test_confidence_is_never_rounded_up(value: float) -> None:
    data = builders.result((builders.sighting(), builders.judgement(confidence=value))).to_dict()

    shown = data["matches"][0]["confidence"]
    assert shown <= value
    assert shown < 1
    assert value - shown <= 0.0001 + 1e-9


def test_link_report_follows_its_schema_with_every_kind_of_evidence() -> None:
    data = link_data(builders.report())

    check(data, "link")
    assert list(data) == [
        *("profiles", "links", "clusters", "bridges", "hot", "common", "gallery_hits", "scenes"),
        *("apart", "unmet"),
    ]
    assert [link["probability"] for link in data["links"]] == [0.9991, 0.97, 0.93]
    assert data["clusters"][0]["weakest"] == {
        "left": {"site": "siteB", "profile": "bella"},
        "right": {"site": "siteC", "profile": "cleo"},
        "probability": 0.93,
        "matches": [pair["match"] for pair in data["links"][2]["pairs"]],
        "shared": ["photo"],
    }
    assert data["hot"][0]["reason"] == "shared_by_many"
    assert data["scenes"][0]["evidence"]["correlation"] == 0.31
    assert data["gallery_hits"][0]["left"]["collection"] == "missing"


def test_a_link_says_what_it_rests_on_in_bits() -> None:
    link = link_data(builders.report())["links"][1]

    anna, cleo = {"site": "siteA", "profile": "anna"}, {"site": "siteC", "profile": "cleo"}
    assert link == {
        "left": anna,
        "right": cleo,
        "probability": 0.97,
        "bits": -0.25,
        "prior": -9.0,
        "shared": [
            {
                "kind": "phone",
                "value": "+31612345678",
                "bits": 10.0,
                "profiles": [anna, cleo],
                "elsewhere": 0,
                "sighting": None,
            }
        ],
        "rest": -1.25,
        "pairs": [],
        "decision": None,
    }


def test_a_cluster_says_who_where_when_and_what_speaks_against_it() -> None:
    cluster = link_data(builders.report())["clusters"][0]

    assert (cluster["id"], cluster["number"]) == ("c1", 1)
    assert cluster["sites"] == ["siteA", "siteB", "siteC"]
    photo, phone = cluster["shared"]
    assert photo["sighting"]["path"] == "siteA/anna/1.jpg"
    assert [shown["profile"] for shown in photo["profiles"]] == ["anna", "bella", "cleo"]
    assert (phone["value"], phone["elsewhere"]) == ("+31612345678", 1)
    assert cluster["stops"][1] == {
        "day": "2026-03-04",
        "seen": True,
        "place": "Ghent",
        "sites": ["siteB", "siteC"],
        "profiles": [
            {"site": "siteB", "profile": "bella"},
            {"site": "siteC", "profile": "cleo"},
        ],
        "ads": 3,
    }
    assert [doubt["kind"] for doubt in cluster["doubts"]] == ["phones_differ"]


def test_bridges_and_common_contacts_are_told_apart_from_links() -> None:
    data = link_data(builders.report())

    [bridge] = data["bridges"]
    assert bridge["item"]["kind"] == "photo"
    assert [side["cluster"] for side in bridge["sides"]] == ["c1", ""]
    assert data["common"] == [
        {"kind": "phone", "value": "+3130000000", "site": "siteA", "profiles": 300}
    ]


@given(st.text(st.characters(), max_size=30))
def test_any_name_survives_the_way_through_utf8(name: str) -> None:
    data = link_data(builders.named_report(name))

    check(data, "link")
    if not any("\ud800" <= char <= "\udfff" for char in name):
        assert data["links"][0]["left"]["profile"] == name


def test_undecodable_bytes_of_a_query_path_are_spelled_out() -> None:
    assert QueryResult("caf\udce9.jpg").to_dict()["query"] == "caf\\xe9.jpg"


@pytest.mark.parametrize("char", ["\x1b", "\x9b", "\x7f", "\u202e", "\u2028", "\n"])
def test_json_text_steers_no_terminal(char: str) -> None:
    text = reports_json.dumps({"query": f"a{char}b"})

    assert char not in text
    assert json.loads(text) == {"query": f"a{char}b"}


def test_letters_of_other_scripts_stay_readable() -> None:
    assert "وردة" in reports_json.dumps({"profile": "وردة"})


def test_numbers_that_json_lacks_are_refused_or_become_null() -> None:
    nowhere = builders.geometry(correlation=math.nan, transform=((math.inf, 0, 0),) * 3)
    data = link_data(
        dataclasses.replace(
            builders.report(), scenes=(builders.pair(judged=builders.judgement(fit=nowhere)),)
        )
    )

    assert data["scenes"][0]["evidence"]["correlation"] is None
    assert data["scenes"][0]["evidence"]["transform"] is None
    with pytest.raises(ValueError, match="JSON"):
        reports_json.dumps({"value": math.nan})


def test_index_report_has_exactly_the_counts_of_the_contract() -> None:
    data = IndexReport(10, 4, 3, 2, 1, 5, 1.23456, moved=2, run_id=7).to_dict()

    assert data == {
        "seen": 10,
        "described": 4,
        "known": 3,
        "skipped": 2,
        "skipped_kinds": {},
        "failed": 1,
        "failed_new": 0,
        "failed_pairs": 0,
        "matches": 5,
        "ads_without_photo": 0,
        "seconds": 1.235,
    }
    check(data, "index")


def test_index_report_says_which_pairs_nobody_could_look_at() -> None:
    report = IndexReport(10, 4, 3, 2, 1, 5, 1.23456, not_looked_at=3)
    data = report.to_dict()
    assert data["not_looked_at"] == 3
    check(data, "index")
