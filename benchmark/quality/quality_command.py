"""`python -m benchmark quality`: how well does imagematch do on my photos?"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmark.options import folder_argument, out_option, repeating, seed_option
from benchmark.output.result_folder import left_out, prepare
from benchmark.quality import data, figures, quality_results, quality_run, quality_tables
from benchmark.quality.cases import Benchmark
from benchmark.quality.figures import Figures
from benchmark.quality.quality_run import ALL_METHODS, BACKWARDS, QualityRequest
from benchmark.quality.suite import REPORTING, TUNING
from imagematch import formatting
from imagematch.amounts import counted
from imagematch.cli.console import say, watching, write_json
from imagematch.cli.options import ANY_PATH, json_option
from imagematch.reports import json as json_report

_DEFAULTS = QualityRequest(Path())

#: Options that have a say in the figures.
_MEASURED = ("half", "queries", "seed", "labelled", "hard_pairs", "methods")

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


@click.command("quality")
@folder_argument
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
@seed_option(_DEFAULTS.seed)
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
@out_option
@click.option(
    "--keep-pictures", is_flag=True, help="Keep the pictures that were made, in pictures there."
)
@json_option
def quality_command(
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
) -> None:
    """Measure how well edited copies of the photos in FOLDER are found.

    Copies are made as people make them who repost photos: cropped, mirrored, marked, in collages
    and screenshots. imagematch looks them up, and so do the methods that one would pick instead.
    Some photos are held back, so that their copies must find nothing, and pairs that merely look
    alike must not pass as copies. FOLDER is only read. With 2,000 photos, all of it takes some
    hours on two cores; name a few --methods and --queries for a first look.

    \b
    Examples:
      python -m benchmark quality photos
      python -m benchmark quality photos --methods phash,balanced --queries 200 --hard-pairs 200
    """
    kept_pictures = out / "pictures" if keep_pictures else None
    prepare(out, folder, kept_pictures)
    request = QualityRequest(
        folder,
        half,
        queries,
        seed,
        labelled,
        hard_pairs,
        methods,
        repeating(click.get_current_context(), _MEASURED),
        leave_out=left_out(out, folder),
    )
    with (
        watching(quiet=as_json, kept="A measurement starts anew each time.") as watch,
        _folders(kept_pictures) as (pictures, scratch),
    ):
        measured = quality_run.run(request, pictures, scratch, watch)
        watch.stage("Writing results", None)
        made = figures.measure(measured)
        date = datetime.now(UTC).isoformat(timespec="seconds")
        files = quality_results.write(measured, made, out, date=date, seed=seed)
    for note in quality_run.notes(request, measured):
        say(note)
    if as_json:
        write_json(json_report.dumps(data.summary(measured, made, date=date, seed=seed), indent=2))
    else:
        _show(made)
    say(f"Wrote {', '.join(path.name for path in files)} to {out}")
    _end(measured)


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
    sections = [
        ("Methods", quality_tables.uncertainty(made), quality_tables.methods_table(made.methods))
    ]
    if made.backwards:
        about = "Edited pictures indexed, originals asked."
        sections.append(
            ("The other way round", about, quality_tables.methods_table([made.backwards]))
        )
    if made.edits:
        about = "Copies found at 99 % precision over all."
        sections.append(("Edits", about, quality_tables.edits_table(made)))
    if made.hard:
        about = "Pairs that look alike and are no copies."
        sections.append(("Hard pairs", about, quality_tables.hard_table(made)))
    click.echo(
        "\n\n".join(f"{title}: {about}\n\n{table.text()}" for title, about, table in sections)
    )


def _end(measured: Benchmark) -> None:
    """Name what could not be used, which decides on the exit code."""
    if not measured.failed:
        return
    say(f"{counted(len(measured.failed), 'file')} could not be used:")
    for path, failure in measured.failed[:_LISTED]:
        say(f"  {path}: {formatting.failure(failure)}")
    if len(measured.failed) > _LISTED:
        say(f"  ... and {len(measured.failed) - _LISTED} more; benchmark.json lists all")
    raise click.exceptions.Exit(1)
