"""A run as one HTML page: tables, plots, and the hardest cases as pairs of pictures.

The page loads and runs nothing, and names of files stay text: see `imagematch.reports.page_frame`.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from benchmark.output.canvas import Plot
from benchmark.output.table import Table
from benchmark.quality import exhibits, quality_tables
from benchmark.quality.cases import Benchmark
from benchmark.quality.figures import COMMON_PRECISION, Figures, MethodFigures, percent
from imagematch import __version__
from imagematch.reports import page_frame

#: Gives the JPEG thumbnail of a picture file; None when it can't be read.
type Thumbnails = Callable[[Path], bytes | None]

#: Twins that are listed by name, beyond those that are drawn.
MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class _About:
    folder: str
    date: str
    seed: int
    machine: str
    command: str


@dataclass(frozen=True, slots=True)
class _Embedded:
    about: str
    address: Markup


def page(
    benchmark: Benchmark,
    figures: Figures,
    plots: Sequence[Plot],
    thumbnails: Thumbnails,
    *,
    preset: str,
    date: str,
    seed: int,
) -> str:
    """The whole page.

    Args:
        thumbnails: of the files that `pictures_shown` names.
        preset: the method whose misses and false matches are drawn.
        date: of the run, ISO 8601.
    """
    album = _Album(thumbnails)
    shown = exhibits.gather(benchmark, preset, figures, album.picture)
    method = figures.method(preset)
    styles = [page_frame.source("style.css"), _style(), album.css()]
    template = _environment().get_template("benchmark.html.j2")
    return template.render(
        title="How well copies are found",
        version=__version__,
        policy=page_frame.policy(styles),
        styles=[Markup(style) for style in styles],
        about=_About(benchmark.folder.name, date, seed, benchmark.machine, benchmark.command),
        counts=_counts(benchmark, figures, method),
        methods=quality_tables.methods_table(figures.methods),
        uncertainty=quality_tables.uncertainty(figures),
        plots=[
            # Markup: a picture is longer than any text that the page would show in full.
            _Embedded(plot.about, Markup(page_frame.data_uri(plot.png, "image/png")))
            for plot in plots
        ],
        preset=preset,
        common=percent(COMMON_PRECISION),
        shown=shown,
        twin_names=benchmark.twins[exhibits.MOST_PAIRS :][:MOST_NAMES],
        tables=_further_tables(figures),
    )


def pictures_shown(benchmark: Benchmark, figures: Figures, preset: str) -> tuple[Path, ...]:
    """The files that the page wants thumbnails of, so that they can be made in bulk first."""
    wanted: list[Path] = []
    exhibits.gather(benchmark, preset, figures, _Album(wanted.append).picture)
    return tuple(wanted)


def _style() -> str:
    """The page's own style sheet."""
    templates = resources.files("benchmark.quality").joinpath("templates")
    return templates.joinpath("benchmark.css").read_text("utf-8")


@functools.cache
def _environment() -> jinja2.Environment:
    """The environment of all pages of imagematch, with the page's own template beside theirs."""
    shared = page_frame.environment()
    assert shared.loader is not None
    own = jinja2.PackageLoader("benchmark.quality")
    return shared.overlay(loader=jinja2.ChoiceLoader([shared.loader, own]))


class _Album(page_frame.Album):
    """The thumbnails of the page, each asked for once."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self._asked: set[Path] = set()

    def picture(self, path: Path) -> str:
        """The class of a picture; "" where it can't be read."""
        if path not in self._asked:
            self._asked.add(path)
            self.add(str(path), self._thumbnails(path))
        return self.named(str(path))


def _counts(benchmark: Benchmark, figures: Figures, method: MethodFigures) -> Mapping[str, int]:
    counts = {
        "photos indexed": benchmark.photos,
        "copies": figures.wanted,
        "not found": figures.wanted - sum(edit.found for edit in method.edits.values()),
        "queries without original": figures.without,
    }
    if method.false is not None:
        counts["given a false copy"] = method.false.flagged
    counts["hard pairs"] = len(benchmark.hard)
    counts["taken for copies"] = sum(group.copies for group in figures.hard)
    return counts


def _further_tables(figures: Figures) -> list[tuple[str, Table]]:
    found = [
        (
            f"Recall by edit at {percent(COMMON_PRECISION)} precision",
            quality_tables.edits_table(figures),
        )
    ]
    if figures.backwards:
        found.append(
            (
                "Edited pictures indexed, originals asked",
                quality_tables.methods_table([figures.backwards]),
            )
        )
    if figures.hard:
        found.append(("Hard pairs", quality_tables.hard_table(figures)))
    calibrated = [method for method in figures.methods if method.reliability is not None]
    if calibrated:
        found.append(("Expected calibration error", quality_tables.calibration_table(figures)))
        found.append(("Bands of confidence", quality_tables.bands_table(figures)))
    for method in calibrated:
        found.append((f"Reliability, {method.method}", quality_tables.reliability_table(method)))
    return found
