"""A chain on paper: it takes calls and refuses them as the contracts would, and tells the ledger what happened."""

import re

from eth_utils import keccak, to_checksum_address

from mlchain.protocol.calls import Call, View
from mlchain.protocol.commitments import commitment, task_hash
from mlchain.protocol.content import chunk_hashes, content_hash, split
from mlchain.protocol.ledger import Ledger, Log
from mlchain.protocol.rounds import Job, Outcome, Phase, RoundTerms, Verdict, outcome, phase

CHAIN_ID = 1337
ETHER = 10**18
STAKE = ETHER
ABSENCE_FEE = ETHER // 10
LOOK_BACK = 128


def address_of(name: str) -> str:
    """Return an address that follows from a name."""
    return to_checksum_address(keccak(text=name)[-20:])


SERVER = address_of("server")


class Refused(Exception):
    """What the contracts would have refused, by the name of their error."""


def require(condition: bool, error: str) -> None:
    """Refuse, as the contracts do."""
    if not condition:
        raise Refused(error)


class Stage:
    """Blocks of one transaction and one second each."""

    def __init__(self) -> None:
        self.ledger = Ledger(SERVER)
        self.block = 1
        self.now = 1_000
        self.balance = 100 * ETHER
        self.sent: list[tuple[str, Call]] = []

    def view(self) -> View:
        """Return what everybody sees; everybody has the same balance."""
        return View(self.ledger, self.block, self.now, CHAIN_ID, STAKE, lambda _address: self.balance)

    def advance_to(self, timestamp: int) -> None:
        """Let time pass without a block."""
        self.now = max(self.now, timestamp)

    def mine(self, blocks: int) -> None:
        """Let blocks pass."""
        self.block += blocks
        self.now += blocks

    def send(self, sender: str, call: Call) -> None:
        """Take a transaction; raises Refused."""
        if call.contract == "Job":
            getattr(self, _handler(call.method))(sender, self.job_at(call.address), *call.arguments)
        elif call.contract == "WorkerRegistry":
            getattr(self, _handler(call.method))(sender, call.value)
        else:
            require(sender == SERVER, "NotTheServer")
            getattr(self, _handler(call.contract + "_" + call.method))(*call.arguments, value=call.value)
        self.sent.append((sender, call))
        self.mine(1)

    def job_at(self, address: str) -> Job:
        """Return the job at an address."""
        return next(job for current in self.ledger.rounds for job in current.jobs if job.address == address)

    def _emit(self, name: str, address: str = "", **arguments: object) -> None:
        self.ledger.fold(Log(name, address, arguments, self.block + 1, 0, self.now))

    # Model registry

    def _model_registry_announce(self, parent: int, content: bytes, size: int, value: int) -> None:
        require(parent <= len(self.ledger.versions), "UnknownVersion")
        number = len(self.ledger.versions) + 1
        self._emit("VersionAnnounced", version=number, parent=parent, contentHash=content, size=size)

    def _model_registry_publish(self, version: int, index: int, hashes: list, chunk: bytes, value: int) -> None:
        announced = self.ledger.versions[version - 1]
        require(keccak(b"".join(hashes)) == announced.content_hash, "WrongChunkHashes")
        require(keccak(chunk) == hashes[index], "WrongChunk")
        require(index not in announced.chunks, "AlreadyPublished")
        self._emit("ChunkPublished", version=version, index=index, chunk=chunk)

    # Worker registry

    def _join(self, sender: str, value: int) -> None:
        require(sender not in self.ledger.pool, "AlreadyMember")
        require(value == STAKE - self.ledger.account(sender).stake, "WrongStake")
        self._emit("Joined", worker=sender, position=len(self.ledger.pool.members), paid=value)

    def _leave(self, sender: str, value: int = 0) -> None:
        require(sender in self.ledger.pool, "NotAMember")
        self._emit("Left", worker=sender, position=self.ledger.pool.members.index(sender))

    def _withdraw(self, sender: str, value: int) -> None:
        require(self.ledger.account(sender).credit > 0, "NothingToWithdraw")
        self._emit("Withdrawn", account=sender, amount=self.ledger.account(sender).credit)

    def _withdraw_stake(self, sender: str, value: int) -> None:
        account, current = self.ledger.account(sender), self.ledger.open_round
        require(sender not in self.ledger.pool, "StakeInUse")
        require(account.stake > 0, "NothingToWithdraw")
        require(self.block + 1 > account.left_at + LOOK_BACK, "StakeLocked")
        require(current is None or current.terms.pool_block >= account.left_at, "RoundIsOpen")
        self._emit("StakeWithdrawn", worker=sender, amount=account.stake)

    # Job factory

    def _job_factory_deploy_round(self, terms: RoundTerms, random: bytes, task: bytes, value: int) -> None:
        require(self.ledger.versions[terms.model_version - 1].is_complete, "IncompleteModel")
        require(terms.seats // 2 < terms.quorum <= terms.seats, "InvalidQuorum")
        require(terms.audit_window <= terms.publish_window, "AuditOutlastsPublishing")
        require(value == terms.escrow, "WrongEscrow")
        require(self.ledger.open_round is None, "RoundIsOpen")
        size = self.ledger.pool.size_at(terms.pool_block)
        require(0 < terms.jobs * terms.seats <= size, "PoolTooSmall")
        number = len(self.ledger.rounds) + 1
        deadline = self.now + terms.commit_window
        fields = [getattr(terms, name) for name in terms.__slots__]
        self._emit("RoundOpened", poolBlock=terms.pool_block, seats=terms.jobs * terms.seats, escrow=value)
        self._emit(
            "RoundDeployed",
            round=number,
            modelVersion=terms.model_version,
            seed=keccak(random + number.to_bytes(8, "big")),
            poolSize=size,
            commitDeadline=deadline,
            terms=fields,
            task=task,
        )
        for index in range(terms.jobs):
            address = address_of(f"job {number} {index}")
            self._emit("JobDeployed", round=number, index=index, job=address, taskHash=task_hash(task, number, index))

    # Jobs

    def _commit(self, sender: str, job: Job, seat: int, sealed: bytes) -> None:
        require(phase(job, self.now) is Phase.COMMIT, "WrongPhase")
        require(seat not in job.commitments, "AlreadyCommitted")
        require(job.committee[seat] == sender, "NotTheHolder")
        self._emit("Committed", job.address, seat=seat, worker=sender, commitment=sealed)

    def _require_opens(self, sender: str, job: Job, seat: int, result_hash: bytes) -> None:
        require(job.committee[seat] == sender, "NotTheHolder")
        require(self.opens(job, seat, result_hash), "DoesNotOpen")

    @staticmethod
    def opens(job: Job, seat: int, result_hash: bytes) -> bool:
        """Return whether a seat has committed to a result."""
        return job.commitments.get(seat) == commitment(CHAIN_ID, job.address, seat, result_hash)

    def _require_undecided(self, job: Job) -> None:
        require(phase(job, self.now) in (Phase.PROPOSE, Phase.REFEREE), "WrongPhase")

    def _propose(self, sender: str, job: Job, seat: int, result_hash: bytes) -> None:
        require(phase(job, self.now) is Phase.PROPOSE, "WrongPhase")
        self._require_opens(sender, job, seat, result_hash)
        self._stand(sender, job, result_hash)

    def _propose_as_referee(self, sender: str, job: Job, result_hash: bytes) -> None:
        require(sender == SERVER, "NotTheReferee")
        self._require_undecided(job)
        self._stand(sender, job, result_hash)

    def _stand(self, sender: str, job: Job, result_hash: bytes) -> None:
        require(result_hash not in job.candidates, "AlreadyProposed")
        votes = sum(self.opens(job, seat, result_hash) for seat in range(job.terms.seats))
        self._emit("Proposed", job.address, resultHash=result_hash, proposer=sender, votes=votes)

    def _publish(self, sender: str, job: Job, seat: int, result_hash: bytes, *chunk: object) -> None:
        self._require_undecided(job)
        self._require_opens(sender, job, seat, result_hash)
        self._show(sender, job, result_hash, *chunk)

    def _publish_as_referee(self, sender: str, job: Job, result_hash: bytes, *chunk: object) -> None:
        require(sender == SERVER, "NotTheReferee")
        self._require_undecided(job)
        self._show(sender, job, result_hash, *chunk)

    def _show(self, sender: str, job: Job, result_hash: bytes, index: int, hashes: list, chunk: bytes) -> None:
        require(result_hash in job.candidates, "NotProposed")
        require(keccak(b"".join(hashes)) == result_hash, "WrongChunkHashes")
        require(keccak(chunk) == hashes[index], "WrongChunk")
        require(index not in job.candidates[result_hash].chunks, "AlreadyPublished")
        self._emit("ChunkPublished", job.address, resultHash=result_hash, index=index, publisher=sender, chunk=chunk)

    def _rule(self, sender: str, job: Job, result_hash: bytes) -> None:
        require(sender == SERVER, "NotTheReferee")
        self._require_undecided(job)
        require(job.is_complete(result_hash), "NotComplete")
        self._emit("Ruled", job.address, resultHash=result_hash)

    def _settle(self, sender: str, job: Job, seats: list[int]) -> None:
        decision, accepted = outcome(job, self.now)
        require(decision is not Outcome.UNDECIDED and phase(job, self.now) is Phase.DECIDED, "WrongPhase")
        fresh = [seat for seat in dict.fromkeys(seats) if seat not in job.settlements]
        require(bool(fresh), "NothingToSettle")
        self._emit("Settled", job.address, outcome=int(decision), acceptedHash=accepted, seats=len(fresh))
        for seat in fresh:
            self._settle_seat(job, seat, decision, accepted)
        if self.ledger.open_round is None:
            self._emit("RoundClosed", remainder=self.ledger.escrow)

    def _settle_seat(self, job: Job, seat: int, decision: Outcome, accepted: bytes) -> None:
        worker = job.committee[seat]
        verdict = self._verdict(job, seat, decision, accepted)
        amount = 0
        if verdict is Verdict.REWARDED:
            publishers = job.candidates[accepted].publishers.values()
            share = job.terms.bonus // len(publishers)
            amount = job.terms.reward + share * sum(publisher == worker for publisher in publishers)
        elif verdict is not Verdict.RELEASED:
            amount = ABSENCE_FEE if verdict is Verdict.ABSENT else self.ledger.account(worker).stake
            if worker in self.ledger.pool:
                self._leave(worker)
        details = {"job": job.address, "worker": worker, "seat": seat}
        self._emit("SeatSettled", **details, verdict=int(verdict), amount=amount)

    def _verdict(self, job: Job, seat: int, decision: Outcome, accepted: bytes) -> Verdict:
        if seat not in job.commitments:
            return Verdict.ABSENT
        if decision is Outcome.VOID:
            return Verdict.RELEASED
        if decision is Outcome.FAILED:
            opened = any(self.opens(job, seat, result_hash) for result_hash in job.candidates)
            return Verdict.RELEASED if opened else Verdict.SLASHED
        return Verdict.REWARDED if self.opens(job, seat, accepted) else Verdict.SLASHED


def chunk_of(data: bytes, index: int = 0) -> tuple[bytes, int, list[bytes], bytes]:
    """Return what is published as chunk `index` of `data`."""
    return content_hash(data), index, chunk_hashes(data), split(data)[index]


def _handler(name: str) -> str:
    return "_" + re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), name).lstrip("_").replace("__", "_")
