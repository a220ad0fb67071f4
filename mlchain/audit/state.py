"""What an auditor knows: the rules, what the events so far come to, and the report."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mlchain.audit.bonds import Bonds
from mlchain.audit.findings import Check, Report
from mlchain.protocol.events import Event, Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.rounds import Job, Verdict
from mlchain.tasks.catalogue import LearningTask
from mlchain.tasks.task import RecipeTask


@dataclass(frozen=True, slots=True)
class Rules:
    """What is fixed for a deployment: money in wei, times in seconds, the address of its factory.

    `bond` is what claims and challenges put down where they decide, and not the server.
    """

    chain_id: int
    factory: str
    server: str
    stake: int
    absence_fee: int
    min_window: int
    max_round_duration: int
    min_seats: int = 1
    permissioned: bool = False
    has_game: bool = False
    bond: int = 0


@dataclass(frozen=True, slots=True)
class Sources:
    """What an auditor can know besides the logs.

    `open_recipe` returns the part of a task that needs no data. `seed_parts` returns, for the log of a deployed round
    and its snapshot block, the server's random number and the hash of that block, None where nobody has them. `anchor`
    is the hash that the first of these numbers has to have, None where it is not known. `open_task` returns a task that
    can be trained; None if nothing is to be trained again. `first_model` returns the first version by the first recipe;
    None for the recipe's own.
    """

    open_recipe: Callable[[bytes], RecipeTask]
    seed_parts: Callable[[Log, int], tuple[bytes, bytes] | None] = lambda _log, _block: None
    open_task: Callable[[bytes], LearningTask] | None = None
    anchor: bytes | None = None
    first_model: Callable[[bytes], bytes] | None = None


@dataclass(slots=True)
class AuditState:
    """The state before the next event; `previous` is the one before it.

    `due` are the kinds of events that the last transaction still has to have. If it settles seats, they are those of
    the job at `settling`, with these `verdicts` so far; `removed` and `barred` are the workers that have left the pool
    and lost their admission since the last of them, `forfeits` what may be burnt of the job's pay after them, `bounty`
    what may be paid for the lies that they told. `unpaid` counts the chunks that somebody may have published without a
    seat, by job, result and publisher.
    """

    rules: Rules
    sources: Sources
    ledger: Ledger = field(init=False)
    report: Report = field(default_factory=Report)
    previous: Log | None = None
    due: list[type[Event]] = field(default_factory=list)
    settling: str = ""
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    barred: list[str] = field(default_factory=list)
    forfeits: list[int] = field(default_factory=list)
    bounty: int = 0
    unpaid: Counter[tuple[str, bytes, str]] = field(default_factory=Counter)
    bonds: Bonds = field(default_factory=Bonds)
    admitted: set[str] = field(default_factory=set)
    announced_in: dict[int, int] = field(default_factory=dict)  # the block, by version
    wrong_versions: set[int] = field(default_factory=set)  # that are not what was accepted
    opened: tuple[int, int, int] | None = None  # snapshot block, seats and escrow of the newest round
    random_head: bytes | None = None  # the hash that the next of the server's numbers has to have

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.rules.server, self.rules.has_game)
        self.random_head = self.sources.anchor

    def name_of(self, job: Job, seat: int | None = None) -> str:
        """Return what a job, or a seat of it, is called."""
        name = f"round {self.ledger.round_of(job).number} job {job.index}"
        return name if seat is None else f"{name} seat {seat}"


@dataclass(frozen=True, slots=True)
class EventCheck:
    """The check of one event, of which `subject` is what it is about: a version, a round, a job, a seat, a worker."""

    state: AuditState
    check: Check
    log: Log
    subject: str

    def expect(self, holds: bool, problem: str) -> bool:
        """Report a problem unless something holds; return whether it does."""
        return self.state.report.expect(holds, self.check, self.log.block, self.subject, problem)

    def expect_equal(self, what: str, actual: object, expected: object) -> bool:
        """Report a value that is not what it has to be; return whether it is."""
        return self.expect(actual == expected, f"{what} is {shown(actual)} and has to be {shown(expected)}")


def shown(value: object) -> str:
    """Return a value to read; bytes in hex."""
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)
