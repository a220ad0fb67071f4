"""Who takes part: keys, behaviours and everything else that follows from the seed."""

from collections.abc import Callable
from functools import lru_cache
from typing import cast

from eth_utils import keccak

from mlchain.actors.behaviours import HONEST, Behaviour
from mlchain.actors.disputant import Disputant, Proof, ProofOf
from mlchain.actors.plan import Plan
from mlchain.actors.refuter import Refuter
from mlchain.actors.server import LearningServer
from mlchain.actors.watcher import Watcher
from mlchain.actors.worker import Worker
from mlchain.chain.deployment import Parameters
from mlchain.protocol.calls import View
from mlchain.protocol.hash_chain import HashChain
from mlchain.protocol.rounds import ETHER, Job, Round
from mlchain.referee.prover import Prover
from mlchain.simulation.evil_servers import CLAIMING, FORGING, ForgingServer, LyingWatcher
from mlchain.simulation.liars import Liar, Play, PlayingBehaviour
from mlchain.simulation.options import Options
from mlchain.tasks.catalogue import LearningTask, open_task
from mlchain.tasks.choices import prepare
from mlchain.tasks.task import DatasetTask

SERVER_FUNDS = 10_000 * ETHER
WORKER_FUNDS = 20 * ETHER
BOND = Parameters().bond
GAS_RESERVE = ETHER // 2  # that a worker keeps when it joins, to pay for its transactions


class ComputedOnce:
    """A task whose results are computed once for everybody: an honest result is the same for all who ask."""

    def __init__(self, task: LearningTask) -> None:
        self._task = task
        self.train = lru_cache(maxsize=256)(task.train)

    def __getattr__(self, name: str) -> object:
        return getattr(self._task, name)


def task_opener() -> Callable[[bytes], LearningTask]:
    """Return an `open_task` that opens each recipe once."""
    return lru_cache(maxsize=16)(lambda recipe: cast(LearningTask, ComputedOnce(open_task(recipe))))


def proof_opener(opener: Callable[[bytes], LearningTask]) -> ProofOf:
    """Return a `proof_of` that works each trace out once for everybody."""

    prover = lru_cache(maxsize=16)(Prover)

    def proof_of(view: View, current: Round, job: Job, result: bytes) -> Proof:
        return prover(cast(DatasetTask, opener(current.task)), *view.ledger.inputs_of(current, job), result)

    return proof_of


def secret(seed: int, *labels: object) -> bytes:
    """Return 32 bytes that follow from the seed: a key, who is evil, what is audited."""
    return keccak(text="/".join(map(str, ("ml-on-blockchain", seed, *labels))))


def evil_workers(seed: int, workers: int, evil: int) -> list[int]:
    """Return the numbers of the workers that are evil."""
    return sorted(range(workers), key=lambda number: secret(seed, "evil", number))[:evil]


def deal_behaviours(options: Options) -> list[Behaviour]:
    """Return the behaviour of each worker."""
    evil = dict(zip(evil_workers(options.seed, options.workers, options.evil), options.dealt, strict=True))
    return [evil.get(number, HONEST) for number in range(options.workers)]


def make_server(
    address: str, task: LearningTask, options: Options, numbers: HashChain, proof_of: ProofOf | None
) -> LearningServer:
    """Return the learning server of a simulation; it audits a share of the jobs that the seed chooses.

    `proof_of` is what disputes before a contract are played with, None where that is not the referee.
    """

    def audits(round_number: int, job: int) -> bool:
        return int.from_bytes(secret(options.seed, "audit", round_number, job), "big") < options.audit_rate * 2**256

    plan = Plan(
        options.rounds,
        options.jobs,
        options.committee,
        options.quorum,
        first_jobs=prepare(options.subject).plan.first_jobs,
        until_accuracy=options.until_accuracy,
        early_stopping=options.early_stopping,
    )
    if options.audit_rate or proof_of:
        plan = plan.with_longest_challenge()
    watcher: Watcher | None = None
    if proof_of and options.server == CLAIMING:
        liar = Liar(address, BOND, proof_of, Play.QUARREL)
        watcher = LyingWatcher(address, liar, lambda _round: task, lambda _round, _job: True)
    elif proof_of:
        watcher = Watcher(address, Disputant(address, BOND, proof_of), lambda _round: task, audits)
    server = ForgingServer if options.server == FORGING else LearningServer
    is_referee = options.referee == "server"
    return server(address, task, plan, numbers.number_of, audits, is_referee, watcher=watcher)


def make_outsider(address: str, opener: Callable[[bytes], LearningTask], factory: str, proof_of: ProofOf) -> Watcher:
    """Return who has no seat and looks after the versions of the model alone."""
    disputant = Disputant(address, BOND, proof_of)
    return Watcher(
        address,
        disputant,
        lambda current: opener(current.task),
        chooses=lambda _round, _job: False,
        is_called_by_disagreement=False,
        refuter=Refuter(factory),
    )


def make_workers(
    cast: dict[str, Behaviour], opener: Callable[[bytes], LearningTask], proof_of: ProofOf | None
) -> list[Worker]:
    """Return the workers of a simulation, by address; all evil ones act together. `proof_of` as for the server."""
    cartel = frozenset(address for address, behaviour in cast.items() if not behaviour.is_honest)

    def open_task(current: Round) -> LearningTask:
        return opener(current.task)

    def disputant(address: str, behaviour: Behaviour) -> Disputant | None:
        if proof_of and isinstance(behaviour, PlayingBehaviour):
            return Liar(address, BOND, proof_of, behaviour.play)
        return Disputant(address, BOND, proof_of) if proof_of and behaviour.is_honest else None

    return [
        Worker(address, behaviour, open_task, GAS_RESERVE, cartel, disputant=disputant(address, behaviour))
        for address, behaviour in cast.items()
    ]
