"""What profiles show, as arrays: each item with its kind, and which profile shows which item.

An item is what several profiles may have in common: a group of copies of one photo, a phone, an
e-mail, a handle, a text. How little it says that strangers share one depends on its kind.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from imagematch.errors import ShapeError
from imagematch.records import ItemKind

type Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
type IntPairs = np.ndarray[tuple[int, int], np.dtype[np.int64]]
type Reals = np.ndarray[tuple[int], np.dtype[np.float64]]


class Prior(NamedTuple):
    """How unlikely it is that somebody else shows an item of an operator, in bits.

    Attributes:
        leak: that anybody else does.
        stranger: that one more of them does.
    """

    leak: float
    stranger: float


#: Photos are stolen, and templates, logos and stock photos are on many ads: one alone joins up to
#: four profiles. Nobody else has an operator's number, but for sites that print theirs on ads.
#: Chosen on made-up worlds of the tuning half, where figures hardly change by 2 bits more or less
#: (docs/linking.md).
PRIORS: dict[ItemKind, Prior] = {
    "photo": Prior(7.5, 0),
    "released": Prior(10, 20),  # a photo of which a person said that it is one operator's
    "text": Prior(7.5, 0),
    "phone": Prior(10, 8),
    "email": Prior(10, 8),
    "handle": Prior(10, 7),
    "name": Prior(9, 4),  # a handle without its platform
    "crypto": Prior(10, 8),
    "url": Prior(7, 1),
    "host": Prior(7, 0),
    "other": Prior(7, 1),
}
KINDS: tuple[ItemKind, ...] = tuple(PRIORS)

#: Kinds that profiles of one operator are expected to mix: what one of them shows and another does
#: not speaks against them.
MIXED: frozenset[ItemKind] = frozenset({"photo", "released", "text"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Which of P profiles shows which of I items.

    Attributes:
        kinds: shape (I,); places in `KINDS`.
        profile, item: shape (M,); each pair once.
        sites: shape (P,); equal for profiles of one site.
        unshared: shape (P,); photos that only this profile shows, which are no items.
    """

    kinds: Ints
    profile: Ints
    item: Ints
    sites: Ints
    unshared: Ints

    def __post_init__(self) -> None:
        """Raises:
        ShapeError: the arrays do not fit each other.
        """
        if self.profile.shape != self.item.shape or self.sites.shape != self.unshared.shape:
            raise ShapeError(
                f"profile, item, sites and unshared have the shapes {self.profile.shape}, "
                f"{self.item.shape}, {self.sites.shape} and {self.unshared.shape}"
            )

    @property
    def profiles(self) -> int:
        """P."""
        return len(self.sites)

    @property
    def items(self) -> int:
        """I."""
        return len(self.kinds)
