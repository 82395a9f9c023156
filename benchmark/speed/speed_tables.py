"""What the speed benchmark measured as tables, and as a Markdown page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from benchmark.output.table import NONE, Table, milliseconds
from benchmark.speed import fits
from benchmark.speed.fits import FAR
from benchmark.speed.measurements import (
    Growth,
    Held,
    Speed,
    Steps,
    Throughput,
    Unchanged,
    UnderLoad,
    step_names,
)
from benchmark.speed.scale import ScalePoint
from benchmark.speed.throughput import title
from imagematch import __version__, formatting
from imagematch.settings import DEFAULTS

_THROUGHPUT = """\
Whole processes from start to end, wall clock. The contenders take turns: each round runs them all
once, and what is shown is the median round. An untimed round before fills the caches and watches
memory: the most that all processes of a contender take together, with shared pages shared out
(PSS) where the system tells. imagematch stores and matches what it computes, each time into a new
index. **Bare kernels** are the very functions that its workers ran, on the same photos in as many
processes, with no scan, catalogue, vectors or search around them and nothing kept; with **pairs**,
they verify the same pairs, too. Processor time is that of all processes together."""

_RATIOS = """\
How many times as many photos a second the first does as the second: the median over the rounds,
and the range. Targets are for two cores and photos of about 500 px."""

_STEPS = """\
Processor time of each step of indexing one photo, of all photos in one process on one thread, after
a first run that loads the model. A step inside another one counts for itself alone."""

_PEAKS = """\
The most memory of all processes together while so many photos are indexed into a new index."""

_UNCHANGED = """\
A tree of tiny files is indexed, then `imagematch reindex` and `find TREE -printf '%s %T@ %p\\n'`,
which only lists it, take turns on it; then some of its files get other names, or other times."""

_BUSY = """\
The same photos are asked for again and again, each time of the index opened anew, by workers that
are running: once at rest, and once while `imagematch reindex` describes other photos into it, whose
workers stand back (`workers.nice`). Twice as long is allowed."""

_HELD = """\
The same photos are asked for again and again: by a command for each, compared with a process that
only loads the libraries that any such program needs, and by threads of one process that keeps the
index open, compared with as many threads at rest. Twice is allowed of both."""

_SEARCH = """\
Made-up fingerprints that resemble those of the folder's photos, and copies of some of them to look
for. "Copies" are found by embedding or hash, once as deep as a query looks and once as indexing
does; the others are of the exact ten nearest embeddings: those that are candidates, being nearer
than what has nothing to do with the query, and all."""

_GROWTH = """\
Exponents are of a straight line through the logarithms: 1 grows as the number of photos does, 0
not at all. "Last step" is that between the two largest sizes."""

_FAR = """\
Nothing of this was measured: it goes on from the largest size that was, with the larger one of both
exponents. Read it as an order of magnitude."""


# --- a whole page --------------------------------------------------------------------------------


def document(speed: Speed, *, date: str, images: Sequence[tuple[str, str]] = ()) -> str:
    """The text of a page like docs/performance.md.

    Args:
        date: of the run, ISO 8601.
        images: what each plot shows, and its address as seen from the page.
    """
    return "\n\n".join(_page(speed, date, images)) + "\n"


def _page(speed: Speed, date: str, images: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield "# Speed"
    yield "How fast imagematch is beside other tools, and how its costs grow."
    yield f"    {formatting.printable(speed.command)}"
    yield _about(speed, date).markdown()
    yield from (f"![{alt}]({address})" for alt, address in images)
    for heading, about, table in sections(speed):
        yield f"## {heading}\n\n{about}" if about else f"## {heading}"
        yield table.markdown()


def sections(speed: Speed) -> Iterator[tuple[str, str, Table]]:
    """Heading, what it is, and the table, of everything that was measured."""
    for one in speed.throughput:
        photos = one.photos
        of = f"{photos.count:,} photos of {photos.megapixels:.2f} megapixels"
        about = f"{of} and {photos.megabytes:.2f} MB on average. {_THROUGHPUT}"
        yield f"Throughput, {photos.name}", about, throughput_table(one)
        yield f"Ratios, {photos.name}", _RATIOS, ratios_table(one)
    if speed.steps:
        yield "Where time goes", _STEPS, steps_table(speed.steps)
    if speed.peaks:
        yield "Memory", _PEAKS, peaks_table(speed)
    if speed.unchanged:
        yield "Nothing changed", _UNCHANGED, unchanged_table(speed.unchanged)
    if speed.busy:
        yield "Queries during a reindex", _BUSY, busy_table(speed.busy)
    if speed.held:
        yield "An index that stays open", _HELD, held_table(speed.held)
    if speed.search:
        yield "What search finds", _SEARCH, search_table(speed.search)
    if speed.growth:
        yield "Scale", _GROWTH, growth_table(speed.growth)
    if rows := fits.far(speed, title(DEFAULTS.describe.preset)):
        yield "On paper", _FAR, far_table(rows)


def _about(speed: Speed, date: str) -> Table:
    peers = ", ".join(f"{name} {version}" for name, version in speed.peers.items())
    rows = (
        ("date", date),
        ("imagematch", __version__),
        ("machine", speed.machine),
        ("worker processes", str(speed.workers)),
        ("peers", peers or "not installed"),
        ("folder", formatting.printable(speed.folder)),
        ("rounds", str(speed.rounds)),
    )
    return Table(("", "what"), rows, numbers_from=2)


# --- tables --------------------------------------------------------------------------------------


def throughput_table(one: Throughput) -> Table:
    """One line a contender."""
    rows = tuple(
        (
            timed.name,
            timed.note or number(median(timed.seconds) if timed.seconds else math.nan),
            number(min(timed.seconds, default=math.nan)),
            number(timed.rate),
            milliseconds(timed.each),
            amount(timed.peak, "bytes"),
            amount(timed.written, "bytes") if timed.written else NONE,
        )
        for timed in one.timed
    )
    heads = ("seconds", "fastest round", "photos a second", "ms of processor a photo")
    return Table(("", *heads, "memory", "written"), rows)


def ratios_table(one: Throughput) -> Table:
    """One line a pair of contenders."""
    rows = tuple(
        (
            ratio.of,
            ratio.to,
            number(ratio.value),
            NONE if math.isnan(ratio.value) else f"{ratio.low:.2f}–{ratio.high:.2f}",
            f"≥ {ratio.target:g}" if ratio.target else NONE,
            NONE if ratio.met is None else ("yes" if ratio.met else "no"),
        )
        for ratio in one.ratios
    )
    return Table(("photos a second of", "over", "ratio", "rounds", "target", "met"), rows, 2)


def steps_table(steps: Sequence[Steps]) -> Table:
    """One line a step, with its share of each preset's time."""
    names = step_names(steps)
    head = [cell for one in steps for cell in (f"{one.preset}, ms", "share")]
    rows = [
        (name, *(cell for one in steps for cell in _step_cells(one, one.seconds.get(name, 0.0))))
        for name in names
    ]
    totals = (_step_cells(one, sum(one.seconds.values())) for one in steps)
    rows.append(("all", *(cell for cells in totals for cell in cells)))
    return Table(("a photo", *head), tuple(rows), totals=True)


