"""`imagematch hot`: photos that are set aside because they would link people by mistake."""

from collections.abc import Sequence
from pathlib import Path

import click

import imagematch
from imagematch import formatting, wording
from imagematch.amounts import counted
from imagematch.cli.asking import agree
from imagematch.cli.console import output, say, write_json
from imagematch.cli.options import (
    actor_option,
    index_option,
    json_option,
    note_option,
    yes_option,
)
from imagematch.records import SHORT, HotPhoto, Verdict
from imagematch.reports import json as json_report

#: Profiles of one photo that are written out.
_LISTED = 6

photos_argument = click.argument("photos", nargs=-1, required=True, metavar="PHOTO...")


@click.group("hot")
def hot_group() -> None:
    """Say whether a photo that many profiles show is one operator's own.

    Many profiles show it and nothing else connects them, so it is most often a placeholder, a logo
    or a stock picture, and links nobody until a person says otherwise. PHOTO is a file, or the
    beginning of a SHA-256.

    \b
    Example:
      imagematch hot list
    """


@hot_group.command("list")
@index_option
@json_option
def list_command(directory: Path, as_json: bool) -> None:
    """List photos that are set aside, with who shows them and what was decided.

    Those that wait for a decision come first.

    \b
    Example:
      imagematch hot list
    """
    with imagematch.open(directory) as index:
        photos = sorted(index.hot(), key=lambda photo: photo.state != "waiting")
    if as_json:
        write_json(json_report.dumps(json_report.hot_list(photos), indent=2))
        return
    for photo in photos:
        for line in _lines(photo):
            output().print(formatting.printable(line), markup=False)
    if not photos:
        say("No photo is set aside.")


@hot_group.command("release")
@photos_argument
@note_option
@yes_option
@actor_option
@index_option
def release_command(
    photos: Sequence[str], note: str, yes: bool, actor: str, directory: Path
) -> None:
    """Let photos link, because each is one operator's own.

    How many links that makes is said, and where they are more than `link.ask_links`, asked.

    \b
    Example:
      imagematch hot release 3fa1b2c4d5e6 --note "one agency's own photo"
    """
    with imagematch.open(directory, actor=actor) as index:
        _settle(index, photos, "release", note, "It links from now on", yes=yes)


@hot_group.command("keep")
@photos_argument
@note_option
@actor_option
@index_option
def keep_command(photos: Sequence[str], note: str, actor: str, directory: Path) -> None:
    """Settle that photos link nobody: placeholders, logos, stock pictures.

    \b
    Example:
      imagematch hot keep 3fa1b2c4d5e6 --note "stock picture"
    """
    with imagematch.open(directory, actor=actor) as index:
        _settle(index, photos, "keep", note, "It links nobody from now on", yes=True)


@hot_group.command("reopen")
@photos_argument
@note_option
@yes_option
@actor_option
@index_option
def reopen_command(
    photos: Sequence[str], note: str, yes: bool, actor: str, directory: Path
) -> None:
    """Take back what was decided about photos.

    \b
    Example:
      imagematch hot reopen 3fa1b2c4d5e6
    """
    with imagematch.open(directory, actor=actor) as index:
        _settle(index, photos, "reopen", note, "Its profiles decide again", yes=yes)


def _settle(
    index: imagematch.Index,
    photos: Sequence[str],
    verdict: Verdict,
    note: str,
    said: str,
    *,
    yes: bool,
) -> None:
    agree(*index.reach_of_hot(photos, verdict), yes=yes)
    for made in index.settle_hot(photos, verdict, note=note):
        say(f"{made.subject}: {said}, and so do its copies.")


def _lines(photo: HotPhoto) -> list[str]:
    state = wording.full_decision(photo.decision) if photo.decision else "waiting for a decision"
    names = ", ".join(map(str, photo.profiles[:_LISTED]))
    more = len(photo.profiles) - _LISTED
    return [
        f"{photo.sighting.photo[:SHORT]} {photo.sighting.path}",
        f"  {photo.reason}, {state}",
        f"  {counted(len(photo.profiles), 'profile')}: {names}"
        + (f" and {more:,} more" if more > 0 else ""),
    ]
