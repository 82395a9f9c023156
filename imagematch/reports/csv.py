"""A link report as a table for spreadsheets: one row a photo pair of a link.

Spreadsheets run a cell that starts like a formula, and handles and file names come from strangers:
such a cell gets an apostrophe in front. Hidden characters are spelled out (`\\n`, `\\u202e`), so
that a row is a line. For values to the letter, take the JSON report.
"""

import csv
import io
from collections.abc import Iterator

from imagematch.records import Link, LinkReport, PhotoPair
from imagematch.reports import shown

COLUMNS = (
    "left_site",
    "left_profile",
    "right_site",
    "right_profile",
    "strength",
    "cluster",
    "kind",
    "confidence",
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
)

#: What Excel and LibreOffice take for the start of a formula, wide forms included (OWASP, "CSV
#: Injection"; its tab and carriage return are spelled out before they get here).
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BYTE_ORDER_MARK = "\ufeff"  # without it, Excel takes UTF-8 for the local code page

type _Cell = str | int | float | None


def link_csv(report: LinkReport) -> str:
    """All pairs of all links, strongest link first, with a byte order mark and CRLF line ends.

    An empty cell means "not measured" or, for `cluster`, "in none".
    """
    text = io.StringIO(newline="")
    text.write(_BYTE_ORDER_MARK)
    table = csv.writer(text, dialect="excel")
    table.writerow(COLUMNS)
    numbers = shown.cluster_numbers(report)
    for link in shown.strongest_first(report.links):
        table.writerows(_rows(link, shown.cluster_of(link, numbers)))
    return text.getvalue()


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and never computes."""
    visible = shown.printable(text)
    # Spaces first: some programs trim a cell before they look at it.
    return f"'{visible}" if visible.lstrip().startswith(_FORMULA_STARTS) else visible


def _rows(link: Link, cluster: int | None) -> Iterator[tuple[_Cell, ...]]:
    ends = (link.left.site, link.left.handle, link.right.site, link.right.handle)
    start = (*map(safe_cell, ends), shown.floored(link.strength), cluster)
    for pair in link.pairs:
        yield (*start, *_pair_cells(pair))


def _pair_cells(pair: PhotoPair) -> tuple[_Cell, ...]:
    evidence = pair.judgement.evidence
    geometry = evidence.geometry
    return (
        pair.judgement.kind,
        shown.confidence(pair.judgement),
        pair.shared_by,
        safe_cell(pair.left.path),
        safe_cell(pair.right.path),
        pair.left.photo,
        pair.right.photo,
        evidence.pdq_distance,
        shown.rounded(evidence.cosine, 4),
        geometry.inliers if geometry else None,
        shown.rounded(geometry.overlap, 4) if geometry else None,
        shown.rounded(geometry.correlation, 4) if geometry else None,
        shown.rounded(geometry.agreement, 4) if geometry else None,
        str(geometry.mirrored).lower() if geometry else None,
    )
