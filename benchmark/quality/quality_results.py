"""A finished run as files: a Markdown page, data, plots, and an HTML page of the hardest cases."""

from collections.abc import Sequence
from pathlib import Path

from benchmark.output import canvas
from benchmark.output.canvas import Plot
from benchmark.quality import data, page, quality_plots, quality_tables
from benchmark.quality.cases import Benchmark
from benchmark.quality.figures import Figures
from benchmark.quality.product import DEFAULT_PRESET
from imagematch.reports import json, save
from imagematch.settings import DEFAULTS
from imagematch.stages import thumbnails
from imagematch.stages.fingerprints import file_outside
from imagematch.stages.photo_workers import photo_workers


def write(
    benchmark: Benchmark, figures: Figures, out: Path, *, date: str, seed: int
) -> tuple[Path, ...]:
    """Write everything; returns the files, the page first.

    Args:
        date: of the run, ISO 8601.
    """
    drawn = quality_plots.draw(figures)
    canvas.write(drawn, out)
    images = [(plot.about, plot.name) for plot in drawn]
    text = quality_tables.document(benchmark, figures, date=date, seed=seed, images=images)
    files = out / "benchmark.html", out / "benchmark.md", out / "benchmark.json"
    save(files[0], _page(benchmark, figures, drawn, date, seed))
    save(files[1], text)
    save(files[2], json.dumps(data.dump(benchmark, figures, date=date, seed=seed)))
    return *files, *(out / plot.name for plot in drawn)


def _page(
    benchmark: Benchmark, figures: Figures, drawn: Sequence[Plot], date: str, seed: int
) -> str:
    preset = _shown_method(benchmark)
    wanted = page.pictures_shown(benchmark, figures, preset)
    with photo_workers(DEFAULTS, embedding=False) as executor:
        tasks = {str(path): file_outside(path) for path in wanted}
        pictures = thumbnails.run(executor, DEFAULTS, tasks)
    return page.page(
        benchmark,
        figures,
        drawn,
        lambda path: pictures.get(str(path)),
        preset=preset,
        date=date,
        seed=seed,
    )


def _shown_method(benchmark: Benchmark) -> str:
    """The method whose misses and false matches are drawn: the default preset, if it ran."""
    names = [run.method for run in benchmark.runs]
    default = f"imagematch {DEFAULT_PRESET}"
    calibrated = [run.method for run in benchmark.runs if run.calibrated]
    return default if default in names else (calibrated or names)[0]
