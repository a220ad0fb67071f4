"""What liars send instead of their updates: functions of what they see, integers like every update.

They see everything: their own data and the updates of all honest workers, before anybody has to answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlchain.centralized.learning import behaviours
from mlchain.centralized.learning.training import to_bytes
from mlchain.training.exact import divide_round
from mlchain.training.streams import random_integers

GREATEST = 32767  # of an int16


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """What a liar sees: the updates (h, d) of all honest workers, and how to compute the one that it owes (2 d bytes).

    `key` (32 bytes) is the liar's own in this round.
    """

    honest: NDArray[np.int64]
    owed: Callable[[], bytes]
    key: bytes


Attack = Callable[[Sight], bytes]


def colluding(sight: Sight) -> bytes:
    """Send what all liars send: the opposite of the honest mean (inner-product manipulation, Xie et al. 2019).

    https://arxiv.org/abs/1903.03936, with ε = 1: no longer than an honest update, so that its length does not give it
    away.
    """
    return to_bytes(-divide_round(sight.honest.sum(axis=0), len(sight.honest)).astype(np.float64))


def flipping(sight: Sight) -> bytes:
    """Send the opposite of the update that is owed, ten times as long."""
    return behaviours.flipping(sight.owed())


def random(sight: Sight) -> bytes:
    """Send random numbers, as long as an honest update is on average (Euclidean norm)."""
    numbers = random_integers(sight.key, "random update", 0, sight.honest.shape[1], GREATEST)
    wanted = np.linalg.norm(sight.honest, axis=1).mean()
    return to_bytes(np.rint(numbers * (wanted / np.linalg.norm(numbers))))


ATTACKS: dict[str, Attack] = {attack.__name__: attack for attack in (colluding, flipping, random)}
