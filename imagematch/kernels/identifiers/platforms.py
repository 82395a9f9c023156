"""Platforms on which people have names: a link in, whose it is out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qs

#: What a name may be made of; platforms are stricter, and differ.
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?|[_.][A-Za-z0-9._]{1,62}")

#: An invitation to a group, whose letters are not the same in capitals.
_INVITATION = re.compile(r"[A-Za-z0-9_-]{6,64}")

_DIGITS = re.compile(r"[0-9]{8,15}")


@dataclass(frozen=True, slots=True)
class Platform:
    """How links to the people on one platform are made.

    Attributes:
        before: first parts of a path behind which the name stands.
        reserved: first parts of a path that are no names.
        sign: a name begins with it, or is none.
    """

    name: str
    before: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset()
    sign: str = ""


def _platform(name: str, before: str = "", reserved: str = "", sign: str = "") -> Platform:
    return Platform(name, frozenset(before.split()), frozenset(reserved.split()), sign)


_TELEGRAM = _platform("telegram", "s", "addstickers addemoji share iv proxy socks c joinchat login")
_WHATSAPP = _platform("whatsapp")
_INSTAGRAM = _platform(
    "instagram", "stories", "p reel reels tv explore accounts direct about legal web"
)
_FACEBOOK = _platform(
    "facebook",
    "",
    "groups events sharer sharer.php watch marketplace photo photo.php share pages people login "
    "story.php permalink.php hashtag help",
)
_SNAPCHAT = _platform("snapchat", "add", "t p discover lens spotlight unlock")
_TWITTER = _platform("twitter", "", "home search intent share i hashtag login explore")
_DISCORD = _platform("discord", "invite", "channels login app download")
_YOUTUBE = _platform("youtube", "c user channel", "watch playlist shorts embed results feed")
_REDDIT = _platform("reddit", "u user", "r search")
_PAYPAL = _platform("paypal", "paypalme", "donate cgi-bin")
_THREADS = _platform("threads", sign="@")
_SIGNAL = _platform("signal")
_VK = _platform("vk", "", "feed album wall video")

#: Hosts without `www.` and what is there.
PLATFORMS: Mapping[str, Platform] = {
    **dict.fromkeys(("t.me", "telegram.me", "telegram.dog"), _TELEGRAM),
    **dict.fromkeys(
        ("wa.me", "whatsapp.com", "api.whatsapp.com", "chat.whatsapp.com", "web.whatsapp.com"),
        _WHATSAPP,
    ),
    **dict.fromkeys(("instagram.com", "instagr.am"), _INSTAGRAM),
    **dict.fromkeys(("facebook.com", "fb.com", "fb.me", "m.me", "messenger.com"), _FACEBOOK),
    "snapchat.com": _SNAPCHAT,
    **dict.fromkeys(("twitter.com", "x.com", "mobile.twitter.com"), _TWITTER),
    "tiktok.com": _platform("tiktok", sign="@"),
    "onlyfans.com": _platform("onlyfans", "", "posts my"),
    "fansly.com": _platform("fansly", "", "post"),
    "mym.fans": _platform("mym"),
    "linktr.ee": _platform("linktree"),
    "allmylinks.com": _platform("allmylinks"),
    "beacons.ai": _platform("beacons"),
    "kik.me": _platform("kik"),
    **dict.fromkeys(("vk.com", "vk.ru"), _VK),
    "twitch.tv": _platform("twitch", "", "directory videos"),
    "youtube.com": _YOUTUBE,
    **dict.fromkeys(("reddit.com", "old.reddit.com"), _REDDIT),
    **dict.fromkeys(("threads.net", "threads.com"), _THREADS),
    **dict.fromkeys(("discord.gg", "discord.com"), _DISCORD),
    **dict.fromkeys(("paypal.me", "paypal.com"), _PAYPAL),
    "revolut.me": _platform("revolut"),
    "cash.app": _platform("cashapp", sign="$"),
    "ko-fi.com": _platform("kofi"),
    "patreon.com": _platform("patreon", "", "posts"),
    "signal.me": _SIGNAL,
    "line.me": _platform("line", "p", "ti r"),
}

#: Platforms whose names are links to groups, in which capitals count.
_IN_CAPITALS = frozenset({"discord"})


def name_of(host: str, parts: SplitResult) -> tuple[str, str] | None:
    """The platform and name, or `("phone", digits)` with a country code, that a link leads to.

    Args:
        host: without `www.`.
        parts: the link, its path as it was written.

    Returns:
        None where the host is no platform, or the link leads to no person there.
    """
    platform = PLATFORMS.get(host)
    if platform is None:
        return None
    segments = [segment for segment in parts.path.split("/") if segment]
    query = {key: found[0] for key, found in parse_qs(parts.query).items()}
    if platform is _WHATSAPP:
        return _on_whatsapp(host, segments, query)
    if platform is _SIGNAL:
        return _phone(parts.fragment.removeprefix("p/"))
    if platform is _TELEGRAM and segments:
        return _on_telegram(segments)
    if platform is _FACEBOOK and segments[:1] == ["profile.php"]:
        return _named(platform, query.get("id", ""))
    return _by_path(platform, segments)


def _by_path(platform: Platform, segments: list[str]) -> tuple[str, str] | None:
    if segments and segments[0].lower() in platform.before:
        del segments[0]
    if not segments or segments[0].lower() in platform.reserved:
        return None
    if platform.sign and not segments[0].startswith(platform.sign):
        return None
    return _named(platform, segments[0].lstrip("@$"))


def _named(platform: Platform, name: str) -> tuple[str, str] | None:
    if not NAME.fullmatch(name):
        return None
    return platform.name, name if platform.name in _IN_CAPITALS else name.lower()


def _on_whatsapp(
    host: str, segments: list[str], query: Mapping[str, str]
) -> tuple[str, str] | None:
    """Phone numbers of people, and invitations to groups and shops."""
    if "phone" in query:
        return _phone(query["phone"])
    if not segments:
        return None
    if host == "wa.me" and len(segments) == 1:
        return _phone(segments[0])
    code = segments[-1]
    invites = host == "chat.whatsapp.com" or segments[0] in ("message", "channel", "catalog", "c")
    return ("whatsapp", code) if invites and _INVITATION.fullmatch(code) else None


def _on_telegram(segments: list[str]) -> tuple[str, str] | None:
    """Names, numbers behind a plus sign, and invitations behind a plus sign or `joinchat`."""
    first = segments[0]
    if phone := first.startswith("+") and _phone(first):
        return phone
    code = segments[1] if first == "joinchat" and len(segments) > 1 else first[1:]
    if first == "joinchat" or first.startswith("+"):
        return ("telegram", f"+{code}") if _INVITATION.fullmatch(code) else None
    return _by_path(_TELEGRAM, segments)


def _phone(text: str) -> tuple[str, str] | None:
    digits = "".join(char for char in text if char in "0123456789").removeprefix("00")
    return ("phone", digits) if _DIGITS.fullmatch(digits) else None
