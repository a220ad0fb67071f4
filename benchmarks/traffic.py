"""What a server and its workers ask a node for: requests and bytes of a round, and of a minute in idleness."""

import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import numpy as np
from ape import networks
from ape.api import AccountAPI, ProviderAPI
from web3 import HTTPProvider, Web3

from benchmarks.report import Section, table, wrapped
from mlchain.actors.behaviours import HONEST
from mlchain.actors.plan import Plan
from mlchain.actors.server import LearningServer
from mlchain.actors.worker import Worker
from mlchain.chain.accounts import account_from_secret
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy, numbers_of
from mlchain.chain.deployment import Parameters
from mlchain.chain.outbox import Outbox
from mlchain.chain.prompt_node import promptly
from mlchain.chain.provider import connected_provider, connected_to
from mlchain.chain.selection import FEW
from mlchain.live.loop import Actor, ActorLoop
from mlchain.protocol.calls import View
from mlchain.protocol.rounds import ETHER
from mlchain.simulation.participants import secret, task_opener
from mlchain.tasks.choices import Subject, prepare

CASES = ((1, 3), (4, 3))  # jobs, and seats of each, which every worker has one of
CROWDS = ((8, 3), (16, 3), (4, 12))  # likewise, of so many that a worker leaves unread what others get
LARGE = (20, 50)  # likewise, of a crowd that is only reckoned
ROUNDS = 4
BLOCK_TIME = 2  # seconds
POLL_INTERVAL = 4.0  # seconds, the programs' own
CALM = 90  # seconds after which an idle program looks rarely
IDLE = 120  # seconds that are measured then
FUNDS = 100 * ETHER
PATIENCE = 60.0  # seconds for a transaction
LONGEST = 600  # seconds that all rounds may take
RULES = ("--hardfork", "istanbul", "--gas-price", "0", "--base-fee", "0", "--chain-id", "1337")


def measure() -> Section:
    """Let a server and its workers play rounds on an Anvil, as programs do, and count what a worker asks for."""
    rows, figures, sizes = [], {}, []
    for jobs, seats in (*CASES, *CROWDS):
        with node() as url, connected_to(provider_at(url)), closing(Programs(jobs, seats)) as programs:
            asked, size = programs.play()
            idle = f"{programs.rest():.1f}" if (jobs, seats) in CASES else ""
        workers, cells = jobs * seats, [f"{asked:.0f}", f"{size:.0f}", idle]
        rows.append([f"{workers} workers, {jobs} × {seats} seats", *cells])
        sizes.append(size)
        if idle:
            names = ("requests", "kilobytes", "idle")
            figures |= {f"{name}-{workers}": cell for name, cell in zip(names, cells, strict=True)}
    large = _at(LARGE, sizes[len(CASES) :])
    figures |= {"kilobytes-large": f"{large:.0f}", "gigabytes-large": f"{large * LARGE[0] * LARGE[1] / 1e6:.2f}"}
    said = f"""A server and its workers learn handwritten digits for {ROUNDS} rounds on one Anvil with a block every
        {BLOCK_TIME} seconds, each by the loop of its program, which looks every {POLL_INTERVAL:.0f} seconds while
        something happens. What a worker asks for and is answered from the second round on; then, without a server, what
        it asks for in a minute. Where more than {FEW} seats are in other jobs, it leaves unread what they get; what
        it reads then grows with the jobs and with the seats of its own. By the lines through the last
        {len(CROWDS)} rows, each of {LARGE[0] * LARGE[1]:,} workers in {LARGE[0]} jobs of {LARGE[1]} seats would read
        {large:.0f} KB a round, and all of them {figures["gigabytes-large"]} GB."""
    head = ["", "requests a worker and round", "KB a worker and round", "requests a worker and idle minute"]
    return Section("What a node is asked for", f"{wrapped(said)}\n\n{table(head, rows)}", figures)


def _at(case: tuple[int, int], sizes: list[float]) -> float:
    """Return what a worker reads where it grows linearly with the jobs and the seats of each, as in CROWDS."""
    slopes = np.linalg.solve([[1, *it] for it in CROWDS], sizes)
    return float(slopes @ [1, *case])


def provider_at(url: str) -> ProviderAPI:
    """Return a connected provider that asks as the programs' own does."""
    provider = promptly(networks.get_provider_from_choice(f"ethereum:quorum:{url}"))
    provider.connect()
    return provider


