"""`imagematch decide` and `imagematch decisions`: what a person says about matches, for ever."""

from pathlib import Path
from typing import cast

import click

import imagematch
from imagematch import formatting, link_wording, wording
from imagematch.amounts import counted
from imagematch.cli.asking import agree
from imagematch.cli.console import output, say, write_json
from imagematch.cli.options import (
    ANY_PATH,
    actor_option,
    index_option,
    json_option,
    note_option,
    yes_option,
)
from imagematch.records import VERDICTS, OperatorDecision, Verdict
from imagematch.reports import csv, save
from imagematch.reports import json as json_report
from imagematch.services.reviewing import Recorded

_SAID = {
    "confirm": "Confirmed {}: it counts as certain from now on.",
    "reject": "Rejected {}: it will not be shown again.",
    "reopen": "Reopened {}: it counts as what was measured.",
}


@click.command("decide")
@click.argument("match")
@click.argument("verdict", type=click.Choice(VERDICTS["match"]))
@note_option
@yes_option
@actor_option
@index_option
def decide_command(
    match: str, verdict: str, note: str, yes: bool, actor: str, directory: Path
) -> None:
    """Confirm or reject the match MATCH for good, or reopen it.

    MATCH is the id that `link`, `query` and the reports show, or any beginning of it that is
    unambiguous on both sides of the hyphen. A decision is about the contents of both photos: it
    outlives every run, and holds for files with the same pixels. A rejected match is never shown
    again; a confirmed one counts as certain, whatever a later run makes of it.

    \b
    Examples:
      imagematch decide 3fa1b2c4d5e6-9c0d1e2f3a4b reject --note "another room"
      imagematch decide 3fa1-9c0d confirm
    """
    said = cast(Verdict, verdict)
    with imagematch.open(directory, actor=actor) as index:
        agree(*index.reach_of_decision(match, said), yes=yes)
        made = index.decide(match, said, note=note)
    say(_SAID[verdict].format(made.subject))


@click.group("decisions")
def decisions_group() -> None:
    """Show and exchange everything that people decided.

    Decisions about matches, ignored and hot photos and operators are one history, which only grows.

    \b
    Example:
      imagematch decisions list
    """


@decisions_group.command("list")
@index_option
@json_option
@click.option(
    "--csv", "csv_file", type=ANY_PATH, metavar="FILE", help="Write a table, a row a decision."
)
def list_command(directory: Path, as_json: bool, csv_file: Path | None) -> None:
    """List all decisions, oldest first, those included that a later one has replaced.

    `decisions import` reads what `--json` prints.

    \b
    Examples:
      imagematch decisions list
      imagematch decisions list --json > decisions.json
    """
    with imagematch.open(directory) as index:
        made = index.decisions()
    pairs = [(entry.decision, entry.in_force) for entry in made]
    if csv_file:
        save(csv_file, csv.decisions_csv(pairs))
        say(f"Wrote {csv_file}")
    if as_json:
        write_json(json_report.dumps(json_report.decisions(pairs), indent=2))
    elif not csv_file:
        for entry in made:
            output().print(formatting.printable(_line(entry)), markup=False)
        if not made:
            say("No decisions yet; `imagematch decide MATCH confirm` makes one.")


@decisions_group.command("import")
@click.argument("file", type=ANY_PATH)
@yes_option
@actor_option
@index_option
def import_command(file: Path, yes: bool, actor: str, directory: Path) -> None:
    """Take over the decisions in FILE, which `imagematch decisions list --json` wrote elsewhere.

    Of decisions about the same photos or the same two profiles, the latest counts, wherever it was
    made. Those that are known already change nothing.

    \b
    Example:
      imagematch decisions import decisions.json
    """
    with imagematch.open(directory, actor=actor) as index:
        agree(*index.reach_of_import(file), yes=yes)
        total, new = index.import_decisions(file)
    say(f"{counted(total, 'decision')} in {file}, {new:,} of them new.")


def _line(entry: Recorded) -> str:
    decision = entry.decision
    replaced = "" if entry.in_force or decision.verdict == "reopen" else " (replaced since)"
    if isinstance(decision, OperatorDecision):
        return f"operator {link_wording.said_of(decision)}{replaced}"
    return f"{decision.about} {decision.subject} {wording.full_decision(decision)}{replaced}"
