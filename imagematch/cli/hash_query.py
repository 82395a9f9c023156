"""The part of `imagematch query` that looks up hashes, of which there is no picture."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

import imagematch
from imagematch import formatting, wording
from imagematch.amounts import counted
from imagematch.cli.console import output, say, watching, write_json
from imagematch.exchange import hash_lists
from imagematch.records import HashResult, ListedHashes, UnusableLine
from imagematch.reports import json as json_report

#: Unusable lines that are written out.
_LISTED = 20


def look_up(
    index: imagematch.Index,
    entries: Iterator[ListedHashes | UnusableLine],
    collection: str,
    top: int | None,
    *,
    as_json: bool,
    as_jsonl: bool,
) -> None:
    """Look hashes up and show what they lead to; exit code 1 where a line was unusable."""
    asked = found = 0
    doubtful = False
    unusable: list[UnusableLine] = []
    whole = []
    with watching(quiet=as_json or as_jsonl) as watch:
        watch.stage("hashes", None)
        for result in index.query_hashes(entries, collection=collection, top=top, progress=watch):
            asked += 1
            if isinstance(result, UnusableLine):
                unusable.append(result)
            else:
                found += bool(result.leads)
                doubtful |= any(not lead.same_bytes for lead in result.leads)
            if as_jsonl:
                write_json(json_report.dumps(result.to_dict()))
            elif as_json:
                whole.append(result.to_dict())
            elif isinstance(result, HashResult) and (result.leads or not result.asked.line):
                _show(result)
    if as_json:
        write_json(json_report.dumps(whole, indent=2))
    say(f"{found:,} of {counted(asked - len(unusable), 'photo')} asked for by hash may be here.")
    if doubtful:
        say(wording.HASH_LEADS)
    if unusable:
        _list(unusable)
        raise click.exceptions.Exit(1)


def entries_of(
    phashes: Sequence[str], pdqs: Sequence[str], lists: Sequence[Path]
) -> Iterator[ListedHashes | UnusableLine]:
    """What was typed first, checked at once, then what the lists hold."""
    typed = [hash_lists.one("phash", text) for text in phashes]
    typed += [hash_lists.one("pdq", text) for text in pdqs]

    def entries() -> Iterator[ListedHashes | UnusableLine]:
        yield from typed
        for path in lists:
            yield from hash_lists.read(path)

    return entries()


def _show(result: HashResult) -> None:
    console = output()

    def line(text: str, style: str | None = None) -> None:
        console.print(formatting.printable(text), style=style, markup=False)

    asked = result.asked
    named = asked.label or asked.pdq or asked.phash or asked.sha256
    line(f"line {asked.line}: {named}" if asked.line else named, "bold")
    if not result.leads:
        line("  no photo is near")
    for lead in result.leads:
        sighting = lead.sighting
        owner = " / ".join(filter(None, (sighting.info.site, sighting.info.profile)))
        place = f"{sighting.collection}, {owner}" if owner else sighting.collection
        kind = "exact" if lead.same_bytes else "lead"
        line(f"  {kind}{', ignored' if lead.ignored else ''}: {sighting.path} ({place})")
        line(f"    {wording.hash_lead(lead)}")


def _list(unusable: Sequence[UnusableLine]) -> None:
    say(f"{counted(len(unusable), 'line')} could not be used:")
    for line in unusable[:_LISTED]:
        say(f"  line {line.line}: {line.reason}")
    if len(unusable) > _LISTED:
        say(f"  ... and {len(unusable) - _LISTED:,} more")
