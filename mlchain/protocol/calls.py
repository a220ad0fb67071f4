"""What an actor sees and what it answers: values in between the decision and the chain."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mlchain.protocol.content import chunk_hashes, split
from mlchain.protocol.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction to be sent: `method` of `contract`, at `address` or, if that is None, where it was deployed.

    `purpose` says what it is for where its arguments are others at every try.
    """

    contract: str
    method: str
    arguments: tuple[object, ...] = ()
    value: int = 0
    address: str | None = None
    purpose: str | None = field(default=None, compare=False)

    @property
    def kind(self) -> str:
        """The name under which its gas is counted."""
        return f"{self.contract}.{self.method}"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """For `purpose` an account needs so many wei, and has fewer."""

    purpose: str
    needs: int
    has: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What an actor does now, and when (in the chain's seconds) it wants to be asked again if nothing happens.

    `shortfall` is why it does nothing, if it would but for the lack of ether; `waiting` what it waits for, in words;
    `notice` what else people should know.
    """

    calls: list[Call]
    wake: int | None = None
    shortfall: Shortfall | None = None
    waiting: str | None = None
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What an actor decides from: the ledger up to the head block `block`, the time `now` of the next one.

    `gas_limit` is the most gas that all transactions of a block may use.
    """

    ledger: Ledger
    block: int
    now: int
    chain_id: int
    stake: int
    balance_of: Callable[[str], int]
    gas_limit: int


def missing_chunks(data: bytes, present: dict[int, bytes]) -> list[tuple[int, list[bytes], bytes]]:
    """Return (index, hashes of all chunks, chunk) for every chunk of `data` that is not `present`."""
    hashes = chunk_hashes(data)
    return [(index, hashes, chunk) for index, chunk in enumerate(split(data)) if index not in present]


def earliest(*times: int | None) -> int | None:
    """Return the first of the times that are not None, None if all are."""
    known = [time for time in times if time is not None]
    return min(known) if known else None


def together(turns: Iterable[Turn]) -> Turn:
    """Return one turn of several: all calls, the first wake, and the first shortfall and notice there is."""
    parts = list(turns)
    calls = [call for turn in parts for call in turn.calls]
    lacks = next((turn.shortfall for turn in parts if turn.shortfall), None)
    notice = next((turn.notice for turn in parts if turn.notice), None)
    return Turn(calls, earliest(*(turn.wake for turn in parts)), lacks, notice=notice)
