"""Headers of blocks, which tell where a chain stands."""

from dataclasses import dataclass
from typing import Any

from eth_utils import to_hex

from mlchain.chain.questions import Question, bytes_of, number

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Header:
    """What a node says of a block; `timestamp` is in seconds."""

    number: int
    hash: bytes
    timestamp: int
    gas_limit: int


def header_question(block: int | str | bytes) -> Question:
    """Return the question for the header of a block, by its number, by its hash or as LATEST."""
    if isinstance(block, bytes):
        return "eth_getBlockByHash", [to_hex(block), False]
    return "eth_getBlockByNumber", [block if isinstance(block, str) else hex(block), False]


def header_of(answer: Any) -> Header:
    """Return the header that a node has answered with."""
    return Header(
        number(answer["number"]),
        bytes_of(answer["hash"]),
        number(answer["timestamp"]),
        number(answer["gasLimit"]),
    )


def hash_in(answer: Any) -> bytes | None:
    """Return the hash of the block that a node has answered with, None if it does not know the block."""
    return None if answer is None else bytes_of(answer["hash"])
