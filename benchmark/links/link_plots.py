"""The figures of methods as plots."""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmark.links.link_figures import EVIDENCE, MethodFigures
from benchmark.links.link_tables import of
from benchmark.output import canvas
from benchmark.output.canvas import Plot


def draw(figures: Sequence[MethodFigures]) -> tuple[Plot, ...]:
    """All plots that there are figures for.

    Raises:
        UsageError: Matplotlib is not installed.
    """
    with canvas.style():
        return tuple(_plots(figures))


def _plots(figures: Sequence[MethodFigures]) -> Iterator[Plot]:
    if not figures:
        return
    yield Plot("links_f1.png", "F1 of pairs and B-cubed F1 of each method.", _scores(figures))
    yield Plot(
        "links_by_size.png",
        "Recall of pairs by the number of an operator's profiles.",
        _by_size(figures),
    )
    if any(method.calibration for method in figures):
        yield Plot(
            "links_reliability.png",
            "Probability of links against the share that join one operator's profiles.",
            _reliability(figures),
        )


def _scores(figures: Sequence[MethodFigures]) -> bytes:
    figure = canvas.figure(11, 4.5)
    for axes, evidence in zip(figure.subplots(1, len(EVIDENCE)), EVIDENCE, strict=True):
        mine = of(figures, evidence)
        places = np.arange(len(mine))
        for number, (label, values) in enumerate(
            (
                ("pairs: precision", [method.pairs.precision for method in mine]),
                ("pairs: recall", [method.pairs.recall for method in mine]),
                ("pairs: F1", [method.pairs.f1 for method in mine]),
                ("B-cubed F1", [method.b_cubed.f1 for method in mine]),
            )
        ):
            colour = canvas.COLOURS[number]
            axes.barh(places + 0.2 * number, np.nan_to_num(values), 0.18, label=label, color=colour)
        axes.set_yticks(places + 0.3, [method.method for method in mine])
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), title=evidence.capitalize())
    canvas.legend_below(figure, axes)
    return canvas.png(figure)


def _by_size(figures: Sequence[MethodFigures]) -> bytes:
    figure = canvas.figure(11, 4.5)
    for axes, evidence in zip(
        figure.subplots(1, len(EVIDENCE), sharey=True), EVIDENCE, strict=True
    ):
        for number, method in enumerate(of(figures, evidence)):
            bands = method.bands[1:]
            axes.plot(
                range(len(bands)),
                [band.pairs.recall for band in bands],
                color=canvas.COLOURS[number % len(canvas.COLOURS)],
                marker=canvas.MARKERS[number % len(canvas.MARKERS)],
                label=method.method,
            )
            names = [
                f"{band.low} to {band.high}" if band.high else f"{band.low}+" for band in bands
            ]
            axes.set_xticks(range(len(bands)), names)
        axes.set(ylim=(-0.02, 1.02), xlabel="profiles of an operator", title=evidence.capitalize())
        axes.set_ylabel("recall of pairs")
    canvas.legend_below(figure, axes)
    return canvas.png(figure)


def _reliability(figures: Sequence[MethodFigures]) -> bytes:
    figure = canvas.figure(11, 5)
    for axes, evidence in zip(
        figure.subplots(1, len(EVIDENCE), sharey=True), EVIDENCE, strict=True
    ):
        axes.plot([0, 1], [0, 1], color=canvas.SOFT, linewidth=1, linestyle=":")
        for number, method in enumerate(of(figures, evidence)):
            if method.calibration is None:
                continue
            filled = [one for one in method.calibration.bins if one.count]
            axes.plot(
                [one.confidence for one in filled],
                [one.share for one in filled],
                color=canvas.COLOURS[number % len(canvas.COLOURS)],
                marker=canvas.MARKERS[number % len(canvas.MARKERS)],
                label=f"{method.method} (ECE {method.calibration.error:.3f})",
            )
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), title=evidence.capitalize())
        axes.set(xlabel="probability", ylabel="share of one operator's links")
        axes.legend(loc="lower right")
    return canvas.png(figure)
