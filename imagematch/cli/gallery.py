"""`imagematch gallery`: reference collections that ads are matched against."""

from functools import partial
from pathlib import Path

import click

import imagematch
from imagematch import formatting
from imagematch.amounts import agreeing, counted
from imagematch.cli.console import output, say, write_json
from imagematch.cli.options import (
    ANY_PATH,
    actor_option,
    allow_lost_option,
    index_option,
    json_option,
)
from imagematch.cli.outcomes import add_and_show
from imagematch.reports import json as json_report


@click.group("gallery")
def gallery_group() -> None:
    """Keep reference galleries: known cases, missing persons.

    Photos of a gallery are matched with all ads, those indexed later too. They link nobody;
    `imagematch link` shows the hits.

    \b
    Example:
      imagematch gallery add missing reference_photos/
    """


@gallery_group.command("add")
@click.argument("name")
@click.argument("folder", type=ANY_PATH)
@index_option
@click.option(
    "--manifest",
    type=ANY_PATH,
    metavar="FILE",
    help="CSV or JSONL that says more about the files: docs/manifest.md.",
)
@allow_lost_option
@actor_option
@json_option
def add_command(
    name: str,
    folder: Path,
    directory: Path,
    manifest: Path | None,
    allow_lost: bool,
    actor: str,
    as_json: bool,
) -> None:
    """Add the photos in FOLDER to gallery NAME.

    Run it again whenever the folder has changed. A gallery may have several folders.

    \b
    Example:
      imagematch gallery add missing reference_photos/
    """
    with imagematch.open(directory, create=True, actor=actor) as index:
        add = partial(
            index.add,
            folder,
            collection=name,
            gallery=True,
            manifest=manifest,
            allow_lost=allow_lost,
            purpose=f"imagematch gallery add {name}",
        )
        add_and_show(directory, add, as_json=as_json)


@gallery_group.command("list")
@index_option
@json_option
def list_command(directory: Path, as_json: bool) -> None:
    """List the galleries of an index.

    \b
    Example:
      imagematch gallery list
    """
    with imagematch.open(directory) as index:
        found = index.galleries
    if as_json:
        write_json(json_report.dumps(json_report.galleries(found)))
        return
    for gallery in found:
        held = f"{counted(gallery.photos, 'photo')} in {counted(gallery.files, 'file')}"
        output().print(formatting.printable(f"{gallery.name}: {held}"), markup=False)
    if not found:
        say("No galleries yet; `imagematch gallery add NAME FOLDER` makes one.")


@gallery_group.command("remove")
@click.argument("name")
@actor_option
@index_option
def remove_command(name: str, actor: str, directory: Path) -> None:
    """Forget the gallery NAME. Its files are not touched.

    \b
    Example:
      imagematch gallery remove missing
    """
    with imagematch.open(directory, actor=actor) as index:
        photos = index.remove_gallery(name)
    gone = counted(photos, "photo was", "photos were")
    also = agreeing(photos, "is gone", "are gone")
    say(f"Removed gallery {name}; {gone} in no other collection and {also} too.")
