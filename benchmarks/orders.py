"""What the order that a contract can work out, and exact arithmetic, cost in accuracy, over eight orders of MNIST."""

from collections.abc import Callable
from statistics import mean, stdev
from unittest.mock import patch

import numpy as np

from benchmarks.learning import NAMES, ROUNDS, by_float32, open_dataset_task, train
from benchmarks.report import Section, table
from mlchain.console import percent
from mlchain.tasks.task import DatasetTask
from mlchain.training import jobs
from mlchain.training.exact import Integers
from mlchain.training.jobs import stated_seed
from mlchain.training.streams import sample_order

ORDERS = 8
MODELS = ("softmax", "mlp")
Order = Callable[[bytes, int, int], Integers]
Learner = Callable[[DatasetTask, str, list[bytes]], float]


def measure() -> Section:
    """Return the section: test accuracies over the orders, and how far their means are apart."""
    rows, figures = [], {}
    for model in MODELS:
        ours, theirs = accuracies(model, exact, sample_order), accuracies(model, exact, shuffled)
        floating = accuracies(model, in_float32, sample_order)
        apart = [f"{100 * (mean(ours) - mean(others)):+.2f}" for others in (theirs, floating)]
        rows.append([NAMES[model], *map(_said, (ours, theirs, floating)), *apart])
        figures |= {f"{model}-shuffle": apart[0], f"{model}-float32": apart[1]}
    return Section("Orders of the samples", _text(rows), figures)


def accuracies(model: str, learn: Learner, order: Order) -> list[float]:
    """Return the test accuracy in [0, 1] of as many runs as there are orders, each with seeds of its own."""
    task = open_dataset_task(model)
    runs = [[stated_seed(100 * run + number) for number in range(ROUNDS[model])] for run in range(ORDERS)]
    with patch.object(jobs, "sample_order", order):
        return [learn(task, model, seeds) for seeds in runs]


def exact(task: DatasetTask, model: str, seeds: list[bytes]) -> float:
    """Return the accuracy of exact training."""
    return task.accuracy(train(task, model, seeds)[-1])


def in_float32(task: DatasetTask, model: str, seeds: list[bytes]) -> float:
    """Return that of the same in float32."""
    return by_float32(task, model, seeds).accuracies[-1]


def shuffled(key: bytes, population: int, count: int) -> Integers:
    """Return `count` sample numbers as `sample_order` does, by numpy's shuffle, which no contract can work out."""
    generator = np.random.default_rng(int.from_bytes(key, "big"))
    epochs = [generator.permutation(population) for _ in range(-(-count // population))]
    return np.concatenate(epochs)[:count].astype(np.int64)


def _said(accuracies: list[float]) -> str:
    return f"{percent(mean(accuracies))} ± {100 * stdev(accuracies):.2f}"


def _text(rows: list[list[str]]) -> str:
    header = ["", "exact", "exact, shuffled by numpy", "float32", "exact above shuffled", "above float32"]
    return f"""\
A contract has to be able to work out which sample a step sees ([training](training.md)), so the order is that of a
Feistel network and not of a shuffle. Test accuracy on MNIST, mean and standard deviation over {ORDERS} orders of each
kind, and points between the means, in as many rounds and jobs as above.

{table(header, rows)}
"""
