"""What can be chosen for a simulation, and which choices go together."""

from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from mlchain.actors.behaviours import Behaviour
from mlchain.actors.plan import require_stopping
from mlchain.chain import deployment
from mlchain.errors import require
from mlchain.protocol.terms import MAX_JOBS, MAX_SEATS, is_quorum, least_majority
from mlchain.simulation.attackers import BEHAVIOURS
from mlchain.simulation.evil_servers import SERVERS
from mlchain.tasks.choices import Subject

MOST_WORKERS = 100_000
REFEREES = (*deployment.REFEREES, "none")


@dataclass(frozen=True, slots=True)
class Options:
    """The choices; `committee` None is the whole pool, shared among the jobs; `quorum` None a bare majority.

    Raises UserError, in one sentence, for a combination that cannot be played.
    """

    workers: int = 10
    evil: int = 0
    behaviour: str = "colluding"
    rounds: int = 5
    jobs: int = 1
    committee: int | None = None
    quorum: int | None = None
    task: str = "digits"
    model: str = "softmax"
    seed: int = 1
    referee: str = "server"
    audit_rate: float = 0.0
    data: Path | None = None  # instead of the task
    label: str | None = None
    until_accuracy: float | None = None
    early_stopping: int | None = None
    server: str = "honest"

    def __post_init__(self) -> None:
        require(self.workers >= 1, f"there has to be at least one worker, not {self.workers}")
        most = f"a simulation has up to {MOST_WORKERS:,} workers, not {self.workers:,}: it would take days"
        require(self.workers <= MOST_WORKERS, most)
        require(self.rounds >= 1, f"there has to be at least one round, not {self.rounds}")
        require(0 <= self.evil <= self.workers, f"{self.evil} of {self.workers} workers cannot be evil")
        for name in self.behaviour.split(","):
            known = ", ".join(BEHAVIOURS)
            require(name.strip() in BEHAVIOURS, f"unknown behaviour {name.strip()!r}: choose from {known}")
        _subject = self.subject  # refuses what there is not
        require_stopping(self.until_accuracy, self.early_stopping)
        require(0 <= self.seed < 2**64, f"the seed has to be from 0 to 2^64 - 1, not {self.seed}")
        require(0 <= self.audit_rate <= 1, f"the audit rate has to be from 0 to 1, not {self.audit_rate}")
        require(self.referee in REFEREES, f"the referee is one of {', '.join(REFEREES)}, not {self.referee!r}")
        require(not (self.has_game and self.task == "fake"), "a contract can referee training only, not the task fake")
        require(self.server in SERVERS, f"the server is one of {', '.join(SERVERS)}, not {self.server!r}")
        no_game = "an evil server is simulated where nobody has to trust it: with a contract as referee"
        require(self.has_game or self.server == "honest", no_game)
        self._check_committees()

    @property
    def has_game(self) -> bool:
        """Whether a contract decides where seats disagree."""
        return self.referee == "contract"

    def _check_committees(self) -> None:
        require(1 <= self.jobs <= MAX_JOBS, f"a round has 1 to {MAX_JOBS} jobs, not {self.jobs}")
        needed = self.jobs * (1 if self.committee is None else self.committee)
        require(
            needed <= self.workers,
            f"{self.jobs} × {self.seats} seats (jobs × committee) need {needed} workers, and there are {self.workers}",
        )
        require(1 <= self.seats <= MAX_SEATS, f"a job has 1 to {MAX_SEATS} seats, not {self.seats}")
        least = least_majority(self.seats)
        require(
            self.quorum is None or is_quorum(self.quorum, self.seats),
            f"the quorum of {self.seats} seats has to be from {least} to {self.seats}, not {self.quorum}",
        )

    @property
    def subject(self) -> Subject:
        """What is learned, and what learns it."""
        return Subject(self.task, self.model, self.data, self.label)

    @property
    def seats(self) -> int:
        """The seats of a job while nobody has left."""
        return max(1, min(self.workers // self.jobs, MAX_SEATS)) if self.committee is None else self.committee

    @property
    def behaviours(self) -> tuple[Behaviour, ...]:
        """The behaviours to choose from for the evil workers."""
        return tuple(BEHAVIOURS[name.strip()] for name in self.behaviour.split(","))

    @property
    def dealt(self) -> list[Behaviour]:
        """The behaviour of every evil worker: they are dealt out in turn."""
        return list(islice(cycle(self.behaviours), self.evil))
