"""The state of the whole protocol, folded from the contracts' events: what server, workers and auditors decide from."""

from dataclasses import dataclass, field

from mlchain.protocol import events
from mlchain.protocol.announcements import announced_recipe
from mlchain.protocol.commitments import task_hash
from mlchain.protocol.content import chunk_count
from mlchain.protocol.disputes import Games
from mlchain.protocol.draw import position_of
from mlchain.protocol.game_events import GameEvent
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced, VersionRefuted
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE, Pool
from mlchain.protocol.records import Records
from mlchain.protocol.rounds import VOID, Candidate, Job, Round, Settlement, Verdict


@dataclass(slots=True)
class Account:
    """What the registry owes to an owner, in wei, and when the owner last left the pool (None for a member).

    `lost` is what stakes and fees it has ever taken from the owner, in wei, `slashes` how many of them were stakes;
    `bounties` what it has ever been paid for lies that it has shown.
    """

    stake: int = 0
    credit: int = 0
    left_at: int | None = None
    lost: int = 0
    slashes: int = 0
    bounties: int = 0


@dataclass(slots=True)
class ModelVersion:
    """A version of the model, made of what `round` accepted, 0 for the first; `chunks` fill up until it is complete."""

    number: int
    round: int
    content_hash: bytes
    size: int
    chunks: dict[int, bytes] = field(default_factory=dict)

    @property
    def parent(self) -> int:
        """The number of the version before, 0 for the first."""
        return self.number - 1

    @property
    def is_complete(self) -> bool:
        """Whether all bytes are on the chain."""
        return len(self.chunks) == chunk_count(self.size)

    def data(self) -> bytes:
        """Return the bytes of a complete version."""
        return b"".join(self.chunks[index] for index in sorted(self.chunks))


