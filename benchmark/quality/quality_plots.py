"""The figures of a run as plots: PNG files for the page and for documents.

Each method keeps its colour and marker in all plots.
"""

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.output import canvas
from benchmark.output.canvas import Plot
from benchmark.quality.figures import COMMON_PRECISION, Figures, MethodFigures, percent
from benchmark.quality.metrics import wilson_interval
from benchmark.quality.quality_tables import share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHED = (0, (5, 2))


@dataclass(frozen=True, slots=True)
class _Look:
    """How a method is drawn: lines of calibrated methods are solid."""

    colour: str
    marker: str
    line: Any


def draw(figures: Figures) -> tuple[Plot, ...]:
    """All plots that the figures give; equal figures give equal bytes.

    Raises:
        UsageError: Matplotlib is not installed.
    """
    with canvas.style():
        return tuple(_plots(figures))


def _plots(figures: Figures) -> Iterator[Plot]:
    looks = _looks(figures.methods)
    drawn = [method for method in figures.methods if method.curve.recall.size]
    if drawn:
        yield Plot(
            "precision_recall.png",
            "Precision against recall of all methods, and the corner that matters enlarged.",
            _precision_recall(drawn, looks),
        )
    if figures.methods and figures.edits:
        yield Plot(
            "recall_by_edit.png",
            f"Recall of each edit by each method at {percent(COMMON_PRECISION)} precision.",
            _recall_by_edit(figures),
        )
    calibrated = [method for method in drawn if method.reliability is not None]
    if calibrated:
        yield Plot(
            "reliability.png",
            "Confidence against truth, with the range that chance allows, and how many answers "
            "there are.",
            _reliability(calibrated, looks),
        )
    if figures.methods:
        yield Plot(
            "cost_recall.png",
            f"Cost of one processor core against recall at {percent(COMMON_PRECISION)} precision.",
            _cost_recall(figures.methods, looks),
        )


def _looks(methods: Sequence[MethodFigures]) -> dict[str, _Look]:
    return {
        method.method: _Look(
            canvas.COLOURS[at % len(canvas.COLOURS)],
            canvas.MARKERS[at % len(canvas.MARKERS)],
            "-" if method.reliability is not None else _DASHED,
        )
        for at, method in enumerate(methods)
    }


# --- precision and recall ------------------------------------------------------------------------


def _precision_recall(methods: Sequence[MethodFigures], looks: Mapping[str, _Look]) -> bytes:
    figure = canvas.figure(11, 5)
    whole, corner = figure.subplots(1, 2, width_ratios=(1, 1))
    # Wide enough for the presets; what other methods reach may lie outside.
    lowest = min([0.9, *(method.common.recall for method in methods if method.reliability)])
    for axes in (whole, corner):
        for method in methods:
            _curve(axes, method, looks[method.method])
        axes.axhline(COMMON_PRECISION, color=canvas.SOFT, linewidth=0.8, linestyle=":")
        axes.set(xlabel="recall", ylabel="precision")
    whole.set(xlim=(0, 1.01), ylim=(0, 1.02), title="Precision and recall")
    corner.set(
        xlim=(max(0.0, math.floor(lowest * 10 - 1) / 10), 1.005),
        ylim=(0.9, 1.003),
        title=f"Enlarged; dotted: {percent(COMMON_PRECISION)} precision",
    )
    canvas.legend_below(figure, whole)
    return canvas.png(figure)


def _curve(axes: "Axes", method: MethodFigures, look: _Look) -> None:
    curve = method.curve
    axes.plot(
        # From the left edge, at the precision of the surest answers.
        np.insert(curve.recall, 0, 0.0),
        np.insert(curve.precision, 0, curve.precision[0]),
        color=look.colour,
        linestyle=look.line,
        linewidth=1.5 if method.reliability is None else 2.2,
        label=f"{method.method} (µAP {share(method.micro_ap)})",
    )
    if method.common.recall:
        axes.plot(method.common.recall, method.common.precision, look.marker, color=look.colour)


# --- edits ---------------------------------------------------------------------------------------


