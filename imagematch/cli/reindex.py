"""`imagematch reindex`: one pass over the configured jobs, or a pass whenever one is due."""

from pathlib import Path

import click

import imagematch
from imagematch.cli.console import watching
from imagematch.cli.options import ANY_PATH, actor_option, index_option, json_option
from imagematch.cli.outcomes import show_pass, went_well
from imagematch.errors import UsageError
from imagematch.services import jobs

_JOBS_FILE = "jobs.toml"


@click.command("reindex")
@click.option(
    "--jobs",
    "jobs_file",
    type=ANY_PATH,
    help="The jobs file: docs/scheduling.md.  [default: jobs.toml in the index directory if there "
    "is one, else ./jobs.toml]",
)
@click.option("--job", "name", help="Run this job only.")
@click.option("--watch", "keep_watch", is_flag=True, help="Keep running, each job on its schedule.")
@click.option(
    "--allow-lost",
    is_flag=True,
    help="Go on although most known files of the job are gone; needs --job.",
)
@actor_option
@json_option
@index_option
def reindex_command(
    jobs_file: Path | None,
    name: str | None,
    keep_watch: bool,
    allow_lost: bool,
    actor: str,
    as_json: bool,
    directory: Path,
) -> None:
    """Bring the index up to date with all configured folders, and report what matches anew.

    One pass over the jobs of the jobs file. Matches that no report has shown yet are written to
    reports/ in the index directory, with a copy as latest.json and latest.html. A job whose folder
    is gone fails; the others run. With --watch, jobs run on their schedules until Ctrl-C or
    SIGTERM; a job without one is only run by a plain `imagematch reindex`.

    \b
    Example:
      imagematch reindex --jobs jobs.toml
      imagematch reindex --watch
    """
    path = jobs_file or _default_jobs_file(directory)
    if keep_watch:
        from imagematch.cli import watch  # its schedule library is not needed elsewhere

        if allow_lost:
            raise UsageError("--allow-lost is for one pass that you look at, not for --watch")
        watch.run(directory, path, name, actor, as_json=as_json)
        return
    if allow_lost and name is None:
        raise UsageError("--allow-lost needs --job: name the job whose files are gone for good")
    chosen = jobs.select(jobs.load(path), name)
    with (
        imagematch.open(directory, create=True, actor=actor, nice=True) as index,
        watching(quiet=as_json) as monitor,
    ):
        report = index.reindex(chosen, allow_lost=allow_lost, progress=monitor)
    show_pass(report, as_json=as_json)
    if not went_well(report):
        raise click.exceptions.Exit(1)


def _default_jobs_file(directory: Path) -> Path:
    beside = directory / _JOBS_FILE
    return beside if beside.exists() else Path(_JOBS_FILE)
