"""A link report as a table for spreadsheets: a row for each photo pair of a link, or for the link.

Spreadsheets run a cell that starts like a formula, and handles and file names come from strangers:
such a cell gets an apostrophe in front. Hidden characters are spelled out (`\\n`, `\\u202e`), so
that a row is a line. For values to the letter, take the JSON report.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from imagematch import formatting, link_wording, wording
from imagematch.records import (
    Cluster,
    Decision,
    ExportedHashes,
    Link,
    LinkReport,
    OperatorDecision,
    PhotoPair,
    Profile,
)

COLUMNS = (
    "left_site",
    "left_profile",
    "right_site",
    "right_profile",
    "probability",
    "bits",
    "evidence",
    "items",
    "cluster",
    "cluster_id",
    "weakest",
    "said",
    "match",
    "kind",
    "confidence",
    "band",
    "shared_by",
    "left_path",
    "right_path",
    "left_photo",
    "right_photo",
    "pdq_distance",
    "cosine",
    "inliers",
    "overlap",
    "correlation",
    "agreement",
    "mirrored",
    "decision",
)

DECISION_COLUMNS = (
    "at",
    "who",
    "about",
    "subject",
    "verdict",
    "in_force",
    "kind",
    "photo_a",
    "photo_b",
    "left_profiles",
    "right_profiles",
    "note",
)

HASH_COLUMNS = ("sha256", "phash", "pdq", "pdq_quality", "gate", "collection", "path")

#: What Excel and LibreOffice take for the start of a formula, wide forms included (OWASP, "CSV
#: Injection"; its tab and carriage return are spelled out before they get here).
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for the local code page

#: Shared items or profiles that a cell names; a spreadsheet cuts cells of more than 32,767
#: characters.
_MOST_ITEMS = 50

type _Cell = str | int | float | None


def link_parts(report: LinkReport) -> Iterator[str]:
    """All pairs of all links, most likely link first, with a byte order mark and CRLF line ends.

    It comes in parts, a link each; one that rests on no pair of photos has a row without one. An
    empty cell means "not measured" or, for `cluster` and `cluster_id`, "in none". `weakest` is
    "true" for the link that holds its cluster together least; `said` is what a person said of its
    two profiles, `decision` what one decided about the pair.
    """
    text = io.StringIO(newline="")
    text.write(_BYTE_ORDER_MARK)
    table = csv.writer(text, dialect="excel")
    table.writerow(COLUMNS)
    clusters = formatting.clusters_by_profile(report)
    weakest = formatting.weakest_ends(report)
    for link in formatting.strongest_first(report.links):
        cluster = formatting.cluster_of(link, clusters)
        table.writerows(_rows(link, cluster, weakest=(link.left, link.right) in weakest))
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def decisions_csv(made: Iterable[tuple[Decision | OperatorDecision, bool]]) -> str:
    """A history of decisions, oldest first, in the form of `link_parts`.

    Args:
        made: with each decision, whether it is in force.
    """
    text = io.StringIO(newline="")
    text.write(_BYTE_ORDER_MARK)
    table = csv.writer(text, dialect="excel")
    table.writerow(DECISION_COLUMNS)
    for decision, in_force in made:
        about, subject, *rest = (
            _operator_cells(decision)
            if isinstance(decision, OperatorDecision)
            else _photo_cells(decision)
        )
        table.writerow(
            (
                decision.at,
                safe_cell(decision.who),
                about,
                subject,
                decision.verdict,
                str(in_force).lower(),
                *rest,
                safe_cell(decision.note),
            )
        )
    return text.getvalue()


def _photo_cells(decision: Decision) -> tuple[_Cell, ...]:
    """What a decision is about, its subject, and its kind, photos and profiles."""
    hashes = [photo.sha256 for photo in decision.photos]
    second = hashes[1] if len(hashes) > 1 else None
    return decision.about, decision.subject, decision.kind, hashes[0], second, None, None


def _operator_cells(decision: OperatorDecision) -> tuple[_Cell, ...]:
    """The same of a decision about operators."""
    subject = safe_cell(link_wording.sides(decision))
    return "operator", subject, None, None, None, _names(decision.left), _names(decision.right)


def _names(profiles: Sequence[Profile]) -> str:
    return safe_cell("; ".join(_some([str(each) for each in profiles[:_MOST_ITEMS]], profiles)))


def _some(named: list[str], of: Sequence[object]) -> list[str]:
    """What a cell names, and how many more there are."""
    more = len(of) - len(named)
    return [*named, f"{more:,} more"] if more else named


def hashes_parts(exported: Iterable[ExportedHashes]) -> Iterator[str]:
    """Hashes in the form of `link_csv`, in parts; `query --hash-list` reads them."""
    text = io.StringIO(newline="")
    table = csv.writer(text, dialect="excel")
    yield _BYTE_ORDER_MARK
    table.writerow(HASH_COLUMNS)
    for entry in exported:
        table.writerow(
            (
                entry.sha256,
                entry.phash,
                entry.pdq,
                entry.pdq_quality,
                entry.gate,
                safe_cell(entry.collection),
                safe_cell(entry.path),
            )
        )
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def pdq_parts(exported: Iterable[ExportedHashes]) -> Iterator[str]:
    """Lines `hash,quality,path`, as the programs of ThreatExchange write and read them.

    Photos whose hash means nothing (`gate`) are left out.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    for entry in exported:
        if not entry.gate:
            table.writerow((entry.pdq, entry.pdq_quality, safe_cell(entry.path)))
            yield text.getvalue()
            text.seek(0)
            text.truncate()


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and never computes."""
    visible = formatting.printable(text)
    # Spaces first: some programs trim a cell before they look at it.
    return f"'{visible}" if visible.lstrip().startswith(_FORMULA_STARTS) else visible


def _rows(link: Link, cluster: Cluster | None, *, weakest: bool) -> Iterator[tuple[_Cell, ...]]:
    ends = (link.left.site, link.left.handle, link.right.site, link.right.handle)
    start = (
        *map(safe_cell, ends),
        formatting.probability(link),
        formatting.bits(link.bits),
        "; ".join(formatting.evidence_kinds(link)),
        safe_cell(_items(link)),
        cluster.number if cluster else None,
        safe_cell(cluster.id) if cluster else None,
        str(weakest).lower() if cluster else None,
        safe_cell(link_wording.said(link.decision)) if link.decision else None,
    )
    for pair in link.pairs:
        yield (*start, *_pair_cells(pair))
    if not link.pairs:
        yield (*start, *(None,) * (len(COLUMNS) - len(start)))


def _items(link: Link) -> str:
    named = [link_wording.item_name(item) for item in link.shared[:_MOST_ITEMS]]
    return "; ".join(_some(named, link.shared))


def _pair_cells(pair: PhotoPair) -> tuple[_Cell, ...]:
    evidence = pair.judgement.evidence
    geometry = evidence.geometry
    return (
        pair.id,
        pair.judgement.kind,
        formatting.confidence(pair.judgement),
        wording.band(pair.judgement),
        pair.shared_by,
        safe_cell(pair.left.path),
        safe_cell(pair.right.path),
        pair.left.photo,
        pair.right.photo,
        evidence.pdq_distance,
        formatting.rounded(evidence.cosine, 4),
        geometry.inliers if geometry else None,
        formatting.rounded(geometry.overlap, 4) if geometry else None,
        formatting.rounded(geometry.correlation, 4) if geometry else None,
        formatting.rounded(geometry.agreement, 4) if geometry else None,
        str(geometry.mirrored).lower() if geometry else None,
        safe_cell(wording.full_decision(pair.decision)) if pair.decision else None,
    )
