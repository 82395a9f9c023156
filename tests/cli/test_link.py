"""`imagematch link`: who shares photos, as text and as files for people and programs."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from tests.conftest import CommandLine, World

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
    assert "2 links, 2 clusters, 1 gallery hit," in ran.out
    assert "site1/profile1 and site9/berta: 100\N{NO-BREAK SPACE}%" in ran.out
    assert "Gallery missing: known.jpg and site2/profile2/2.jpg" in ran.out


def test_several_files_can_be_written_at_once(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    files = {kind: tmp_path / f"out.{kind}" for kind in ("csv", "gexf", "html")}
    words = [word for kind, path in files.items() for word in (f"--{kind}", path)]
    ran = imagematch("link", "--index", world.index, *words)
    assert (ran.code, ran.out) == (0, "")
    with files["csv"].open(encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) >= 2
    assert ElementTree.parse(files["gexf"]).getroot().tag.endswith("gexf")
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


@pytest.mark.parametrize("kind", ["csv", "gexf", "html"])
def test_a_file_that_can_not_be_written_is_named(
    imagematch: CommandLine, world: World, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "missing" / "out"
    ran = imagematch("link", "--index", world.index, f"--{kind}", path)
    assert (ran.code, str(path) in ran.err) == (2, True)
