"""What goes to stdout is the same JSON in every encoding, and people get no traceback in any."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from imagematch.cli import main
from tests.conftest import run_command
from tests.world import ad_sites, mirrored, photo, save

NARROW = ["cp1252", "latin-1", "ascii", "utf-16", "cp037", "utf-8-sig"]

#: A kiss, an accent, a script of its own, and a letter that several code pages lack.
NAME = "\U0001f48b é 情 Ł.jpg"

#: Everything that prints JSON for programs.
JSON = {
    "query": ["query", "{query}", "--json"],
    "query lines": ["query", "{query}", "--jsonl"],
    "link": ["link", "--json"],
    "status": ["status", "--json", "--failures"],
    "doctor": ["doctor", "--json"],
    "index": ["index", "{ads}", "--json"],
    "galleries": ["gallery", "list", "--json"],
    "decisions": ["decisions", "list", "--json"],
    "hot": ["hot", "list", "--json"],
    "ignored": ["ignore", "list", "--json"],
}
PEOPLE = [
    ["query", "{query}"],
    ["link"],
    ["status"],
    ["status", "--failures"],
    ["doctor"],
    ["index", "{ads}"],
    ["gallery", "list"],
    ["decisions", "list"],
    ["hot", "list"],
    ["ignore", "list"],
]


class Case:
    """Two profiles with names in several scripts that share a photo, in an index of that name."""

    def __init__(self, base: Path) -> None:
        self.ads = ad_sites(base / "ads", range(2))
        for site in ("\U0001f48b", "é情"):
            save(photo(7), self.ads / site / "Łucja \U0001f469" / NAME)
        (self.ads / "é情" / "Łucja \U0001f469" / "kapútt.jpg").write_bytes(b"no picture")
        self.index = base / "é \U0001f48b"
        self.query = save(mirrored(photo(7)), base / NAME)
        words = ("index", self.ads, "--index", self.index, "--site-from-path")
        assert run_command(*words, "--preset", "hashes").code == 1
        self.refs = base / "refs"
        save(photo(9), self.refs / NAME)
        assert run_command("gallery", "add", "é\U0001f48b", self.refs, *self.at()).code == 0

    def at(self) -> tuple[str, str]:
        return "--index", str(self.index)

    def bytes_of(self, words: list[str], encoding: str) -> bytes:
        """What a command writes to a stdout of some encoding."""
        filled = [word.format(query=self.query, ads=self.ads) for word in words]
        out = io.TextIOWrapper(io.BytesIO(), encoding, write_through=True)
        with redirect_stdout(out), pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["imagematch", *filled, *self.at()])
            with pytest.raises(SystemExit) as end:
                main()
        assert end.value.code in (None, 0, 1)
        return out.buffer.getvalue()


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("encodings"))


def texts(data: Any) -> Iterator[str]:
    """All texts in some JSON, but for times and sizes, which no two runs share."""
    if isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from texts(value)
    elif isinstance(data, str):
        yield data


@pytest.mark.parametrize("encoding", NARROW)
@pytest.mark.parametrize("name", JSON)
def test_json_is_utf_8_on_every_stdout(case: Case, name: str, encoding: str) -> None:
    written = case.bytes_of(JSON[name], encoding)

    assert written.isascii()
    json.loads(written.decode("utf-8"))
    if name in ("query", "query lines", "link"):
        data = json.loads(written)
        plain = json.loads(case.bytes_of(JSON[name], "utf-8"))
        assert data == plain
        assert any("\U0001f48b" in text and "é" in text for text in texts(data))


def test_json_keeps_letters_of_every_script_where_stdout_is_utf_8(case: Case) -> None:
    for encoding in ("utf-8", "UTF8", "U8"):
        assert NAME in case.bytes_of(JSON["query"], encoding).decode()


@pytest.mark.parametrize("encoding", NARROW)
@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
def test_people_are_answered_on_every_stdout(case: Case, words: list[str], encoding: str) -> None:
    # Click writes UTF-8 where stdout says ASCII, which it takes for a mistake.
    case.bytes_of(words, encoding).decode("utf-8" if encoding == "ascii" else encoding)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no names that are not Unicode")
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_names_that_are_no_text_are_spelled_out(case: Case, tmp_path: Path, encoding: str) -> None:
    query = tmp_path / os.fsdecode(b"caf\xe9.jpg")
    try:
        save(photo(7), query)
    except OSError:
        pytest.skip("this file system takes no such names")

    [answer] = json.loads(case.bytes_of(["query", str(query), "--json"], encoding))

    assert answer["query"].endswith("caf\\xe9.jpg")


@pytest.mark.parametrize("suffix", ["csv", "gexf", "html"])
def test_reports_are_utf_8_in_every_locale(
    case: Case, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUTF8", "0")
    path = tmp_path / f"report.{suffix}"

    case.bytes_of(["link", f"--{suffix}", str(path)], "cp1252")

    assert "\U0001f48b" in path.read_text("utf-8")
