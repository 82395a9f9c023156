"""`imagematch query` by hash alone, and `imagematch export hashes`: leads, never matches."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import imagehash
import jsonschema
import numpy as np
import pytest
from PIL import Image

from imagematch.kernels import decode, hashes
from imagematch.settings import DEFAULTS
from tests.conftest import CommandLine, World
from tests.world import photo, save

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def check(data: object, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.validate(data, schema)


def flipped(hexes: str, bits: int) -> str:
    """A hash with its last bits inverted."""
    return f"{int(hexes, 16) ^ ((1 << bits) - 1):0{len(hexes)}x}"


def file(world: World, seed: int) -> Path:
    return world.ads / f"site{seed % 3}" / f"profile{seed % 7}" / f"{seed}.jpg"


def pdq_of(path: Path) -> str:
    return hashes.pdq(decode.decode(path.read_bytes(), DEFAULTS.decode).rgb)[0]


def paths(answer: dict[str, Any]) -> list[str]:
    return [lead["path"] for lead in answer["leads"]]


def test_a_phash_of_the_library_finds_its_photo(imagematch: CommandLine, world: World) -> None:
    known = str(imagehash.phash(Image.open(file(world, 4))))
    words = ("query", "--index", world.index, "--phash")
    for bits, found in ((0, True), (8, True), (9, False)):
        ran = imagematch(*words, flipped(known, bits), "--jsonl")
        [answer] = ran.lines()
        check(answer, "hashes")
        assert ran.code == 0
        assert (paths(answer) == ["site1/profile4/4.jpg"]) == found
        if found:
            [lead] = answer["leads"]
            assert (lead["kind"], lead["evidence"]["phash_distance"]) == ("lead", bits)
            assert "confidence" not in lead


def test_a_pdq_finds_its_photo_also_mirrored(imagematch: CommandLine, world: World) -> None:
    known = pdq_of(file(world, 4))
    words = ("query", "--index", world.index, "--jsonl", "--pdq")
    [lead] = imagematch(*words, flipped(known, 31)).json()["leads"]
    assert (lead["evidence"]["pdq_distance"], lead["evidence"]["orientation"]) == (31, "")
    assert imagematch(*words, flipped(known, 32)).json()["leads"] == []
    [turned] = hashes.orientations(hashes.pack_hex([known]))
    mirrored = turned[hashes.DIHEDRAL.index("mirrored left to right")].tobytes().hex()
    [lead] = imagematch(*words, mirrored).json()["leads"]
    assert lead["evidence"]["orientation"] == "mirrored left to right"


def test_people_read_that_a_near_hash_is_no_match(imagematch: CommandLine, world: World) -> None:
    known = flipped(pdq_of(file(world, 4)), 3)
    ran = imagematch("query", "--index", world.index, "--pdq", known, "--phash", "0" * 16)
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "0000000000000000",
        "  no photo is near",
        known,
        "  lead: site1/profile4/4.jpg (ads, site1 / profile4)",
        "    PDQ differs in 3 of 256 bits.",
    ]
    assert "a lead and no match" in ran.err


def test_settings_say_how_near_a_lead_is(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    index = shutil.copytree(world.index, tmp_path / "index")
    with (index / "settings.toml").open("a") as settings:
        settings.write("\n[search]\nlead_pdq_distance = 2\n")
    words = ("query", "--index", index, "--jsonl", "--pdq")
    assert imagematch(*words, flipped(pdq_of(file(world, 4)), 3)).json()["leads"] == []


def test_an_export_of_one_index_finds_the_same_photos_in_another(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    other, again = tmp_path / "other", tmp_path / "again"
    for seed in (3, 4, 5000):  # two of the world, in other bytes, and a stranger
        save(photo(seed), again / f"{seed}.jpg", quality=70)
    (again / "same.jpg").write_bytes(file(world, 1).read_bytes())
    words = ("--index", other, "--preset", "hashes")
    assert imagematch("index", again, *words).code == 0
    table, lines, pdqs = tmp_path / "hashes.csv", tmp_path / "hashes.jsonl", tmp_path / "pdq.txt"
    ran = imagematch("export", "hashes", "--index", other, "--csv", table, "--pdq", pdqs, "--jsonl")
    assert ran.code == 0
    lines.write_text(ran.out, "utf-8")
    for line in ran.lines():
        check(line, "export-hashes")
    with table.open(encoding="utf-8-sig", newline="") as text:
        assert [row["path"] for row in csv.DictReader(text)] == [
            line["path"] for line in ran.lines()
        ]
    for exported in (table, lines, pdqs):
        ran = imagematch("query", "--index", world.index, "--hash-list", exported, "--json")
        assert ran.code == 0
        answers = {answer["label"]: answer for answer in ran.json()}
        for answer in ran.json():
            check(answer, "hashes")
        assert paths(answers["3.jpg"]) == ["site0/profile3/3.jpg"]
        assert paths(answers["4.jpg"]) == ["site1/profile4/4.jpg"]
        assert paths(answers["5000.jpg"]) == []
        assert set(paths(answers["same.jpg"])) == {"site1/profile1/1.jpg", "site9/berta/same.jpg"}
        kinds = {lead["kind"] for lead in answers["same.jpg"]["leads"]}
        assert kinds == ({"lead"} if exported == pdqs else {"exact"})


def test_a_list_is_shown_by_what_it_found_and_by_what_was_off(
    imagematch: CommandLine, world: World, tmp_path: Path
) -> None:
    hash_list = tmp_path / "list.csv"
    known = pdq_of(file(world, 4))
    hash_list.write_text(f"pdq,label\n{known},case 7\nnonsense,x\n{'0f' * 32},nobody\n")
    words = ("query", "--index", world.index, "--hash-list", hash_list)
    ran = imagematch(*words)
    assert ran.code == 1
    assert ran.out.splitlines()[0] == "line 2: case 7"
    assert "nobody" not in ran.out
    assert "1 of 2 photos asked for by hash may be here." in ran.err
    assert "1 line could not be used:\n  line 3: 'nonsense' is no PDQ hash" in ran.err
    ran = imagematch(*words, "--jsonl")
    assert ran.code == 1
    for answer in ran.lines():
        check(answer, "hashes")
    assert [(line["line"], line["status"]) for line in ran.lines()] == [
        (2, "ok"),
        (3, "failed"),
        (4, "ok"),
    ]


def test_only_sightings_of_the_collection_asked_for_are_shown(
    imagematch: CommandLine, world: World
) -> None:
    known = pdq_of(world.gallery / "known.jpg")
    words = ("query", "--index", world.index, "--jsonl", "--pdq", known)
    collections = [lead["collection"] for lead in imagematch(*words).json()["leads"]]
    assert sorted(collections) == ["ads", "missing"]
    [lead] = imagematch(*words, "--collection", "missing").json()["leads"]
    assert lead["path"] == "known.jpg"
    assert len(imagematch(*words, "--top", "1").json()["leads"]) == 1
    assert imagematch(*words, "--collection", "nowhere").code == 2


def test_a_flat_picture_is_found_by_its_bytes_alone(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    flat = save(np.full((200, 300, 3), 120, np.uint8), tmp_path / "ads" / "flat.png")
    index = tmp_path / "index"
    assert imagematch("index", flat.parent, "--index", index, "--preset", "hashes").code == 0
    [exported] = imagematch("export", "hashes", "--index", index, "--jsonl").lines()
    assert exported["gate"] == "flat"
    words = ("query", "--index", index, "--jsonl")
    for option in ("phash", "pdq"):
        assert imagematch(*words, f"--{option}", exported[option]).json()["leads"] == []
    (tmp_path / "list").write_text(exported["sha256"])
    [lead] = imagematch(*words, "--hash-list", tmp_path / "list").json()["leads"]
    assert lead["kind"] == "exact"
    pdqs = tmp_path / "pdq.txt"
    assert imagematch("export", "hashes", "--index", index, "--pdq", pdqs).code == 0
    assert pdqs.read_text() == ""


def test_a_calculating_file_name_is_text_in_a_table(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    save(photo(1), tmp_path / "ads" / "=cmd|'x'!A0,\u202egpj\n.jpg")
    index, table, pdqs = tmp_path / "index", tmp_path / "t.csv", tmp_path / "p.txt"
    words = ("index", tmp_path / "ads", "--index", index, "--preset", "hashes")
    assert imagematch(*words).code == 0
    ran = imagematch("export", "hashes", "--index", index, "--csv", table, "--pdq", pdqs, "--jsonl")
    assert ran.json()["path"] == "=cmd|'x'!A0,\u202egpj\n.jpg"
    with table.open(encoding="utf-8-sig", newline="") as text:
        [row] = csv.DictReader(text)
    assert row["path"] == "'=cmd|'x'!A0,\\u202egpj\\n.jpg"
    assert len(pdqs.read_text().splitlines()) == 1
    for exported in (table, pdqs):
        ran = imagematch("query", "--index", index, "--hash-list", exported)
        assert (ran.code, "\u202e" in ran.out) == (0, False)


@pytest.mark.parametrize(
    "words",
    [
        ("query",),
        ("query", "a.jpg", "--phash", "0" * 16),
        ("query", "--phash", "0" * 15),
        ("query", "--pdq", "0" * 16),
        ("query", "--pdq", "g" * 64),
        ("query", "--phash", "0" * 16, "--explain", "d"),
        ("query", "--phash", "0" * 16, "--min-confidence", "0"),
        ("query", "--hash-list", "nowhere.csv"),
        ("export", "hashes"),
        ("export", "hashes", "--jsonl", "--collection", "nowhere"),
    ],
)
def test_a_call_that_can_not_work_is_refused(
    imagematch: CommandLine, world: World, words: tuple[str, ...]
) -> None:
    ran = imagematch(*words, "--index", world.index)
    assert (ran.code, ran.out) == (2, "")
