"""`python -m benchmark quality`: a folder in, tables and files out, the same each time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmark.quality import product, quality_run
from tests.conftest import CommandLine
from tests.world import ad_sites, photo, save


@pytest.fixture
def hashes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the preset without a model be the default one, to save the time of loading it."""
    for module in (product, quality_run):
        monkeypatch.setattr(module, "DEFAULT_PRESET", "hashes")


def written(out: Path) -> Any:
    """The data of a run."""
    return json.loads((out / "benchmark.json").read_text("utf-8"))


def timeless(value: Any) -> Any:
    """Data without what differs from run to run."""
    if isinstance(value, dict):
        gone = ("date", "seconds_photo", "seconds_query")
        return {key: timeless(inner) for key, inner in value.items() if key not in gone}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.slow
@pytest.mark.model
def test_tables_go_to_stdout_and_files_to_the_folder(
    benchmark: CommandLine, tmp_path: Path
) -> None:
    photos, out, places = tmp_path / "photos", tmp_path / "out", tmp_path / "places"
    ad_sites(photos, range(12))
    for number, name in enumerate(("l.jpg", "r.jpg"), start=77):
        save(photo(number), places / name)
    (places / "pairs.csv").write_text("photo_a,photo_b\nl.jpg,r.jpg\n")
    words = ("quality", photos, "--out", out, "--labelled", places, "--hard-pairs", "3")
    ran = benchmark(*words, "--methods", "balanced,pdq", "--queries", "3")
    assert ran.code == 0, ran.err
    for shown in ("PDQ, 8 orientations", "imagematch balanced", "same_place"):
        assert shown in ran.out
    assert "500 photos or more" in ran.err
    assert {path.name for path in out.iterdir()} == {
        *("benchmark.md", "benchmark.json", "benchmark.html"),
        *("precision_recall.png", "recall_by_edit.png", "reliability.png", "cost_recall.png"),
    }
    page = (out / "benchmark.md").read_text("utf-8")
    repeats = f"python -m benchmark quality {photos} --queries 3 --labelled {places} --hard-pairs 3"
    assert f"{repeats} --methods pdq,balanced" in page
    assert "![Precision against recall" in page
    assert "Hardest misses" in (out / "benchmark.html").read_text("utf-8")
    measured = written(out)
    assert [entry["method"] for entry in measured["runs"]] == [
        "PDQ, 8 orientations",
        "imagematch balanced",
    ]
    assert all(len(entry["hits"]) == len(measured["cases"]) for entry in measured["runs"])
    assert len(measured["hard"]) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("hashes_only")
def test_a_second_run_gives_the_same_but_for_times(benchmark: CommandLine, tmp_path: Path) -> None:
    photos = ad_sites(tmp_path / "photos", range(18))
    words = ("quality", photos, "--queries", "8", "--hard-pairs", "0")
    methods = ("--methods", "phash,hashes,original-asked")
    one, two = tmp_path / "one", tmp_path / "two"
    first = benchmark(*words, *methods, "--out", one)
    again = benchmark(*words, *methods, "--out", two, "--json", "--keep-pictures")
    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert "imagematch hashes, original asked" in first.out
    assert timeless(written(one)) == timeless(written(two))
    assert timeless(again.json())["figures"] == timeless(written(two))["figures"]
    assert any(entry["hits"] for entry in written(one)["runs"])
    pictures = {path.name for path in (two / "pictures" / "queries").iterdir()}
    assert pictures == {Path(case["path"]).name for case in written(two)["cases"]}
    refused = benchmark(*words, *methods, "--out", two, "--keep-pictures")
    assert (refused.code, "exists already" in refused.err) == (2, True)


# --- what can go wrong --------------------------------------------------------------------------


def test_an_empty_folder_is_refused_with_advice(benchmark: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = benchmark("quality", tmp_path / "empty", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "there are no photos in" in ran.err
    assert "500 photos" in ran.err


@pytest.mark.usefixtures("hashes_only")
def test_a_folder_without_a_single_photo_is_refused(benchmark: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("no photo", encoding="utf-8")
    ran = benchmark("quality", tmp_path / "texts", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "there are no photos in" in ran.err
    (tmp_path / "texts" / "a.jpg").write_text("no photo", encoding="utf-8")
    ran = benchmark("quality", tmp_path / "texts", "--out", tmp_path / "out")
    assert ran.code == 2
    assert "1 files, none of which can be used" in ran.err


def test_a_missing_folder_is_named(benchmark: CommandLine, tmp_path: Path) -> None:
    ran = benchmark("quality", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert ran.code == 3
    assert "nowhere" in ran.err


@pytest.mark.slow
@pytest.mark.usefixtures("hashes_only")
@pytest.mark.parametrize("count", [1, 4])
def test_a_handful_of_photos_gives_tables_and_a_warning(
    benchmark: CommandLine, tmp_path: Path, count: int
) -> None:
    ad_sites(tmp_path / "photos", range(count))
    words = ("quality", tmp_path / "photos", "--out", tmp_path / "out", "--hard-pairs", "0")
    ran = benchmark(*words, "--methods", "pdq,hashes,at-indexing,original-asked")
    assert ran.code == 0, ran.err
    assert "with fewer, chance decides" in ran.err
    assert "imagematch hashes" in ran.out


@pytest.mark.slow
@pytest.mark.usefixtures("hashes_only")
def test_broken_files_are_listed_and_change_the_exit_code(
    benchmark: CommandLine, tmp_path: Path
) -> None:
    ad_sites(tmp_path / "photos", range(4))
    for number in range(8):  # enough for some in the half that is measured
        (tmp_path / "photos" / f"broken{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0 %d" % number)
    words = ("quality", tmp_path / "photos", "--out", tmp_path / "out", "--hard-pairs", "0")
    ran = benchmark(*words, "--methods", "phash", "--queries", "2")
    assert ran.code == 1, ran.err
    assert "files could not be used" in ran.err
    assert "broken" in ran.err.split("files could not be used")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--methods", "phash,magic"), "there is no magic"),
        (("--methods", "original-asked"), "name at least one method besides"),
        (("--methods", ""), "name at least one method"),
        (("--labelled", "nowhere"), "can't be read as labelled pairs"),
        (("--queries", "0"), "--queries"),
        (("--half", "better"), "--half"),
        (("--rounds", "2"), "No such option '--rounds'"),
    ],
)
def test_a_wrong_call_is_usage(
    benchmark: CommandLine, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ad_sites(tmp_path / "photos", range(2))
    ran = benchmark("quality", tmp_path / "photos", "--out", tmp_path / "out", *words)
    assert ran.code == 2
    assert said in ran.err


def test_results_never_go_among_what_is_measured(benchmark: CommandLine, tmp_path: Path) -> None:
    ran = benchmark("quality", tmp_path, "--out", tmp_path)
    assert (ran.code, "is the folder that is measured" in ran.err) == (2, True)


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_leaves_no_picture_behind(tmp_path: Path) -> None:
    photos, scratch = ad_sites(tmp_path / "photos", range(40)), tmp_path / "scratch"
    scratch.mkdir()
    out = tmp_path / "out"
    command = [sys.executable, "-m", "benchmark", "quality", str(photos), "--out", str(out)]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 120
        while not list(scratch.glob("imagematch-bench-*/work/kept*")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "starts anew" in said
    assert list(scratch.glob("imagematch-bench-*")) == []
