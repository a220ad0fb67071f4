"""A learning server and its workers on a network, each a program of its own as a person would start it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ape import config, networks
from eth_account import Account

from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.protocol.ledger import Ledger
from mlchain.tasks.catalogue import create_task
from networks.plan import PASSPHRASE
from tests.networks.programs import APE, Programs

POLL_INTERVAL = 0.5  # seconds


@contextmanager
def connected(network: str) -> Iterator[object]:
    """Be connected to a live network, about which Ape remembers nothing afterwards; yield the provider."""
    with config.isolate_data_folder(), networks.parse_network_choice(network) as provider:
        yield provider


def learned(ledger: Ledger, task: str = "digits") -> list[bytes]:
    """Return every version of the model that its rounds make, wherever they are played: by their seeds alone."""
    opened = create_task(task, "softmax")
    versions = [opened.initial_model()]
    for current in ledger.rounds:
        parent, version = versions[-2] if len(versions) > 1 else None, len(versions)
        places = [(current.seed, job.index, parent, version) for job in current.jobs]
        results = [opened.train(versions[-1], *place) for place in places]
        versions.append(opened.aggregate(versions[-1], results, parent))
    return versions


@dataclass
class Learning:
    """Programs on `network`, dealt out to the nodes at `urls`; `accounts` is a folder of Ape's with their key files."""

    folder: Path
    accounts: Path
    network: str
    urls: Sequence[str]
    workers: Sequence[str]
    programs: Programs = field(init=False)
    deployment: Deployment = field(init=False)

    def __post_init__(self) -> None:
        self.programs = Programs(self.folder, self.accounts, PASSPHRASE, ("server", *self.workers))

    def __enter__(self) -> "Learning":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.programs.kill_all()

    def deploy(self, *options: str) -> None:
        """Put the contracts on the chain, from the server's account, and keep the record."""
        records = self.folder / "records"
        least = ("--min-seats", "1")
        self.programs.run("deploy", *self._place(0), *least, "--account", "server", "--deployments", records, *options)
        (path,) = records.glob("*.json")
        self.deployment = Deployment.load(path)

    def start(self, rounds: int) -> None:
        """Start the server, which waits for all workers, and the workers, each on the next node."""
        self._start("server", 0, "server", "--rounds", rounds, "--min-pool", len(self.workers), "--audit-rate", 0)
        for number, name in enumerate(self.workers):
            self._start(name, number + 1, "worker", "--gas-reserve", 0)

    def wait_until(self, is_so: Callable[[], bool], what: str, patience: float) -> None:
        """Wait until something is so, while everybody works on; a program that ends in an error ends the waiting."""
        deadline = time.monotonic() + patience
        while not is_so():
            for name, process in self.programs.running.items():
                assert not process.poll(), f"{name} has ended:\n{self.programs.log(name)[-3000:]}"
            assert time.monotonic() < deadline, f"{what} has not happened:\n{self.programs.log('server')[-3000:]}"
            time.sleep(0.2)

    def wait_for_server(self, patience: float) -> None:
        """Wait until the server has played all its rounds."""
        self.wait_until(lambda: self.programs.running["server"].poll() == 0, "the end of all rounds", patience)

    def address_of(self, name: str) -> str:
        """Return the address of somebody."""
        return Account.from_key(self.key_of(name)).address

    def key_of(self, name: str) -> bytes:
        """Return the key of somebody."""
        return bytes(Account.decrypt((self.accounts / "accounts" / f"{name}.json").read_text(), PASSPHRASE))

    @contextmanager
    def chain(self) -> Iterator[Chain]:
        """Be connected to the first node, with the deployment's history read."""
        with connected(f"{self.network}:{self.urls[0]}"):
            chain = Chain()
            chain.follow(self.deployment)
            chain.sync()
            yield chain

    def _start(self, name: str, node: int, *command: object) -> None:
        where = ["--address", self.deployment.addresses["JobFactory"], "--first-block", self.deployment.block]
        pace = ["--poll-interval", POLL_INTERVAL, "--patience", 30]
        self.programs.start(name, APE, "run", *command, *self._place(node), *where, *pace, "--account", name)

    def _place(self, node: int) -> list[str]:
        return ["--network", f"{self.network}:{self.urls[node % len(self.urls)]}"]
