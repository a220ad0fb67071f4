"""Players of the game about claims, over the simplest of computations: numbers that count."""

import hashlib
from dataclasses import dataclass, field

from ape import chain
from eth_abi import encode
from eth_utils import keccak

from mlchain.training.trees import MISSING, grow, path_in
from tests.contracts.chain_control import reverts_as

DEPTH, LEAVES = 9, 300  # of the tree: the first pick takes six levels, the second three
LEVELS = 6
BOND = 10**17
DESCRIPTION = encode(["uint256", "uint256"], [DEPTH, LEAVES])
STATEMENT = keccak(DESCRIPTION)  # and the result's hash


class Counting:
    """A trace: the right one, or one with other bytes in some leaves, of any length, or without them."""

    def __init__(self, lies: dict[int, bytes | None] | None = None) -> None:
        numbers = [n.to_bytes(8, "big") for n in range(4 * LEAVES)]
        leaves = {at: b"".join(numbers[4 * at : 4 * at + 4]) for at in range(LEAVES)} | (lies or {})
        self.leaves = {at: leaf for at, leaf in leaves.items() if leaf is not None}
        hashes = [
            hashlib.sha256(self.leaves[at]).digest() if at in self.leaves else MISSING for at in range(1 << DEPTH)
        ]
        self.tree = grow(hashes, DEPTH)

    def node(self, depth: int, index: int) -> bytes:
        return self.tree[DEPTH - depth][index]

    @property
    def root(self) -> bytes:
        return self.node(0, 0)

    def below(self, depth: int, index: int) -> list[bytes]:
        """Return the nodes that a move shows below one."""
        levels = min(LEVELS, DEPTH - depth)
        return [self.node(depth + levels, (index << levels) + at) for at in range(1 << levels)]

    def evidence(self, position: int) -> bytes:
        """Return what the first entry of a leaf follows from: the leaf before and its path."""
        if position == 0:
            return b""
        return self.leaves.get(position - 1, bytes(32))[:32] + b"".join(path_in(self.tree, position - 1))


HONEST = Counting()


def shown(nodes: list[bytes], index: int) -> tuple[int, bytes, list[bytes]]:
    """Return the arguments of a pick: the index, the node and its path among the nodes shown."""
    tree = grow(nodes, (len(nodes) - 1).bit_length())
    return index, nodes[index], path_in(tree, index)


def counted(numbers: list[int]) -> bytes:
    """Return a leaf with these numbers."""
    return b"".join(number.to_bytes(8, "big") for number in numbers)


@dataclass
class Played:
    """A running challenge as its players see it: what was shown last is known to both."""

    number: int
    claim: int
    trace: Counting  # that is claimed
    depth: int = 0
    position: int = 0
    leaf: bytes | None = None
    entry: int | None = None
    path: list[tuple[int, int]] = field(default_factory=list)


class Table:
    """The contracts, and moves by whoever makes them."""

    def __init__(self, disputes, judge) -> None:
        self.disputes, self.judge = disputes, judge

    def claim(self, by, trace: Counting) -> int:
        nodes = trace.below(0, 0)
        receipt = self.disputes.claim(self.judge, STATEMENT, DESCRIPTION, trace.root, nodes, value=BOND, sender=by)
        return receipt.events[-1].claim

    def challenge(self, by, claim: int, trace: Counting, index: int) -> Played:
        arguments = shown(trace.below(0, 0), index)
        receipt = self.disputes.challenge(claim, *arguments, value=BOND, sender=by)
        return Played(receipt.events[-1].challenge, claim, trace, LEVELS, index)

    def open(self, by, game: Played):
        return self.disputes.open(game.number, game.trace.below(game.depth, game.position), sender=by)

    def pick(self, by, game: Played, index: int):
        nodes = game.trace.below(game.depth, game.position)
        receipt = self.disputes.pick(game.number, *shown(nodes, index), sender=by)
        levels = min(LEVELS, DEPTH - game.depth)
        game.depth, game.position = game.depth + levels, (game.position << levels) + index
        return receipt

    def reveal(self, by, game: Played):
        leaf = game.trace.leaves[game.position]
        receipt = self.disputes.reveal(game.number, leaf, sender=by)
        game.leaf = leaf
        return receipt

    def pick_entry(self, by, game: Played, entry: int):
        receipt = self.disputes.pickEntry(game.number, entry, sender=by)
        game.entry = entry
        return receipt

    def prove(self, by, game: Played):
        evidence = game.trace.evidence(game.position)
        return self.disputes.prove(game.number, DESCRIPTION, game.leaf, evidence, sender=by)

    def prove_padding(self, by, game: Played) -> None:
        self.disputes.provePadding(game.number, DESCRIPTION, sender=by)

    def finish(self, by, game: Played) -> None:
        self.disputes.finish(game.number, sender=by)


def answer(table: Table, by, game: Played) -> None:
    """Make the claim's next move, whatever it is."""
    if game.depth < DEPTH:
        table.open(by, game)
    elif game.leaf is None and game.position in game.trace.leaves:
        table.reveal(by, game)
    elif game.leaf is None:
        table.prove_padding(by, game)
    else:
        table.prove(by, game)


def different(ours: Counting, theirs: Counting, depth: int, position: int) -> int:
    """Return the first of the nodes below one in which two traces differ."""
    pairs = zip(ours.below(depth, position), theirs.below(depth, position), strict=True)
    return next(index for index, (a, b) in enumerate(pairs) if a != b)


def pursue(table: Table, by, game: Played) -> None:
    """Make an honest challenger's next move: at the first difference from the right trace."""
    if game.depth < DEPTH:
        table.pick(by, game, different(HONEST, game.trace, game.depth, game.position))
        return
    right = HONEST.leaves.get(game.position, b"")
    theirs = [game.leaf[at : at + 8] for at in range(0, 32, 8)]
    ours = [right[at : at + 8] for at in range(0, 32, 8)]
    differing = [entry for entry in range(4) if theirs[entry] != ours[entry]]
    table.pick_entry(by, game, differing[0] if differing else 0)


def now() -> int:
    return chain.pending_timestamp


def refused(error, move, *arguments) -> None:
    with reverts_as(error):
        move(*arguments)
