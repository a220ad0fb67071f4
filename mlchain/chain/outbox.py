"""The transactions of one account on a network that others use too: sent without waiting, never twice.

An account acts only when all it ever sent is final, so that what it reads on the chain has everything it did.
Nothing has to be remembered for that: the node counts an account's transactions, those that wait included. Whoever
starts again, elsewhere even, or runs beside another program with the same key, meets the same count.
"""

from ape.api import AccountAPI

from mlchain.chain.connection import Chain
from mlchain.protocol.calls import Call

RAISE = 1.25  # of the price of a transaction that takes another one's place; nodes ask for a tenth more


class Outbox:
    """Sends for `account`. `patience` is how long, in seconds, a transaction may wait before it is sent again."""

    def __init__(self, chain: Chain, account: AccountAPI, patience: float) -> None:
        self._chain = chain
        self._account = account
        self._patience = patience
        self._waiting: tuple[int, float] | None = None  # the count of mined ones, and since when it has not grown

    def nonce(self, block: int, now: float) -> int | None:
        """Return the number of the next transaction, None while there may be one that is in no block up to `block`.

        What has waited too long, dropped by the node or too cheap, has its number given out again.
        """
        address = self._account.address
        final, mined, sent = self._chain.counts_of(address, block)
        if final == sent:
            self._waiting = None
            return sent
        if mined == sent:  # in a later block
            return None
        if self._waiting is None or self._waiting[0] != mined:
            self._waiting = (mined, now)
        return mined if now - self._waiting[1] >= self._patience else None

    @property
    def is_impatient(self) -> bool:
        """Whether what is sent now takes the place of something that has waited too long."""
        return self._waiting is not None

    def send(self, call: Call, nonce: int) -> str:
        """Sign and send a call, and return its hash; raises TransactionFailed if contract or node refuse it."""
        return self._chain.post(self._account, call, nonce, RAISE if self.is_impatient else 1)
