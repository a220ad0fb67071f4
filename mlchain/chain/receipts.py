"""What a transaction did, as everybody off the chain is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Receipt:
    """Gas in units, fee in wei, and the address of the contract that was created, if any."""

    gas: int
    fee: int
    block: int
    address: str | None = None
