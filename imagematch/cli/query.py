"""`imagematch query`: have I seen this photo before, in any form?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

import imagematch
from imagematch import formatting, wording
from imagematch.amounts import counted
from imagematch.cli.console import Watch, output, say, watching, write_json
from imagematch.cli.options import ANY_PATH, index_option
from imagematch.cli.outcomes import ask_to_report, warn_unfinished
from imagematch.errors import PhotoError
from imagematch.records import FoundFile, Locator, Picture, QueryResult
from imagematch.reports import json as json_report
from imagematch.reports import save
from imagematch.sources.folder import walk
from imagematch.sources.reading import kind_of_skipped

#: Photos shown for a query where nothing else is asked for.
_TOP = 10


@click.command("query")
@click.argument("photos", nargs=-1, metavar="PHOTO_OR_FOLDER...", type=ANY_PATH)
@index_option
@click.option(
    "--collection", metavar="NAME", default="", help="Only look in this collection or gallery."
)
@click.option(
    "--top",
    metavar="N",
    type=click.IntRange(1),
    help="Show at most so many different photos for each query.  "
    "[default: 10; all with --min-confidence]",
)
@click.option(
    "--min-confidence",
    metavar="P",
    type=click.FloatRange(0, 1),
    help="Show every pair that was scored from this confidence on; 0 shows all.  "
    "[default: matches only]",
)
@click.option(
    "--scenes", is_flag=True, help="Also show other photos of the same place: leads, never copies."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array for programs.")
@click.option(
    "--jsonl",
    "as_jsonl",
    is_flag=True,
    help="Print a line of JSON for each query, once it is done.",
)
@click.option(
    "--html",
    "html_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write a page with pictures and evidence.",
)
@click.option(
    "--explain",
    "explain_folder",
    type=ANY_PATH,
    metavar="FOLDER",
    help="Draw each match there: both photos, the points that fit, the overlap, and why.",
)
@click.option(
    "--phash",
    "phashes",
    metavar="HEX",
    multiple=True,
    help="Instead of a photo: its pHash, 16 hex digits; may be given several times.",
)
@click.option(
    "--pdq",
    "pdqs",
    metavar="HEX",
    multiple=True,
    help="Instead of a photo: its PDQ hash, 64 hex digits; may be given several times.",
)
@click.option(
    "--hash-list",
    "hash_list",
    type=ANY_PATH,
    metavar="FILE",
    help="Instead of a photo: hashes that another program wrote, one a line, as CSV or JSONL.",
)
def query_command(
    photos: Sequence[Path],
    directory: Path,
    collection: str,
    top: int | None,
    min_confidence: float | None,
    scenes: bool,
    as_json: bool,
    as_jsonl: bool,
    html_file: Path | None,
    explain_folder: Path | None,
    phashes: Sequence[str],
    pdqs: Sequence[str],
    hash_list: Path | None,
) -> None:
    """Look up photos: where was each seen before, in any form?

    Each match is shown with its evidence; see "How to read a match" in the README. Nothing is
    stored. A folder stands for all files in it. Where you have no photo but its hash, photos that
    are near by that alone are leads and no matches.

    \b
    Examples:
      imagematch query photo.jpg
      imagematch query phone_export/ --jsonl > found.jsonl
      imagematch query photo.jpg --html found.html
      imagematch query photo.jpg --explain drawings
      imagematch query --hash-list hashes.csv
    """
    if sum((as_json, as_jsonl, html_file is not None)) > 1:
        raise click.UsageError("--json, --jsonl and --html exclude each other")
    by_hash = bool(phashes or pdqs or hash_list)
    if by_hash == bool(photos):
        raise click.UsageError("name photos, or give --phash, --pdq or --hash-list")
    if by_hash and (html_file or explain_folder or scenes or min_confidence is not None):
        raise click.UsageError(
            "--html, --explain, --scenes and --min-confidence are about pictures, not hashes"
        )
    if top is None and min_confidence is None:
        top = _TOP
    if explain_folder is not None:
        from imagematch.reports import drawings

        drawings.make_folder(explain_folder)
    if by_hash:
        from imagematch.cli import hash_query

        entries = hash_query.entries_of(phashes, pdqs, [hash_list] if hash_list else [])
        with imagematch.open(directory) as index:
            warn_unfinished(index)
            hash_query.look_up(index, entries, collection, top, as_json=as_json, as_jsonl=as_jsonl)
        return
    results: list[QueryResult] = []
    drawn = _Drawn()
    with imagematch.open(directory) as index, watching(quiet=as_json or as_jsonl) as watch:
        answers = index.query_all(  # first: a worker starts
            _paths(photos),
            collection=collection,
            top=top,
            min_confidence=min_confidence,
            scenes=scenes,
            progress=watch,
        )
        warn_unfinished(index)
        watch.stage("query", None)
        for result in answers:
            if as_jsonl:
                write_json(json_report.dumps(result.to_dict()))
            done = as_jsonl and explain_folder is None
            results.append(_without_matches(result) if done else result)
        if explain_folder is not None:
            drawn = _draw(index, results, explain_folder, watch)
        if html_file is not None:
            _write_page(index, results, drawn.pictures, html_file)
    if as_json:
        write_json(json_report.dumps([result.to_dict() for result in results], indent=2))
    elif not as_jsonl and html_file is None:
        for result in results:
            _show(result, drawn.files)
    failed = [result for result in results if result.failure]
    for result in failed:
        if result.failure and (as_json or as_jsonl or html_file):
            say(f"failed: {result.query}: {formatting.failure(result.failure)}")
    ask_to_report([result.failure for result in failed if result.failure])
    if failed:
        raise click.exceptions.Exit(1)


def _paths(photos: Sequence[Path]) -> Iterator[str]:
    """Files as they are, folders file by file without what is plainly no picture."""
    for photo in photos:
        if not photo.is_dir():
            yield str(photo)
            continue
        empty = True
        skipped = Counter[str]()
        for entry in walk(photo):
            empty = False
            path = photo / entry.path
            if not isinstance(entry, FoundFile):
                say(f"skipped: {path}: {entry.reason}")
            elif kind := _kind_of_skipped(path):
                skipped[kind] += 1
            else:
                yield str(path)
        if skipped:
            say(f"skipped in {photo}, no pictures: {formatting.counted_kinds(skipped)}")
        if empty:
            say(f"no files in {photo}")


def _kind_of_skipped(path: Path) -> str:
    try:
        return kind_of_skipped(Locator.outside(path))
    except PhotoError:
        return ""  # the answer says why it can't be read


def _without_matches(result: QueryResult) -> QueryResult:
    """What is left to keep of a result that has been printed: whether it failed."""
    return QueryResult(result.query, failure=result.failure)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What was drawn, by the query and the SHA-256 of the photo."""

    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    pictures: dict[tuple[str, str], Picture] = field(default_factory=dict)


