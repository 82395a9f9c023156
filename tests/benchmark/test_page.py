"""The page shows the hardest cases as pairs, and nothing that a stranger wrote becomes markup."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.output.canvas import Plot
from benchmark.quality import page, quality_tables
from benchmark.quality.cases import Benchmark, Direction, Hit, MethodRun
from benchmark.quality.exhibits import MOST_PAIRS, Exhibits, gather
from benchmark.quality.figures import measure
from imagematch.reports import save
from tests.benchmark.builders import benchmark, case, claim, invented, run, verdict
from tests.reports import builders as reports
from tests.reports.test_browser import BROWSER, browse
from tests.reports.test_html import JPEG, Outline

PLOT = Plot("a.png", "Recall against cost.", b"\x89PNG not really a plot")
POLICY = re.compile(
    r"default-src 'none'; img-src data:; style-src ('sha256-[A-Za-z0-9+/=]{44}' ?){3}; "
    r"base-uri 'none'; form-action 'none'"
)


def shown(made: Benchmark, preset: str = "balanced") -> Exhibits:
    return gather(made, preset, measure(made), lambda path: f"[{path}]")


def drawn(
    made: Benchmark, preset: str = "balanced", thumbnails: page.Thumbnails | None = None
) -> str:
    return page.page(
        made,
        measure(made),
        [PLOT],
        thumbnails or (lambda path: JPEG + str(path).encode("utf-8", "surrogateescape")),
        preset=preset,
        date="2026-05-09",
        seed=7,
    )


def misses_run() -> MethodRun:
    """Finds a, gives b too little, takes c for a scene, does not know d."""
    return run(
        {
            "a": [claim("1.jpg", 0.98)],
            "b": [claim("9.jpg", 0.9), claim("2.jpg", 0.6)],
            "c": [Hit("3.jpg", 0.25, "scene")],
            "e": [claim("8.jpg", 0.7, "part")],
        }
    )


MISSES = benchmark(
    [
        *(case(name, f"{number}.jpg") for number, name in enumerate("abcd", start=1)),
        case("e", "5.jpg", indexed=False),
    ],
    [misses_run(), run({"a": [Hit("1.jpg", 0.9)]}, "other")],
    hard=[
        verdict("calm", "", 0.4),
        verdict("place", "scene", 0.3, may_be_scene=True),
        verdict("unfounded", "scene", 0.1),
        verdict("error", "copy", 0.6),
    ],
    twins=[("1.jpg", "7.jpg")],
)


# --- which pairs ---------------------------------------------------------------------------------


def test_misses_come_with_the_least_likely_first() -> None:
    misses = shown(MISSES).misses
    assert [card.left.name for card in misses.cards] == ["d.jpg", "c.jpg", "b.jpg"]
    assert [card.right.name for card in misses.cards] == ["4.jpg", "3.jpg", "2.jpg"]
    assert misses.cards[0].sentence == "The original was not proposed at all."
    assert "same place" in misses.cards[1].sentence
    assert misses.cards[0].left.picture == "[queries/d.jpg]"
    assert misses.cards[0].right.picture == "[photos/4.jpg]"


def test_a_miss_says_how_far_it_was_off() -> None:
    facts = {fact.label: fact.value for fact in shown(MISSES).misses.cards[2].facts}
    assert facts == {
        "Rank": "2",
        "Score": "0.6000",
        "Needed": "0.9800",
        "Best of the others": "9.jpg, 0.9000",
    }


def test_false_matches_come_with_the_surest_first() -> None:
    false = shown(MISSES).false_matches.cards
    assert [(card.left.name, card.right.name, card.kind) for card in false] == [
        ("b.jpg", "9.jpg", "copy"),
        ("e.jpg", "8.jpg", "part"),
    ]
    assert "60.0" in false[0].sentence
    assert "No original is in the index" in false[1].sentence


def test_a_weak_or_dismissed_candidate_is_not_shown_as_a_copy() -> None:
    hits = {
        "a": [Hit("1.jpg", 0.98, "copy"), Hit("2.jpg", 0.3, "copy"), Hit("3.jpg", 0.01, "copy")]
    }
    (weak,) = shown(benchmark([case("a", "1.jpg")], [run(hits)])).false_matches.cards
    assert (weak.right.name, weak.kind) == ("2.jpg", "candidate")


def test_hard_pairs_come_with_errors_first_then_unfounded_scenes() -> None:
    assert [(card.left.name, card.word) for card in shown(MISSES).hard.cards] == [
        ("error-l.jpg", "Copy"),
        ("unfounded-l.jpg", "Same scene, a lead"),
        ("calm-l.jpg", "Nothing"),
        ("place-l.jpg", "Same scene, a lead"),
    ]


def test_a_twin_is_neither_a_false_match_nor_forgotten() -> None:
    hits = {"a": [Hit("7.jpg", 0.99, "copy"), claim("1.jpg", 0.98)]}
    made = benchmark([case("a", "1.jpg")], [run(hits)], twins=[("1.jpg", "7.jpg")])
    exhibits = shown(made)
    assert exhibits.false_matches.cards == ()
    (twins,) = exhibits.twins.cards
    assert (twins.left.name, twins.right.name) == ("1.jpg", "7.jpg")


def test_scores_of_other_methods_are_no_percentages() -> None:
    hits = {"a": [Hit("1.jpg", 31.0), Hit("2.jpg", 29.5)]}
    made = benchmark([case("a", "1.jpg")], [run(hits, "hash", calibrated=False)])
    (card,) = shown(made, "hash").false_matches.cards
    assert (card.percent, card.kind) == ("29.5", "candidate")


def test_the_other_direction_shows_false_copies_then_misses() -> None:
    asked = (
        replace(case("o", "made-a.jpg"), path=Path("photos/1.jpg")),
        replace(case("n", "", edit="untouched", indexed=False), path=Path("photos/2.jpg")),
    )
    hits = {"n": [claim("made-b.jpg", 0.8, "part"), Hit("made-c.jpg", 0.3, "copy")]}
    made = replace(MISSES, backwards=Direction(asked, run(hits, "backwards")))
    false, miss = shown(made).backwards.cards
    assert (false.left.name, false.right.name, false.kind) == ("2.jpg", "made-b.jpg", "part")
    assert false.right.role == "Not the edited picture"
    assert false.right.picture == "[made/queries/made-b.jpg]"
    assert (miss.left.name, miss.right.name) == ("1.jpg", "made-a.jpg")
    assert miss.sentence == "The edited picture was not proposed at all."
    assert "Wrong the other way round" in Outline(drawn(made)).text


def test_long_lists_are_cut_and_counted() -> None:
    made = invented()
    exhibits = shown(made, "imagehash phash")
    found = sum(edit.found for edit in measure(made).method("imagehash phash").edits.values())
    for exhibit in (exhibits.misses, exhibits.false_matches, exhibits.hard):
        assert len(exhibit.cards) == MOST_PAIRS
    assert exhibits.misses.left_out == measure(made).wanted - found - MOST_PAIRS
    assert exhibits.hard.left_out == len(made.hard) - MOST_PAIRS


# --- the page ------------------------------------------------------------------------------------


def test_page_has_every_table_and_plot() -> None:
    text = Outline(drawn(MISSES)).text
    assert PLOT.about in text
    for table in (
        quality_tables.methods_table(measure(MISSES).methods),
        quality_tables.hard_table(measure(MISSES)),
    ):
        for row in table.rows:
            assert all(cell in text for cell in row)
    for heading in ("Hardest misses", "Worst false matches", "Worst hard pairs", "Twins to check"):
        assert heading in text


def test_pictures_asked_for_are_those_that_the_page_uses() -> None:
    used: list[Path] = []
    drawn(MISSES, thumbnails=used.append)
    asked = page.pictures_shown(MISSES, measure(MISSES), "balanced")
    assert list(asked) == used
    assert len(set(asked)) == len(asked)
    assert Path("photos/4.jpg") in asked


def test_each_picture_is_embedded_once() -> None:
    text = drawn(MISSES)
    asked = page.pictures_shown(MISSES, measure(MISSES), "balanced")
    assert text.count("data:image/jpeg;base64,") == len(asked)


def test_a_precision_that_is_never_reached_is_said_so() -> None:
    wrong = benchmark([case("a", "1.jpg")], [run({"a": [Hit("2.jpg", 0.9, "copy")]})])
    text = Outline(drawn(wrong)).text
    assert "No threshold of balanced gives 99 % precision" in text
    assert "Needed no score is enough" in text


def test_a_page_with_nothing_to_show_says_so() -> None:
    calm = benchmark([case("a", "1.jpg")], [run({"a": [Hit("1.jpg", 0.9, "copy")]})])
    text = Outline(drawn(calm)).text
    for said in (
        "Every copy was found.",
        "No other photo was named.",
        "No hard pairs were judged.",
        "No two photos look like one.",
    ):
        assert said in text


def test_twins_that_are_not_drawn_are_listed_by_name() -> None:
    twins = [(f"left{n}.jpg", f"right{n}.jpg") for n in range(MOST_PAIRS + 2)]
    made = benchmark([case("a", "1.jpg")], [run({})], twins=twins)
    text = Outline(drawn(made)).text
    assert all(left in text and right in text for left, right in twins)


# --- safety --------------------------------------------------------------------------------------


def named(name: str) -> Benchmark:
    """A run in which everything that strangers can name has one name."""
    hits = {name: [Hit(name + "2", 0.9, "copy")]}
    return benchmark(
        [case(name, name), case("b", "b.jpg", indexed=False)],
        [run(hits)],
        hard=[verdict(name, "copy", 0.9)],
        twins=[(name + "3", name)] * (MOST_PAIRS + 1),
        folder=Path(name.replace("\x00", "")),
    )


HARMLESS = Outline(drawn(named("harmless")))


@pytest.mark.parametrize("name", reports.HOSTILE)
def test_a_hostile_name_is_only_text(name: str) -> None:
    text = drawn(named(name), thumbnails=lambda _: JPEG)
    outline = Outline(text)
    assert outline.tags == HARMLESS.tags
    assert outline.attributes == HARMLESS.attributes
    assert POLICY.fullmatch(outline.policy)
    for style in outline.styles:
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in outline.policy
    assert not set("\x00\x1b\u202e") & set(text)
    text.encode("utf-8")


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_a_real_browser_shows_the_page(tmp_path: Path) -> None:
    target = tmp_path / "page.html"
    save(target, drawn(named(reports.HOSTILE[0])))
    dom = browse(target, "--dump-dom")
    assert "<title>imagematch report</title>" in dom
    assert "<script" not in dom
    assert "How to read this page" in dom
