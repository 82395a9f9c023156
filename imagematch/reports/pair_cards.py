"""What a page shows of one pair: records in, plain texts out; templates only lay them out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from imagematch import formatting, wording
from imagematch.amounts import counted
from imagematch.records import (
    Decision,
    Evidence,
    Geometry,
    Judgement,
    PhotoPair,
    QueryMatch,
    StoredSighting,
)

#: Gives the CSS class of a photo's thumbnail, or "" when there is no thumbnail.
type Pictures = Callable[[StoredSighting], str]


#: Values that point at one person or advertiser when both sides have them.
_TELLING = frozenset({"Phone", "E-mail", "Ad", "URL"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line about a sighting; `same` when the other side of the pair has the same value."""

    label: str
    value: str
    same: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One photo of a pair and where it was seen."""

    role: str  # "Left", "Query"
    name: str
    picture: str  # CSS class, "" for a placeholder
    rows: tuple[Row, ...]
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """One pair as a page shows it."""

    kind: str  # a Kind, or "candidate" for a pair that is no match
    word: str
    percent: str
    band: str  # "" for a pair that is no match
    sentence: str
    facts: tuple[Row, ...]
    left: Side
    right: Side
    drawing: str = ""  # CSS class, "" without one


def pair_card(
    pair: PhotoPair, pictures: Pictures, roles: tuple[str, str] = ("Left", "Right")
) -> Card:
    """The card of a pair of sightings; `roles` says what the two are called."""
    left, right = (
        sighting_side(sighting, role, pictures)
        for sighting, role in zip((pair.left, pair.right), roles, strict=True)
    )
    rarity = (Row("Shown by", counted(pair.shared_by, "profile")),)
    card = _card(pair.judgement, _mark_same(left, right), _mark_same(right, left), rarity)
    return _ruled(card, pair.id, pair.decision)


def query_card(query: Side, match: QueryMatch, pictures: Pictures, drawing: str = "") -> Card:
    """The card of a query photo and one sighting that matches it."""
    more = (Row("Ignored", wording.HOT_REASONS["ignored"]),) if match.ignored else ()
    card = _card(match.judgement, query, sighting_side(match.sighting, "Indexed", pictures), more)
    return _ruled(replace(card, drawing=drawing), match.id, match.decision)


def query_side(query: str, picture: str) -> Side:
    """The query's side of a card; all that is known of a query is its path."""
    return Side("Query", query, picture, ())


def sighting_side(sighting: StoredSighting, role: str, pictures: Pictures) -> Side:
    """A sighting's side of a card."""
    return Side(
        role, _name(sighting), pictures(sighting), tuple(_rows(sighting)), not sighting.present
    )


def moment(text: str) -> str:
    """A time for people, to the minute and in UTC; text that is no ISO 8601 time stays as it is."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return text
    if time.tzinfo is None:
        # A date stays a date, and a time without a zone can't be converted.
        return text if len(text) <= len("2026-01-31") else f"{time:%Y-%m-%d %H:%M}"
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


# --- parts -------------------------------------------------------------------------------------


def _card(judgement: Judgement, left: Side, right: Side, more: tuple[Row, ...] = ()) -> Card:
    return Card(
        kind=wording.kind(judgement),
        word=wording.kind_word(judgement),
        percent=wording.percent(formatting.confidence(judgement)),
        band=wording.band(judgement),
        sentence=wording.sentence(judgement, left.role.lower(), right.role.lower()),
        facts=(*_facts(judgement.evidence), *more),
        left=left,
        right=right,
    )


def _ruled(card: Card, match: str, decision: Decision | None) -> Card:
    """The card with what people type for the pair, and what a person decided about it."""
    card = replace(card, facts=(Row("Match", match), *card.facts))
    if decision is None:
        return card
    facts = (*card.facts, Row("Decision", wording.full_decision(decision)))
    return replace(card, facts=facts, band=wording.short_decision(decision))


def _facts(evidence: Evidence) -> Iterator[Row]:
    if evidence.pdq_distance is not None:
        yield Row("Hash distance", f"{evidence.pdq_distance} of 256 bits")
    if evidence.cosine is not None:
        yield Row("Embedding cosine", f"{evidence.cosine:.3f}")
    if evidence.geometry is not None:
        yield from _geometry_facts(evidence.geometry)
    yield Row("Decided by", evidence.rule.replace("_", " "))


def _geometry_facts(geometry: Geometry) -> Iterator[Row]:
    yield Row("Fitting keypoints", f"{geometry.inliers:,}")
    yield Row("Overlap", wording.share(geometry.overlap))
    pixels = ("Keypoint correlation", "Keypoints that agree")
    if not geometry.traced:
        pixels = ("Pixel correlation", "Area that agrees")
    yield Row(pixels[0], f"{geometry.correlation:.2f}")
    yield Row(pixels[1], wording.share(geometry.agreement))
    yield Row("Mirrored", "yes" if geometry.mirrored else "no")


def _name(sighting: StoredSighting) -> str:
    info = sighting.info
    known = " / ".join(filter(None, (info.site, info.profile)))
    return known or (sighting.collection if sighting.gallery else "unknown profile")


def _rows(sighting: StoredSighting) -> Iterator[Row]:
    info = sighting.info
    rows = (
        ("File", sighting.path),
        ("Gallery", sighting.collection if sighting.gallery else ""),
        ("URL", info.url),
        ("Ad", info.ad_id),
        ("Posted", moment(info.posted_at)),
        ("Phone", _phone(info.phone)),
        ("E-mail", info.email),
        ("Place", info.location),
        ("Seen", _span(moment(sighting.first_seen), moment(sighting.last_seen))),
        ("SHA-256", sighting.photo),
    )
    return (Row(label, value) for label, value in rows if value)


def _phone(phone: str) -> str:
    """A phone with a mark where it is perhaps none."""
    if not phone:
        return ""
    from imagematch.kernels.phones import is_unconfirmed  # the numbers of the world, where needed

    return f"{phone} (unconfirmed)" if is_unconfirmed(phone) else phone


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first.removesuffix(' UTC')} to {last}"


def _mark_same(side: Side, other: Side) -> Side:
    theirs = {row.label: row.value for row in other.rows if row.label in _TELLING}
    rows = (replace(row, same=theirs.get(row.label) == row.value) for row in side.rows)
    return replace(side, rows=tuple(rows))
