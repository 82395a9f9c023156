"""The figures of a run as tables: in a Markdown document, or in a terminal."""

import math
from collections.abc import Iterator, Sequence

from benchmark.output.table import NONE, Table, milliseconds
from benchmark.quality.cases import Benchmark
from benchmark.quality.figures import (
    COMMON_PRECISION,
    DISMISSED,
    PRECISIONS,
    CalibrationError,
    Figures,
    HardFigures,
    MethodFigures,
    percent,
)
from benchmark.quality.metrics import Bin, FalseCopies, wilson_interval
from imagematch import __version__, formatting

_METHODS = """\
Every method answers the same queries. **µAP** and **R@1** are as in DISC21 (Douze et al. 2021): µAP
sorts the answers to all queries by score into one list, so that an answer to a query without an
original costs as much as any other; R@1 is the share of copies whose original ranks first. **Recall
at a precision** is the largest share of copies that any one threshold finds while that many of the
accepted answers are true; at 100 %, before the first false one. **Shown** is the share of copies
whose original imagematch shows a user by default, **false copies** are queries without an original
for which it shows one, and **wrong photos** those shown for the other queries. Of none, the true
share may still be as high as the figure in brackets (95 %). Equal scores count against a method:
false answers go first. Shares are cut, not rounded up. Times are processor time of all processes
together, as if on one core, without starting them and loading models: a larger run's, less a small
one's, over the difference in photos or queries. "At indexing" means that the edited pictures are
not asked but indexed after the originals, and what is stored counts: weaker candidates are gone by
then, so that its recalls end where imagematch stops showing copies."""

_BACKWARDS = """\
Asked the other way round: the edited pictures are indexed, and the untouched photos are looked up;
there, finding one picture that was made of the photo is a copy. Other pictures of the same photo
count neither way."""

_EDITS = f"""\
Share of the copies found at {percent(COMMON_PRECISION)} precision. Each method has one threshold,
set over all queries together, so that no edit gets a threshold of its own."""

_HARD = """\
Pairs that look alike and are not copies, judged by imagematch as a search would, had it proposed
them. Any that comes out as `copy`, `part` or `exact` is an error; at so many pairs, the true share
of errors may be as high as in the column "at most" (95 %). A `scene` is right where the two show
one place, else it is unfounded."""

_RELIABILITY = f"""\
Whether a confidence of 0.9 means that nine in ten are copies. The expected calibration error is the
mean gap between confidence and truth in ten bins, of equally many answers or of equal width. The
second three figures leave out what imagematch dismisses (confidence below {DISMISSED:g}): most
candidates are rightly dismissed and would make any error look small."""


# --- a whole page --------------------------------------------------------------------------------


def document(
    benchmark: Benchmark,
    figures: Figures,
    *,
    date: str,
    seed: int,
    images: Sequence[tuple[str, str]] = (),
) -> str:
    """The text of a page like docs/benchmark.md.

    Args:
        date: of the run, ISO 8601.
        images: what each plot shows, and its address as seen from the page.
    """
    return "\n\n".join(_sections(benchmark, figures, date, seed, images)) + "\n"


def _sections(
    benchmark: Benchmark,
    figures: Figures,
    date: str,
    seed: int,
    images: Sequence[tuple[str, str]],
) -> Iterator[str]:
    yield "# Benchmark"
    yield "How well imagematch finds edited copies, beside the methods that one would pick instead."
    yield f"    {formatting.printable(benchmark.command)}"
    yield _about(benchmark, figures, date, seed).markdown()
    yield f"## Methods\n\n{_METHODS}"
    yield uncertainty(figures)
    yield methods_table(figures.methods).markdown()
    if figures.backwards:
        yield _BACKWARDS
        yield methods_table([figures.backwards]).markdown()
    yield from (f"![{alt}]({address})" for alt, address in images)
    yield f"## Edits\n\n{_EDITS}"
    yield edits_table(figures).markdown()
    if figures.hard:
        yield f"## Hard pairs\n\n{_HARD}"
        yield hard_table(figures).markdown()
    calibrated = [method for method in figures.methods if method.reliability is not None]
    if calibrated:
        yield f"## Confidence\n\n{_RELIABILITY}"
        yield calibration_table(figures).markdown()
        yield "What the named bands are worth, with the range that chance allows (95 %):"
        yield bands_table(figures).markdown()
    for method in calibrated:
        yield f"Confidence against truth, {method.method}:"
        yield reliability_table(method).markdown()


def _about(benchmark: Benchmark, figures: Figures, date: str, seed: int) -> Table:
    rows = (
        ("date", date),
        ("imagematch", __version__),
        ("machine", benchmark.machine),
        ("photos", f"{benchmark.photos:,} indexed, of the folder {benchmark.folder.name!r}"),
        ("queries", f"{figures.wanted:,} with an original, {figures.without:,} without"),
        ("hard pairs", f"{len(benchmark.hard):,}"),
        ("pairs of twins left out", f"{len(benchmark.twins):,}"),
        ("files that can't be used", f"{len(benchmark.failed):,}"),
        ("seed", str(seed)),
    )
    return Table(("", "what"), rows, numbers_from=2)


# --- tables --------------------------------------------------------------------------------------


def methods_table(methods: Sequence[MethodFigures]) -> Table:
    """One line a method."""
    # Never a line that begins with the sign.
    shares = (percent(least).replace(" ", "\u00a0") for least in PRECISIONS)
    recalls = (f"R at {least} precision" for least in shares)
    return Table(
        (
            "method",
            "µAP",
            "R@1",
            *recalls,
            "shown",
            "false copies",
            "wrong photos",
            "ms a photo",
            "ms a query",
        ),
        tuple(_method_row(method) for method in methods),
    )


