"""Decisions in force: what people decided in, what it means for photos and matches out.

A decision is about contents, so it holds for every photo with the same bytes or the same pixels,
whenever it came. Of all decisions about one thing, the latest counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple, Self

from imagematch.records import About, Content, Decision, Evidence, Judgement
from imagematch.stores.decision_history import order
from imagematch.stores.index import Index
from imagematch.stores.matches import StoredMatch

#: Confidence from which copies count as forms of one photo.
SURE = 0.9

#: The rule of a match that counts because a person said so.
CONFIRMED = "confirmed"

#: What one decision is about, by bytes or by pixels; "" stands for the second photo of one.
type _Subject = tuple[About, str, str]


class EffectiveJudgement(NamedTuple):
    """One judged pair as it counts.

    Attributes:
        decision: what a person decided about it, if it is in force.
        ignored: its photo is on the ignore list, or a near-copy of one that is.
    """

    judgement: Judgement
    decision: Decision | None
    ignored: bool

    @property
    def rejected(self) -> bool:
        """Whether a person said that it is no match."""
        return self.decision is not None and self.decision.verdict == "reject"


class DecisionsInForce:
    """All decisions, as they apply to the photos of one index."""

    def __init__(self, history: Iterable[Decision], known: Mapping[int, Content]) -> None:
        """Args:
        history: oldest first.
        known: the photos that decisions are about, by id; see `DecisionsInForce.of`.
        """
        self._known = known
        self._pixels = {content.sha256: content.pixel_sha256 for content in known.values()}
        self._latest: dict[_Subject, tuple[int, Decision]] = {}
        self._ids: dict[str, set[int]] = {}
        for photo_id, content in known.items():
            for key in self._keys(content):
                self._ids.setdefault(key, set()).add(photo_id)
        for rank, decision in enumerate(history):
            for subject in self._subjects(decision.about, decision.photos):
                self._latest[subject] = rank, decision
        #: Photos of the ignore list, and those that are ignored as near-copies of one of them,
        #: each with the decision that says so.
        self.listed: dict[int, Decision] = self._ignored_by_content()
        self.near_copies: dict[int, Decision] = {}
        self.ignored = self.listed

    @classmethod
    def of(cls, index: Index, further: Sequence[Decision] = ()) -> Self:
        """All decisions of an index, with the near-copies of what is ignored.

        Args:
            further: decisions to go by as if they had been made, too.
        """
        history = sorted([*index.decisions.history(), *further], key=order)
        sides = [photo for decision in history for photo in decision.photos]
        known = index.decisions.contents(_hashes(sides))
        # A photo may have been decoded in another way since; then its pixels have changed.
        known |= index.decisions.contents(_hashes(known.values()))
        decided = cls(history, known)
        decided.add_near_copies(index.matches.of(decided.listed))
        return decided

    # --- what was decided ----------------------------------------------------------------------

    def latest(self, about: About, photos: Sequence[Content]) -> Decision | None:
        """The latest decision about some contents, one that reopens included."""
        found = [
            self._latest[subject]
            for subject in self._subjects(about, photos)
            if subject in self._latest
        ]
        return max(found, key=lambda entry: entry[0])[1] if found else None

    def in_force(self, decision: Decision) -> bool:
        """Whether no later decision has replaced this one, and it says something."""
        latest = self.latest(decision.about, decision.photos)
        return latest == decision and decision.verdict != "reopen"

    def on_photo(self, about: About, photo_id: int) -> Decision | None:
        """The latest decision about a photo of the index, one that reopens included."""
        content = self._known.get(photo_id)
        return self.latest(about, (content,)) if content else None

    def on_pair(self, one: Content, two: Content) -> Decision | None:
        """The decision in force about a pair of contents."""
        latest = self.latest("match", (one, two))
        return None if latest is None or latest.verdict == "reopen" else latest

    # --- what follows for matches --------------------------------------------------------------

    def applied(self, matches: Iterable[StoredMatch]) -> Iterator[StoredMatch]:
        """Stored matches as they count: none that is rejected or ignored, all that are confirmed.

        Args:
            matches: all that the index has.
        """
        confirmed = dict(self._confirmed_pairs())
        for match in matches:
            pair = match.photo_a, match.photo_b
            confirmed.pop(pair, None)
            if self.ignored.keys() & pair:
                continue
            decision = self._on_ids(*pair)
            if decision is None:
                yield match
            elif decision.verdict == "confirm":
                judgement = _confirmed(match.judgement, decision)
                yield replace(match, judgement=judgement, decision=decision)
        for (photo_a, photo_b), decision in confirmed.items():
            if not self.ignored.keys() & {photo_a, photo_b}:
                yield StoredMatch(photo_a, photo_b, _unjudged(decision), 0, decision)

    def _on_ids(self, photo_a: int, photo_b: int) -> Decision | None:
        one, two = self._known.get(photo_a), self._known.get(photo_b)
        return self.on_pair(one, two) if one and two else None

    def _confirmed_pairs(self) -> Iterator[tuple[tuple[int, int], Decision]]:
        """Pairs of photos of the index that people confirmed, the smaller id first."""
        for decision in self.standing("match", "confirm"):
            one, two = (self._ids_of(photo) for photo in decision.photos)
            for photo_a, photo_b in product(one, two):
                if photo_a != photo_b:
                    yield (min(photo_a, photo_b), max(photo_a, photo_b)), decision

    # --- what follows for queries --------------------------------------------------------------

    def on_query(self, query: Content, photo_id: int, judgement: Judgement) -> EffectiveJudgement:
        """What a judged pair of a query and a photo of the index counts for."""
        content = self._known.get(photo_id)
        decision = self.on_pair(query, content) if content else None
        if decision is not None and decision.verdict == "confirm":
            judgement = _confirmed(judgement, decision)
        return EffectiveJudgement(judgement, decision, photo_id in self.ignored)

    def confirmed_with(self, query: Content) -> dict[int, Judgement]:
        """Photos that people confirmed as matches of a query, whether or not a search finds them.

        Returns:
            By id, what counts where nothing else was judged.
        """
        keys = self._keys(query)
        found: dict[int, Judgement] = {}
        for decision in self.standing("match", "confirm"):
            for near, far in (decision.photos, decision.photos[::-1]):
                if keys & self._keys(near):
                    found.update((photo_id, _unjudged(decision)) for photo_id in self._ids_of(far))
        return found

    # --- what is ignored -----------------------------------------------------------------------

    def _ignored_by_content(self) -> dict[int, Decision]:
        return {
            photo_id: decision
            for decision in self.standing("ignore", "ignore")
            for photo_id in self._ids_of(decision.photos[0])
        }

    def add_near_copies(self, matches: Iterable[StoredMatch]) -> None:
        """Ignore sure copies of ignored photos, too.

        Not the copies of these in turn, nor a collage that merely has the photo in it; and neither
        a photo that a person took off the list, nor one whose match a person rejected.

        Args:
            matches: those of the ignored photos, at least.
        """
        for match in matches:
            if self._is_sure_copy(match):
                for photo_id, other in _both_ways(match):
                    if photo_id in self.listed and self.on_photo("ignore", other) is None:
                        self.near_copies.setdefault(other, self.listed[photo_id])
        self.ignored = self.listed | self.near_copies

    def _is_sure_copy(self, match: StoredMatch) -> bool:
        decision = self._on_ids(match.photo_a, match.photo_b)
        judgement = match.judgement
        if decision is not None:
            if decision.verdict == "reject":
                return False
            judgement = _confirmed(judgement, decision)
        return is_sure_copy(judgement)

    # --- contents ------------------------------------------------------------------------------

    def standing(self, about: About, verdict: str) -> list[Decision]:
        """The decisions in force that say so, oldest first, each once."""
        latest = {rank: found for (of, _, _), (rank, found) in self._latest.items() if of == about}
        return [
            decision
            for _, decision in sorted(latest.items(), key=lambda entry: entry[0])
            if decision.verdict == verdict and self.in_force(decision)
        ]

    def _ids_of(self, content: Content) -> set[int]:
        return set().union(*(self._ids.get(key, ()) for key in self._keys(content)))

    def _subjects(self, about: About, photos: Sequence[Content]) -> Iterator[_Subject]:
        if len(photos) == 1:
            for key in self._keys(photos[0]):
                yield about, key, ""
            return
        for one, two in product(*map(self._keys, photos)):
            yield about, min(one, two), max(one, two)

    def _keys(self, content: Content) -> set[str]:
        """All that a content is known by."""
        pixels = self._pixels.get(content.sha256, "")
        return {content.sha256, content.pixel_sha256, pixels} - {""}


def is_sure_copy(judgement: Judgement) -> bool:
    """Whether two photos are forms of one; a collage is no copy of its parts."""
    return judgement.kind in ("exact", "copy") and judgement.confidence >= SURE


def _hashes(contents: Iterable[Content]) -> set[str]:
    return {key for photo in contents for key in (photo.sha256, photo.pixel_sha256) if key}


def _both_ways(match: StoredMatch) -> tuple[tuple[int, int], tuple[int, int]]:
    return (match.photo_a, match.photo_b), (match.photo_b, match.photo_a)


def _confirmed(judgement: Judgement, decision: Decision) -> Judgement:
    """What was measured, as what a person says that it is; a lead stays one."""
    kind = decision.kind or ("copy" if judgement.kind == "scene" else judgement.kind)
    if kind == "scene":
        return judgement
    evidence = replace(judgement.evidence, rule=CONFIRMED)
    return replace(judgement, kind=kind, confidence=1.0, evidence=evidence)


def _unjudged(decision: Decision) -> Judgement:
    """What counts where only the person's word is left."""
    kind = decision.kind or "copy"
    evidence = Evidence(kind == "exact", None, None, None, CONFIRMED)
    return Judgement(kind, 0.0 if kind == "scene" else 1.0, evidence)
