"""A learning server and its workers, each a process of its own, on a node of their own behind a proxy."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from eth_account import Account
from eth_utils import keccak

from mlchain.chain.deployment import Deployment
from tests.live.node import Node
from tests.live.proxy import Proxy

ROOT = Path(__file__).parents[2]
APE = Path(sys.executable).with_name("ape")
PASSPHRASE = "a passphrase"
NETWORKS = {1337: "ethereum:quorum", 11155111: "ethereum:sepolia"}  # by chain id; the second waits for confirmations
FUNDS = 10**20
WINDOW = 3_000  # seconds of every window of a job


@dataclass
class LiveNetwork:
    """Everybody, by name; `server` is the learning server, the others are workers with a behaviour each."""

    folder: Path
    workers: dict[str, str]
    rounds: int
    chain_id: int = 1337
    seed: int = 1
    jobs: int = 1
    task: str = "digits"
    node: Node = field(init=False)
    proxy: Proxy = field(init=False)
    deployment: Deployment = field(init=False)
    running: dict[str, subprocess.Popen] = field(default_factory=dict)
    _double: subprocess.Popen | None = None

    def __post_init__(self) -> None:
        self.node = Node(self.folder, self.chain_id)
        self.proxy = Proxy(self.node.url, self.seed)

    def __enter__(self) -> "LiveNetwork":
        try:
            self._found()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        for process in [*self.running.values(), *filter(None, [self._double])]:
            process.kill()
            process.wait()
        self.node.stop()
        self.proxy.close()

    def _found(self) -> None:
        (self.folder / "ape" / "accounts").mkdir(parents=True)
        self.node.start()
        for name in ("server", *self.workers):
            self._open_account(name)
        self._run(
            "deploy", "--network", self.network_choice(self.node.url), "--account", "server", "--folder", "records"
        )
        (record,) = (self.folder / "records").glob("*.json")
        self.deployment = Deployment.load(record)

    def network_choice(self, url: str) -> str:
        """Return the network as it is named on the command line."""
        return f"{NETWORKS[self.chain_id]}:{url}"

    def address_of(self, name: str) -> str:
        """Return the address of somebody."""
        return Account.from_key(keccak(text=name)).address

    def start(self, name: str, pause: float | None = 0.5) -> None:
        """Start somebody's program, or start it again; `pause` None is the one that people have."""
        self.running[name] = self._start(name, pause)

    def start_double(self, name: str) -> None:
        """Start somebody's program a second time, beside the first, until the next double is started."""
        if self._double:
            self._double.kill()
            self._double.wait()
        self._double = self._start(name)

    def _start(self, name: str, pause: float | None = 0.5) -> subprocess.Popen:
        place = ["--network", self.network_choice(self.proxy.url), "--address", self.deployment.addresses["JobFactory"]]
        pace = ["--patience", "20", "--account", name]
        pace += [] if pause is None else ["--poll-interval", pause]
        if name == "server":
            wishes = ["--rounds", self.rounds, "--min-pool", len(self.workers), "--jobs", self.jobs]
            wishes += ["--task", self.task, "--commit-window", WINDOW, "--publish-window", WINDOW]
            wishes += ["--referee-window", WINDOW]
            command = ["server", *wishes]
        else:
            command = ["worker", "--behaviour", self.workers[name]]
        log = (self.folder / f"{name}.log").open("ab")
        words = [str(word) for word in (APE, "run", *command, *place, *pace)]
        return subprocess.Popen(words, cwd=ROOT, env=self._environment(), stdout=log, stderr=log)

    def start_all(self) -> None:
        """Start everybody."""
        for name in ("server", *self.workers):
            self.start(name)

    def start_again(self) -> None:
        """Start who has given up, because there was no node when it began, as a service manager would."""
        for name, process in self.running.items():
            if process.poll():
                self.start(name)

    def kill(self, name: str) -> None:
        """End somebody's program as a power cut would."""
        self.running[name].kill()
        self.running[name].wait()

    def log(self, name: str) -> str:
        """Return what somebody's programs have said so far."""
        return (self.folder / f"{name}.log").read_text()

    def _run(self, *command: object) -> str:
        words = [str(word) for word in (APE, "run", *command)]
        words[words.index("records")] = str(self.folder / "records")
        done = subprocess.run(words, cwd=ROOT, env=self._environment(), capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def _open_account(self, name: str) -> None:
        key = keccak(text=name)
        file = self.folder / "ape" / "accounts" / f"{name}.json"
        file.write_text(json.dumps(Account.encrypt(key, PASSPHRASE, iterations=2)))
        self.node.ask("anvil_setBalance", self.address_of(name), hex(FUNDS))

    def _environment(self) -> dict[str, str]:
        passphrases = {f"APE_ACCOUNTS_{name}_PASSPHRASE": PASSPHRASE for name in ("server", *self.workers)}
        threads = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        return os.environ | passphrases | threads | {"APE_DATA_FOLDER": str(self.folder / "ape")}
