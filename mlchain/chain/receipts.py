"""What a transaction did, as everybody off the chain is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """Gas in units, fee in wei, and the block that the transaction is in."""

    gas: int
    fee: int
    block: int


@dataclass(frozen=True, slots=True)
class Creation(Receipt):
    """The receipt of a transaction that created the contract at `address`."""

    address: str
