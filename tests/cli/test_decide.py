"""`imagematch decide`, `decisions`, `ignore` and `hot`: ids, hostile notes, locks, exit codes."""

import csv
import hashlib
import io
import itertools
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imagematch.stores.audit import AuditLog
from imagematch.stores.index import Index
from imagematch.stores.lock import write_lock
from tests.conftest import CommandLine, Ran, World
from tests.reports.builders import HOSTILE
from tests.world import photo, save

NOTHING: dict[str, Any] = {"decisions": [], "operators": []}
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"

#: One call of each command that changes what was decided, with `{match}` and `{photo}` to fill in.
WRITING = [
    ("decide", "{match}", "reject"),
    ("ignore", "add", "{photo}"),
    ("ignore", "remove", "{photo}"),
    ("hot", "release", "{photo}"),
    ("hot", "keep", "{photo}"),
    ("hot", "reopen", "{photo}"),
    ("decisions", "import", "decisions.json"),
]
READING = [("decisions", "list"), ("ignore", "list"), ("hot", "list")]


class Case:
    """A copy of the small world's index, to decide in."""

    def __init__(self, directory: Path, run: CommandLine) -> None:
        self.directory = directory
        self._run = run

    def __call__(self, *words: str | Path) -> Ran:
        return self._run(*words, "--index", self.directory)

    def pairs(self) -> list[dict[str, Any]]:
        """The pairs of all links."""
        return [pair for link in self("link", "--json").json()["links"] for pair in link["pairs"]]

    def copy(self) -> dict[str, Any]:
        """The pair of photo 0 and its mirror image."""
        [pair] = [pair for pair in self.pairs() if pair["kind"] == "copy"]
        return pair

    def words(self, words: tuple[str, ...]) -> list[str]:
        pair = self.copy()
        return [word.format(match=pair["match"], photo=pair["left"]["photo"]) for word in words]


@pytest.fixture
def case(world: World, tmp_path: Path, imagematch: CommandLine) -> Case:
    shutil.copytree(world.index, tmp_path / "index")
    return Case(tmp_path / "index", imagematch)


