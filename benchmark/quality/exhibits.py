"""The hardest cases of a run as cards for the page: misses, false matches, hard pairs and twins."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmark.quality.cases import Benchmark, Case, HardVerdict, Hit, MethodRun
from benchmark.quality.figures import DISMISSED, Figures, Twins, counted_hits, is_true, twins_of
from imagematch import formatting, wording
from imagematch.reports.pair_cards import Card, Row, Side

#: Gives the CSS class of a picture file, or "" when there is no thumbnail of it.
type Pictures = Callable[[Path], str]

#: Of each list: enough to see what its pairs have in common.
MOST_PAIRS = 24

_KIND_WORDS: Mapping[str, str] = dict(wording.KIND_WORDS.items())


@dataclass(frozen=True, slots=True)
class Exhibit:
    """Some pairs of a list, and how many more there are."""

    cards: tuple[Card, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class Exhibits:
    """What the page draws.

    Attributes:
        misses: copies whose original is below the threshold, the least likely first.
        false_matches: other photos that were named: those that are shown as copies by default,
            then the others, the surest first.
        hard: errors first, then unfounded scenes, then by confidence.
        twins: in the order of the run.
        needed: the score that a copy needs so as not to be missed; "" where none is enough.
        backwards: what went wrong in the other direction, copies that a user is shown first.
    """

    misses: Exhibit
    false_matches: Exhibit
    hard: Exhibit
    twins: Exhibit
    needed: str
    backwards: Exhibit


@dataclass(frozen=True, slots=True)
class _Answered:
    """A case and what counts of the answers to it, best first."""

    case: Case
    hits: tuple[Hit, ...]

    @property
    def original(self) -> Hit | None:
        """The hit that is right."""
        return next((hit for hit in self.hits if is_true(self.case, hit)), None)

    @property
    def others(self) -> tuple[Hit, ...]:
        """The hits that are wrong."""
        return tuple(hit for hit in self.hits if not is_true(self.case, hit))


def gather(benchmark: Benchmark, preset: str, figures: Figures, pictures: Pictures) -> Exhibits:
    """Choose the pairs and word them.

    Args:
        preset: the method whose misses and false matches are drawn.
    """
    run = next(run for run in benchmark.runs if run.method == preset)
    draw = _Draw(benchmark.folder, run.calibrated, pictures)
    answered = _answered(benchmark.cases, run, twins_of(benchmark))
    threshold = figures.method(preset).common.threshold
    hard = sorted(benchmark.hard, key=_worst_first)
    return Exhibits(
        _exhibit(_misses(answered, threshold), lambda one: draw.miss(one, threshold)),
        _exhibit(_false_matches(answered, run), lambda pair: draw.false_match(*pair)),
        _exhibit(hard, draw.hard),
        _exhibit(benchmark.twins, lambda pair: draw.twins(*pair)),
        draw.needed(threshold),
        _backwards(benchmark, figures, pictures),
    )


def _answered(cases: Sequence[Case], run: MethodRun, twins: Twins) -> list[_Answered]:
    return [_Answered(case, tuple(counted_hits(case, run, twins))) for case in cases]


def _backwards(benchmark: Benchmark, figures: Figures, pictures: Pictures) -> Exhibit:
    other = benchmark.backwards
    if other is None or figures.backwards is None:
        return Exhibit((), 0)
    draw = _Draw(benchmark.queries, other.run.calibrated, pictures, "edited picture")
    threshold = figures.backwards.common.threshold
    answered = _answered(other.cases, other.run, {})
    claims = [pair for pair in _false_matches(answered, other.run) if pair[1].is_claim]
    cards = [
        *(partial(draw.false_match, *pair) for pair in claims),
        *(partial(draw.miss, one, threshold) for one in _misses(answered, threshold)),
    ]
    return _exhibit(cards, lambda card: card())


def _exhibit[Thing](things: Sequence[Thing], card: Callable[[Thing], Card]) -> Exhibit:
    cards = tuple(card(thing) for thing in things[:MOST_PAIRS])
    return Exhibit(cards, len(things) - len(cards))


# --- choosing ------------------------------------------------------------------------------------


def _misses(answered: Sequence[_Answered], threshold: float) -> list[_Answered]:
    missed = [one for one in answered if one.case.indexed and _score(one) < threshold]
    # Of equal ones those with fewer edits first, which were easier to find.
    return sorted(
        missed, key=lambda one: (_score(one), len(one.case.steps), one.case.edit, one.case.name)
    )


def _score(answered: _Answered) -> float:
    return answered.original.score if answered.original else -math.inf


def _false_matches(answered: Sequence[_Answered], run: MethodRun) -> list[tuple[_Answered, Hit]]:
    least = DISMISSED if run.calibrated else -math.inf
    pairs = [(one, hit) for one in answered for hit in one.others if hit.score >= least]
    return sorted(
        pairs,
        key=lambda pair: (not pair[1].is_claim, -pair[1].score, pair[0].case.name, pair[1].photo),
    )


def _worst_first(verdict: HardVerdict) -> tuple[bool, bool, float, str, str]:
    pair = verdict.pair
    unfounded = verdict.kind == "scene" and not pair.may_be_scene
    error = verdict.kind not in ("", "scene")
    return not error, not unfounded, -verdict.confidence, pair.group, str(pair.left)


# --- wording -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Draw:
    """Makes cards.

    Attributes:
        folder: of the indexed photos.
        wanted: what a query is to find.
    """

    folder: Path
    calibrated: bool
    pictures: Pictures
    wanted: str = "original"

    def miss(self, missed: _Answered, threshold: float) -> Card:
        """A copy beside the original that was not found."""
        case, hit = missed.case, missed.original
        return Card(
            kind="candidate",
            word="Missed",
            percent=self._score(hit.score) if hit else "",
            band="" if hit else "not proposed",
            sentence=self._why_missed(hit),
            facts=tuple(self._miss_facts(missed, threshold)),
            left=self._query(case),
            right=self._photo(self.wanted.capitalize(), case.source),
        )

    def false_match(self, answered: _Answered, hit: Hit) -> Card:
        """A query beside a photo that it does not derive from."""
        kind, word = self._badge(hit)
        return Card(
            kind=kind,
            word=word,
            percent=self._score(hit.score),
            band="a false match",
            sentence=self._truth(answered),
            facts=(Row(self.wanted.capitalize(), answered.case.source),)
            if answered.case.source
            else (),
            left=self._query(answered.case),
            right=self._photo(f"Not the {self.wanted}", hit.photo),
        )

    def hard(self, verdict: HardVerdict) -> Card:
        """Two pictures that must not pass as copies."""
        pair = verdict.pair
        word, band, sentence = _hard_words(verdict)
        return Card(
            kind=verdict.kind or "candidate",
            word=word,
            percent=wording.percent(verdict.confidence),
            band=band,
            sentence=sentence,
            facts=(Row("Why it is hard", pair.group.replace("_", " ")),),
            left=Side("Left", pair.left.name, self.pictures(pair.left), ()),
            right=Side("Right", pair.right.name, self.pictures(pair.right), ()),
        )

    def twins(self, left: str, right: str) -> Card:
        """Two untouched photos that are taken for one."""
        return Card(
            kind="candidate",
            word="Twins",
            percent="",
            band="",
            sentence="The same photograph?",
            facts=(),
            left=self._photo("Left", left),
            right=self._photo("Right", right),
        )

    def needed(self, threshold: float) -> str:
        """A threshold as text; "" where there is none."""
        return self._exactly(threshold) if math.isfinite(threshold) else ""

    def _miss_facts(self, missed: _Answered, threshold: float) -> Iterator[Row]:
        hit, others = missed.original, missed.others
        if hit:
            # Equal scores count against the original, as in all figures.
            yield Row("Rank", f"{1 + sum(other.score >= hit.score for other in others)}")
            yield Row("Score", self._exactly(hit.score))
        yield Row("Needed", self.needed(threshold) or "no score is enough")
        if others:
            best = max(others, key=lambda other: other.score)
            yield Row("Best of the others", f"{best.photo}, {self._exactly(best.score)}")

    def _truth(self, answered: _Answered) -> str:
        hit = answered.original
        if not answered.case.indexed:
            return f"No {self.wanted} is in the index, so nothing should match."
        if hit is None:
            return f"The {self.wanted} is in the index, and was not proposed."
        return f"The {self.wanted} is in the index, with {self._score(hit.score)}."

    def _why_missed(self, hit: Hit | None) -> str:
        if hit is None:
            return f"The {self.wanted} was not proposed at all."
        said = f"The {self.wanted} was proposed, but "
        if hit.kind == "scene":
            return f"{said}taken for another photograph of the same place."
        return f"{said}not with enough confidence."

    def _badge(self, hit: Hit) -> tuple[str, str]:
        if not hit.counts:
            return "candidate", "Candidate"
        return hit.kind, _KIND_WORDS.get(hit.kind, hit.kind)

    def _score(self, score: float) -> str:
        return wording.percent(score) if self.calibrated else f"{score:.4g}"

    def _exactly(self, score: float) -> str:
        return f"{formatting.floored(score):.4f}" if self.calibrated else f"{score:.4g}"

    def _query(self, case: Case) -> Side:
        rows = (Row("Edit", case.edit), Row("Steps", ", ".join(case.steps)))
        return Side("Query", case.path.name, self.pictures(case.path), rows)

    def _photo(self, role: str, photo: str) -> Side:
        return Side(role, photo, self.pictures(self.folder / photo), ())


def _hard_words(verdict: HardVerdict) -> tuple[str, str, str]:
    """Badge, band and sentence of a hard pair."""
    if not verdict.kind:
        return "Nothing", "rightly", "Taken for two photographs, as it should be."
    if verdict.kind != "scene":
        word = _KIND_WORDS.get(verdict.kind, verdict.kind)
        return word, "an error", "Two photographs that pass as one."
    word = wording.KIND_WORDS["scene"]
    if verdict.pair.may_be_scene:
        return word, "", "Two photographs of one place, and taken for that."
    return word, "", "Taken for two photographs of one place, which they are not."
