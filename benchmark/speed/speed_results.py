"""A finished run of the speed benchmark as files: a Markdown page, data and plots."""

from pathlib import Path
from typing import Any

from benchmark.output import canvas
from benchmark.output.plain import plain
from benchmark.speed import fits, speed_plots, speed_tables
from benchmark.speed.measurements import Speed
from benchmark.speed.throughput import title
from imagematch import __version__
from imagematch.reports import json, save
from imagematch.settings import DEFAULTS

FORMAT = 1  # of `data`; grows when a reader has to know of a change


def write(speed: Speed, out: Path, *, date: str) -> tuple[Path, ...]:
    """Write everything; returns the files, the page first.

    Args:
        date: of the run, ISO 8601.
    """
    drawn = speed_plots.draw(speed)
    canvas.write(drawn, out)
    images = [(plot.about, plot.name) for plot in drawn]
    files = out / "speed.md", out / "speed.json"
    save(files[0], speed_tables.document(speed, date=date, images=images))
    save(files[1], json.dumps(data(speed, date=date), indent=2))
    return *files, *(out / plot.name for plot in drawn)


def data(speed: Speed, *, date: str) -> dict[str, Any]:
    """Everything that was measured, and what follows from it."""
    return {
        "format": FORMAT,
        "imagematch": __version__,
        "date": date,
        **plain(speed),
        "fits": [
            {"name": growth.name, **(plain(fits.power(growth)) or {})} for growth in speed.growth
        ],
        "far": {
            "photos": list(fits.FAR),
            "rows": plain(fits.far(speed, title(DEFAULTS.describe.preset))),
        },
    }