def check(data: object, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(data)


def expect(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err


# --- ids ---------------------------------------------------------------------------------------


def whole(pair: dict[str, Any]) -> str:
    return "-".join(sorted((pair["left"]["photo"], pair["right"]["photo"])))


@pytest.mark.parametrize(
    "spelled",
    [
        lambda pair: pair["match"],
        whole,
        lambda pair: "-".join(reversed(pair["match"].split("-"))),
        lambda pair: "-".join(part[:6] for part in pair["match"].split("-")),
        lambda pair: f"  {pair['match'].upper()} ",
    ],
)
def test_an_id_may_be_whole_or_short_either_way_round_and_in_capitals(
    case: Case, spelled: Callable[[dict[str, Any]], str]
) -> None:
    pair = case.copy()
    expect(case("decide", spelled(pair), "reject"), 0, pair["match"])
    assert pair["match"] not in {left["match"] for left in case.pairs()}


@pytest.mark.parametrize(
    ("match", "message"),
    [
        ("nonsense", "is not the id of a match"),
        ("", "is not the id of a match"),
        ("abc-def", "is not the id of a match"),
        ("0000000000-1111111111", "no photo of"),
        (f"{'0' * 64}-{'1' * 64}", "no photo of"),
        ("'; DROP TABLE decisions;--", "is not the id of a match"),
        ("\u202e3fa1-9c0d", "is not the id of a match"),
    ],
)
def test_what_is_no_match_is_refused_with_the_next_step(
    case: Case, match: str, message: str
) -> None:
    expect(case("decide", match, "confirm"), 2, message, "imagematch link")
    assert case("decisions", "list", "--json").json() == NOTHING


def test_an_ambiguous_id_names_what_it_may_be(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagematch.stages import resolving

    with Index.read(case.directory) as index:
        hashes = sorted(found.sha256 for found in index.decisions.beginning_with("", 100).values())
    [first, second] = next(pair for pair in itertools.pairwise(hashes) if pair[0][0] == pair[1][0])
    other = next(sha256 for sha256 in hashes if sha256[0] != first[0])
    # Four digits tell so few photos apart always; one does not.
    monkeypatch.setattr(resolving, "_PHOTO", re.compile("[0-9a-f]{1,64}"))
    monkeypatch.setattr(resolving, "_MATCH", re.compile("([0-9a-f]+)-([0-9a-f]+)"))
    ran = case("decide", f"{first[0]}-{other}", "reject")
    expect(ran, 2, "none of several matches", first[:16], second[:16], "more digits")
    ran = case("hot", "keep", first[0])
    expect(ran, 2, "may be any of", first[:16], second[:16])
    # A short id is enough where only one of the pairs is a match.
    pair = case.copy()
    one, two = whole(pair).split("-")
    expect(case("decide", f"{one[0]}-{two}", "reject"), 0, pair["match"])


def test_a_photo_that_was_only_looked_up_is_named_by_its_whole_hash(
    case: Case, tmp_path: Path
) -> None:
    query = save(photo(3), tmp_path / "query.jpg", quality=50)
    [match] = case("query", query, "--jsonl").json()["matches"]
    expect(case("decide", match["match"], "reject"), 2, "whole SHA-256")
    sha256 = hashlib.sha256(query.read_bytes()).hexdigest()
    expect(case("decide", f"{sha256}-{match['photo'][:12]}", "reject"), 0, match["match"])
    assert case("query", query, "--jsonl").json()["matches"] == []
    [shown] = case("query", query, "--jsonl", "--min-confidence", "0", "--top", "1").lines()
    assert shown["matches"][0]["decision"]["verdict"] == "reject"
    check(shown, "query")


# --- what is shown -----------------------------------------------------------------------------


def test_lists_follow_their_schemas_and_are_shown_to_people(case: Case) -> None:
    pair = case.copy()
    sha256 = pair["right"]["photo"]
    expect(case("decide", pair["match"], "confirm", "--note", "same scar"), 0, pair["match"])
    expect(case("hot", "keep", sha256, "--note", "stock picture"), 0, sha256[:12])
    expect(case("ignore", "add", sha256, "--note", "a logo"), 0, "Ignored", "1 near-copy with it")
    for name in ("decisions", "ignore", "hot"):
        check(case(name, "list", "--json").json(), name)
    check(case("link", "--json").json(), "link")
    assert case("status", "--json").json()["decisions"] == {
        "match": 1,
        "ignore": 1,
        "hot": 1,
        "operator": 0,
    }
    assert "a logo" in case("ignore", "list").out
    assert "same scar" in case("decisions", "list").out
    expect(case("ignore", "remove", sha256), 0, sha256[:12])
    assert "stock picture" in case("hot", "list").out
    assert "(kept, 2 profiles, kept out by " in case("link").out


def test_every_decision_is_in_the_audit_log(case: Case) -> None:
    pair = case.copy()
    case("decide", pair["match"], "reject", "--note", "other room")
    case("ignore", "add", pair["left"]["photo"])
    logged = [
        entry.details
        for entry in AuditLog(case.directory / "audit.jsonl").read().entries
        if entry.event == "decision"
    ]
    assert [entry["verdict"] for entry in logged] == ["reject", "ignore"]
    assert logged[0]["photos"] == [whole(pair).split("-")]
    assert logged[0]["note"] == "other room"


FORMULAS = ("=1+1", "+49123", "-x", "@SUM(A1)", "\t=1", "＝1")


@pytest.mark.parametrize("note", [*HOSTILE, *FORMULAS])
def test_hostile_notes_are_only_text(case: Case, tmp_path: Path, note: str) -> None:
    if "\0" in note:
        note = note.replace("\0", "")  # no command line can hold it
    pair = case.copy()
    expect(case("decide", pair["match"], "confirm", "--note", note), 0)
    page, table, mine = (tmp_path / f"out.{kind}" for kind in ("html", "csv", "decisions.csv"))
    case("link", "--html", page, "--csv", table)
    case("decisions", "list", "--csv", mine)
    html = page.read_text("utf-8")
    assert "<script" not in html
    assert "<img" not in html
    for path in (table, mine):
        text = path.read_text("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert len(rows) == len(text.splitlines())
        assert not any(
            cell.lstrip().startswith(("=", "+", "-", "@", "\t", "＝"))
            for row in rows
            for cell in row
        )
    for words in (("decisions", "list"), ("link",)):
        ran = case(*words)
        assert ran.code == 0
        assert not set(ran.out) & set("\x00\x1b\u202e")


def test_a_history_survives_export_and_import_to_the_letter(case: Case, tmp_path: Path) -> None:
    pair = case.copy()
    for note in HOSTILE:
        case("decide", pair["match"], "confirm", "--note", note.replace("\0", ""))
    exported = case("decisions", "list", "--json").out
    (tmp_path / "decisions.json").write_text(exported, encoding="utf-8")
    expect(case("decisions", "import", tmp_path / "decisions.json"), 0, "9 decisions", "0 of them")
    assert case("decisions", "list", "--json").out == exported


def entry(**changes: object) -> dict[str, object]:
    return {
        "about": "match",
        "photos": [
            {"sha256": "a" * 64, "pixel_sha256": ""},
            {"sha256": "b" * 64, "pixel_sha256": "c" * 64},
        ],
        "kind": "copy",
        "verdict": "reject",
        "who": "anna",
        "at": "2026-05-09T05:12:31.000+00:00",
        "note": "",
        **changes,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "can't be read as JSON"),
        ("[" * 100_000, "can't be read as JSON"),
        ("[]", "holds no decisions"),
        ('{"decisions": 3}', "holds no decisions"),
        (entry(verdict="keep"), "is no decision about 'match'"),
        (entry(about="people"), "not one of match, ignore, hot"),
        (entry(photos=[{"sha256": "A" * 64, "pixel_sha256": ""}]), "64 hex digits"),
        (entry(photos=[{"sha256": "a" * 64, "pixel_sha256": ""}]), "another number of photos"),
        (entry(at="2026-05-09T05:12:31"), "no time zone"),
        (entry(at="9999-05-09T05:12:31+00:00"), "in the future"),
        (entry(at="yesterday"), "yesterday"),
        (entry(note=3), "is not text"),
        (entry(kind="photo"), "no kind of match"),
        ({"about": "match"}, "is missing"),
        (["match"], "can't be used"),
    ],
)
def test_an_import_is_taken_whole_or_not_at_all(
    case: Case, tmp_path: Path, content: object, message: str
) -> None:
    if not isinstance(content, str):
        content = json.dumps({"decisions": [entry(), content]})
    file = tmp_path / "decisions.json"
    file.write_text(content)
    expect(case("decisions", "import", file), 2, message)
    assert case("decisions", "list", "--json").json() == NOTHING


# --- locks, absence, damage --------------------------------------------------------------------


@pytest.mark.parametrize("words", [*WRITING, *READING], ids=" ".join)
def test_a_missing_index_says_how_to_make_one(
    imagematch: CommandLine, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "decisions.json").write_text(json.dumps({"decisions": [entry()]}))
    filled = [word.format(match="3fa1-9c0d", photo="3fa1b2c4") for word in words]
    if words[-1].endswith(".json"):
        filled[-1] = str(tmp_path / words[-1])
    ran = imagematch(*filled, "--index", tmp_path / "nowhere")
    expect(ran, 3, "there is no index in", "imagematch index FOLDER")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("words", [*WRITING, *READING], ids=" ".join)
def test_a_damaged_index_is_named(case: Case, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "decisions.json").write_text(json.dumps({"decisions": [entry()]}))
    filled = case.words(words)
    if words[-1].endswith(".json"):
        filled[-1] = str(tmp_path / words[-1])
    (case.directory / "catalogue.sqlite").write_bytes(b"\0" * 5000)
    expect(case(*filled), 3, "catalogue.sqlite", "doctor")


def test_what_people_decide_and_look_at_waits_for_no_run(case: Case, tmp_path: Path) -> None:
    (tmp_path / "decisions.json").write_text(json.dumps({"decisions": [entry()]}))
    calls = [case.words(words) for words in WRITING]
    calls[-1][-1] = str(tmp_path / "decisions.json")
    with write_lock(case.directory, "imagematch index somewhere"):
        for words in calls:
            assert case(*words).code == 0
        for reading in READING:
            assert case(*reading).code == 0
    made = case("decisions", "list", "--json").json()["decisions"]
    assert len(made) == len(WRITING)


def test_what_is_to_be_indexed_in_order_to_be_ignored_waits(case: Case, tmp_path: Path) -> None:
    new = save(photo(900), tmp_path / "new.jpg")
    with write_lock(case.directory, "imagematch index somewhere"):
        expect(case("ignore", "add", new), 3, "imagematch index somewhere")
    assert case("decisions", "list", "--json").json() == NOTHING


def test_of_processes_that_decide_at_once_each_is_recorded(case: Case) -> None:
    pair = case.copy()
    command = [sys.executable, "-m", "imagematch.cli", "decide", pair["match"]]
    at = ["--index", str(case.directory)]
    started = [
        subprocess.Popen([*command, verdict, *at], stderr=subprocess.PIPE, text=True)
        for verdict in ("confirm", "reject", "reopen")
    ]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
    assert [code for _, code in ended] == [0, 0, 0]
    recorded = case("decisions", "list", "--json").json()["decisions"]
    assert {made["verdict"] for made in recorded} == {"confirm", "reject", "reopen"}
    assert sum(made["in_force"] for made in recorded) <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("ignore", "add", "no/such/folder"), "neither a file nor a SHA-256"),
        (("ignore", "add", "00000000"), "no photo of"),
        (("hot", "keep", "00000000"), "no photo of"),
        (("hot", "release", "x"), "neither a file nor a SHA-256"),
        (("ignore", "add"), "Missing argument"),
        (("decide", "3fa1-9c0d", "maybe"), "is not one of"),
    ],
)
def test_what_is_no_photo_is_refused(case: Case, words: tuple[str, ...], message: str) -> None:
    expect(case(*words), 2, message)
    assert case("decisions", "list", "--json").json() == NOTHING


def test_a_file_that_is_not_in_the_index_is_named(case: Case, tmp_path: Path) -> None:
    other = tmp_path / "other.jpg"
    other.write_bytes(b"something")
    expect(case("hot", "keep", other), 2, "other.jpg", "is not in")


def test_a_file_that_can_not_be_ignored_ends_with_one(case: Case, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff broken")
    good = case.copy()["left"]["photo"]
    ran = case("ignore", "add", broken, good)
    expect(ran, 1, "Ignored", "1 on the list", "failed:", "broken.jpg: corrupt: this JPEG")
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    expect(case("ignore", "add", empty), 1, "empty.jpg: empty: ")
    (tmp_path / "folder").mkdir()
    empty.rename(tmp_path / "folder" / "empty.jpg")
    expect(case("ignore", "add", tmp_path / "folder"), 1, "empty.jpg: empty: ")
