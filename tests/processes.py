"""Finding the processes that a command left behind, by a mark in their environment."""

import os
import time
import uuid
from collections.abc import Iterator

import psutil

_MARK = "IMAGEMATCH_TEST_MARK"


def new_mark() -> str:
    """A mark that no other process has."""
    return uuid.uuid4().hex


def marked_environment(mark: str) -> dict[str, str]:
    """This process's environment with a mark; workers inherit it."""
    return {**os.environ, _MARK: mark}


def expect_nobody_left(mark: str, seconds: float = 20) -> None:
    """Wait a little until no process with a mark is alive."""
    deadline = time.monotonic() + seconds
    while left := list(_marked(mark)):
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.02)


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK) == mark:
                yield process
        except (psutil.Error, OSError):
            continue  # somebody else's, or gone or a zombie meanwhile
