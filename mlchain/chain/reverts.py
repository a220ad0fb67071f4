"""Transactions that the chain refuses: one sentence, and what they cost all the same."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache

from ape import networks, project
from ape.exceptions import ApeException, ContractLogicError, CustomError
from eth_utils import keccak, to_bytes
from ethpm_types.abi import ErrorABI
from web3.exceptions import ContractLogicError as NodeRefusal
from web3.exceptions import Web3RPCError

from mlchain.chain.abi import from_abi
from mlchain.chain.deployment import CONTRACTS
from mlchain.errors import TransactionFailed
from mlchain.protocol.events import Value


@contextmanager
def reverts_named(what: str) -> Iterator[None]:
    """Turn the refusal of a transaction inside into a TransactionFailed that says `what` was refused and why."""
    try:
        yield
    except ContractLogicError as error:
        raise TransactionFailed(f"the chain refused {what}: {_reason(error)}", _fee(error)) from error
    except ApeException as error:
        raise TransactionFailed(f"{what} could not be sent: {first_line(error)}") from error


def _fee(error: ContractLogicError) -> int:
    """Return what a refused transaction cost, in wei: nothing if the node did not even take it."""
    receipt = getattr(error.txn, "receipt", error.txn)
    return getattr(receipt, "total_fees_paid", 0)


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its name."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _reason(error: ContractLogicError) -> str:
    """Return the contract's error and its values; Ape leaves that of a contract further down undecoded."""
    if isinstance(error, CustomError):
        return _written_out(error.abi.name, error.inputs)
    encoded = re.search("0x([0-9a-f]{8,})", first_line(error))
    return (encoded and reason_in(bytes.fromhex(encoded[1]))) or first_line(error)


def refusal_of(error: NodeRefusal | Web3RPCError) -> str:
    """Return why a node refused to try something out: the contract's error and its values, or what the node says."""
    returned = getattr(error, "data", None)
    reason = reason_in(to_bytes(hexstr=returned)) if isinstance(returned, str) else None
    return reason or first_line(error)


def reason_in(data: bytes) -> str | None:
    """Return the contract's error that is in what a refused transaction returned, None if it is none of ours."""
    abi = _errors().get(data[:4])
    if abi is None:
        return None
    return _written_out(abi.name, networks.provider.network.ecosystem.decode_calldata(abi, data[4:]))


def _written_out(name: str, inputs: Mapping[str, object]) -> str:
    values = ", ".join(f"{key}={_shown(from_abi(value))}" for key, value in inputs.items())
    return f"{name}({values})"


def _shown(value: Value) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


@lru_cache(maxsize=1)
def _errors() -> dict[bytes, ErrorABI]:
    """Return the errors of all contracts by the four bytes that name them."""
    errors = [error for name in CONTRACTS for error in project.get_contract(name).contract_type.errors]
    return {keccak(text=error.selector)[:4]: error for error in errors}
