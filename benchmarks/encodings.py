"""How few bits a result can spend on a weight before accuracy suffers, and what that saves in gas."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any

import matplotlib
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no types

from benchmarks.learning import jobs_of
from benchmarks.report import FIGURES, Section, figure, table
from mlchain.console import percent
from mlchain.data.dataset import Dataset, fingerprint
from mlchain.data.mnist import load
from mlchain.protocol.content import split
from mlchain.simulation.plots import save_figure
from mlchain.tasks.catalogue import default_recipe, recipe_of
from mlchain.tasks.plans import default_plan
from mlchain.tasks.task import DatasetTask
from mlchain.training.jobs import stated_seed
from mlchain.training.recipe import BITS, WIDE

matplotlib.use("Agg")  # files only: there may be no display

from matplotlib import pyplot

MODELS = ("softmax", "mlp")  # that are trained with every encoding
ROUNDS = 5
# Networks that are compared by what they cost, and the rounds they are trained for.
COMPARED = {"softmax": 5, "mlp": 5, "mlp 784-256-10": 5, "lenet-small": 6, "lenet": 6}
WIDER = ("dense 256", "dense 10")
CHANCE = 0.1
ORDERS = 4  # of the samples, all else equal
VALIDATION = 10_000  # the last of the training images
LOSS = 0.001  # of accuracy in [0, 1] that a saving may cost


@dataclass(frozen=True, slots=True)
class Trained:
    """A whole run: the accuracy in [0, 1] it ends with, and the bytes it puts on the chain."""

    accuracy: float
    results: list[bytes]
    models: list[bytes]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What a number of bits a weight comes to: accuracies in [0, 1], bytes of a result, gas to publish a run.

    Feedback is None with all bits, which lose nothing that it could make up for.
    """

    model: str
    bits: int
    without_feedback: float
    with_feedback: float | None
    test: float
    size: int
    gas_of_results: int
    gas_of_models: int

    @property
    def held_out(self) -> float:
        """The accuracy on images held out, with feedback where there is any."""
        return self.without_feedback if self.with_feedback is None else self.with_feedback

    @property
    def gas(self) -> int:
        """What it takes to publish a whole run."""
        return self.gas_of_results + self.gas_of_models


def measure() -> Section:
    """Train MNIST with every encoding, with and without feedback."""
    wanted = [(model, bits) for model in reversed(MODELS) for bits in sorted(BITS, reverse=True)]  # the longest first
    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(_row_of, *zip(*wanted, strict=True)))
    found = {model: [row for row in rows if row.model == model] for model in MODELS}
    _plot(found)
    wide, chosen = found["softmax"][0], _chosen(found["softmax"])
    share = percent(chosen.gas_of_results / wide.gas_of_results, 0)
    figures = {"share-of-gas": share}
    with ProcessPoolExecutor() as pool:
        costs = list(pool.map(_cost_of, reversed(COMPARED)))[::-1]  # the longest first
    return Section("Bytes on the chain", _text(found, share, costs), figures)


def _row_of(model: str, bits: int) -> Encoded:
    """Return accuracies, bytes and gas of an encoding."""
    task = _task(model, bits)
    trial = DatasetTask(task.plan, _held_out(task.dataset))
    with threadpool_limits(1, "blas"):
        whole = _run(task, model, feedback=True)
        without = mean(_run(trial, model, False, order).accuracy for order in range(ORDERS))
        fed = mean(_run(trial, model, True, order).accuracy for order in range(ORDERS)) if bits != WIDE else None
    gas = [sum(_gas_of("Job", it) for it in whole.results), sum(_gas_of("ModelRegistry", it) for it in whole.models)]
    return Encoded(model, bits, without, fed, whole.accuracy, len(whole.results[0]), *gas)


def _cost_of(name: str) -> list[object]:
    """Return a row: what a network learns, and what that puts on the chain."""
    task = _task(name)
    with threadpool_limits(1, "blas"):
        run = _run(task, name.split()[0], True, rounds=COMPARED[name])
    size = sum(map(len, (*run.results, *run.models)))
    gas = sum(_gas_of("Job", it) for it in run.results) + sum(_gas_of("ModelRegistry", it) for it in run.models)
    points = 100 * (run.accuracy - CHANCE)
    counts = [f"{number:,}" for number in (task.plan.weights, task.plan.model_size, task.plan.result_size, size)]
    return [name, percent(run.accuracy), *counts, f"{gas / 1e6:.1f}", f"{size / points:,.0f}", f"{gas / points:,.0f}"]


def _task(name: str, bits: int | None = None) -> DatasetTask:
    """Return the task of a model on MNIST, with so many bits a weight or its default."""
    data = load()
    plan = default_plan(name.split()[0], data)
    plan = replace(plan, layers=WIDER) if name == "mlp 784-256-10" else plan
    plan = plan if bits is None else replace(plan, bits=bits)
    return DatasetTask(recipe_of(plan, "mnist", fingerprint(data), data.inputs), data)


