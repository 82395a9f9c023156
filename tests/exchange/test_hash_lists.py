"""Lists of hashes that other programs wrote: every line is looked up or named."""

import json
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch.errors import UsageError
from imagematch.exchange import hash_lists
from imagematch.records import ListedHashes, UnusableLine

SHA, PDQ, PHASH = "0a" * 32, "f8" * 32, "c3d2" * 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


def read(file: Path, text: str, encoding: str = "utf-8") -> list[ListedHashes | UnusableLine]:
    file.write_bytes(text.encode(encoding))
    return list(hash_lists.read(file))


def test_one_hash_a_line_is_told_by_its_length(file: Path) -> None:
    text = f"# from another case\n{PHASH}\n\n{PDQ.upper()}\r\n"
    assert read(file, text) == [
        ListedHashes(phash=PHASH, line=2),
        # Nobody can tell which of the two it is.
        ListedHashes(sha256=PDQ, pdq=PDQ, line=4),
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such files")
def test_the_output_of_a_program_is_read_whole(tmp_path: Path) -> None:
    """As `--hash-list <(program)` gives it; it can be read only once."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    lines = [f"{number:016x}" for number in range(10_000)]
    writing = threading.Thread(target=pipe.write_text, args=("\n".join(lines),), daemon=True)
    writing.start()
    # Held open, so that the second of two openings, were there one, would not wait for ever.
    keep = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        entries = list(hash_lists.read(pipe))
    finally:
        os.close(keep)
    assert [entry.phash for entry in entries if isinstance(entry, ListedHashes)] == lines


def test_columns_say_what_is_what_in_any_order_and_case(file: Path) -> None:
    text = f"Path;MD5;PHASH;sha256\na.jpg;{'0' * 32};{PHASH};{SHA}\nb.jpg;;;{SHA}\n"
    assert read(file, text) == [
        ListedHashes(sha256=SHA, phash=PHASH, label="a.jpg", line=2),
        ListedHashes(sha256=SHA, label="b.jpg", line=3),
    ]


def test_lines_of_threatexchange_are_read_with_their_file_names(file: Path) -> None:
    text = f'{PDQ},100,../data/a.jpg\n{PDQ},77,"b, mirrored.jpg"\n'
    assert [entry.label for entry in read(file, text) if isinstance(entry, ListedHashes)] == [
        "../data/a.jpg",
        "b, mirrored.jpg",
    ]


def test_json_lines_have_the_same_names(file: Path) -> None:
    lines = [{"pdq": PDQ, "label": "x"}, {"hash": PHASH, "pdq": None, "id": 7}]
    assert read(file, "\n".join(map(json.dumps, lines))) == [
        ListedHashes(pdq=PDQ, label="x", line=1),
        ListedHashes(phash=PHASH, label="7", line=2),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_excel_saves_is_read(file: Path, encoding: str) -> None:
    assert read(file, f"pdq,label\r\n{PDQ},ä\r\n", encoding) == [
        ListedHashes(pdq=PDQ, label="ä", line=2)
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("f8f8", "no SHA-256 of 64 hex digits"),
        ("x" * 16, "no pHash of 16 hex digits"),
        ("0" * 32, "looks like an MD5, which an index does not keep"),
        ("0" * 40, "looks like a SHA-1"),
        (",100,a.jpg", "no hash"),
        ('{"md5": "' + "0" * 32 + '"}', "keeps no MD5"),
        ('{"pdq": 5}', "no PDQ hash"),
        ('{"pdq": ', "Expecting value"),
        ("[1]", "a JSON array"),
        ("0" * 100_000, "..."),
    ],
)
def test_a_line_that_is_off_is_named_and_costs_no_other(file: Path, line: str, reason: str) -> None:
    bad, good = read(file, f"{line}\n{PHASH}\n")
    assert isinstance(bad, UnusableLine)
    assert (bad.line, good) == (1, ListedHashes(phash=PHASH, line=2))
    assert reason in bad.reason
    assert len(bad.reason) < 300


def test_one_bad_hash_of_a_row_is_told_and_not_passed_over(file: Path) -> None:
    [bad] = read(file, f"sha256,pdq\n{SHA},zz\n")
    assert bad == UnusableLine(2, "'zz' is no PDQ hash of 64 hex digits")


def test_what_is_no_list_is_refused(file: Path, tmp_path: Path) -> None:
    for data in (b"\xff\xd8\xff\xe0\0\x10JFIF", b"a" * (2**20 + 2)):
        file.write_bytes(data)
        with pytest.raises(UsageError):
            list(hash_lists.read(file))
    for path in (tmp_path, tmp_path / "gone.txt"):
        with pytest.raises(UsageError, match="can't be read"):
            list(hash_lists.read(path))


def test_a_typed_hash_is_checked() -> None:
    assert hash_lists.one("pdq", f" {PDQ.upper()}") == ListedHashes(pdq=PDQ)
    with pytest.raises(UsageError, match="16 hex digits"):
        hash_lists.one("phash", PDQ)


@given(st.lists(st.text(max_size=90)), st.booleans())
def test_any_text_is_read_and_every_line_counts(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], header: bool
) -> None:
    file = tmp_path_factory.mktemp("any") / "list.csv"
    text = "\n".join(["hash,label", *lines] if header else lines)
    file.write_text(text, encoding="utf-8", errors="replace", newline="")
    if b"\0" in file.read_bytes()[:4096]:
        return
    found = list(hash_lists.read(file))
    numbers = [entry.line for entry in found]
    assert numbers == sorted(set(numbers))
    with file.open(encoding="utf-8-sig", newline="") as again:
        wanted = [
            number
            for number, line in enumerate(again, start=1)
            if line.strip() and not line.strip().startswith("#")
        ]
    assert set(wanted) - set(numbers) <= {wanted[0] if wanted else 0}  # a header
