"""Scenes on a chain on paper: a toy task, a pool, a model, a round that is open."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from mlchain.actors.behaviours import HONEST, Assignment, Behaviour
from mlchain.actors.plan import Plan
from mlchain.actors.server import LearningServer
from mlchain.actors.worker import Worker
from mlchain.protocol.calls import Call, Turn
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import CHUNK_SIZE, content_hash
from mlchain.protocol.rounds import Job
from mlchain.protocol.terms import RoundTerms
from mlchain.simulation.attackers import sent_ahead
from tests.actors.stage import NUMBERS, SERVER, STAKE, Refused, Stage, address_of, chunk_of

GAS_RESERVE = STAKE // 2
DAY = 24 * 3600


@dataclass
class ToyTask:
    """A task whose models and results are hashes stretched to a size; counts how often it is trained."""

    size: int = 100
    trained: int = 0
    recipe: bytes = b"toy"

    @property
    def model_size(self) -> int:
        """Return the bytes of every model."""
        return self.size

    @property
    def result_size(self) -> int:
        """Return the bytes of every result."""
        return self.size

    def initial_model(self) -> bytes:
        """Return the model before the first round."""
        return self._stretched(b"initial")

    def train(self, model: bytes, seed: bytes, job_index: int, parent: bytes | None = None, version: int = 1) -> bytes:
        """Return the one right result of a job."""
        self.trained += 1
        return self._stretched(b"%b/%d/" % (seed, job_index) + model + (parent or b""))

    def aggregate(self, model: bytes, results: Sequence[bytes], parent: bytes | None = None, version: int = 1) -> bytes:
        """Return the next model."""
        return self._stretched(model + b"".join(results) + (parent or b"")) if results else model

    def accuracy(self, model: bytes) -> None:
        """Return None: there is nothing to test on."""

    def _stretched(self, seed: bytes) -> bytes:
        return hashlib.shake_256(seed).digest(self.size)


@dataclass
class Scene:
    """A stage on which the model is published, `pool` workers have joined, and a round is open if `jobs` is not 0."""

    pool: int = 3
    jobs: int = 1
    seats: int = 3
    quorum: int = 2
    chunks: int = 1
    audit: int = 0
    task: ToyTask = field(init=False)
    stage: Stage = field(default_factory=Stage)

    def __post_init__(self) -> None:
        self.task = ToyTask(self.chunks * CHUNK_SIZE - 100)
        self.workers = [address_of(f"worker {number}") for number in range(self.pool)]
        model = self.task.initial_model()
        self.by_server("ModelRegistry", "announce", 0, content_hash(model), len(model))
        for index in range(self.chunks):
            self.by_server("ModelRegistry", "publish", 1, *chunk_of(model, index)[1:])
        for worker in self.workers:
            self.stage.send(worker, Call("WorkerRegistry", "join", value=STAKE))
        if self.jobs:
            self.deploy_round()

    def deploy_round(self) -> None:
        """Let the server schedule a round and deploy it."""
        self.by_server("JobFactory", "scheduleRound")
        terms, number = self.terms(), NUMBERS.number_of(len(self.stage.ledger.rounds) + 1)
        call = Call("JobFactory", "deployRound", (terms, number, self.task.recipe), value=terms.escrow)
        self.stage.send(SERVER, call)

    def by_server(self, contract: str, method: str, *arguments: object) -> None:
        """Let the server send a transaction."""
        self.stage.send(SERVER, Call(contract, method, arguments))

    def terms(self) -> RoundTerms:
        """Return the terms of the round."""
        size = self.task.result_size
        amounts = (self.seats, self.quorum, 10**16, 10**16, size)
        return RoundTerms(1, self.jobs, *amounts, DAY, DAY, DAY, self.audit)

    @property
    def job(self) -> Job:
        """The first job of the last round."""
        return self.stage.ledger.rounds[-1].jobs[0]

    def right(self, job: Job | None = None) -> bytes:
        """Return the right result of a job of the first round."""
        job = job or self.job
        first = self.stage.ledger.rounds[0]
        return ToyTask(self.task.size).train(self.stage.ledger.versions[0].data(), first.seed, job.index)

    def wrong(self, number: int = 0) -> bytes:
        """Return a wrong result of the right size."""
        return bytes([1 + number]) + self.right()[1:]

    def worker(
        self,
        address: str,
        behaviour: Behaviour = HONEST,
        task: ToyTask | None = None,
        cartel: frozenset[str] = frozenset(),
    ) -> Worker:
        """Return the software of a worker, started afresh."""
        return Worker(address, behaviour, lambda _recipe: task or self.task, GAS_RESERVE, cartel)

    def holder(self, seat: int, behaviour: Behaviour = HONEST, task: ToyTask | None = None) -> Worker:
        """Return the software of the worker that holds a seat of the first job, started afresh."""
        return self.worker(self.job.committee[seat], behaviour, task)

    def assignment(
        self, seat: int = 0, result: bytes | None = None, cartel: frozenset[str] = frozenset()
    ) -> Assignment:
        """Return what the holder of a seat of the first job answers from; `result` takes the right one's place."""

        def solve() -> bytes:
            return self.right() if result is None else result

        return Assignment(self.job.committee[seat], self.job, seat, self.stage.view(), solve, cartel)

    def server(self, *, rounds: int = 1, **choices: object) -> LearningServer:
        """Return the software of the server, started afresh, with the terms of this scene."""
        plan = Plan(rounds, max(self.jobs, 1), self.seats, self.quorum, challenge_window=self.audit)
        return LearningServer(SERVER, self.task, plan, NUMBERS.number_of, **choices)

    # What others do

    def act(self, sender: str, method: str, *arguments: object, job: Job | None = None) -> None:
        """Send a transaction to a job."""
        self.stage.send(sender, Call("Job", method, arguments, address=(job or self.job).address))

    def commit(self, seat: int, result: bytes, job: Job | None = None) -> None:
        """Let the holder of a seat commit to a result."""
        job = job or self.job
        sealed = commitment(job.address, seat, content_hash(result))
        self.act(job.committee[seat], "commit", seat, sealed, job=job)

    def commit_all(self, *results: bytes | None) -> None:
        """Let seat after seat commit, but for those whose result is None; then the commit phase ends."""
        for seat, result in enumerate(results):
            if result is not None:
                self.commit(seat, result)
        self.stage.advance_to(self.job.commit_end)

    def propose(self, seat: int, result: bytes) -> None:
        """Let the holder of a seat propose a result."""
        self.act(self.job.committee[seat], "propose", seat, content_hash(result))

    def publish(self, seat: int, result: bytes, *indices: int) -> None:
        """Let the holder of a seat publish chunks of a result, the first if none is named."""
        for index in indices or (0,):
            self.act(self.job.committee[seat], "publish", seat, *chunk_of(result, index))

    def settle(self, *seats: int) -> None:
        """Let a stranger settle seats, all if none is named."""
        self.act(address_of("stranger"), "settle", list(seats or range(self.seats)))

    def turn_of(self, seat: int) -> int:
        """Return when the holder of a seat is to make sure that its result is proposed."""
        return self.job.commit_end + seat * (DAY // 2) // self.seats

    def do(self, actor: Worker | LearningServer) -> list[str]:
        """Let an actor decide and act; return the methods that it called."""
        turn = actor.act(self.stage.view())
        for call in turn.calls:
            self.stage.send(actor.address, call)
        return methods(turn)


def act(scene: Scene, actor: Worker | LearningServer | None = None) -> Turn:
    """Return what an actor, the server if none is named, decides in a scene."""
    return (actor or scene.server()).act(scene.stage.view())


def always(_round: int, _job: int) -> bool:
    """Audit every job."""
    return True


def methods(turn: Turn) -> list[str]:
    """Return the methods that a turn calls."""
    return [call.method for call in turn.calls]


def play(scene: Scene, server: LearningServer, workers: list[Worker], turns: int = 400) -> list[tuple[str, str]]:
    """Let all act until the server is done; return (address, error) of everything that was refused."""
    refused: dict[tuple[str, str], str] = {}
    for _ in range(turns):
        if server.is_done(scene.stage.ledger):
            return [(sender, error) for (sender, _call), error in refused.items()]
        decided = []
        for group in (workers, [server]):
            view = scene.stage.view()
            now = [(actor, actor.act(view)) for actor in group]
            decided += [turn for _, turn in now]
            coming = [(actor, call) for actor, turn in now for call in turn.calls]
            for actor, call in [*sent_ahead(view, workers, coming), *coming]:
                try:
                    scene.stage.send(actor.address, call)
                except Refused as error:
                    is_trusted = isinstance(actor, LearningServer) or actor.behaviour.is_honest
                    if is_trusted and (actor.address, str(call)) in refused:
                        raise  # the first time somebody may have been faster
                    refused[actor.address, str(call)] = str(error)
        if not any(turn.calls for turn in decided):
            wakes = [turn.wake for turn in decided if turn.wake is not None]
            assert wakes, "nobody can continue"
            scene.stage.advance_to(min(wakes))
    raise AssertionError("this does not end")
