"""What a transaction did, as everybody off the chain is told."""

from dataclasses import dataclass

from ape.api import ReceiptAPI


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


def receipt_of(receipt: ReceiptAPI) -> Receipt:
    """Return what Ape says of a transaction."""
    return Receipt(receipt.gas_used, receipt.total_fees_paid, receipt.block_number)
