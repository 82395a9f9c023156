"""Reports reach the disk whole, or the user learns why not."""

import os
import threading
from pathlib import Path

import pytest

from imagematch.errors import UsageError
from imagematch.reports import save


def test_a_report_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    save(target, "old")
    save(target, "new é\r\n")

    assert target.read_bytes() == "new é\r\n".encode()
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_to_a_report_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")

    save(tmp_path / "link.csv", "new")

    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()))
    reader.start()

    save(pipe, "through")
    reader.join(timeout=10)

    assert received == ["through"]
    assert pipe.is_fifo()


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing.report\.csv can't be written.*Name a file"):
        save(tmp_path / "missing" / "report.csv", "text")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be written"):
        save(tmp_path, "text")
