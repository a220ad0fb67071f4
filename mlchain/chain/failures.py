"""Why a transaction failed that is in a block: it was tried out before, but others came first."""

from ape_ethereum.provider import Web3Provider
from eth_utils import to_hex
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3RPCError
from web3.types import TxParams

from mlchain.chain.reverts import refusal_of
from mlchain.units import ether


def failure_of(provider: Web3Provider, transaction: str) -> str | None:
    """Return why a transaction failed and what it cost, in words; None if it went well or is in no block."""
    eth = provider.web3.eth
    try:
        receipt = eth.get_transaction_receipt(to_hex(hexstr=transaction))
        if receipt["status"]:
            return None
        sent = eth.get_transaction(to_hex(hexstr=transaction))
    except TransactionNotFound:
        return None
    cost = f"at a cost of {ether(receipt['gasUsed'] * receipt['effectiveGasPrice'])}"
    if receipt["gasUsed"] >= sent["gas"]:
        return f"out of gas, {cost}"
    again: TxParams = {"from": sent["from"], "to": sent["to"], "value": sent["value"], "data": sent["input"]}
    try:
        eth.call(again, receipt["blockNumber"])
    except (ContractLogicError, Web3RPCError) as error:
        return f"{refusal_of(error)}, {cost}"
    return f"something that came before it in block {receipt['blockNumber']}, {cost}"
