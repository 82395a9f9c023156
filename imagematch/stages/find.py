"""What somebody looks for in, who shows it out: a phone, a name, an address, a part of a text."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from imagematch.amounts import counted
from imagematch.errors import SettingsError, UsageError
from imagematch.kernels.identifiers import asking
from imagematch.kernels.identifiers.cells import LONGEST_TEXT
from imagematch.kernels.phones import checked_region
from imagematch.records import FindResult, FoundSighting, Identifier, Showing, StoredSighting
from imagematch.stores.index import Index
from imagematch.surrogates import without_surrogates

#: Longest text that is looked for as a part of others, characters. SQLite takes 50,000 bytes.
_LONGEST_PART = 1000

#: Words of a sighting in which a text is looked for.
_WORDS = ("text", "phone", "email", "location", "url", "ad_id", "profile")

#: Characters of a text that are shown around what was looked for, on either side.
_AROUND = 40


def run(
    index: Index, text: str, *, regions: Sequence[str] = (), as_text: bool = False, top: int
) -> FindResult:
    """Look for who shows something.

    Args:
        text: a phone, e-mail, handle, address, or any words; any characters.
        regions: countries of numbers without a prefix, ISO 3166; none: that of the settings.
        as_text: look for it as a part of all identifiers and words, whatever it may be.
        top: sightings, at most.

    Raises:
        UsageError: there is nothing to look for, or too much; there is no such country.
    """
    asked = without_surrogates(text.replace("\0", "")).strip()
    if not asked:
        raise UsageError(
            "there is nothing to look for; name a phone, a handle, an address or words"
        )
    if len(asked) > LONGEST_TEXT:
        raise UsageError(
            f"{counted(len(asked), 'character')} are too many to look for; wanted {LONGEST_TEXT:,} "
            f"at most"
        )
    countries = _checked(regions or [index.settings.scan.phone_region])
    if not as_text:
        known = index.identifiers.known(asking.meant(asked, countries))
        if known:
            return _result(index, asked, known, "", top)
    if len(asked) > _LONGEST_PART:
        if as_text:
            raise UsageError(f"a part of texts can have {_LONGEST_PART:,} characters at most")
        return FindResult(asked, (), False, 0, 0, (), index.identifiers.count_unread())
    like = index.identifiers.like(asked, asking.last_digits(asked))
    return _result(index, asked, like, asked, top)


def _checked(regions: Iterable[str]) -> list[str]:
    try:
        return [code for region in regions if (code := checked_region(region))]
    except SettingsError as error:
        raise UsageError(str(error).replace("phone_region", "the region", 1)) from error


def _result(
    index: Index, asked: str, known: Mapping[int, Identifier], part: str, top: int
) -> FindResult:
    """Who shows identifiers, or has words that hold a text.

    Args:
        part: the text; "" for none.
    """
    seen, sightings, profiles = index.identifiers.sightings(list(known), part, top)
    showings = index.identifiers.showings(seen, known)
    found = [
        shown
        for sighting_id, sighting in seen.items()
        for shown in _shown(sighting, showings[sighting_id], part)
    ]
    return FindResult(
        asked,
        tuple(known.values()),
        bool(part),
        sightings,
        profiles,
        tuple(found),
        index.identifiers.count_unread(),
    )


def _shown(
    sighting: StoredSighting, showings: Sequence[Showing], part: str
) -> Iterator[FoundSighting]:
    """What a sighting shows of what was looked for, once for each place."""
    for shown in showings:
        yield FoundSighting(sighting, shown.identifier, shown.place, shown.identifier.raw)
    told = {shown.place for shown in showings}
    saying = {place: _around(getattr(sighting.info, place), part) for place in _WORDS if part}
    if part and not told and not any(saying.values()):  # a letter that only the database knows
        saying["text"] = sighting.info.text[: 2 * _AROUND]
    for place, around in saying.items():
        if around and place not in told:
            yield FoundSighting(sighting, None, place, around)


def _around(text: str, part: str) -> str:
    """What is around a part of a text, in any case; "" where the text does not hold it."""
    found = re.search(re.escape(part), text, re.IGNORECASE)
    if found is None:
        return ""
    start, end = max(0, found.start() - _AROUND), found.end() + _AROUND
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")
