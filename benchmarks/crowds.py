"""Where the time of a simulation with thousands of workers goes: in the program, in Anvil, and what Anvil is asked."""

import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ape import networks
from web3 import HTTPProvider

from benchmarks.machine import told_of
from benchmarks.report import table, wrapped
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from mlchain.simulation.books import check_books
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation, open_chain
from mlchain.simulation.summary import summarize

JOBS = 64
COMMITTEES = {1_000: 15, 4_000: 60, 10_000: 150}  # seats of a job, by the number of workers
TASK = "fake"
MINING = ("evm_mine", "anvil_mine")
NAMED = 7  # kinds of questions that have a row


@dataclass(slots=True)
class Cost:
    """Seconds on the clock, and processor seconds of the program and of Anvil, by what Anvil was asked."""

    seconds: float = 0.0
    own: float = 0.0
    anvil: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    questions: Counter[str] = field(default_factory=Counter)
    requests: int = 0


class CountedHTTP(HTTPProvider):
    """Asks the Anvil that is process `pid`, and adds to `cost` what it asks and what that takes."""

    def __init__(self, provider: Any, cost: Cost) -> None:
        super().__init__(provider.uri, {"timeout": provider.timeout})
        self._pid, self._cost = provider.process.pid, cost

    def make_request(self, method: Any, params: Any) -> Any:
        """Answer a request."""
        with self._counted([method]):
            return super().make_request(method, params)

    def make_batch_request(self, requests: Any) -> Any:
        """Answer many requests that go as one."""
        with self._counted([method for method, _ in requests]):
            return super().make_batch_request(requests)

    @contextmanager
    def _counted(self, methods: list[str]) -> Iterator[None]:
        before = processor_seconds(self._pid)
        try:
            yield
        finally:
            self._cost.anvil[methods[0]] += processor_seconds(self._pid) - before
            self._cost.questions.update(methods)
            self._cost.requests += 1


def processor_seconds(pid: int) -> float:
    """Return the processor seconds of a process and of those it started; 0 where Linux does not tell."""
    ticks = (int(word) for said in told_of(pid, "stat") for word in said.rpartition(")")[2].split()[11:13])
    return sum(ticks) / os.sysconf("SC_CLK_TCK")


def crowds() -> str:
    """Play a round with more and more workers; return a table of where the time went."""
    costs = {workers: _play(workers, committee) for workers, committee in COMMITTEES.items()}
    most = costs[max(costs)].questions
    kinds = [kind for kind, _ in most.most_common() if kind not in MINING][:NAMED]
    rows: list[list[str]] = [
        ["seconds", *(f"{cost.seconds:.0f}" for cost in costs.values())],
        ["processor seconds: the program", *(f"{cost.own:.1f}" for cost in costs.values())],
        ["processor seconds: Anvil", *(f"{sum(cost.anvil.values()):.1f}" for cost in costs.values())],
        ["– of it to make blocks", *(f"{sum(cost.anvil[it] for it in MINING):.1f}" for cost in costs.values())],
        ["requests", *(f"{cost.requests:,}" for cost in costs.values())],
        ["blocks asked for", *(f"{sum(cost.questions[it] for it in MINING):,}" for cost in costs.values())],
    ]
    rows += [[f"`{kind}`", *(f"{cost.questions[kind]:,}" for cost in costs.values())] for kind in kinds]
    others = (cost.questions.total() - sum(cost.questions[it] for it in (*MINING, *kinds)) for cost in costs.values())
    rows.append(["other questions", *(f"{count:,}" for count in others)])
    header = ["workers", *(f"{workers:,}" for workers in costs)]
    seats = ", ".join(map(str, COMMITTEES.values()))
    said = f"""Where the time goes with {JOBS} jobs of {seats} seats, without starting Python and Anvil. Questions go in
        batches, so there are fewer requests. For every block, and a stake stays locked for {MAX_SNAPSHOT_AGE} of them,
        Anvil hashes all accounts and their storage."""
    return f"{wrapped(said)}\n\n{table(header, rows)}"


def _play(workers: int, committee: int) -> Cost:
    print(f"  {workers} workers in {JOBS} jobs", file=sys.stderr, flush=True)
    cost = Cost()
    options = Options(workers=workers, jobs=JOBS, committee=committee, task=TASK, rounds=1)
    with networks.parse_network_choice("ethereum:local:foundry") as provider:
        provider.web3.provider = CountedHTTP(provider, cost)
        started, used = time.monotonic(), time.process_time()
        chain = open_chain(options.seed)
        run = Simulation(chain, options, lambda _done, _what: None).play()
        check_books(chain, run)
        summarize(chain, run, 0.0)
        cost.seconds, cost.own = time.monotonic() - started, time.process_time() - used
    return cost
