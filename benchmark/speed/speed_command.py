"""`python -m benchmark speed`: how fast is imagematch on my photos, beside other tools?"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from benchmark.options import folder_argument, out_option, repeating, seed_option
from benchmark.output.result_folder import left_out, prepare
from benchmark.speed import processes, speed_results, speed_run, speed_tables
from benchmark.speed.speed_run import ALL_PARTS, SpeedRequest
from imagematch.cli.console import say, watching, write_json
from imagematch.cli.options import ANY_PATH, json_option
from imagematch.reports import json as json_report

_DEFAULTS = SpeedRequest(Path())

#: Options that have a say in the figures.
_MEASURED = ("peers", "parts", "photos", "large", "many", "rounds", "tree", "scale", "seed")

_LEAST_SCALE = 1000


def _parts(_context: click.Context, _option: click.Parameter, names: str) -> tuple[str, ...]:
    """The parts that are named, in the order of tables."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = ", ".join(name for name in wanted if name not in ALL_PARTS)
    if unknown or not wanted:
        known = ", ".join(ALL_PARTS)
        raise click.BadParameter(f"there is no {unknown or 'such part'}; there are {known}")
    return tuple(name for name in ALL_PARTS if name in wanted)


def _sizes(_context: click.Context, _option: click.Parameter, sizes: str) -> tuple[int, ...]:
    """Numbers of photos, ascending."""
    try:
        found = sorted({int(size) for size in sizes.split(",")})
    except ValueError as error:
        raise click.BadParameter(f"{sizes!r} is no list of numbers like 10000,100000") from error
    if found[0] < _LEAST_SCALE:
        raise click.BadParameter(f"fewer than {_LEAST_SCALE:,} photos tell nothing")
    return tuple(found)


@click.command("speed")
@folder_argument
@click.option(
    "--peers",
    type=ANY_PATH,
    metavar="FOLDER",
    help="Environment in which the tools to compare with are installed, from "
    "benchmark-requirements.lock. Without it, imagematch is compared with itself.",
)
@click.option(
    "--parts",
    metavar="A,B,...",
    default=",".join(ALL_PARTS),
    callback=_parts,
    help=f"Only some of {', '.join(ALL_PARTS)}.  [default: all]",
)
@click.option(
    "--photos",
    type=click.IntRange(1),
    metavar="N",
    default=_DEFAULTS.photos,
    show_default=True,
    help="Photos of FOLDER that throughput is measured on, evenly chosen.",
)
@click.option(
    "--large",
    type=click.IntRange(0),
    metavar="N",
    default=_DEFAULTS.large,
    show_default=True,
    help="12-megapixel photos, made from those of FOLDER, to measure it on, too.",
)
@click.option(
    "--many",
    type=click.IntRange(1),
    metavar="N",
    default=_DEFAULTS.many,
    show_default=True,
    help="Photos up to which memory is measured, made from windows of those of FOLDER.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    metavar="N",
    default=_DEFAULTS.rounds,
    show_default=True,
    help="How often all that is timed takes turns; tables show the median.",
)
@click.option(
    "--tree",
    type=click.IntRange(10),
    metavar="N",
    default=_DEFAULTS.tree,
    show_default=True,
    help="Small files in a tree that is looked at again, beside `find`.",
)
@click.option(
    "--scale",
    metavar="N,N,...",
    default=",".join(map(str, _DEFAULTS.scale)),
    show_default=True,
    callback=_sizes,
    help="Photos of the made-up indexes that show how costs grow.",
)
@seed_option(_DEFAULTS.seed)
@out_option
@json_option
def speed_command(folder: Path, seed: int, out: Path, as_json: bool, **measured: Any) -> None:
    """Measure how fast the photos in FOLDER are indexed.

    imagematch's presets, their bare kernels and the tools that one would pick instead take turns.
    Also measured: where the time goes, how memory and other costs grow, and what looking at an
    unchanged folder takes. FOLDER is only read. Let the machine do nothing else meanwhile.

    \b
    Examples:
      python -m benchmark speed photos
      python -m benchmark speed photos --peers .venv-bench --scale 10000,100000,1000000
    """
    prepare(out, folder, None)
    processes.require()
    command = repeating(click.get_current_context(), _MEASURED)
    request = SpeedRequest(
        folder, seed=seed, command=command, leave_out=left_out(out, folder), **measured
    )
    with (
        watching(quiet=as_json, kept="A measurement starts anew each time.") as watch,
        tempfile.TemporaryDirectory(prefix="imagematch-bench-") as scratch,
    ):
        speed = speed_run.run(request, Path(scratch), watch)
        watch.stage("Writing results", None)
        date = datetime.now(UTC).isoformat(timespec="seconds")
        files = speed_results.write(speed, out, date=date)
    if as_json:
        write_json(json_report.dumps(speed_results.data(speed, date=date), indent=2))
    else:
        parts = (
            f"{heading}\n\n{table.text()}" for heading, _, table in speed_tables.sections(speed)
        )
        click.echo("\n\n".join(parts))
    for note in notes(request, speed_run.missing(request)):
        say(note)
    say(f"Wrote {', '.join(path.name for path in files)} to {out}")


def notes(request: SpeedRequest, missing: tuple[str, ...]) -> list[str]:
    """What a reader has to know about the figures, in sentences."""
    if not missing or speed_run.THROUGHPUT not in request.parts:
        return []
    return [
        f"Not installed, so not compared with: {', '.join(missing)}. Make an environment from "
        "benchmark-requirements.lock, and name it with --peers; `make bench` does."
    ]
