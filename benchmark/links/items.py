"""What the profiles of a world show, as methods get it: items, and who shows them.

An item is whatever several profiles may have in common: a group of copies of one photo, a phone, an
e-mail, a handle. Saved as JSON, it is all that trying another method takes: no picture is made
again. The true operators are in it, for the figures; methods must not look at them.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.quality.metrics import Numbers, Values
from imagematch.errors import UsageError

FORMAT = 2  # of the saved file; grows when a reader has to know of a change
PHOTO = "photo"


@dataclass(frozen=True, slots=True)
class Items:
    """The items of P profiles.

    Attributes:
        profiles: P names, "site/handle", in the order in which they were indexed.
        sites: of each of them.
        operators: shape (P,); the truth. Two profiles of one operator have the same number.
        types: of each of I items, see `imagematch.records.ItemKind`.
        names: of each item; for a photo, a file that shows it and a number.
        profile, item: shape (M,); which profile shows which item, each once.
        confidence: shape (M,), 0-1; how sure it is that it does.
        unshared: shape (P,); photos of each profile that no other shows.
    """

    profiles: tuple[str, ...]
    sites: tuple[str, ...]
    operators: Numbers
    types: tuple[str, ...]
    names: tuple[str, ...]
    profile: Numbers
    item: Numbers
    confidence: Values
    unshared: Numbers

    def only(self, types: Collection[str]) -> "Items":
        """The same profiles with the items of some types, numbered anew."""
        kept = np.array([one in types for one in self.types], np.bool_)
        number = np.cumsum(kept) - 1
        shown = kept[self.item]
        return Items(
            self.profiles,
            self.sites,
            self.operators,
            tuple(one for one in self.types if one in types),
            tuple(name for name, one in zip(self.names, self.types, strict=True) if one in types),
            self.profile[shown],
            number[self.item[shown]],
            self.confidence[shown],
            self.unshared,
        )

    @property
    def shown_by(self) -> Numbers:
        """How many profiles show each item; shape (I,)."""
        return np.bincount(self.item, minlength=len(self.names))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of profiles that a method joins, with how sure it is.

    Attributes:
        left, right: shape (L,); numbers of profiles, the smaller one left; each pair once.
        probability: shape (L,), 0-1.
    """

    left: Numbers
    right: Numbers
    probability: Values


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a method makes of items.

    Attributes:
        labels: shape (P,); profiles with the same number are one operator's.
        links: None of a method that says nothing of pairs.
    """

    labels: Numbers
    links: Pairs | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A world as imagematch saw it.

    Attributes:
        half: "tuning" or "reporting"; of the photos that it is made of.
        pictures: how many were indexed.
    """

    seed: int
    half: str
    pictures: int
    items: Items

    @property
    def name(self) -> str:
        """Of the file that it is saved in, without the suffix."""
        return f"{self.half}-{self.seed}"


def save(world: Measured, path: Path) -> None:
    """Write a world as JSON."""
    items = world.items
    profiles = zip(
        items.profiles, items.sites, items.operators.tolist(), items.unshared.tolist(), strict=True
    )
    text = json.dumps(
        {
            "format": FORMAT,
            "seed": world.seed,
            "half": world.half,
            "pictures": world.pictures,
            "profiles": [list(profile) for profile in profiles],
            "items": [list(item) for item in zip(items.types, items.names, strict=True)],
            "shows": _rows(items.profile, items.item, items.confidence),
        },
        ensure_ascii=False,
    )
    path.write_text(text, encoding="utf-8")


def load(path: Path) -> Measured:
    """Read what `save` wrote.

    Raises:
        UsageError: the file is none of these.
    """
    try:
        return _loaded(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UsageError(
            f"{path} can't be read as the items of a world ({error}); wanted a file that "
            "`python -m benchmark links` wrote"
        ) from error


def _loaded(data: Mapping[str, Any]) -> Measured:
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}, not {FORMAT}")
    names, sites, operators, unshared = zip(*data["profiles"], strict=True)
    items = Items(
        names,
        sites,
        np.array(operators, np.int64),
        tuple(kind for kind, _ in data["items"]),
        tuple(name for _, name in data["items"]),
        *_columns(data["shows"]),
        np.array(unshared, np.int64),
    )
    return Measured(data["seed"], data["half"], data["pictures"], items)


def _rows(left: Numbers, right: Numbers, share: Values) -> list[list[int | float]]:
    columns = left.tolist(), right.tolist(), share.tolist()
    return [list(row) for row in zip(*columns, strict=True)]


def _columns(rows: list[list[Any]]) -> tuple[Numbers, Numbers, Values]:
    table = np.array(rows, np.float64).reshape(-1, 3)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2]
