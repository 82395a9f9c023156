"""Tally: what a scan saw and what became of it in, the counts of a run out, which add up."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from imagematch.sources import folder
from imagematch.stages.scan import ScanReport
from imagematch.stores.index import Index


@dataclass(frozen=True, slots=True)
class Tally:
    """What the files of a run count as, see `IndexReport`; all others were described or known.

    Attributes:
        skipped: by what they are.
    """

    seen: int
    failed: int
    failed_new: int
    skipped: Counter[str]


def run(index: Index, scanned: ScanReport, told: int, hidden: Collection[int]) -> Tally:
    """Count the files that a run saw.

    Hidden ones are left out, but for those that it worked on all the same: a folder that can't be
    listed may well be entered, and no other run would tell of what failed in this one.

    Args:
        told: the last run that told of failures.
        hidden: photos that waited to be described, and that only hidden files show.
    """
    hidden_failed = index.sightings.count_failed_of(scanned.hidden)
    hidden_new = index.sightings.count_failed_of(scanned.hidden, told)
    hidden_described = len(index.photos.facts(sorted(hidden)))
    sidecars = Counter(index.sightings.count_skipped(scanned.root_id))
    sidecars -= Counter(index.sightings.count_skipped_of(scanned.hidden))
    return Tally(
        seen=scanned.seen + len(scanned.skips) + hidden_new + hidden_described,
        failed=index.sightings.count_failed(scanned.root_id) - hidden_failed + hidden_new,
        failed_new=index.sightings.count_failed(scanned.root_id, told),
        skipped=sidecars + Counter(map(folder.kind_of_skip, scanned.skips)),
    )
