"""The tables say what was measured, never more, and how sure that is."""

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.output.table import Table, milliseconds
from benchmark.quality import quality_tables
from benchmark.quality.cases import Direction
from benchmark.quality.figures import measure
from tests.benchmark.builders import SKILLS, SMALL, benchmark, case, claim, invented, run, verdict


def cells(markdown: str) -> list[list[str]]:
    """Cells of a Markdown table, with its head and without its rule."""
    rows = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in markdown.splitlines()]
    assert set("".join(rows[1])) <= set("-:")
    assert len({len(row) for row in rows}) == 1
    return [rows[0], *rows[2:]]


def test_methods_have_one_line_each() -> None:
    head, balanced, hashes = cells(quality_tables.methods_table(measure(SMALL).methods).markdown())
    assert dict(zip(head, balanced, strict=True)) == {
        "method": "balanced",
        "µAP": "1.000",
        "R@1": "1.000",
        "R at 90\u00a0% precision": "1.000",
        "R at 99\u00a0% precision": "1.000",
        "R at 100\u00a0% precision": "1.000",
        "shown": "1.000",
        "false copies": "1 of 1 (1.000)",
        "wrong photos": "0",
        "ms a photo": "34.5",
        "ms a query": "500",
    }
    assert hashes[6:9] == ["–", "–", "–"]


def test_zero_false_copies_come_with_what_chance_may_hide() -> None:
    cases = [case(f"{number}", "1.jpg", indexed=False) for number in range(300)]
    (row,) = quality_tables.methods_table(measure(benchmark(cases, [run({})])).methods).rows
    # The rule of three says 3 of 300; the two-sided interval a little more.
    assert "0 of 300 (≤ 0.013)" in row


def test_what_has_no_time_shows_none() -> None:
    assert milliseconds(math.nan) == "–"


def test_share_of_hard_pairs_taken_for_copies_has_an_upper_bound() -> None:
    verdicts = [verdict("flat", "", 0.0)] * 1000 + [verdict("wall", "copy", 0.9)]
    rows = {
        row[0]: row for row in quality_tables.hard_table(measure(benchmark(hard=verdicts))).rows
    }
    assert rows["flat"][1:4] == ("1,000", "0", "0.004")
    assert rows["wall"][1:4] == ("1", "1", "1.000")


def test_the_other_direction_has_a_table_of_its_own() -> None:
    asked = (case("o", "p.jpg"),)
    direction = Direction(asked, run({"o": [claim("p.jpg", 0.9)]}, "backwards"))
    made = replace(SMALL, backwards=direction)
    figures = measure(made)
    assert [method.method for method in figures.methods] == ["balanced", "hash"]
    text = quality_tables.document(made, figures, date="2026-05-09", seed=7)
    assert "| backwards | 1.000 | 1.000 |" in text


def test_columns_of_a_text_stand_below_each_other() -> None:
    table = Table(("edit", "R at 90 % precision"), (("blur", "0.5"), ("crop_20", "1.000")))
    assert table.text().splitlines() == [
        "         R at 90 %",
        "edit     precision",
        "-------  ---------",
        "blur           0.5",
        "crop_20      1.000",
    ]


def test_edits_table_ends_with_all_cases_together() -> None:
    table = cells(quality_tables.edits_table(measure(SMALL)).markdown())
    assert table == [
        ["edit", "cases", "balanced", "hash"],
        ["blur", "1", "1.000", "1.000"],
        ["**all**", "1", "1.000", "1.000"],
    ]


def test_hard_table_sums_up_its_groups() -> None:
    figures = measure(invented(cases=30))
    *groups, total = cells(quality_tables.hard_table(figures).markdown())[1:]
    for column in (1, 2, 4, 5, 6):
        assert int(total[column]) == sum(int(group[column]) for group in groups)
    assert total[1] == "300"


def test_bands_without_claims_have_no_precision() -> None:
    rows = cells(quality_tables.bands_table(measure(SMALL)).markdown())[1:]
    assert [row[1:5] for row in rows] == [
        ["certain", "0.99 to 1", "1", "1.000"],
        ["strong", "0.9 to 0.99", "0", "–"],
        ["possible", "0.7 to 0.9", "1", "0.000"],
    ]


@given(st.floats(0, 1))
def test_a_share_is_never_rounded_up(value: float) -> None:
    text = quality_tables.share(value)
    assert re.fullmatch(r"[01]\.\d{3}", text)
    assert value - 0.001 - 1e-9 < float(text) <= value + 1e-12
    assert (text == "1.000") == (value == 1)


@pytest.mark.parametrize(("value", "text"), [(0.29, "0.290"), (0.9999, "0.999"), (math.nan, "–")])
def test_shares_that_are_easily_miscut(value: float, text: str) -> None:
    assert quality_tables.share(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0003, "0.3"), (0.0345, "34.5"), (0.17, "170"), (2.1, "2,100")]
)
def test_milliseconds_have_three_digits(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


def test_a_cell_stays_a_cell() -> None:
    text = Table(("a", "b"), (("x | y\n", "\u202e"),)).markdown()
    assert text.splitlines()[-1] == "| x \\| y\\n | \\u202e |"


# --- the page ------------------------------------------------------------------------------------


def test_document_names_the_run_and_has_every_table() -> None:
    made = invented()
    figures = measure(made)
    text = quality_tables.document(
        made, figures, date="2026-05-09", seed=7, images=[("Precision", "img/bench/a.png")]
    )
    assert "\n    python -m benchmark quality photos --seed 7\n" in text
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
    text = quality_tables.document(only_hashes, measure(only_hashes), date="2026-05-09", seed=0)
    assert re.findall(r"^## (.+)$", text, re.M) == ["Methods", "Edits"]
