"""What the speed benchmark measured as plots, in the looks of the benchmark's others."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from benchmark.output import canvas
from benchmark.output.canvas import Plot
from benchmark.speed.measurements import Growth, Peak, Speed, Steps, Throughput, step_names
from benchmark.speed.speed_tables import amount, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of all workers together, whatever the number of photos, bytes.
_MOST_MEMORY = 10**9

#: Characters in a line of the title of a small plot.
_TITLE = 34

#: How many times as much the top of a small plot stands for as its bottom, at least.
_LEAST_RANGE = 10.0


def draw(speed: Speed) -> tuple[Plot, ...]:
    """All plots that there is something to show in; equal figures give equal bytes.

    Raises:
        UsageError: Matplotlib is not installed.
    """
    with canvas.style():
        return tuple(_plots(speed))


def _plots(speed: Speed) -> Iterator[Plot]:
    for at, one in enumerate(speed.throughput):
        about = f"Photos a second of all contenders, {one.photos.name}."
        name = "speed_throughput.png" if not at else f"speed_throughput_{at + 1}.png"
        yield Plot(name, about, _throughput(one))
    if speed.steps:
        about = "Processor time of each step of indexing a photo, by preset."
        yield Plot("speed_steps.png", about, _steps(speed.steps))
    if speed.peaks:
        about = "The most memory of all processes against the number of photos."
        yield Plot("speed_memory.png", about, _peaks(speed.peaks))
    drawn = [growth for growth in speed.growth if len(growth.sizes) > 1]
    if drawn:
        about = "Costs against the number of photos; all axes are logarithmic, dashes are targets."
        yield Plot("speed_growth.png", about, _growth(drawn))


def _throughput(one: Throughput) -> bytes:
    """Dots, since bars on a logarithmic axis would begin nowhere."""
    ran = [timed for timed in one.timed if timed.seconds]
    figure = canvas.figure(10, 1.2 + 0.34 * len(ran))
    axes = figure.subplots()
    for at, timed in enumerate(reversed(ran)):
        rates = [timed.photos / seconds for seconds in timed.seconds]
        colour = canvas.COLOURS[_group(timed.name)]
        axes.plot(rates, [at] * len(rates), "|", color=colour, markersize=11)
        axes.plot(timed.rate, at, "o", color=colour, markersize=8)
        axes.annotate(
            number(timed.rate), (timed.rate, at), (9, -4), textcoords="offset points", fontsize=9
        )
    axes.set_yticks(range(len(ran)), [timed.name for timed in reversed(ran)])
    axes.set(
        xscale="log",
        xlabel="photos a second, whole process; dots are medians, marks are rounds",
        title=f"Throughput, {one.photos.name}",
    )
    axes.margins(x=0.1)
    axes.xaxis.set_major_formatter("{x:,g}")
    return canvas.png(figure)


def _group(name: str) -> int:
    """The colour of a contender: imagematch, its kernels, and each peer have one."""
    groups = ("imagematch", "bare", "immaculate", "imagehash", "pdqhash")
    return groups.index(name.split()[0].rstrip(","))


def _steps(steps: Sequence[Steps]) -> bytes:
    names = step_names(steps)
    figure = canvas.figure(11, 1.6 + 0.55 * len(steps))
    axes = figure.subplots()
    starts = [0.0] * len(steps)
    for at, name in enumerate(names):
        widths = [
            1000 * one.seconds.get(name, 0.0) / one.photos if one.photos else 0.0 for one in steps
        ]
        axes.barh(
            range(len(steps)),
            widths,
            left=starts,
            height=0.65,
            label=name,
            color=canvas.COLOURS[at % len(canvas.COLOURS)],
            # A second turn of the colours is hatched, so that no two steps look the same.
            hatch="///" if at >= len(canvas.COLOURS) else None,
            edgecolor="white",
            linewidth=0.5,
        )
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    axes.set_yticks(range(len(steps)), [one.preset for one in steps])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set(xlabel="milliseconds of one core a photo", title="Where the time of indexing goes")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6)
    return canvas.png(figure)


def _peaks(peaks: Sequence[Peak]) -> bytes:
    figure = canvas.figure(8, 4.5)
    axes = figure.subplots()
    for at, preset in enumerate(dict.fromkeys(peak.preset for peak in peaks)):
        of = [peak for peak in peaks if peak.preset == preset]
        axes.plot(
            [peak.photos for peak in of],
            [peak.bytes / 1e6 for peak in of],
            marker=canvas.MARKERS[at],
            color=canvas.COLOURS[at],
            label=preset,
        )
    axes.axhline(_MOST_MEMORY / 1e6, color=canvas.SOFT, linewidth=0.8, linestyle=":")
    axes.set(
        xlabel="photos",
        ylabel="MB, all processes together",
        title="The most memory that indexing takes",
        ylim=(0, None),
        xlim=(0, None),
    )
    axes.xaxis.set_major_formatter("{x:,.0f}")
    canvas.legend_below(figure, axes)
    return canvas.png(figure)


def _growth(growths: Sequence[Growth]) -> bytes:
    columns = min(3, len(growths))
    rows = math.ceil(len(growths) / columns)
    figure = canvas.figure(4.3 * columns, 3.1 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for at, growth in enumerate(growths):
        axes = grid[at // columns][at % columns]
        axes.plot(growth.sizes, growth.values, marker="o", color=canvas.COLOURS[0])
        for size, target in growth.target.items():
            axes.plot(size, target, "_", color=canvas.COLOURS[1], markersize=16)
        for size, value in zip(growth.sizes, growth.values, strict=True):
            text = amount(value, growth.unit)
            # To the left and above: costs rise, so the line does not run through it.
            axes.annotate(text, (size, value), (-4, 6), textcoords="offset points", ha="right")
        logarithmic = any(value > 0 for value in growth.values)
        title = textwrap.fill(growth.name, _TITLE)
        axes.set(xscale="log", yscale="log" if logarithmic else "linear", title=title)
        axes.margins(x=0.3, y=0.25)
        if logarithmic:
            _widen(axes)
        axes.minorticks_off()
        # The points say how much; powers of ten that happen to lie between them would not.
        axes.set_xticks(growth.sizes, [f"{size:,}" for size in growth.sizes])
        axes.set_yticks([])
    for spare in range(len(growths), rows * columns):
        grid[spare // columns][spare % columns].axis("off")
    return canvas.png(figure)


def _widen(axes: "Axes") -> None:
    """Show a power of ten at least: what stays the same must not look as if it rose and fell."""
    low, high = axes.get_ylim()
    more = max(1.0, _LEAST_RANGE * low / high) ** 0.5
    axes.set_ylim(low / more, high * more)
