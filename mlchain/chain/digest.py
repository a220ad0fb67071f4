"""What many views say at the end of a block, as one hash: one short question for all, and a shorter answer.

`eth_call` without a receiver runs a program as if it were to create a contract, and returns what the contract's code
would be. Ours asks the views. It runs at the end of a block that may be named by its hash (EIP-1898): a node on whose
chain there is another one refuses. Beside the hash of the words it returns what a program knows of that block and of
those before.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils import keccak, to_bytes, to_hex
from web3.exceptions import Web3RPCError

from mlchain.chain.questions import Question, bytes_of
from mlchain.chain.views import ViewCall, input_of, when

WORD = 32  # bytes
SHORT = 8  # bytes of a number of the block
# Where they are in the program's memory at the end. A number is in the last bytes of a word, over which the next one is
# written.
NUMBERS, PARENT, ANCESTRY, DIGEST = (WORD * at for at in (1, 2, 3, 4))
FIRST = NUMBERS + WORD - 3 * SHORT - 1  # what is returned begins with a zero: other code may be refused
RETURNED = DIGEST + WORD - FIRST  # bytes
SELECTOR = WORD - 4  # where a question begins: its arguments are the words behind

SUB, IS_ZERO, KECCAK, BLOCKHASH, TIMESTAMP, NUMBER, GASLIMIT, CHAINID, POP, LOAD, STORE, GAS, RETURN, CALL = (
    bytes([code]) for code in b"\x03\x15\x20\x40\x42\x43\x45\x46\x50\x51\x52\x5a\xf3\xfa"
)
PUSH = 0x5F  # and how many bytes
DUP = 0x7F  # and which word of the stack
BELOW = 4  # words on the stack, where the address of a call is put on it, that are not addresses
MOST_KEPT = 16 - BELOW  # addresses: further down no instruction reaches

Asked = tuple[ViewCall, tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Expectation:
    """A view of a contract, and what some of the words that it returns are to be, by their place.

    Of a word in `signs` it is only expected that it is zero, or that it is not.
    """

    call: ViewCall
    expected: dict[int, int]
    signs: tuple[int, ...] = ()

    def is_answered_by(self, words: Sequence[int]) -> bool:
        """Return whether the words are as expected; none, where there is no contract yet, count nothing."""
        return all(
            self._counted(place, words[place] if words else 0) == self._counted(place, number)
            for place, number in self.expected.items()
        )

    @property
    def words(self) -> list[int]:
        """The words up to the last one that is expected, with zero for the others, and 1 for a sign that is not."""
        places = range(max(self.expected, default=-1) + 1)
        return [self._counted(place, self.expected.get(place, 0)) for place in places]

    def _counted(self, place: int, word: int) -> int:
        return int(word != 0) if place in self.signs else word

    @property
    def asked(self) -> Asked:
        """What is asked for, whatever is expected: the view, the places of words, and of those that are signs."""
        return self.call, tuple(self.expected), self.signs


@dataclass(frozen=True, slots=True)
class Digest:
    """What views said at the end of a block, and what a program knows of it: all but its own hash.

    `timestamp` is in seconds; `ancestry` is one hash of the chain's id and of the hashes of blocks before.
    """

    asked: list[Asked]
    block: int
    timestamp: int
    gas_limit: int
    parent_hash: bytes
    ancestry: bytes
    words: bytes

    def is_after(self, chain_id: int, hashes: Iterable[bytes]) -> bool:
        """Return whether these are the hashes that were asked for, on the chain of this id."""
        return self.ancestry == keccak(chain_id.to_bytes(WORD, "big") + b"".join(hashes))

    def is_of(self, expectations: Sequence[Expectation]) -> bool:
        """Return whether it is of these views, and of no others."""
        return self.asked == [it.asked for it in expectations]

    def is_as_expected(self, expectations: Sequence[Expectation]) -> bool:
        """Return whether the words of its views are as expected."""
        return self.words == keccak(b"".join(word.to_bytes(WORD, "big") for it in expectations for word in it.words))


def digest_question(
    expectations: Sequence[Expectation], block: int | bytes | None, ancestors: Collection[int] = ()
) -> Question:
    """Return the question for the words of views at the end of a block, by its number or hash; None for the newest.

    And for the hashes of its `ancestors`, by their numbers, each of which is zero unless it is one of the 256 before.
    """
    times = Counter(it.call.address for it in expectations)
    kept = [address for address, count in times.most_common(MOST_KEPT) if count > 1]
    inputs = [to_bytes(hexstr=input_of(it.call)) for it in expectations]
    # Low places are written with a byte less: questions are there, and at the end, over all, what is returned.
    first = place = max((SELECTOR + len(data) for data in inputs), default=0)
    program = b"".join(_push(int(address, 16)) for address in reversed(kept))
    for it, data in zip(expectations, inputs, strict=True):
        address = it.call.address
        known_as = bytes([DUP + BELOW + 1 + kept.index(address)]) if address in kept else _push(int(address, 16))
        program += _ask(it, data, known_as, place)
        place += WORD * len(it.words)
    program += _hash(first, place - first) + CHAINID + _store(0)
    for at, number in enumerate(ancestors, start=1):
        program += _push(number) + BLOCKHASH + _store(WORD * at)
    program += _hash(0, WORD * (1 + len(ancestors))) + _store(ANCESTRY) + _store(DIGEST)
    program += _push(1) + NUMBER + SUB + BLOCKHASH + _store(PARENT)
    for at, code in enumerate((GASLIMIT, TIMESTAMP, NUMBER)):
        program += code + _store(NUMBERS - SHORT * at)
    program += _push(RETURNED) + _push(FIRST) + RETURN
    return "eth_call", [{"data": to_hex(program)}, when(block)]


def digest_in(answer: Any, expectations: Sequence[Expectation]) -> Digest:
    """Return the digest that a node has answered with; raises Web3RPCError for what is none."""
    data = bytes_of(answer or b"")
    if len(data) != RETURNED:
        raise Web3RPCError(f"{len(data)} bytes are no answer to a program")
    block, timestamp, gas_limit = (
        int.from_bytes(data[at : at + SHORT], "big") for at in range(1, 1 + 3 * SHORT, SHORT)
    )
    hashes = (data[at - FIRST : at - FIRST + WORD] for at in (PARENT, ANCESTRY, DIGEST))
    return Digest([it.asked for it in expectations], block, timestamp, gas_limit, *hashes)


def _ask(it: Expectation, data: bytes, address: bytes, place: int) -> bytes:
    """Return what writes the words of a view to a place in memory, and zero where none is expected.

    `data` is the question, and `address` puts on the stack whom to ask.
    """
    arguments = [int.from_bytes(data[at : at + WORD], "big") for at in range(4, len(data), WORD)]
    given = [int.from_bytes(data[:4], "big"), *arguments]
    program = b"".join(_push(value) + _store(WORD * at) for at, value in enumerate(given))
    program += _push(WORD * len(it.words)) + _push(place) + _push(len(data)) + _push(SELECTOR)
    program += address + GAS + CALL + POP
    rest = [at for at in range(len(it.words)) if at not in it.expected]
    signs = [_push(place + WORD * at) + LOAD + 2 * IS_ZERO + _store(place + WORD * at) for at in it.signs]
    return program + b"".join(signs) + b"".join(_push(0) + _store(place + WORD * at) for at in rest)


def _hash(first: int, size: int) -> bytes:
    return _push(size) + _push(first) + KECCAK


def _store(place: int) -> bytes:
    return _push(place) + STORE


def _push(value: int) -> bytes:
    data = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes([PUSH + len(data)]) + data
