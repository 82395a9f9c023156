"""What somebody types to look for in, the identifiers that it may mean out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from imagematch.kernels.identifiers import handles
from imagematch.kernels.identifiers.finding import find, normalise
from imagematch.kernels.identifiers.platforms import PLATFORMS
from imagematch.records import Identifier, IdentifierKind

#: Where a name may be, as handles begin.
_PLACES = sorted({"handle", *handles.PLATFORMS, *(each.name for each in PLATFORMS.values())})

#: Kinds that a text is only where it is of no surer one, in this order.
_LESS_SURE: tuple[IdentifierKind, ...] = ("url", "handle")

#: What is dialled before the code of another country in most.
_ABROAD = re.compile(r"^\s*00(?=[1-9])")

#: What phones are typed with, and how many digits tell one.
_DIALLED = re.compile(r"[+()\d\s./-]{6,40}")
_FEWEST_DIGITS = 6


def meant(text: str, regions: Sequence[str] = ()) -> tuple[Identifier, ...]:
    """The identifiers that a text may be, without those that only a column would make of it.

    Args:
        text: a phone, e-mail, name, address or any text that holds some.
        regions: ISO 3166 codes; a number is read as one of each.

    Returns:
        Each once, the surest kinds first; a name with no platform also as one of each platform.
        Last the text as it is, as cells of marked columns have it ("other").
    """
    several_words = len(text.split()) > 1 and any(map(str.isalpha, text))
    found = [*(_in_text if several_words else _as_a_whole)(text, regions)]
    found = found or [*(_phones if several_words else _in_text)(text, regions)]
    named = [*found, *(each for name in found for each in _elsewhere(name))]
    other = normalise("other", text)
    everything = (*named, *filter(None, [other]))
    return tuple({(each.kind, each.value): each for each in everything}.values())


def _in_text(text: str, regions: Sequence[str]) -> Iterator[Identifier]:
    for region in (*regions, None):
        yield from (each.identifier for each in find(text, _only(region)))


def _phones(text: str, regions: Sequence[str]) -> Iterator[Identifier]:
    """The numbers that a text is as a whole, one for each country; from most, 00 calls abroad."""
    text = _ABROAD.sub("+", text)
    for region in (*regions, None):
        number = normalise("phone", text, _only(region))
        if number is not None:
            yield number


def _as_a_whole(text: str, regions: Sequence[str]) -> Iterable[Identifier]:
    found = [*_phones(text, regions), normalise("email", text), normalise("crypto", text)]
    for kind in _LESS_SURE:
        if not any(found):  # an e-mail looks like an address, and so does a name with a dot
            found.append(normalise(kind, text))
    return filter(None, found)


def _only(region: str | None) -> Sequence[str]:
    return (region,) if region else ()


def _elsewhere(name: Identifier) -> Iterator[Identifier]:
    """A name that may be on any platform, on each."""
    platform, _, rest = name.value.partition(":")
    if name.kind == "handle" and platform == "handle":
        for place in _PLACES:
            yield replace(name, value=f"{place}:{rest}", confirmed=place != "handle")


def last_digits(text: str) -> str:
    """The digits that all spellings of a number end with, country codes and zeros before left out;
    "" for a text that is no number."""
    digits = "".join(char for char in text if char.isdigit()).lstrip("0")
    return digits if _DIALLED.fullmatch(text) and len(digits) >= _FEWEST_DIGITS else ""