class Ledger:
    """Folds logs, in the order of the chain, into the state that they describe; `has_game` of a contract as referee."""

    def __init__(self, server: str, has_game: bool = False) -> None:
        self.server = server
        self.has_game = has_game
        self.pool = Pool()
        self.accounts: dict[str, Account] = {}
        self.versions: Records[ModelVersion] = Records()
        self.rounds: Records[Round] = Records()
        self.escrow = 0
        self.burnt = 0
        self.paid_in = 0
        self.paid_out = 0
        self.scheduled: int | None = None  # the snapshot block, until the round is deployed
        self.data_addresses: dict[bytes, str] = {}  # of data sets by fingerprint, the one announced last at the end
        self.announced_recipe: bytes | None = None  # what the rounds will train by, for who joins before the first
        self.refuted: VersionRefuted | None = None  # no round can be deployed any more
        self.games = Games()  # where the referee is a contract
        self._jobs: dict[str, Job] = {}
        self._round_of: dict[str, Round] = {}  # by the address of a job

    @property
    def open_round(self) -> Round | None:
        """The round that has unsettled seats, if any."""
        last = self.rounds.last
        return None if last is None or last.is_settled else last

    @property
    def latest_version(self) -> ModelVersion | None:
        """The newest version, complete or not."""
        return self.versions.last

    @property
    def owed(self) -> int:
        """Everything that the registry owes to anybody, in wei; what is burnt is not."""
        return self.escrow + sum(account.stake + account.credit for account in self.accounts.values())

    def scheduled_block(self, block: int) -> int | None:
        """Return the snapshot block of a round that is scheduled and can be deployed in `block`, None without one."""
        scheduled = self.scheduled
        return scheduled if scheduled is not None and block <= scheduled + MAX_SNAPSHOT_AGE else None

    def unmerged_results(self, version: int) -> list[bytes]:
        """Return what the last round accepted, once it is settled, if `version`, which it trained, is without it."""
        last = self.rounds.last
        if last is None or not last.is_settled or last.terms.model_version != version:
            return []
        return last.accepted_results()

    def model_of(self, current: Round) -> bytes:
        """Return the model that a round trains, all of whose bytes were on the chain before it could be deployed."""
        return self.versions[current.terms.model_version - 1].data()

    def parent_of(self, current: Round) -> bytes | None:
        """Return the version that the model of a round was made from; None where its jobs do not follow from one.

        Their task hash has decided that: a parent that was published whole only later changes nothing.
        """
        parent = self.versions[current.terms.model_version - 1].parent
        before = self.versions[parent - 1] if parent else None
        if before is None or not before.is_complete:
            return None
        bound = self._task_hash(current, before.content_hash)
        return before.data() if any(job.task_hash == bound for job in current.jobs) else None

    def inputs_of(self, current: Round, job: Job) -> tuple[bytes, bytes, int, bytes | None, int]:
        """Return what the right result of a job follows from: model, seed, index, the model's parent and its number."""
        return self.model_of(current), current.seed, job.index, self.parent_of(current), current.terms.model_version

    def task_hash_of(self, current: Round) -> bytes:
        """Return the task hash that all jobs of a round have that is deployed now."""
        version = self.versions[current.terms.model_version - 1]
        parent = self.versions[version.parent - 1] if version.parent else None
        if parent is None or parent.size != version.size or not parent.is_complete:
            return self._task_hash(current, VOID)
        return self._task_hash(current, parent.content_hash)

    def _task_hash(self, current: Round, parent: bytes) -> bytes:
        number = current.terms.model_version
        return task_hash(current.task, self.versions[number - 1].content_hash, parent, number)

    def job_at(self, address: str) -> Job | None:
        """Return the job at an address, if there is one."""
        return self._jobs.get(address)

    def round_of(self, job: Job) -> Round:
        """Return the round that a job belongs to."""
        return self._round_of[job.address]

    def account(self, owner: str) -> Account:
        """Return what is owed to `owner`."""
        return self.accounts.setdefault(owner, Account())

    def forget_past(self, owner: str) -> None:
        """Forget what `owner` does not decide from any more, so that a ledger that is followed for long does not grow.

        What stays are the owner's bonds, the two newest rounds, for lines are printed about the older one, and the
        versions of the model from the one that it trains on, with their parents.
        """
        for current in self.rounds:
            if current.number <= len(self.rounds) - 2:
                self.rounds.forget(current.number - 1)
                for job in current.jobs:
                    del self._jobs[job.address], self._round_of[job.address]
                    self.games.forget(job, owner)
        oldest = min((current.terms.model_version for current in self.rounds), default=0)
        parents = {version.parent for version in self.versions if version.number >= oldest}
        for version in self.versions:
            if version.number < oldest and version.number not in parents:
                self.versions.forget(version.number - 1)

    @property
    def lacks_model(self) -> bool:
        """Whether the newest round trains a version, or one that was made from a version, which is unknown here."""
        last = self.rounds.last
        if last is None:
            return False
        trained = last.terms.model_version - 1
        return self.versions.is_unknown(trained) or self.versions.is_unknown(self.versions[trained].parent - 1)

    def fold(self, log: events.Log) -> None:
        """Take one event in. Events that carry no state of their own are passed over."""
        job = self._jobs.get(log.address)
        if job:
            self._fold_job(job, log)
        elif isinstance(log.event, GameEvent):
            self.games.fold(log.event, log.timestamp, self._jobs.get)
        else:
            self._fold_registry(log)

    def _fold_registry(self, log: events.Log) -> None:
        match log.event:
            case VersionAnnounced(version, number, content_hash, size):
                self.versions.append(ModelVersion(version, number, content_hash, size))
            case VersionRefuted() as refuted:
                self.refuted = refuted
            case ModelChunkPublished(version, index, chunk):
                if not self.versions.is_unknown(version - 1):
                    self.versions[version - 1].chunks[index] = chunk
            case events.Joined() as joined:
                self._join(joined, log.block)
            case events.Left(worker, position):
                self.account(worker).left_at = log.block
                self.pool.leave(log.block, position)
            case events.RoundOpened(escrow=escrow):
                self.escrow = escrow
                self.paid_in += escrow
            case events.RoundScheduled(snapshot_block=snapshot_block):
                self.scheduled = snapshot_block
            case events.DataAnnounced(fingerprint, url):
                self._announce(fingerprint, url)
            case events.RoundDeployed() as it:
                self.scheduled = None
                place = (it.snapshot_block, it.seed, it.pool_size)
                self.rounds.append(Round(it.round, it.terms, *place, it.commit_deadline, it.task))
            case events.JobDeployed() as deployed:
                self._deploy_job(deployed)
            case events.SeatSettled() as settled:
                self._settle_seat(settled)
            case events.Forfeited(amount=amount):
                self.escrow -= amount
                self.burnt += amount
            case events.BountyPaid(job=job, finder=finder, amount=amount) if job in self._jobs:
                self.account(finder).credit += amount
                self.account(finder).bounties += amount
                self.burnt -= amount
            case events.RoundClosed(remainder):
                if self.rounds.last:
                    self.rounds.last.is_closed = True
                self.account(self.server).credit += remainder
                self.escrow -= remainder
            case events.Withdrawn(owner, amount):
                self.account(owner).credit -= amount
                self.paid_out += amount
            case events.StakeWithdrawn(worker, amount):
                self.account(worker).stake -= amount
                self.paid_out += amount

    def _announce(self, fingerprint: bytes, url: str) -> None:
        recipe = announced_recipe(fingerprint, url)
        if recipe is not None:
            self.announced_recipe = recipe
            return
        self.data_addresses.pop(fingerprint, None)
        self.data_addresses[fingerprint] = url

    def _join(self, event: events.Joined, block: int) -> None:
        account = self.account(event.worker)
        account.stake += event.paid
        self.paid_in += event.paid
        account.left_at = None
        self.pool.join(block, event.worker)

    def _deploy_job(self, event: events.JobDeployed) -> None:
        current = self.rounds[-1]
        terms, first = current.terms, event.index * current.terms.seats
        committee = tuple(self._holder(current, seat) for seat in range(first, first + terms.seats))
        job = Job(event.job, event.index, event.task_hash, terms, current.commit_deadline, committee)
        current.jobs.append(job)
        self._jobs[job.address], self._round_of[job.address] = job, current

    def _holder(self, current: Round, seat: int) -> str:
        """Return who holds a seat, numbered through all jobs of a round."""
        position = position_of(current.seed, current.pool_size, seat)
        holder = self.pool.worker_at(position, current.snapshot_block)
        if holder is None:
            raise LookupError(f"nobody was at position {position} at the end of block {current.snapshot_block}")
        return holder

    def _settle_seat(self, event: events.SeatSettled) -> None:
        if self.rounds.is_unknown(len(self.rounds) - 1):  # a seat of the round before the ledger begins
            return
        account = self.account(event.worker)
        if event.verdict is Verdict.REWARDED:
            account.credit += event.amount
            self.escrow -= event.amount
        else:
            account.stake -= event.amount
            account.lost += event.amount
            account.slashes += event.verdict is Verdict.SLASHED
            self.burnt += event.amount
        self._jobs[event.job].settlements[event.seat] = Settlement(event.verdict, event.amount)

    def _fold_job(self, job: Job, log: events.Log) -> None:
        match log.event:
            case events.Committed(seat=seat, commitment=commitment):
                job.commitments[seat] = commitment
                if len(job.commitments) == job.terms.seats:
                    job.all_committed_at = log.timestamp
            case events.Proposed(result_hash, proposer, votes):
                job.candidates[result_hash] = Candidate(votes, proposer, is_rival=votes > 0 or not self.has_game)
            case events.ResultChunkPublished(result_hash, index, publisher, chunk):
                candidate = job.candidates[result_hash]
                candidate.chunks[index] = chunk
                candidate.publishers[index] = publisher
            case events.Ruled(result_hash):
                job.ruling = result_hash
            case events.Settled(outcome=outcome, accepted_hash=accepted_hash):
                job.decision = (outcome, accepted_hash)
