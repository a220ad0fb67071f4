"""What can be chosen when learning with a trusted server is played, and which choices go together."""

from dataclasses import dataclass
from pathlib import Path

from mlchain.centralized.learning.aggregation import rule_named
from mlchain.centralized.learning.behaviours import BEHAVIOURS
from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.plan import FederationPlan
from mlchain.centralized.service.settings import Settings
from mlchain.centralized.service.signing import Place
from mlchain.errors import require, require_known
from mlchain.simulation.participants import evil_workers
from mlchain.tasks.choices import Subject, prepare


@dataclass(frozen=True, slots=True)
class CentralizedOptions:
    """The choices; raises UserError, in one sentence, for a combination that cannot be played."""

    workers: int = 10
    evil: int = 0
    behaviour: str = "flipping"
    rounds: int = 5
    task: str = "digits"
    model: str = "softmax"
    seed: int = 1
    rule: str = "average"
    dirichlet_alpha: float | None = None
    asynchronous: bool = False
    timeout: float = 60.0
    data: Path | None = None  # instead of the task
    label: str | None = None

    def __post_init__(self) -> None:
        require(self.workers >= 1, f"there has to be at least one worker, not {self.workers}")
        require(0 <= self.evil <= self.workers, f"{self.evil} of {self.workers} workers cannot be evil")
        require_known("behaviour", self.behaviour, BEHAVIOURS)
        plan, _split, _subject = self.plan, self.split, self.subject  # all refuse what they cannot be
        rule_named(self.rule, self.evil, plan.quorum)

    @property
    def subject(self) -> Subject:
        """What is learned, and what learns it."""
        return Subject(self.task, self.model, self.data, self.label)

    @property
    def split(self) -> Split:
        """How the data is dealt out: a share for every worker."""
        return Split(self.workers, self.dirichlet_alpha, self.seed)

    @property
    def plan(self) -> FederationPlan:
        """How the learning goes: with everybody who is not silent, or with half of them at a time."""
        present = self.workers - self.evil if self.behaviour == "silent" else self.workers
        quorum = max(1, present // 2 if self.asynchronous else present)
        return FederationPlan(
            self.rounds, self.workers, quorum, self.timeout, self.asynchronous, self.rounds * self.asynchronous
        )

    def settings(self, place: Place) -> Settings:
        """Return what the server is set to do."""
        return Settings(place, self.recipe, self.split, self.plan, self.rule, self.evil)

    @property
    def recipe(self) -> bytes:
        """What is learned, and from what; raises UserError for data that is missing."""
        return prepare(self.subject).recipe.to_bytes()

    def behaviours(self) -> list[str]:
        """Return the behaviour of every worker; the seed says which ones are evil."""
        evil = set(evil_workers(self.seed, self.workers, self.evil))
        return [self.behaviour if number in evil else "honest" for number in range(self.workers)]
