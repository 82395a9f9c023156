"""A run as plain data for programs, and for comparing one run with a later one."""

from typing import Any

from benchmark.output.plain import plain
from benchmark.quality.cases import Benchmark, MethodRun
from benchmark.quality.figures import Figures
from imagematch import __version__
from imagematch.surrogates import encodable

FORMAT = 1  # of `dump`; grows when a reader has to know of a change


def dump(benchmark: Benchmark, figures: Figures, *, date: str, seed: int) -> dict[str, Any]:
    """Everything that was measured, so that a later run can be compared with this one.

    Figures, cases, hard pairs and twins have the names of their records. Of each method there are
    all hits of all cases, as lists of photo, score, kind and whether it counts; from them and the
    cases, any figure can be computed again, so curves are left out. A figure that does not exist
    is null. Paths are relative to the pictures that were made or to the measured folder.
    """
    other = benchmark.backwards
    # Mostly the pictures are in a folder that is gone by then, with another name on each run.
    below = benchmark.pictures, benchmark.folder
    return {
        **summary(benchmark, figures, date=date, seed=seed),
        "cases": plain(benchmark.cases, below),
        "runs": [_run(run) for run in benchmark.runs],
        "backwards": {"cases": plain(other.cases, below), "run": _run(other.run)}
        if other
        else None,
        "hard": plain(benchmark.hard, below),
        "twins": plain(benchmark.twins),
        "failed": plain(benchmark.failed),
    }


def summary(benchmark: Benchmark, figures: Figures, *, date: str, seed: int) -> dict[str, Any]:
    """The figures, and what they are of."""
    return {
        "format": FORMAT,
        "imagematch": __version__,
        "date": date,
        "seed": seed,
        "command": encodable(benchmark.command),
        "folder": plain(benchmark.folder),
        "machine": benchmark.machine,
        "photos": benchmark.photos,
        "figures": plain(figures, without={"curve"}),
    }


def _run(run: MethodRun) -> dict[str, Any]:
    hits = {
        name: [[encodable(hit.photo), plain(hit.score), hit.kind, hit.counts] for hit in found]
        for name, found in run.hits.items()
    }
    return {
        "method": run.method,
        "calibrated": run.calibrated,
        "seconds_photo": plain(run.seconds_photo),
        "seconds_query": plain(run.seconds_query),
        "hits": hits,
    }
