"""Rounds and jobs as everyone can read them, and how a job is decided: twin of `contracts/Job.sol`."""

from dataclasses import dataclass, field
from enum import IntEnum

from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import chunk_count
from mlchain.protocol.terms import RoundTerms

ETHER = 10**18  # wei
VOID = bytes(32)


class Phase(IntEnum):
    """Where a job stands, numbered as in `Job.Phase`."""

    COMMIT = 0
    PROPOSE = 1
    REFEREE = 2
    DECIDED = 3


class Outcome(IntEnum):
    """How a job is decided, numbered as in `Job.Outcome`."""

    UNDECIDED = 0
    UNANIMOUS = 1
    UNCONTESTED = 2
    QUORUM = 3
    RULED = 4
    FAILED = 5
    VOID = 6
    UPHELD = 7


class Verdict(IntEnum):
    """What a seat gets, numbered as in the contracts."""

    REWARDED = 0
    RELEASED = 1
    SLASHED = 2
    ABSENT = 3


@dataclass(slots=True)
class Candidate:
    """A proposed result."""

    votes: int
    proposer: str
    publishers: dict[int, str] = field(default_factory=dict)
    chunks: dict[int, bytes] = field(default_factory=dict)
    is_rival: bool = True  # of others, which do not stand uncontested beside it

    def is_complete(self, size: int) -> bool:
        """Return whether all bytes of a result of `size` bytes are on the chain."""
        return len(self.chunks) == chunk_count(size)

    def data(self) -> bytes:
        """Return the bytes of a complete candidate."""
        return b"".join(self.chunks[index] for index in sorted(self.chunks))

    def chunks_by(self, worker: str) -> int:
        """Return how many chunks `worker` has published."""
        return list(self.publishers.values()).count(worker)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a seat got (`REWARDED`) or lost (`SLASHED`, `ABSENT`), in wei."""

    verdict: Verdict
    amount: int

    @property
    def gain(self) -> int:
        """What the seat got, or less than 0 what it lost, in wei."""
        return self.amount if self.verdict is Verdict.REWARDED else -self.amount


@dataclass(slots=True)
class Job:
    """A job as its events tell it; seats are numbered from zero within the job."""

    address: str
    index: int
    task_hash: bytes
    terms: RoundTerms
    commit_deadline: int
    committee: tuple[str, ...]
    commitments: dict[int, bytes] = field(default_factory=dict)
    all_committed_at: int | None = None
    candidates: dict[bytes, Candidate] = field(default_factory=dict)
    ruling: bytes | None = None
    standing: dict[bytes, int] = field(default_factory=dict)  # claims that are not refuted, of each claimed result
    settlements: dict[int, Settlement] = field(default_factory=dict)
    decision: tuple[Outcome, bytes] | None = None
    _seats: dict[str, int] = field(init=False, repr=False, compare=False)  # by who holds them

    def __post_init__(self) -> None:
        self._seats = {worker: seat for seat, worker in enumerate(self.committee)}

    def seat_of(self, worker: str) -> int | None:
        """Return the seat that `worker` holds, if any: nobody is drawn twice."""
        return self._seats.get(worker)

    @property
    def commit_end(self) -> int:
        """When the commit phase ends or has ended, in seconds."""
        return self.commit_deadline if self.all_committed_at is None else self.all_committed_at

    @property
    def challenge_end(self) -> int:
        """From when on a unanimous answer stands, in seconds."""
        return self.commit_end + self.terms.challenge_window

    @property
    def publish_end(self) -> int:
        """When seats can no longer propose, in seconds."""
        return self.commit_end + self.terms.publish_window

    @property
    def referee_end(self) -> int:
        """When the job is decided at the latest, in seconds."""
        return self.publish_end + self.terms.referee_window

    @property
    def rivals(self) -> int:
        """How many candidates contest each other, as `Job.progress` counts them."""
        return sum(candidate.is_rival for candidate in self.candidates.values())

    @property
    def is_disputed(self) -> bool:
        """Whether a result was claimed, so that claims decide."""
        return bool(self.standing)

    def is_refuted(self, result_hash: bytes) -> bool:
        """Return whether a result was claimed, and all its claims are refuted."""
        return self.standing.get(result_hash) == 0

    @property
    def accepted(self) -> bytes | None:
        """The hash of the result that was accepted; None before a seat is settled, and where nothing was."""
        return None if self.decision is None or self.decision[1] == VOID else self.decision[1]

    @property
    def unsettled(self) -> list[int]:
        """The seats that are not settled yet."""
        return [seat for seat in range(self.terms.seats) if seat not in self.settlements]

    @property
    def is_settled(self) -> bool:
        """Whether no seat is left unsettled."""
        return len(self.settlements) == self.terms.seats

    @property
    def leader(self) -> bytes | None:
        """The hash of the candidate that has a quorum, if any: there is one at most."""
        leaders = (hash_ for hash_, candidate in self.candidates.items() if candidate.votes >= self.terms.quorum)
        return next(leaders, None)

    def is_complete(self, result_hash: bytes) -> bool:
        """Return whether `result_hash` is a candidate whose bytes are all on the chain."""
        candidate = self.candidates.get(result_hash)
        return candidate is not None and candidate.is_complete(self.terms.result_size)

    def opens(self, seat: int, result_hash: bytes) -> bool:
        """Return whether what a seat has committed to is this result."""
        return self.commitments.get(seat) == commitment(self.address, seat, result_hash)

    def votes_for(self, result_hash: bytes) -> int:
        """Return how many seats have committed to this result."""
        return sum(self.opens(seat, result_hash) for seat in self.commitments)

    def opened_by(self, seat: int) -> bytes | None:
        """Return the hash of the candidate that a seat has committed to, if it was proposed."""
        return next((hash_ for hash_ in self.candidates if self.opens(seat, hash_)), None)


def outcome(job: Job, now: int) -> tuple[Outcome, bytes]:
    """Return how `job` is decided at the time `now`, and the hash of the accepted result or 32 zero bytes."""
    if job.ruling is not None:
        return (Outcome.VOID, VOID) if job.ruling == VOID else (Outcome.RULED, job.ruling)

    referee_is_late, leader = now >= job.referee_end, job.leader
    if job.is_disputed:
        standing = [result for result, claims in job.standing.items() if claims]
        if referee_is_late and len(standing) == 1:
            return Outcome.UPHELD, standing[0]
        return (Outcome.FAILED if referee_is_late else Outcome.UNDECIDED), VOID
    if leader is not None and job.is_complete(leader):
        unanimous = job.candidates[leader].votes == len(job.commitments)
        if unanimous and now >= job.challenge_end:
            return Outcome.UNANIMOUS, leader
        if job.rivals == 1 and now >= job.publish_end:
            return Outcome.UNCONTESTED, leader
        if referee_is_late:
            return Outcome.QUORUM, leader
    return (Outcome.FAILED if referee_is_late else Outcome.UNDECIDED), VOID


def phase(job: Job, now: int) -> Phase:
    """Return the phase of `job` at the time `now`."""
    if now < job.commit_end:
        return Phase.COMMIT
    if outcome(job, now)[0] is not Outcome.UNDECIDED:
        return Phase.DECIDED
    return Phase.PROPOSE if now < job.publish_end else Phase.REFEREE


@dataclass(slots=True)
class Round:
    """A round and its jobs, in the order of their index.

    `has_unread_seats` where not all that was settled in it is known: then only its end tells that it all was.
    """

    number: int
    terms: RoundTerms
    snapshot_block: int
    seed: bytes
    pool_size: int
    commit_deadline: int
    task: bytes
    jobs: list[Job] = field(default_factory=list)
    is_closed: bool = False
    has_unread_seats: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether no seat is left unsettled."""
        return self.is_closed or all(job.is_settled for job in self.jobs)

    def accepted_results(self) -> list[bytes]:
        """Return the bytes of the accepted results of a settled round, in job order."""
        return [job.candidates[job.accepted].data() for job in self.jobs if job.accepted is not None]
