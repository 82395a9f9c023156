"""How many bits it takes to say who shows what, given who belongs together.

The shorter the description, the better the grouping (minimum description length, Rissanen 1978). An
item is described by its home, the group that it belongs to: which of the group's profiles show it,
and which others do all the same. Where no home makes that shorter, it is common, and joins nobody.
A group is described by the profiles that join it.
"""

import numpy as np

from imagematch.kernels.operators.shown import KINDS, MIXED, PRIORS, Ints, Reals, Shown

#: Profiles are a sample of a world of at least this many: two that share something are no
#: coincidence because there are only ten.
_LEAST_WORLD = 1000

#: Bits for a group to be there, and to spare for each profile that joins it. As the priors of
#: `shown.PRIORS`.
_GROUP, _SPARED = 3.0, 1.0

#: How much it counts that profiles show photos which no other of their group does, 0-1. Operators
#: have such photos, too, and more of them than in made-up worlds.
_UNSHARED = 0.5

#: A contact that at least half of a site's profiles show may be the site's own, if there are so
#: many that this can be told from an operator who has a site to itself; and bits for it to be so.
_SITE_SHARE, _LEAST_SITE, _OF_SITE = 0.5, 30, 20.0


class CodeLengths:
    """Bits for the parts of a description."""

    def __init__(self, shown: Shown) -> None:
        self._world = max(shown.profiles, _LEAST_WORLD)
        #: To name one profile.
        self.name = float(np.log2(self._world))
        # log2 n!, of which binomial coefficients are made.
        steps = np.log2(np.arange(1, self._world + 2, dtype=np.float64))
        self._factorials = np.concatenate([[0.0], np.cumsum(steps)])
        priors = np.array([PRIORS[kind] for kind in KINDS], np.float64)
        self._leak, self._stranger = priors[shown.kinds].T
        #: Items that the profiles of an operator are expected to mix; shape (I,).
        self.mixed = np.array([kind in MIXED for kind in KINDS])[shown.kinds]
        #: How many profiles show each item; shape (I,).
        self.total = np.bincount(shown.item, minlength=shown.items)
        #: Profiles of the site that an item may be a contact of; 0: of none. Shape (I,).
        self.of_site = self._sites(shown)
        #: Bits of each item without a home, less those to name one; shape (I,).
        everything = np.arange(shown.items)
        self.common: Reals = np.where(
            self.total > 1, self.elsewhere(everything, self.total) - self.name, 0.0
        )

    def _sites(self, shown: Shown) -> Ints:
        sites = int(shown.sites.max(initial=-1)) + 1
        of_site = np.bincount(shown.sites, minlength=sites)
        both, showing = np.unique(
            shown.item * max(sites, 1) + shown.sites[shown.profile], return_counts=True
        )
        item, site = np.divmod(both, max(sites, 1))
        own = (
            (of_site[site] >= _LEAST_SITE)
            & (showing >= of_site[site] * _SITE_SHARE)
            & ~self.mixed[item]
        )
        found = np.zeros(shown.items, np.int64)
        np.maximum.at(found, item[own], of_site[site[own]])
        return found

    def _choose(self, of: Ints, some: Ints) -> Reals:
        """log2 of how many ways there are to choose some of several; shape as given."""
        table = self._factorials
        return np.asarray(table[of] - table[some] - table[of - some])

    def group(self, size: Ints) -> Reals:
        """A group of profiles; one alone costs nothing."""
        return np.where(size > 1, (size - 1) * (self.name - _SPARED) + _GROUP, 0.0)

    def inside(self, size: Ints, showing: Ints) -> Reals:
        """Which profiles of an item's home show it.

        Args:
            size: profiles of the group; `showing`: 1 to `size`.
        """
        return np.where(size > 1, self._choose(size, showing) + np.log2(size), 0.0)

    def elsewhere(self, item: Ints, showing: Ints) -> Reals:
        """Which profiles outside its home show an item; none cost nothing.

        Args:
            item: numbers of items; `showing`: as many numbers of profiles.
        """
        some = np.maximum(showing, 1)
        world = np.full(some.shape, self._world)
        bits = (
            self._choose(world, some)
            + np.log2(some)
            + self._leak[item]
            + self._stranger[item] * some
        )
        of_site = np.maximum(self.of_site[item], some)
        printed = self._choose(of_site, some) + np.log2(of_site + 1) + _OF_SITE
        bits = np.where(self.of_site[item] > 0, np.minimum(bits, printed), bits)
        return np.where(showing > 0, bits, 0.0)

    def unshared(self, size: Ints, alone: Ints, mixed: Ints) -> Reals:
        """Which photos of a group only one of its profiles shows.

        Args:
            size: profiles of the group.
            alone: photos that one profile shows.
            mixed: photos and texts that several of them show.
        """
        every = np.minimum(alone + mixed, self._world)
        alone = np.minimum(alone, every)
        bits = self._choose(every, alone) + np.log2(every + 1)
        return np.where(size > 1, _UNSHARED * bits, 0.0)
