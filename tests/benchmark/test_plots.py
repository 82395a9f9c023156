"""Plots are PNG files, the same for the same figures, and need nothing but the figures."""

import io
import math
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.output import canvas
from benchmark.output.canvas import Plot
from benchmark.quality import quality_plots
from benchmark.quality.cases import Hit
from benchmark.quality.figures import Figures, measure
from imagematch.errors import UsageError
from tests.benchmark.builders import benchmark, case, invented, run

pytest.importorskip("matplotlib", reason="plots need Matplotlib")

NAMES = ["precision_recall.png", "recall_by_edit.png", "reliability.png", "cost_recall.png"]


@pytest.fixture(scope="module")
def figures() -> Figures:
    return measure(invented(cases=60))


@pytest.fixture(scope="module")
def drawn(figures: Figures) -> tuple[Plot, ...]:
    return quality_plots.draw(figures)


def picture(plot: Plot) -> Image.Image:
    return Image.open(io.BytesIO(plot.png))


def colours(plot: Plot) -> Counter[tuple[int, ...]]:
    pixels = np.asarray(picture(plot).convert("RGB")).reshape(-1, 3)
    return Counter(map(tuple, pixels[::3].tolist()))


def test_there_is_a_plot_of_everything(drawn: tuple[Plot, ...]) -> None:
    assert [plot.name for plot in drawn] == NAMES
    for plot in drawn:
        assert picture(plot).format == "PNG"
        assert plot.about.endswith(".")


def test_equal_figures_give_equal_files(figures: Figures, drawn: tuple[Plot, ...]) -> None:
    assert quality_plots.draw(figures) == drawn
    # A version or a time would change the files without a change of the figures.
    assert all(set(picture(plot).info) <= {"dpi"} for plot in drawn)


def test_a_readers_matplotlibrc_changes_nothing(figures: Figures, drawn: tuple[Plot, ...]) -> None:
    import matplotlib

    with matplotlib.rc_context({"axes.facecolor": "red", "figure.dpi": 30, "lines.linewidth": 9}):
        assert quality_plots.draw(figures) == drawn


def test_a_method_keeps_its_colour_in_all_plots(drawn: tuple[Plot, ...]) -> None:
    by_name = {plot.name: colours(plot) for plot in drawn}
    first, last = (0x00, 0x72, 0xB2), (0x1B, 0x1F, 0x27)  # phash and thorough
    for name in ("precision_recall.png", "cost_recall.png"):
        assert by_name[name][first] > 50
        assert by_name[name][last] > 50
    # Hashes give no probabilities, so only presets have a reliability.
    assert by_name["reliability.png"][last] > 50
    assert by_name["reliability.png"][first] == 0


def test_what_was_not_measured_is_not_drawn() -> None:
    cases = [case("a", "1.jpg")]
    hashes = benchmark(cases, [run({"a": [Hit("1.jpg", 3.0)]}, calibrated=False)])
    assert [plot.name for plot in quality_plots.draw(measure(hashes))] == [
        NAMES[0],
        NAMES[1],
        NAMES[3],
    ]
    silent = benchmark(cases, [run({})])
    assert [plot.name for plot in quality_plots.draw(measure(silent))] == [NAMES[1], NAMES[3]]
    assert quality_plots.draw(measure(benchmark())) == ()


def test_a_method_without_times_is_drawn_all_the_same() -> None:
    timed = run({"a": [Hit("1.jpg", 3.0)]}, "timed")
    untimed = replace(timed, method="untimed", seconds_photo=math.nan, seconds_query=math.nan)
    for runs in ([timed, untimed], [untimed]):
        figures = measure(benchmark([case("a", "1.jpg")], runs))
        assert "cost_recall.png" in [plot.name for plot in quality_plots.draw(figures)]


def test_written_plots_are_those_that_were_drawn(drawn: tuple[Plot, ...], tmp_path: Path) -> None:
    canvas.write(drawn, tmp_path / "new" / "folder")
    for plot in drawn:
        assert (tmp_path / "new" / "folder" / plot.name).read_bytes() == plot.png


def test_a_folder_that_can_not_be_written_is_explained(
    drawn: tuple[Plot, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"plots can't be written to .*file"):
        canvas.write(drawn, tmp_path / "file")


def test_without_matplotlib_the_error_says_how_to_get_it(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install matplotlib"):
        quality_plots.draw(figures)
