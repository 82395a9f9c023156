"""A text as posters disguise it in, the plain text that is meant out, with where each part stood.

Letters and digits of other shapes (full-width, circled, keycaps, Arabic digits) become ASCII, what
is invisible goes, and letters of other alphabets become the Latin ones that they look like, in
words that are Latin otherwise. Accents stay: they are part of names.
"""

import re
import unicodedata
from array import array
from dataclasses import dataclass
from functools import lru_cache

from imagematch.kernels.identifiers.confusables import LATIN

#: Letters that show as nothing: Hangul fillers and the grapheme joiner.
_FILLERS = frozenset("\u034f\u115f\u1160\u3164\uffa0")

#: Where A to Z are white on black in Unicode; `unicodedata` does not say which letter each is.
_WHITE_CIRCLES, _WHITE_SQUARES = 0x1F150, 0x1F170

#: What makes up one word, for telling whether all of it is, or looks, Latin.
_WORD = re.compile(r"[\w.@-]+")

#: Letters below this are Latin: ASCII, Latin-1, Latin Extended-A and -B, and phonetic ones.
_LATIN_END = 0x2B0


@dataclass(frozen=True, slots=True)
class Folded:
    """A plain text, and where each of its characters comes from.

    Attributes:
        text: N characters.
        starts: N positions in the original.
        original: as it was shown.
    """

    text: str
    starts: array[int]
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the plain text stood in the original, with what was invisible in it."""
        last = self.starts[end - 1]
        after = self.starts[end] if end < len(self.starts) else len(self.original)
        return self.starts[start], max(after, last + 1)


def fold(text: str) -> Folded:
    """The plain text that is meant by a text; any characters, lone surrogates too."""
    plain: list[str] = []
    starts = array("q")
    for at, char in enumerate(text):
        if unicodedata.combining(char):
            _accent(plain, char)
            continue
        for shown in _plain(char):
            plain.append(shown)
            starts.append(at)
    return Folded(_WORD.sub(_latin, "".join(plain)), starts, text)


def _accent(plain: list[str], mark: str) -> None:
    """Put an accent onto the letter before it, where there is such a letter, and drop it if not."""
    if plain:
        joined = unicodedata.normalize("NFC", plain[-1] + mark)
        if len(joined) == 1:
            plain[-1] = joined


@lru_cache(maxsize=1 << 14)
def _plain(char: str) -> str:
    """What one character means: none, one or several."""
    if char.isascii():
        return char if char.isprintable() or char == "\n" else " "
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    for first in (_WHITE_CIRCLES, _WHITE_SQUARES):
        if 0 <= ord(char) - first < 26:
            return chr(ord("A") + ord(char) - first)
    category = unicodedata.category(char)
    if category in ("Cf", "Mn", "Me") or char in _FILLERS:
        return ""
    if category in ("Zl", "Zp"):
        return "\n"
    if category in ("Zs", "Cc", "Cs"):
        return " "
    if category == "Pd":
        return "-"
    return "".join(
        part for part in unicodedata.normalize("NFKC", char) if not unicodedata.combining(part)
    )


def _latin(word: re.Match[str]) -> str:
    """A word with the letters that only look Latin made so, if no other letter is foreign."""
    text = word[0]
    if text.isascii():
        return text
    foreign = [char for char in text if ord(char) >= _LATIN_END]
    if not foreign or not all(char in LATIN for char in foreign):
        return text
    return text.translate(_TABLE)


_TABLE = str.maketrans(dict(LATIN))
