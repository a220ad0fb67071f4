"""Logs as a node gives them, in a form that can be kept, and the events of our contracts that they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ape import project
from eth_abi import decode as decode_abi
from eth_utils import keccak, to_bytes, to_checksum_address, to_hex
from ethpm_types.abi import ABIType

from mlchain.chain.deployment import CONTRACTS
from mlchain.chain.questions import bytes_of, number
from mlchain.protocol.events import Log, Value, decode

WORD = 32  # bytes of a topic

Topics = Sequence[str | Sequence[str] | None]  # in hex, by their place; None is any, several are any of them
Filter = tuple[Sequence[str], Topics]  # logs of contracts at any of these addresses, with these topics


@dataclass(frozen=True, slots=True)
class RawLog:
    """A log of the contract at `address`; `topics` one after the other, `transaction` 32 bytes.

    So many has `block_hash`, or none where it is not known, as of what was kept.
    """

    address: bytes
    topics: bytes
    data: bytes
    block: int
    index: int
    timestamp: int
    transaction: bytes
    block_hash: bytes = field(default=b"", compare=False)

    def event(self) -> Log | None:
        """Return the log as an event of our contracts, None where it is none."""
        decoder = _decoders().get(self.topics[:WORD])
        if decoder is None:
            return None
        event = decode(decoder.name, decoder.values(self.topics[WORD:], self.data))
        return Log(event, _checksum(self.address), self.block, self.index, self.timestamp, to_hex(self.transaction))


def raw_log(answer: Any, timestamp: int) -> RawLog:
    """Return a log of an answer of `eth_getLogs`, in a block of this time."""
    topics = b"".join(map(bytes_of, answer["topics"]))
    place = number(answer["blockNumber"]), number(answer["logIndex"])
    address, transaction = bytes_of(answer["address"]), bytes_of(answer["transactionHash"])
    hash_ = bytes_of(answer.get("blockHash") or b"")
    return RawLog(address, topics, bytes_of(answer["data"]), *place, timestamp, transaction, hash_)


def topic_of(contract: str, event: str) -> str:
    """Return the first topic of the logs of a contract's event."""
    return topics_of(contract)[event]


def topics_of(contract: str) -> dict[str, str]:
    """Return the first topic of the logs of each event of a contract, by its name."""
    events = project.get_contract(contract).contract_type.events
    return {str(it.name): to_hex(keccak(text=it.selector)) for it in events}


@dataclass(frozen=True, slots=True)
class _Decoder:
    """Reads the arguments of an event: those in topics by a function each, the others by their types."""

    name: str
    indexed: tuple[tuple[str, Callable[[bytes], Value]], ...]
    names: tuple[str, ...]
    kinds: tuple[ABIType, ...]
    types: tuple[str, ...]

    def values(self, topics: bytes, data: bytes) -> dict[str, Value]:
        """Return the arguments by their names."""
        words = range(0, len(topics), WORD)
        found = {name: read(topics[at : at + WORD]) for (name, read), at in zip(self.indexed, words, strict=True)}
        values = decode_abi(self.types, data)
        rest = zip(self.names, self.kinds, values, strict=True)
        return found | {name: _plain(kind, value) for name, kind, value in rest}


def _plain(kind: ABIType, value: Any) -> Value:
    plain: Value = _checksum(to_bytes(hexstr=value)) if kind.type == "address" else value
    return plain


@lru_cache(maxsize=1)
def _decoders() -> dict[bytes, _Decoder]:
    """Return the decoders of all events of our contracts by the first topic of their logs."""
    events = [event for name in CONTRACTS for event in project.get_contract(name).contract_type.events]
    return {keccak(text=event.selector): _decoder(event.name, event.inputs) for event in events}


def _decoder(name: str, inputs: Any) -> _Decoder:
    indexed = tuple((str(it.name), _reader(str(it.type))) for it in inputs if it.indexed)
    others = [it for it in inputs if not it.indexed]
    names, types = tuple(str(it.name) for it in others), tuple(str(it.canonical_type) for it in others)
    return _Decoder(name, indexed, names, tuple(others), types)


def _reader(kind: str) -> Callable[[bytes], Value]:
    """Return what reads a topic of a type: no event of ours has an array, a string or a signed number in one."""
    if kind == "address":
        return lambda word: _checksum(word[-20:])
    if kind == "bytes32":
        return bytes
    return lambda word: int.from_bytes(word, "big")


@lru_cache(maxsize=16_384)
def _checksum(address: bytes) -> str:
    return to_checksum_address(address)
