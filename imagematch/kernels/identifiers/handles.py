"""Names on platforms in a plain text: `@name`, `snap: name`, `insta na.me`.

They come out as `platform:name`. A name with no platform near it is `handle:name`, and unconfirmed:
it may be on any.
"""

import re
from collections.abc import Iterator, Mapping

from imagematch.kernels.identifiers.found import Found
from imagematch.records import Identifier

#: How platforms are called; short names that are words, too, need capitals and a colon.
_CALLED: Mapping[str, str] = {
    "telegram": "telegramm? tg telegrama",
    "instagram": "instagram insta ig",
    "snapchat": "snapchat snap (?-i:SC)(?=[:=])",
    "twitter": "twitter",
    "tiktok": "tiktok",
    "kik": "kik",
    "onlyfans": "onlyfans (?-i:OF)(?=[:=])",
    "facebook": "facebook fb",
    "discord": "discord",
    "skype": "skype",
    "wechat": "wechat weixin",
    "threema": "threema",
    "wickr": "wickr",
    "viber": "viber",
    "signal": "signal",
    "fansly": "fansly",
    "mym": "mym",
    "vk": "vk",
}
#: Those that a name before the @ tells.
PLATFORMS = tuple(_CALLED)
_PLATFORM = "|".join(f"(?P<{name}>{called.replace(' ', '|')})" for name, called in _CALLED.items())
_NAME = r"[a-z0-9_][a-z0-9._-]{1,31}"

#: "Telegram: name", "insta @name", "my tg is @name", "snap name_1".
_INTRODUCED = re.compile(
    rf"(?<![\w@/.])(?:{_PLATFORM})(?:"
    rf"\s{{0,2}}(?:(?P<sign>[:=→>;~*-]{{1,3}}|\()\s{{0,2}}|(?:\s[^\W\d_]{{1,4}})?\s?(?=@))@?\s?(?P<marked>{_NAME})|"
    rf"\s(?P<bare>[a-z_]{_NAME}))",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"(?<![\w.@/])@(?P<name>{_NAME})(?:\s(?:on|op|auf|sur|en|su|no|pe|at)\s(?:{_PLATFORM})\b)?",
    re.IGNORECASE,
)

#: What follows a platform or an @ and is no name.
_NO_NAMES = frozenset(
    str.split(
        "ask only yes no me call text message dm pm please and too also available home work hotel "
        "whatsapp vraag alleen graag bericht ook demande seulement uniquement aussi nur auch bitte "
        "anfrage solo pide pregunta tambien chiedi anche sim tambem doar si cere intreaba"
    )
)
#: Characters of a name, and of one that begins with a digit: 7pm and 24h are none.
_SHORTEST, _SHORTEST_WITH_DIGIT = 3, 5


def find(text: str, introduced: bool) -> Iterator[Found]:
    """Names in a plain text.

    Args:
        introduced: those behind the name of a platform; if not, those behind an `@`.
    """
    for found in (_INTRODUCED if introduced else _NAMED).finditer(text):
        name = found["marked"] or found["bare"] if introduced else found["name"]
        group = ("marked" if found["marked"] else "bare") if introduced else "name"
        platform = next((key for key in _CALLED if found[key]), "handle")
        written = name.rstrip(".-")
        if not _is_name(written, plain=introduced and "@" not in found[0] and found["sign"] != ":"):
            continue
        start = found.start(group)
        identifier = Identifier("handle", f"{platform}:{written.lower()}", "", platform != "handle")
        yield Found(identifier, start, start + len(written))


def _is_name(name: str, plain: bool) -> bool:
    """Whether letters are a name.

    Args:
        plain: nothing but a platform before it says so, so that it must not be a common word.
    """
    if len(name) < _SHORTEST or name.lower() in _NO_NAMES or not any(map(str.isalpha, name)):
        return False
    if name[0].isdigit() and (len(name) < _SHORTEST_WITH_DIGIT or _mostly_digits(name)):
        return False
    return not plain or any(char.isdigit() or char in "._" for char in name)


def _mostly_digits(name: str) -> bool:
    return sum(map(str.isdigit, name)) > len(name) / 2
