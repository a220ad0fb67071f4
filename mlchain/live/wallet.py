"""What a worker's program may lose: a stake is given up only as long as the owner has agreed to."""

from dataclasses import dataclass

from mlchain.protocol.ledger import Account
from mlchain.units import ether


@dataclass(frozen=True, slots=True)
class Wallet:
    """The most that may be lost in a deployment since it began, and whether a new stake may follow a slash.

    `max_loss` is in wei; None is one stake and one absence fee.
    """

    max_loss: int | None = None
    rejoins: bool = False

    def objection(self, account: Account, stake: int, absence_fee: int) -> str | None:
        """Return why no stake is to be at risk any more, None if it may: a line for the owner."""
        most = stake + absence_fee if self.max_loss is None else self.max_loss
        lost = f"leaving: {ether(account.lost)} lost in this deployment"
        if account.slashes and not self.rejoins:
            return f"{lost} to a slash; find out why before you start again with --rejoin and a greater --max-loss"
        if account.lost + stake > most:
            return f"{lost}, and a stake of {ether(stake)} more would exceed --max-loss {ether(most)}"
        return None
