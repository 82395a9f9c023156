"""`python -m benchmark speed`: a folder in, tables and files out."""

import json
from pathlib import Path

import pytest

from benchmark.speed import busy, held, speed_run, throughput
from tests.conftest import CommandLine
from tests.world import ad_sites


@pytest.fixture
def hashes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """No preset with a model, to save the time of loading it."""
    for module in (throughput, speed_run):
        monkeypatch.setattr(module, "PRESETS", ("hashes",))


@pytest.mark.slow
@pytest.mark.usefixtures("hashes_only")
def test_tables_go_to_stdout_and_files_to_the_folder(
    benchmark: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy, "_SECONDS", 1.0)
    monkeypatch.setattr(busy, "_OTHERS", 400)
    monkeypatch.setattr(held, "_SECONDS", 1.0)
    monkeypatch.setattr(held, "_OTHERS", 100)
    photos, out = ad_sites(tmp_path / "photos", range(5)), tmp_path / "out"
    words = ("speed", photos, "--out", out, "--rounds", "1", "--tree", "20")
    further = ("--large", "1", "--scale", "2000,1000", "--peers", tmp_path / "nowhere")
    ran = benchmark(*words, *further)
    assert ran.code == 0, ran.err
    tables = ("imagematch hashes", "Where time goes", "Memory", "Nothing changed")
    for shown in (*tables, "Queries during a reindex", "What search finds", "Scale"):
        assert shown in ran.out
    assert "Not installed" in ran.err
    written = {path.name for path in out.iterdir()}
    assert {"speed.md", "speed.json", "speed_throughput.png", "speed_steps.png"} <= written
    data = json.loads((out / "speed.json").read_text("utf-8"))
    assert data["command"].startswith(f"python -m benchmark speed {photos} --peers")
    assert len(data["throughput"]) == 2
    assert [growth["sizes"] for growth in data["growth"] if growth["name"] == "link"] == [
        [1000, 2000]
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("hashes_only")
def test_only_the_parts_that_are_named_are_measured(benchmark: CommandLine, tmp_path: Path) -> None:
    photos = ad_sites(tmp_path / "photos", range(3))
    ran = benchmark("speed", photos, "--parts", "steps", "--out", tmp_path, "--json")
    assert ran.code == 0, ran.err
    data = ran.json()
    assert [steps["preset"] for steps in data["steps"]] == ["hashes"]
    assert (data["throughput"], data["peaks"], data["unchanged"]) == ([], [], None)
    assert data["command"] == f"python -m benchmark speed {photos} --parts steps"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--queries", "5"), "No such option '--queries'"),
        (("--keep-pictures",), "No such option '--keep-pictures'"),
        (("--parts", "magic"), "there is no magic"),
        (("--parts", ""), "there is no such part"),
        (("--rounds", "0"), "--rounds"),
        (("--scale", "many"), "no list of numbers"),
        (("--scale", "10,10000"), "tell nothing"),
    ],
)
def test_a_wrong_call_is_usage(
    benchmark: CommandLine, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ad_sites(tmp_path / "photos", range(2))
    ran = benchmark("speed", tmp_path / "photos", "--out", tmp_path / "out", *words)
    assert ran.code == 2
    assert said in ran.err


def test_a_folder_without_photos_is_refused(benchmark: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = benchmark("speed", tmp_path / "empty", "--out", tmp_path / "out")
    assert (ran.code, "there are no photos in" in ran.err) == (2, True)
