"""A file of decisions that another index exported: checked from end to end before any is taken."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, get_args

from imagematch.errors import UsageError
from imagematch.records import (
    VERDICTS,
    Content,
    Decision,
    Kind,
    OperatorDecision,
    OperatorVerdict,
    Profile,
)
from imagematch.surrogates import encodable

_SHA256 = re.compile(r"[0-9a-f]{64}")
_KINDS = get_args(Kind.__value__)
_OPERATOR_VERDICTS = get_args(OperatorVerdict.__value__)

#: How far the clock of another machine may be ahead. A decision from the far future would outvote
#: all that follow.
_SKEW = timedelta(days=1)


class Exported(NamedTuple):
    """What people said about photos and matches, and what they said of operators."""

    decisions: list[Decision]
    operators: list[OperatorDecision]


def read(path: Path) -> Exported:
    """Read what `imagematch decisions list --json` wrote.

    Raises:
        UsageError: it can't be read, or one of its entries is not a decision.
    """
    where = encodable(str(path))
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{where} can't be read as JSON: {error}") from error
    entries = content.get("decisions") if isinstance(content, dict) else None
    # Files that an older version wrote say nothing of operators.
    operators = content.get("operators", []) if isinstance(content, dict) else None
    if not (isinstance(entries, list) and isinstance(operators, list)):
        raise UsageError(
            f"{where} holds no decisions; give a file that `imagematch decisions list --json` wrote"
        )
    return Exported(
        _each(where, "decision", entries, _decision),
        _each(where, "decision about operators", operators, _operator_decision),
    )


def _each[D](
    where: str, what: str, entries: list[Any], read_one: Callable[[dict[str, Any]], D]
) -> list[D]:
    found = []
    for number, entry in enumerate(entries, start=1):
        try:
            found.append(read_one(entry))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise UsageError(f"{where}: {what} {number} can't be used: {why}") from error
    return found


def _decision(entry: dict[str, Any]) -> Decision:
    about, verdict, kind = entry["about"], entry["verdict"], entry["kind"]
    if about not in VERDICTS:
        raise ValueError(f"it is about {about!r}, not one of {', '.join(VERDICTS)}")
    if verdict not in VERDICTS[about]:
        raise ValueError(f"{verdict!r} is no decision about {about!r}")
    if kind is not None and kind not in _KINDS:
        raise ValueError(f"{kind!r} is no kind of match")
    photos = tuple(_content(photo) for photo in entry["photos"])
    if len(photos) != (2 if about == "match" else 1) or list(photos) != sorted(set(photos)):
        raise ValueError(f"{about!r} is about another number of photos, in order")
    return Decision(
        about,
        photos,
        verdict,
        _text(entry["who"]),
        _time(_text(entry["at"])),
        _text(entry["note"]),
        kind,
    )


def _operator_decision(entry: dict[str, Any]) -> OperatorDecision:
    verdict = entry["verdict"]
    if verdict not in _OPERATOR_VERDICTS:
        raise ValueError(f"{verdict!r} is no decision about operators")
    left, right = (tuple(map(_profile, entry[side])) for side in ("left", "right"))
    if not (left and right) or {*left} & {*right}:
        raise ValueError("it is not about two different profiles or clusters")
    return OperatorDecision(
        left,
        right,
        verdict,
        _text(entry["who"]),
        _time(_text(entry["at"])),
        _text(entry["note"]),
    )


def _profile(profile: dict[str, Any]) -> Profile:
    return Profile(_text(profile["site"]), _text(profile["profile"]))


def _content(photo: dict[str, Any]) -> Content:
    sha256, pixels = _text(photo["sha256"]), _text(photo["pixel_sha256"])
    if not _SHA256.fullmatch(sha256) or (pixels and not _SHA256.fullmatch(pixels)):
        raise ValueError("a photo is not named by its SHA-256, 64 hex digits in lower case")
    return Content(sha256, pixels)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _time(text: str) -> str:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"the time {text!r} names no time zone")
    time = time.astimezone(UTC)
    if time > datetime.now(UTC) + _SKEW:
        raise ValueError(f"the time {text!r} is in the future")
    return time.isoformat(timespec="milliseconds")
