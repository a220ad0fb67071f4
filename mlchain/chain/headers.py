"""Headers of blocks, which tell where a chain stands, and what contracts a block has no logs of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from eth_bloom.bloom import BloomFilter
from eth_utils import to_bytes

from mlchain.chain.questions import Question, bytes_of, number

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Header:
    """What a node says of a block; `timestamp` is in seconds."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    gas_limit: int
    bloom: int

    def comes_after(self, number: int, hash_: bytes | None) -> bool:
        """Return whether the block of this number and hash is its parent."""
        return self.number == number + 1 and self.parent_hash == hash_

    def has_no_logs_of(self, addresses: Iterable[str]) -> bool:
        """Return whether the block certainly has no logs of the contracts at these addresses."""
        bloom = BloomFilter(self.bloom)
        return not any(to_bytes(hexstr=address) in bloom for address in addresses)


def header_question(block: int | str) -> Question:
    """Return the question for the header of a block, by its number or as LATEST."""
    return "eth_getBlockByNumber", [block if isinstance(block, str) else hex(block), False]


def header_of(answer: Any) -> Header:
    """Return the header that a node has answered with."""
    return Header(
        number(answer["number"]),
        bytes_of(answer["hash"]),
        bytes_of(answer["parentHash"]),
        number(answer["timestamp"]),
        number(answer["gasLimit"]),
        number(answer["logsBloom"]),
    )


def hash_in(answer: Any) -> bytes | None:
    """Return the hash of the block that a node has answered with, None if it does not know the block."""
    return None if answer is None else bytes_of(answer["hash"])
