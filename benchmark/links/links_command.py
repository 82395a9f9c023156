"""`python -m benchmark links` and `relink`: how well do clusters find operators?"""

import shlex
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmark.links import items, link_figures, link_results, link_tables, links_run
from benchmark.links.items import Measured
from benchmark.links.link_figures import EVIDENCE, MethodFigures
from benchmark.links.linkers import named
from benchmark.links.links_run import LinksRequest
from benchmark.options import folder_argument, out_option, repeating
from benchmark.output.result_folder import left_out, prepare
from benchmark.quality.suite import REPORTING, TUNING
from imagematch.cli.console import say, watching, write_json
from imagematch.cli.options import ANY_PATH, Decorator, json_option
from imagematch.errors import UsageError
from imagematch.presets import PRESETS
from imagematch.reports import json as json_report

_DEFAULTS = LinksRequest(Path())

#: Options that have a say in the figures.
_MEASURED = ("tune", "seeds", "preset", "peers")

#: Where the items of worlds are kept, in the folder of results.
_ITEMS = "items"


def _seeds(_context: click.Context, _option: click.Parameter, text: str) -> tuple[int, ...]:
    """Different numbers from 0 on, in the order given."""
    try:
        seeds = tuple(dict.fromkeys(int(one) for one in text.split(",") if one.strip()))
    except ValueError:
        seeds = ()
    if not seeds or min(seeds) < 0:
        raise click.BadParameter(f"{text!r} are no seeds; wanted numbers from 0 on, as 1,2,3")
    return seeds


peers_option: Decorator = click.option(
    "--peers",
    type=ANY_PATH,
    metavar="FOLDER",
    help="Environment that Splink is installed in, from benchmark-requirements.lock.",
)


@click.command("links")
@folder_argument
@click.option(
    "--seeds",
    metavar="N,N,...",
    default=",".join(map(str, _DEFAULTS.seeds)),
    show_default=True,
    callback=_seeds,
    help="Of the worlds that are reported; each takes some minutes.",
)
@click.option(
    "--tune",
    metavar="N,N,...",
    default=",".join(map(str, _DEFAULTS.tune)),
    show_default=True,
    callback=_seeds,
    help="Of the worlds that methods are tuned on, which are made of the other half of the photos.",
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    default=_DEFAULTS.preset,
    show_default=True,
    help="That imagematch looks at the pictures with.",
)
@peers_option
@out_option
@json_option
def links_command(
    folder: Path,
    seeds: tuple[int, ...],
    tune: tuple[int, ...],
    preset: str,
    peers: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure how well clusters find the operators of worlds that are made of the photos in FOLDER.

    A world has operators with 2 to 25 profiles on several sites, independents, edited and stolen
    photos, placeholders, stock photos, a hotline, and contacts that are missing or typed in many
    ways. What is chosen is chosen on some worlds and photos, and reported on others. FOLDER is only
    read. The items of each world are kept in the folder items of the results, for `relink`.

    \b
    Examples:
      python -m benchmark links photos
      python -m benchmark links photos --tune 0,1 --seeds 2,3,4 --peers .venv-bench
    """
    prepare(out, folder, None)
    request = LinksRequest(folder, tune, seeds, preset, peers, left_out(out, folder))
    command = repeating(click.get_current_context(), _MEASURED)
    more = links_run.peers(peers)
    with (
        watching(quiet=as_json, kept="A measurement starts anew each time.") as watch,
        tempfile.TemporaryDirectory(prefix="imagematch-bench-") as scratch,
    ):
        tuning, reporting = links_run.run(request, out / _ITEMS, Path(scratch), watch)
        watch.stage("Tuning and scoring methods", None)
        figures = link_figures.measure(tuning, reporting, more)
    _finish(figures, tuning, reporting, out, command, as_json=as_json)
    for note in links_run.notes(reporting, more):
        say(note)


@click.command("relink")
@click.argument("worlds", type=ANY_PATH, nargs=-1, required=True)
@click.option(
    "--method",
    "methods",
    metavar="MODULE:FUNCTION",
    multiple=True,
    help="A method of your own: a function that takes items and a setting. May be repeated.",
)
@peers_option
@out_option
@json_option
def relink_command(
    worlds: tuple[Path, ...],
    methods: tuple[str, ...],
    peers: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure how well methods do on WORLDS that `links` kept: files, or folders of them.

    No picture is made or looked at, so that it takes seconds.

    \b
    Examples:
      python -m benchmark relink bench/items
      python -m benchmark relink bench/items --method my_package.my_module:group
    """
    files = [file for path in worlds for file in _files(path)]
    more = [*links_run.peers(peers), *map(named, methods)]
    prepare(out, Path(worlds[0]), None)
    seen = [items.load(file) for file in files]
    tuning, reporting = (links_run.of_half(seen, half) for half in (TUNING, REPORTING))
    if not reporting:
        raise UsageError(f"there is no reporting world among {len(files)}; name one as well")
    figures = link_figures.measure(tuning, reporting, more)
    words = ["python", "-m", "benchmark", "relink", *map(str, worlds)]
    words += [word for method in methods for word in ("--method", method)]
    _finish(figures, tuning, reporting, out, shlex.join(words), as_json=as_json)


def _files(path: Path) -> list[Path]:
    """The worlds of a folder, or a file as it is."""
    found = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not found:
        raise UsageError(f"{path} holds no worlds; name a folder items that `links` wrote")
    return found


def _finish(
    figures: Sequence[MethodFigures],
    tuning: Sequence[Measured],
    reporting: Sequence[Measured],
    out: Path,
    command: str,
    *,
    as_json: bool,
) -> None:
    """Write the files, and show the figures."""
    date = datetime.now(UTC).isoformat(timespec="seconds")
    files = link_results.write(figures, tuning, reporting, out, command=command, date=date)
    if as_json:
        made = link_results.data(figures, tuning, reporting, command=command, date=date)
        write_json(json_report.dumps(made, indent=2))
    else:
        click.echo("\n\n".join(_shown(figures)))
    say(f"Wrote {', '.join(path.name for path in files)} to {out}")


def _shown(figures: Sequence[MethodFigures]) -> list[str]:
    """The main tables."""
    parts = []
    for evidence in EVIDENCE:
        mine = link_tables.of(figures, evidence)
        parts += [
            f"{evidence.capitalize()}:",
            link_tables.methods_table(mine).text(),
            link_tables.bands_table(mine).text(),
        ]
    return parts
