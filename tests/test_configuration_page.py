"""docs/configuration.md names every setting as it is, and its example can be used."""

import dataclasses
import subprocess
import sys
import tomllib
from importlib import util
from pathlib import Path
from types import ModuleType

import pytest

from imagematch.settings import DEFAULTS, Settings, from_tables

SCRIPT = Path(__file__).parents[1] / "scripts" / "make_configuration.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = util.spec_from_file_location("make_configuration", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def page(script: ModuleType) -> str:
    text: str = script.PAGE.read_text(encoding="utf-8")
    return text


def test_the_page_is_up_to_date(script: ModuleType) -> None:
    assert script.is_current(), "run python scripts/make_configuration.py"


def test_every_setting_is_in_the_table_of_its_group(page: str) -> None:
    for group in dataclasses.fields(Settings):
        section = page.split(f"\n## [{group.name}]\n")[1].split("\n## ")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
        settings = dataclasses.fields(getattr(DEFAULTS, group.name))
        assert [row[0] for row in rows] == [f"| `{entry.name}`" for entry in settings]
        assert all(len(row) == 4 for row in rows)


def test_the_defaults_in_the_tables_are_the_defaults(page: str) -> None:
    """Each is written so that it can be copied into the file."""
    for group in dataclasses.fields(Settings):
        section = page.split(f"\n## [{group.name}]\n")[1].split("\n## ")[0]
        rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
        copied = "\n".join(f"{row[0].strip('| `')} = {row[1].strip('`')}" for row in rows)
        settings = from_tables({group.name: tomllib.loads(copied)}, "the page")
        assert settings == DEFAULTS


def test_the_example_is_a_settings_file(page: str) -> None:
    example = page.split("```toml\n")[1].split("```")[0]
    assert from_tables(tomllib.loads(example), "the page") != DEFAULTS


@pytest.mark.parametrize("content", [None, "# Configuration\n"], ids=["missing", "old"])
def test_a_page_that_differs_is_noticed(
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: str | None,
) -> None:
    page = tmp_path / "configuration.md"
    if content is not None:
        page.write_text(content, encoding="utf-8")
    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, "--check"])
    with pytest.raises(SystemExit, match="out of date"):
        script.main()

    monkeypatch.setattr(sys, "argv", [SCRIPT.name])
    script.main()
    assert script.is_current()


def test_the_check_is_quiet_about_a_page_that_is_current() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
