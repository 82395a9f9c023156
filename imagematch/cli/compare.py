"""`imagematch compare`: do these two files show one photo?"""

from pathlib import Path

import click

import imagematch
from imagematch import formatting, presets, wording
from imagematch.cli.console import output, say, watching, write_json
from imagematch.cli.options import ANY_PATH, json_option
from imagematch.cli.outcomes import ask_to_report
from imagematch.records import Comparison
from imagematch.reports import drawings
from imagematch.reports import json as json_report
from imagematch.settings import DEFAULTS


@click.command("compare")
@click.argument("left", metavar="A", type=ANY_PATH)
@click.argument("right", metavar="B", type=ANY_PATH)
@click.option(
    "--preset",
    type=click.Choice(list(presets.PRESETS)),
    default=DEFAULTS.describe.preset,
    show_default=True,
    help="How much work to do, as for an index.",
)
@json_option
@click.option(
    "--explain",
    "explain_folder",
    type=ANY_PATH,
    metavar="FOLDER",
    help="Draw the pair there: both photos, the points that fit, the overlap, and why.",
)
def compare_command(
    left: Path, right: Path, preset: str, as_json: bool, explain_folder: Path | None
) -> None:
    """Compare two files: do both derive from one photograph?

    No index is needed, and nothing is stored. The pair is judged as a query of A would be where B
    is indexed, and shown with its evidence whether or not it is a match.

    \b
    Examples:
      imagematch compare photo.jpg other.jpg
      imagematch compare photo.jpg other.jpg --explain drawings
    """
    if explain_folder is not None:
        drawings.make_folder(explain_folder)
    with watching(quiet=as_json, kept="A comparison stores nothing.") as watch:
        watch.stage("compare", None)
        compared = imagematch.compare(left, right, preset=preset, progress=watch)
    drawn = None
    if explain_folder is not None and compared.judgement is not None:
        drawn = _draw(preset, compared, explain_folder)
    if as_json:
        write_json(json_report.dumps(compared.to_dict(), indent=2))
    else:
        _show(compared, drawn)
    if compared.judgement is None:
        if as_json:
            for line in _failures(compared):
                say(line)
        ask_to_report([file.failure for file in compared.failures])
        raise click.exceptions.Exit(1)


def _draw(preset: str, compared: Comparison, folder: Path) -> Path | None:
    drawing = imagematch.explain(compared, preset=preset)
    if drawing is None:
        say(f"no drawing of {compared.left} and {compared.right}: one is gone or can't be drawn")
        return None
    return drawings.save_drawing(folder, compared.left, compared.id, drawing)


def _show(compared: Comparison, drawn: Path | None) -> None:
    """Print the pair, what it is, and the reason below it."""
    console = output()

    def line(text: str, style: str | None = None) -> None:
        console.print(formatting.printable(text), style=style, markup=False)

    line(compared.left, "bold")
    line(compared.right, "bold")
    if compared.judgement is None:
        for text in _failures(compared):
            line(f"  {text}")
        return
    line(f"  {wording.comparison(compared)}")
    line(f"    {wording.sentence(compared.judgement, *wording.COMPARED)}")
    if drawn is not None:
        line(f"    Drawing: {drawn}")


def _failures(compared: Comparison) -> list[str]:
    return [
        f"failed: {f'{file.path}: ' if file.path else ''}{formatting.failure(file.failure)}"
        for file in compared.failures
    ]
