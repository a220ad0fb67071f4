"""What a long history costs: to start in it, to read all of it, to read it again, and to follow it as it grows."""

import gc
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import Section, table, wrapped
from benchmarks.synthetic_node import BLOCKS, DEPLOYMENT, WORKERS, SyntheticChain, SyntheticNode
from mlchain.chain.checkpoint import Checkpoint
from mlchain.chain.history import Beginning, History
from mlchain.chain.log_store import LogStore
from mlchain.chain.logs import Logs
from mlchain.chain.past import Past, ignore
from mlchain.chain.witness import Witness

ROUNDS = (10, 100, 1_000, 10_000)
MODEL = 15_700  # bytes, of MNIST's softmax regression
LARGE_MODEL = 101_780  # of its mlp
FOLLOWED = 1_000  # rounds
SETTLING = 20  # rounds after which memory is compared


def measure() -> Section:
    """Measure the readers of a history against a node that answers at once, and whose own time is not counted."""
    _start(SyntheticNode(1, MODEL))  # so that nothing is loaded later
    rows, figures = [], {}
    for rounds in ROUNDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "logs.sqlite"
            for name, read in (
                ("start", _start),
                ("whole", lambda node, path=path: _read(node, path)),
                ("again", lambda node, path=path: _read(node, path)),
            ):
                cells = _cost(read, SyntheticNode(rounds, MODEL))
                rows.append([f"{rounds:,} rounds: {name}", *cells])
                figures[f"{name}-{rounds}-requests"], figures[f"{name}-{rounds}-seconds"] = cells[0], cells[2]
    figures["growth"] = f"{_growth():.1f}"
    said = f"""A synthetic node has as many rounds as wanted, {BLOCKS} blocks and three seats each, on models of
        {MODEL:,} bytes, and says the time of a block in every log. "Start" is what server and worker do, "whole" what
        `status` and `audit` begin with, "again" the same with the logs kept from before; without starting Python and
        Ape, and without the thirty requests that tell whether the deployment is the known one. Following
        {FOLLOWED:,} rounds of {LARGE_MODEL:,} bytes takes {figures["growth"]} MiB more memory than {2 * SETTLING}
        rounds."""
    head = ["", "requests", "KB", "processor seconds"]
    return Section("A long history", f"{wrapped(said)}\n\n{table(head, rows)}", figures)


def _cost(read: Callable[[SyntheticNode], None], node: SyntheticNode) -> list[str]:
    """Return requests, kilobytes and processor seconds of a reading, without what the node takes itself."""
    started = time.process_time()
    read(node)
    seconds = time.process_time() - started - node.seconds
    return [f"{node.requests:,}", f"{node.bytes / 1_000:,.0f}", f"{seconds:.2f}"]


def _start(node: SyntheticNode) -> None:
    _follower(node).advance(node.head)


def _follower(node: SyntheticNode) -> History:
    provider = node.provider()
    logs = Logs(provider)
    return _history(node, logs, Checkpoint(provider, logs, DEPLOYMENT, WORKERS[0], lambda _line: None))


def _history(node: SyntheticNode, logs: Logs, beginning: Beginning) -> History:
    provider = node.provider()
    return History(SyntheticChain(), provider, logs, DEPLOYMENT, Witness(provider, DEPLOYMENT), beginning)


def _read(node: SyntheticNode, path: Path) -> None:
    provider = node.provider()
    logs = Logs(provider)
    history = _history(node, logs, Past(provider, logs, DEPLOYMENT, LogStore(path), ignore, trusted=False))
    history.advance(node.head)
    assert len(history.ledger.rounds) == node.rounds


def _growth() -> float:
    """Return how many MiB a follower holds more after many rounds than after a few."""
    node = SyntheticNode(SETTLING, LARGE_MODEL)
    follower, held = _follower(node), []
    follower.advance(node.head)
    tracemalloc.start()
    try:
        for node.rounds in range(SETTLING + 1, FOLLOWED + 1):
            follower.advance(node.head)
            if node.rounds in (2 * SETTLING, FOLLOWED):
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    return (held[1] - held[0]) / 2**20
