"""Up to where a chain was read, and whether that is still on it."""

from typing import Any

from ape_ethereum.provider import Web3Provider

from mlchain.chain.deployment import Deployment
from mlchain.chain.headers import hash_in, header_question
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import Questions, bytes_of
from mlchain.errors import UserError

DEEPEST = 128  # blocks that a reorganisation replaces at most; what is older is replaced by a reset alone


class Bookmark:
    """The last `block` that was read of a deployment's chain and its `hash`, None before there is one.

    The hash of the block before is known, too, where the two may not have been seen on one chain yet: `hash` in a log,
    and the other by a program that was asked before the log.
    """

    def __init__(self, provider: Web3Provider, deployment: Deployment) -> None:
        self._questions = Questions(provider)
        self._milestones: list[tuple[int, bytes]] = []  # two blocks that were read, DEEPEST or more apart
        self.put(deployment.block - 1)

    def put(self, block: int, hash_: bytes | None = None, parent_hash: bytes | None = None) -> None:
        """Take note of the block that was read last, of its hash if it is known, and of the one before if that is."""
        self.block, self.hash, self._parent_hash = block, hash_, parent_hash
        if hash_ and (not self._milestones or block >= self._milestones[-1][0] + DEEPEST):
            self._milestones = [*self._milestones[-1:], (block, hash_)]

    @property
    def known(self) -> dict[int, bytes]:
        """The hashes of what has to be on the chain, by the numbers of the blocks."""
        hashes = {self.block: self.hash, self.block - 1: self._parent_hash}
        return {block: hash_ for block, hash_ in hashes.items() if hash_ is not None}

    def hash_of(self, block: int) -> bytes | None:
        """Return the hash that a block has now, None if the node does not know it."""
        return hash_in(self._header(block))

    def is_on_chain(self, said: Any = None) -> bool:
        """Return whether the block is on the chain, by what a node has `said` of it, or says now.

        Raises NodeError if the node does not know it.
        """
        header = said or self._header(self.block)
        if header is None:
            raise NodeError(f"the node does not know block {self.block} any more, which it has shown before")
        is_same = hash_in(header) == self.hash
        return is_same and self._parent_hash in (None, bytes_of(header["parentHash"]))

    def require_no_reset(self) -> None:
        """Raise UserError if what was read long ago is on the chain no more."""
        if len(self._milestones) == 2:
            block, hash_ = self._milestones[0]
            if self.hash_of(block) not in (None, hash_):
                raise UserError(f"block {block} is another one than it was long ago: the chain was reset")

    def _header(self, block: int) -> Any:
        (answer,) = self._questions.ask([header_question(block)])
        return answer
