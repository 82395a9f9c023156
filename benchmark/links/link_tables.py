"""The figures of methods as tables: in a Markdown document, or in a terminal."""

import math
from collections.abc import Iterator, Sequence

from benchmark.links.items import Measured
from benchmark.links.link_figures import EVIDENCE, MethodFigures, WorstPair
from benchmark.links.link_metrics import Score
from benchmark.output.table import NONE, Table
from imagematch import __version__

_ABOUT = """\
Worlds are made up, and so are their figures: they say which method is better, not how often a link
of real ads is right. **Pairs** are pairs of profiles: precision is the share of those in one
cluster that are one operator's, recall the share of an operator's that are in one cluster.
**B-cubed** (Bagga and Baldwin 1998) asks the same of each profile, and is the mean over profiles.
Photos are grouped by the matches that imagematch finds, so that its faults count for all methods.
**Setting** was chosen on tuning worlds, of other photos. The last line is no method: it looks at
the truth, and misses what shares no item that was found."""


def document(
    figures: Sequence[MethodFigures],
    tuning: Sequence[Measured],
    reporting: Sequence[Measured],
    *,
    command: str,
    date: str,
    images: Sequence[tuple[str, str]] = (),
) -> str:
    """The text of the page.

    Args:
        images: what each plot shows, and its address as seen from the page.
    """
    sections = _sections(figures, tuning, reporting, command, date, images)
    return "\n\n".join(sections) + "\n"


def _sections(
    figures: Sequence[MethodFigures],
    tuning: Sequence[Measured],
    reporting: Sequence[Measured],
    command: str,
    date: str,
    images: Sequence[tuple[str, str]],
) -> Iterator[str]:
    yield "# Links"
    yield "How well clusters of profiles find the operators of made-up worlds."
    yield f"    {command}"
    yield worlds_table(tuning, reporting, date).markdown()
    yield _ABOUT
    yield from (f"![{about}]({address})" for about, address in images)
    for evidence in EVIDENCE:
        mine = of(figures, evidence)
        yield f"## {evidence.capitalize()}"
        yield methods_table(mine).markdown()
        yield (
            "By the number of an operator's profiles: pairs with one of them, and B-cubed of them; "
            "1 are independents."
        )
        yield bands_table(mine).markdown()
        for method in mine:
            yield from _worst(method)


def of(figures: Sequence[MethodFigures], evidence: str) -> list[MethodFigures]:
    """The figures of one evidence."""
    return [method for method in figures if method.evidence == evidence]


def worlds_table(tuning: Sequence[Measured], reporting: Sequence[Measured], date: str) -> Table:
    """What was measured."""
    rows = [
        (
            world.name,
            f"{len(world.items.profiles):,}",
            f"{len(set(world.items.operators.tolist())):,}",
            f"{world.pictures:,}",
            f"{len(world.items.names):,}",
        )
        for world in (*tuning, *reporting)
    ]
    head = f"world ({date[:10]}, {__version__})", "profiles", "owners", "pictures", "shared items"
    return Table(head, tuple(rows))


def methods_table(figures: Sequence[MethodFigures]) -> Table:
    """One line a method."""
    head = (
        *("method", "setting", "pairs: precision", "recall", "F1", "B-cubed precision"),
        *("B-cubed recall", "B-cubed F1", "clusters", "largest", "links", "ECE"),
    )
    return Table(head, tuple(_method_row(method) for method in figures))


def bands_table(figures: Sequence[MethodFigures]) -> Table:
    """One line a method, two columns for each size of operators."""
    bands = figures[0].bands if figures else ()
    names = [_band(band.low, band.high) for band in bands]
    head = (
        "method",
        *(f"{name}: precision" for name in names[1:]),
        *(f"{name}: recall" for name in names[1:]),
        *(f"{name}: B-cubed F1" for name in names),
    )
    rows = (
        (
            method.method,
            *(share(band.pairs.precision) for band in method.bands[1:]),
            *(share(band.pairs.recall) for band in method.bands[1:]),
            *(share(band.b_cubed.f1) for band in method.bands),
        )
        for method in figures
    )
    return Table(head, tuple(rows))


def worst_table(pairs: Sequence[WorstPair]) -> Table:
    """Pairs with what they share."""
    rows = (
        (pair.world, pair.left, pair.right, ", ".join(pair.shared) or NONE, share(pair.probability))
        for pair in pairs
    )
    return Table(("world", "one", "other", "shared", "probability"), tuple(rows), numbers_from=4)


def _worst(method: MethodFigures) -> Iterator[str]:
    """The worst pairs of a method that says how sure it is of them."""
    if method.calibration is None:
        return
    for title, pairs in (("False", method.false), ("Missed", method.missed)):
        if pairs:
            yield f"{title} pairs of {method.method}:"
            yield worst_table(pairs).markdown()


def _method_row(method: MethodFigures) -> tuple[str, ...]:
    calibration = method.calibration
    return (
        method.method,
        f"{method.setting:g}" if method.setting else NONE,
        *_cells(method.pairs),
        *_cells(method.b_cubed),
        f"{method.clusters:,}",
        f"{method.largest:,}",
        f"{calibration.links:,}" if calibration else NONE,
        share(calibration.error) if calibration else NONE,
    )


def _cells(score: Score) -> tuple[str, str, str]:
    return share(score.precision), share(score.recall), share(score.f1)


def _band(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return f"{low}" if low == high else f"{low} to {high}"


def share(value: float) -> str:
    """A share, 0-1, with three digits; a dash where there is none."""
    return NONE if math.isnan(value) else f"{value:.3f}"