def _step_cells(steps: Steps, seconds: float) -> tuple[str, str]:
    total = sum(steps.seconds.values())
    if not steps.photos or not total:
        return NONE, NONE
    return f"{seconds / steps.photos * 1000:.2f}", f"{seconds / total:.1%}"


def peaks_table(speed: Speed) -> Table:
    """One line a number of photos, one column a preset."""
    presets = list(dict.fromkeys(peak.preset for peak in speed.peaks))
    by_size: dict[int, dict[str, float]] = {}
    for peak in speed.peaks:
        by_size.setdefault(peak.photos, {})[peak.preset] = peak.bytes
    rows = tuple(
        (f"{size:,}", *(amount(found.get(preset, math.nan), "bytes") for preset in presets))
        for size, found in sorted(by_size.items())
    )
    return Table(("photos", *presets), rows, 0)


def unchanged_table(unchanged: Unchanged) -> Table:
    """One line a way in which the tree has changed."""
    rows = [
        ("indexed for the first time", f"{unchanged.files:,}", number(unchanged.first), NONE),
        ("listed by `find`", NONE, number(_middle(unchanged.find)), "1"),
    ]
    for one in unchanged.passes:
        ratio = _middle(one.seconds) / _middle(unchanged.find)
        rows.append((one.what, f"{one.changed:,}", number(_middle(one.seconds)), number(ratio)))
    name = f"{unchanged.files:,} files"
    return Table((name, "changed files", "seconds", "times `find`"), tuple(rows))


