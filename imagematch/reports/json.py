"""Reports for programs: strict JSON text of what `imagematch.conversions` makes of records."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from imagematch import formatting
from imagematch.records import (
    Decision,
    Gallery,
    HotPhoto,
    IgnoredPhoto,
    InJson,
    LinkReport,
    OperatorDecision,
)

#: Would steer a terminal or reorder a line on the screen when written as they are. In JSON text
#: they can only stand within a string, where an escape means the same.
_STEERING = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(data: dict[str, Any] | list[dict[str, Any]], *, indent: int | None = None) -> str:
    """Strict JSON: no NaN or Infinity, letters of every script as they are, UTF-8 can hold it.

    Texts should be `encodable`; of one that is not, what UTF-8 can't hold becomes U+FFFD.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent)
    text = _LONE_SURROGATE.sub("\ufffd", text)
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def link_lines(report: LinkReport) -> Iterator[str]:
    """All that linking found as text (docs/schemas/link.schema.json).

    There is a line for each link and each entry of the other lists: a report of a million links is
    never in memory as a whole.
    """
    yield f'{{\n  "profiles": {report.profiles}'
    for name, entries in _link_lists(report):
        yield f',\n  "{name}": ['
        between = "\n    "
        for entry in entries:
            yield between + dumps(entry.to_dict())
            between = ",\n    "
        yield "]" if between == "\n    " else "\n  ]"
    yield "\n}\n"


def _link_lists(report: LinkReport) -> Iterator[tuple[str, Iterable[InJson]]]:
    yield "links", formatting.strongest_first(report.links)
    yield "clusters", report.clusters
    yield "bridges", report.bridges
    yield "hot", report.hot
    yield "common", report.common
    yield "gallery_hits", report.gallery_hits
    yield "scenes", report.scenes
    yield "apart", report.apart
    yield "unmet", report.unmet


def decisions(made: Iterable[tuple[Decision | OperatorDecision, bool]]) -> dict[str, Any]:
    """A history, oldest first, as another index can take it over (decisions.schema.json).

    Args:
        made: with each decision, whether it is in force.
    """
    from imagematch import contract, conversions

    history = contract.History([], [])
    for each, in_force in made:
        if isinstance(each, OperatorDecision):
            history.operators.append(conversions.operator_entry(each, in_force=in_force))
        else:
            history.decisions.append(conversions.history_entry(each, in_force=in_force))
    return conversions.builtins(history)


def galleries(found: Iterable[Gallery]) -> dict[str, Any]:
    """The galleries of an index (docs/schemas/galleries.schema.json)."""
    return {"galleries": [gallery.to_dict() for gallery in found]}


def hot_list(photos: Iterable[HotPhoto]) -> dict[str, Any]:
    """Photos that are set aside or were released (docs/schemas/hot.schema.json)."""
    from imagematch import contract, conversions

    return conversions.builtins(contract.HotList([conversions.listed_hot(each) for each in photos]))


def ignore_list(photos: Iterable[IgnoredPhoto]) -> dict[str, Any]:
    """The ignore list with its near-copies (docs/schemas/ignore.schema.json)."""
    from imagematch import contract, conversions

    return conversions.builtins(contract.IgnoreList([conversions.ignored(each) for each in photos]))
