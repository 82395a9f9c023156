"""`imagematch index`: a folder of photos into an index."""

from pathlib import Path

import click

from imagematch import pipeline
from imagematch.cli.console import output, say, watching
from imagematch.cli.options import ANY_PATH, allow_lost_option, index_option, json_option
from imagematch.kernels.embeddings import HASHES, PRESETS
from imagematch.records import IndexReport
from imagematch.reports import json as json_report

#: Lines of one kind that are written out; `imagematch status --failures` has all failures.
_LISTED = 20


@click.command("index")
@click.argument("folder", type=ANY_PATH)
@index_option
@click.option(
    "--collection",
    metavar="NAME",
    default=pipeline.ADS,
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
    "--preset",
    type=click.Choice([*PRESETS, HASHES]),
    help="What describes the photos: sscd-small; sscd, slower, finds a little more; hashes, "
    "without a model. An existing index keeps its own.  [default: sscd-small]",
)
@click.option(
    "--redescribe",
    is_flag=True,
    help="Change an existing index to --preset, and describe every photo again.",
)
@click.option(
    "--retry-failed",
    is_flag=True,
    help="Try all failed files again, not only those that failed for a passing reason.",
)
@allow_lost_option
@json_option
def index_command(
    folder: Path,
    directory: Path,
    collection: str,
    manifest: Path | None,
    no_manifest: bool,
    site_from_path: bool | None,
    preset: str | None,
    redescribe: bool,
    retry_failed: bool,
    allow_lost: bool,
    as_json: bool,
) -> None:
    """Index the photos in FOLDER and match them with all that is known.

    Run it again whenever the folder has changed: only new and changed files are read. A run that
    was stopped or killed goes on where it was. Files are only read, never changed. What says where
    a folder's photos are from (--manifest, --site-from-path) is remembered until it is changed.

    \b
    Examples:
      imagematch index ads/ --site-from-path
      imagematch index ads/ --manifest ads.csv --index cases/north
    """
    if manifest is not None and no_manifest:
        raise click.UsageError("--manifest and --no-manifest exclude each other")
    request = pipeline.IndexRequest(
        folder,
        collection,
        manifest=manifest,
        no_manifest=no_manifest,
        site_from_path=site_from_path,
        preset=preset,
        redescribe=redescribe,
        retry_failed=retry_failed,
        allow_lost=allow_lost,
        purpose=f"imagematch index {folder}",
    )
    with watching(quiet=as_json) as watch:
        report = pipeline.index_folder(directory, request, watch)
    if as_json:
        list_troubles(report)
        click.echo(json_report.dumps(json_report.index_report(report)))
    else:
        show_report(report, directory)
    if has_troubles(report):
        raise click.exceptions.Exit(1)


def has_troubles(report: IndexReport) -> bool:
    """Whether some inputs could not be used, so that the exit code is 1."""
    return bool(report.failed or any(note.problem in _TROUBLES for note in report.notes))


#: Notes on a manifest that mean that something it says was lost.
_TROUBLES = frozenset({"row_without_file", "bad_row"})


def show_report(report: IndexReport, directory: Path) -> None:
    """Say in words what a run did."""
    list_troubles(report)
    console = output()
    rate = f", {report.described / report.seconds:.0f} photos/s" if report.described else ""
    console.print(f"{report.seen} files seen in {report.seconds:.1f} s{rate}")
    console.print(
        f"  {report.described} described, {report.known} known, {report.skipped} skipped, "
        f"{report.failed} failed"
    )
    if report.moved or report.changed or report.vanished:
        console.print(
            f"  {report.moved} moved, {report.changed} changed, {report.vanished} vanished"
        )
    console.print(f"  {report.matches} new matches")
    if report.matches:
        say(f"See who shares photos: imagematch link --index {directory} --html report.html")


def list_troubles(report: IndexReport) -> None:
    """Name on stderr what was skipped, what failed and what a manifest got wrong."""
    _list("skipped", [f"{skip.path}: {skip.reason}" for skip in report.skips])
    _list(
        "notes on the manifest",
        [f"{note.problem}, {note.where}: {note.message}" for note in report.notes],
    )
    _list(
        "failed",
        [f"{file.path}: {file.failure.message}" for file in report.failures],
        report.failed,
    )


def _list(title: str, lines: list[str], total: int | None = None) -> None:
    if not lines:
        return
    total = total or len(lines)
    say(f"{total} {title}:")
    for line in lines[:_LISTED]:
        say(f"  {line}")
    if total > _LISTED:
        say(f"  ... and {total - _LISTED} more; `imagematch status --failures` lists all failures")
