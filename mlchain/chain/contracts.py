"""Ape's objects for the contracts, made without a question to the node."""

from functools import lru_cache

from ape import project
from ape.contracts import ContractInstance
from ape.contracts.base import ContractTransactionHandler

from mlchain.chain.abi import to_abi
from mlchain.protocol.calls import Call


def method_of(call: Call, address: str) -> tuple[ContractTransactionHandler, list[object]]:
    """Return the method of a call to the contract at an address, and its arguments as Ape encodes them."""
    return getattr(_instance(call.contract, address), call.method), [to_abi(it) for it in call.arguments]


@lru_cache(maxsize=1024)
def _instance(contract: str, address: str) -> ContractInstance:
    """Return a contract at an address; Ape would otherwise ask the node about it each time."""
    return project.get_contract(contract).at(address, fetch_from_explorer=False)
