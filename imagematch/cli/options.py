"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from imagematch.settings import default_index

type Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _AnyPath(click.Path):
    """A path as it is, whatever bytes its name has; an empty one is an unset variable."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


ANY_PATH = _AnyPath(path_type=Path)

index_option: Decorator = click.option(
    "--index",
    "directory",
    type=ANY_PATH,
    default=default_index,
    metavar="DIR",
    help="Directory of the index.  [default: IMAGEMATCH_INDEX or indexes/default]",
)

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object for programs."
)

actor_option: Decorator = click.option(
    "--actor",
    default="",
    metavar="NAME",
    help="Who does this, for the history and the audit log.  [default: the account's name]",
)

note_option: Decorator = click.option(
    "--note", default="", metavar="TEXT", help="Why; kept with the decision."
)

yes_option: Decorator = click.option(
    "--yes", is_flag=True, help="Do not ask, however many links that makes."
)

allow_lost_option: Decorator = click.option(
    "--allow-lost",
    is_flag=True,
    help="Go on although most known files are gone from FOLDER, as if a drive were unplugged.",
)
