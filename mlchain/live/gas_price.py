"""What a program pays for gas at most: it waits for a lower price unless a deadline would cost it more."""

from dataclasses import dataclass

from mlchain.protocol.calls import Call, View
from mlchain.protocol.gas import CALLS, TRANSACTION

JOIN_AND_COMMIT = 175_000  # gas, about
SHARE = 2  # of a reward, that a worker pays at most to join and commit: a half
# Who does these too late pays for its absence, or loses a stake by an answer that nobody has seen.
DUE = {"commit", "propose", "publish", "leave", "proposeAny", "publishUnpaid", "rule", "ruleVoid"}
DUE |= {"claim", "challenge", "open", "pick", "reveal", "pickEntry", "prove", "provePadding", "finish"}


@dataclass(frozen=True, slots=True)
class PriceLimit:
    """Limits the price of gas, in wei, to what was `told`; None is a share of the reward or, of a server, no limit."""

    told: int | None
    is_worker: bool
    absence_fee: int

    def most(self, call: Call, view: View) -> int | None:
        """Return the highest price of gas that a call may be sent at, None for any."""
        usual = self._usual(view)
        if usual is None or call.contract == "ModelRegistry" or call.method not in DUE:
            return usual
        return max(usual, self.absence_fee // (TRANSACTION + CALLS[call.kind]))

    def _usual(self, view: View) -> int | None:
        if self.told is not None or not self.is_worker:
            return self.told
        rounds = view.ledger.rounds
        reward = rounds[-1].terms.reward if rounds else self.absence_fee // 10
        return reward // (SHARE * JOIN_AND_COMMIT)
