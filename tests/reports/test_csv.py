"""The CSV report opens in a spreadsheet as a table, and runs nothing there."""

import csv
import dataclasses
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.records import LinkReport, Profile
from imagematch.reports import csv as reports_csv
from tests.reports import builders


def rows(report: LinkReport) -> list[dict[str, str]]:
    text = "".join(reports_csv.link_parts(report)).removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_one_row_a_pair_and_one_for_a_link_without_pairs_most_likely_link_first() -> None:
    table = rows(builders.report())

    assert [(row["left_profile"], row["kind"]) for row in table] == [
        ("anna", "copy"),
        ("anna", "exact"),
        ("anna", ""),
        ("bella", "copy"),
        ("bella", "part"),
    ]
    short = builders.sha("siteA/anna/1.jpg")[:12]
    assert table[0] == {
        "left_site": "siteA",
        "left_profile": "anna",
        "right_site": "siteB",
        "right_profile": "bella",
        "probability": "0.9991",
        "bits": "8.75",
        "evidence": "photo",
        "items": f"photo {short}; photo {short}",
        "cluster": "1",
        "cluster_id": "c1",
        "weakest": "false",
        "said": "",
        "match": builders.pair().id,
        "kind": "copy",
        "confidence": "0.998",
        "band": "certain",
        "shared_by": "2",
        "left_path": "siteA/anna/1.jpg",
        "right_path": "siteB/bella/9.jpg",
        "left_photo": builders.sha("siteA/anna/1.jpg"),
        "right_photo": builders.sha("siteB/bella/9.jpg"),
        "pdq_distance": "18",
        "cosine": "0.81",
        "inliers": "64",
        "overlap": "0.72",
        "correlation": "0.97",
        "agreement": "0.9",
        "mirrored": "false",
        "decision": "",
    }


def test_what_was_not_measured_is_an_empty_cell() -> None:
    unverified = rows(builders.report())[3]

    assert unverified["pdq_distance"] == "31"
    empty = ("cosine", "inliers", "overlap", "correlation", "agreement", "mirrored")
    assert {unverified[name] for name in empty} == {""}


def test_the_link_that_holds_a_cluster_least_is_marked() -> None:
    table = rows(builders.report())

    assert [(row["left_profile"], row["weakest"]) for row in table] == [
        ("anna", "false"),
        ("anna", "false"),
        ("anna", "false"),
        ("bella", "true"),
        ("bella", "true"),
    ]


def test_what_a_person_decided_is_said() -> None:
    [row] = rows(builders.named_report("zoe"))

    assert row["decision"] == "confirmed by zoe on 2026-05-09: zoe"


def test_a_link_outside_clusters_has_no_cluster_number() -> None:
    report = dataclasses.replace(builders.report(), clusters=())

    assert {(row["cluster"], row["cluster_id"]) for row in rows(report)} == {("", "")}


def test_a_link_that_rests_on_no_photo_says_what_it_rests_on() -> None:
    row = rows(builders.report())[2]

    assert (row["evidence"], row["items"]) == ("phone", "phone number +31612345678")
    assert row["match"] == row["left_path"] == ""


def test_a_cell_of_hundreds_of_items_stays_one_that_a_spreadsheet_takes() -> None:
    items = tuple(builders.item("handle", f"{'x' * 1000}{at}") for at in range(300))
    link = builders.link_between(Profile("a", "p"), Profile("b", "q"), shared=items)

    [row] = rows(builders.found(links=(link,)))

    assert row["items"].endswith("; 250 more")
    assert len(row["items"]) < 32_767


def test_excel_sees_utf8_and_windows_line_ends() -> None:
    data = "".join(reports_csv.link_parts(builders.named_report("وردة"))).encode("utf-8")

    assert data.startswith(b"\xef\xbb\xbf")
    assert data.endswith(b"\r\n")
    assert data.count(b"\n") == data.count(b"\r\n") == 2


@pytest.mark.parametrize(
    "name", ["=1+1", "+49123", "-x", "@SUM(A1)", "  =1", "\t=1", "\r=1", "＝1", "\ufeff=1"]
)
def test_a_cell_like_a_formula_is_disarmed(name: str) -> None:
    cell = rows(builders.named_report(name))[0]["left_profile"]

    assert cell.startswith(("'", "\\"))


def test_an_ordinary_name_stays_as_it_is() -> None:
    assert rows(builders.named_report('O\'Hara, "Zoë" x=1'))[0]["left_profile"] == (
        'O\'Hara, "Zoë" x=1'
    )


@given(st.text(st.characters(), max_size=40))
def test_no_name_breaks_the_row_or_starts_a_formula(name: str) -> None:
    text = "".join(reports_csv.link_parts(builders.named_report(name)))
    text.encode("utf-8")

    table = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))

    assert [len(row) for row in table] == [len(reports_csv.COLUMNS)] * 2
    assert len(text.splitlines()) == 2
    written = ("left_site", "left_profile", "items", "cluster_id", "left_path", "decision")
    for cell in (table[1][reports_csv.COLUMNS.index(column)] for column in written):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
