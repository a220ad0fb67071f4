"""What a worker has taken when it is ready: processor time and memory of its process, beside those of Ape alone."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, cast

from eth_account import Account
from eth_utils import keccak

from benchmarks.report import Section, table, wrapped
from benchmarks.traffic import FUNDS, node, provider_at
from mlchain.chain.accounts import account_from_secret
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.provider import connected_provider, connected_to

TRIES = 5
NAME, PASSPHRASE = "alice", "benchmark"
APE = "from ape import accounts, chain, networks, project; print(flush=True); input()"
MIB = 2**20


def measure() -> Section:
    """Start a worker on an Anvil until it prints its first line, which says where it works; and Python with Ape."""
    with node() as url, tempfile.TemporaryDirectory() as folder:
        factory = _deployed(url)
        environment = os.environ | _account_in(Path(folder))
        where = ["--network", f"ethereum:quorum:{url}", "--address", factory, "--account", NAME]
        ape = str(Path(sys.executable).with_name("ape"))
        worker = _taken([ape, "run", "worker", *where], environment)
        alone = _taken([sys.executable, "-c", APE], environment)
    figures = {"worker-seconds": f"{worker[0]:.1f}", "worker-mebibytes": f"{worker[1]:.0f}"}
    said = f"""`ape run worker`, from its start until it says where it works: the median of {TRIES} on an Anvil, with a
        key that takes no time to decrypt. Memory is the most that was resident. Ape alone is a Python that has
        imported what every such program asks it for; in a program of this project it does without pandas."""
    rows = [_row("`ape run worker`", worker), _row("Ape alone", alone)]
    head = ["", "CPU s", "MiB"]
    return Section("What a worker takes to start", f"{wrapped(said)}\n\n{table(head, rows)}", figures)


def _row(name: str, taken: tuple[float, float]) -> list[str]:
    return [name, f"{taken[0]:.1f}", f"{taken[1]:.0f}"]


def _deployed(url: str) -> str:
    """Deploy the contracts on the node; return where the factory is."""
    with connected_to(provider_at(url)):
        operator = account_from_secret(keccak(text="start"))
        cast(Any, connected_provider().web3.provider).make_request(
            "anvil_setBalance", [str(operator.address), hex(FUNDS)]
        )
        return deploy(Chain(), operator, Parameters()).deployment.addresses["JobFactory"]


def _account_in(folder: Path) -> dict[str, str]:
    """Write an account for Ape; return the variables with which it is found and unlocked."""
    accounts = folder / "accounts"
    accounts.mkdir()
    encrypted = Account.encrypt(keccak(text=NAME), PASSPHRASE, iterations=1)
    (accounts / f"{NAME}.json").write_text(json.dumps(encrypted))
    return {"APE_DATA_FOLDER": str(folder), f"APE_ACCOUNTS_{NAME}_PASSPHRASE": PASSPHRASE}


def _taken(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the processor seconds and the memory, in MiB, of a program when it has printed a line."""
    taken = []
    for _ in range(TRIES):
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, env=environment, **pipes) as program:
            line = cast(Any, program.stdout).readline()
            taken.append((_seconds(program.pid), _most_resident(program.pid)))
            program.terminate()
        if line.startswith("error"):
            raise RuntimeError(line)
    return median(it[0] for it in taken), median(it[1] for it in taken)


def _seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _most_resident(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kibibytes * 1024 / MIB
