"""Links, clusters and what they rest on in plain words: records in, sentences out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from imagematch import formatting, wording
from imagematch.amounts import agreeing, counted
from imagematch.records import (
    SHORT,
    Bridge,
    Cluster,
    ClusterChange,
    CommonIdentifier,
    Doubt,
    ItemKind,
    Link,
    OperatorDecision,
    OperatorVerdict,
    Profile,
    SharedItem,
    Stop,
)

#: What one item of a kind is called, and several.
ITEM_WORDS: dict[ItemKind, tuple[str, str]] = {
    "photo": ("photo", "photos"),
    "released": ("released photo", "released photos"),
    "text": ("text", "texts"),
    "phone": ("phone number", "phone numbers"),
    "email": ("e-mail address", "e-mail addresses"),
    "handle": ("handle", "handles"),
    "name": ("name", "names"),
    "crypto": ("crypto address", "crypto addresses"),
    "url": ("page address", "page addresses"),
    "host": ("website", "websites"),
    "other": ("identifier", "identifiers"),
}

#: Kinds whose value is the SHA-256 of a photo.
PHOTO_KINDS: frozenset[ItemKind] = frozenset({"photo", "released"})

HOT_QUESTION = "Is this one person's photo, or a placeholder?"

METHOD = (
    "The probability of a link was measured on made-up worlds of profiles, in which it is known "
    "who runs which. Real sites and operators differ from them, so take it as a guide and look at "
    "the evidence."
)

NO_DOUBT = (
    "Nothing was found that speaks against this cluster. Only phone numbers, places and days were "
    "looked at, so that is no proof."
)

#: Characters of a value that stand in a sentence, at most, and places or sides that it names.
_MOST_CHARACTERS, _MOST_NAMED = 60, 4

#: From so many bits on, evidence is called that.
_STRENGTHS = ((12.0, "very strong"), (8.0, "strong"), (4.0, "fair"), (1.0, "weak"))

_LARGE = ((1e9, "billion"), (1e6, "million"))


# --- items -------------------------------------------------------------------------------------


def item_word(kind: ItemKind) -> str:
    """What an item is, as a heading says it."""
    word = ITEM_WORDS[kind][0]
    return word[0].upper() + word[1:]


def item_value(kind: ItemKind, value: str) -> str:
    """The value of an item for people; of a photo, the digits that they type for it."""
    return value[:SHORT] if kind in PHOTO_KINDS else value


def item_name(item: SharedItem) -> str:
    """An item in a list: "phone number +31612345678"."""
    return _item(item.kind, item.value)


def _item(kind: ItemKind, value: str) -> str:
    return (
        f"{ITEM_WORDS[kind][0]} {formatting.shortened(item_value(kind, value), _MOST_CHARACTERS)}"
    )


def counted_items(items: Iterable[SharedItem]) -> str:
    """How many there are of each kind: "2 photos and 1 phone number"."""
    counts: dict[ItemKind, int] = {}
    for item in items:
        counts[item.kind] = counts.get(item.kind, 0) + 1
    kinds = [kind for kind in ITEM_WORDS if kind in counts]
    return listed([counted(counts[kind], *ITEM_WORDS[kind]) for kind in kinds])


def shown_by(item: SharedItem, profiles: int) -> str:
    """Who shows an item of a cluster of so many profiles."""
    here = len(item.profiles)
    members = (
        f"all {profiles:,} profiles" if here == profiles else f"{here:,} of {profiles:,} profiles"
    )
    others = counted(item.elsewhere, "other") if item.elsewhere else "nobody else"
    return f"Shown by {members} and {others}"


def bits(value: float) -> str:
    """Evidence in words: "strong: about 1,000 times as likely"."""
    if abs(value) < 1:
        return "says next to nothing"
    times = _times(2.0 ** min(abs(value), 60.0))
    if value < 0:
        return f"speaks against it: about {times} times less likely"
    strength = next(word for least, word in _STRENGTHS if value >= least)
    return f"{strength}: about {times} times as likely"


def signed_bits(value: float) -> str:
    """Bits with their sign, to one digit: "+12.3", with a true minus sign."""
    text = f"{round(value, 1) + 0.0:+.1f}"
    return text.replace("-", "\u2212")


def _times(factor: float) -> str:
    """A factor to one digit or, below ten, to the whole."""
    for unit, word in _LARGE:
        if factor >= unit:
            return f"a {word}" if factor < 2 * unit else f"{_one_digit(factor / unit)} {word}"
    return _one_digit(factor)


def _one_digit(factor: float) -> str:
    step = 10 ** (len(str(round(factor))) - 1)
    return f"{round(factor / step) * step:,}"


# --- links and clusters ------------------------------------------------------------------------


def likely(link: Link) -> str:
    """How sure a link is: "99.6 % likely one operator"."""
    if link.decision:
        return f"one operator, {sure(link)}"
    return f"{sure(link)} likely one operator"


def sure(link: Link) -> str:
    """The same in a table: "99.6 %"."""
    if link.decision:
        return f"as {_who(link.decision)} said"
    return wording.percent(formatting.probability(link))


def link(linked: Link) -> str:
    """Why two profiles are linked, in a sentence."""
    if linked.left == linked.right:
        return f"One profile, with {counted(len(linked.pairs), 'pair')} of photos that match."
    if linked.decision:
        shown = (
            f"Both show {counted_items(linked.shared)}" if linked.shared else "They share nothing"
        )
        return f"{_sentence(said(linked.decision))} {shown}."
    if not linked.shared:
        return (
            "They share nothing rare with each other, but with other profiles of their cluster: "
            f"{likely(linked)}."
        )
    alone = [item for item in linked.shared if not item.elsewhere]
    others = [item for item in linked.shared if item.elsewhere]
    parts = []
    if alone:
        parts.append(f"{counted_items(alone)} that nobody else shows")
    if others:
        most = max(item.elsewhere for item in others)
        up_to = "up to " if len({item.elsewhere for item in others}) > 1 else ""
        more = counted(most, "other profile shows", "other profiles show")
        parts.append(f"{counted_items(others)} that {up_to}{more}")
    return f"Both show {', and '.join(parts)}: {likely(linked)}."


def cluster(joined: Cluster) -> str:
    """Who a cluster is and what it rests on, in two sentences."""
    who = f"{counted(len(joined.profiles), 'profile')} on {counted(len(joined.sites), 'site')}"
    share = f": they share {counted_items(joined.shared)}" if joined.shared else ""
    sure = likely(joined.weakest)
    return f"{who} that one operator seems to run{share}. The weakest link is {sure}."


def when_and_where(stops: Sequence[Stop]) -> str:
    """The days and places that ads of a cluster cover, in a sentence; "" where nothing is known."""
    days = [day for stop in stops if (day := formatting.day(stop.day)) is not None]
    places = list(dict.fromkeys(stop.place for stop in stops if stop.place))
    parts = []
    if days:
        first, last = min(days), max(days)
        parts.append(f"on {first}" if first == last else f"from {first} to {last}")
    if places:
        parts.append(f"in {_some(places, 'place')}")
    if not parts:
        return ""
    ads = counted(sum(stop.ads for stop in stops), "ad")
    guessed = any(stop.seen and stop.day for stop in stops)
    note = " Where an ad does not say when it was posted, its day is when it was first seen."
    return f"{ads} {', '.join(parts)}.{note if guessed else ''}"


def doubt(raised: Doubt) -> str:
    """What speaks against a cluster, in one or two sentences."""
    if raised.kind == "one_item":
        kind, value = raised.detail
        return (
            f"Everything rests on one thing: {_item(cast(ItemKind, kind), value)}. If somebody "
            "copied it, or many have it, nothing holds these profiles together."
        )
    detail = [formatting.shortened(text, _MOST_CHARACTERS) for text in raised.detail]
    if raised.kind == "phones_differ":
        return (
            "Some of its profiles show different phone numbers and share none: "
            f"{_some(detail, 'number')}. One operator may have several, or there is more than one."
        )
    day, *places = detail
    return (
        f"On {day} there were ads in {_some(places, 'place')}. One person can't be in all of them "
        "at once; several who work together can."
    )


def bridge(between: Bridge, numbers: Mapping[str, int]) -> str:
    """What different operators both show, and what that may mean.

    Args:
        numbers: of clusters, by their ids.
    """
    photo = between.item.kind in PHOTO_KINDS
    sides = [_side(numbers.get(cluster_id, 0), len(shown)) for cluster_id, shown in between.sides]
    what = ITEM_WORDS[between.item.kind][0]
    return (
        f"This {what} is shown by {_some(sides, 'side')}, and by hardly anybody else. "
        f"{'It was stolen' if photo else 'One has it from the other'}, or they are one operator "
        "after all."
    )


def change(changed: ClusterChange) -> str:
    """What became of a cluster: "C12 grew by 3 profiles"."""
    profiles = counted(len(changed.profiles), "profile")
    others = listed(changed.others)
    match changed.what:
        case "new":
            return f"{changed.id} is new: {profiles}"
        case "grew":
            return f"{changed.id} grew by {profiles}"
        case "joined":
            return f"{others} are one cluster now, {changed.id}: {profiles}"
        case "fell_apart":
            return f"{changed.id}, of {profiles}, fell apart; what is left of it is in {others}"
        case "gone":
            return f"{changed.id} is no cluster any more: nothing joins its {profiles}"


def common(shown: CommonIdentifier) -> str:
    """Why a contact joins nobody."""
    if shown.site:
        site = formatting.shortened(shown.site, _MOST_CHARACTERS)
        return f"On most ads of {site}: it seems to be the site's own."
    return "So many profiles of different operators show it that it says nothing."


# --- what people said ----------------------------------------------------------------------------

_SAID: dict[OperatorVerdict, str] = {
    "same": "said on {} that they have one operator",
    "not_same": "said on {} that they do not have the same operator",
    "reopen": "took back on {} what was said of their operators",
}

APART = "Kept apart by what people said, whatever they share:"
UNMET = "Said to have one operator, but what else people said rules it out:"


def said(decision: OperatorDecision) -> str:
    """Who said what of two sides, when and why: "anna said on 2026-05-09 that they have one
    operator: same tattoo shop"."""
    day = decision.at.partition("T")[0]
    why = f": {formatting.shortened(decision.note)}" if decision.note else ""
    return f"{_who(decision)} {_SAID[decision.verdict].format(day)}{why}"


