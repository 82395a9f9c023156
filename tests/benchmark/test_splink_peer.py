"""Splink, which is installed elsewhere, if at all: what it is asked, and what it answers."""

import sys
from pathlib import Path

import pytest

from benchmark.links import links_run, splink_peer
from imagematch.errors import ImagematchError
from tests.benchmark.test_linkers import WORLD, groups


def answering(monkeypatch: pytest.MonkeyPatch, folder: Path, answer: str) -> None:
    """Let a script stand in for Splink's, that counts how often it is asked."""
    script = folder / "script.py"
    script.write_text(
        "import json, sys\nasked = json.load(sys.stdin)\n"
        f"open({str(folder / 'asked')!r}, 'a').write('x')\n{answer}\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(splink_peer, "_SCRIPT", script)


def test_pairs_that_are_sure_enough_are_joined_and_splink_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = "assert asked['shows'][0] == [0, 0], asked\nprint([[1, 0, 0.9], [2, 3, 0.4]])"
    answering(monkeypatch, tmp_path, answer)
    linker = splink_peer.linker(Path(sys.executable))
    sure, all_of_them = linker.group(WORLD, 0.5), linker.group(WORLD, 0.1)
    assert frozenset({0, 1}) in groups(sure)
    assert frozenset({2, 3}) in groups(all_of_them) - groups(sure)
    assert sure.links is not None
    assert (sure.links.left.tolist(), sure.links.right.tolist()) == ([0, 2], [1, 3])
    assert (tmp_path / "asked").read_text("utf-8") == "x"


def test_what_splink_says_when_it_fails_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch, tmp_path, "sys.exit('no memory left')")
    with pytest.raises(ImagematchError, match="Splink failed: no memory left"):
        splink_peer.linker(Path(sys.executable)).group(WORLD, 0.5)


def test_without_splink_there_is_no_such_method(tmp_path: Path) -> None:
    assert links_run.peers(None) == []
    assert links_run.peers(tmp_path) == []
