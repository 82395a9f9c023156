"""`imagematch link`: which profiles share photos?"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

import imagematch
from imagematch import formatting, wording
from imagematch.amounts import counted
from imagematch.cli.asking import agree
from imagematch.cli.console import say, write_all, write_json_parts
from imagematch.cli.options import ANY_PATH, index_option, json_option, yes_option
from imagematch.cli.outcomes import warn_unfinished
from imagematch.records import SHORT, LinkReport
from imagematch.reports import csv, graph, save, save_parts
from imagematch.reports import json as json_report


@click.command("link")
@index_option
@click.option("--same-profile", is_flag=True, help="Also show matches within one profile.")
@yes_option
@json_option
@click.option(
    "--csv",
    "csv_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write a table with a row for each pair of photos.",
)
@click.option(
    "--gexf",
    "gexf_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write the graph of profiles, for Gephi.",
)
@click.option(
    "--html",
    "html_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write a page with pictures and evidence.",
)
def link_command(
    directory: Path,
    same_profile: bool,
    yes: bool,
    as_json: bool,
    csv_file: Path | None,
    gexf_file: Path | None,
    html_file: Path | None,
) -> None:
    """Show which profiles share photos, and how they cluster.

    Rare photos count for more than common ones; a photo that many profiles show (a placeholder, a
    logo) links nobody and is listed instead. Gallery hits are shown, too. Several forms of output
    can be asked for at once.

    \b
    Examples:
      imagematch link
      imagematch link --html report.html --csv pairs.csv
    """
    ask = partial(agree, yes=yes, what="The setting link.hot_profiles")
    with imagematch.open(directory) as index:
        warn_unfinished(index)
        report = index.link(same_profile=same_profile or None, ask=ask)
        if html_file:
            _write_page(index, report, html_file)
    if csv_file:
        save_parts(csv_file, csv.link_parts(report))
        say(f"Wrote {csv_file}")
    if gexf_file:
        save_parts(gexf_file, graph.link_parts(report))
        say(f"Wrote {gexf_file}")
    if as_json:
        write_json_parts(json_report.link_lines(report))
    elif not (csv_file or gexf_file or html_file):
        _show(report)
    if report.unprofiled:
        say(
            f"{counted(report.unprofiled, 'matching pair links', 'matching pairs link')} nobody, "
            f"because nothing says which profile "
            f"one of the photos is from: see `imagematch index --help`, --site-from-path and "
            f"--manifest"
        )


def _write_page(index: imagematch.Index, report: LinkReport, path: Path) -> None:
    from imagematch.reports import html

    about = html.About(str(index.directory), datetime.now(UTC).isoformat(timespec="seconds"))
    wanted = html.sightings_shown(lambda none: html.link_page(report, about, none))
    pictures = index.thumbnails(wanted)
    save(path, html.link_page(report, about, lambda sighting: pictures.get(sighting.photo)))
    say(f"Wrote {path}")


def _show(report: LinkReport) -> None:
    write_all(f"{formatting.printable(line)}\n" for line in _lines(report))


def _lines(report: LinkReport) -> Iterator[str]:
    yield (
        f"{counted(report.profiles, 'profile')}, {counted(len(report.links), 'link')}, "
        f"{counted(len(report.clusters), 'cluster')}, "
        f"{counted(len(report.gallery_hits), 'gallery hit')}, "
        f"{counted(len(report.hot), 'photo')} set aside"
    )
    for cluster in report.clusters:
        weakest = cluster.weakest
        yield f"Cluster {cluster.number}: {', '.join(map(str, cluster.profiles))}"
        yield (
            f"  weakest link: {weakest.left} and {weakest.right}, "
            f"{wording.percent(formatting.floored(weakest.strength))}, by "
            f"{', '.join(pair.id for pair in weakest.pairs)}"
        )
    for link in formatting.strongest_first(report.links):
        yield f"{link.left} and {link.right}: {wording.percent(formatting.floored(link.strength))}"
        for pair in link.pairs:
            yield f"  {wording.verdict(pair)}: {pair.left.path} and {pair.right.path}"
            yield f"    {wording.sentence(pair.judgement)}"
    for hit in report.gallery_hits:
        yield f"Gallery {hit.left.collection}: {hit.left.path} and {hit.right.path}"
        yield f"  {wording.verdict(hit)}: {wording.sentence(hit.judgement)}"
    for photo in report.hot:
        decision = f", {wording.short_decision(photo.decision)}" if photo.decision else ""
        yield (
            f"Set aside ({photo.reason}, {counted(len(photo.profiles), 'profile')}{decision}): "
            f"{photo.sighting.photo[:SHORT]} {photo.sighting.path}"
        )
