"""How a federation makes versions."""

import math
from dataclasses import dataclass

from mlchain.errors import require


@dataclass(frozen=True, slots=True)
class FederationPlan:
    """How versions are made; times in seconds. Raises UserError for a plan that could not be carried out.

    Synchronous: a version is made from the updates of all shares, or from at least `quorum` once nobody is left who
    could still add one. Asynchronous: as soon as there are `quorum` updates; slower members add to the next version.
    A result up to `max_staleness` versions old counts, but for less; an older one does not.
    """

    versions: int
    shares: int
    quorum: int
    timeout: float = 60.0
    asynchronous: bool = False
    max_staleness: int = 0

    def __post_init__(self) -> None:
        require(self.versions >= 1, f"there has to be at least one version, not {self.versions}")
        require(self.shares >= 1, f"there has to be at least one share of the data, not {self.shares}")
        require(
            1 <= self.quorum <= self.shares,
            f"the quorum of {self.shares} shares has to be from 1 to {self.shares}, not {self.quorum}",
        )
        require(0 < self.timeout < math.inf, f"the time for a result has to be above 0 seconds, not {self.timeout}")
        require(self.max_staleness >= 0, f"the maximum staleness of a result cannot be {self.max_staleness}")
