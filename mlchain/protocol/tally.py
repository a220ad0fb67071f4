"""What the contracts have counted, by the ledger and the logs that follow it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from mlchain.protocol.events import (
    Committed,
    Event,
    JobDeployed,
    Joined,
    Left,
    Log,
    Proposed,
    ResultChunkPublished,
    RoundClosed,
    RoundDeployed,
    RoundScheduled,
    Ruled,
    SeatSettled,
)
from mlchain.protocol.game_events import Challenged, Claimed, Decided, EntryPicked, GameTurn, Opened, Picked, Revealed
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced, VersionRefuted
from mlchain.protocol.rounds import VOID, Job
from mlchain.protocol.terms import RoundTerms


class Ruling(IntEnum):
    """By whom a job is decided, numbered as in `IJob.Ruling`."""

    NONE = 0
    ACCEPT = 1
    VOID = 2
    DISPUTED = 3

    @classmethod
    def on(cls, result_hash: bytes) -> "Ruling":
        """Return what the referee has ruled who accepts this result, or none."""
        return cls.VOID if result_hash == VOID else cls.ACCEPT


@dataclass(slots=True)
class JobTally:
    """What a job counts in its `progress`; `chunks` are the published ones of the `leader`, which has the `quorum`."""

    quorum: int
    commitments: int = 0
    candidates: int = 0
    leader: bytes | None = None
    chunks: int = 0
    ruling: Ruling = Ruling.NONE

    @classmethod
    def of(cls, job: Job) -> "JobTally":
        """Return what a job of a ledger has counted."""
        leader = job.leader
        chunks = len(job.candidates[leader].chunks) if leader else 0
        ruling = Ruling.DISPUTED if job.is_disputed else Ruling.NONE
        ruling = ruling if job.ruling is None else Ruling.on(job.ruling)
        return cls(job.terms.quorum, len(job.commitments), job.rivals, leader, chunks, ruling)

    @property
    def words(self) -> dict[int, int]:
        """What is counted, by its place in `IJob.Progress`."""
        return {0: self.commitments, 2: self.candidates, 5: self.chunks, 6: int(self.ruling)}

    def take(self, event: Event, has_game: bool) -> None:
        """Count an event of the job that follows."""
        match event:
            case Committed():
                self.commitments += 1
            case Proposed(result_hash, votes=votes):
                self.candidates += votes > 0 or not has_game
                self.leader = result_hash if votes >= self.quorum else self.leader
            case ResultChunkPublished(result_hash) if result_hash == self.leader:
                self.chunks += 1
            case Ruled(result_hash):
                self.ruling = Ruling.on(result_hash)


@dataclass(slots=True)
class Tally:
    """Numbers that the contracts have as views.

    `published` has a bit for each chunk of the newest version; `jobs` are those of the open round, by address, and
    `terms` those of a round that has begun since. A ledger may not know the newest round where it begins: all seats of
    that one are settled before the next. It `counts_seats` unless some are left unread: then `unsettled` only tells
    whether there are any, and `own` of the owner's seats, (job, seat), whether they are settled. `games` are (turn,
    since when) of the challenges that are not over, by number, as far as the ledger knows their claims; `refuted` is
    the version that was, 0 for none.
    """

    members: int = 0
    versions: int = 0
    published: int = 0
    rounds: int = 0
    scheduled: int = 0
    unsettled: int = 0
    counts_seats: bool = True
    own: dict[tuple[str, int], bool] = field(default_factory=dict)
    jobs: dict[str, JobTally] = field(default_factory=dict)
    terms: RoundTerms | None = None
    knows_round: bool = True
    has_game: bool = False
    refuted: int = 0
    claims: int = 0
    challenges: int = 0
    games: dict[int, tuple[GameTurn, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger, logs: Iterable[Log], jobs: Sequence[Job], owner: str | None = None) -> "Tally":
        """Return what has been counted when these logs, of the contracts and jobs, have followed `ledger`.

        `jobs` are those of the open round all of whose events the ledger knows; `owner` is of whose seats alone it
        knows how they are settled, None for all.
        """
        newest, current = ledger.latest_version, ledger.open_round
        own = [(job, job.seat_of(owner)) for job in jobs] if owner else []
        tally = cls(
            members=len(ledger.pool.members),
            versions=len(ledger.versions),
            published=sum(1 << index for index in newest.chunks) if newest else 0,
            rounds=len(ledger.rounds),
            scheduled=ledger.scheduled or 0,
            unsettled=sum(len(job.unsettled) for job in current.jobs) if current else 0,
            counts_seats=owner is None,
            own={(job.address, seat): seat in job.settlements for job, seat in own if seat is not None},
            knows_round=not ledger.rounds.is_unknown(len(ledger.rounds) - 1),
            jobs={job.address: JobTally.of(job) for job in jobs},
            has_game=ledger.has_game,
            refuted=ledger.refuted.version if ledger.refuted else 0,
            claims=ledger.games.claim_count,
            challenges=ledger.games.challenge_count,
            games={it.number: (it.turn, it.since) for it in ledger.games.challenges.values() if it.is_running},
        )
        for log in logs:
            tally.take(log)
        return tally

    def take(self, log: Log) -> None:
        """Count an event that follows."""
        match log.event:
            case Joined():
                self.members += 1
            case Left():
                self.members -= 1
            case VersionAnnounced():
                self.versions, self.published = self.versions + 1, 0
            case ModelChunkPublished(version, index) if version == self.versions:
                self.published |= 1 << index
            case VersionRefuted(version):
                self.refuted = version
            case RoundScheduled(snapshot_block=block):
                self.scheduled = block
            case RoundDeployed(terms=terms):
                self.rounds, self.scheduled, self.jobs = self.rounds + 1, 0, {}
                self.terms, self.knows_round = terms, True
            case JobDeployed(job=job) if self.terms:
                self.unsettled += self.terms.seats
                self.jobs[job] = JobTally(self.terms.quorum)
            case SeatSettled(job, seat=seat) if self.knows_round:
                self.unsettled -= self.counts_seats
                if (job, seat) in self.own:
                    self.own[job, seat] = True
            case RoundClosed() if not self.counts_seats:
                self.unsettled = 0
            case _ if log.address in self.jobs:
                self.jobs[log.address].take(log.event, self.has_game)
            case Claimed(disputed=job):
                self.claims += 1
                if job in self.jobs and not self.jobs[job].ruling:  # a claim after a veto changes nothing
                    self.jobs[job].ruling = Ruling.DISPUTED
            case Challenged(challenge=number):
                self.challenges += 1
                self.games[number] = (GameTurn.CLAIM, log.timestamp)
            case Opened() | Revealed() if log.event.challenge in self.games:
                self.games[log.event.challenge] = (GameTurn.CHALLENGER, log.timestamp)
            case Picked() | EntryPicked() if log.event.challenge in self.games:
                self.games[log.event.challenge] = (GameTurn.CLAIM, log.timestamp)
            case Decided(challenge=number):
                self.games.pop(number, None)
