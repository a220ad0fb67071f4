"""A learning server and its workers, each a process of its own, on a node of their own behind a proxy."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

from eth_account import Account
from eth_utils import keccak

from mlchain.actors.behaviours import HONEST
from mlchain.chain.deployment import Deployment
from tests.live.node import Node
from tests.live.proxy import Proxy
from tests.networks.programs import APE, Programs

PASSPHRASE = "a passphrase"
NETWORKS = {1337: "ethereum:quorum", 11155111: "ethereum:sepolia"}  # by chain id; the second waits for confirmations
FUNDS = 10**20
WINDOW = 3_000  # seconds of every window of a job


@dataclass
class LiveTestbed:
    """Everybody, by name; `server` is the learning server, the others are workers with a behaviour each."""

    folder: Path
    workers: dict[str, str]
    rounds: int
    chain_id: int = 1337
    seed: int = 1
    jobs: int = 1
    task: str = "digits"
    referee: str = "server"
    forges: bool = False  # the server, its models
    node: Node = field(init=False)
    proxy: Proxy = field(init=False)
    programs: Programs = field(init=False)
    deployment: Deployment = field(init=False)

    def __post_init__(self) -> None:
        self.node = Node(self.folder, self.chain_id)
        self.proxy = Proxy(self.node.url, self.seed)
        self.programs = Programs(self.folder, self.folder / "ape", PASSPHRASE, self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody's name."""
        return ("server", *self.workers)

    def __enter__(self) -> "LiveTestbed":
        try:
            self._deploy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.programs.kill_all()
        self.node.stop()
        self.proxy.close()

    def _deploy(self) -> None:
        (self.folder / "ape" / "accounts").mkdir(parents=True)
        self.node.start()
        for name in self.names:
            self._open_account(name)
        records = self.folder / "records"
        place = ["--network", self.network_choice(self.node.url), "--account", "server"]
        self.programs.run("deploy", *place, "--min-seats", "1", "--deployments", records, "--referee", self.referee)
        (record,) = records.glob("*.json")
        self.deployment = Deployment.load(record)

    @property
    def pool(self) -> int:
        """The number of those who join: who only watches does not."""
        return sum(behaviour != "watching" for behaviour in self.workers.values())

    def network_choice(self, url: str) -> str:
        """Return the network as it is named on the command line."""
        return f"{NETWORKS[self.chain_id]}:{url}"

    def address_of(self, name: str) -> str:
        """Return the address of somebody."""
        return Account.from_key(keccak(text=name)).address

    def start(self, name: str, poll_interval: float | None = 0.5) -> None:
        """Start somebody's program, or start it again; `poll_interval` None is the one that people have."""
        self.programs.start(name, *self._command(name, poll_interval))

    def start_double(self, name: str) -> None:
        """Start somebody's program a second time, beside the first, until the next double is started."""
        if "double" in self.programs.running:
            self.programs.kill("double")
        self.programs.start("double", *self._command(name, 0.5))

    def _command(self, name: str, poll_interval: float | None) -> list[object]:
        place = ["--network", self.network_choice(self.proxy.url), "--address", self.deployment.addresses["JobFactory"]]
        pace = ["--patience", 20, "--account", name]
        pace += [] if poll_interval is None else ["--poll-interval", poll_interval]
        if name == "server":
            wishes = ["--rounds", self.rounds, "--min-pool", self.pool, "--jobs", self.jobs]
            windows = ["--commit-window", WINDOW, "--publish-window", WINDOW, "--referee-window", WINDOW]
            runs = [sys.executable, "-m", "tests.live.evil_server"] if self.forges else [APE, "run", "server"]
            program = [*runs, *wishes, "--task", self.task, *windows, "--audit-rate", 0]
        elif self.workers[name] == "watching":
            program = [APE, "run", "watch"]
        elif self.workers[name] == HONEST.name:
            program = [APE, "run", "worker"]
        else:
            program = [sys.executable, "-m", "tests.live.evil_worker", self.workers[name]]
        return [*program, *place, *pace]

    def start_all(self) -> None:
        """Start everybody."""
        for name in self.names:
            self.start(name)

    def start_again(self) -> None:
        """Start who has given up, because there was no node when it began, as a service manager would."""
        for name in self.names:
            if self.programs.running[name].poll():
                self.start(name)

    def has_ended(self, name: str) -> bool:
        """Return whether somebody's program has done all that it had to."""
        return self.programs.running[name].poll() == 0

    def kill(self, name: str) -> None:
        """End somebody's program as a power cut would."""
        self.programs.kill(name)

    def _open_account(self, name: str) -> None:
        file = self.folder / "ape" / "accounts" / f"{name}.json"
        file.write_text(json.dumps(Account.encrypt(keccak(text=name), PASSPHRASE, iterations=2)))
        self.node.ask("anvil_setBalance", self.address_of(name), hex(FUNDS))