def _recall_by_edit(figures: Figures) -> bytes:
    from matplotlib.colors import PowerNorm

    edits, methods = list(figures.edits), figures.methods
    shares = np.array(
        [[method.edits[edit].share for method in methods] for edit in edits]
        + [[method.common.recall for method in methods]]
    )
    figure = canvas.figure(2.2 + 1.05 * len(methods), 1.6 + 0.27 * len(shares))
    axes = figure.subplots()
    # Squared, because most shares that matter are close to 1 and would all look the same.
    scale = PowerNorm(2, vmin=0, vmax=1)
    axes.imshow(shares, cmap="cividis", norm=scale, aspect="auto")
    axes.set_xticks(range(len(methods)), [textwrap.fill(method.method, 12) for method in methods])
    labels = [f"{edit} ({count:,})" for edit, count in figures.edits.items()]
    axes.set_yticks(range(len(shares)), [*labels, f"all ({figures.wanted:,})"])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.axhline(len(edits) - 0.5, color="white", linewidth=3)
    for (row, column), value in np.ndenumerate(shares):
        # Cut as in the tables, so that only a perfect recall reads 100.
        text = f"{math.floor(value * 100 + 1e-9)}"
        colour = "white" if value**2 < 0.5 else canvas.INK
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    figure.suptitle(
        f"Copies found at {percent(COMMON_PRECISION)} precision, %",
        x=0.01,
        ha="left",
        weight="bold",
    )
    return canvas.png(figure)


# --- reliability ---------------------------------------------------------------------------------


def _reliability(methods: Sequence[MethodFigures], looks: Mapping[str, _Look]) -> bytes:
    figure = canvas.figure(1 + 3.4 * len(methods), 5)
    grid = figure.subplots(
        2, len(methods), squeeze=False, sharex=True, sharey="row", height_ratios=(3, 1)
    )
    for column, method in enumerate(methods):
        _reliability_column(grid[0][column], grid[1][column], method, looks[method.method])
    grid[0][0].set_ylabel("share that is truly the same")
    grid[1][0].set_ylabel("answers")
    return canvas.png(figure)


def _reliability_column(upper: "Axes", lower: "Axes", method: MethodFigures, look: _Look) -> None:
    assert method.reliability is not None
    bins = method.reliability.bins
    filled = [one for one in bins if one.count]
    ranges = np.array([wilson_interval(one.count, one.share) for one in filled]).reshape(-1, 2)
    shares = np.array([one.share for one in filled])
    upper.plot([0, 1], [0, 1], color=canvas.SOFT, linewidth=1, linestyle=":")
    upper.errorbar(
        [one.confidence for one in filled],
        shares,
        yerr=np.abs(ranges.T - shares),
        color=look.colour,
        marker=look.marker,
        markersize=5,
        linewidth=1.5,
        elinewidth=1,
        capsize=2,
    )
    error = method.reliability.everything.equal_width
    upper.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=method.method)
    upper.text(0.03, 0.95, f"ECE {error:.4f}", transform=upper.transAxes, va="top")
    lower.bar(
        [(one.low + one.high) / 2 for one in bins],
        [one.count for one in bins],
        width=0.085,
        color=look.colour,
    )
    lower.set(yscale="log", xlabel="confidence")
    most = max(one.count for one in bins)
    # From below 1, so that a single answer still has a bar.
    lower.set(ylim=(0.6, max(most, lower.get_ylim()[1])), yticks=_powers_of_ten(most))
    lower.yaxis.set_major_formatter("{x:,.0f}")
    lower.minorticks_off()


def _powers_of_ten(most: int) -> list[int]:
    return [10**power for power in range(len(str(most)))]


# --- cost ----------------------------------------------------------------------------------------


def _cost_recall(methods: Sequence[MethodFigures], looks: Mapping[str, _Look]) -> bytes:
    figure = canvas.figure(11, 5)
    for_photo, for_query = figure.subplots(1, 2, sharey=True)
    for axes, what, seconds in (
        (for_photo, "photo indexed", [method.seconds_photo for method in methods]),
        (for_query, "query", [method.seconds_query for method in methods]),
    ):
        for method, each in zip(methods, seconds, strict=True):
            look = looks[method.method]
            axes.plot(
                # Nothing where nothing was measured, but still a line in the legend.
                *(([each * 1000], [method.common.recall]) if each > 0 else ([], [])),
                look.marker,
                color=look.colour,
                markersize=10,
                linestyle="none",
                label=method.method,
            )
        axes.set(xlabel=f"milliseconds a {what}, one core", ylim=(-0.02, 1.03))
        if any(each > 0 for each in seconds):
            axes.set(xscale="log")
            axes.xaxis.set_major_formatter("{x:,g}")
        axes.margins(x=0.1)
    for_photo.set(
        ylabel=f"recall at {percent(COMMON_PRECISION)} precision", title="Cost of indexing"
    )
    for_query.set(title="Cost of asking")
    canvas.legend_below(figure, for_photo)
    return canvas.png(figure)
