"""The part of a scan that is about ads without a photo: what a manifest says in, sightings out."""

from collections import defaultdict, deque
from collections.abc import Iterable

from imagematch.records import FoundAd
from imagematch.stores.ads import PresentAd
from imagematch.stores.index import Index
from imagematch.stores.scan_inserts import sightings_sha256


class AdScan:
    """Ads without a photo in one scan of a root.

    Attributes:
        seen: how many there were.
    """

    def __init__(self, index: Index, root_id: int, run_id: int) -> None:
        self.seen = 0
        self._index = index
        self._root_id, self._run_id = root_id, run_id
        self._batch = index.settings.store.batch
        self._last_complete = index.known.last_complete_run(root_id)
        self._waiting: list[FoundAd] = []
        self._met: set[int] = set()  # ids

    def take(self, ad: FoundAd) -> None:
        """Store one, with others, unless it is there as it is."""
        self._waiting.append(ad)
        if len(self._waiting) == self._batch:
            self._store()

    def _store(self) -> None:
        known = self._index.ads.known(self._root_id, [ad.key for ad in self._waiting])
        new: list[FoundAd] = []
        changed: list[tuple[int, FoundAd]] = []
        for ad in self._waiting:
            before = known.get(ad.key)
            if before is None:
                new.append(ad)
            elif before.gone or before.sha256 != sightings_sha256(ad.sightings):
                changed.append((before.id, ad))
        self._index.ads.refresh(changed)
        self._met.update(before.id for before in known.values())
        self._met.update(self._index.ads.add(self._root_id, self._run_id, new))
        self.seen += len(self._waiting)
        self._waiting.clear()

    def finish(self) -> None:
        """Store the rest, and tell edited ads from those that are gone."""
        self._store()
        present = list(self._index.ads.present(self._root_id))
        lost = [ad for ad in present if ad.id not in self._met]
        if lost:
            arrived = (ad for ad in present if ad.id in self._met)
            edited = self._edited(lost, arrived)
            gone = set(edited.values())
            self._index.ads.finish_scan([ad.id for ad in lost if ad.id not in gone], edited)

    def _edited(self, lost: Iterable[PresentAd], there: Iterable[PresentAd]) -> dict[int, int]:
        """Which ads without a number or an address are lost ones of their profile, edited: from the
        id of the new one to the id of the old one."""
        came: defaultdict[str, deque[int]] = defaultdict(deque)
        for ad in there:
            if FoundAd.poster_in(ad.key) and ad.added_run > self._last_complete:
                came[FoundAd.poster_in(ad.key)].append(ad.id)
        return {
            came[poster].popleft(): ad.id
            for ad in lost
            if (poster := FoundAd.poster_in(ad.key)) and came[poster]
        }
