"""`imagematch find`: who shows a phone, a name, an address or some words, in any spelling."""

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.conftest import CommandLine, Ran, run_command
from tests.world import photo, save

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "find.schema.json"
ROWS = [
    "path,site,profile,url,ad_id,posted_at,phone,email,location,text,tg",
    "0.jpg,north,anna,https://www.north.example/ad/1,,2024-05-01,+31612345678,A@b.example,Ghent,"
    '"call\n06 1234 5678, @lola_zz",@zora_1',
    "1.jpg,north,anna,https://www.north.example/ad/1,,2024-05-01,+31612345678,A@b.example,Ghent,"
    "hi,@zora_1",
    "2.jpg,south,berta,,,,,,,Привет 100% \u202efake\u202c,t.me/Lola_ZZ",
    ",west,carla,,77,,+32612345678,,,bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4,",
]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base: Path = tmp_path_factory.mktemp("find")
    for seed in range(3):
        save(photo(seed), base / "ads" / f"{seed}.jpg")
    save(photo(9), base / "missing" / "k.jpg")
    (base / "ads.csv").write_text("\n".join(ROWS) + "\n", encoding="utf-8")
    (base / "missing.csv").write_text("path,text\nk.jpg,call +31612345678\n", encoding="utf-8")
    for words in (
        ("index", base / "ads", "--manifest", base / "ads.csv", "--identifier", "tg=handle"),
        ("gallery", "add", "missing", base / "missing", "--manifest", base / "missing.csv"),
    ):
        preset = ("--preset", "hashes") if words[0] == "index" else ()
        ran = run_command(*words, *preset, "--index", base / "index")
        assert ran.code == 0, ran.err
    return base / "index"


def find(index: Path, *words: str) -> Ran:
    return run_command("find", *words, "--index", index)


def found(index: Path, *words: str) -> dict[str, Any]:
    ran = find(index, *words, "--json")
    assert ran.code == 0, ran.err
    answer: dict[str, Any] = ran.json()
    jsonschema.validate(answer, json.loads(SCHEMA.read_text("utf-8")))
    return answer


def who(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted({(each["profile"], each["place"]) for each in answer["found"]})


NETHERLANDS = ("--region", "NL")
ANNA = [("", "text"), ("anna", "phone")]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["+31612345678"], ANNA),
        (["0031 6 1234 5678"], ANNA),
        (["06-12 34 56 78", *NETHERLANDS], ANNA),
        (["06 1234 5678", *NETHERLANDS, "--region", "BE"], [*ANNA, ("carla", "phone")]),
        (["a@B.example"], [("anna", "email")]),
        (["@lola_zz"], [("anna", "text"), ("berta", "tg")]),
        (["https://t.me/lola_zz"], [("berta", "tg")]),
        (["telegram:lola_zz"], [("berta", "tg")]),
        (["zora_1"], [("anna", "tg")]),
        (["http://north.example/ad/1#top"], [("anna", "url")]),
        (["BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"], [("carla", "text")]),
    ],
)
def test_an_identifier_is_found_in_any_spelling(
    index: Path, words: list[str], shown: list[tuple[str, str]]
) -> None:
    answer = found(index, *words)
    assert who(answer) == shown
    assert not answer["as_text"]
    assert answer["sightings"] == len({each["path"] for each in answer["found"]})


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["ПРИВЕТ"], [("berta", "text")]),
        (["100%"], [("berta", "text")]),
        (["GHENT"], [("anna", "location")]),
        (["north.example"], [("anna", "url")]),
        (["zora"], [("anna", "tg")]),
        (["arla"], [("carla", "profile")]),
        (["--text", "lola_zz"], [("anna", "text"), ("berta", "tg")]),
        (["77"], [("carla", "ad_id")]),
        (["06 1234 5678"], [("", "text"), ("anna", "phone"), ("anna", "text"), ("carla", "phone")]),
        (["%"], [("berta", "text")]),
    ],
)
def test_anything_else_is_found_as_a_part_and_that_is_said(
    index: Path, words: list[str], shown: list[tuple[str, str]]
) -> None:
    answer = found(index, *words)
    assert (who(answer), answer["as_text"]) == (shown, True)
    assert "as a part of" in find(index, *words).err


