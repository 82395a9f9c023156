"""`imagematch find`: a phone, a handle, an address or words in, who shows them out."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

import imagematch
from imagematch import formatting
from imagematch.amounts import agreeing, counted
from imagematch.cli.console import output, say, write_json
from imagematch.cli.options import index_option, json_option
from imagematch.records import FindResult, FoundSighting
from imagematch.reports import json as json_report

#: Characters that are read from stdin: more than can be looked for, so that too many are refused.
_READ = 1_000_000

#: Width of the table where it goes to no terminal, characters.
_WIDE = 200

#: Identifiers that are named in one line.
_NAMED = 5


@click.command("find")
@click.argument("text")
@click.option(
    "--region",
    "regions",
    metavar="CODE",
    multiple=True,
    help="Country of a number without an international prefix, ISO 3166; may be given several "
    "times.  [default: the setting scan.phone_region]",
)
@click.option("--text", "as_text", is_flag=True, help="Look for TEXT as a part of any words.")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="K",
    help="Sightings to show, at most.",
)
@json_option
@index_option
def find_command(
    text: str,
    regions: tuple[str, ...],
    as_text: bool,
    top: int,
    as_json: bool,
    directory: Path,
) -> None:
    """Show who shows a phone, e-mail, handle, URL, host or crypto address, or has TEXT in an ad.

    TEXT counts in any spelling, and all that it may be is looked up: a number in several countries,
    `@lola` on every platform. A whole ad may be given; `-` reads it from stdin. What is no
    identifier that the index knows is looked for as a part of all identifiers and words, in upper
    or lower case.

    \b
    Examples:
      imagematch find +31612345678
      imagematch find "06 1234 5678" --region NL --region BE
      imagematch find @lola --json
    """
    with imagematch.open(directory) as index:
        asked = sys.stdin.read(_READ) if text == "-" else text
        result = index.find(asked, regions=regions, as_text=as_text, top=top)
    if as_json:
        write_json(json_report.dumps(result.to_dict()))
        return
    if result.sightings:
        _show(result)
    _sum_up(result)
    if result.unread:
        say(
            f"Warning: the phones and names of {counted(result.unread, 'sighting')} are not read "
            f"yet, because a run was stopped or goes on. Run it again to finish."
        )


def _show(result: FindResult) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("Profile", "Shows", "As typed", "In", "Posted or seen", "Where"):
        table.add_column(title, overflow="fold")
    for shown, count in _together(result):
        table.add_row(*map(formatting.printable, _cells(shown, count)))
    console = output() if sys.stdout.isatty() else Console(width=_WIDE, highlight=False)
    console.print(table, markup=False)


def _together(result: FindResult) -> Iterator[tuple[FoundSighting, int]]:
    """What is found, once where photos of one ad show the same, and how many do."""
    first: dict[object, FoundSighting] = {}
    count: dict[object, int] = {}
    for shown in result.found:
        info, identifier = shown.sighting.info, shown.identifier
        key = (
            *(info.site, info.profile, info.url, info.ad_id, info.posted_at, info.location),
            *(shown.sighting.collection, shown.sighting.present, shown.place, shown.typed),
            identifier.value if identifier else "",
        )
        first.setdefault(key, shown)
        count[key] = count.get(key, 0) + 1
    return ((shown, count[key]) for key, shown in first.items())


def _cells(shown: FoundSighting, count: int) -> Iterator[str]:
    seen, identifier = shown.sighting, shown.identifier
    marks = [
        f"gallery {seen.collection}" if seen.gallery else "",
        "ignored" if seen.ignored else "",
        "" if seen.present else "gone",
    ]
    owner = " / ".join(filter(None, (seen.info.site, seen.info.profile))) or "unknown"
    yield ", ".join(filter(None, (owner, *marks)))
    yield _named(identifier.value, identifier.confirmed) if identifier else "words"
    yield " ".join(shown.typed.split())
    yield "the ad's address" if identifier and shown.place == "url" else shown.place
    yield seen.info.posted_at or seen.first_seen[:10]
    more = f" and {count - 1:,} more" if count > 1 else ""
    path = f"{seen.path}{more}" if seen.path else f"no photo{more}"
    yield "  ".join(filter(None, (path, seen.info.url)))


def _named(value: str, confirmed: bool) -> str:
    return value if confirmed else f"{value} (unconfirmed)"


def _sum_up(result: FindResult) -> None:
    """Say what was looked for, and how much there is of it."""
    asked = formatting.shortened(" ".join(result.asked.split()), 100)
    if not result.sightings:
        also = ", and nobody has it in their words" if result.as_text else ""
        say(f"Nobody shows {asked!r}{also}.")
        return
    what = ", ".join(f"{each.kind} {each.value}" for each in result.identifiers[:_NAMED])
    if len(result.identifiers) > _NAMED:
        what += f" and {len(result.identifiers) - _NAMED:,} more"
    if result.as_text:
        say(f"Looked for {asked!r} as a part of all identifiers and words.")
        what = asked
    sightings, profiles = result.sightings, result.profiles
    say(
        f"{what}: {counted(sightings, 'sighting')} of {counted(profiles, 'named profile')} "
        f"{agreeing(sightings, 'shows', 'show')} it."
    )
    shown = len({id(each.sighting) for each in result.found})
    if shown < sightings:
        say(f"These are the first {shown:,}; --top shows more.")
