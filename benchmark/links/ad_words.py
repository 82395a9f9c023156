"""What made-up ads say: a random generator in, texts and numbers as people type them out."""

import numpy as np

NAMES = (
    *("mila", "anna", "lena", "nora", "sofia", "ella", "ida", "vera", "kira", "dana", "tara"),
    *("luna", "maya", "rosa", "jana", "olga", "alba", "zoe", "eva", "lia"),
)
CITIES = (
    *("London", "Leeds", "Bristol", "Cardiff", "Glasgow", "Belfast", "York", "Bath", "Derby"),
    *("Exeter", "Hull", "Luton"),
)
_OPENINGS = (
    *("New in town", "Back again", "Only this week", "Just arrived", "Here until Sunday"),
    *("First time here", "Open all days", "Short notice welcome", "Now near the station"),
)
_MIDDLES = (
    *("friendly and discreet", "clean quiet flat", "parking at the door", "own photos"),
    *("no hidden numbers", "references on request", "English and French", "cash or card"),
    *("early and late", "please be on time", "ask for rates", "no answer to messages"),
    *("weekends too", "top floor with lift", "five minutes from the centre", "tea or coffee"),
)
_ENDINGS = (
    *("see you soon", "call or write", "book a day before", "kisses", "thank you", "until then"),
    *("serious calls only", "be polite", "no rush"),
)

#: Ways to type a British number, of its code and two further parts.
_WAYS = (
    "+44 {0} {1}{2}",
    "0{0} {1}{2}",
    "0044 {0} {1} {2}",
    "0{0}.{1}.{2}",
    "(0{0}) {1}-{2}",
    "0{0}{1}{2}",
    "+44 (0){0} {1} {2}",
    "+44-{0}-{1}-{2}",
)
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def typed(phone: str, rng: np.random.Generator) -> str:
    """A British number as somebody types it.

    Args:
        phone: E.164, with +44.
    """
    digits = phone.removeprefix("+44")
    way = _WAYS[int(rng.integers(len(_WAYS)))].format(digits[:4], digits[4:7], digits[7:])
    chance = rng.random()
    if chance < 0.05:
        return way.translate(_FULL_WIDTH)
    if chance < 0.10:
        return " ".join(way.replace(" ", ""))
    return way


def operator_text(operator: int, rng: np.random.Generator) -> str:
    """An operator's own text, with a phrase that differs from ad to ad."""
    own = np.random.default_rng(operator)
    opening, ending = own.choice(_OPENINGS), own.choice(_ENDINGS)
    middles = [str(words) for words in own.choice(_MIDDLES, 4, False)]
    middles[int(rng.integers(4))] = str(rng.choice(_MIDDLES))
    return f"{opening}, {', '.join(middles)}. {rng.integers(5, 30) * 10} an hour, {ending}."


def stranger_text(rng: np.random.Generator) -> str:
    """A text of one ad."""
    middles = rng.choice(_MIDDLES, int(rng.integers(2, 6)), False)
    return f"{rng.choice(_OPENINGS)}, {', '.join(middles)}, {rng.choice(_ENDINGS)}."