class Counted:
    """Counts what goes through an HTTP provider, by the thread that asks."""

    def __init__(self, provider: HTTPProvider) -> None:
        self.requests: Counter[str] = Counter()
        self.bytes: Counter[str] = Counter()
        manager = cast(Any, provider)._request_session_manager
        post: Callable[..., bytes] = manager.make_post_request

        def count(uri: str, body: bytes, **options: object) -> bytes:
            answer = post(uri, body, **options)
            name = threading.current_thread().name
            self.requests[name] += 1
            self.bytes[name] += len(body) + len(answer)
            return answer

        manager.make_post_request = count


class Programs:
    """A server and its workers on the connected node, each in a thread that its loop runs in."""

    def __init__(self, jobs: int, seats: int) -> None:
        workers = jobs * seats
        web3 = connected_provider().web3
        self._counted = Counted(cast(HTTPProvider, web3.provider))
        operator, *accounts = (account_from_secret(secret(1, "traffic", number)) for number in range(workers + 1))
        for account in (operator, *accounts):
            cast(Any, web3.provider).make_request("anvil_setBalance", [str(account.address), hex(FUNDS)])
        self._chain = Chain()
        self._deployment = deploy(self._chain, operator, Parameters(min_seats=1)).deployment
        opener = task_opener()
        task = opener(prepare(Subject("digits", "softmax")).recipe.to_bytes())
        plan = Plan(ROUNDS, jobs, seats, min_pool=workers)
        server = LearningServer(str(operator.address), task, plan, numbers_of(operator, self._deployment).number_of)
        self._stop = threading.Event()
        self._server = self._thread(self._chain, "server", operator, server, lambda view: server.is_done(view.ledger))
        self._workers = [
            self._thread(
                Chain(),
                "worker",
                account,
                Worker(str(account.address), HONEST, lambda it: opener(it.task), ETHER),
                never,
            )
            for account in accounts
        ]

    def play(self) -> tuple[float, float]:
        """Play all rounds; return what a worker asks for in a round, in requests and KB."""
        for thread in (self._server, *self._workers):
            thread.start()
        self._wait_for(1)
        requests, size = self._counted.requests["worker"], self._counted.bytes["worker"]
        self._wait_for(ROUNDS)
        shares = (ROUNDS - 1) * len(self._workers)
        asked = (self._counted.requests["worker"] - requests) / shares
        return asked, (self._counted.bytes["worker"] - size) / shares / 1_000

    def rest(self) -> float:
        """Return the requests of a worker in a minute, once nothing has happened for a while."""
        time.sleep(CALM)
        before = self._counted.requests["worker"]
        time.sleep(IDLE)
        return (self._counted.requests["worker"] - before) / len(self._workers) / (IDLE / 60)

    def close(self) -> None:
        """End the workers, whose node goes away."""
        self._stop.set()
        for thread in self._workers:
            thread.join()

    def _wait_for(self, rounds: int) -> None:
        """Wait until the results of so many rounds are in versions of the model."""
        deadline = time.monotonic() + LONGEST
        while len(self._chain.ledger.versions) <= rounds:  # the first is no round's
            if time.monotonic() > deadline:
                raise RuntimeError(f"{rounds} rounds have not been played in {LONGEST} s")
            time.sleep(POLL_INTERVAL / 4)

    def _thread(
        self, chain: Chain, name: str, account: AccountAPI, actor: Actor, is_done: Callable[[View], bool]
    ) -> threading.Thread:
        chain.follow_as(str(account.address), self._deployment, say_nothing)
        loop = ActorLoop(chain, actor, Outbox(chain, account, PATIENCE), say_nothing, is_done, POLL_INTERVAL)
        return threading.Thread(target=loop.run, args=[self._stop], name=name, daemon=True)


def never(_view: View) -> bool:
    """Return that there is always something to wait for."""
    return False


def say_nothing(_line: str) -> None:
    """Print nothing."""


@contextmanager
def node() -> Iterator[str]:
    """Have an Anvil for a while, by the rules of a Quorum; return where it is asked."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(shutil.which("anvil")), "--port", str(port), "--block-time", str(BLOCK_TIME), "--silent", *RULES]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        while not Web3(HTTPProvider(url)).is_connected():
            time.sleep(0.1)
        yield url
    finally:
        running.terminate()
        running.wait()
