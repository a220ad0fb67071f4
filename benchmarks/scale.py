"""How cost grows with the number of workers, and how fast transactions get into the chain."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # files only: there may be no display

from ape import networks
from ape.logging import LogLevel, logger
from eth_account import Account
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from matplotlib import pyplot
from matplotlib.ticker import NullLocator, ScalarFormatter

from benchmarks.crowds import crowds
from benchmarks.machine import told_of
from benchmarks.report import FIGURES, ROOT, Section, figure, table
from mlchain.chain.accounts import account_from_secret, load_account
from mlchain.chain.connection import Chain
from mlchain.console import percent
from mlchain.protocol.calls import Call
from mlchain.protocol.rounds import ETHER
from mlchain.simulation.plots import save_figure

COMMITTEE = 25
SIZES = (10, 30, 100, 300, 1000)  # workers of a round of fake training
SENDERS = 1_000  # of one transaction each
ONE_BY_ONE = 100
OURS, BARE = "this project, in batches", "bare loop of JSON-RPC batches"
SETTLING = 3  # seconds between two simulations: Ape starts Anvil at one port, where the last one has to be gone
LOOK = 0.1  # seconds between two looks at the memory of a simulation
PORTION = 200  # transactions of a request in the bare loop
SEAT_STEPS = ("JobFactory.deployRound", "Job.commit", "Job.propose", "Job.publish", "Job.settle")


@dataclass(frozen=True, slots=True)
class Run:
    """A simulation: its summary, seconds with the start of Python and Anvil, and the peak memory of either in MiB."""

    summary: dict[str, Any]
    seconds: float
    memory: float

    @property
    def transactions(self) -> int:
        """The transactions that were mined, deployments and transfers left out."""
        return sum(of_kind["count"] for of_kind in self.summary["gas"].values())

    @property
    def gas_per_seat(self) -> float:
        """What deploying, answering and settling came to for a seat; medians times counts."""
        seats: int = sum(job["seats"] for current in self.summary["rounds"] for job in current["jobs"])
        gas = self.summary["gas"]
        return int(sum(gas[kind]["median"] * gas[kind]["count"] for kind in SEAT_STEPS)) / seats


def measure() -> Section:
    """Play rounds with more and more workers on Anvil, and time transactions sent in three ways to one Anvil."""
    runs = {workers: simulate(workers, "fake", 1) for workers in SIZES}
    learning = simulate(300, "digits", 5)
    draw(runs)
    rate = rates()
    most = runs[SIZES[-1]]
    figures = {
        "seconds": f"{most.seconds:.1f}",
        "memory": f"{most.memory:,.0f} MiB",
        "learning-seconds": f"{learning.seconds:.1f}",
        "rate": f"{rate[OURS]:,.0f}",
        "of-bare-loop": percent(rate[OURS] / rate[BARE], 0),
    }
    return Section("Scale", _text(runs, learning, rate, crowds()), figures)


def simulate(workers: int, task: str, rounds: int) -> Run:
    """Run `ape run simulate` on Anvil as a person would, in committees of 25 where there are as many workers."""
    committee = min(workers, COMMITTEE)
    print(f"  {workers} workers, {task}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, object] = {
            "workers": workers,
            "jobs": workers // committee,
            "committee": committee,
            "rounds": rounds,
        }
        options |= {"task": task, "network": "ethereum:local:foundry", "report": folder}
        command = [
            "ape",
            "run",
            "simulate",
            *(word for name, value in options.items() for word in (f"--{name}", value)),
        ]
        time.sleep(SETTLING)
        started = time.monotonic()
        running = subprocess.Popen([str(word) for word in command], cwd=ROOT, stdout=subprocess.DEVNULL)
        memory = 0.0
        while running.poll() is None:
            memory = max(memory, peak_memory(running.pid))
            time.sleep(LOOK)
        seconds = time.monotonic() - started
        if running.returncode:
            raise RuntimeError(f"the simulation of {workers} workers failed")
        summary = json.loads((Path(folder) / "summary.json").read_text())
    return Run(summary, seconds, memory)


def peak_memory(pid: int) -> float:
    """Return the most memory, in MiB, that a process or one it started has had so far; 0 where Linux does not tell.

    The system's own count for a finished process would begin with the memory of this one, from which it was forked.
    """
    lines = (line for said in told_of(pid, "status") for line in said.splitlines())
    return max((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), default=0.0)


def rates() -> dict[str, float]:
    """Return transactions a second into one Anvil: Ape one by one, our batches, and a bare loop of JSON-RPC batches."""
    logger.set_level(LogLevel.ERROR)
    with networks.parse_network_choice("ethereum:local:foundry") as provider:
        chain, funder = Chain(), load_account(None)
        senders = [account_from_secret(keccak(text=f"sender {number}")) for number in range(SENDERS)]
        chain.transfer_all(funder, {sender.address: ETHER for sender in senders})
        counters = [chain.deploy(funder, "Counter").address for _ in range(3)]
        call = Call("Counter", "increment", address=counters[0])
        single = _rate(ONE_BY_ONE, lambda: [chain.send(sender, call) for sender in senders[:ONE_BY_ONE]])
        call = Call("Counter", "increment", address=counters[1])
        batched = _rate(SENDERS, lambda: list(chain.send_all([(sender, call) for sender in senders])))
        nonces = [2] * ONE_BY_ONE + [1] * (SENDERS - ONE_BY_ONE)
        bare = _rate(SENDERS, lambda: _bare_loop(provider, senders, nonces, counters[2]))
    return {"Ape, one by one": single, OURS: batched, BARE: bare}


def _rate(transactions: int, send: Callable[[], object]) -> float:
    started = time.monotonic()
    send()
    return transactions / (time.monotonic() - started)


def _bare_loop(provider: Any, senders: Sequence[Any], nonces: Sequence[int], counter: str | None) -> None:
    """Sign, send, mine and ask for receipts with as little as possible around it: no estimate, no order, no errors."""
    http = provider.web3.provider
    fields = {"to": counter, "data": keccak(text="increment()")[:4], "gas": 100_000, "chainId": provider.chain_id}
    fields |= {"gasPrice": provider.gas_price, "value": 0}
    signed = [
        Account.sign_transaction(fields | {"nonce": nonce}, sender.private_key).raw_transaction
        for sender, nonce in zip(senders, nonces, strict=True)
    ]
    provider.auto_mine = False
    hashes = _ask(http, "eth_sendRawTransaction", [to_hex(raw) for raw in signed])
    missing = hashes
    while missing:
        http.make_request("evm_mine", [])
        receipts = _ask(http, "eth_getTransactionReceipt", missing)
        missing = [hash_ for hash_, receipt in zip(missing, receipts, strict=True) if not receipt]
    provider.auto_mine = True


def _ask(http: Any, method: str, parameters: Sequence[str]) -> list[Any]:
    requests = [(method, [parameter]) for parameter in parameters]
    portions = [requests[start : start + PORTION] for start in range(0, len(requests), PORTION)]
    return [answer["result"] for portion in portions for answer in http.make_batch_request(portion)]


def draw(runs: dict[int, Run]) -> None:
    """Draw seconds, gas per seat and memory over the number of workers."""
    panels = {
        "seconds, start to end": [run.seconds for run in runs.values()],
        "gas per seat, thousands": [run.gas_per_seat / 1000 for run in runs.values()],
        "peak memory, MiB": [run.memory for run in runs.values()],
    }
    drawing, all_axes = pyplot.subplots(1, len(panels), figsize=(11, 3.6), layout="constrained")
    for axes, (title, values) in zip(all_axes, panels.items(), strict=True):
        axes.plot(list(runs), values, marker="o")
        axes.set(title=title, xlabel="workers", xscale="log")
        axes.set_ylim(0, 1.2 * max(values))
        axes.set_xticks(list(runs))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(alpha=0.3)
    save_figure(drawing, FIGURES / "scale.png")


def _text(runs: dict[int, Run], learning: Run, rate: dict[str, float], crowded: str) -> str:
    header = ("workers", "jobs × seats", "seconds", "of which playing", "transactions", "gas per seat", "peak memory")
    rows = [
        (
            f"{workers:,}",
            f"{workers // min(workers, COMMITTEE)} × {min(workers, COMMITTEE)}",
            f"{run.seconds:.1f}",
            f"{run.summary['seconds']:.1f}",
            f"{run.transactions:,}",
            f"{run.gas_per_seat:,.0f}",
            f"{run.memory:,.0f} MiB",
        )
        for workers, run in runs.items()
    ]
    rates_table = table(
        ("sent by", "transactions a second", "of the bare loop"),
        [(name, f"{value:,.0f}", percent(value / rate[BARE], 0)) for name, value in rate.items()],
    )
    return f"""
One round of fake training on Anvil (`ape run simulate --task fake --rounds 1 --network ethereum:local:foundry`): all
workers join, answer, are paid, leave and withdraw everything. Gas per seat is that of deploying, committing, proposing,
publishing and settling, divided by the number of seats; 1,348 bytes are published per job. Memory is that of the
simulator or of Anvil, whichever needs more.

{table(header, rows)}

{figure("scale.png", "Seconds, gas per seat and peak memory over 10 to 1,000 workers")}

{crowded}

Real learning, 300 workers in 12 jobs of 25 seats, five rounds of `digits`: **{learning.seconds:.1f} seconds**,
{learning.transactions:,} transactions, {percent(learning.summary["accuracy"])} test accuracy.

`Counter.increment()` from {SENDERS:,} accounts ({ONE_BY_ONE} for Ape), sent to the same Anvil in three ways, signing
and receipts included. This project's way also estimates the gas of each, for which there is no bound, and keeps the
order of the list:

{rates_table}
"""
