"""`imagematch index`: a folder of photos into an index."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

import imagematch
from imagematch.cli.options import (
    ANY_PATH,
    actor_option,
    allow_lost_option,
    index_option,
    json_option,
)
from imagematch.cli.outcomes import add_and_show
from imagematch.presets import PRESETS
from imagematch.settings import DEFAULTS

#: Shown below the options.
_PRESETS_HELP = "\b\nPresets:\n" + "\n".join(
    f"  {name:10}{preset.about}" for name, preset in PRESETS.items()
)


@click.command("index", epilog=_PRESETS_HELP)
@click.argument("folder", type=ANY_PATH)
@index_option
@click.option(
    "--collection",
    metavar="NAME",
    default="ads",
    show_default=True,
    help="Collection that the photos go into.",
)
@click.option(
    "--manifest",
    type=ANY_PATH,
    metavar="FILE",
    help="CSV or JSONL that says more about the files (URL, phone, time): docs/manifest.md.",
)
@click.option("--no-manifest", is_flag=True, help="Leave the manifest of the last run, too.")
@click.option(
    "--site-from-path/--no-site-from-path",
    default=None,
    help="Take the site from the first folder below FOLDER, and the profile from the second.",
)
@click.option(
    "--identifier",
    "columns",
    metavar="COLUMN=KIND",
    multiple=True,
    help="A further column of the manifest that holds a phone, email, handle, url, host, crypto or "
    "other identifier; may be given several times.",
)
@click.option(
    "--no-identifiers", is_flag=True, help="Leave the --identifier options of the last run, too."
)
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="How thorough a new index is, see below; it writes settings into the index's "
    "settings.toml. An existing index keeps its own, and changes to one with the same model "
    f"at once.  [default: {DEFAULTS.describe.preset}]",
)
@click.option(
    "--redescribe",
    is_flag=True,
    help="Change an existing index to --preset, and describe every photo again; photos whose "
    "files are gone can't be found any more.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try all failed files again, not only those that failed for a passing reason.",
)
@click.option(
    "--reread",
    is_flag=True,
    help="Read every file again, to find those that were changed and look as before.",
)
@allow_lost_option
@actor_option
@json_option
def index_command(
    folder: Path,
    directory: Path,
    collection: str,
    manifest: Path | None,
    no_manifest: bool,
    site_from_path: bool | None,
    columns: tuple[str, ...],
    no_identifiers: bool,
    preset: str | None,
    redescribe: bool,
    retry_failed: bool,
    reread: bool,
    allow_lost: bool,
    actor: str,
    as_json: bool,
) -> None:
    """Index the photos in FOLDER and match them with all that is known.

    Run it again whenever the folder has changed: only new and changed files are read. A run that
    was stopped or killed goes on where it was. Files are only read, never changed. What says where
    a folder's photos are from (--manifest, --site-from-path, --identifier) is remembered until it
    is changed.

    \b
    Examples:
      imagematch index ads/ --site-from-path
      imagematch index ads/ --manifest ads.csv --index cases/north
    """
    if manifest is not None and no_manifest:
        raise click.UsageError("--manifest and --no-manifest exclude each other")
    identifiers = _marked(columns) if columns or no_identifiers else None
    with imagematch.open(directory, create=True, actor=actor) as index:
        add = partial(
            index.add,
            folder,
            collection=collection,
            manifest=manifest,
            no_manifest=no_manifest,
            site_from_path=site_from_path,
            identifiers=identifiers,
            preset=preset,
            redescribe=redescribe,
            retry_failed=retry_failed,
            reread=reread,
            allow_lost=allow_lost,
            purpose=f"imagematch index {folder}",
        )
        add_and_show(directory, add, as_json=as_json)


def _marked(columns: Sequence[str]) -> dict[str, str]:
    """Columns with their kinds, as they were typed; the column may hold a `=`."""
    found = {}
    for column in columns:
        name, equals, kind = column.rpartition("=")
        if not equals:
            raise click.BadParameter(
                f"{column!r} has no kind; wanted COLUMN=KIND, such as telegram=handle",
                param_hint="--identifier",
            )
        found[name] = kind.strip()
    return found
