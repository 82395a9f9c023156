"""`imagematch compare`: two files, no index, and an honest answer."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from tests.conftest import CommandLine
from tests.world import mirrored, photo, save

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "compare.schema.json").read_text("utf-8")
)
HASHES = ("--preset", "hashes")


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return save(photo(4), tmp_path / "known.jpg")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return save(mirrored(photo(4)), tmp_path / "my copy.jpg", quality=50)


def test_a_copy_is_told_with_kind_confidence_evidence_and_drawing(
    imagematch: CommandLine, known: Path, copy: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "drawings"
    ran = imagematch("compare", copy, known, *HASHES, "--explain", folder)
    assert ran.code == 0
    [drawing] = folder.iterdir()
    assert re.fullmatch(r"my_copy_[0-9a-f]{12}-[0-9a-f]{12}\.png", drawing.name)
    assert Image.open(drawing).size[0] == 1672
    [left, right, match, why, where] = ran.out.replace("\u00a0", " ").splitlines()
    assert (left, right) == (str(copy), str(known))
    assert re.fullmatch(r"  copy [0-9a-f]{12}-[0-9a-f]{12}, \d\d\.\d %, certain", match)
    assert why.startswith("    The same photo, mirrored: ")
    assert where == f"    Drawing: {drawing}"


def test_programs_get_the_evidence_of_a_query(
    imagematch: CommandLine, known: Path, copy: Path
) -> None:
    said = imagematch("compare", copy, known, *HASHES, "--json").json()
    jsonschema.validate(said, SCHEMA)
    assert (said["left"], said["right"], said["status"]) == (str(copy), str(known), "ok")
    assert (said["outcome"], said["kind"], said["band"]) == ("match", "copy", "certain")
    assert said["evidence"]["mirrored"]
    assert said["evidence"]["inliers"] >= 10


def test_a_file_and_itself_are_exact(imagematch: CommandLine, known: Path) -> None:
    ran = imagematch("compare", known, known, *HASHES)
    assert (ran.code, "byte for byte" in ran.out) == (0, True)
    said = imagematch("compare", known, known, *HASHES, "--json").json()
    jsonschema.validate(said, SCHEMA)
    assert (said["outcome"], said["kind"], said["confidence"]) == ("match", "exact", 1.0)


def test_strangers_are_no_match_and_it_is_said_what_was_measured(
    imagematch: CommandLine, known: Path, tmp_path: Path
) -> None:
    stranger = save(photo(5000), tmp_path / "stranger.jpg")
    ran = imagematch("compare", known, stranger, *HASHES, "--explain", tmp_path / "d")
    assert ran.code == 0
    assert "  no match, " in ran.out
    assert re.search(r"perceptual hashes differ in \d+ of 256 bits", ran.out)
    assert len(list((tmp_path / "d").iterdir())) == 1
    said = imagematch("compare", known, stranger, *HASHES, "--json").json()
    jsonschema.validate(said, SCHEMA)
    assert (said["status"], said["outcome"], said["band"]) == ("ok", "none", "")
    assert said["confidence"] < 0.5


def test_each_file_that_can_not_be_read_is_told_with_its_reason(
    imagematch: CommandLine, known: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    gone = tmp_path / "gone.jpg"
    for left, right, failed in (
        (broken, known, [broken]),
        (known, gone, [gone]),
        (broken, gone, [broken, gone]),
        (gone, gone, [gone]),
        (known, tmp_path, [tmp_path]),
    ):
        ran = imagematch("compare", left, right, *HASHES, "--explain", tmp_path / "d")
        assert ran.code == 1
        lines = [line for line in ran.out.splitlines() if line.startswith("  failed: ")]
        assert [line.split(": ")[1] for line in lines] == list(map(str, failed))
        ran = imagematch("compare", left, right, *HASHES, "--json")
        jsonschema.validate(ran.json(), SCHEMA)
        assert (ran.code, ran.json()["status"]) == (1, "failed")
        assert [file["path"] for file in ran.json()["failures"]] == list(map(str, failed))
        assert all(f"failed: {path}: " in ran.err for path in failed)
    assert list((tmp_path / "d").iterdir()) == []


def test_a_file_of_others_is_never_replaced_by_a_drawing(
    imagematch: CommandLine, known: Path, copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    ran = imagematch("compare", copy, known, *HASHES, "--explain", tmp_path / "file")
    assert (ran.code, ran.out) == (2, "")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_name_that_would_steer_a_terminal_is_spelled_out(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    hostile = save(photo(4), tmp_path / "a\u202egpj.x\x1b[31m.jpg")
    ran = imagematch("compare", hostile, hostile, *HASHES)
    assert "\\u202egpj.x\\x1b[31m" in ran.out
    said = imagematch("compare", hostile, hostile, *HASHES, "--json")
    assert "\x1b" not in said.out
    assert "\u202e" not in said.out
    assert said.json()["left"] == str(hostile)


def test_a_call_without_two_files_is_refused(imagematch: CommandLine, known: Path) -> None:
    assert imagematch("compare", known).code == 2
    assert imagematch("compare", known, known, "--preset", "sloppy").code == 2
