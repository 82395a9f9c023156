"""Identify: what sightings say in, the phones, names and addresses that they show out, stored.

Reads what waits, whatever root it is of: all of it is in the catalogue. Texts are strangers' and
take seconds where they are long, so workers read them; what can't be read costs that ad alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING

from imagematch.records import IdentifierKind, ManifestNote, Showing, SightingInfo
from imagematch.runtime.executors import Executor, SerialExecutor
from imagematch.runtime.monitor import Monitor
from imagematch.stores.identifiers import UnreadSighting
from imagematch.stores.index import Index

if TYPE_CHECKING:  # the phone numbers of the world, which most runs have nothing to read with
    from imagematch.kernels.identifiers.cells import Cell

    type Ad = tuple[Cell, ...]
    type Shown = tuple[Showing, ...]

#: Grows when texts are read otherwise, so that those of before are read again.
READER = 2

#: Sightings that are read and stored together.
_TOGETHER = 500

#: Characters that are read in this process, in a quarter of a second at most: workers that look at
#: photos take longer to start.
_FEW = 10_000

#: Columns that every manifest may have, with the kind of identifier in each; None: a text.
_COLUMNS: dict[str, IdentifierKind | None] = {
    "phone": "phone",
    "email": "email",
    "url": "url",
    "text": None,
}
_KNOWN = {each.name for each in fields(SightingInfo)} - {"extra"}


@dataclass(slots=True)
class IdentifyReport:
    """What was read.

    Attributes:
        read: sightings.
        notes: what could not be.
    """

    read: int = 0
    notes: list[ManifestNote] = field(default_factory=list)


def run(index: Index, executor: Executor, monitor: Monitor) -> IdentifyReport:
    """Read the identifiers of all sightings that wait for it.

    Everything waits again where the reader, or the country of numbers without a prefix, is another.

    Raises:
        Stopped: as asked through the monitor; what was read is kept.
        KeepsFailing: imagematch itself failed on many in a row.
    """
    region = index.settings.scan.phone_region.strip().upper()
    index.identifiers.require_reader(f"{READER} {region}".strip())
    report = IdentifyReport()
    waiting = index.identifiers.count_unread()
    if not waiting:
        return report
    monitor.stage("identify", waiting)
    while batch := index.identifiers.unread(_TOGETHER):
        ads = [_cells(sighting) for sighting in batch]
        shown, failed = _read_all(executor, ads, region)
        index.identifiers.save([(each.id, shown[ad]) for each, ad in zip(batch, ads, strict=True)])
        report.read += len(batch)
        report.notes += [
            ManifestNote("unread_text", each.path, failed[ad])
            for each, ad in zip(batch, ads, strict=True)
            if ad in failed
        ]
        monitor.advance(len(batch))
        monitor.check()
    index.identifiers.forget_unshown()
    return report


def _cells(sighting: UnreadSighting) -> "Ad":
    """What of a sighting is read; the marked columns first, which a person knows best."""
    from imagematch.kernels.identifiers.cells import LONGEST_TEXT, Cell

    info = sighting.info
    marked = [
        (name, kind, getattr(info, name) if name in _KNOWN else info.extra.get(name, ""))
        for name, kind in sighting.columns
    ]
    names = {name for name, _, _ in marked}
    usual = [
        (name, kind, getattr(info, name)) for name, kind in _COLUMNS.items() if name not in names
    ]
    return tuple(
        Cell(name, kind, text[:LONGEST_TEXT]) for name, kind, text in (*marked, *usual) if text
    )


def _read_all(
    executor: Executor, ads: Sequence["Ad"], region: str
) -> "tuple[Mapping[Ad, Shown], Mapping[Ad, str]]":
    """What ads show, and of those that can't be read the reason. Photos of one ad have one text."""
    different = list(dict.fromkeys(ads))
    characters = sum(len(cell.text) for ad in different for cell in ad)
    reader = SerialExecutor() if characters <= _FEW else executor
    shown: dict[Ad, Shown] = {}
    failed: dict[Ad, str] = {}
    for outcome in reader.run(partial(_read, region), different):
        shown[outcome.task] = outcome.result or ()
        if outcome.failure is not None:
            failed[outcome.task] = outcome.failure.message
    return shown, failed


def _read(region: str, ads: Sequence["Ad"]) -> list["Shown"]:
    """The identifiers of some ads; in a worker."""
    from imagematch.kernels.identifiers import cells
    from imagematch.kernels.phones import checked_region

    known = checked_region(region)
    return [cells.read(ad, (known,) if known else ()) for ad in ads]
