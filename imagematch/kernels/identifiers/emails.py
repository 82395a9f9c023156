"""E-mail addresses in a plain text, also with words for their signs: `lola (at) mail dot example`.

The normal form is in lower case with an ASCII host. Dots and `+tags` before the sign stay, though
some providers ignore them: two people may have the two spellings at another provider behind a
domain of its own, and a false link harms more than a missed one.
"""

import re
from collections.abc import Iterator

from imagematch.kernels.identifiers import hosts
from imagematch.kernels.identifiers.found import Found
from imagematch.records import Identifier

_AT_WORD = (
    r"(?:at|ät|aet|arroba|arrobas|arobase|arobas|arrobase|chiocciola|apenstaart(?:je)?|klammeraffe|"
    r"arond|a rond|coada de maimuta)"
)
_DOT_WORD = r"(?:dot|punt|punkt|point|punto|ponto|punct)"
_OPEN, _CLOSE = r"[(\[{<]", r"[)\]}>]"
_APART = r"[\s*_|-]{1,2}"

_AT = re.compile(
    rf"(?P<sign>\s{{0,2}}{_OPEN}?\s?@\s?{_CLOSE}?\s{{0,2}})|"
    rf"(?P<closed>\s{{0,2}}{_OPEN}\s?(?:{_AT_WORD}|a)\s?{_CLOSE}\s{{0,2}})|"
    rf"(?P<word>{_APART}{_AT_WORD}{_APART})",
    re.IGNORECASE,
)
_DOT = (
    rf"(?:\.|\s{{0,2}}{_OPEN}\s?(?:{_DOT_WORD}|\.)\s?{_CLOSE}\s{{0,2}}|"
    rf"{_APART}{_DOT_WORD}{_APART})"
)
_SPLIT = re.compile(_DOT, re.IGNORECASE)

_HOST = re.compile(rf"[^\W_][\w-]{{0,62}}(?:{_DOT}[^\W_][\w-]{{0,62}}){{1,5}}", re.IGNORECASE)
_LOCAL = re.compile(
    rf"(?<![\w.%+-])[a-z0-9_%+-]{{1,64}}(?:{_DOT}[a-z0-9_%+-]{{1,64}}){{0,6}}$", re.IGNORECASE
)

#: Characters before the sign in which an address is looked for.
_WINDOW = 80

#: Longest local part (RFC 5321, 4.5.3.1.1).
_LONGEST = 64

#: Providers at which people have addresses: only with them, "at" alone is no common word.
_PROVIDERS = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|live|msn|yahoo|ymail|icloud|me|mac|aol|gmx|web|mail|proton|protonmail|pm|"
    r"tuta|tutanota|tutamail|ziggo|kpnmail|planet|telenet|skynet|orange|wanadoo|laposte|free|sfr|bbox|"
    r"t-online|freenet|libero|virgilio|tiscali|alice|tim|sapo|iol|rediffmail|zoho|yandex|inbox)"
    r"\.[a-z]{2,4}(?:\.[a-z]{2})?",
    re.IGNORECASE,
)


def find(text: str) -> Iterator[Found]:
    """The e-mail addresses in a plain text."""
    end = 0
    for sign in _AT.finditer(text):
        host = _HOST.match(text, sign.end())
        start = max(end, sign.start() - _WINDOW)
        local = host and _LOCAL.search(text, start, sign.start())
        if not host or not local:
            continue
        labels, host_end = _labels(host)
        name = _SPLIT.sub(".", local[0])
        value = _address(name, ".".join(labels))
        doubtful = sign["word"] or (sign[0][0].isspace() and not sign[0][-1].isspace())
        if value is None or (doubtful and not _is_address(host[0], labels)):
            continue
        end = host_end
        yield Found(Identifier("email", value, "", True), local.start(), end)


def _labels(host: re.Match[str]) -> tuple[list[str], int]:
    """The labels of a host up to its last known domain, and where they end.

    A sentence may go on behind a full stop without a space: `lola@mail.example.Call me`.
    """
    labels: list[str] = []
    ends: list[int] = []
    at = host.start()
    for dot in (*_SPLIT.finditer(host[0]), None):
        end = host.end() if dot is None else host.start() + dot.start()
        labels.append(host.string[at:end])
        ends.append(end)
        at = end if dot is None else host.start() + dot.end()
    known = [
        count for count in range(2, len(labels) + 1) if hosts.is_known_domain(labels[count - 1])
    ]
    count = known[-1] if known else len(labels)
    return labels[:count], ends[count - 1]


def _is_address(written: str, labels: list[str]) -> bool:
    """Whether a host follows a bare "at" or ` @name`: with words for dots, or a known provider."""
    if "." in written:
        return _PROVIDERS.fullmatch(".".join(labels)) is not None
    return hosts.is_known_domain(labels[-1])


def _address(local: str, host: str) -> str | None:
    normal = hosts.normal(host)
    if normal is None or len(local) > _LONGEST or local.startswith(".") or local.endswith("."):
        return None
    return (
        f"{local.lower()}@{normal}"
        if normal.rpartition(".")[2].isalpha() or "xn--" in normal
        else None
    )
