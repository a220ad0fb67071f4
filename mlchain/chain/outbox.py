"""The transactions of one account on a shared network: sent without waiting for receipts, and never twice.

An account acts only when everything it has sent is final, so that what it reads on the chain includes its own actions.
Nothing has to be stored for that: the node counts an account's transactions, pending ones included. A program that
starts again, even on another machine, or runs beside another one with the same key, sees the same count.
"""

from ape.api import AccountAPI

from mlchain.chain.connection import Chain
from mlchain.protocol.calls import Call

RAISE = 1.25  # factor on the price of a replacement; nodes require a tenth more


class Outbox:
    """Sends for `account`; a transaction that is pending for `patience` seconds is sent again."""

    def __init__(self, chain: Chain, account: AccountAPI, patience: float) -> None:
        self._chain = chain
        self._account = account
        self._patience = patience
        self._first = 0  # the nonce of the next transaction, before any is sent
        self._waiting: tuple[int, float] | None = None  # the count of mined ones, and since when it has not grown

    def nonce(self, block: int, now: float) -> int | None:
        """Return the nonce of the next transaction, None while one may be in no block up to `block` yet.

        The nonce of a transaction that is pending for too long, dropped by the node or too cheap, is used again.
        """
        address = self._account.address
        final, mined, sent = self._chain.counts_of(address, block)
        if final == sent:
            self._waiting, self._first = None, sent
            return sent
        if mined == sent:  # in a later block
            return None
        if self._waiting is None or self._waiting[0] != mined:
            self._waiting = (mined, now)
        return mined if now - self._waiting[1] >= self._patience else None

    @property
    def is_impatient(self) -> bool:
        """Whether what is sent now replaces a transaction that is pending for too long."""
        return self._waiting is not None

    @property
    def gas_price(self) -> int:
        """What a unit of gas costs now, in wei."""
        return self._chain.gas_price

    def failure_of(self, transaction: str) -> str | None:
        """Return why a transaction failed and what it cost, in words; None if it went well or is in no block."""
        return self._chain.failure_of(transaction)

    def send(self, call: Call, nonce: int, cap: int | None = None) -> str:
        """Sign and send a call for at most `cap` wei a unit of gas, and return its hash.

        Raises TransactionFailed if contract or node refuse it.
        """
        factor = RAISE if self.is_impatient else 1
        return self._chain.post(self._account, call, nonce, factor, cap, nonce > self._first)
