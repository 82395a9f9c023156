"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from imagematch.settings import default_index

type Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

#: A path as it is, whatever bytes its name has.
ANY_PATH = click.Path(path_type=Path)

index_option: Decorator = click.option(
    "--index",
    "directory",
    type=ANY_PATH,
    default=default_index,
    show_default="indexes/default, or IMAGEMATCH_INDEX",
    help="Directory of the index.",
)

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object for programs."
)
