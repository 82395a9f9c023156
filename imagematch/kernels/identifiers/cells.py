"""The cells of one ad in, the identifiers that it shows out, each with where it was read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from imagematch.kernels.identifiers.finding import find, normalise
from imagematch.kernels.identifiers.handles import PLATFORMS
from imagematch.kernels.identifiers.same_words import same_words
from imagematch.records import OWN_ADDRESS, Identifier, IdentifierKind, Showing
from imagematch.surrogates import without_surrogates

#: Longest text that is read, characters; the rest of a longer one is not. Hostile texts take 20 s a
#: million.
LONGEST_TEXT = 100_000

#: Longest normal form that is kept, characters: indexes of PostgreSQL take 2,700 bytes.
LONGEST_VALUE = 500


#: The place of an ad's own text, see `records.SightingInfo`.
_WORDS = "text"


class Cell(NamedTuple):
    """One cell of an ad.

    Attributes:
        place: what to call it, see `records.Showing`.
        kind: of the identifier in it; None for a text.
    """

    place: str
    kind: IdentifierKind | None
    text: str


def read(cells: Sequence[Cell], regions: Sequence[str] = ()) -> tuple[Showing, ...]:
    """The identifiers that an ad shows, in the order of its cells, each once for each place.

    The words of its text are one, too, so that ads meet whose texts are all but the same. Of the
    ad's own address only the page counts. Its host is left out everywhere: it is that of the
    site, which says nothing about who posts there.

    Args:
        regions: see `finding.find`.
    """
    read = [
        Showing(each, cell.place) for cell in cells for each in _identifiers(cell, tuple(regions))
    ]
    own = {
        host.identifier.value
        for host in read
        if host.identifier.kind == "host" and host.place == OWN_ADDRESS
    }
    found: dict[tuple[str, str, str], Showing] = {}
    for shown in read:
        kind, value = shown.identifier.kind, shown.identifier.value
        if kind == "host" and value in own:
            continue
        if len(value) <= LONGEST_VALUE:
            found.setdefault((kind, value, shown.place), shown)
    return tuple(found.values())


def _identifiers(cell: Cell, regions: Sequence[str]) -> Iterator[Identifier]:
    text = without_surrogates(cell.text[:LONGEST_TEXT].replace("\0", " "))
    for each in _as_said(cell, text, regions):
        yield replace(each, raw=each.raw[:LONGEST_VALUE])


def _as_said(cell: Cell, text: str, regions: Sequence[str]) -> Iterable[Identifier]:
    """What the kind of a cell says it is; a cell that holds several, or another kind, is a text."""
    if cell.kind is not None:
        one = normalise(cell.kind, text, regions)
        if one is not None:
            yield _placed(one, cell)
            if cell.place == OWN_ADDRESS:
                yield from _hosts(text)
            return
    yield from (found.identifier for found in find(text, regions))
    words = same_words(text) if cell.place == _WORDS else None
    if words is not None:
        yield Identifier("text", words, text, True)


def _placed(name: Identifier, cell: Cell) -> Identifier:
    """A name without a platform, on that which its column is called after."""
    platform, _, rest = name.value.partition(":")
    if name.kind == "handle" and platform == "handle" and cell.place.lower() in PLATFORMS:
        return replace(name, value=f"{cell.place.lower()}:{rest}", confirmed=True)
    return name


def _hosts(text: str) -> Iterator[Identifier]:
    host = normalise("host", text)
    if host is not None:
        yield host
