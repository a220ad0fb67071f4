"""Rounds played at random through the contracts, step by step, while the ledger is held against every view they have.

The dice are a seeded generator and not Hypothesis' choices: those lean to the simplest case, in which nobody proposes.
"""

from random import Random

from ape import chain, project

from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment, Parameters
from mlchain.protocol.calls import missing_chunks
from mlchain.protocol.content import CHUNK_SIZE, content_hash
from mlchain.protocol.rounds import VOID, Phase, outcome, phase
from tests.contracts.chain_control import move_to, now
from tests.contracts.protocol_steps import (
    ABSENCE_FEE,
    MAX_ROUND_DURATION,
    MIN_WINDOW,
    RIGHT,
    STAKE,
    WORSE,
    WRONG,
    Committee,
    chunk_of,
    deploy_round,
)

DAY = 24 * 3600
MOVES = ["act"] * 5 + ["wait", "walk"]
ANSWERS = [0] * 7 + [1, 1, 2, None]  # which result a seat commits to


def stretched(result: bytes, chunks: int) -> bytes:
    """Return a result that travels in so many chunks."""
    return result * (1 + (chunks - 1) * CHUNK_SIZE // len(result))


def record_of(models, factory, registry, server) -> Deployment:
    """Return the deployment record of what the fixtures have deployed, and of a counter."""
    addresses = {
        "Counter": server.deploy(project.Counter).address,
        "ModelRegistry": models.address,
        "JobFactory": factory.address,
        "WorkerRegistry": registry.address,
        "Job": factory.IMPLEMENTATION(),
    }
    parameters = Parameters(STAKE, ABSENCE_FEE, MIN_WINDOW, MAX_ROUND_DURATION, min_seats=1)
    return Deployment(Chain().chain_id, Chain().genesis, 1, server.address, parameters, addresses)


def follow(deployment: Deployment) -> Chain:
    """Return a reader of a deployment that has read nothing yet."""
    reader = Chain()
    reader.follow(deployment)
    return reader


class RandomRounds:
    """Plays legal steps at random; what is legal follows from the ledger, which is what is tested."""

    def __init__(self, seed: int, deployment, factory, registry, server, workers) -> None:
        self._random = Random(seed)
        self._factory, self._registry, self._server, self._workers = factory, registry, server, workers
        self._results: list[bytes] = []
        self._answers: dict[tuple[str, int], bytes] = {}
        self._committees: list[Committee] = []
        self.chain = follow(deployment)
        move_to(now() + DAY)  # away from today, where the clock runs by itself

    @property
    def ledger(self):
        """The ledger up to the head."""
        return self.chain.view().ledger

    # Steps

    def deploy(self) -> None:
        """Deploy a round that the pool is large enough for."""
        size = len(self.ledger.pool.members)
        jobs = min(self._random.choice([1, 1, 2]), size)
        seats = min(self._random.choice([1, 2, 3, 3]), size // jobs)
        chunks = self._random.choice([1, 1, 2])
        self._results = [stretched(result, chunks) for result in (RIGHT, WRONG, WORSE)]
        deployed = deploy_round(
            self._factory,
            self._server,
            jobs=jobs,
            seats=seats,
            quorum=self._random.choice([seats // 2 + 1, seats // 2 + 1, seats]),
            resultSize=len(self._results[0]),
            challengeWindow=self._random.choice([0, 600, 3_600]),
        )
        self._committees = [Committee.of(job, self._server, self._workers) for job in deployed]

    def commit(self) -> None:
        """Let the seats of all jobs commit, or not; sometimes the last second of the phase is awaited."""
        for committee in self._committees:
            for seat in range(len(committee.holders)):
                answer = self._random.choice(ANSWERS)
                if answer is not None:
                    self._answers[committee.job.address, seat] = self._results[answer]
                    committee.commit(seat, self._results[answer])
        self.compare_decisions()
        ends = [job.commit_end for job in self.ledger.rounds[-1].jobs if job.all_committed_at is None]
        if ends:
            move_to(ends[0] - 1)
            self.compare_decisions()

    def step(self) -> None:
        """Let somebody act on a job, time pass, or a worker come or go."""
        move = self._random.choice(MOVES)
        if move == "walk":
            self._walk()
            return
        number = self._random.randint(0, len(self._committees) - 1)
        committee, job = self._committees[number], self.ledger.rounds[-1].jobs[number]
        if move == "wait":
            self._wait(job)
        else:
            self._act(committee, job)
        compare_decision(committee, self.ledger.rounds[-1].jobs[number])

    def finish(self) -> None:
        """Let time pass until everything is decided, and settle it."""
        for committee, job in zip(self._committees, self.ledger.rounds[-1].jobs, strict=True):
            for end in (job.publish_end, job.referee_end):
                if now() < end and phase(job, now()) is not Phase.DECIDED:
                    move_to(end)
                    compare_decision(committee, job)
            if job.unsettled:
                committee.settle(*job.unsettled, sender=self._server)

    def _wait(self, job) -> None:
        challenge_end = job.commit_end + job.terms.challenge_window
        ends = (job.commit_end, challenge_end, job.publish_end, job.referee_end)
        times = [time for end in ends for time in (end - 1, end) if time > now()]
        if times:
            move_to(self._random.choice(times[:2]))

    def _walk(self) -> None:
        worker = self._random.choice(self._workers)
        ledger = self.ledger
        account = ledger.account(worker.address)
        if account.credit:
            self._registry.withdraw(sender=worker)
        elif worker.address in ledger.pool:
            self._registry.leave(sender=worker)
        else:
            self._registry.join(value=STAKE - account.stake, sender=worker)

    def _act(self, committee: Committee, job) -> None:
        at = phase(job, self.chain.now)
        if at is Phase.COMMIT:
            move_to(job.commit_end)
        elif at is Phase.DECIDED and job.unsettled:
            seats = self._random.sample(job.unsettled, self._random.randint(1, len(job.unsettled)))
            committee.settle(*seats, sender=self._random.choice(self._workers))
        elif at is not Phase.DECIDED:
            steps, weights = zip(*self._shows(committee, job, at), strict=True)
            self._random.choices(steps, weights)[0]()

    def _shows(self, committee: Committee, job, at: Phase) -> list:
        """Return what can be proposed, published and ruled, by whom, and how likely that is to be."""
        steps = [(lambda: committee.job.ruleVoid(sender=self._server), 0.5)]
        for result in self._results:
            candidate = job.candidates.get(content_hash(result))
            openers = [seat for seat in job.commitments if self._answers[job.address, seat] == result]
            if candidate is None:
                steps.append((lambda result=result: committee.propose_any(result), 1))
                if at is Phase.PROPOSE:
                    steps += [(lambda s=seat, result=result: committee.propose(s, result), 8) for seat in openers]
            elif job.is_complete(content_hash(result)):
                steps.append((lambda result=result: committee.rule(result), 0.5))
            else:
                for index, _hashes, _chunk in missing_chunks(result, candidate.chunks):
                    steps.append((lambda i=index, result=result: committee.publish_unpaid(result, i), 4))
                    steps += [
                        (lambda s=seat, i=index, result=result: committee.publish(s, result, i), 8) for seat in openers
                    ]
        return steps

    # What has to be equal

    def compare_decisions(self) -> None:
        """Hold phase and outcome of all jobs against their twins, at the time that views see."""
        for committee, job in zip(self._committees, self.ledger.rounds[-1].jobs, strict=True):
            compare_decision(committee, job)

    def compare_jobs(self) -> None:
        """Hold the jobs of the last round against their contracts."""
        for committee, job in zip(self._committees, self.ledger.rounds[-1].jobs, strict=True):
            compare_job(committee.job, job, self._results)

    def compare_registry(self) -> None:
        """Hold pool, money and settlements against the registry, now and at the end of a past block."""
        ledger = self.ledger
        compare_registry(self._registry, ledger, [self._server, *self._workers])
        head = chain.blocks.head.number
        compare_past(self._registry, ledger, self._random.randint(max(1, head - 30), head - 1))


def compare_decision(committee: Committee, job) -> None:
    """Hold phase and outcome of a job against their twins, at the time that views see."""
    assert committee.job.phase() == phase(job, now())
    assert committee.outcome() == outcome(job, now())


def compare_job(contract, job, results) -> None:
    """Hold a job of the ledger against the contract."""
    assert list(contract.committee()) == list(job.committee)
    assert contract.commitEnd() == job.commit_end
    progress = contract.progress()
    assert (progress.commits, progress.candidates) == (len(job.commitments), len(job.candidates))
    assert progress.allCommittedAt == (job.all_committed_at or 0)
    for seat in range(job.terms.seats):
        assert bytes(contract.commitmentOf(seat)) == job.commitments.get(seat, bytes(32))
    leaders = [hash_ for hash_, candidate in job.candidates.items() if candidate.votes >= job.terms.quorum]
    assert bytes(contract.leader()) == (leaders[0] if leaders else VOID)
    for result in results:
        shown, known = contract.candidateOf(content_hash(result)), job.candidates.get(content_hash(result))
        assert shown.isProposed == (known is not None)
        if known:
            assert (shown.votes, shown.chunks) == (known.votes, len(known.chunks))
            assert all(chunk == chunk_of(result, index)[3] for index, chunk in known.chunks.items())
    assert bytes(contract.ruledHash()) == (job.ruling or VOID)
    assert contract.terms().commitDeadline == job.commit_deadline


def compare_registry(registry, ledger, owners) -> None:
    """Hold what the ledger owes against the registry and its balance."""
    for owner in owners:
        shown, known = registry.accountOf(owner), ledger.account(owner.address)
        assert (shown.stake, shown.credit, shown.leaveBlock) == (known.stake, known.credit, known.left_at or 0)
        members = ledger.pool.members
        assert shown.positionPlusOne == (members.index(owner.address) + 1 if owner.address in members else 0)
    shown = registry.currentRound()
    unsettled = [seat for job in ledger.rounds[-1].jobs for seat in job.unsettled] if ledger.rounds else []
    assert (shown.escrow, shown.unsettledSeats) == (ledger.escrow, len(unsettled))
    assert (ledger.open_round is None) == (not unsettled)
    assert registry.burnt() == ledger.burnt
    assert registry.balance == ledger.owed + ledger.burnt == ledger.paid_in - ledger.paid_out


def compare_past(registry, ledger, block: int) -> None:
    """Hold the pool at the end of a past block against the registry's checkpoints."""
    size = registry.poolSizeAt(block)
    assert ledger.pool.size_at(block) == size
    holders = [registry.workerAt(position, block) for position in range(size + 1)]
    assert [ledger.pool.worker_at(position, block) for position in range(size)] == holders[:-1]
    assert int(holders[-1], 16) == 0
    assert ledger.pool.worker_at(size, block) is None
