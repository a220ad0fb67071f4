"""Rules that combine the updates of many workers, some of whom may lie, into one.

`updates` has a row per worker, `weights` a number above 0 for each row, and `evil` is how many rows may be anything at
all. Only the average looks at the weights: a rule that withstands liars has to count everybody alike.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlchain.errors import require, require_known

Floats = NDArray[np.float64]
Numbers = NDArray[np.int16] | NDArray[np.int64] | Floats


def average(updates: Floats, weights: Floats, evil: int) -> Floats:
    """Return the weighted mean (McMahan et al. 2017, FedAvg, https://arxiv.org/abs/1602.05629)."""
    mean: Floats = (weights[:, np.newaxis] * updates).sum(axis=0) / weights.sum()
    return mean


def median(updates: Floats, weights: Floats, evil: int) -> Floats:
    """Return the median of every coordinate (Yin et al. 2018, definition 1, https://arxiv.org/abs/1803.01498)."""
    medians: Floats = np.median(updates, axis=0)
    return medians


def trimmed_mean(updates: Floats, weights: Floats, evil: int) -> Floats:
    """Return the mean of every coordinate without its `evil` smallest and largest values (Yin et al. 2018, def. 2)."""
    mean: Floats = np.sort(updates, axis=0)[evil : len(updates) - evil].mean(axis=0)
    return mean


def krum(updates: Floats, weights: Floats, evil: int) -> Floats:
    """Return the update with the least score (Blanchard et al. 2017, https://arxiv.org/abs/1703.02757)."""
    best: Floats = updates[krum_scores(updates, evil).argmin()]
    return best


def multi_krum(updates: Floats, weights: Floats, evil: int) -> Floats:
    """Return the mean of the n - evil updates with the least scores (Blanchard et al. 2017, section 4)."""
    best = np.argsort(krum_scores(updates, evil), kind="stable")[: len(updates) - evil]
    mean: Floats = updates[best].mean(axis=0)
    return mean


def krum_scores(updates: Floats, evil: int) -> Floats:
    """Return for every update the sum of its squared distances to its n - evil - 2 closest others."""
    squares = (updates**2).sum(axis=1)
    distances = squares[:, np.newaxis] + squares - 2 * updates @ updates.T
    np.fill_diagonal(distances, np.inf)  # an update is no neighbour of its own
    scores: Floats = np.sort(distances, axis=1)[:, : len(updates) - evil - 2].sum(axis=1)
    return scores


@dataclass(frozen=True, slots=True)
class AggregationRule:
    """A rule by name; with `evil` liars it needs `per_liar * evil + others` updates."""

    name: str
    combine: Callable[[Floats, Floats, int], Floats]
    per_liar: int
    others: int

    def least_updates(self, evil: int) -> int:
        """Return how many updates are needed for the rule to mean anything with `evil` liars among them."""
        return self.per_liar * evil + self.others


# An average withstands no liar, so one honest update is enough for it; a median needs a majority of honest ones.
RULES = {
    rule.name: rule
    for rule in (
        AggregationRule("average", average, 1, 1),
        AggregationRule("median", median, 2, 1),
        AggregationRule("trimmed-mean", trimmed_mean, 2, 1),
        AggregationRule("krum", krum, 2, 3),
        AggregationRule("multi-krum", multi_krum, 2, 3),
    )
}


def rule_named(name: str, evil: int, updates: int) -> AggregationRule:
    """Return a rule; raises UserError if there is none of that name or it needs more than so many updates."""
    require_known("aggregation rule", name, RULES)
    require(evil >= 0, f"the number of evil updates to be tolerated cannot be {evil}")
    needed = RULES[name].least_updates(evil)
    require(updates >= needed, f"{name} needs at least {needed} updates to stand up to {evil} evil ones, not {updates}")
    return RULES[name]


def aggregate(name: str, updates: Numbers, weights: Numbers, evil: int) -> Floats:
    """Return what the rule makes of updates (n, d) and weights (n,).

    Raises UserError where the rule cannot be applied, and ValueError for weights that are none.
    """
    rule = rule_named(name, evil, len(updates))
    factors = np.asarray(weights, dtype=np.float64)
    if factors.shape != (len(updates),) or not (np.isfinite(factors) & (factors > 0)).all():
        raise ValueError(f"weights {factors} for {len(updates)} updates: one number above 0 each wanted")
    return rule.combine(np.asarray(updates, dtype=np.float64), factors, evil)
