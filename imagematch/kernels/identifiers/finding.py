"""Identifiers of a profile: an ad's text, or the cell of a column, in; their normal forms out."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from imagematch.kernels.identifiers import crypto, emails, handles, phones_in_text, urls
from imagematch.kernels.identifiers.folding import Folded, fold
from imagematch.kernels.identifiers.found import Found
from imagematch.kernels.identifiers.numerals import TAKEN
from imagematch.kernels.identifiers.platforms import PLATFORMS
from imagematch.kernels.phones import is_e164, to_e164
from imagematch.records import Identifier, IdentifierKind

_SPACES = re.compile(r"\s+")

#: Names of platforms and coins before a name, as values have them.
_VALUE = re.compile(r"[a-z]{2,12}:(?P<name>[^\s:/]+)")


def find(text: str, regions: Sequence[str] = ()) -> tuple[Found, ...]:
    """All identifiers that a free text shows, tricks of posters undone.

    Takes time in proportion to the text, whatever is in it.

    Args:
        text: any characters.
        regions: ISO 3166 codes of countries whose numbers may lack a country code, the likeliest
            first; without any, only international numbers are found.

    Returns:
        In the order of the text, once for each place. Identifiers do not overlap, but the host of a
        page is where the page is.
    """
    folded = fold(text)
    plain = folded.text.replace(TAKEN, " ")
    found: list[Found] = []
    for step in (
        crypto.find,
        lambda left: urls.find(left, marked=True),
        emails.find,
        lambda left: handles.find(left, introduced=True),
        lambda left: urls.find(left, marked=False),
        lambda left: handles.find(left, introduced=False),
        lambda left: phones_in_text.find(left, regions),
    ):
        new = list(step(plain))
        plain = _without(plain, new)
        found += new
    return tuple(
        sorted((_shown(folded, each) for each in found), key=lambda each: (each.start, each.end))
    )


def _without(text: str, found: Iterable[Found]) -> str:
    """A text in which what was found is hidden from those who look next."""
    parts: list[str] = []
    at = 0
    for each in sorted(found, key=lambda each: each.start):
        if each.start >= at:
            parts += text[at : each.start], TAKEN * (each.end - each.start)
            at = each.end
    return "".join((*parts, text[at:]))


def _shown(folded: Folded, found: Found) -> Found:
    """What was found in the plain text, at its place in the original, as it is shown there."""
    start, end = folded.span(found.start, found.end)
    shown = folded.original[start:end]
    return Found(replace(found.identifier, raw=shown), start, end)


def normalise(kind: IdentifierKind, text: str, regions: Sequence[str] = ()) -> Identifier | None:
    """The identifier in a cell of which a manifest says what kind it is.

    The normal form of a normal form is itself.

    Args:
        text: the cell; a handle may be `@name`, `platform:name` or a link.
        regions: see `find`.

    Returns:
        None where the cell holds no identifier of that kind, or several. A link to a person is that
        person's handle or phone, also where the kind is "url".
    """
    plain = fold(text).text.strip()
    readers: dict[IdentifierKind, Callable[[], Iterable[Identifier]]] = {
        "phone": lambda: _phone(plain, regions),
        "email": lambda: _identifiers(emails.find(plain)),
        "crypto": lambda: _identifiers(crypto.find(_VALUE.sub(r"\g<name>", plain))),
        "handle": lambda: _handle(plain),
        "url": lambda: _link(plain)[:1],
        "host": lambda: (found for found in _link(plain) if found.kind == "host"),
        "other": lambda: _other(plain),
    }
    by_value = {identifier.value: identifier for identifier in readers[kind]()}
    return replace(*by_value.values(), raw=text) if len(by_value) == 1 else None


def _identifiers(found: Iterable[Found]) -> Iterable[Identifier]:
    return (each.identifier for each in found)


def _phone(plain: str, regions: Sequence[str]) -> Iterable[Identifier]:
    """Numbers as in an ad; a cell with nothing else is one also where an ad would leave doubts."""
    read = [found for found in _identifiers(find(plain, regions)) if found.kind == "phone"]
    if read:
        return read
    normal = (to_e164(plain, region) for region in (*regions, None))
    return filter(
        None, (phones_in_text.international(text[1:]) for text in normal if is_e164(text))
    )


def _handle(plain: str) -> Iterable[Identifier]:
    if _VALUE.fullmatch(plain):
        return [Identifier("handle", plain, plain, not plain.startswith("handle:"))]
    if "/" in plain or plain.lower() in PLATFORMS:
        return (found for found in _link(plain) if found.kind == "handle")
    return _identifiers(handles.find(f"@{plain.removeprefix('@')}", introduced=False))


def _link(plain: str) -> list[Identifier]:
    return urls.read(plain if "://" in plain else f"https://{plain}")


def _other(plain: str) -> Iterable[Identifier]:
    value = _SPACES.sub(" ", fold(plain.casefold()).text).strip()
    return [Identifier("other", value, plain, True)] if value else []
