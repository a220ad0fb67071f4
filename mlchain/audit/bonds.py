"""The bonds of claims and challenges: those that are put down, and those that are owed."""

from collections import Counter
from dataclasses import dataclass, field

from mlchain.protocol.disputes import bonds_paid
from mlchain.protocol.game_events import (
    BondsWithdrawn,
    Challenged,
    Claimed,
    Decided,
    GameEvent,
    Released,
)


@dataclass(slots=True)
class Bonds:
    """Folds the events of all claims and challenges, whatever they are about; amounts are numbers of bonds.

    The ledger knows only claims about the jobs of its deployment. The contract holds the bonds of all others, too.
    """

    claimants: dict[int, str] = field(default_factory=dict)
    challengers: dict[int, str] = field(default_factory=dict)
    owed: Counter[str] = field(default_factory=Counter)
    held: int = 0

    def fold(self, event: GameEvent) -> None:
        """Take an event in."""
        match event:
            case Claimed(claim=number, claimant=claimant):
                self.claimants[number] = claimant
                self.held += 1
            case Challenged(challenge=number, challenger=challenger):
                self.challengers[number] = challenger
                self.held += 1
            case Decided(challenge=number, claim=claim, outcome=outcome):
                winner, bonds = bonds_paid(outcome, self.claimants[claim], self.challengers[number])
                self.owed[winner] += bonds
            case Released(claim=number):
                self.owed[self.claimants[number]] += 1
            case BondsWithdrawn(owner=owner):
                self.held -= self.owed.pop(owner, 0)
