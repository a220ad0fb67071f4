"""The events of `contracts/referee/Disputes.sol`, a dataclass for each."""

from dataclasses import dataclass
from enum import IntEnum


class GameTurn(IntEnum):
    """Whose move it is, or how a challenge has ended, numbered as in `IDisputes.Turn`."""

    NONE = 0
    CLAIM = 1
    CHALLENGER = 2
    UPHELD = 3
    REFUTED = 4
    MOOT = 5


@dataclass(frozen=True, slots=True)
class Claimed:
    """Somebody claimed a result of a job, naming the root of a trace and the nodes below it that a move shows."""

    claim: int
    disputed: str
    result_hash: bytes
    claimant: str
    root: bytes
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Challenged:
    """Somebody challenged a claim at the node with that number on its level."""

    challenge: int
    claim: int
    challenger: str
    position: int


@dataclass(frozen=True, slots=True)
class Opened:
    """The nodes below the disputed one were shown."""

    challenge: int
    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Picked:
    """The challenger picked the node with that number on its level."""

    challenge: int
    position: int


@dataclass(frozen=True, slots=True)
class Revealed:
    """The disputed leaf was shown."""

    challenge: int
    leaf: bytes


@dataclass(frozen=True, slots=True)
class EntryPicked:
    """The challenger picked an entry of the leaf."""

    challenge: int
    entry: int


@dataclass(frozen=True, slots=True)
class Decided:
    """A challenge ended."""

    challenge: int
    claim: int
    outcome: GameTurn


@dataclass(frozen=True, slots=True)
class Released:
    """The bond of a claim that stands is owed to its claimant again."""

    claim: int


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A claim that stands speaks for its result, after the one that did was refuted."""

    claim: int


@dataclass(frozen=True, slots=True)
class BondsWithdrawn:
    """Somebody withdrew bonds, won or returned, in wei."""

    owner: str
    amount: int


GameEvent = (
    Claimed | Challenged | Opened | Picked | Revealed | EntryPicked | Decided | Released | Succeeded | BondsWithdrawn
)
