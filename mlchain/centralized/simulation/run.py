"""Plays learning with a trusted server: the real service and real workers, a process each, beside a local chain.

The chain belongs to this process. Workers join on it from accounts of their own; whom its events name is handed to the
service, which knows nobody else. From then on the workers talk to the service only.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlchain.centralized.service.settings import Settings
from mlchain.centralized.service.signing import Place
from mlchain.centralized.service.store import ModelVersion, Store
from mlchain.centralized.simulation.options import CentralizedOptions
from mlchain.centralized.web.serving import database_in
from mlchain.chain.accounts import load_account
from mlchain.chain.connection import Chain
from mlchain.chain.receipts import Receipt
from mlchain.errors import TransactionFailed, UserError
from mlchain.protocol.calls import Call
from mlchain.simulation.participants import SERVER_FUNDS, WORKER_FUNDS, secret
from mlchain.simulation.simulator import open_accounts

POLL_INTERVAL = 0.2  # seconds between two looks at how far the learning is
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # as many processes as workers fill the cores


@dataclass(frozen=True, slots=True)
class CentralizedRun:
    """What was played: the versions, the bytes moved, and the receipts of each kind of transaction."""

    options: CentralizedOptions
    place: Place
    models: list[ModelVersion]
    traffic: dict[str, int]
    learning_seconds: float
    receipts: dict[str, list[Receipt]]


def learn(chain: Chain, options: CentralizedOptions, report: Callable[[float, str], None]) -> CentralizedRun:
    """Play the learning to its end; raises UserError if it stops before."""
    first = chain.height
    labels = [f"worker {number}" for number in range(options.workers)]
    report(0, "join")
    counter, receipts = _join(chain, options.seed, labels)
    place = Place(chain.chain_id, counter)
    chain.mine(chain.height - chain.final_block)
    joined, _next = chain.joins(counter, first)

    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="mlchain-") as folder,
        _service(options.settings(place), joined, Path(folder)) as url,
        closing(Store(database_in(Path(folder)))) as store,
    ):
        participants = zip([secret(options.seed, label) for label in labels], options.behaviours(), strict=True)
        _work(url, participants, lambda: report(store.newest_version() or 0, "learn"))
        models, traffic = store.models(), store.traffic()
    seconds = time.monotonic() - started
    if len(models) <= options.rounds:
        raise UserError(f"learning came to a halt after {len(models) - 1} of {options.rounds} rounds")
    return CentralizedRun(options, place, models, traffic, seconds, receipts)


def _join(chain: Chain, seed: int, labels: list[str]) -> tuple[str, dict[str, list[Receipt]]]:
    """Deploy a counter and let all workers increment it; return its address, and what that cost."""
    funds = {"server": SERVER_FUNDS} | dict.fromkeys(labels, WORKER_FUNDS)
    server, *workers = open_accounts(chain, load_account(None), seed, funds)
    deployed = chain.deploy(server, "Counter")
    assert deployed.address is not None  # that of what was deployed

    call, joins = Call("Counter", "increment", address=deployed.address), []
    for outcome in chain.send_all([(worker, call) for worker in workers]):
        if isinstance(outcome, TransactionFailed):
            raise outcome
        joins.append(outcome)
    return deployed.address, {"deploy Counter": [deployed], call.kind: joins}


@contextmanager
def _service(settings: Settings, joined: list[tuple[str, int]], folder: Path) -> Iterator[str]:
    """Run a service that ends with the block; yields its address."""
    joins = [f"{address} {number}" for address, number in joined]
    with _program("mlchain.centralized.web", folder, 0, told=[settings.to_json(), *joins]) as service:
        assert service.stdout  # a pipe
        url = service.stdout.readline().strip()
        if not url:
            raise UserError(f"the service did not start: {_last_line(service)}")
        yield url


def _work(url: str, participants: Iterable[tuple[bytes, str]], follow: Callable[[], None]) -> None:
    """Run a process for every worker until all are done; `follow()` is called while they work."""
    told = [*(f"{key.hex()} {behaviour}" for key, behaviour in participants), ""]
    with _program("mlchain.centralized.simulation.workers", url, told=told) as workers:
        while workers.poll() is None:
            follow()
            time.sleep(POLL_INTERVAL)
        if workers.returncode:
            raise UserError(f"a worker failed: {_last_line(workers)}")


@contextmanager
def _program(module: str, *arguments: object, told: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a module of this package, told these lines on stdin, in a process that ends with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | ONE_THREAD,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert process.stdin  # a pipe
        with suppress(BrokenPipeError):  # if it has ended, what it said tells why
            process.stdin.write("".join(line + "\n" for line in told))
            process.stdin.flush()
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> str:
    """Stop a program; return what it wrote to stderr, if that has not been asked for before."""
    process.terminate()
    return process.communicate()[1]


def _last_line(process: subprocess.Popen[str]) -> str:
    lines = _end(process).strip().splitlines()
    return lines[-1].removeprefix("error: ") if lines else f"status {process.returncode}"
