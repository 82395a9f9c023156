"""`imagematch status`: what an index holds and what is left to do."""

from collections.abc import Iterator
from pathlib import Path

import click

import imagematch
from imagematch import formatting
from imagematch.amounts import agreeing, counted
from imagematch.cli.console import say, write_json
from imagematch.cli.options import index_option, json_option
from imagematch.cli.outcomes import ask_to_report
from imagematch.records import Failure
from imagematch.reports import json as json_report
from imagematch.services.status import (
    Status,
    how_searched,
)
from imagematch.stores.catalogue import Run


@click.command("status")
@index_option
@click.option(
    "--failures",
    is_flag=True,
    help="List every file that could not be described and every pair that could not be compared, "
    "and why.",
)
@json_option
def status_command(directory: Path, failures: bool, as_json: bool) -> None:
    """Say what an index holds, what is left to do and what was done last.

    \b
    Examples:
      imagematch status
      imagematch status --failures
    """
    with imagematch.open(directory) as index:
        status = index.status()
        if as_json:
            data = status.to_dict()
            if failures:
                data["failures"] = [file.to_dict() for file in index.failed_files()]
                data["pair_failures"] = [pair.to_dict() for pair in index.failed_pairs()]
            write_json(json_report.dumps(data))
        elif failures:
            _list_failures(index)
        else:
            for label, text in _lines(status):
                click.echo(formatting.printable(f"{label:<12} {text}".rstrip()))


def _list_failures(index: imagematch.Index) -> None:
    failures: list[Failure] = []
    for file in index.failed_files():
        _show_failure(str(Path(file.root) / file.path), file.failure, file.installation)
        failures.append(file.failure)
    for pair in index.failed_pairs():
        names = " and ".join(
            path or sha256 for path, sha256 in zip(pair.paths, pair.photos, strict=True)
        )
        _show_failure(names, pair.failure, pair.installation)
        failures.append(pair.failure)
    if not failures:
        say("No file has failed.")
    ask_to_report(failures)


def _show_failure(what: str, failure: Failure, installation: str) -> None:
    """A line for each failure; those to report with all that a report needs."""
    click.echo(formatting.printable(f"{what}: {formatting.failure(failure)}"))
    if failure.traceback:
        for line in (installation, *failure.traceback.splitlines()):
            click.echo(formatting.printable(f"    {line}"))


def _identifier_lines(status: Status) -> Iterator[tuple[str, str]]:
    if status.identifiers:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in status.identifiers.items())
        yield "Identifiers", f"{sum(status.identifiers.values()):,}: {kinds}"
    if status.unread_sightings:
        waiting = counted(status.unread_sightings, "sighting waits", "sightings wait")
        yield "", f"{waiting} to be read for identifiers; {_GO_ON}"


def _lines(status: Status) -> list[tuple[str, str]]:
    """The overview as pairs of a label and a text; an empty label goes on with the one before."""
    lines = [("Index", f"{status.directory} ({_size(status.bytes)})")]
    lines += _photo_lines(status)
    lines.append(("Sightings", f"{status.sightings:,} by {counted(status.profiles, 'profile')}"))
    if status.ads_without_photo:
        lines.append(
            ("", counted(status.ads_without_photo, "ad without a photo", "ads without a photo"))
        )
    for entry in status.collections:
        about = "gallery" if entry.kind == "gallery" else "collection"
        lines.append(
            (
                "",
                f"{about} {entry.name}: {counted(entry.photos, 'photo')} in "
                f"{counted(entry.files, 'file')}",
            )
        )
    lines += _identifier_lines(status)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(status.matches.items()))
    lines.append(("Matches", f"{sum(status.matches.values()):,}" + (f": {kinds}" if kinds else "")))
    if status.waiting:
        waiting = counted(status.waiting, "pair waits", "pairs wait")
        lines.append(("", f"{waiting} to be judged; {_GO_ON}"))
    if any(status.decisions.values()):
        made = status.decisions
        text = (
            f"{counted(made['match'], 'match', 'matches')}, {counted(made['hot'], 'hot photo')}, "
            f"{made['ignore']:,} ignored, {made['operator']:,} about operators"
        )
        lines.append(("Decisions", text))
    lines.append(("Embedder", f"preset {status.preset}, model {status.embedder or 'none'}"))
    lines += _vector_lines(status)
    if status.traces.count:
        traces = status.traces
        lines.append(("Traces", f"of {counted(traces.count, 'photo')}, {_size(traces.bytes)}"))
    if status.pictures.count:
        kept = status.pictures
        of = counted(kept.count, "photo")
        lines.append(("Pictures", f"small ones of {of}, {_size(kept.bytes)}"))
    lines.append(("Catalogue", status.catalogue))
    for number, run in enumerate(status.runs):
        lines.append(("Last runs" if number == 0 else "", _run_line(run)))
        if spent := _spent(run):
            lines.append(("", f"  {spent}"))
    lines.append(("Writing", status.writer or "nobody at the moment"))
    return lines


_WHY = "`imagematch status --failures` says why"
_GO_ON = "run the same index command again"


def _photo_lines(status: Status) -> list[tuple[str, str]]:
    lines = [("Photos", f"{status.photos:,}, {status.described:,} of them described")]
    if status.pending:
        lines.append(("", f"{counted(status.pending, 'waits', 'wait')} to be described; {_GO_ON}"))
    if status.gated:
        reasons = ", ".join(f"{count:,} {gate}" for gate, count in status.gated.items())
        match = agreeing(sum(status.gated.values()), "it matches", "these match")
        lines.append(("", f"{reasons}: {match} only exactly"))
    files = f"{status.files['present']:,} present"
    for state in ("vanished", "replaced"):
        if status.files[state]:
            files += f", {status.files[state]:,} {state}"
    lines.append(("Files", files))
    if status.failed:
        lines.append(("", f"{status.failed:,} failed; {_WHY}"))
    if status.failed_pairs:
        text = f"{counted(status.failed_pairs, 'pair')} of photos could not be compared; {_WHY}"
        lines.append(("", text))
    if status.skipped:
        beside = agreeing(status.files["present"], "it", "them")
        lines.append(
            ("", f"{formatting.counted_kinds(status.skipped)} beside {beside}, no pictures")
        )
    return lines


def _vector_lines(status: Status) -> list[tuple[str, str]]:
    lines = []
    for number, (name, stats) in enumerate(status.vectors.items()):
        shards = counted(stats.shards, "shard")
        text = f"{name}: {stats.vectors:,} in {shards}, {_size(stats.bytes)}"
        lines.append(("Vectors" if number == 0 else "", text))
        lines.append(("", f"  search: {how_searched(stats)}"))
    return lines


def _run_line(run: Run) -> str:
    day, _, time = run.started.partition("T")
    name = f"{run.what} {run.job}".strip()
    text = f"{day} {time[:5]} UTC {name} {run.root}: {run.state}"
    if run.message:
        text += f" ({run.message})"
    counts = run.counts
    if "seen" in counts:
        text += (
            f", {counted(counts['seen'], 'file')}, {counts['described']:,} described, "
            f"{counts['failed']:,} failed, {counted(counts['matches'], 'new match', 'new matches')}"
        )
    return text


def _spent(run: Run) -> str:
    spent = run.counts.get("spent", {})
    parts = [f"{part} {seconds:.1f} s" for part, seconds in spent.items() if seconds >= 0.05]
    return "time: " + ", ".join(parts) if parts else ""


def _size(count: int) -> str:
    if count < 1000:
        return counted(count, "byte")
    size = float(count)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"