def _draw(
    index: imagematch.Index, results: Sequence[QueryResult], folder: Path, watch: Watch
) -> _Drawn:
    from imagematch.reports import drawings

    drawn = _Drawn()
    watch.stage("explain", None)
    for query, match, drawing in index.explain(results):
        if drawing is None:
            say(f"no drawing of {query} and {match.sighting.path}: one is gone or can't be drawn")
        else:
            key = query, match.sighting.photo
            drawn.files[key] = drawings.save_drawing(folder, query, match.id, drawing)
            drawn.pictures[key] = drawing.picture
        watch.advance()
        watch.check()
    say(f"Wrote {counted(len(drawn.files), 'drawing')} to {folder}")
    return drawn


def _show(result: QueryResult, drawn: Mapping[tuple[str, str], Path]) -> None:
    """Print a query and its matches, each with the reason below it."""
    console = output()

    def line(text: str, style: str | None = None) -> None:
        console.print(formatting.printable(text), style=style, markup=False)

    line(result.query, "bold")
    if result.failure:
        line(f"  failed: {formatting.failure(result.failure)}")
    elif not result.matches:
        line("  no identical picture seen before" if result.gate else "  not seen before")
    for note in result.notes:
        line(f"  Note: {note}")
    for match in formatting.best_first(result.matches):
        sighting = match.sighting
        owner = " / ".join(filter(None, (sighting.info.site, sighting.info.profile)))
        place = f"{sighting.collection}, {owner}" if owner else sighting.collection
        ignored = ", ignored" if match.ignored else ""
        line(f"  {wording.verdict(match)}{ignored}: {sighting.path} ({place})")
        line(f"    {wording.sentence(match.judgement, 'query', 'indexed')}")
        if drawing := drawn.get((result.query, sighting.photo)):
            line(f"    Drawing: {drawing}")


def _write_page(
    index: imagematch.Index,
    results: Sequence[QueryResult],
    drawn: Mapping[tuple[str, str], Picture],
    path: Path,
) -> None:
    from imagematch.reports import html

    readable = {result.query: result.query for result in results if not result.failure}
    sightings = [match.sighting for result in results for match in result.matches]
    pictures = index.thumbnails(sightings, readable)
    page = html.query_page(
        results,
        html.About(str(index.directory), datetime.now(UTC).isoformat(timespec="seconds")),
        lambda sighting: pictures.get(sighting.photo),
        {query: pictures[query] for query in readable if query in pictures},
        drawings=drawn,
    )
    save(path, page)
    say(f"Wrote {path}")