def said_of(decision: OperatorDecision) -> str:
    """The same with the two sides in front."""
    return f"{sides(decision)}: {said(decision)}"


def sides(decision: OperatorDecision) -> str:
    """The two sides of a decision: "one/anna and two/bella with 3 other profiles"."""
    return f"{side(decision.left)} and {side(decision.right)}"


def side(profiles: Sequence[Profile]) -> str:
    """A profile, or the first one of several."""
    first = formatting.shortened(str(profiles[0]), _MOST_CHARACTERS)
    more = len(profiles) - 1
    return f"{first} with {counted(more, 'other profile')}" if more else first


def _who(decision: OperatorDecision) -> str:
    return formatting.shortened(decision.who, _MOST_CHARACTERS)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def listed(texts: Sequence[str]) -> str:
    """Texts as a sentence lists them: "a, b and c"."""
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def _side(number: int, profiles: int) -> str:
    shown = counted(profiles, "profile")
    return f"cluster {number} ({shown})" if number else f"{shown} in no cluster"


def _some(texts: Sequence[str], one: str) -> str:
    """A list that is cut where it gets long."""
    named = [formatting.shortened(text, _MOST_CHARACTERS) for text in texts[:_MOST_NAMED]]
    more = len(texts) - len(named)
    return listed([*named, f"{more:,} more {agreeing(more, one)}"] if more else named)
