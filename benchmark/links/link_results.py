"""A finished run as files: a Markdown page, data and plots."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmark.links import link_plots, link_tables
from benchmark.links.items import Measured
from benchmark.links.link_figures import MethodFigures
from benchmark.output import canvas
from benchmark.output.plain import plain
from imagematch import __version__
from imagematch.reports import json, save
from imagematch.surrogates import encodable

FORMAT = 1  # of `data`; grows when a reader has to know of a change


def write(
    figures: Sequence[MethodFigures],
    tuning: Sequence[Measured],
    reporting: Sequence[Measured],
    out: Path,
    *,
    command: str,
    date: str,
) -> tuple[Path, ...]:
    """Write everything; returns the files, the page first.

    Args:
        command: that repeats the run.
        date: of the run, ISO 8601.
    """
    drawn = link_plots.draw(figures)
    canvas.write(drawn, out)
    files = out / "links.md", out / "links.json"
    images = [(plot.about, plot.name) for plot in drawn]
    page = link_tables.document(
        figures, tuning, reporting, command=encodable(command), date=date, images=images
    )
    save(files[0], page)
    save(files[1], json.dumps(data(figures, tuning, reporting, command=command, date=date)))
    return *files, *(out / plot.name for plot in drawn)


def data(
    figures: Sequence[MethodFigures],
    tuning: Sequence[Measured],
    reporting: Sequence[Measured],
    *,
    command: str,
    date: str,
) -> dict[str, Any]:
    """All figures, with the names of their records; F1 as well, which follows from the others."""
    return {
        "format": FORMAT,
        "imagematch": __version__,
        "date": date,
        "command": encodable(command),
        "tuning": [_world(world) for world in tuning],
        "reporting": [_world(world) for world in reporting],
        "figures": [
            {
                **plain(method),
                "f1": plain(method.pairs.f1),
                "b_cubed_f1": plain(method.b_cubed.f1),
            }
            for method in figures
        ],
    }


def _world(world: Measured) -> dict[str, Any]:
    return {
        "name": world.name,
        "profiles": len(world.items.profiles),
        "pictures": world.pictures,
        "items": len(world.items.names),
    }
