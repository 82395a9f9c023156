"""The Python of the documents runs, one block after the other, and names all that the API has."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import imagematch
from tests.test_docs import BLOCK, ROOT, text_of
from tests.world import ad_sites, mirrored, photo, save

PAGE = ROOT / "docs" / "python.md"
#: A name that the page gives to a drawing, a match or a person.
_DRAWN = re.compile(r"1_[0-9a-f]{12}-[0-9a-f]{12}\.png")


def python_of(page: Path) -> list[str]:
    return [
        block["text"] for block in BLOCK.finditer(text_of(page)) if block["language"] == "python"
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos of four sites, one of them shown by two profiles, a gallery, a photo to look up."""
    ads = ad_sites(tmp_path / "ads", range(4))
    save(mirrored(photo(0)), ads / "site9" / "anna" / "again.jpg")
    save(photo(0), tmp_path / "photo.jpg", quality=60)
    save(photo(2), tmp_path / "missing" / "known.jpg", quality=60)
    return tmp_path


def ran(code: str, folder: Path) -> str:
    """Run code as a program of its own, in a folder; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_runs_from_its_beginning_to_its_end(folder: Path) -> None:
    first, table, drawn, compared, decided, said, stopped = (
        ran(code, folder) for code in python_of(PAGE)
    )
    assert "5 described, 1 matching, 0 failed" in first
    assert "site0/profile0 " in first
    assert "site9/anna " in first
    assert "site0/profile0" in table
    assert "site9/anna" in table
    assert drawn == ""
    (name,) = {path.name for path in (folder / "drawings").iterdir() if path.name.startswith("1_")}
    assert _DRAWN.fullmatch(name)
    assert compared == "exact 1.0\n"
    assert "m.k reject False" in decided
    assert "a.b reopen" in decided
    assert said.startswith(("2\n", "3\n"))
    assert "on request" in stopped


def test_the_program_in_the_readme_runs(folder: Path) -> None:
    (code,) = python_of(ROOT / "README.md")
    with imagematch.open(folder / "indexes" / "north", create=True) as index:
        index.add(folder / "missing", collection="missing", gallery=True)
    said = ran(code, folder)
    assert "site9/anna" in said


def test_the_page_names_every_method_and_function() -> None:
    text = text_of(PAGE)
    methods = {name for name, _ in inspect.getmembers(imagematch.Index) if not name.startswith("_")}
    functions = {name for name in imagematch.__all__ if name.islower() and name != "__version__"}
    missing = {name for name in methods | functions if not re.search(rf"\b{name}\b", text)}
    assert missing == set()
