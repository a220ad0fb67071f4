"""The guarantees, checked against the ground truth of a history: nothing here opens a commitment."""

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum, auto

from mlchain.protocol.content import content_hash
from tests.contracts.answers import Answer, Fake, result_of
from tests.reference.chain import Event
from tests.reference.jobs import Job
from tests.reference.protocol import Protocol
from tests.reference.tables import Outcome, Verdict


class Referee(Enum):
    """What the referee is like."""

    HONEST = auto()  # rules for the right result before its window ends
    LATE = auto()  # tries to when it is too late
    SILENT = auto()
    ERRATIC = auto()  # shows and rules anything


@dataclass(slots=True)
class GroundTruth:
    """What no chain records: who is honest, and which answer is behind each commitment."""

    honest: set[str] = field(default_factory=set)
    referee: Referee = Referee.SILENT
    committed: dict[tuple[str, int], Answer | Fake] = field(default_factory=dict)
    left_alone: set[str] = field(default_factory=set)  # the jobs that were undecided when the referee stopped

    def result_hash(self, job: Job, seat: int) -> bytes | None:
        """Return the hash of what a seat has committed to, None if it has not or to nothing."""
        answer = self.committed.get((job.address, seat))
        return content_hash(result_of(job, answer, seat)) if isinstance(answer, Answer) else None

    def protects(self, job: Job) -> bool:
        """Return whether the guarantees cover the honest seats of a job: thanks to a referee, or to their number."""
        evil = sum(holder not in self.honest for holder in job.holders)
        outnumbered = evil < job.terms.quorum and self.referee is not Referee.ERRATIC
        return outnumbered or (self.referee is Referee.HONEST and job.address not in self.left_alone)


def check_g1(protocol: Protocol) -> None:
    """Every wei is owed to one party, and nobody owes any."""
    registry = protocol.registry
    assert registry.balance == registry.owed + registry.burnt
    assert min(registry.escrow, registry.burnt, *registry.stakes.values(), *registry.credits.values()) >= 0
    assert all(registry.stakes[member] == registry.stake for member in registry.members)


def check_the_server_gains_nothing(protocol: Protocol) -> None:
    """Whatever it rules, the server never gets back more than it has paid into escrow."""
    registry = protocol.registry
    assert registry.server_got + registry.credits[registry.server] <= registry.server_paid - registry.escrow


def check_g2_g3_and_g4(job: Job, truth: GroundTruth) -> None:
    """Where the guarantees cover the honest, no wrong result is accepted, they lose nothing, and they are paid."""
    honest = [seat for seat, holder in enumerate(job.holders) if holder in truth.honest]
    if not honest or not truth.protects(job):
        return
    outcome, accepted = job.outcome()
    is_accepted = outcome not in (Outcome.UNDECIDED, Outcome.FAILED, Outcome.VOID)
    assert not is_accepted or accepted == content_hash(result_of(job, Answer.RIGHT, 0))
    for seat in honest:
        expected = Verdict.REWARDED if is_accepted else Verdict.RELEASED
        assert job.settled.get(seat, expected) is expected


def check_g5(job: Job, truth: GroundTruth) -> None:
    """Silence always costs, a commitment to nothing unless the task is broken, a lie when anything else is accepted."""
    outcome, accepted = job.outcome()
    for seat, verdict in job.settled.items():
        shown = truth.result_hash(job, seat)
        if (job.address, seat) not in truth.committed:
            assert verdict is Verdict.ABSENT
        elif outcome is Outcome.VOID:
            assert verdict is Verdict.RELEASED
        elif outcome is Outcome.FAILED:
            assert verdict is (Verdict.RELEASED if shown in job.candidates else Verdict.SLASHED)
        else:
            assert verdict is (Verdict.REWARDED if shown == accepted else Verdict.SLASHED)


def check_g7(job: Job, truth: GroundTruth, events: list[Event]) -> None:
    """Nothing is committed once anything was shown, and only who committed to a result itself votes for it."""
    if any((event.address, event.name) == (job.address, "Committed") for event in events):
        assert not job.candidates
    votes = Counter(truth.result_hash(job, seat) for seat in range(job.terms.seats))
    assert all(candidate.votes == votes[shown] for shown, candidate in job.candidates.items())


def check_g8(protocol: Protocol) -> None:
    """Nobody has two seats that are not settled, and who has one has a whole stake here."""
    owing = [
        holder for job in protocol.jobs.values() for seat, holder in enumerate(job.holders) if seat not in job.settled
    ]
    assert len(owing) == len(set(owing)) == protocol.registry.unsettled
    assert all(protocol.registry.stakes[holder] == protocol.registry.stake for holder in owing)
