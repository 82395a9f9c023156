"""Resolving: what a person types for a match or a photo in, the contents that it stands for out.

The beginning of a SHA-256 is enough where it is unambiguous; what is not is refused with what was
found.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from imagematch.errors import PhotoError, UsageError
from imagematch.records import SHORT, Content, Decision, Kind, Locator
from imagematch.sources.reading import sha256_of
from imagematch.stores.index import Index
from imagematch.surrogates import encodable

#: Fewer digits are a slip, and would stand for every sixteenth photo.
_FEWEST = 4

_PHOTO = re.compile(rf"[0-9a-f]{{{_FEWEST},64}}", re.IGNORECASE)
_MATCH = re.compile(rf"({_PHOTO.pattern})-({_PHOTO.pattern})", re.IGNORECASE)

#: Photos looked at for an ambiguous beginning, and those that are named.
_MOST, _LISTED = 1000, 4


@dataclass(frozen=True, slots=True)
class ResolvedMatch:
    """A pair of photos that a person named.

    Attributes:
        photos: by SHA-256.
        kind: of the stored match; None where the index has none at present.
    """

    photos: tuple[Content, Content]
    kind: Kind | None


def resolve_match(index: Index, text: str, asked: Iterable[Content] = ()) -> ResolvedMatch:
    """The match of an id, as `records.match_id` makes it, or with more or fewer digits.

    One of the photos may be unknown to the index, if its whole SHA-256 is given, or if it is one of
    those that were just looked up.

    Args:
        asked: these.

    Raises:
        UsageError: it is no id, or of no match, or of several; or both photos are the same.
    """
    found = _MATCH.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"{encodable(text)!r} is not the id of a match. An id is two beginnings of SHA-256, as "
            f"in 3fa1b2c4d5e6-9c0d1e2f3a4b; `imagematch link` and `imagematch query` show them"
        )
    history = index.decisions.history()
    names = [name.lower() for name in found.groups()]
    sides = [
        {photo.sha256: photo for photo in asked if photo.sha256.startswith(name)}
        | _beginning_with(index, history, name)
        for name in names
    ]
    if not any(sides):
        raise _unknown(index, names[0])
    for side, name in zip(sides, names, strict=True):
        if not side and len(name) == 64:
            side[name] = Content(name)
        if not side:
            raise _unknown(index, name)
    one, two = _the_pair(index, history, text, sides)
    if one.sha256 == two.sha256 or (one.pixel_sha256 and one.pixel_sha256 == two.pixel_sha256):
        raise UsageError(
            f"{text} is one photo, seen twice: both have the same "
            f"{'bytes' if one.sha256 == two.sha256 else 'pixels'}, so there is nothing to decide. "
            f"To keep it from linking anybody: imagematch ignore add {one.sha256[:SHORT]}"
        )
    first, second = sorted((one, two))
    return ResolvedMatch((first, second), _stored_kind(index, first, second))


def resolve_photo(index: Index, text: str) -> Content:
    """The photo of a file, or of a SHA-256 or its beginning.

    Raises:
        UsageError: the index has no such photo, or several.
    """
    path = Path(text)
    if path.is_file():
        sha256 = _hashed(path, index.settings.decode.max_bytes)
        found = _beginning_with(index, index.decisions.history(), sha256)
        if not found:
            raise UsageError(
                f"{encodable(text)} is not in {index.directory}; name one of its photos, by file "
                f"or by SHA-256"
            )
        return found[sha256]
    if not _PHOTO.fullmatch(text):
        raise UsageError(
            f"{encodable(text)} is neither a file nor a SHA-256 (or at least {_FEWEST} digits of "
            f"its beginning)"
        )
    found = _beginning_with(index, index.decisions.history(), text.lower())
    if not found:
        raise _unknown(index, text)
    if len(found) > 1:
        raise UsageError(f"{text} may be any of {_listed(list(found))}; give more digits")
    return next(iter(found.values()))


def _hashed(path: Path, max_bytes: int) -> str:
    try:
        return sha256_of(Locator.outside(path), max_bytes)
    except PhotoError as error:
        raise UsageError(f"{encodable(str(path))}: {error.code}: {error}") from error


def _beginning_with(index: Index, history: list[Decision], prefix: str) -> dict[str, Content]:
    """Photos by SHA-256, of the index and of the decisions about photos that it no longer has."""
    decided = (photo for decision in history for photo in decision.photos)
    found = {photo.sha256: photo for photo in decided if photo.sha256.startswith(prefix)}
    known = index.decisions.beginning_with(prefix, _MOST).values()
    return found | {content.sha256: content for content in known}


def _the_pair(
    index: Index, history: list[Decision], text: str, sides: list[dict[str, Content]]
) -> tuple[Content, Content]:
    """The only pair that is meant: where several could be, the only one that is a match."""
    pairs = [(sides[0][one], sides[1][two]) for one, two in product(*sides)]
    if len(pairs) == 1:
        return pairs[0]
    matched = _matched(index, sides) | {
        frozenset(photo.sha256 for photo in decision.photos)
        for decision in history
        if decision.about == "match"
    }
    named = {frozenset(photo.sha256 for photo in pair): pair for pair in pairs}
    meant = [pair for photos, pair in named.items() if photos in matched]
    if len(meant) == 1:
        return meant[0]
    several = "; ".join(
        f"{side} may be {_listed(list(of))}" for side, of in _ambiguous(text, sides)
    )
    raise UsageError(
        f"{text} may be {len(meant) or 'none'} of several matches: {several}. Give more digits"
    )


def _ambiguous(text: str, sides: list[dict[str, Content]]) -> list[tuple[str, dict[str, Content]]]:
    names = text.strip().split("-")
    return [(name, side) for name, side in zip(names, sides, strict=True) if len(side) > 1]


def _matched(index: Index, sides: list[dict[str, Content]]) -> set[frozenset[str]]:
    """Pairs by SHA-256 that are stored matches of these photos."""
    known = index.decisions.contents({sha256 for side in sides for sha256 in side})
    return {
        frozenset((known[match.photo_a].sha256, known[match.photo_b].sha256))
        for match in index.matches.of(known)
        if match.photo_a in known and match.photo_b in known
    }


def _stored_kind(index: Index, one: Content, two: Content) -> Kind | None:
    ids = index.decisions.contents({one.sha256, two.sha256}).keys()
    for match in index.matches.of(ids):
        if match.photo_a in ids and match.photo_b in ids:
            return match.judgement.kind
    return None


def _unknown(index: Index, name: str) -> UsageError:
    return UsageError(
        f"no photo of {index.directory} has a SHA-256 that begins with {name}. `imagematch link` "
        f"and `imagematch query` show ids; a photo that was only looked up must be given by its "
        f"whole SHA-256"
    )


def _listed(hashes: list[str]) -> str:
    """Some hashes, with enough digits to tell them apart."""
    shown = ", ".join(sha256[: SHORT + 4] for sha256 in sorted(hashes)[:_LISTED])
    more = len(hashes) - _LISTED
    return f"{shown} and {more} more" if more > 0 else shown
