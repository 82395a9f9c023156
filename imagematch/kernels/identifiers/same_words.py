"""An ad's text in, a normal form out that texts have in common which are all but the same.

Posters paste one text into many ads and change the price, the number, the emoji. What is left are
the words, in order.
"""

import hashlib
import re

from imagematch.kernels.identifiers.folding import fold

#: Fewer words or letters may well be another's: "New in town, call me".
_FEWEST_WORDS, _FEWEST_LETTERS = 12, 60

#: Words are told apart by spaces; those that hold digits, an address or a name are not compared.
_CHANGING = re.compile(r"[\d@/]|\w[.]\w")
_LETTERS = re.compile(r"[^\W\d_]+")

#: Letters of the normal form that a person reads, and hex digits that tell it from others.
_READ, _TOLD = 60, 16


def same_words(text: str) -> str | None:
    """The normal form of a text: how it begins, and a digest of all its words.

    Returns:
        Equal for texts that differ in numbers, contacts, punctuation, case, accents and spaces
        only; None where there are too few words to say anything.
    """
    plain = fold(text).text.casefold()
    words = [
        word
        for each in plain.split()
        if not _CHANGING.search(each)
        for word in _LETTERS.findall(each)
    ]
    if len(words) < _FEWEST_WORDS or sum(map(len, words)) < _FEWEST_LETTERS:
        return None
    whole = " ".join(words)
    digest = hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:_TOLD]
    return f"{whole[:_READ]}… {digest}"
