"""How few bits a result can spend on a weight before accuracy suffers, and what that saves in gas."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from statistics import mean

import matplotlib as mpl
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.report import FIGURES, Section, figure, table
from mlchain.protocol.content import split
from mlchain.tasks.catalogue import MODELS, default_recipe, open_task
from mlchain.tasks.dataset import Dataset
from mlchain.tasks.task import DatasetTask
from mlchain.training.recipe import BITS, WIDE

mpl.use("Agg")  # no display
from matplotlib import pyplot as plt

ROUNDS, JOBS = 5, 2
ORDERS = 4  # of the samples, all else equal
VALIDATION = 10_000  # the last of the training images
LOSS = 0.1  # points of accuracy that a saving may cost


@dataclass(frozen=True, slots=True)
class Trained:
    """A whole run: the accuracy it ends with, and the bytes it puts on the chain."""

    accuracy: float
    results: list[bytes]
    models: list[bytes]


def measure() -> Section:
    """Train MNIST with every encoding, with and without feedback."""
    wanted = [(model, bits) for model in reversed(MODELS) for bits in sorted(BITS, reverse=True)]  # the longest first
    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(_row_of, *zip(*wanted, strict=True)))
    found = {model: [row for row in rows if row["model"] == model] for model in MODELS}
    _plot(found)
    return Section("Bytes on the chain", _text(found))


def _row_of(model: str, bits: int) -> dict:
    """Return accuracies, bytes and gas of an encoding."""
    task = open_task(replace(default_recipe("mnist", model), bits=bits).to_bytes())
    trial = DatasetTask(task.plan, _held_out(task.dataset))
    with threadpool_limits(1, "blas"):
        whole = _run(task, feedback=True)
        blind = mean(_run(trial, False, order).accuracy for order in range(ORDERS))
        fed = mean(_run(trial, True, order).accuracy for order in range(ORDERS)) if bits != WIDE else None
    return {
        "model": model,
        "bits": bits,
        "blind": blind,
        "fed": fed,
        "test": whole.accuracy,
        "size": len(whole.results[0]),
        "results": sum(_gas_of("Job", result) for result in whole.results),
        "models": sum(_gas_of("ModelRegistry", version) for version in whole.models),
    }


def _held_out(data: Dataset) -> Dataset:
    """Return the training images alone: the last of them to test on, the others to train on."""
    train, test = slice(None, -VALIDATION), slice(-VALIDATION, None)
    images, labels = data.train_images, data.train_labels
    return Dataset(data.name, data.pixel_max, data.classes, images[train], labels[train], images[test], labels[test])


def _run(task: DatasetTask, feedback: bool, order: int = 0) -> Trained:
    """Play all rounds without a chain. Without feedback nobody is told the parent, so that nothing is made up for."""
    versions, results = [task.initial_model()], []
    for number in range(1000 * order + 1, 1000 * order + ROUNDS + 1):
        parent = versions[-2] if feedback and len(versions) > 1 else None
        accepted = [task.train(versions[-1], number, job, parent) for job in range(JOBS)]
        versions.append(task.aggregate(versions[-1], accepted, parent))
        results += accepted
    return Trained(100 * task.accuracy(versions[-1]), results, versions)


# What a `publish` costs besides its chunk: to execute it, and the rest of its call at the floor of EIP-7623.
EXECUTION = {"Job": 62_500, "ModelRegistry": 16_700}
CALL = {"Job": 3_480, "ModelRegistry": 2_230}
PER_HASH = 40 * 32


def _gas_of(contract: str, data: bytes) -> int:
    """Return the gas of publishing bytes, all chunks together."""
    chunks = split(data)
    return sum(_gas_of_chunk(contract, chunk, len(chunks)) for chunk in chunks)


def _gas_of_chunk(contract: str, chunk: bytes, chunks: int) -> int:
    zeros = chunk.count(0)
    others = len(chunk) - zeros
    executed = 16 * others + 4 * zeros + EXECUTION[contract] + 83 * len(chunk) // 10
    floor = 40 * others + 10 * zeros + CALL[contract] + PER_HASH * chunks
    return 21_000 + max(executed, floor)


def _chosen(rows: list[dict]) -> dict:
    """Return the row of the fewest bits that lose no more than LOSS points on the images held out."""
    wide = rows[0]["blind"]
    return [row for row in rows if (row["fed"] or row["blind"]) >= wide - LOSS][-1]


def _plot(found: dict[str, list[dict]]) -> None:
    drawing, panels = plt.subplots(1, len(found), figsize=(9, 3.6), layout="constrained")
    for panel, (model, rows) in zip(panels, found.items(), strict=True):
        gas = np.array([row["results"] + row["models"] for row in rows]) / 1e6
        panel.plot(gas, [row["fed"] or row["blind"] for row in rows], "o-", label="with feedback")
        panel.plot(gas, [row["blind"] for row in rows], "s--", label="without", alpha=0.6)
        for x, row in zip(gas, rows, strict=True):
            panel.annotate(f"{row['bits']} bit", (x, row["fed"] or row["blind"]), (2, 5), textcoords="offset points")
        panel.set(title=f"mnist {model}", xlabel="gas to publish a whole run, millions")
        panel.set(ylabel="accuracy on images held out, %")
        panel.legend(loc="lower right")
    drawing.savefig(FIGURES / "encodings.png", dpi=110)
    plt.close(drawing)


def _text(found: dict[str, list[dict]]) -> str:
    header = [
        "mnist",
        "bits a weight",
        "held out, without feedback",
        "held out, with feedback",
        "test, with feedback",
        "bytes a result",
        "results, million gas",
        "with models, million gas",
    ]
    rows = [_row(model, row) for model, rows in found.items() for row in rows]
    chosen = ", ".join(
        f"{_chosen(rows)['bits']} for {model} (its default: {default_recipe('mnist', model).bits})"
        for model, rows in found.items()
    )
    return f"""
How few bits can a result spend on the change of a weight before accuracy suffers? {ROUNDS} rounds of {JOBS} jobs;
feedback is the last step of the model as the estimate of the next, so that what one round loses the next one makes
up for ([training](training.md#few-bits-a-weight)). The fewest bits that lose at most {LOSS} points to {WIDE} bits on
the last {VALIDATION:,} training images, held out, mean of {ORDERS} orders of the samples:
{chosen}.

{table(header, rows)}

{figure("encodings.png", "Accuracy against gas for 16, 8, 4, 2 and 1 bits a weight, with and without feedback")}

A chunk costs 21,000 gas and the greater of 16 a byte that is not 0, 4 a byte that is, 8.3 a byte for log and memory and
{EXECUTION["Job"]:,} to execute (for a model {EXECUTION["ModelRegistry"]:,}), or, by EIP-7623, 40 and 10 a byte of the
whole call. Beside real transactions of `Job.publish` and `ModelRegistry.publish` with 1,300 to 24,576 bytes this is
within 1.3 %, but 6 % too much for 1,300 zeros. Everything else that a round costs does not depend on the encoding.
What is published most are now the {ROUNDS + 1} versions of the model, at two bytes a weight.
"""


def _row(model: str, row: dict) -> list[str]:
    fed = f"{row['fed']:.2f} %" if row["fed"] else "–"
    gas = [f"{row['results'] / 1e6:.2f}", f"{(row['results'] + row['models']) / 1e6:.2f}"]
    return [model, row["bits"], f"{row['blind']:.2f} %", fed, f"{row['test']:.2f} %", f"{row['size']:,}", *gas]
