"""How well clusters agree with operators: two labels a profile in, shares out.

Everything is counted from how many profiles each operator and cluster have in common, so that the
cost is n log n however large a cluster is: pairs are never listed.
"""

from dataclasses import dataclass

import numpy as np

from benchmark.quality.metrics import Numbers
from imagematch.errors import ShapeError
from imagematch.records import Flags

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Score:
    """Precision and recall, 0-1; NaN where there is nothing to count."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Their harmonic mean; 0 where nothing is found, NaN where there is nothing to find."""
        if np.isnan(self.recall):
            return _NAN
        if not self.recall:
            return 0.0
        return 2 * self.precision * self.recall / (self.precision + self.recall)


def pairwise(truth: Numbers, found: Numbers, among: Flags | None = None) -> Score:
    """Pairs of profiles in one cluster against pairs of one operator.

    Args:
        truth, found: shape (N,); labels, equal for profiles that belong together.
        among: shape (N,); only pairs with one of these profiles, or both. None: all.

    Returns:
        Precision: share of the pairs in one cluster that are one operator's; recall: share of an
        operator's pairs that are in one cluster.

    Raises:
        ShapeError: the arrays do not fit each other.
    """
    table = _Table(truth, found, among)
    both = table.pairs(table.common, table.common_among)
    return Score(
        _share(both, table.pairs(table.found, table.found_among)),
        _share(both, table.pairs(table.truth, table.truth_among)),
    )


def b_cubed(truth: Numbers, found: Numbers, among: Flags | None = None) -> Score:
    """For a profile, the share of its cluster that is its operator's, and the other way round.

    Both are means over the profiles, each of which counts itself. Arguments as of `pairwise`, but
    that only profiles of `among` count.

    Source: Bagga and Baldwin 1998, "Entity-based cross-document coreferencing using the vector
    space model".
    """
    table = _Table(truth, found, among)
    weight = table.common_among / max(1, int(table.common_among.sum()))
    if not table.common_among.any():
        return Score(_NAN, _NAN)
    return Score(
        float((weight * table.common / table.found[table.cluster_of]).sum()),
        float((weight * table.common / table.truth[table.operator_of]).sum()),
    )


def sizes(labels: Numbers) -> Numbers:
    """How many profiles have the same label as each one; shape (N,)."""
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse], np.int64)


class _Table:
    """How many profiles operators and clusters have in common.

    Attributes:
        truth, found: profiles of each operator and cluster; `*_among`, those that count.
        common: profiles of each combination that occurs, which `operator_of` and `cluster_of` name.
    """

    def __init__(self, truth: Numbers, found: Numbers, among: Flags | None) -> None:
        if among is None:
            among = np.ones(truth.shape, np.bool_)
        if not truth.shape == found.shape == among.shape == (truth.size,):
            raise ShapeError(
                f"truth, found and among have the shapes {truth.shape}, {found.shape} and "
                f"{among.shape}"
            )
        _, operators = np.unique(truth, return_inverse=True)
        _, clusters = np.unique(found, return_inverse=True)
        self.truth, self.truth_among = _counts(operators, among)
        self.found, self.found_among = _counts(clusters, among)
        cells, inverse = np.unique(
            operators * (self.found.size + 1) + clusters, return_inverse=True
        )
        self.common, self.common_among = _counts(inverse, among)
        self.operator_of = cells // (self.found.size + 1)
        self.cluster_of = cells % (self.found.size + 1)

    @staticmethod
    def pairs(all_of: Numbers, among: Numbers) -> int:
        """Pairs within groups of these sizes that have one of those that count, or both."""
        others = all_of - among
        return int((all_of * (all_of - 1) // 2 - others * (others - 1) // 2).sum())


def _counts(labels: Numbers, among: Flags) -> tuple[Numbers, Numbers]:
    size = int(labels.max()) + 1 if labels.size else 0
    chosen = np.bincount(labels[among], minlength=size)
    return np.bincount(labels, minlength=size), chosen


def _share(part: int, whole: int) -> float:
    return part / whole if whole else _NAN
