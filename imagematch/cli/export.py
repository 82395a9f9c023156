"""`imagematch export`: what an index knows, for other programs."""

from pathlib import Path

import click

import imagematch
from imagematch.cli.console import say, write_json_parts
from imagematch.cli.options import ANY_PATH, index_option
from imagematch.cli.outcomes import warn_unfinished
from imagematch.reports import csv, save_parts
from imagematch.reports import json as json_report


@click.group("export")
def export_group() -> None:
    """Write what an index knows for other programs.

    \b
    Example:
      imagematch export hashes --csv hashes.csv
    """


@export_group.command("hashes")
@index_option
@click.option(
    "--collection", metavar="NAME", default="", help="Only photos of this collection or gallery."
)
@click.option(
    "--csv",
    "csv_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write a table: SHA-256, pHash, PDQ and its quality, collection and path.",
)
@click.option(
    "--pdq",
    "pdq_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write lines of PDQ hash, quality and path, as ThreatExchange's programs do.",
)
@click.option("--jsonl", "as_jsonl", is_flag=True, help="Print a line of JSON for each file.")
def hashes_command(
    directory: Path,
    collection: str,
    csv_file: Path | None,
    pdq_file: Path | None,
    as_jsonl: bool,
) -> None:
    """Write the hashes of all photos, a row for each file that shows one.

    `imagematch query --hash-list` looks them up in another index. Hashes say nothing of what a
    photo shows, and still tell whoever has that photo that it is here.

    \b
    Examples:
      imagematch export hashes --csv hashes.csv
      imagematch export hashes --collection missing --jsonl > hashes.jsonl
    """
    if not (csv_file or pdq_file or as_jsonl):
        raise click.UsageError("say in which form: --csv FILE, --pdq FILE or --jsonl")
    with imagematch.open(directory) as index:
        warn_unfinished(index)
        for path, form in ((csv_file, csv.hashes_parts), (pdq_file, csv.pdq_parts)):
            if path is not None:
                save_parts(path, form(index.hashes(collection)))
                say(f"Wrote {path}")
        if as_jsonl:
            lines = (json_report.dumps(entry.to_dict()) for entry in index.hashes(collection))
            write_json_parts(f"{line}\n" for line in lines)
