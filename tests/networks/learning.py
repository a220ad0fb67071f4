"""A learning server and its workers on a network, each a program of its own as a person would start it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ape import config, networks
from eth_account import Account

from mlchain.chain.connection import Chain
from mlchain.chain.deployment import Deployment
from mlchain.tasks.catalogue import create_task
from networks.plan import PASSPHRASE

ROOT = Path(__file__).parents[2]
APE = Path(sys.executable).with_name("ape")
PAUSE = 0.5  # seconds between two looks at the chain


@contextmanager
def connected(network: str) -> Iterator[object]:
    """Be connected to a live network, about which Ape remembers nothing afterwards; yield the provider."""
    with config.isolate_data_folder(), networks.parse_network_choice(network) as provider:
        yield provider


def learned(rounds: int, jobs: int = 1, task: str = "digits") -> list[bytes]:
    """Return every version of the model that so many rounds make, wherever they are played."""
    opened = create_task(task, "softmax")
    versions = [opened.initial_model()]
    for number in range(1, rounds + 1):
        results = [opened.train(versions[-1], number, index) for index in range(jobs)]
        versions.append(opened.aggregate(versions[-1], results))
    return versions


@dataclass
class Learning:
    """Programs on `network`, dealt out to the nodes at `urls`; `accounts` is a folder of Ape's with their key files."""

    folder: Path
    accounts: Path
    network: str
    urls: Sequence[str]
    workers: Sequence[str]
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def __enter__(self) -> "Learning":
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()

    def deploy(self, *options: str) -> Deployment:
        """Put the contracts on the chain, from the server's account, and keep the record."""
        records = self.folder / "records"
        command = [APE, "run", "deploy", *self._place(0), "--account", "server", "--folder", records, *options]
        done = subprocess.run(command, cwd=ROOT, env=self._environment(), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        (path,) = records.glob("*.json")
        self.deployment = Deployment.load(path)
        return self.deployment

    def start(self, rounds: int) -> None:
        """Start the server, which waits for all workers, and the workers, each on the next node."""
        self._start("server", 0, "server", "--rounds", str(rounds), "--min-pool", str(len(self.workers)))
        for number, name in enumerate(self.workers):
            self._start(name, number + 1, "worker", "--gas-reserve", "0")

    def wait_until(self, is_so: Callable[[], bool], what: str, patience: float) -> None:
        """Wait until something is so, while everybody works on; a program that ends in an error ends the waiting."""
        deadline = time.monotonic() + patience
        while not is_so():
            for name, process in self.running.items():
                assert not process.poll(), f"{name} has ended:\n{self.said_by(name)[-3000:]}"
            assert time.monotonic() < deadline, f"{what} has not happened:\n{self.said_by('server')[-3000:]}"
            time.sleep(0.2)

    def wait_for_server(self, patience: float) -> None:
        """Wait until the server has played all its rounds."""
        self.wait_until(lambda: self.running["server"].poll() == 0, "the end of all rounds", patience)

    def said_by(self, name: str) -> str:
        """Return what a program has printed so far."""
        return (self.folder / f"{name}.log").read_text()

    def address_of(self, name: str) -> str:
        """Return the address of somebody."""
        key_file = json.loads((self.accounts / "accounts" / f"{name}.json").read_text())
        return Account.from_key(Account.decrypt(key_file, PASSPHRASE)).address

    @contextmanager
    def chain(self) -> Iterator[Chain]:
        """Be connected to the first node, with the deployment's history read."""
        with connected(f"{self.network}:{self.urls[0]}"):
            chain = Chain()
            chain.follow(self.deployment)
            chain.read_on()
            yield chain

    def _start(self, name: str, node: int, *command: str) -> None:
        where = ["--address", self.deployment.addresses["JobFactory"], "--first-block", str(self.deployment.block)]
        pace = ["--poll-interval", str(PAUSE), "--patience", "30"]
        log = (self.folder / f"{name}.log").open("ab")
        words = [APE, "run", *command, *self._place(node), *where, *pace, "--account", name]
        self.running[name] = subprocess.Popen(words, cwd=ROOT, env=self._environment(), stdout=log, stderr=log)

    def _place(self, node: int) -> list[str]:
        return ["--network", f"{self.network}:{self.urls[node % len(self.urls)]}"]

    def _environment(self) -> dict[str, str]:
        passphrases = {f"APE_ACCOUNTS_{name}_PASSPHRASE": PASSPHRASE for name in ("server", *self.workers)}
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        return os.environ | passphrases | threads | {"APE_DATA_FOLDER": str(self.accounts)}
