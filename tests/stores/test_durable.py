"""Durable files: whole and old, or whole and new, whatever happens while they are written."""

import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from imagematch.stores import durable


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_written_file_has_the_new_content_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.write_atomic(path, b"old")

    durable.write_atomic(path, b"new")

    assert contents(tmp_path) == {"file": b"new"}


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "disk full"), KeyboardInterrupt()])
def test_failed_write_leaves_the_old_file_and_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, error: BaseException
) -> None:
    path = tmp_path / "file"
    durable.write_atomic(path, b"old")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)):
        durable.write_atomic(path, b"new")

    assert contents(tmp_path) == {"file": b"old"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_disk_that_fills_up_while_writing_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    durable.write_atomic(path, b"old")
    real = Path.open

    def open_full(self: Path, mode: str = "r", *args: Any) -> IO[Any]:
        if self.suffix != durable.PARTIAL_SUFFIX:
            return real(self, mode, *args)
        self.touch()
        return real(Path("/dev/full"), "wb")

    monkeypatch.setattr(Path, "open", open_full)
    with pytest.raises(OSError, match="space"):
        durable.write_array(path, np.zeros(10**6))

    assert contents(tmp_path) == {"file": b"old"}


def test_content_is_on_the_disk_before_the_name_points_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync, replace = os.fsync, os.replace

    def note_fsync(descriptor: int) -> None:
        kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        steps.append(f"fsync {kind}")
        fsync(descriptor)

    def note_replace(source: Path, target: Path) -> None:
        steps.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(os, "replace", note_replace)
    durable.write_atomic(tmp_path / "file", b"new")

    assert steps == ["fsync file", "replace", "fsync directory"]


def test_directory_that_can_not_be_opened_is_not_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)

    durable.fsync_directory(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_file_gets_the_permissions_of_the_umask(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        durable.write_atomic(tmp_path / "file", b"")
    finally:
        os.umask(mask)

    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "array",
    [
        np.arange(5, dtype=np.int64),
        np.arange(12, dtype=np.float32).reshape(4, 3)[:, ::-1],
        np.zeros((3, 32), dtype=np.uint8),
        np.zeros((0, 4), dtype=np.float32),
    ],
)
def test_array_comes_back_and_its_record_fits(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "array.npy"

    record = durable.write_array(path, array)

    np.testing.assert_array_equal(np.load(path, allow_pickle=False), array, strict=True)
    assert record == durable.FileRecord(
        path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()
    )
    assert record == durable.file_record(path)


def test_array_in_blocks_is_the_same_file_as_in_one(tmp_path: Path) -> None:
    array = np.arange(70, dtype=np.float32).reshape(10, 7)

    whole = durable.write_array(tmp_path / "whole.npy", array)
    blocks = durable.write_array_blocks(
        tmp_path / "blocks.npy", array.dtype, array.shape, iter([array[:4], array[4:4], array[4:]])
    )

    assert whole == blocks


@pytest.mark.parametrize(
    "block", [np.zeros((3, 2), np.float32), np.zeros((4, 3), np.float32), np.zeros((4, 2))]
)
def test_blocks_that_do_not_add_up_write_nothing(tmp_path: Path, block: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"array\.npy"):
        durable.write_array_blocks(
            tmp_path / "array.npy", np.dtype(np.float32), (4, 2), iter([block])
        )

    assert contents(tmp_path) == {}


def test_sweep_deletes_temporary_files_and_nothing_else(tmp_path: Path) -> None:
    for name in ("file", ".hidden", "file.partial", ".file.0123abcd.partial"):
        (tmp_path / name).touch()

    assert durable.sweep_partials(tmp_path) == 1
    assert set(contents(tmp_path)) == {"file", ".hidden", "file.partial"}
