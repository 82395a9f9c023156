"""Hashes from elsewhere in, sightings of photos that are near by hash alone out: leads, no matches.

Nothing is compared but hashes, so nothing gets a confidence: that is calibrated for what is seen of
pictures. A photo whose hashes mean nothing (flat, tiny, drawn) is found by its bytes only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import batched

import numpy as np

from imagematch.kernels import hashes
from imagematch.records import (
    PHASH_BYTES,
    Bytes,
    HashLead,
    HashResult,
    ListedHashes,
    QueryOptions,
    StoredSighting,
    UnusableLine,
)
from imagematch.runtime.monitor import Monitor
from imagematch.settings import SearchSettings
from imagematch.stages.decisions_in_force import DecisionsInForce
from imagematch.stores import hamming
from imagematch.stores.index import Index
from imagematch.stores.photos import photo_of
from imagematch.stores.rows import Rows, TopK

#: Entries looked up together.
_BATCH = 256

#: Photos that are near one hash, at most: some hashes of plain pictures are near thousands.
_MOST = 1000


def run(
    index: Index,
    entries: Iterable[ListedHashes | UnusableLine],
    options: QueryOptions,
    monitor: Monitor,
) -> Iterator[HashResult | UnusableLine]:
    """Look hashes up, in the order given; what is unusable is passed on.

    Args:
        options: of which `collection` and `top` count.
    """
    lookup = _Lookup(index, options)
    for batch in batched(entries, _BATCH):
        good = [entry for entry in batch if isinstance(entry, ListedHashes)]
        results = iter(lookup.results(good))
        for entry in batch:
            yield entry if isinstance(entry, UnusableLine) else next(results)
        monitor.advance(len(batch))
        monitor.check()


class _Near:
    """How near one photo is, by each hash that was asked for."""

    def __init__(self) -> None:
        self.same_bytes = False
        self.pdq: int | None = None
        self.phash: int | None = None
        self.orientation = ""

    def rank(self, settings: SearchSettings) -> tuple[bool, float]:
        """A key that sorts the nearest first, by whichever hash says so more clearly."""
        shares = [
            distance / (most + 1)
            for distance, most in (
                (self.pdq, settings.lead_pdq_distance),
                (self.phash, settings.lead_phash_distance),
            )
            if distance is not None
        ]
        return not self.same_bytes, min(shares, default=0.0)


class _Lookup:
    def __init__(self, index: Index, options: QueryOptions) -> None:
        self._index, self._options = index, options
        self._settings = index.settings.search
        self._decided = DecisionsInForce.of(index)
        self._references = index.references()

    @cached_property
    def _phashes(self) -> Rows:
        """All of the index, 16 bytes a photo."""
        ids, packed = self._index.photos.phashes()
        return Rows(ids, packed, np.ones(len(ids), np.bool_))

    def results(self, entries: Sequence[ListedHashes]) -> Iterator[HashResult]:
        near: list[dict[int, _Near]] = [{} for _ in entries]
        self._by_bytes(entries, near)
        self._by_pdq(entries, near)
        self._by_phash(entries, near)
        ids = sorted({photo_id for found in near for photo_id in found})
        sightings = self._index.sightings.sightings_of(ids)
        for entry, found in zip(entries, near, strict=True):
            yield HashResult(entry, tuple(self._leads(found, sightings)))

    def _leads(
        self, found: Mapping[int, _Near], sightings: Mapping[int, Sequence[StoredSighting]]
    ) -> Iterator[HashLead]:
        """One for each sighting that was asked for, of the nearest photos."""
        ranked = sorted(
            found, key=lambda photo_id: (found[photo_id].rank(self._settings), photo_id)
        )
        shown = 0
        for photo_id in ranked:
            where = [
                sighting
                for sighting in sightings[photo_id]
                if self._options.collection in ("", sighting.collection)
            ]
            one, ignored = found[photo_id], photo_id in self._decided.ignored
            for sighting in where:
                yield HashLead(
                    sighting, one.same_bytes, one.pdq, one.phash, one.orientation, ignored
                )
            shown += bool(where)
            if shown == self._options.top:
                return

    def _by_bytes(self, entries: Sequence[ListedHashes], near: list[dict[int, _Near]]) -> None:
        known = self._index.photos.with_bytes(
            sorted({entry.sha256 for entry in entries if entry.sha256})
        )
        for entry, found in zip(entries, near, strict=True):
            if entry.sha256 in known:
                found.setdefault(known[entry.sha256], _Near()).same_bytes = True

    def _by_pdq(self, entries: Sequence[ListedHashes], near: list[dict[int, _Near]]) -> None:
        asking = [number for number, entry in enumerate(entries) if entry.pdq]
        if not asking:
            return
        upright = hashes.pack_hex([entries[number].pdq for number in asking])
        turned = hashes.orientations(upright)
        ways = turned.shape[1]
        limit = self._settings.lead_pdq_distance
        queries = turned.reshape(-1, hashes.PDQ_BYTES)
        # References must answer even where many ads are nearer than they are.
        answers = [
            self._index.pdq.search(queries, _MOST, limit=limit, among=among)
            for among in (None, self._references.vectors)
        ]
        near_ids = np.concatenate([answer.ids for answer in answers], axis=1)
        scores = np.concatenate([answer.scores for answer in answers], axis=1)
        asked, places = np.nonzero(near_ids >= 0)
        photos = [photo_of(int(vector)) for vector in near_ids[asked, places]]
        bits = scores[asked, places].astype(int).tolist()
        facts = self._index.photos.facts(sorted(set(photos)))
        for row, photo_id, distance in zip(asked.tolist(), photos, bits, strict=True):
            facts_of_one = facts.get(photo_id)
            if facts_of_one and facts_of_one.pdq_quality >= self._settings.min_pdq_quality:
                number, way = divmod(row, ways)
                one = near[asking[number]].setdefault(photo_id, _Near())
                if one.pdq is None or distance < one.pdq:  # of equal ones, the first way
                    one.pdq, one.orientation = distance, hashes.DIHEDRAL[way] if way else ""

    def _by_phash(self, entries: Sequence[ListedHashes], near: list[dict[int, _Near]]) -> None:
        asking = [number for number, entry in enumerate(entries) if entry.phash]
        if not asking:
            return
        everyone = self._phashes
        references = replace(everyone, alive=np.isin(everyone.ids, self._references.photos))
        for rows in (everyone, references):
            best = TopK(len(asking), _MOST, self._settings.lead_phash_distance)
            hamming.search([rows], _packed(entries, asking), best, 0)
            for number, ids, bits in zip(asking, best.ids, best.costs, strict=True):
                for photo_id, distance in zip(ids[ids >= 0], bits[ids >= 0], strict=True):
                    near[number].setdefault(int(photo_id), _Near()).phash = int(distance)


def _packed(entries: Sequence[ListedHashes], asking: Sequence[int]) -> Bytes:
    """The pHashes of some entries, shape (Q, 8)."""
    text = "".join(entries[number].phash for number in asking)
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(-1, PHASH_BYTES)
