"""What a contract knows of its chain, and the two things that can come of a call: events, or a refusal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


class Refused(Exception):
    """A call that changes nothing: the name of the contract's error, and its values."""

    def __init__(self, error: str, *values: object) -> None:
        super().__init__(error)
        self.error, self.values = error, values


def require(condition: object, error: str, *values: object) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused(error, *values)


class Event(NamedTuple):
    """What a contract announces; `address` is its name or, of a job, its address."""

    address: str
    name: str
    arguments: dict[str, object]


@dataclass(slots=True)
class Chain:
    """The block that a call is in, and what only a chain can say."""

    chain_id: int
    factory: str  # its address
    block_hash: Callable[[int], bytes]
    job_address: Callable[[int, int], str]  # of a round's job by its index
    block: int = 0
    now: int = 0
    events: list[Event] = field(default_factory=list)

    def emit(self, address: str, name: str, **arguments: object) -> None:
        """Announce what has happened."""
        self.events.append(Event(address, name, arguments))
