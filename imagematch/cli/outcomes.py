"""How commands that index end: reports in words or as JSON, what went wrong, the exit code."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

import imagematch
from imagematch import formatting
from imagematch.amounts import agreeing, average, counted
from imagematch.cli.console import output, say, watching, write_json
from imagematch.records import Failure, IndexReport
from imagematch.reports import json as json_report
from imagematch.runtime.failures import INTERNAL

if TYPE_CHECKING:  # all that a pass needs, for those who only name it
    from imagematch.services.reindexing import PassReport

#: Lines of one kind that are written out; `imagematch status --failures` has all failures.
_LISTED = 20


def add_and_show(directory: Path, add: Callable[..., IndexReport], *, as_json: bool) -> None:
    """Index a folder while showing progress, and say what came of it.

    Args:
        add: `Index.add` with all but its `progress`.
    """
    with watching(quiet=as_json) as watch:
        report = add(progress=watch)
    if as_json:
        list_troubles(report)
        write_json(json_report.dumps(report.to_dict()))
    else:
        show_report(report, directory)
    if has_troubles(report):
        raise click.exceptions.Exit(1)


def warn_unfinished(index: imagematch.Index) -> None:
    """Say when an index does not know all its photos yet: no match may then mean nothing."""
    waiting = index.unfinished()
    if waiting:
        say(
            f"Warning: {counted(waiting, 'photo')} of {index.directory} "
            f"{agreeing(waiting, 'waits', 'wait')} to be described and matched, because a run was "
            f"stopped or goes on; {agreeing(waiting, 'it', 'they')} can't be found yet. Run it "
            f"again to finish."
        )


def has_troubles(report: IndexReport) -> bool:
    """Whether some inputs could not be used, for the first time, so that the exit code is 1."""
    return bool(
        report.failed_new
        or report.failed_pairs
        or any(note.problem in _TROUBLES for note in report.notes)
    )


#: Notes on a manifest that mean that something it says was lost.
_TROUBLES = frozenset({"row_without_file", "bad_row", "unread_text"})


def show_report(report: IndexReport, directory: Path) -> None:
    """Say in words what a run did."""
    list_troubles(report)
    console = output()
    rate = average(report.described, report.seconds, "photo")
    console.print(_seen(report) + (f", {rate}" if rate else ""))
    console.print(
        f"  {report.described:,} described, {report.known:,} known, {_skipped(report)}, "
        f"{report.failed:,} failed",
        markup=False,
    )
    if report.ads_without_photo:
        console.print(f"  {_ads(report)}")
    if report.moved or report.changed or report.vanished:
        console.print(
            f"  {report.moved:,} moved, {report.changed:,} changed, {report.vanished:,} vanished"
        )
    console.print(f"  {counted(report.matches, 'new match', 'new matches')}")
    if report.not_looked_at:
        console.print(
            f"  of all pairs, {counted(report.not_looked_at, 'was', 'were')} judged without a look "
            f"at one of the photos, whose file is gone or can't be compared"
        )
    if report.matches:
        say(f"See who shares photos: imagematch link --index {directory} --html report.html")


def _seen(report: IndexReport) -> str:
    return f"{counted(report.seen, 'file')} seen in {report.seconds:.1f} s"


def _ads(report: IndexReport) -> str:
    return counted(report.ads_without_photo, "ad without a photo", "ads without a photo")


def _skipped(report: IndexReport) -> str:
    """How many were skipped, and what they are: "4 skipped (3 json, 1 db)"."""
    kinds = formatting.counted_kinds(report.skipped_kinds)
    return f"{report.skipped:,} skipped" + (f" ({kinds})" if kinds else "")


def list_troubles(report: IndexReport) -> None:
    """Name on stderr what was skipped, what failed and what a manifest got wrong."""
    _list("skipped", [f"{skip.path}: {skip.reason}" for skip in report.skips])
    # What was lost comes first, and whole: nothing else keeps it.
    notes = sorted(report.notes, key=lambda note: note.problem not in _TROUBLES)
    losses = sum(note.problem in _TROUBLES for note in notes)
    _list(
        agreeing(len(notes), "note on the manifest", "notes on the manifest"),
        [f"{note.problem}, {note.where}: {note.message}" for note in notes],
        most=max(losses, _LISTED),
    )
    if report.partly_seen:
        hold = counted(report.partly_seen, "described file holds", "described files hold")
        say(
            f"{hold} further pictures (frames of an animation, pages) that were not looked at; "
            "save these as files of their own to index them"
        )
    _list(
        "failed",
        [f"{file.path}: {formatting.failure(file.failure)}" for file in report.failures],
        report.failed_new,
        hint="; `imagematch status --failures` lists all",
    )
    mention_pairs(report.failed_pairs)
    mention_old(report.failed - report.failed_new)
    ask_to_report([*(file.failure for file in report.failures), *report.pair_failures])


def mention_pairs(count: int) -> None:
    """Say in one line how many pairs could not be compared."""
    if count:
        say(
            f"{counted(count, 'pair')} of photos could not be compared; "
            f"`imagematch status --failures` says why"
        )


def mention_old(count: int) -> None:
    """Say in one line how many files had failed before: nobody wants to read of them each night."""
    if count:
        say(
            f"{counted(count, 'file')} failed before and still can't be described; "
            f"`imagematch status --failures` says why"
        )


def ask_to_report(failures: Iterable[Failure]) -> None:
    """Say what to do where imagematch itself is at fault."""
    if any(failure.code == INTERNAL for failure in failures):
        say(
            "What is marked internal is an error in imagematch. Please report it: open an issue "
            "in the tracker of the project with what `imagematch status --failures` says, less "
            "the names of files. Never attach photos."
        )


def _list(
    title: str, lines: list[str], total: int | None = None, *, most: int = _LISTED, hint: str = ""
) -> None:
    if not lines:
        return
    total = total or len(lines)
    say(f"{total:,} {title}:")
    for line in lines[:most]:
        say(f"  {line}")
    if total > most:
        say(f"  ... and {total - most:,} more{hint}")


def went_well(report: "PassReport") -> bool:
    """Whether every job ran and all its inputs could be used."""
    return not any(job.report is None or has_troubles(job.report) for job in report.outcomes)


def show_pass(report: "PassReport", *, as_json: bool) -> None:
    """Say what a pass did: one JSON object, or some lines for people."""
    for job in report.outcomes:
        if job.report is None:
            say(f"Job {job.name} failed: {job.error}")
        else:
            list_troubles(job.report)
    if as_json:
        write_json(json_report.dumps(report.to_dict()))
        return
    for job in report.outcomes:
        _line(f"{job.name}: {_counts(job.report) if job.report else 'failed'}")
    new = counted(report.new_matches, "new match", "new matches")
    _line(f"{new} since the last report")
    if report.changed:
        _line(f"{counted(len(report.changed), 'cluster')} changed")
    for path in (report.json_path, report.html_path):
        if path is not None:
            _line(f"Wrote {path}, and latest{path.suffix} beside it")


def _counts(report: IndexReport) -> str:
    ads = f", {_ads(report)}" if report.ads_without_photo else ""
    return (
        f"{_seen(report)}: {report.described:,} described, "
        f"{report.known:,} known, {_skipped(report)}, {report.failed:,} failed{ads}\n"
        f"  {report.new:,} new, {report.changed:,} changed, {report.moved:,} moved, "
        f"{report.vanished:,} vanished; {counted(report.matches, 'pair')} of photos matched"
    )


def _line(text: str) -> None:
    for line in text.split("\n"):
        output().print(formatting.printable(line), markup=False)
