"""The summary of learning with a trusted server: the figures of `summary.json`, a table, and plots."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from mlchain.centralized.simulation.run import CentralizedRun
from mlchain.chain.connection import Chain
from mlchain.console import percent, table
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import ETHER
from mlchain.simulation.summary import gas_figures
from mlchain.simulation.tables import gas_table


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """A round, the version that came out of it, and of how many updates; `seconds` since the learning began."""

    round: int
    version: int
    content_hash: str
    accuracy: float
    updates: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CentralizedSummary:
    """The figures, named as those of the contract mode wherever they mean the same; money in wei.

    `seconds` is the whole run's, `learning_seconds` that of service and workers without the chain; `bytes` is what
    they sent each other in weights and updates.
    """

    mode: str
    network: str
    chain_id: int
    task: str
    model: str
    workers: int
    evil: int
    behaviours: dict[str, int]
    seed: int
    rule: str
    dirichlet_alpha: float | None
    asynchronous: bool
    rounds: list[VersionSummary]
    accuracy: float
    model_hash: str
    bytes: dict[str, int]
    wei: dict[str, int]
    gas: dict[str, dict[str, int]]
    seconds: float
    learning_seconds: float

    def save(self, folder: Path) -> None:
        """Write `summary.json` into `folder`."""
        (folder / "summary.json").write_text(json.dumps(asdict(self), indent=2) + "\n")


def summarize_learning(chain: Chain, run: CentralizedRun, seconds: float) -> CentralizedSummary:
    """Return the summary of what was played."""
    options, last = run.options, run.models[-1]
    names = options.behaviours()
    return CentralizedSummary(
        mode="centralized",
        network=chain.network,
        chain_id=run.place.chain_id,
        task=options.subject.name,
        model=options.model,
        workers=options.workers,
        evil=options.evil,
        behaviours=dict(Counter(names)),
        seed=options.seed,
        rule=options.rule,
        dirichlet_alpha=options.dirichlet_alpha,
        asynchronous=options.asynchronous,
        rounds=[
            VersionSummary(
                model.version,
                model.version,
                _hash(model.data),
                model.accuracy,
                model.updates,
                round(model.made - run.models[0].made, 3),
            )
            for model in run.models[1:]
        ],
        accuracy=last.accuracy,
        model_hash=_hash(last.data),
        bytes=run.traffic,
        wei={"fees": sum(receipt.fee for receipts in run.receipts.values() for receipt in receipts)},
        gas=gas_figures({kind: [receipt.gas for receipt in receipts] for kind, receipts in run.receipts.items()}),
        seconds=round(seconds, 3),
        learning_seconds=round(run.learning_seconds, 3),
    )


def save_learning_plots(run: CentralizedRun, summary: CentralizedSummary, folder: Path) -> list[Path]:
    """Write accuracy by round and gas by kind into `folder`; return their paths."""
    from mlchain.simulation.plots import draw_accuracy, draw_gas, save_plot  # here: it takes a second

    accuracies = [model.accuracy for model in run.models]
    title = f"Test accuracy, {summary.task} / {summary.model}, {summary.rule}"
    return [
        save_plot(folder / "accuracy.png", lambda axes: draw_accuracy(axes, title, accuracies)),
        save_plot(folder / "gas.png", lambda axes: draw_gas(axes, summary.gas)),
    ]


def print_learning(console: Console, summary: CentralizedSummary) -> None:
    """Print the rounds, the gas, and what it all came to."""
    rounds = table("Rounds", "round", "updates", "version", "accuracy", "seconds")
    for it in summary.rounds:
        rounds.add_row(str(it.round), str(it.updates), str(it.version), percent(it.accuracy), f"{it.seconds:.2f}")
    console.print(rounds)
    console.print(gas_table(summary.gas))
    console.print(
        f"model {summary.model_hash}\n"
        f"test accuracy {percent(summary.accuracy)} after {len(summary.rounds)} rounds, {summary.seconds:.1f} seconds, "
        f"{summary.learning_seconds:.1f} of them learning\n"
        f"bytes moved: {summary.bytes['weights_sent']:,} of weights, {summary.bytes['updates_received']:,} of updates; "
        f"fees {summary.wei['fees'] / ETHER:.6f} ether, all of them for joining"
    )


def _hash(model: bytes) -> str:
    return "0x" + content_hash(model).hex()