def uncertainty(figures: Figures) -> str:
    """How many queries there are, and what chance alone may make of that, in a sentence."""
    queries = f"{figures.wanted:,} copies and {figures.without:,} queries without an original."
    if not figures.wanted:
        return queries
    low, high = wilson_interval(figures.wanted, 0.97)
    return f"{queries} With so many, a share of 0.970 may truly be {low:.3f} to {high:.3f} (95 %)."


def _method_row(method: MethodFigures) -> tuple[str, ...]:
    return (
        method.method,
        share(method.micro_ap),
        share(method.recall_first),
        *(share(method.points[least].recall) for least in PRECISIONS),
        share(method.shown.share) if method.shown else NONE,
        *_false_cells(method.false),
        milliseconds(method.seconds_photo),
        milliseconds(method.seconds_query),
    )


def _false_cells(false: FalseCopies | None) -> tuple[str, str]:
    if false is None:
        return NONE, NONE
    share_of_all = _digits(false.rate, 3)
    if false.without and not false.flagged:
        share_of_all = f"≤ {wilson_interval(false.without, 0)[1]:.3f}"
    return f"{false.flagged:,} of {false.without:,} ({share_of_all})", f"{false.wrong:,}"


def edits_table(figures: Figures) -> Table:
    """Recall of each edit by each method, and of all together."""
    rows = [
        (edit, f"{cases:,}", *(share(method.edits[edit].share) for method in figures.methods))
        for edit, cases in figures.edits.items()
    ]
    overall = (share(method.common.recall) for method in figures.methods)
    rows.append(("all", f"{figures.wanted:,}", *overall))
    names = (method.method for method in figures.methods)
    return Table(("edit", "cases", *names), tuple(rows), totals=True)


def hard_table(figures: Figures) -> Table:
    """What hard pairs came out as, by group."""
    rows = [_hard_row(one.group, _hard_counts(one), one.highest) for one in figures.hard]
    if rows:
        totals = [sum(counts) for counts in zip(*map(_hard_counts, figures.hard), strict=True)]
        rows.append(_hard_row("all", totals, max(one.highest for one in figures.hard)))
    return Table(
        (
            "group",
            "pairs",
            "copies (errors)",
            "at most",
            "scenes",
            "unfounded",
            "nothing",
            "highest",
        ),
        tuple(rows),
        totals=bool(rows),
    )


def _hard_counts(group: HardFigures) -> tuple[int, ...]:
    return group.pairs, group.copies, group.scenes, group.unfounded, group.nothing


def _hard_row(name: str, counts: Sequence[int], highest: float) -> tuple[str, ...]:
    pairs, copies, *others = counts
    most = wilson_interval(pairs, copies / pairs)[1]
    cells = (f"{pairs:,}", f"{copies:,}", f"{most:.3f}", *(f"{count:,}" for count in others))
    return (name, *cells, f"{highest:.3f}")


def calibration_table(figures: Figures) -> Table:
    """Expected calibration errors of the calibrated methods."""
    names = ("answers", "ECE, equal count", "ECE, equal width")
    rows = tuple(
        (
            method.method,
            *_error_cells(method.reliability.everything),
            *_error_cells(method.reliability.not_dismissed),
        )
        for method in figures.methods
        if method.reliability is not None
    )
    return Table(("method", *names, *(f"{name}, {DISMISSED:g} or more" for name in names)), rows)


def _error_cells(error: CalibrationError) -> tuple[str, ...]:
    return (
        f"{error.answers:,}",
        _digits(error.equal_count, 4),
        _digits(error.equal_width, 4),
    )


def bands_table(figures: Figures) -> Table:
    """How many claims of each named band are true."""
    rows = tuple(
        (method.method, name, f"{one.low:g} to {one.high:g}", *_measured(one))
        for method in figures.methods
        if method.reliability is not None
        for name, one in method.reliability.bands.items()
    )
    head = ("method", "band", "confidence", "claims", "precision", "95 % range")
    return Table(head, rows, numbers_from=3)


def _measured(one: Bin) -> tuple[str, str, str]:
    if not one.count:
        return "0", NONE, NONE
    low, high = wilson_interval(one.count, one.share)
    return f"{one.count:,}", share(one.share), f"{low:.3f}–{high:.3f}"


def reliability_table(method: MethodFigures) -> Table:
    """Confidence against truth of one calibrated method."""
    bins = method.reliability.bins if method.reliability is not None else ()
    return Table(
        ("confidence", "answers", "mean confidence", "truly the same"),
        tuple(
            (
                f"{one.low:.1f}–{one.high:.1f}",
                f"{one.count:,}",
                _digits(one.confidence, 3),
                _digits(one.share, 3),
            )
            for one in bins
        ),
    )


# --- cells ---------------------------------------------------------------------------------------


def share(value: float) -> str:
    """A share, 0-1, cut to three digits, so that only a perfect one reads 1.000."""
    if math.isnan(value):
        return NONE
    # By way of the decimal spelling, since 0.29 * 1000 may be a little less than 290.
    return f"{int(formatting.floored(value) * 10_000 + 0.5) // 10 / 1000:.3f}"


def _digits(value: float, digits: int) -> str:
    return NONE if math.isnan(value) else f"{value:.{digits}f}"
