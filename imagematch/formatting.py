"""Values as every report shows them: rounded honestly, in one order, as text that can't deceive.

File names, handles and ad texts were written by strangers. JSON keeps them as they are; everything
that people read shows hidden characters instead of obeying them.
"""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from imagematch.amounts import counted
from imagematch.records import (
    Cluster,
    Failure,
    ItemKind,
    Judgement,
    Link,
    LinkReport,
    Profile,
    QueryMatch,
)

_STEP = Decimal("0.0001")
_BELOW_CERTAIN = 0.9999

#: Kinds of files that are told apart in one line.
_MOST_KINDS = 10

#: Control, format, surrogate and line-breaking characters have no picture of their own.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: The joiners are needed to spell Persian, Hindi and family emoji, and can't reorder text.
_JOINERS = "\u200c\u200d"
_NEVER_CHARACTERS = "\ufffe\uffff"  # not allowed in XML, and characters in no script


# --- numbers -----------------------------------------------------------------------------------


def confidence(judgement: Judgement) -> float:
    """The confidence, 0-1, cut to four digits; below 1 unless the pair is exact or confirmed.

    It is cut and not rounded, so that no report claims more than was computed.
    """
    value = floored(judgement.confidence)
    certain = judgement.evidence.exact or judgement.evidence.rule == "confirmed"
    return value if certain else min(value, _BELOW_CERTAIN)


def probability(link: Link) -> float:
    """The probability of a link, 0-1, cut to four digits; below 1, for no link is certain."""
    return min(floored(link.probability), _BELOW_CERTAIN)


def bits(value: float) -> float:
    """Evidence in bits as programs read it."""
    return rounded(value, 2) or 0.0


def floored(value: float) -> float:
    """Cut a probability to four digits; 0.28999 stays below 0.29."""
    # By way of the decimal spelling, since 0.29 * 100 is 28.999999999999996.
    cut = Decimal(repr(float(value))).quantize(_STEP, rounding=ROUND_FLOOR)
    return min(max(float(cut), 0.0), 1.0)


def rounded(value: float | None, digits: int) -> float | None:
    """Round a measurement; None when it is missing or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits) + 0.0  # -0.0 becomes 0.0


def day(text: str) -> date | None:
    """The day that a time in ISO 8601 begins with; None for another text."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def counted_kinds(kinds: Mapping[str, int]) -> str:
    """How many there are of each kind, most first: "12 json, 3 mp4, 2 others"."""
    ordered = sorted(kinds.items(), key=lambda entry: (-entry[1], entry[0]))
    told = [f"{count:,} {kind}" for kind, count in ordered[:_MOST_KINDS]]
    if others := sum(count for _, count in ordered[_MOST_KINDS:]):
        told.append(counted(others, "other"))
    return ", ".join(told)


def failure(failed: Failure) -> str:
    """Why something failed: the code that programs go by, and the reason in words."""
    return f"{failed.code}: {failed.message}"


# --- order -------------------------------------------------------------------------------------


def best_first(matches: Iterable[QueryMatch]) -> list[QueryMatch]:
    """Sort matches by the confidence that is shown; ties by what can't change between runs."""

    def rank(match: QueryMatch) -> tuple[float, float, str, str, str, str, str]:
        sighting = match.sighting
        return (
            -confidence(match.judgement),
            -match.judgement.confidence,
            sighting.collection,
            sighting.path,
            sighting.photo,
            sighting.info.site,
            sighting.info.profile,
        )

    return sorted(matches, key=rank)


def strongest_first(links: Iterable[Link]) -> list[Link]:
    """Sort links by probability, those as probable by their bits; ties by the profiles."""
    return sorted(links, key=lambda link: (-link.probability, -link.bits, link.left, link.right))


def clusters_by_profile(report: LinkReport) -> dict[Profile, Cluster]:
    """The cluster that each profile belongs to; profiles without one are absent."""
    return {profile: cluster for cluster in report.clusters for profile in cluster.profiles}


def cluster_of(link: Link, clusters: Mapping[Profile, Cluster]) -> Cluster | None:
    """The cluster that both ends of a link belong to, if there is one."""
    left = clusters.get(link.left)
    return left if left is clusters.get(link.right) else None


def evidence_kinds(link: Link) -> list[ItemKind]:
    """The kinds of what both profiles share, each once, in the order of the items."""
    return list(dict.fromkeys(item.kind for item in link.shared))


def weakest_ends(report: LinkReport) -> set[tuple[Profile, Profile]]:
    """The ends of the link that holds each cluster together least."""
    return {(cluster.weakest.left, cluster.weakest.right) for cluster in report.clusters}


# --- text --------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Text whose hidden characters are spelled out, so that it fits on a line and reads as it is.

    A right-to-left override becomes `\\u202e`, a line break `\\n`: neither can make `gpj.exe` look
    like `exe.jpg`. Letters of every script stay.
    """
    if text.isprintable():
        return text
    return "".join(_spelled(char) if _is_hidden(char) else char for char in text)


def shortened(text: str, most: int = 400) -> str:
    """Text of about `most` characters at most; a longer one loses its middle and says so."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]} […{len(text) - 2 * half:,} characters left out…] {text[-half:]}"


def _is_hidden(char: str) -> bool:
    return char in _NEVER_CHARACTERS or (
        unicodedata.category(char) in _HIDDEN and char not in _JOINERS
    )


def _spelled(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # how os.fsdecode carries a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")
