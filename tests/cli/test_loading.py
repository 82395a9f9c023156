"""A run with nothing to do loads nothing that looks at pictures: that would take longer."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imagematch.cli.commands import cli
from tests.conftest import World

_HEAVY = {"cv2", "onnxruntime", "jinja2", "phonenumbers", "imagehash", "PIL", "cronsim"}


def _loaded(words: list[str]) -> set[str]:
    """The modules that a command has loaded when it ends."""
    asked = (
        "import sys\n"
        "from imagematch.cli import main\n"
        "try: main()\n"
        "finally: print(*sys.modules, file=sys.stderr)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", asked, *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return set(ran.stderr.split())


@pytest.mark.parametrize("command", ["index", "status"])
def test_unchanged_run_imports_nothing_heavy(world: World, command: str, tmp_path: Path) -> None:
    index = shutil.copytree(world.index, tmp_path / "index")
    words = [command, *([str(world.ads)] if command == "index" else []), "--json"]
    assert not _HEAVY & _loaded([*words, "--index", str(index)])


def test_a_run_that_writes_no_json_loads_no_types_of_it(world: World, tmp_path: Path) -> None:
    index = shutil.copytree(world.index, tmp_path / "index")
    assert "msgspec" not in _loaded(["index", str(world.ads), "--index", str(index)])


def test_commands_are_known_before_they_are_loaded() -> None:
    names = list(cli.commands)
    assert {"index", "query", "link", "reindex"} <= set(names)
    assert [command.name for command in cli.commands.values()] == names
    assert "nothing" not in cli.commands
