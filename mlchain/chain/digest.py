"""What many views say at the end of a block, as one hash: one short question for all, and a shorter answer.

`eth_call` without a receiver runs a program as if it were to create a contract, and returns what the contract's code
would be. Ours asks the views. It runs at the end of a block that may be named by its hash (EIP-1898): a node on whose
chain there is another one refuses. Beside the hash of the words it returns that of an earlier block.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils import keccak, to_bytes, to_hex
from web3.exceptions import Web3RPCError

from mlchain.chain.questions import Question, bytes_of
from mlchain.chain.views import ViewCall, input_of, when

WORD = 32  # bytes
REACH = 256  # blocks before its own whose hashes a program can have
ANCESTOR, DIGEST = WORD, 2 * WORD  # where they are in the program's memory at the end
RETURNED = 2 * WORD + 1  # bytes, of which the first is zero: code that begins with another one may be refused
SELECTOR = WORD - 4  # where a question begins: its arguments are the words behind

IS_ZERO, KECCAK, BLOCKHASH, POP, LOAD, STORE = (bytes([code]) for code in b"\x15\x20\x40\x50\x51\x52")
GAS, RETURN, CALL = (bytes([code]) for code in b"\x5a\xf3\xfa")
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
    """What views said at the end of a block; `ancestor` is the hash of the block before that was asked for, too."""

    asked: list[Asked]
    ancestor: bytes
    words: bytes

    def is_of(self, expectations: Sequence[Expectation]) -> bool:
        """Return whether it is of these views, and of no others."""
        return self.asked == [it.asked for it in expectations]

    def is_as_expected(self, expectations: Sequence[Expectation]) -> bool:
        """Return whether the words of its views are as expected."""
        return self.words == keccak(b"".join(word.to_bytes(WORD, "big") for it in expectations for word in it.words))


def digest_question(expectations: Sequence[Expectation], ancestor: int, block: int | bytes) -> Question:
    """Return the question for the words of views at the end of a block, by its number or hash.

    And for the hash of block `ancestor`, which is zero unless it is one of the REACH before.
    """
    times = Counter(it.call.address for it in expectations)
    kept = [address for address, count in times.most_common(MOST_KEPT) if count > 1]
    inputs = [to_bytes(hexstr=input_of(it.call)) for it in expectations]
    # Low places are written with a byte less: questions are there, and at the end, over them, what is returned.
    first = place = max([ANCESTOR + RETURNED, *(SELECTOR + len(data) for data in inputs)])
    program = b"".join(_push(int(address, 16)) for address in reversed(kept))
    for it, data in zip(expectations, inputs, strict=True):
        address = it.call.address
        known = bytes([DUP + BELOW + 1 + kept.index(address)]) if address in kept else _push(int(address, 16))
        program += _ask(it, data, known, place)
        place += WORD * len(it.words)
    program += _push(place - first) + _push(first) + KECCAK + _store(DIGEST)
    program += _push(ancestor) + BLOCKHASH + _store(ANCESTOR) + _push(0) + _store(0)
    program += _push(RETURNED) + _push(ANCESTOR - 1) + RETURN
    return "eth_call", [{"data": to_hex(program)}, when(block)]


def digest_in(answer: Any, expectations: Sequence[Expectation]) -> Digest:
    """Return the digest that a node has answered with; raises Web3RPCError for what is none."""
    data = bytes_of(answer or b"")
    if len(data) != RETURNED:
        raise Web3RPCError(f"{len(data)} bytes are no answer to a program")
    return Digest([it.asked for it in expectations], data[1 : 1 + WORD], data[1 + WORD :])


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


def _store(place: int) -> bytes:
    return _push(place) + STORE


def _push(value: int) -> bytes:
    data = value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")
    return bytes([PUSH + len(data)]) + data
