"""`imagematch bench`: how well, or how fast, does imagematch do on my photos?"""

import shlex
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from imagematch.amounts import counted
from imagematch.benchmark import data, figures, results, tables
from imagematch.benchmark import run as benchmark_run
from imagematch.benchmark.figures import Figures
from imagematch.benchmark.records import Benchmark
from imagematch.benchmark.run import ALL_METHODS, BACKWARDS, BenchRequest
from imagematch.benchmark.speed.run import SpeedRequest
from imagematch.benchmark.suite import REPORTING, TUNING
from imagematch.cli import speed
from imagematch.cli.console import say, watching, write_json
from imagematch.cli.options import ANY_PATH, json_option
from imagematch.reports import json as json_report
from imagematch.reports import shown

_DEFAULTS = BenchRequest(Path())

#: Options that have a say in the figures, and those that only match quality has.
_MEASURED = ("half", "queries", "seed", "labelled", "hard_pairs", "methods")
_QUALITY_ONLY = ("half", "queries", "labelled", "hard_pairs", "methods", "keep_pictures")

#: Files that can't be used and are named; benchmark.json has them all.
_LISTED = 20


def _methods(_context: click.Context, _option: click.Parameter, names: str) -> tuple[str, ...]:
    """The methods that are named, in the order of tables."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = ", ".join(name for name in wanted if name not in ALL_METHODS)
    if unknown:
        raise click.BadParameter(f"there is no {unknown}; there are {', '.join(ALL_METHODS)}")
    if set(wanted) <= {BACKWARDS}:
        raise click.BadParameter(f"name at least one method besides {BACKWARDS}")
    return tuple(name for name in ALL_METHODS if name in wanted)


@click.command("bench")
@click.argument("folder", type=ANY_PATH)
@click.option(
    "--half",
    type=click.Choice([REPORTING, TUNING]),
    default=_DEFAULTS.half,
    show_default=True,
    help="Half of the photos that queries are made of. Look at one half while you choose settings, "
    "and report what comes from the other.",
)
@click.option(
    "--queries",
    type=click.IntRange(1),
    metavar="N",
    default=_DEFAULTS.queries,
    show_default=True,
    help="Edited copies to look up; on top come a fifth as many with edits that leave little of a "
    "photo. 0.8 times as many queries have no original.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="N",
    default=_DEFAULTS.seed,
    show_default=True,
    help="Another one draws other queries.",
)
@click.option(
    "--labelled",
    type=ANY_PATH,
    metavar="FOLDER",
    help="Also judge pairs of photos of one place: its pairs.csv names them in the columns photo_a "
    "and photo_b.",
)
@click.option(
    "--hard-pairs",
    type=click.IntRange(0),
    metavar="N",
    default=_DEFAULTS.hard_pairs,
    show_default=True,
    help="Pairs that look alike and are no copies, to judge.",
)
@click.option(
    "--methods",
    metavar="A,B,...",
    default=",".join(ALL_METHODS),
    callback=_methods,
    help=f"Only some of {', '.join(ALL_METHODS)}.  [default: all]",
)
@click.option(
    "--out",
    type=ANY_PATH,
    metavar="FOLDER",
    default="bench",
    show_default=True,
    help="Where the tables, plots and pages go.",
)
@click.option(
    "--keep-pictures", is_flag=True, help="Keep the pictures that were made, in pictures there."
)
@json_option
@speed.speed_options
def bench_command(
    folder: Path,
    half: str,
    queries: int,
    seed: int,
    labelled: Path | None,
    hard_pairs: int,
    methods: tuple[str, ...],
    out: Path,
    keep_pictures: bool,
    as_json: bool,
    measure_speed: bool,
    **of_speed: Any,
) -> None:
    """Measure how well edited copies of the photos in FOLDER are found.

    Copies are made as people make them who repost photos: cropped, mirrored, marked, in collages
    and screenshots. imagematch looks them up, and so do the methods that one would pick instead.
    Some photos are held back, so that their copies must find nothing, and pairs that merely look
    alike must not pass as copies. FOLDER is only read. With 2,000 photos, all of it takes some
    hours on two cores; name a few --methods and --queries for a first look.

    With --speed, measure how fast photos are indexed instead, beside imagematch's bare kernels and
    the tools that one would pick instead, where the time goes, and how memory grows. Let the
    machine do nothing else meanwhile.

    \b
    Examples:
      imagematch bench photos
      imagematch bench photos --methods phash,balanced --queries 200 --hard-pairs 200
      imagematch bench photos --speed --peers .venv-bench
    """
    _check_options(click.get_current_context(), measure_speed=measure_speed)
    leave_out = () if folder.resolve().is_relative_to(out.resolve()) else (out,)
    if measure_speed:
        command = _command(click.get_current_context(), speed.MEASURED, "--speed")
        asked = SpeedRequest(folder, seed=seed, command=command, leave_out=leave_out, **of_speed)
        speed.measure(asked, out, as_json=as_json)
        return
    kept_pictures = out / "pictures" if keep_pictures else None
    results.prepare(out, folder, kept_pictures)
    request = BenchRequest(
        folder,
        half,
        queries,
        seed,
        labelled,
        hard_pairs,
        methods,
        _command(click.get_current_context(), _MEASURED),
        leave_out=leave_out,
    )
    with (
        watching(quiet=as_json, kept="A measurement starts anew each time.") as watch,
        _folders(kept_pictures) as (pictures, scratch),
    ):
        measured = benchmark_run.run(request, pictures, scratch, watch)
        watch.stage("Writing results", None)
        made = figures.measure(measured)
        date = datetime.now(UTC).isoformat(timespec="seconds")
        files = results.write(measured, made, out, date=date, seed=seed)
    for note in benchmark_run.notes(request, measured):
        say(note)
    if as_json:
        write_json(json_report.dumps(data.summary(measured, made, date=date, seed=seed), indent=2))
    else:
        _show(made)
    say(f"Wrote {', '.join(path.name for path in files)} to {out}")
    _end(measured)


def _check_options(context: click.Context, *, measure_speed: bool) -> None:
    """Refuse options of the half that is not measured, which would silently do nothing."""
    needless, remedy = (
        (_QUALITY_ONLY, "leave out --speed") if measure_speed else (speed.SPEED_ONLY, "add --speed")
    )
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "")
        if option.name in needless and given is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[0]} has no say here: {remedy}")


def _command(context: click.Context, measured: Collection[str], *flags: str) -> str:
    """What repeats the measurement: the folder, and options that differ from their defaults."""
    given = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in context.params.items()
    }
    words = ["imagematch", "bench", str(given["folder"]), *flags]
    for option in context.command.params:
        value = given.get(option.name or "")
        named = option.name in measured and value is not None
        if named and value != option.get_default(context):
            words += [option.opts[0], str(value)]
    return shlex.join(words)


@contextmanager
def _folders(kept: Path | None) -> Iterator[tuple[Path, Path]]:
    """Where pictures and all else go; gone at the end, but for pictures that are to be kept."""
    with tempfile.TemporaryDirectory(prefix="imagematch-bench-") as folder:
        scratch = Path(folder) / "work"
        pictures = kept or Path(folder) / "pictures"
        for made in (scratch, pictures):
            made.mkdir()
        yield pictures, scratch


def _show(made: Figures) -> None:
    """The main tables on stdout."""
    sections = [("Methods", tables.uncertainty(made), tables.methods_table(made.methods))]
    if made.backwards:
        about = "Edited pictures indexed, originals asked."
        sections.append(("The other way round", about, tables.methods_table([made.backwards])))
    if made.edits:
        about = "Copies found at 99 % precision over all."
        sections.append(("Edits", about, tables.edits_table(made)))
    if made.hard:
        about = "Pairs that look alike and are no copies."
        sections.append(("Hard pairs", about, tables.hard_table(made)))
    click.echo(
        "\n\n".join(f"{title}: {about}\n\n{table.text()}" for title, about, table in sections)
    )


def _end(measured: Benchmark) -> None:
    """Name what could not be used, which decides on the exit code."""
    if not measured.failed:
        return
    say(f"{counted(len(measured.failed), 'file')} could not be used:")
    for path, failure in measured.failed[:_LISTED]:
        say(f"  {path}: {shown.failure(failure)}")
    if len(measured.failed) > _LISTED:
        say(f"  ... and {len(measured.failed) - _LISTED} more; benchmark.json lists all")
    raise click.exceptions.Exit(1)
