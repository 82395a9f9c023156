"""`imagematch link`: which profiles does one operator run, by all that they share?"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

import imagematch
from imagematch import formatting, link_wording, wording
from imagematch.amounts import counted
from imagematch.cli.console import say, write_all, write_json_parts
from imagematch.cli.options import ANY_PATH, index_option, json_option
from imagematch.cli.outcomes import warn_unfinished
from imagematch.records import SHORT, Cluster, HotPhoto, Link, LinkReport
from imagematch.reports import csv, graph, save, save_parts
from imagematch.reports import json as json_report

#: Shared items and bridges of one cluster, and profiles of one line, that are written out.
_LISTED = 12


@click.command("link")
@index_option
@click.option("--same-profile", is_flag=True, help="Also show matches within one profile.")
@json_option
@click.option(
    "--csv",
    "csv_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write a table with a row for each pair of photos, and for each link without one.",
)
@click.option(
    "--gexf",
    "gexf_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write the graph of profiles, for Gephi.",
)
@click.option(
    "--graphml",
    "graphml_file",
    type=ANY_PATH,
    metavar="FILE",
    help="Write the same graph for other network tools.",
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
    as_json: bool,
    csv_file: Path | None,
    gexf_file: Path | None,
    graphml_file: Path | None,
    html_file: Path | None,
) -> None:
    """Show which profiles one operator seems to run, and on what evidence.

    Photos, phone numbers, e-mail addresses, handles and texts that profiles share are evidence, and
    rare ones count for more than common ones. A photo that many profiles show while nothing else
    connects them links nobody, and is listed first: somebody should say whose it is. Gallery hits
    are shown, too. Several forms of output can be asked for at once.

    \b
    Examples:
      imagematch link
      imagematch link --html report.html --csv pairs.csv
    """
    with imagematch.open(directory) as index:
        warn_unfinished(index)
        report = index.link(same_profile=same_profile or None)
        if html_file:
            _write_page(index, report, html_file)
    tables: tuple[tuple[Path | None, Callable[[LinkReport], Iterator[str]]], ...] = (
        (csv_file, csv.link_parts),
        (gexf_file, graph.gexf_parts),
        (graphml_file, graph.graphml_parts),
    )
    for path, parts in tables:
        if path:
            save_parts(path, parts(report))
            say(f"Wrote {path}")
    if as_json:
        write_json_parts(json_report.link_lines(report))
    elif not (csv_file or gexf_file or graphml_file or html_file):
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
        f"{counted(len(report.bridges), 'bridge')}, "
        f"{counted(len(report.gallery_hits), 'gallery hit')}, "
        f"{counted(len(report.hot), 'photo')} set aside"
    )
    questions = [photo for photo in report.hot if photo.needs_answer]
    if questions:
        yield f"{link_wording.HOT_QUESTION} `imagematch hot release` or `hot keep` says so:"
        for photo in questions:
            yield f"  {_named(photo)}, on {counted(len(photo.profiles), 'profile')}"
    for cluster in report.clusters:
        yield from _cluster_lines(cluster)
    for link in formatting.strongest_first(report.links):
        yield from _link_lines(link)
    yield from _bridge_lines(report)
    for common in report.common:
        value = formatting.shortened(common.value)
        yield (
            f"Joins nobody: {link_wording.ITEM_WORDS[common.kind][0]} {value}, on "
            f"{counted(common.profiles, 'profile')}. {link_wording.common(common)}"
        )
    for heading, decisions in (
        (link_wording.APART, report.apart),
        (link_wording.UNMET, report.unmet),
    ):
        if decisions:
            yield heading
        for made in decisions:
            yield f"  {link_wording.said_of(made)}"
    for hit in report.gallery_hits:
        yield f"Gallery {hit.left.collection}: {hit.left.path} and {hit.right.path}"
        yield f"  {wording.verdict(hit)}: {wording.sentence(hit.judgement)}"
    for photo in report.hot:
        if not photo.needs_answer:
            decision = f", {wording.short_decision(photo.decision)}" if photo.decision else ""
            profiles = counted(len(photo.profiles), "profile")
            yield f"Set aside ({photo.reason}, {profiles}{decision}): {_named(photo)}"


def _cluster_lines(cluster: Cluster) -> Iterator[str]:
    yield f"Cluster {cluster.number} ({cluster.id}): {', '.join(map(str, cluster.profiles))}"
    yield f"  {link_wording.cluster(cluster)}"
    if when := link_wording.when_and_where(cluster.stops):
        yield f"  {when}"
    for item in cluster.shared[:_LISTED]:
        shown = link_wording.shown_by(item, len(cluster.profiles))
        yield f"  {link_wording.item_name(item)}: {shown}, {link_wording.bits(item.bits)}"
    if len(cluster.shared) > _LISTED:
        yield f"  {counted(len(cluster.shared) - _LISTED, 'more shared item')}, see --json"
    for doubt in cluster.doubts:
        yield f"  against it: {link_wording.doubt(doubt)}"
    weakest = cluster.weakest
    yield f"  weakest link: {weakest.left} and {weakest.right}. {link_wording.link(weakest)}"


def _link_lines(link: Link) -> Iterator[str]:
    yield f"{link.left} and {link.right}: {link_wording.link(link)}"
    for pair in link.pairs:
        yield f"  {wording.verdict(pair)}: {pair.left.path} and {pair.right.path}"
        yield f"    {wording.sentence(pair.judgement)}"


def _bridge_lines(report: LinkReport) -> Iterator[str]:
    numbers = {cluster.id: cluster.number for cluster in report.clusters}
    for bridge in report.bridges:
        said = link_wording.bridge(bridge, numbers)
        yield f"Bridge, {link_wording.item_name(bridge.item)}: {said}"
        for cluster_id, profiles in bridge.sides:
            number = numbers.get(cluster_id)
            told = ", ".join(map(str, profiles[:_LISTED]))
            more = f" and {len(profiles) - _LISTED:,} more" if len(profiles) > _LISTED else ""
            yield f"  {f'cluster {number}' if number else 'in no cluster'}: {told}{more}"


def _named(photo: HotPhoto) -> str:
    return f"{photo.sighting.photo[:SHORT]} {photo.sighting.path}"
