"""The contracts' events, a dataclass for each; its fields are the arguments of the event in their order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import TypeAlias, cast, get_args

from mlchain.protocol.game_events import GameEvent
from mlchain.protocol.model_events import ModelEvent
from mlchain.protocol.rounds import Outcome, Verdict
from mlchain.protocol.terms import RoundTerms

Value: TypeAlias = "int | str | bytes | tuple[Value, ...]"  # of an argument, as the ABI decodes it


# Worker registry


@dataclass(frozen=True, slots=True)
class Joined:
    """A worker joined the pool, paying what was missing to its stake, in wei."""

    worker: str
    position: int
    paid: int


@dataclass(frozen=True, slots=True)
class Left:
    """A worker left the pool, or was removed from it."""

    worker: str
    position: int


@dataclass(frozen=True, slots=True)
class AdmissionSet:
    """The server admitted a worker to a permissioned pool, or no longer does."""

    worker: str
    admitted: bool


@dataclass(frozen=True, slots=True)
class RoundOpened:
    """The pay of a round's seats was locked, in wei; they are drawn from the pool as of the end of a past block."""

    snapshot_block: int
    seats: int
    escrow: int


@dataclass(frozen=True, slots=True)
class SeatSettled:
    """A seat was paid (`REWARDED`) or punished (`SLASHED`, `ABSENT`), with an amount in wei, or released."""

    job: str
    worker: str
    seat: int
    verdict: Verdict
    amount: int


@dataclass(frozen=True, slots=True)
class Forfeited:
    """Pay of a job, in wei, that a ruling has kept from its seats: it is burnt, and not the server's again."""

    job: str
    amount: int


@dataclass(frozen=True, slots=True)
class BountyPaid:
    """Half of what a job's liars were slashed, in wei, went to whoever had claimed the right result first."""

    job: str
    finder: str
    amount: int


@dataclass(frozen=True, slots=True)
class RoundClosed:
    """The last seat of a round was settled; what is left of its escrow, in wei, goes to the server."""

    remainder: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Somebody withdrew their credit, in wei."""

    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class StakeWithdrawn:
    """A worker withdrew its stake, in wei."""

    worker: str
    amount: int


# Job factory


@dataclass(frozen=True, slots=True)
class RoundScheduled:
    """The server fixed the snapshot block of the next round: the one that this event is in."""

    round: int
    snapshot_block: int


@dataclass(frozen=True, slots=True)
class RoundDeployed:
    """A round was deployed; `task` is the recipe of all of its jobs, `commit_deadline` in seconds."""

    round: int
    model_version: int
    snapshot_block: int
    seed: bytes
    pool_size: int
    commit_deadline: int
    terms: RoundTerms
    task: bytes


@dataclass(frozen=True, slots=True)
class DataAnnounced:
    """The server said where a data set can be fetched."""

    fingerprint: bytes
    url: str


@dataclass(frozen=True, slots=True)
class JobDeployed:
    """A job of a round was deployed at an address; the task hash binds recipe, model and the model's parent."""

    round: int
    index: int
    job: str
    task_hash: bytes


# Jobs


@dataclass(frozen=True, slots=True)
class Committed:
    """A seat committed to a result."""

    seat: int
    worker: str
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Proposed:
    """A result became a candidate; so many seats have committed to it."""

    result_hash: bytes
    proposer: str
    votes: int


@dataclass(frozen=True, slots=True)
class ResultChunkPublished:
    """`Job.ChunkPublished`: bytes of a candidate."""

    result_hash: bytes
    index: int
    publisher: str
    chunk: bytes


@dataclass(frozen=True, slots=True)
class Ruled:
    """The referee accepted a result or, if the hash is zero, called the task broken."""

    result_hash: bytes


@dataclass(frozen=True, slots=True)
class Settled:
    """Seats of a job were settled, on an outcome."""

    outcome: Outcome
    accepted_hash: bytes
    seats: int


@dataclass(frozen=True, slots=True)
class Incremented:
    """A worker joined a counter of workers, as the `count`th."""

    worker: str
    count: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of that name that is none of the above."""

    name: str


RegistryEvent = (
    Joined
    | Left
    | AdmissionSet
    | RoundOpened
    | SeatSettled
    | Forfeited
    | BountyPaid
    | RoundClosed
    | Withdrawn
    | StakeWithdrawn
    | RoundScheduled
    | DataAnnounced
    | RoundDeployed
    | JobDeployed
    | ModelEvent
)
JobEvent = Committed | Proposed | ResultChunkPublished | Ruled | Settled
Event = RegistryEvent | JobEvent | GameEvent | Incremented | Unknown


@dataclass(frozen=True, slots=True)
class Log:
    """An event of the contract at `address`, in `block` at `timestamp`, caused by `transaction`, a hash in hex."""

    event: Event
    address: str
    block: int
    index: int
    timestamp: int
    transaction: str = ""

    @property
    def name(self) -> str:
        """The name of the event in its contract."""
        if isinstance(self.event, Unknown):
            return self.event.name
        return type(self.event).__name__.removeprefix("Model").removeprefix("Result")


def decode(name: str, arguments: Mapping[str, Value]) -> Event:
    """Return the event of that name and arguments, named as in its contract; `Unknown` if there is none."""
    kind = _KINDS.get(_prefix(name, arguments) + name)
    if kind is None:
        return Unknown(name)
    values = (_read(field.type, arguments[_camel(field.name)]) for field in fields(kind))
    return cast(Callable[..., Event], kind)(*values)


_KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event) if kind is not Unknown}


def _prefix(name: str, arguments: Mapping[str, Value]) -> str:
    """Return what distinguishes two events of one name."""
    if name != "ChunkPublished":
        return ""
    return "Model" if "version" in arguments else "Result"


def _read(kind: object, value: Value) -> "Value | RoundTerms":
    if kind is RoundTerms:
        return RoundTerms(*cast(tuple[int, ...], value))
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return kind(cast(int, value))
    return value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