@pytest.mark.parametrize(
    "text", ["nobody", "'; DROP TABLE sightings; --", "_x_", "\\", "\u202ex\u202e"]
)
def test_who_shows_nothing_is_said_and_is_no_failure(index: Path, text: str) -> None:
    ran = find(index, text)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("Nobody shows")
    assert "\u202e" not in ran.err


def test_the_table_says_who_where_and_when(index: Path) -> None:
    ran = find(index, "+31612345678")
    lines = ran.out.splitlines()
    assert "north / anna" in lines[1]
    for word in ("+31612345678", "phone", "2024-05-01", "0.jpg and 1 more", "north.example/ad/1"):
        assert word in lines[1]
    assert "gallery missing" in lines[2]
    assert "3 sightings of 1 named profile" in ran.err
    assert "no photo" in find(index, "+32612345678").out
    hostile = find(index, "fake").out
    assert "\u202e" not in hostile
    assert r"\u202e" in hostile


def test_no_more_is_shown_than_asked_for(index: Path) -> None:
    answer = found(index, "+31612345678", "--top", "1")
    assert (answer["sightings"], len(answer["found"])) == (3, 1)
    assert "first 1" in find(index, "+31612345678", "--top", "1").err


@pytest.mark.parametrize(
    "words",
    [
        [""],
        [" \u200b \0".replace("\0", "")[:1]],
        ["x" * 100_001],
        ["--text", "x" * 1001],
        ["06", "--region", "XX"],
        ["a", "--top", "0"],
    ],
)
def test_what_can_not_be_looked_for_is_refused(index: Path, words: list[str]) -> None:
    assert find(index, *words).code == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see this: call 06 1234 5678 !\n\n", ANNA),
        ("+316\0 12345678\udcff", ANNA),
        ("1" * 99_000, []),
    ],
)
def test_a_whole_ad_is_read_from_stdin(
    index: Path, monkeypatch: pytest.MonkeyPatch, text: str, shown: list[tuple[str, str]]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert who(found(index, "-", *NETHERLANDS)) == shown


def test_identifiers_are_in_the_status(imagematch: CommandLine, index: Path) -> None:
    told = imagematch("status", "--json", "--index", index).json()
    assert told["identifiers"]["phone"] == 2
    assert told["unread_sightings"] == 0
    assert "Identifiers" in imagematch("status", "--index", index).out


def test_marked_columns_are_remembered_until_they_are_left(
    imagematch: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "ads").mkdir()
    (tmp_path / "m.csv").write_text("profile,tg,a=b\nanna,lola_zz,zora_1\n", encoding="utf-8")
    run = ("index", tmp_path / "ads", "--index", tmp_path / "index", "--preset", "hashes")
    first = imagematch(*run, "--manifest", tmp_path / "m.csv", "--identifier", "a=b=handle")
    assert first.code == 0, first.err

    def shown() -> list[str]:
        return [
            text
            for text in ("@lola_zz", "@zora_1")
            if not found(tmp_path / "index", text)["as_text"]
        ]

    assert shown() == ["@zora_1"]
    imagematch(*run)
    assert shown() == ["@zora_1"]
    imagematch(*run, "--identifier", "tg=handle")
    assert shown() == ["@lola_zz"]
    assert "no_such_column, nix" in imagematch(*run, "--identifier", "nix=handle").err
    assert shown() == []
    imagematch(*run, "--no-identifiers")
    assert "no_such_column" not in imagematch(*run).err
    for wrong in ("tg", "tg=name", "path=other", "=other"):
        assert imagematch(*run, "--identifier", wrong).code == 2
