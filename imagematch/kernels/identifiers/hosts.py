"""Names of hosts: as they are written in, in lower case and ASCII out, if they can be one."""

import re

import phonenumbers

#: Top-level domains with three letters and more that sites of people have; of those with two
#: letters, all countries count.
_GENERIC = frozenset(
    str.split(
        "com net org info biz name pro mobi xxx adult sex sexy porn dating escort club online site "
        "website shop store live life fans link page bio vip tel app dev blog gallery photo photos "
        "pics cam chat social space top xyz fun love email mail cloud agency world today example "
        "test invalid"
    )
)
_COUNTRIES = frozenset(
    {region.lower() for region in phonenumbers.SUPPORTED_REGIONS} | {"uk", "eu", "su"}
)
#: Domains of countries that are words, too: they may follow a full stop without a space.
_WORDS = frozenset(
    str.split(
        "me so no is in to am my do as la et si ma al pe da se us by gl va ne il lu ta sa mi ce"
    )
)

#: Characters of a host name, and of each of its labels (RFC 1035).
_LONGEST, _LONGEST_LABEL = 253, 63

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?")


def normal(host: str) -> str | None:
    """A host in its normal form, without `www.`; None where it is no host name.

    Source: IDNA 2003, as Python has it.
    """
    if len(host) > _LONGEST:
        return None
    try:
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = name.split(".")
    if len(labels) > 2 and labels[0] in ("www", "m"):
        del labels[0]
    if len(labels) < 2 or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        return None
    return ".".join(labels)


def is_known_domain(label: str) -> bool:
    """Whether the last label of a host is a common one, which tells a host from other texts."""
    lower = label.lower()
    return lower in _GENERIC or lower in _COUNTRIES or lower.startswith("xn--")


def is_plain_host(labels: list[str]) -> bool:
    """Whether words with full stops between are a host, though nothing around them says so.

    Args:
        labels: as written; `Good.Bye` is two sentences.
    """
    last = labels[-1]
    if not is_known_domain(last) or not (last.islower() or "".join(labels).isupper()):
        return False
    if len(labels[-2]) < 2 or all(label.isdigit() for label in labels[:-1]):
        return False
    marked = len(labels) > 2 or any(char.isdigit() or char == "-" for char in labels[-2])
    return marked or last not in _WORDS
