"""The state of the whole protocol, folded from the contracts' events: what server, workers and auditors decide from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlchain.protocol.content import chunk_count
from mlchain.protocol.draw import position_of
from mlchain.protocol.pool import Pool
from mlchain.protocol.rounds import Candidate, Job, Outcome, Round, RoundTerms, Settlement, Verdict


@dataclass(frozen=True, slots=True)
class Log:
    """An event: `name` and `arguments` as in its contract, at `address`, in `block` at `timestamp`.

    `transaction` is the hash of the one that caused it, in hex.
    """

    name: str
    address: str
    arguments: Mapping[str, object]
    block: int
    index: int
    timestamp: int
    transaction: str = ""


@dataclass(slots=True)
class Account:
    """What the registry owes to an owner, in wei, and when the owner last left the pool (None for a member)."""

    stake: int = 0
    credit: int = 0
    left_at: int | None = None


@dataclass(slots=True)
class ModelVersion:
    """A version of the model; `chunks` fill up until it is complete."""

    number: int
    parent: int
    content_hash: bytes
    size: int
    chunks: dict[int, bytes] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are on the chain."""
        return len(self.chunks) == chunk_count(self.size)

    def data(self) -> bytes:
        """Return the bytes of a complete version."""
        return b"".join(self.chunks[index] for index in sorted(self.chunks))


class Ledger:
    """Folds logs, in the order of the chain, into the state that they describe."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.pool = Pool()
        self.accounts: dict[str, Account] = {}
        self.versions: list[ModelVersion] = []
        self.rounds: list[Round] = []
        self.escrow = 0
        self.paid_in = 0
        self.paid_out = 0
        self.last_settlement_block = 0
        self._jobs: dict[str, Job] = {}
        self._round_of: dict[str, Round] = {}  # by the address of a job

    @property
    def open_round(self) -> Round | None:
        """The round that has unsettled seats, if any."""
        return self.rounds[-1] if self.rounds and not self.rounds[-1].is_settled else None

    @property
    def latest_version(self) -> ModelVersion | None:
        """The newest version, complete or not."""
        return self.versions[-1] if self.versions else None

    @property
    def owed(self) -> int:
        """Everything that the registry owes to anybody, in wei."""
        return self.escrow + sum(account.stake + account.credit for account in self.accounts.values())

    def model_of(self, current: Round) -> bytes:
        """Return the model that a round trains, all of whose bytes were on the chain before it could be deployed."""
        return self.versions[current.terms.model_version - 1].data()

    def parent_of(self, current: Round) -> bytes | None:
        """Return the version that the model of a round was made from; None if there is none, or not all of it."""
        parent = self.versions[current.terms.model_version - 1].parent
        before = self.versions[parent - 1] if parent else None
        return before.data() if before and before.is_complete else None

    def inputs_of(self, current: Round, job: Job) -> tuple[bytes, int, int, bytes | None]:
        """Return what the right result of a job follows from: model, round, index in it, and the model's parent."""
        return self.model_of(current), current.number, job.index, self.parent_of(current)

    def job_at(self, address: str) -> Job | None:
        """Return the job at an address, if there is one."""
        return self._jobs.get(address)

    def round_of(self, job: Job) -> Round:
        """Return the round that a job belongs to."""
        return self._round_of[job.address]

    def account(self, owner: str) -> Account:
        """Return what is owed to `owner`."""
        return self.accounts.setdefault(owner, Account())

    def fold(self, log: Log) -> None:
        """Take one event in. Events that carry no state of their own are passed over."""
        job = self._jobs.get(log.address)
        name = f"_job_{_snake(log.name)}" if job else f"_{_snake(log.name)}"
        handler = getattr(self, name, None)
        if handler and job:
            handler(job, log, **log.arguments)
        elif handler:
            handler(log, **log.arguments)

    # Model registry

    def _version_announced(self, log: Log, version: int, parent: int, contentHash: bytes, size: int) -> None:
        self.versions.append(ModelVersion(version, parent, bytes(contentHash), size))

    def _chunk_published(self, log: Log, version: int, index: int, chunk: bytes) -> None:
        self.versions[version - 1].chunks[index] = bytes(chunk)

    # Worker registry

    def _joined(self, log: Log, worker: str, position: int, paid: int) -> None:
        account = self.account(worker)
        account.stake += paid
        self.paid_in += paid
        account.left_at = None
        self.pool.join(log.block, worker)

    def _left(self, log: Log, worker: str, position: int) -> None:
        self.account(worker).left_at = log.block
        self.pool.leave(log.block, position)

    def _round_opened(self, log: Log, snapshotBlock: int, seats: int, escrow: int) -> None:
        self.escrow = escrow
        self.paid_in += escrow

    def _seat_settled(self, log: Log, job: str, worker: str, seat: int, verdict: int, amount: int) -> None:
        self.last_settlement_block = log.block
        account = self.account(worker)
        if verdict == Verdict.REWARDED:
            account.credit += amount
            self.escrow -= amount
        else:
            account.stake -= amount
            self.account(self.server).credit += amount
        self._jobs[job].settlements[seat] = Settlement(Verdict(verdict), amount)

    def _round_closed(self, log: Log, remainder: int) -> None:
        self.account(self.server).credit += remainder
        self.escrow -= remainder

    def _withdrawn(self, log: Log, account: str, amount: int) -> None:
        self.account(account).credit -= amount
        self.paid_out += amount

    def _stake_withdrawn(self, log: Log, worker: str, amount: int) -> None:
        self.account(worker).stake -= amount
        self.paid_out += amount

    # Job factory

    def _round_deployed(
        self,
        log: Log,
        round: int,
        modelVersion: int,
        seed: bytes,
        poolSize: int,
        commitDeadline: int,
        terms: tuple[int, ...],
        task: bytes,
    ) -> None:
        deployed = Round(round, RoundTerms(*terms), bytes(seed), poolSize, commitDeadline, bytes(task))
        self.rounds.append(deployed)

    def _job_deployed(self, log: Log, round: int, index: int, job: str, taskHash: bytes) -> None:
        current = self.rounds[-1]
        committee = tuple(
            self.pool.worker_at(position_of(current.seed, current.pool_size, seat), current.terms.snapshot_block)
            for seat in range(index * current.terms.seats, (index + 1) * current.terms.seats)
        )
        deployed = Job(job, index, bytes(taskHash), current.terms, current.commit_deadline, committee)
        current.jobs.append(deployed)
        self._jobs[job], self._round_of[job] = deployed, current

    # Jobs

    def _job_committed(self, job: Job, log: Log, seat: int, worker: str, commitment: bytes) -> None:
        job.commitments[seat] = bytes(commitment)
        if len(job.commitments) == job.terms.seats:
            job.all_committed_at = log.timestamp

    def _job_proposed(self, job: Job, log: Log, resultHash: bytes, proposer: str, votes: int) -> None:
        job.candidates[bytes(resultHash)] = Candidate(votes, proposer)

    def _job_chunk_published(
        self, job: Job, log: Log, resultHash: bytes, index: int, publisher: str, chunk: bytes
    ) -> None:
        candidate = job.candidates[bytes(resultHash)]
        candidate.chunks[index] = bytes(chunk)
        candidate.publishers[index] = publisher

    def _job_ruled(self, job: Job, log: Log, resultHash: bytes) -> None:
        job.ruling = bytes(resultHash)

    def _job_settled(self, job: Job, log: Log, outcome: int, acceptedHash: bytes, seats: int) -> None:
        job.decision = (Outcome(outcome), bytes(acceptedHash))


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
