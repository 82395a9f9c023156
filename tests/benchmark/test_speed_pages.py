"""Tables, plots and data show what was measured, what is missing, and what follows from it."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmark.speed import fits, growing_indexes, speed_plots, speed_results, speed_tables
from benchmark.speed.measurements import (
    Growth,
    Pass,
    Peak,
    Photos,
    Ratio,
    Speed,
    Steps,
    Throughput,
    Timed,
    Unchanged,
)
from benchmark.speed.scale import Recall, ScalePoint

EMPTY = Speed("photos", "python -m benchmark speed photos", "a machine", 3, 2, {})

TIMED = (
    Timed("imagematch balanced", 1000, (20.0, 25.0, 21.0), (40.0, 50.0, 42.0), 6.5e8, 3_000_000),
    Timed("bare kernels of balanced", 1000, (18.0, 22.0, 19.0), (36.0, 44.0, 38.0), 5e8),
    Timed("immaculate pdq", 1000, note="not installed"),
)
POINT = ScalePoint(
    photos=1_000_000,
    build_seconds=100.0,
    build_cpu_seconds=150.0,
    disk_bytes=2200.0,
    resident_bytes=90.0,
    mapped_bytes=500.0,
    open_seconds=0.5,
    single_p50=0.02,
    single_p99=0.06,
    upright_p50=0.01,
    upright_p99=0.03,
    batch_per_second=2500.0,
    batch_cpu_seconds=0.0008,
    deep=Recall(0.995, 0.99, 0.7, 0.9, 0.98, 0.75),
    shallow=Recall(0.991, 0.98, 0.7, 0.9, 0.97, 0.65),
    add_seconds=9.0,
    added_bytes=3000.0,
    load=0.5,
    searches={"float": "inverted lists", "binary": "every hash"},
)

FULL = replace(
    EMPTY,
    search=(POINT,),
    peers={"immaculate": "0.3.0"},
    throughput=(
        Throughput(
            Photos("photos as they are", 1000, 0.25, 0.06),
            TIMED,
            (
                Ratio("imagematch balanced", "bare kernels of balanced", 0.9, 0.88, 0.91, 0.85),
                Ratio("imagematch balanced", "immaculate pdq", math.nan, math.nan, math.nan, 1.2),
            ),
        ),
    ),
    steps=(
        Steps("hashes", 100, {"decode": 0.3, "PDQ": 0.1}),
        Steps("balanced", 100, {"decode": 0.3, "PDQ": 0.1, "embedding": 1.6}),
    ),
    peaks=tuple(Peak("balanced", size, 6e8, size / 50) for size in (250, 500, 1000)),
    unchanged=Unchanged(20_000, 60.0, (0.1, 0.2), (Pass("unchanged", 0, (0.25, 0.45)),), 8e7),
    growth=(
        Growth("one search", "ms", (10_000, 100_000), (2.0, 8.0), {100_000: 5.0}),
        Growth("resident memory", "bytes", (10_000, 100_000), (1e6, 1e7)),
        Growth("indexing", "s", (250, 500), (5.0, 10.0)),
    ),
)


# --- fits ----------------------------------------------------------------------------------------


@given(st.floats(1e-6, 1e3), st.floats(0.0, 2.0))
def test_a_power_of_the_size_is_found_again(factor: float, exponent: float) -> None:
    sizes = (1000, 10_000, 100_000)
    fit = fits.power(Growth("", "s", sizes, tuple(factor * size**exponent for size in sizes)))
    assert fit is not None
    assert fit.exponent == pytest.approx(exponent, abs=1e-6)
    assert fit.last == pytest.approx(exponent, abs=1e-6)
    assert fit.at(10**8) == pytest.approx(factor * 10 ** (8 * exponent), rel=1e-3)


def test_a_constant_part_does_not_flatter_large_numbers() -> None:
    sizes = (10_000, 100_000, 1_000_000)
    fit = fits.power(Growth("", "s", sizes, tuple(10 + size / 10_000 for size in sizes)))
    assert fit is not None
    assert fit.exponent < 0.6 < fit.last
    assert fit.at(10**8) > 0.5 * 10**8 / 10_000 / 10


@pytest.mark.parametrize("values", [(), (1.0,), (math.nan, 1.0), (0.0, 1.0)])
def test_too_little_gives_no_fit(values: tuple[float, ...]) -> None:
    assert fits.power(Growth("", "s", tuple(range(1, len(values) + 1)), values)) is None


def test_only_large_sizes_are_taken_further() -> None:
    rows = {row.name: row for row in fits.far(FULL, "imagematch balanced")}
    assert "indexing" not in rows
    assert rows["one search"].values[-1] == pytest.approx(8.0 * 10 ** (4 * math.log10(4)), rel=1e-6)
    hours = rows["describing and matching"].values
    assert hours[0] == pytest.approx(1e6 * 21 / 1000 / 3600)
    assert rows["index on disk"].values[-1] == pytest.approx(3e12)
    assert rows["machines of 2 cores for a week"].values[-1] == math.ceil(hours[-1] / 168)
    # 100 bytes a photo: 100 GB for a billion.
    assert rows["machines of 64 GiB for resident memory"].values == (1, 1, 1, 2)


def test_nothing_measured_gives_nothing_on_paper() -> None:
    assert fits.far(EMPTY, "imagematch balanced") == ()


# --- tables --------------------------------------------------------------------------------------


def cells(heading: str) -> dict[str, tuple[str, ...]]:
    """Rows of one table by their first cell."""
    found = {title: table for title, _, table in speed_tables.sections(FULL)}
    return {row[0]: row for row in found[heading].rows}


def test_throughput_shows_the_median_and_what_is_missing() -> None:
    rows = cells("Throughput, photos as they are")
    assert rows["imagematch balanced"][1:4] == ("21", "20", "47.6")
    assert rows["imagematch balanced"][4:] == ("42", "650 MB", "3 MB")
    assert rows["immaculate pdq"][1:] == ("not installed", *["–"] * 5)


def test_ratios_say_whether_a_target_is_met() -> None:
    found = {title: table for title, _, table in speed_tables.sections(FULL)}
    ratios = found["Ratios, photos as they are"].rows
    assert [row[-1] for row in ratios] == ["yes", "–"]
    assert ratios[0][2:5] == ("0.9", "0.88–0.91", "≥ 0.85")


def test_steps_have_their_share() -> None:
    rows = cells("Where time goes")
    assert rows["embedding"] == ("embedding", "0.00", "0.0%", "16.00", "80.0%")
    assert rows["all"][1] == "4.00"
    assert list(rows) == ["decode", "PDQ", "embedding", "all"]


def test_an_unchanged_pass_is_compared_with_find() -> None:
    assert cells("Nothing changed")["unchanged"][-1] == "2.33"
    assert FULL.unchanged is not None
    assert FULL.unchanged.ratio == pytest.approx((2.5 + 2.25) / 2)


def test_growth_marks_what_misses_its_target() -> None:
    row = cells("Scale")["one search"]
    assert "8 ms (not ≤ 5 ms)" in row
    assert row[-2:] == ("0.60", "0.60")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "bytes", "0 bytes"),
        (999.0, "bytes", "999 bytes"),
        (1_234_567.0, "bytes", "1.23 MB"),
        (3e15, "bytes", "3 PB"),
        (36_000.0, "s", "10 h"),
        (480.0, "h", "20 days"),
        (1234.5, "", "1,234"),
        (math.nan, "s", "–"),
    ],
)
def test_amounts_read_well(value: float, unit: str, text: str) -> None:
    assert speed_tables.amount(value, unit) == text


def test_the_page_has_every_table_and_the_machine() -> None:
    text = speed_tables.document(FULL, date="2026-01-01", images=[("A plot.", "plot.png")])
    for shown in ("a machine", "immaculate 0.3.0", "![A plot.](plot.png)", "## On paper"):
        assert shown in text
    short = speed_tables.document(EMPTY, date="2026-01-01")
    assert "## " not in short
    assert "not installed" in short


# --- files ---------------------------------------------------------------------------------------


def test_there_is_a_plot_of_everything_and_the_same_each_time() -> None:
    pytest.importorskip("matplotlib")
    drawn = speed_plots.draw(FULL)
    names = ["speed_throughput.png", "speed_steps.png", "speed_memory.png", "speed_growth.png"]
    assert [plot.name for plot in drawn] == names
    assert all(Image.open(io.BytesIO(plot.png)).format == "PNG" for plot in drawn)
    assert speed_plots.draw(FULL) == drawn
    assert speed_plots.draw(EMPTY) == ()


def test_results_are_a_page_data_and_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files = speed_results.write(FULL, tmp_path, date="2026-01-01")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in files)
    data = json.loads((tmp_path / "speed.json").read_text("utf-8"))
    assert data["throughput"][0]["timed"][0]["seconds"] == [20.0, 25.0, 21.0]
    assert data["throughput"][0]["ratios"][1]["value"] is None
    assert data["fits"][0]["exponent"] == pytest.approx(0.602, abs=0.001)
    assert data["far"]["photos"][-1] == 10**9


def test_search_says_what_it_finds_and_misses_targets_openly() -> None:
    text = speed_tables.search_table([POINT]).text()
    assert "0.995" in text
    assert "0.991" in text
    assert "embeddings: inverted lists; hashes: every hash" in text
    growth = {one.name: one for one in growing_indexes.search_growth([POINT])}
    slow = growth["candidates of a query, 99 of 100"]
    assert (slow.values, slow.target) == ((60.0,), {1_000_000: 50.0})
    assert "60 ms (not ≤ 50 ms)" in speed_tables.growth_table([slow]).text()
    assert growth["candidates of a photo, in batch"].values == (0.4,)
    assert growth["vectors resident in memory"].values == (9e7,)
    assert growing_indexes.search_growth([]) == ()
