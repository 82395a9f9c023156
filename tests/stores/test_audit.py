"""The audit log: every record can be read back, whatever its text and whoever was killed."""

import json
import multiprocessing
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagematch import __version__
from imagematch.stores.audit import AuditLog

#: Any text, lone surrogates too: how file names hold bytes that are not UTF-8.
TEXT = st.text(st.characters(exclude_categories=[]))


def events(log: AuditLog) -> list[str]:
    return [entry.event for entry in log.read().entries]


def test_record_says_who_what_when_and_with_which_version(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.record("index", folder=Path("/photos"), seen=3, failed=["a.jpg"])
    [entry] = log.read().entries
    assert entry.event == "index"
    assert entry.details == {"folder": str(Path("/photos")), "seen": 3, "failed": ["a.jpg"]}
    assert entry.version == __version__
    assert entry.user
    when = datetime.fromisoformat(entry.time)
    assert when.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - when) < timedelta(hours=1)


def test_absent_log_is_empty(tmp_path: Path) -> None:
    trail = AuditLog(tmp_path / "audit.jsonl").read()
    assert trail.entries == ()
    assert trail.torn == 0


def test_records_keep_their_order_and_all_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    AuditLog(path).record("one")
    before = path.read_bytes()
    AuditLog(path).record("two")
    assert path.read_bytes().startswith(before)
    assert events(AuditLog(path)) == ["one", "two"]


def test_details_may_have_the_names_of_the_other_fields(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    log.record("index", user="anna", time="noon")
    [entry] = log.read().entries
    assert entry.details == {"user": "anna", "time": "noon"}
    assert entry.time != "noon"


@given(event=TEXT, text=TEXT, key=TEXT)
def test_any_text_makes_one_valid_line_and_comes_back(event: str, text: str, key: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        log = AuditLog(path)
        log.record(event, text=text, more={key: [text]})
        line = path.read_text(encoding="utf-8")  # strictly
        [entry] = log.read().entries
    assert line.endswith("\n")
    assert line.splitlines() == [line[:-1]]  # of all that Unicode takes for the end of a line
    assert not any(0x7F <= ord(letter) <= 0x9F for letter in line)
    assert entry.event == _joined(event)
    assert entry.details == {"text": _joined(text), "more": {_joined(key): [_joined(text)]}}


def _joined(text: str) -> str:
    """Two halves of a surrogate pair become one character in JSON."""
    return str(json.loads(json.dumps(text)))


def test_text_that_reverses_what_a_person_reads_is_spelled_out(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    AuditLog(path).record("index", file="photo\u202egpj.exe", name="Анна")
    assert rb"photo\u202egpj.exe" in path.read_bytes()
    assert "Анна".encode() in path.read_bytes()


def test_number_that_json_lacks_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    with pytest.raises(ValueError, match="JSON compliant"):
        AuditLog(path).record("index", seconds=float("nan"))
    assert not path.exists()


@given(cut=st.integers(min_value=1))
def test_torn_last_line_costs_only_itself(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        log = AuditLog(path)
        log.record("one")
        start = path.stat().st_size
        log.record("two", name="Анна 📷")
        whole = path.stat().st_size
        size = start + cut % (whole - start)
        os.truncate(path, size)
        log.record("three")
        trail = log.read()
    survived = size == whole - 1  # only the end of the line was lost
    lost = start < size < whole - 1
    assert [e.event for e in trail.entries] == ["one", *["two"] * survived, "three"]
    assert trail.torn == int(lost)


@pytest.mark.parametrize(
    "line",
    [
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"\x00" * 40,
        b'{"time": "x", "event": "y"}',
        b'{"time": 1, "event": 2, "user": 3, "version": 4}',
        b'{"time": "1", "event": "2", "user": "3", "version": "4", "details": 5}',
    ],
)
def test_line_that_is_no_entry_is_counted_and_skipped(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path)
    log.record("one")
    with path.open("ab") as file:
        file.write(line + b"\n")
    log.record("two")
    assert events(log) == ["one", "two"]
    assert log.read().torn == 1


def test_processes_may_append_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(path, str(n))) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    trail = AuditLog(path).read()
    assert trail.torn == 0
    assert sorted(entry.event for entry in trail.entries) == ["0"] * 50 + ["1"] * 50


def write_many(path: Path, event: str) -> None:
    log = AuditLog(path)
    for number in range(50):
        log.record(event, number=number, padding="x" * 3000)
