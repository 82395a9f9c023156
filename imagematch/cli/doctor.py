"""`imagematch doctor`: whether this machine and an index are well, and what to do if not."""

import os
from pathlib import Path

import click
from click.core import ParameterSource

from imagematch.amounts import counted
from imagematch.cli.console import write_json
from imagematch.cli.options import index_option, json_option
from imagematch.formatting import printable
from imagematch.reports import json as json_report
from imagematch.services import health
from imagematch.services.environment import Finding
from imagematch.services.health import Checkup


@click.command("doctor")
@index_option
@click.option(
    "--repair", is_flag=True, help="Mend the index: drop what is damaged, so it is made again."
)
@click.option(
    "--files",
    "all_files",
    is_flag=True,
    help="Read every indexed file, to find all that were changed since.  [default: a sample]",
)
@json_option
@click.pass_context
def doctor_command(
    context: click.Context, directory: Path, repair: bool, all_files: bool, as_json: bool
) -> None:
    """Check this machine and the index, and say what to do about what is wrong.

    \b
    Examples:
      imagematch doctor
      imagematch doctor --repair --index cases/north
    """
    named = context.get_parameter_source("directory") is not ParameterSource.DEFAULT
    wanted = named or repair or bool(os.environ.get("IMAGEMATCH_INDEX"))
    found = health.check(directory, wanted=wanted, repair=repair, all_files=all_files)
    if as_json:
        write_json(json_report.dumps(found.to_dict()))
    else:
        _show(directory, found)
    if found.exit_code:
        raise click.exceptions.Exit(found.exit_code)


def _show(directory: Path, found: Checkup) -> None:
    click.echo("This machine")
    for finding in found.environment:
        _show_finding(finding)
    click.echo()
    click.echo(printable(f"Index {directory}"))
    for action in found.repaired:
        click.echo(printable(f"  {'repaired':<9} {action}"))
    for finding in found.index:
        _show_finding(finding)
    if any(finding.check == "waiting" for finding in found.index) and found.repaired:
        click.echo(
            "\nWhat was dropped is made again by the next `imagematch index` of those folders."
        )
    click.echo(f"\n{_summary(found)}")


def _show_finding(finding: Finding) -> None:
    click.echo(printable(f"  {finding.state:<9} {finding.check}: {finding.message}"))
    if finding.advice:
        click.echo(printable(f"  {'':<9} -> {finding.advice}"))


def _summary(found: Checkup) -> str:
    findings = [*found.environment, *found.index]
    problems = sum(finding.state == "problem" for finding in findings)
    warnings = sum(finding.state == "warning" for finding in findings)
    if not problems and not warnings:
        return "All is well."
    return f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}."
