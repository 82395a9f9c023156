"""`python -m benchmark`: what it says of itself, and how it ends."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CommandLine

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("words", "code"), [((), 2), (("--help",), 0)])
def test_without_a_command_it_says_what_there_is(
    benchmark: CommandLine, words: tuple[str, ...], code: int
) -> None:
    ran = benchmark(*words)
    assert ran.code == code
    shown = ran.out + ran.err
    assert re.findall(r"^  (\w+)  +Measure how", shown, re.M) == [
        *("identifiers", "links", "quality", "relink", "speed"),
    ]


def test_help_names_the_program_as_one_types_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmark", "speed", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("Usage: python -m benchmark speed [OPTIONS] FOLDER")
