"""The gas of every step, measured: rounds of one deployment, with a result as long as the default run's."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from statistics import median

from ape.api import AccountAPI
from eth_utils.crypto import keccak

from mlchain.chain.accounts import account_from_secret, load_account
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy, numbers_of
from mlchain.chain.deployment import Parameters
from mlchain.protocol.calls import Call
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import chunk_hashes, content_hash
from mlchain.protocol.rounds import ETHER, Job
from mlchain.protocol.terms import RoundTerms

SEATS = 10
ACTING = 5  # seats of a disputed job that act at all
ROUNDS = 3  # that count, after one in which slots are used for the first time
RESULT = b"".join(keccak(text=f"part {part}") for part in range(53))[:1_692]  # bytes of the default run's results
TASK = bytes(160)  # about a recipe
JOBS_PER_WITHDRAWAL = 10
MOST_ROUNDS = 64  # of a deployment
GROWTH = 1.05  # how much dearer a step may be in one pool than in another
SIZES = (3, 10, 100, 250)


class Deployment:
    """The contracts on a chain, a server, and a pool that can grow."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._funder = load_account(None)
        self._server = self._open_account("server", 1_000)
        self._workers: dict[str, AccountAPI] = {}
        self._deployment = deploy(chain, self._server, Parameters(), MOST_ROUNDS).deployment
        self._numbers = numbers_of(self._server, self._deployment, MOST_ROUNDS)
        chain.follow(self._deployment)
        self._send(self._server, "ModelRegistry", "announce", 0, content_hash(RESULT), len(RESULT))
        self._send(self._server, "ModelRegistry", "publish", 1, 0, chunk_hashes(RESULT), RESULT)

    def read_again(self) -> None:
        """Read the chain from the first block on: what was read last has been undone."""
        self._chain.follow(self._deployment)

    def grow(self, size: int) -> list[int]:
        """Let workers join until the pool has `size`; return the gas of each."""
        gas = []
        while len(self._workers) < size:
            worker = self._open_account(f"worker {len(self._workers)}", 3)
            self._workers[worker.address] = worker
            gas.append(self._send(worker, "WorkerRegistry", "join", value=ETHER))
        return gas

    def leave_and_join(self) -> tuple[int, int]:
        """Let the second worker leave and join again; return the gas of both."""
        worker = list(self._workers.values())[1]
        return self._send(worker, "WorkerRegistry", "leave"), self._send(worker, "WorkerRegistry", "join")

    def play(self, jobs: int, seats: int = SEATS) -> dict[str, list[int]]:
        """Play an honest round; return the gas of its transactions by step."""
        gas = defaultdict(list)
        gas["scheduleRound"].append(self._schedule())
        gas["deployRound"].append(self._deploy(jobs, seats))
        for job in self._jobs():
            gas["commit"] += [self._commit(job, seat) for seat in range(seats)]
            gas["propose"].append(self._by(job, 0, "propose", 0, content_hash(RESULT)))
            gas["publish"].append(self._by(job, 0, "publish", 0, *self._chunk))
            gas["settle"].append(self._settle(job, *range(seats)))
            gas["withdraw"] += [self._send(self._workers[it], "WorkerRegistry", "withdraw") for it in job.committee]
        return gas

    def play_disputed(self, seats: int) -> tuple[int, int]:
        """Play a job of which some seats act and the referee does the rest; return the gas of a commit and of settling
        one seat.

        Of several seats the one whose draw takes a single step counts; others take one or two more, whatever the size.
        """
        self._schedule()
        self._deploy(1, seats, challenge_window=600)
        (job,) = self._jobs()
        acting = range(min(seats, ACTING))
        commits = [self._commit(job, seat) for seat in acting]
        self._jobs()  # reads the last commit, which may have ended the phase
        self._chain.advance_to(job.commit_end)
        for method, arguments in (
            ("proposeAny", self._chunk[:1]),
            ("publishUnpaid", self._chunk),
            ("rule", self._chunk[:1]),
        ):
            self._send(self._server, "Job", method, *arguments, address=job.address)
        # The first pays for touching slots that were never used; the last of three would close the round.
        settles = [self._settle(job, seat) for seat in acting]
        return min(commits), min(settles[1:-1])

    # Transactions

    @property
    def _chunk(self) -> tuple[bytes, int, list[bytes], bytes]:
        return content_hash(RESULT), 0, chunk_hashes(RESULT), RESULT

    def _open_account(self, label: str, ether: int) -> AccountAPI:
        account = account_from_secret(keccak(text=f"gas of {label}"))
        self._chain.transfer(self._funder, account.address, ether * ETHER)
        return account

    def _send(
        self,
        sender: AccountAPI,
        contract: str,
        method: str,
        *arguments: object,
        value: int = 0,
        address: str | None = None,
    ) -> int:
        return self._chain.send(sender, Call(contract, method, arguments, value, address)).gas

    def _schedule(self) -> int:
        return self._send(self._server, "JobFactory", "scheduleRound")

    def _deploy(self, jobs: int, seats: int, challenge_window: int = 0) -> int:
        windows = (600, 600, 600, challenge_window)
        terms = RoundTerms(1, jobs, seats, seats // 2 + 1, ETHER // 100, ETHER // 1000, len(RESULT), *windows)
        random = self._numbers.number_of(len(self._chain.view().ledger.rounds) + 1)
        return self._send(self._server, "JobFactory", "deployRound", terms, random, TASK, value=terms.escrow)

    def _jobs(self) -> list[Job]:
        return self._chain.view().ledger.rounds[-1].jobs

    def _by(self, job: Job, seat: int, method: str, *arguments: object) -> int:
        return self._send(self._workers[job.committee[seat]], "Job", method, *arguments, address=job.address)

    def _commit(self, job: Job, seat: int) -> int:
        sealed = commitment(job.address, seat, content_hash(RESULT))
        return self._by(job, seat, "commit", seat, sealed)

    def _settle(self, job: Job, *seats: int) -> int:
        return self._send(self._server, "Job", "settle", list(seats), address=job.address)


def measure_steps(chain: Chain, jobs: int, pool: int) -> dict[str, int]:
    """Return the median gas of every step of rounds of `jobs` jobs of ten seats each, drawn from a pool.

    Where the pool is a square, every draw takes one step, whatever the seed.
    """
    deployment = Deployment(chain)
    gas = defaultdict(list, join=deployment.grow(pool))
    deployment.play(jobs)
    for _ in range(ROUNDS):
        for step, used in deployment.play(jobs).items():
            gas[step] += used
    return {step: round(median(used)) for step, used in gas.items()}


def per_seat(gas: dict[str, int], jobs: int) -> dict[str, float]:
    """Return what a seat costs in a job, without the bytes of the result: its share of every step."""
    return {
        "scheduleRound": gas["scheduleRound"] / (jobs * SEATS),
        "deployRound": gas["deployRound"] / (jobs * SEATS),
        "commit": gas["commit"],
        "propose": gas["propose"] / SEATS,
        "settle": gas["settle"] / SEATS,
        "withdraw": gas["withdraw"] / JOBS_PER_WITHDRAWAL,
    }


def measure_jobs(chain: Chain, sizes: tuple[int, ...]) -> dict[int, int]:
    """Return the gas of a round of one job whose committee is the whole pool, without publishing, by its size."""
    deployment = Deployment(chain)
    gas = {}
    for size in sizes:
        deployment.grow(size)
        deployment.play(1, size)
        run = deployment.play(1, size)
        steps = ("scheduleRound", "deployRound", "commit", "propose", "settle")
        gas[size] = sum(sum(run[step]) for step in steps) + sum(run["withdraw"]) // JOBS_PER_WITHDRAWAL
    return gas


def measure_flatness(
    chain: Chain, sizes: Sequence[int], undone: Callable[[], AbstractContextManager[None]]
) -> dict[int, dict[str, int]]:
    """Return the gas of a worker's steps in pools of growing sizes, whose committee is the whole pool or three seats.

    `undone()` is a context that undoes on the chain what happens in it.
    """
    deployment = Deployment(chain)
    gas = {}
    for size in sizes:
        deployment.grow(size)
        with undone():
            deployment.read_again()
            few = [deployment.play_disputed(3) for _ in range(2)]  # of three seats only one counts for settling
            commit_of_few, settle_of_few = map(min, zip(*few, strict=True))
            leave, join = deployment.leave_and_join()
            commit_of_all, settle_of_all = deployment.play_disputed(size)
        gas[size] = {
            "commit, whole pool": commit_of_all,
            "settle, whole pool": settle_of_all,
            "commit, three seats": commit_of_few,
            "settle, three seats": settle_of_few,
            "leave": leave,
            "join": join,
        }
    return gas
