"""Up to where a chain was read, and whether that is still on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from ape_ethereum.provider import Web3Provider

from mlchain.chain.deployment import Deployment
from mlchain.chain.headers import hash_in, header_question
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import Question, Questions, bytes_of
from mlchain.errors import UserError

DEEPEST = 128  # blocks that a reorganisation replaces at most; what is older is replaced by a reset alone


class Bookmark:
    """The last `block` that was read of a deployment's chain, and the hashes that are `known` of it and those before.

    None is before anything was read. Several may have come from answers that were given one after the other: then what
    was read is of one chain if all of these blocks are on it later.
    """

    def __init__(self, provider: Web3Provider, deployment: Deployment) -> None:
        self._questions = Questions(provider)
        self._milestones: list[tuple[int, bytes]] = []  # two blocks that were read, DEEPEST or more apart
        self.put(deployment.block - 1, {})

    def put(self, block: int, known: Mapping[int, bytes]) -> None:
        """Take note of the block that was read last, and of hashes by their blocks."""
        self.block, self.known = block, dict(known)
        if self.hash and (not self._milestones or block >= self._milestones[-1][0] + DEEPEST):
            self._milestones = [*self._milestones[-1:], (block, self.hash)]

    @property
    def hash(self) -> bytes | None:
        """The hash of the block that was read last, None before there is one."""
        return self.known.get(self.block)

    def hash_of(self, block: int) -> bytes | None:
        """Return the hash that a block has now, None if the node does not know it."""
        (header,) = self._questions.ask([header_question(block)])
        return hash_in(header)

    @property
    def questions(self) -> list[Question]:
        """Those for the headers that tell whether all that is known is on the chain."""
        return list(map(header_question, self._asked))

    @property
    def _asked(self) -> list[int]:
        """The blocks whose headers tell; that of the last one tells of its parent, too."""
        return [self.block, *(block for block in self.known if block < self.block - 1)]

    def is_on_chain(self, headers: Sequence[Any] | None = None) -> bool:
        """Return whether what was read is on the chain, by these answers to its questions, or by what a node says now.

        Raises NodeError if the node does not know a block.
        """
        answers = self._questions.ask(self.questions) if headers is None else headers
        hashes: dict[int, bytes] = {}
        for block, header in zip(self._asked, answers, strict=True):
            if header is None:
                raise NodeError(f"the node does not know block {block} any more, which it has shown before")
            hashes[block] = bytes_of(header["hash"])
        hashes.setdefault(self.block - 1, bytes_of(answers[0].get("parentHash") or b""))
        return all(hashes[block] == hash_ for block, hash_ in self.known.items())

    def require_no_reset(self) -> None:
        """Raise UserError if what was read long ago is on the chain no more; forget younger blocks, replaced or not."""
        self._milestones = [it for it in self._milestones if it[0] + DEEPEST <= self.block]
        for block, hash_ in self._milestones[-1:]:
            if self.hash_of(block) not in (None, hash_):
                raise UserError(f"block {block} is another one than it was long ago: the chain was reset")
