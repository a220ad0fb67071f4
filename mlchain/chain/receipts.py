"""What a transaction did, as everybody off the chain is told."""

from dataclasses import dataclass

from ape.api import ReceiptAPI
from eth_utils import to_hex
from web3.exceptions import TransactionNotFound

from mlchain.chain.provider import connected_provider


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


def cost_of(transaction: str) -> tuple[str, Receipt] | None:
    """Return who sent a transaction and what it cost, None where the connected node does not know it any more."""
    try:
        found = connected_provider().web3.eth.get_transaction_receipt(to_hex(hexstr=transaction))
    except TransactionNotFound:
        return None
    gas = int(found["gasUsed"])
    return str(found["from"]), Receipt(gas, gas * int(found["effectiveGasPrice"]), int(found["blockNumber"]))
