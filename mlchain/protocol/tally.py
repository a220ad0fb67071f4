"""What the contracts have counted, by the ledger and the logs that follow it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from mlchain.protocol.events import (
    Committed,
    JobDeployed,
    Joined,
    Left,
    Log,
    ModelChunkPublished,
    Proposed,
    RoundDeployed,
    RoundScheduled,
    SeatSettled,
    VersionAnnounced,
)
from mlchain.protocol.ledger import Ledger


@dataclass(slots=True)
class Tally:
    """Numbers that the contracts have as views.

    `published` has a bit for each chunk of the newest version; `jobs` are (commitments, candidates) of the jobs of the
    open round, by address.
    """

    members: int = 0
    versions: int = 0
    published: int = 0
    rounds: int = 0
    scheduled: int = 0
    unsettled: int = 0
    jobs: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger, logs: Iterable[Log]) -> "Tally":
        """Return what has been counted when these logs, of the contracts and their jobs, have followed `ledger`."""
        newest = ledger.latest_version
        open_jobs = ledger.open_round.jobs if ledger.open_round else []
        tally = cls(
            members=len(ledger.pool.members),
            versions=len(ledger.versions),
            published=sum(1 << index for index in newest.chunks) if newest else 0,
            rounds=len(ledger.rounds),
            scheduled=ledger.scheduled or 0,
            unsettled=sum(len(job.unsettled) for job in open_jobs),
            jobs={job.address: (len(job.commitments), len(job.candidates)) for job in open_jobs},
        )
        seats = 0  # of each job of the round deployed last
        for log in logs:
            if isinstance(log.event, RoundDeployed):
                seats = log.event.terms.seats
            tally._take(log, seats)
        return tally

    def _take(self, log: Log, seats: int) -> None:
        match log.event:
            case Joined():
                self.members += 1
            case Left():
                self.members -= 1
            case VersionAnnounced():
                self.versions, self.published = self.versions + 1, 0
            case ModelChunkPublished(version, index) if version == self.versions:
                self.published |= 1 << index
            case RoundScheduled(snapshot_block=block):
                self.scheduled = block
            case RoundDeployed():
                self.rounds, self.scheduled, self.jobs = self.rounds + 1, 0, {}
            case JobDeployed(job=job):
                self.unsettled += seats
                self.jobs[job] = (0, 0)
            case SeatSettled(job=job) if job in self.jobs:  # not of a round before the ledger begins
                self.unsettled -= 1
            case Committed() | Proposed() if log.address in self.jobs:
                commitments, candidates = self.jobs[log.address]
                is_commitment = isinstance(log.event, Committed)
                self.jobs[log.address] = (commitments + is_commitment, candidates + (not is_commitment))
