"""`python -m benchmark links` and `relink`: photos in, tables and files out."""

import json
from pathlib import Path

import pytest

from tests.conftest import CommandLine
from tests.world import ad_sites

FILES = {"links.md", "links.json", "links_f1.png", "links_by_size.png", "links_reliability.png"}


@pytest.mark.slow
def test_worlds_are_made_linked_and_scored_and_can_be_scored_again(
    benchmark: CommandLine, tmp_path: Path
) -> None:
    photos, out, again = ad_sites(tmp_path / "photos", range(80)), tmp_path / "out", tmp_path / "2"
    ran = benchmark("links", photos, "--preset", "hashes", "--out", out)
    assert ran.code == 0, ran.err
    for shown in ("Photos alone", "All evidence", "imagematch link", "the best that these items"):
        assert shown in ran.out
    assert "Not installed, so not compared with: Splink" in ran.err
    assert {path.name for path in out.iterdir()} == FILES | {"items"}
    assert {path.name for path in (out / "items").iterdir()} == {
        "tuning-0.json",
        "reporting-1.json",
    }
    first = json.loads((out / "links.json").read_text("utf-8"))
    best = [one["pairs"]["recall"] for one in first["figures"] if "the best" in one["method"]]
    assert 0.3 < best[0] <= best[1]
    words = ("relink", out / "items", "--out", again, "--json")
    ran = benchmark(*words, "--method", "benchmark.links.linkers:all_shared")
    assert ran.code == 0, ran.err
    mine = [one for one in ran.json()["figures"] if one["method"].startswith("benchmark.links")]
    assert len(mine) == 2
    rest = [one for one in ran.json()["figures"] if one not in mine]
    assert rest == first["figures"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("links", "--seeds", "one"), "are no seeds"),
        (("links", "--tune", "-1"), "are no seeds"),
        (("links", "--preset", "better"), "--preset"),
        (("links",), "there are no photos in"),
        (("relink",), "holds no worlds"),
        (("relink", "--method", "nowhere:f"), "holds no worlds"),
    ],
)
def test_a_wrong_call_is_usage(
    benchmark: CommandLine, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "photos").mkdir()
    command, *options = words
    ran = benchmark(command, tmp_path / "photos", "--out", tmp_path / "out", *options)
    assert ran.code == 2
    assert said in ran.err


def test_too_few_photos_are_refused(benchmark: CommandLine, tmp_path: Path) -> None:
    ran = benchmark("links", ad_sites(tmp_path / "photos", range(4)), "--out", tmp_path / "out")
    assert (ran.code, "a world needs 30 photos or more" in ran.err) == (2, True)