def _held_out(data: Dataset) -> Dataset:
    """Return the training images alone: the last of them to test on, the others to train on."""
    train, test = slice(None, -VALIDATION), slice(-VALIDATION, None)
    samples, labels = data.train_samples, data.train_labels
    return replace(
        data,
        train_samples=samples[train],
        train_labels=labels[train],
        test_samples=samples[test],
        test_labels=labels[test],
    )


def _run(task: DatasetTask, model: str, feedback: bool, order: int = 0, rounds: int = ROUNDS) -> Trained:
    """Play all rounds without a chain. Without feedback nobody is told the parent, so that nothing is made up for."""
    versions, results = [task.initial_model()], []
    for version in range(1, rounds + 1):
        parent = versions[-2] if feedback and len(versions) > 1 else None
        seed = stated_seed(1000 * order + version)
        jobs = range(jobs_of(task, model, version))
        accepted = [task.train(versions[-1], seed, job, parent, version) for job in jobs]
        versions.append(task.aggregate(versions[-1], accepted, parent))
        results += accepted
    return Trained(task.accuracy(versions[-1]), results, versions)


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


def _chosen(rows: list[Encoded]) -> Encoded:
    """Return the row of the fewest bits that lose no more than LOSS on the images held out."""
    return [row for row in rows if row.held_out >= rows[0].held_out - LOSS][-1]


def _plot(found: dict[str, list[Encoded]]) -> None:
    drawn, all_axes = pyplot.subplots(1, len(found), figsize=(9, 3.6), layout="constrained")
    for axes, (model, rows) in zip(all_axes, found.items(), strict=True):
        gas = np.array([row.gas for row in rows]) / 1e6
        axes.plot(gas, [100 * row.held_out for row in rows], "o-", label="with feedback")
        axes.plot(gas, [100 * row.without_feedback for row in rows], "s--", label="without", alpha=0.6)
        for x, row in zip(gas, rows, strict=True):
            is_leftmost = x - gas.min() < 0.05 * np.ptp(gas)  # its curve rises above it: the label goes beside it
            offset: dict[str, Any] = (
                {"xytext": (-7, -4), "ha": "right"} if is_leftmost else {"xytext": (0, 8), "ha": "center"}
            )
            axes.annotate(
                f"{row.bits} bit{'s' * (row.bits > 1)}", (x, 100 * row.held_out), textcoords="offset points", **offset
            )
        axes.margins(x=0.2, y=0.15)  # room for the labels
        axes.set(title=f"mnist {model}", xlabel="gas to publish a whole run, millions")
        axes.set(ylabel="accuracy on images held out, %")
        axes.legend(loc="lower right")
    save_figure(drawn, FIGURES / "encodings.png")


def _text(found: dict[str, list[Encoded]], share: str, costs: list[list[object]]) -> str:
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
    costs_header = [
        "mnist",
        "test accuracy",
        "weights",
        "bytes a model",
        "bytes a result",
        "bytes in all",
        "million gas",
        "bytes a point",
        "gas a point",
    ]
    rows = [_row(row) for rows in found.values() for row in rows]
    chosen = ", ".join(
        f"{_chosen(rows).bits} for {model} (its default: {default_recipe('mnist', model).bits})"
        for model, rows in found.items()
    )
    return f"""
How few bits can a result spend on the change of a weight before accuracy suffers? {ROUNDS} rounds of 2 jobs. With
feedback, the model's last step is the estimate of the next, so that what one round loses the next one makes up for
([training](training.md#few-bits-a-weight)). The fewest bits that cost at most {100 * LOSS:.1f} points against {WIDE}
bits, on the last {VALIDATION:,} training images, held out, averaged over {ORDERS} orders of the samples:
{chosen}. For softmax, results then take {share} of the gas that they take with {WIDE} bits.

{table(header, rows)}

{figure("encodings.png", "Accuracy against gas for 16, 8, 4, 2 and 1 bits a weight, with and without feedback")}

The gas is a model of the cost, not a receipt. A chunk costs 21,000 gas plus the greater of two sums: 16 per nonzero
byte, 4 per zero byte, 8.3 per byte for log and memory and {EXECUTION["Job"]:,} to execute
({EXECUTION["ModelRegistry"]:,} for a model); or, by EIP-7623, 40 per nonzero and 10 per zero byte of the whole
call. For real transactions of `Job.publish` and `ModelRegistry.publish` with 1,300 to 24,576 bytes this is within
1.3 %, but 6 % too high for 1,300 zeros. Nothing else that a round costs depends on the encoding. Most of what is
published are now the {ROUNDS + 1} versions of the model, at two bytes a weight.

What networks cost, with the bits of their defaults, {" to ".join(map(str, sorted(set(COMPARED.values()))))} rounds; a
point is one of accuracy above chance, {percent(CHANCE, 0)}:

{table(costs_header, costs)}
"""


def _row(row: Encoded) -> list[object]:
    fed = "–" if row.with_feedback is None else percent(row.with_feedback)
    gas = [f"{row.gas_of_results / 1e6:.2f}", f"{row.gas / 1e6:.2f}"]
    return [row.model, row.bits, percent(row.without_feedback), fed, percent(row.test), f"{row.size:,}", *gas]