def busy_table(busy: UnderLoad) -> Table:
    """One line at rest, one while the index is written to."""
    rows = []
    for name, one in (("at rest", busy.idle), ("during a reindex", busy.busy)):
        times = (one.p50 / busy.idle.p50, one.p99 / busy.idle.p99)
        cells = (milliseconds(one.p50), milliseconds(one.p99), *map(number, times))
        rows.append((name, str(one.queries), *cells))
    heads = ("queries", "median, ms", "99 of 100, ms", "times at rest", "of 99 of 100")
    return Table(("a query", *heads), tuple(rows))


def held_table(held: Held) -> Table:
    """One line for each way to ask."""
    rows = [
        (
            "a first query, its process",
            "",
            milliseconds(held.cold),
            number(held.cold / held.imports),
        ),
        ("a process that only loads libraries", "", milliseconds(held.imports), "1"),
    ]
    for name, one, against in (
        ("held, one thread", held.alone, held.alone),
        ("held, four threads", held.together, held.together),
        (
            f"the same, with photos added and {held.decisions:,} decisions",
            held.beside,
            held.together,
        ),
    ):
        times = number(one.p50 / against.p50)
        rows.append((name, str(one.queries), milliseconds(one.p50), times))
    return Table(("a query", "queries", "median, ms", "times"), tuple(rows))


def search_table(points: Sequence[ScalePoint]) -> Table:
    """One line a size: which share is found, and how."""
    rows = tuple(
        (
            f"{point.photos:,}",
            *(
                f"{share:.3f}"
                for share in (
                    point.deep.copies,
                    point.shallow.copies,
                    point.deep.candidates,
                    point.shallow.candidates,
                    point.deep.neighbours,
                )
            ),
            _how(point.searches),
        )
        for point in points
    )
    heads = ("copies, query", "copies, indexing", "candidates, query", "candidates, indexing")
    return Table(("photos", *heads, "all ten, query", "how"), rows)


def _how(searches: Mapping[str, str]) -> str:
    if len(set(searches.values())) == 1:
        return next(iter(searches.values()))
    names = {"float": "embeddings", "binary": "hashes"}
    return "; ".join(f"{names.get(kind, kind)}: {how}" for kind, how in searches.items())


def growth_table(growth: Sequence[Growth]) -> Table:
    """One line a cost, one column a size, and how it grows."""
    sizes = sorted({size for one in growth for size in one.sizes})
    rows = []
    for one in growth:
        values = dict(zip(one.sizes, one.values, strict=True))
        cells = (_with_target(one, size, values.get(size, math.nan)) for size in sizes)
        fit = fits.power(one)
        exponents = (f"{fit.exponent:.2f}", f"{fit.last:.2f}") if fit else (NONE, NONE)
        rows.append((one.name, *cells, *exponents))
    head = (f"{size:,} photos" for size in sizes)
    return Table(("", *head, "exponent", "last step"), tuple(rows))


def _with_target(growth: Growth, size: int, value: float) -> str:
    """A value, marked where it misses a target."""
    text = amount(value, growth.unit)
    target = growth.target.get(size)
    if target is None or math.isnan(value):
        return text
    return f"{text} ({'≤' if value <= target else 'not ≤'} {amount(target, growth.unit)})"


def far_table(rows: Sequence[fits.Far]) -> Table:
    """One line a cost, one column a size."""
    head = (f"{size:,} photos" for size in FAR)
    return Table(
        ("", *head, "from"),
        tuple(
            (row.name, *(amount(value, row.unit) for value in row.values), row.how) for row in rows
        ),
    )


# --- cells ---------------------------------------------------------------------------------------


def number(value: float) -> str:
    """Three significant digits, or the whole number of a larger one."""
    if math.isnan(value):
        return NONE
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


_BYTES = ("bytes", "kB", "MB", "GB", "TB", "PB")


def amount(value: float, unit: str) -> str:
    """A value with its unit, in the one that reads best."""
    if math.isnan(value):
        return NONE
    if unit == "bytes":
        power = min(len(_BYTES) - 1, int(math.log10(value) // 3) if value >= 1 else 0)
        return f"{number(value / 1000**power)} {_BYTES[power]}"
    if unit == "s" and value >= 2 * 3600:
        value, unit = value / 3600, "h"
    if unit == "h" and value >= 48:
        value, unit = value / 24, "days"
    return f"{number(value)} {unit}".rstrip()


def _middle(values: Sequence[float]) -> float:
    return median(values) if values else math.nan
