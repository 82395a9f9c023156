"""Options that both commands have, and the command line that repeats a measurement."""

import shlex
from collections.abc import Collection

import click

from imagematch.cli.options import ANY_PATH, Decorator

folder_argument: Decorator = click.argument("folder", type=ANY_PATH)

out_option: Decorator = click.option(
    "--out",
    type=ANY_PATH,
    metavar="FOLDER",
    default="bench",
    show_default=True,
    help="Where the results go.",
)


def seed_option(default: int) -> Decorator:
    """The seed of all that is drawn by chance."""
    return click.option(
        "--seed",
        type=click.IntRange(0),
        metavar="N",
        default=default,
        show_default=True,
        help="Another one draws other pictures.",
    )


def repeating(context: click.Context, measured: Collection[str]) -> str:
    """What repeats the measurement: the folder, and options that differ from their defaults.

    Args:
        measured: names of the options that have a say in the figures.
    """
    given = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in context.params.items()
    }
    words = ["python", "-m", "benchmark", str(context.command.name), str(given["folder"])]
    for option in context.command.params:
        value = given.get(option.name or "")
        named = option.name in measured and value is not None
        if named and value != option.get_default(context):
            words += [option.opts[0], str(value)]
    return shlex.join(words)
