"""`imagematch link`: who shares what, as text and as files for people and programs."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from imagematch import Index
from imagematch.cli.link import _lines
from imagematch.records import LinkReport
from tests.conftest import CommandLine, World
from tests.reports import builders

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "link.schema.json").read_text()
)
WANTED = {("site0/profile0", "site9/anna"), ("site1/profile1", "site9/berta")}


def test_json_names_the_links_and_follows_the_schema(imagematch: CommandLine, world: World) -> None:
    ran = imagematch("link", "--index", world.index, "--json")
    report = ran.json()
    jsonschema.validate(report, SCHEMA)
    sides = [(link["left"], link["right"]) for link in report["links"]]
    assert {tuple(f"{s['site']}/{s['profile']}" for s in two) for two in sides} == WANTED
    assert len(report["clusters"]) == 2
    assert [hit["left"]["path"] for hit in report["gallery_hits"]] == ["known.jpg"]
    assert ran.code == 0


def test_words_for_people_show_links_and_evidence(imagematch: CommandLine, world: World) -> None:
    ran = imagematch("link", "--index", world.index)
    assert "2 links, 2 clusters, 0 bridges, 1 gallery hit," in ran.out
    assert "site1/profile1 and site9/berta: Both show " in ran.out
    assert "likely one operator." in ran.out
    assert "Gallery missing: known.jpg and site2/profile2/2.jpg" in ran.out


def test_several_files_can_be_written_at_once(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    files = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "gexf", "graphml", "html")}
    words = [word for kind, path in files.items() for word in (f"--{kind}", path)]
    ran = imagematch("link", "--index", world.index, *words)
    assert (ran.code, ran.out) == (0, "")
    with files["csv"].open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) >= 2
    for kind in ("gexf", "graphml"):
        assert ElementTree.parse(files[kind]).getroot().tag.endswith(kind)
    page = files["html"].read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") >= 4
    assert "http://" not in page.replace("http://www.w3.org/", "")


def test_a_page_without_its_photos_still_shows_the_evidence(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    from tests.world import photo, save

    for profile in ("anna", "berta"):
        save(photo(1), tmp_path / "ads" / "site" / profile / "x.jpg")
    words = ("--index", tmp_path / "index")
    imagematch("index", tmp_path / "ads", *words, "--preset", "hashes", "--site-from-path")
    (tmp_path / "ads").rename(tmp_path / "elsewhere")
    assert imagematch("link", *words, "--html", tmp_path / "out.html").code == 0
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "anna" in page
    assert "data:image/jpeg" not in page


@pytest.fixture
def linked(monkeypatch: pytest.MonkeyPatch) -> Callable[[LinkReport], None]:
    """Makes every index answer with a report of its own, which has all that there can be."""

    def answer(report: LinkReport) -> None:
        monkeypatch.setattr(Index, "link", lambda *_, **_asked: report)

    return answer


def test_words_say_what_every_part_of_a_report_means(
    imagematch: CommandLine, world: World, linked: Callable[[LinkReport], None]
) -> None:
    linked(builders.report())
    out = imagematch("link", "--index", world.index).out.replace("\N{NO-BREAK SPACE}", " ")

    places = [
        out.index(said)
        for said in (
            "4 profiles, 3 links, 1 cluster, 1 bridge, 1 gallery hit, 1 photo set aside",
            "Is this one person's photo, or a placeholder?",
            f"  {builders.sha('none.png')[:12]} none.png, on 3 profiles",
            "Cluster 1 (c1): siteA/anna, siteB/bella, siteC/cleo",
            "3 profiles on 3 sites that one operator seems to run",
            "5 ads from 2026-03-01 to 2026-03-04, in Antwerp and Ghent.",
            "phone number +31612345678: Shown by 2 of 3 profiles and 1 other, very strong",
            "against it: Some of its profiles show different phone numbers",
            "weakest link: siteB/bella and siteC/cleo. Both show 2 photos",
            "siteA/anna and siteB/bella: Both show 2 photos that nobody else shows: 99.9 %",
            "siteA/anna and siteC/cleo: Both show 1 phone number that nobody else shows: 97.0 %",
            "It was stolen, or they are one operator after all.",
            "Joins nobody: phone number +3130000000, on 300 profiles. On most ads of siteA",
            "Gallery missing: missing/7.jpg",
        )
    ]
    assert places == sorted(places)
    assert "Set aside" not in out


def test_links_that_rest_on_a_phone_are_in_every_file(
    imagematch: CommandLine, world: World, linked: Callable[[LinkReport], None], tmp_path: Path
) -> None:
    linked(builders.report())
    files = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "gexf", "graphml", "html")}
    words = [word for kind, path in files.items() for word in (f"--{kind}", path)]
    ran = imagematch("link", "--index", world.index, "--json", *words)

    jsonschema.validate(ran.json(), SCHEMA)
    assert [link["bits"] for link in ran.json()["links"]] == [8.75, -0.25, 8.75]
    for path in files.values():
        assert f"Wrote {path}" in ran.err
        assert "phone" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", builders.HOSTILE)
def test_no_name_steers_the_terminal(
    imagematch: CommandLine, world: World, linked: Callable[[LinkReport], None], name: str
) -> None:
    linked(builders.named_report(name))
    ran = imagematch("link", "--index", world.index)

    assert ran.code == 0
    assert not set("\x00\x1b\u202e") & set(ran.out)
    assert len(ran.out.splitlines()) == len([*_lines(builders.named_report("harmless"))])


@pytest.mark.parametrize("kind", ["csv", "gexf", "graphml", "html"])
def test_a_file_that_can_not_be_written_is_named(
    imagematch: CommandLine,
    world: World,
    linked: Callable[[LinkReport], None],
    tmp_path: Path,
    kind: str,
) -> None:
    linked(builders.report())
    path = tmp_path / "missing" / "out"
    ran = imagematch("link", "--index", world.index, f"--{kind}", path)
    assert (ran.code, str(path) in ran.err) == (2, True)
