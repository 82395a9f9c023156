"""The tables say what was measured, never more; the data holds everything."""

import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.benchmark import tables
from imagematch.benchmark.figures import measure
from imagematch.benchmark.records import Hit
from imagematch.reports.json import dumps
from tests.benchmark.builders import SKILLS, benchmark, case, invented, run, verdict

HITS = {"a": [Hit("1.jpg", 0.9996, "copy")], "b": [Hit("9.jpg", 0.6, "copy")]}
SMALL = benchmark(
    [case("a", "1.jpg"), case("b", "2.jpg", edit="crop_20", indexed=False)],
    [run(HITS), run({"a": [Hit("1.jpg", 31.0)]}, "hash", calibrated=False)],
    hard=[verdict("flat", "scene", 0.25), verdict("flat", "", 0.0)],
    twins=[("1.jpg", "3.jpg")],
)


def cells(markdown: str) -> list[list[str]]:
    """Cells of a Markdown table, with its head and without its rule."""
    rows = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in markdown.splitlines()]
    assert set("".join(rows[1])) <= set("-:")
    assert len({len(row) for row in rows}) == 1
    return [rows[0], *rows[2:]]


def test_methods_have_one_line_each() -> None:
    head, balanced, hashes = cells(tables.methods_table(measure(SMALL)).markdown())
    assert dict(zip(head, balanced, strict=True)) == {
        "method": "balanced",
        "µAP": "1.000",
        "R@1": "1.000",
        "R at 90 % precision": "1.000",
        "R at 99 % precision": "1.000",
        "R at 100 % precision": "1.000",
        "false copies": "1.000 (1 of 1)",
        "wrong photos": "0",
        "ms a photo": "34.5",
        "ms a query": "500",
    }
    assert hashes[6:8] == ["–", "–"]


def test_edits_table_ends_with_all_cases_together() -> None:
    table = cells(tables.edits_table(measure(SMALL)).markdown())
    assert table == [
        ["edit", "cases", "balanced", "hash"],
        ["blur", "1", "1.000", "1.000"],
        ["**all**", "1", "1.000", "1.000"],
    ]


def test_hard_table_sums_up_its_groups() -> None:
    figures = measure(invented(cases=30))
    *groups, total = cells(tables.hard_table(figures).markdown())[1:]
    for column in range(1, 6):
        assert int(total[column]) == sum(int(group[column]) for group in groups)
    assert total[1] == "300"


def test_bands_without_claims_have_no_precision() -> None:
    rows = cells(tables.bands_table(measure(SMALL)).markdown())[1:]
    assert [row[1:5] for row in rows] == [
        ["certain", "0.99 to 1", "1", "1.000"],
        ["strong", "0.9 to 0.99", "0", "–"],
        ["possible", "0.5 to 0.9", "1", "0.000"],
    ]


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_up(value: float) -> None:
    text = tables.share(value)
    assert re.fullmatch(r"[01]\.\d{3}", text)
    assert value - 0.001 - 1e-9 < float(text) <= value + 1e-12
    assert (text == "1.000") == (value == 1)


@pytest.mark.parametrize(("value", "text"), [(0.29, "0.290"), (0.9999, "0.999"), (math.nan, "–")])
def test_shares_that_are_easily_miscut(value: float, text: str) -> None:
    assert tables.share(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0003, "0.3"), (0.0345, "34.5"), (0.17, "170"), (2.1, "2,100")]
)
def test_milliseconds_have_three_digits(seconds: float, text: str) -> None:
    assert tables.milliseconds(seconds) == text


def test_a_cell_stays_a_cell() -> None:
    text = tables.Table(("a", "b"), (("x | y\n", "\u202e"),)).markdown()
    assert text.splitlines()[-1] == "| x \\| y\\n | \\u202e |"


# --- the page ------------------------------------------------------------------------------------


def test_document_names_the_run_and_has_every_table() -> None:
    made = invented()
    figures = measure(made)
    text = tables.document(
        made, figures, date="2026-05-09", seed=7, images=[("Precision", "img/bench/a.png")]
    )
    assert "\n    imagematch bench photos --seed 7\n" in text
    for said in ("2026-05-09", "| seed | 7 |", "1,234 indexed", "a machine, 2 cores"):
        assert said in text
    assert f"{figures.wanted:,} with an original, {figures.without:,} without" in text
    assert "![Precision](img/bench/a.png)" in text
    headings = re.findall(r"^## (.+)$", text, re.M)
    assert headings == ["Methods", "Edits", "Hard pairs", "Confidence"]
    for skill in SKILLS:
        assert f"| {skill.method} |" in text
    # Tables have an empty line around them, or Markdown takes them for prose.
    assert not re.search(r"^[^|\n].*\n\| .*\n\| ---", text, re.M)


def test_document_leaves_out_what_was_not_measured() -> None:
    only_hashes = benchmark(SMALL.cases, SMALL.runs[1:])
    text = tables.document(only_hashes, measure(only_hashes), date="2026-05-09", seed=0)
    assert re.findall(r"^## (.+)$", text, re.M) == ["Methods", "Edits"]


# --- data ----------------------------------------------------------------------------------------


def test_dump_is_strict_json_and_holds_every_hit() -> None:
    data = json.loads(dumps(tables.dump(SMALL, measure(SMALL), date="2026-05-09", seed=7)))
    assert (data["date"], data["seed"], data["photos"]) == ("2026-05-09", 7, 1234)
    assert data["runs"][0]["hits"] == {
        "a": [["1.jpg", 0.9996, "copy"]],
        "b": [["9.jpg", 0.6, "copy"]],
    }
    assert data["cases"][1] == {
        "name": "b",
        "edit": "crop_20",
        "steps": ["crop_20 0.3"],
        "source": "2.jpg",
        "path": "queries/b.jpg",
        "indexed": False,
    }
    assert data["hard"][0]["pair"]["group"] == "flat"
    assert data["twins"] == [["1.jpg", "3.jpg"]]
    balanced = data["figures"]["methods"][0]
    assert balanced["points"]["0.99"] == {"threshold": 0.9996, "precision": 1.0, "recall": 1.0}
    assert balanced["edits"]["blur"] == {"cases": 1, "found": 1, "share": 1.0}


def test_what_does_not_exist_is_null() -> None:
    silent = benchmark([case("a", "1.jpg")], [run({})])
    data = json.loads(dumps(tables.dump(silent, measure(silent), date="2026-05-09", seed=7)))
    method = data["figures"]["methods"][0]
    assert method["points"]["1.0"] == {"threshold": None, "precision": None, "recall": 0.0}
    assert method["reliability"]["everything"]["equal_width"] is None


def test_names_that_are_not_utf8_are_spelled_out() -> None:
    odd = benchmark([case("a", "\udcff.jpg")], [run({"a": [Hit("\udcff.jpg", 0.9)]})])
    text = dumps(tables.dump(odd, measure(odd), date="2026-05-09", seed=7))
    assert json.loads(text.encode())["runs"][0]["hits"]["a"][0][0] == "\\xff.jpg"
