"""Runs of digits, as figures, words or letters that look like figures: what may be a phone number.

A plain text in (`folding`), runs of numerals out. What is a time, a date, a price, a measure or an
IBAN is no part of a run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from imagematch.kernels.identifiers import number_words

#: Stands for characters that are taken or no part of any number; nothing joins across it.
TAKEN = "\0"

#: Characters between two numerals of one number, at most.
_LONGEST_GAP = 5

#: Numerals of a run. A longer run is cut: no list of contacts is as long.
_LONGEST_RUN = 120

#: Letters of the longest word that stands between numerals.
_LONGEST_WORD = 12

#: Letters that are written for digits.
_LOOKALIKES = str.maketrans("oOlIi", "00111")
_LOOKALIKE = re.compile(r"[oOlIi]{1,6}")

#: Figures of a whole number, or nearly: a letter between two such means "or", not 0.
_WHOLE = 7

_BEFORE = r"(?<![\w])(?<!\d[.,/:-])"
_AFTER = r"(?![\w])(?![.,/:-]\d)"
_MONEY = (
    r"(?:euros?|eur|pounds?|gbp|usd|dollars?|bucks|lei|ron|"
    r"roses?|rosas?|rosen|roos(?:jes|en)?|kisses)"
)
_AGE = r"(?:jaar|jr|jahre|years?|yrs?|yo|ans|anos|anni|ani|jarige)"
_LENGTH = r"(?:cm|mm|kg|kgs|kilos?|lbs?|qm|m2|km|ft|inch(?:es)?)"
_TIME = (
    r"(?:min(?:ut\w{0,4})?|mins|mn|uur|u|uhr|std|stunden?|h|hr|hrs|hours?|heures?|horas?|ore|ora|"
    r"days?|dagen|tage|jours|dias|zile|giorni|am|pm)"
)

_UNTIL = r"(?:-|to|tot|bis|a|à|as|la|until|till)"

_OTHER_NUMBERS = re.compile(
    "|".join(
        (
            r"(?-i:(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w))",  # IBAN
            rf"{_BEFORE}\d{{1,2}}[:.][0-5]\d ?{_UNTIL} ?\d{{1,2}}[:.][0-5]\d{_AFTER}",
            rf"{_BEFORE}(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?{_AFTER}",
            rf"{_BEFORE}(?<!\d )\d{{1,2}} ?[hu] ?(?:[0-5]\d)?{_AFTER}",
            rf"{_BEFORE}\d{{1,2}}[./-]\d{{1,2}}[./-](?:19|20)\d\d{_AFTER}",
            rf"{_BEFORE}(?:19|20)\d\d[./-]\d{{1,2}}[./-]\d{{1,2}}{_AFTER}",
            rf"{_BEFORE}\d{{2,3}}([/-])\d{{2}}\1\d{{2,3}}{_AFTER}",  # bust, waist, hips
            rf"{_BEFORE}\d{{1,5}}(?:[.,]\d{{1,2}})? ?\p",
            rf"\p ?\d{{1,5}}(?:[.,]\d{{1,2}})?{_AFTER}(?!\s\d)",
            rf"{_BEFORE}\d{{1,5}},-+",
            rf"{_BEFORE}\d{{1,4}} ?{_MONEY}(?!\w)",
            rf"{_BEFORE}\d{{2}} ?(?:[a-z]\w{{0,6}} )?{_AGE}(?!\w)",
            rf"{_BEFORE}\d{{1,3}}(?:[.,]\d{{1,2}})? ?{_LENGTH}(?!\w)",
            rf"{_BEFORE}(?<!\d )\d{{1,3}} ?{_TIME}(?!\w)",
            rf"{_BEFORE}[12] ?(?:m|[.,]) ?\d{{2}}(?: ?m)?{_AFTER}(?!\s\d)",
            rf"{_BEFORE}\d{{4}}-\d{{3}} (?=[^\W\d_])",  # a Portuguese postcode and its town
            rf"{_BEFORE}(?:24|7)[/x]7{_AFTER}",
            rf"{_BEFORE}\d[.,]\d{{2,4}}{_AFTER}",  # a decimal fraction
        )
    ).replace(r"\p", r"[$€£¥₹]"),
    re.IGNORECASE,
)

_TOKEN = re.compile(r"(?P<digits>[0-9]+)|(?P<letters>[^\W\d_]+)|(?P<gap>[\W_])")

#: What may not stand between two numerals of one number.
_NO_GAP = frozenset(f"{TAKEN}$€£¥₹%=<>@#&")


@dataclass(frozen=True, slots=True)
class Numeral:
    """Digits that stand together.

    Attributes:
        start, end: in the plain text.
        plus: a plus sign stands before it.
        spelled: it was written as a word.
        lookalike: it was written with letters that look like digits.
        gap: what is between it and the one before.
        repeats: how often the first digit of the next numeral is to be read, for words like double.
    """

    digits: str
    start: int
    end: int
    plus: bool = False
    spelled: bool = False
    lookalike: bool = False
    gap: str = ""
    repeats: int = 0


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "digits", "letters" or "gap"
    text: str
    start: int
    end: int


def runs(text: str) -> Iterator[list[Numeral]]:
    """Numerals that stand so near to each other that they may be one number.

    Args:
        text: plain, with `TAKEN` in the place of what was found to be something else.
    """
    for run in _near_runs(_OTHER_NUMBERS.sub(lambda found: TAKEN * len(found[0]), text)):
        if merged := _merged(_trimmed(run)):
            yield merged


def _near_runs(text: str) -> Iterator[list[Numeral]]:
    """Numerals with nothing between that ends a number, as they are written; none is empty."""
    run: list[Numeral] = []
    end = 0
    plus, gap = False, ""
    for piece in _pieces(text):
        if isinstance(piece, Numeral):
            if run and (len(run) == _LONGEST_RUN or piece.start - end > _LONGEST_GAP):
                yield run
                run = []
            run.append(replace(piece, plus=plus, gap=gap))
            end, plus, gap = piece.end, False, ""
            continue
        gap = gap + piece if len(gap) < _LONGEST_GAP else gap
        plus = piece == "+" or (plus and piece in " (")
        if piece in _NO_GAP or len(piece) > 1 or (piece == "\n" and not _vertical(run)):
            if run:
                yield run
            run = []
    if run:
        yield run


def _vertical(run: list[Numeral]) -> bool:
    """Whether digits have stood one below the other so far."""
    return bool(run) and all(len(numeral.digits) == 1 for numeral in run[-3:])


def _trimmed(run: list[Numeral]) -> list[Numeral]:
    """A run without articles at its ends that are numerals only among other words."""
    first, last = 0, len(run)
    if last > 1 and _is_article(run[0]) and not run[1].spelled:
        first = 1
    if last - first > 1 and _is_article(run[-1]) and not run[-2].spelled:
        last -= 1
    return run[first:last]


def _is_article(numeral: Numeral) -> bool:
    return numeral.spelled and numeral.digits == "1"


def _pieces(text: str) -> Iterator[Numeral | str]:
    """Numerals, and what stands between: single characters, or whole words that end a run."""
    tokens = [
        _Token(found.lastgroup or "", found[0], *found.span()) for found in _TOKEN.finditer(text)
    ]
    for at, token in enumerate(tokens):
        if token.kind == "gap":
            yield token.text
        elif token.kind == "digits":
            yield from _figures(tokens, at)
        else:
            yield from _letters(tokens, at)


def _figures(tokens: list[_Token], at: int) -> Iterator[Numeral | str]:
    """Figures, unless letters right before or after make them part of a code: B12345678."""
    token = tokens[at]
    before, after = _beside(tokens, at, -1), _beside(tokens, at, 1)
    coded = any(
        other is not None
        and other.kind == "letters"
        and len(other.text) <= 2
        and not _is_numeral(other)
        for other in (before, after)
    )
    if coded:
        yield token.text + TAKEN
    else:
        yield Numeral(token.text, token.start, token.end)


def _letters(tokens: list[_Token], at: int) -> Iterator[Numeral | str]:
    token = tokens[at]
    word = number_words.plain(token.text) if len(token.text) <= _LONGEST_WORD else ""
    values = number_words.values(token.text)
    if values:
        for value in values:
            yield Numeral(str(value), token.start, token.end, spelled=True)
    elif word in number_words.PLUS:
        yield "+"
    elif word in number_words.REPEATS:
        yield Numeral("", token.start, token.end, repeats=number_words.REPEATS[word])
    elif _LOOKALIKE.fullmatch(token.text) and _among_numerals(tokens, at):
        digits = token.text.translate(_LOOKALIKES)
        yield Numeral(digits, token.start, token.end, lookalike=True)
    elif word in number_words.CONNECTORS and _follows_a_word(tokens, at):
        yield Numeral("&", token.start, token.end, spelled=True)
    else:
        yield token.text + TAKEN


def _follows_a_word(tokens: list[_Token], at: int) -> bool:
    before = _near(tokens, at, -1)
    return before is not None and bool(number_words.values(before.text))


def _among_numerals(tokens: list[_Token], at: int) -> bool:
    """Whether letters that look like digits stand where digits do."""
    beside = _beside(tokens, at, -1), _beside(tokens, at, 1)
    if any(token is not None and token.kind == "digits" for token in beside):
        return True
    before, after = _near(tokens, at, -1), _near(tokens, at, 1)
    if not _is_numeral(after) or after is None:
        return False
    if before is None or not _is_numeral(before):
        short = after.kind == "letters" or len(after.text) <= 2
        return tokens[at].text in "oO" and short
    if "letters" in (before.kind, after.kind):
        return True
    another = after.text.startswith("0") and len(after.text) > 2
    return not another and max(len(before.text), len(after.text)) < _WHOLE


def _beside(tokens: list[_Token], at: int, step: int) -> _Token | None:
    return tokens[at + step] if 0 <= at + step < len(tokens) else None


def _near(tokens: list[_Token], at: int, step: int) -> _Token | None:
    """The next token that is no gap, if it is as near as parts of one number are."""
    for further in range(1, _LONGEST_GAP + 1):
        token = _beside(tokens, at, step * further)
        if token is None or token.kind != "gap" or token.text in _NO_GAP:
            return token
    return None


def _is_numeral(token: _Token | None) -> bool:
    if token is None or token.kind == "gap":
        return False
    return (
        token.kind == "digits"
        or bool(number_words.values(token.text))
        or _LOOKALIKE.fullmatch(token.text) is not None
    )


def _merged(run: list[Numeral]) -> list[Numeral]:
    """Numerals of which words that make one number are joined: vingt trois, double zero."""
    merged: list[Numeral] = []
    repeats = 0
    for numeral in run:
        if numeral.repeats:
            repeats = numeral.repeats
            continue
        if numeral.digits == "&":
            continue
        if repeats:
            numeral = replace(numeral, digits=numeral.digits[0] * (repeats - 1) + numeral.digits)
            repeats = 0
        elif merged and (joined := _joined(merged[-1], numeral)) is not None:
            merged[-1] = joined
            continue
        merged.append(numeral)
    return merged


def _joined(one: Numeral, two: Numeral) -> Numeral | None:
    """Two spelled numerals as the one that they say together, None if they say two."""
    glued = two.start == one.end and len(two.digits) == 1  # trente9
    if not (one.spelled and not two.gap.strip(" -") and (two.spelled or glued)):
        return None
    first, second = one.digits, two.digits
    tens = len(first) == 2 and first[1] == "0" and first > "10"
    if (
        tens
        and second != "0"
        and (len(second) == 1 or (first in ("60", "80") and second[0] == "1"))
    ):
        return replace(one, digits=str(int(first) + int(second)), end=two.end)
    if first == "4" and second == "20":  # quatre-vingt
        return replace(one, digits="80", end=two.end)
    return None
