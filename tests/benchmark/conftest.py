"""The benchmark's command line in this process."""

from pathlib import Path

import pytest

from benchmark.__main__ import main
from tests.conftest import CommandLine, Ran, run_program


def run_benchmark(*words: str | Path) -> Ran:
    """Run `python -m benchmark WORDS`."""
    return run_program(main, "benchmark", *words)


@pytest.fixture
def benchmark() -> CommandLine:
    """The benchmark's command line as a function."""
    return run_benchmark
