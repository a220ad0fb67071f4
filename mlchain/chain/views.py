"""The contracts' views, asked for without Ape's own objects: many in one request, and a tenth of the time."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ape import project
from ape_ethereum.provider import Web3Provider
from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils import keccak, to_checksum_address, to_hex
from ethpm_types.abi import ABIType, MethodABI
from web3.exceptions import BadFunctionCallOutput

from mlchain.chain.abi import to_abi
from mlchain.chain.questions import Question, Questions, bytes_of


@dataclass(frozen=True, slots=True)
class ViewCall:
    """A view of the contract at `address`, and its arguments."""

    contract: str
    view: str
    address: str
    arguments: tuple[object, ...] = ()


class Views:
    """Asks the node of `provider`."""

    def __init__(self, provider: Web3Provider) -> None:
        self._questions = Questions(provider)

    def ask(self, call: ViewCall, block: int | None = None) -> Any:
        """Return what a view says at the end of a block, None for the newest.

        That is an int, a bool, bytes or an address with a checksum; a tuple of them for a struct or several values.
        Raises BadFunctionCallOutput where there is no such contract, and ContractLogicError where it refuses.
        """
        return self.ask_all([call], block)[0]

    def ask_all(self, calls: Sequence[ViewCall], block: int | None = None) -> list[Any]:
        """Return what each of these views says."""
        asked = [view_question(it, block) for it in calls]
        return [_output(call, bytes_of(answer)) for call, answer in zip(calls, self._questions.ask(asked), strict=True)]


def view_question(call: ViewCall, block: int | None) -> Question:
    """Return the question for what a view says at the end of a block, None for the newest."""
    return "eth_call", [{"to": to_checksum_address(call.address), "data": input_of(call)}, when(block)]


def when(block: int | bytes | None) -> str | dict[str, Any]:
    """Return how a question names a block: by its number, by its hash, or as the newest."""
    if isinstance(block, bytes):
        return {"blockHash": to_hex(block), "requireCanonical": True}
    return "latest" if block is None else hex(block)


def input_of(call: ViewCall) -> str:
    """Return the data that asks for a view."""
    method = _method(call.contract, call.view)
    kinds = [str(argument.canonical_type) for argument in method.inputs]
    return to_hex(keccak(text=method.selector)[:4] + encode(kinds, [to_abi(it) for it in call.arguments]))


def _output(call: ViewCall, data: bytes) -> Any:
    outputs = _method(call.contract, call.view).outputs
    try:
        values = decode([str(output.canonical_type) for output in outputs], data)
    except DecodingError as error:
        raise BadFunctionCallOutput(f"there is no {call.contract}.{call.view} at {call.address}") from error
    plain = tuple(_plain(kind, value) for kind, value in zip(outputs, values, strict=True))
    return plain[0] if len(plain) == 1 else plain


def _plain(kind: ABIType, value: Any) -> Any:
    """Return a decoded value with the addresses in it as everybody writes them."""
    if kind.components:
        return tuple(_plain(part, it) for part, it in zip(kind.components, value, strict=True))
    if isinstance(value, tuple):
        return tuple(to_checksum_address(it) for it in value) if str(kind.type).startswith("address") else value
    return to_checksum_address(value) if kind.type == "address" else value


@lru_cache(maxsize=256)
def _method(contract: str, view: str) -> MethodABI:
    methods: list[MethodABI] = list(project.get_contract(contract).contract_type.view_methods)
    return next(method for method in methods if method.name == view)
