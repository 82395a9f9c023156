"""URLs in a plain text, as what they lead to: a name on a platform, a phone, a page and its host.

Two spellings of one address have one normal form: `https` for both schemes, a host in lower case
and without `www.`, no port that is the usual one, no fragment, no slash at the end, and nothing
that only tells where a visitor came from. It is for comparing, not for visiting.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import SplitResult, urlsplit

from imagematch.kernels.identifiers import hosts, phones_in_text, platforms
from imagematch.kernels.identifiers.found import Found
from imagematch.records import Identifier

#: Parameters that only tell where a visitor came from.
_TRACKING = re.compile(
    r"(?:utm_\w+|fbclid|gclid|gbraid|wbraid|dclid|msclkid|yclid|twclid|ttclid|igshid|igsh|"
    r"mc_[ce]id|_ga|_gl|ref_src|ref_url|srsltid)(?:=|$)",
    re.IGNORECASE,
)

#: Characters of a URL that are read; browsers refuse longer ones.
_LONGEST = 2048

_DOT = r"(?:\.|\[\.\]|\(\.\)|\{\.\})"
_HOST = rf"(?:[^\W_](?:[\w-]{{0,62}}){_DOT}){{1,8}}[^\W\d_]{{2,24}}"
_REST = rf"(?:[/?#][^\s\0<>\"|\\^`]{{0,{_LONGEST}}})?"

_MARKED = re.compile(
    rf"(?<![\w@])(?P<scheme>h[tx]{{2}}ps?(?:://|\[:\]//)|www(?={_DOT}))(?:[^\s\0/@<>\"]{{1,128}}@)?"
    rf"(?P<host>(?:www{_DOT})?{_HOST})(?P<port>:\d{{1,5}})?(?P<rest>{_REST})|"
    rf"(?<![\w@])(?P<deep>whatsapp://send/?\?[^\s\0<>\"]{{1,256}})",
    re.IGNORECASE,
)
_PLAIN = re.compile(
    rf"(?<![\w@./-])(?P<host>{_HOST})(?![\w@-])(?P<port>:\d{{2,5}})?(?P<rest>{_REST})",
    re.IGNORECASE,
)

#: What ends a sentence and no URL.
_PUNCTUATION = ".,;:!?'\"»”’…*)]}>"


def find(text: str, marked: bool) -> Iterator[Found]:
    """URLs in a plain text.

    Args:
        marked: those that begin with `http` or `www` or lead to a platform; if not, names of hosts
            that stand for themselves.
    """
    if marked:
        for found in _MARKED.finditer(text):
            yield from _identifiers(found["deep"] or _joined(found), *_span(found))
    for found in _PLAIN.finditer(text):
        on_platform = _plain(found["host"].lower()).removeprefix("www.") in platforms.PLATFORMS
        if on_platform if marked else hosts.is_plain_host(_plain(found["host"]).split(".")):
            yield from _identifiers(_joined(found), *_span(found))


def _plain(host: str) -> str:
    return re.sub(_DOT, ".", host)


def _joined(found: re.Match[str]) -> str:
    rest = found["rest"].rstrip(_PUNCTUATION) if found["rest"] else ""
    return f"https://{_plain(found['host'])}{found['port'] or ''}{rest}"


def _span(found: re.Match[str]) -> tuple[int, int]:
    kept = found[0].rstrip(_PUNCTUATION)
    return found.start(), found.start() + len(kept)


def _identifiers(url: str, start: int, end: int) -> Iterator[Found]:
    yield from (Found(identifier, start, end) for identifier in read(url))


def read(url: str) -> list[Identifier]:
    """What a URL identifies: a name or a number on a platform; else the page, and its host.

    Args:
        url: with its scheme.

    Returns:
        None, one or two; `raw` is the URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return []
    if parts.scheme == "whatsapp":
        parts = parts._replace(netloc="api.whatsapp.com")
    host = hosts.normal(parts.hostname or "")
    if host is None:
        return []
    if person := platforms.name_of(host, parts):
        return _person(*person, url)
    page = _page(host, port, parts)
    found = [Identifier("url", page, url, True)] if page != f"https://{host}" else []
    if host not in platforms.PLATFORMS:
        found.append(Identifier("host", host, url, True))
    return found


def _person(platform: str, name: str, url: str) -> list[Identifier]:
    if platform == "phone":
        phone = phones_in_text.international(name)
        return [replace(phone, raw=url)] if phone else []
    return [Identifier("handle", f"{platform}:{name}", url, True)]


def _page(host: str, port: int | None, parts: SplitResult) -> str:
    """The normal form of an address."""
    place = host if port in (None, 80, 443) else f"{host}:{port}"
    query = "&".join(part for part in parts.query.split("&") if part and not _TRACKING.match(part))
    path = parts.path.rstrip("/")
    return f"https://{place}{path}" + (f"?{query}" if query else "")
