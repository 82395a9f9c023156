"""The write lock: one writer, a message that names the holder, and no ghost of a killed one."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imagematch.errors import IndexLocked, IndexMissing, IndexUnavailable
from imagematch.stores.lock import holder, write_lock

HOLD = """
import sys
from pathlib import Path
from imagematch.stores.lock import write_lock
with write_lock(Path(sys.argv[1]), "imagematch index photos"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_holder(directory: Path) -> Iterator["subprocess.Popen[str]"]:
    """A second process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_second_writer_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    with (
        another_holder(tmp_path) as other,
        pytest.raises(IndexLocked) as caught,
        write_lock(tmp_path, "imagematch reindex"),
    ):
        pytest.fail("two writers")
    assert re.fullmatch(
        rf"{re.escape(str(tmp_path))} is being written to by process {other.pid} on host \S+ "
        r"\(imagematch index photos\) since \d{4}-\d\d-\d\d \d\d:\d\d UTC; wait for it or stop it.",
        str(caught.value),
    )
    assert caught.value.exit_code == 3


def test_holder_is_named_while_there_is_one(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    with another_holder(tmp_path) as other:
        assert (holder(tmp_path) or "").startswith(f"process {other.pid} on host ")
    assert holder(tmp_path) is None


def test_killed_holder_neither_blocks_nor_misleads(tmp_path: Path) -> None:
    with another_holder(tmp_path) as other:
        other.kill()
    assert (tmp_path / ".lock.json").exists()
    assert holder(tmp_path) is None
    with write_lock(tmp_path, "imagematch reindex"):
        assert f"process {os.getpid()} " in (holder(tmp_path) or "")


def test_note_of_a_killed_holder_is_replaced_by_the_next(tmp_path: Path) -> None:
    with another_holder(tmp_path) as other:
        other.kill()
    with write_lock(tmp_path, "imagematch reindex"):
        note = json.loads((tmp_path / ".lock.json").read_text())
        assert (note["pid"], note["purpose"]) == (os.getpid(), "imagematch reindex")
        assert note["since"].endswith("+00:00")
    assert not (tmp_path / ".lock.json").exists()


def test_same_process_can_not_write_twice(tmp_path: Path) -> None:
    with (
        write_lock(tmp_path, "imagematch index"),
        pytest.raises(IndexLocked, match=f"process {os.getpid()} "),
        write_lock(tmp_path, "imagematch index"),
    ):
        pytest.fail("two writers")


def test_refused_writer_leaves_the_holder_in_place(tmp_path: Path) -> None:
    with another_holder(tmp_path) as other:
        for _ in range(2):
            with (
                pytest.raises(IndexLocked, match=f"process {other.pid} "),
                write_lock(tmp_path, "imagematch reindex"),
            ):
                pytest.fail("two writers")


def test_lock_is_free_after_an_error_in_the_block(tmp_path: Path) -> None:
    with pytest.raises(LookupError), write_lock(tmp_path, "imagematch index"):
        raise LookupError
    assert holder(tmp_path) is None
    with write_lock(tmp_path, "imagematch index"):
        pass


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"pid": 1',
        b'{"pid": 1}',
        b'{"pid": 1, "host": "h", "purpose": "p", "since": 5}',
    ],
)
def test_unreadable_note_still_gives_a_message(tmp_path: Path, note: bytes) -> None:
    with another_holder(tmp_path):
        (tmp_path / ".lock.json").write_bytes(note)
        with (
            pytest.raises(IndexLocked, match="by another process; wait"),
            write_lock(tmp_path, "imagematch index"),
        ):
            pytest.fail("two writers")


def test_purpose_may_be_any_text(tmp_path: Path) -> None:
    purpose = "imagematch index фото \udcff"
    with write_lock(tmp_path, purpose):
        assert f"({purpose})" in (holder(tmp_path) or "")


def test_missing_folder_is_not_made(tmp_path: Path) -> None:
    with (
        pytest.raises(IndexMissing, match="there is no index to lock"),
        write_lock(tmp_path / "absent", "imagematch index"),
    ):
        pytest.fail("locked what is not there")
    assert holder(tmp_path / "absent") is None
    assert not (tmp_path / "absent").exists()


def test_lock_that_can_not_be_opened_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with (
        pytest.raises(IndexUnavailable, match=r"can't be locked for writing: .*you may write"),
        write_lock(tmp_path, "imagematch index"),
    ):
        pytest.fail("locked a folder")
