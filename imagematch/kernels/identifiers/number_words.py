"""Words for 0 to 99 in eight languages: a word in, its digits out.

English, Dutch, French (also of Belgium and Switzerland), German, Spanish, Italian, Portuguese and
Romanian. No word has two values, so that nobody needs to know the language of a text. Words are
in lower case, without accents.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

#: The words for 0 to 9, one language a line; further words for one value are joined by a slash.
_UNITS = (
    "zero/oh/nought one two three four five six seven eight nine",
    "nul een twee drie vier vijf zes zeven acht negen",
    "zero un/une deux trois quatre cinq six sept huit neuf",
    "null eins/ein/eine zwei/zwo drei vier funf/fuenf sechs sieben acht neun",
    "cero uno/una dos tres cuatro cinco seis siete ocho nueve",
    "zero uno/una due tre quattro cinque sei sette otto nove",
    "zero um/uma dois/duas tres quatro cinco seis sete oito nove",
    "zero unu/una doi/doua trei patru cinci sase sapte opt noua",
)
_TEENS = (
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "tien elf twaalf dertien veertien vijftien zestien zeventien achttien negentien",
    "dix onze douze treize quatorze quinze seize",
    "zehn elf zwolf/zwoelf dreizehn vierzehn funfzehn/fuenfzehn sechzehn siebzehn achtzehn"
    " neunzehn",
    "diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve",
    "dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove",
    "dez onze doze treze catorze/quatorze quinze dezesseis/dezasseis dezessete/dezassete dezoito"
    " dezenove/dezanove",
    "zece unsprezece doisprezece/douasprezece treisprezece paisprezece cincisprezece saisprezece"
    " saptesprezece optsprezece nouasprezece",
)
_TENS = (
    "twenty thirty forty fifty sixty seventy eighty ninety",
    "twintig dertig veertig vijftig zestig zeventig tachtig negentig",
    "vingt/vingts trente quarante cinquante soixante septante huitante/octante nonante",
    "zwanzig dreissig/dreisig vierzig funfzig/fuenfzig sechzig siebzig achtzig neunzig",
    "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
    "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
    "douazeci treizeci patruzeci cincizeci saizeci saptezeci optzeci nouazeci",
)

#: Words that say that the next digit comes several times.
REPEATS: Mapping[str, int] = {
    **dict.fromkeys(str.split("double dubbel dubbele doppel doppelt doble doppio duplo dublu"), 2),
    **dict.fromkeys(str.split("triple tripel drievoudig dreifach triplo triplu"), 3),
}

#: "And" between tens and units: soixante et onze, treinta y cuatro, treizeci și patru.
CONNECTORS = frozenset(str.split("y e et si and en und"))

#: Words that stand for `+` before a country code.
PLUS = frozenset(str.split("plus mas mais piu"))

#: Lengths of texts that may be several number words in one, such as `nulzestien`.
_SHORTEST_JOINED, _LONGEST_JOINED = 6, 60


def _numbered(lines: tuple[str, ...], first: int, step: int) -> Iterator[tuple[str, int]]:
    for line in lines:
        for at, words in enumerate(line.split()):
            for word in words.split("/"):
                yield word, first + at * step


def _compounds() -> Iterator[tuple[str, int]]:
    """21 to 99 where they are one word: vierendertig, vierunddreissig, trentaquattro, veintidos."""
    dutch, german = (dict(_numbered((_UNITS[at],), 0, 1)) for at in (1, 3))
    for tens, ten in _numbered((_TENS[1],), 20, 10):
        yield from ((f"{word}en{tens}", ten + unit) for word, unit in dutch.items() if unit)
    for tens, ten in _numbered((_TENS[3],), 20, 10):
        yield from ((f"{word}und{tens}", ten + unit) for word, unit in german.items() if unit)
    for tens, ten in _numbered((_TENS[5],), 20, 10):
        for word, unit in _numbered((_UNITS[5],), 0, 1):
            if unit:
                yield (tens[:-1] if unit in (1, 8) else tens) + word, ten + unit
    yield from (
        (f"veinti{word}", 20 + unit) for word, unit in _numbered((_UNITS[4],), 0, 1) if unit
    )


#: Each word and its value, 0 to 99.
_VALUES: Mapping[str, int] = {
    **dict(_compounds()),
    **dict(_numbered(_TENS, 20, 10)),
    **dict(_numbered(_TEENS, 10, 1)),
    **dict(_numbered(_UNITS, 0, 1)),
}
_LONGEST = max(map(len, _VALUES))
_BEGINNINGS = frozenset(word[:2] for word in _VALUES)


@lru_cache(maxsize=1 << 14)
def values(letters: str) -> tuple[int, ...]:
    """The numbers that letters spell.

    Args:
        letters: a word, or several written as one, in any case, accents allowed.

    Returns:
        Values of 0 to 99 in their order; none where it is no number.
    """
    if len(letters) > _LONGEST_JOINED:
        return ()
    word = plain(letters)
    if word in _VALUES:
        return (_VALUES[word],)
    if len(word) < _SHORTEST_JOINED or word[:2] not in _BEGINNINGS:
        return ()
    return _joined(word)


def plain(letters: str) -> str:
    """Lower case without accents."""
    apart = unicodedata.normalize("NFKD", letters.lower().replace("ß", "ss"))
    return "".join(char for char in apart if not unicodedata.combining(char))


def _joined(word: str) -> tuple[int, ...]:
    """Several number words in one, the longest first where there is a choice."""
    rest: list[tuple[int, ...] | None] = [None] * len(word) + [()]
    for start in reversed(range(len(word))):
        for end in range(min(len(word), start + _LONGEST), start, -1):
            value, after = _VALUES.get(word[start:end]), rest[end]
            if value is not None and after is not None:
                rest[start] = (value, *after)
                break
    return rest[0] or ()
