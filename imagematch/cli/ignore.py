"""`imagematch ignore`: logos, placeholders and the like, which link nobody."""

from collections.abc import Sequence
from pathlib import Path

import click

import imagematch
from imagematch import formatting, wording
from imagematch.amounts import agreeing, counted
from imagematch.cli.asking import agree
from imagematch.cli.console import output, say, watching, write_json
from imagematch.cli.options import (
    actor_option,
    index_option,
    json_option,
    note_option,
    yes_option,
)
from imagematch.cli.outcomes import ask_to_report, mention_old, mention_pairs
from imagematch.records import SHORT, IgnoredPhoto
from imagematch.reports import json as json_report

#: Places of one photo that are written out.
_LISTED = 3


@click.group("ignore")
def ignore_group() -> None:
    """Keep a list of photos that say nothing: logos, placeholders.

    They and their near-copies link nobody, are no gallery hit and no news. A collage that merely
    has one of them in it still matches by its other parts.

    \b
    Example:
      imagematch ignore add logos/
    """


@ignore_group.command("add")
@click.argument("targets", nargs=-1, required=True, metavar="PHOTO_OR_FOLDER...")
@note_option
@actor_option
@index_option
def add_command(targets: Sequence[str], note: str, actor: str, directory: Path) -> None:
    """Ignore photos: files, folders of files, or photos of the index by SHA-256.

    A file or folder that is not in the index is indexed for this purpose only. Run it again when
    the folder has changed.

    \b
    Examples:
      imagematch ignore add logos/ --note "logos of the sites"
      imagematch ignore add 3fa1b2c4d5e6
    """
    with imagematch.open(directory, actor=actor) as index, watching() as watch:
        done = index.ignore(targets, note=note, progress=watch)
    say(
        f"Ignored from now on: {len(done.decisions):,} on the list, "
        f"{counted(done.near_copies, 'near-copy', 'near-copies')} with "
        f"{agreeing(len(done.decisions), 'it', 'them')}"
    )
    if not done.searched:
        say(
            "A run is under way. It looks for further near-copies, or the next run of "
            "`imagematch index` does."
        )
    for failed in done.failures:
        say(f"failed: {failed.path}: {formatting.failure(failed.failure)}")
    mention_pairs(done.failed_pairs)
    mention_old(done.failed_before)
    ask_to_report([failed.failure for failed in done.failures])
    if done.failures or done.failed_pairs:
        raise click.exceptions.Exit(1)


@ignore_group.command("list")
@index_option
@json_option
def list_command(directory: Path, as_json: bool) -> None:
    """List the photos that are ignored, and where they and their near-copies were seen.

    \b
    Example:
      imagematch ignore list
    """
    with imagematch.open(directory) as index:
        photos = index.ignored()
    if as_json:
        write_json(json_report.dumps(json_report.ignore_list(photos), indent=2))
        return
    for photo in photos:
        for line in _lines(photo):
            output().print(formatting.printable(line), markup=False)
    if not photos:
        say("Nothing is ignored; `imagematch ignore add PHOTO_OR_FOLDER` changes that.")


@ignore_group.command("remove")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")
@note_option
@yes_option
@actor_option
@index_option
def remove_command(
    photos: Sequence[str], note: str, yes: bool, actor: str, directory: Path
) -> None:
    """Take photos off the list. A near-copy of one that stays counts again, as an exception.

    \b
    Example:
      imagematch ignore remove 3fa1b2c4d5e6
    """
    with imagematch.open(directory, actor=actor) as index:
        agree(*index.reach_of_unignoring(photos), yes=yes)
        for made in index.unignore(photos, note=note):
            say(f"{made.subject} is no longer ignored.")


def _lines(photo: IgnoredPhoto) -> list[str]:
    of = photo.decision
    lines = [f"{of.photos[0].sha256[:SHORT]} {wording.full_decision(of)}"]
    for title, sightings in (("seen", photo.seen), ("near-copy", photo.copies)):
        lines += [f"  {title}: {sighting.path}" for sighting in sightings[:_LISTED]]
        if len(sightings) > _LISTED:
            lines.append(f"  {title}: {len(sightings) - _LISTED:,} more")
    return lines
