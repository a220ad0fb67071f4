"""How much longer exact training takes than the same training in float32, and where the time goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from statistics import median
from typing import ParamSpec, TypeVar
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no types

from benchmarks import float32
from benchmarks.report import Section, table
from mlchain.console import percent
from mlchain.data.mnist import load
from mlchain.tasks.catalogue import MODELS, default_recipe
from mlchain.training import convolution, jobs, networks
from mlchain.training.convolution import Convolution
from mlchain.training.encoding import Matrices
from mlchain.training.networks import Network
from mlchain.training.recipe import Recipe

P = ParamSpec("P")
R = TypeVar("R")

TARGETS = {"softmax": 1.6, "mlp": 1.6, "lenet": 1.3, "lenet-small": 1.3}
RUNS = 9  # of each of two, alternating
STEPS = {"softmax": 400, "mlp": 400, "lenet": 40, "lenet-small": 80}  # of a run
# Where the time goes: what part of the work a function does, without what those that it calls are counted for.
PARTS = {
    "products": ((convolution, "product"), (convolution, "_gradient")),
    "norms, which certify them": ((convolution, "greatest_row"), (convolution, "greatest_column")),
    "columns: pixels to float32, patches": (
        (networks, "values_of"),
        (Convolution, "_columns_of"),
        (Convolution, "_summed"),
    ),
    "softmax and loss": ((networks, "softmax"), (networks, "cross_entropy")),
    "update: shift, subtract, round": ((Convolution, "descend"),),
    "weights to kernels of a pool and back": ((Convolution, "_spread_kernel"), (Convolution, "_gather_kernel")),
    "pooling and its errors": ((Convolution, "_greatest"), (Convolution, "_routed")),
}
REST = "the rest: shift, clip and mask hidden values and errors, and Python between"


def measure() -> Section:
    """Time both trainings of MNIST by turns, each from weights that a round has trained."""
    rows, figures, shares = [], {}, {}
    for model in MODELS:
        recipe = default_recipe("mnist", model)
        start = trained(recipe)
        for threads in (1, None):
            exact, floating = _by_turns(recipe, start, STEPS[model], threads)
            ratio = f"{median(a / b for a, b in zip(exact, floating, strict=True)):.2f}"
            rows.append([*_row(model, recipe, threads, exact, floating), TARGETS[model], f"**{ratio} ×**"])
            figures[f"{model}-{threads or 'all'}"] = ratio
        shares[model] = _shares(recipe, start, STEPS[model])
    return Section("Speed of exact training", _text(rows, shares), figures)


def trained(recipe: Recipe) -> Matrices:
    """Return a model after a job: what can be certified depends on the weights, and the first ones are the easiest."""
    data, start, key = load(), jobs.initial_model(recipe), jobs.job_key(recipe, jobs.stated_seed(0), 0)
    weights, _ = float32.train(recipe, start, data.train_samples, data.train_labels, key)
    return tuple(np.rint(matrix).clip(-32768, 32767).astype(np.int16) for matrix in weights)


def _by_turns(recipe: Recipe, start: Matrices, steps: int, threads: int | None) -> tuple[list[float], list[float]]:
    """Return milliseconds a step of exact runs and of as many in float32, with so many threads (None: all)."""

    def both() -> tuple[float, float]:
        exact, floating = _exact(recipe, start), float32.Network(recipe, start)
        return _milliseconds(recipe, exact, steps), _milliseconds(recipe, floating, steps)

    with threadpool_limits(threads, "blas"):
        times = [both() for _ in range(RUNS + 1)][1:]  # the first warms up
    return [exact for exact, _ in times], [floating for _, floating in times]


def _exact(recipe: Recipe, start: Matrices) -> Network:
    return Network(recipe.inputs, recipe.layers_for(1), start)


def _milliseconds(recipe: Recipe, network: Network | float32.Network, steps: int) -> float:
    """Return the milliseconds of the processor that a step takes."""
    data = load()
    began = time.process_time()
    for first in range(0, steps * recipe.batch, recipe.batch):
        part = np.arange(first, first + recipe.batch) % len(data.train_labels)
        network.step(data.train_samples[part], data.train_labels[part])
    return 1000 * (time.process_time() - began) / steps


def _row(model: str, recipe: Recipe, threads: int | None, exact: list[float], floating: list[float]) -> list[object]:
    milliseconds = [f"{median(times):.3f} ({min(times):.3f})" for times in (exact, floating)]
    name = f"mnist {model}, {threads or 'all'} thread{'s' * (threads != 1)}"
    return [name, f"{recipe.weights:,}", recipe.batch, *milliseconds]


def _shares(recipe: Recipe, start: Matrices, steps: int) -> dict[str, float]:
    """Return the milliseconds that every part of an exact step takes with one thread."""
    spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    with threadpool_limits(1, "blas"), _stopwatches(spent):
        whole = _milliseconds(recipe, _exact(recipe, start), steps)
    found = {part: 1000 * seconds / steps for part, seconds in spent.items()}
    return found | {REST: whole - sum(found.values())}


@contextmanager
def _stopwatches(spent: dict[str, float]) -> Iterator[None]:
    """Let every function of PARTS add the seconds it takes to its part, less those that are counted for another."""
    counted = [0.0]  # in all, so far
    patches = [
        patch.object(home, name, _timed(getattr(home, name), part, spent, counted))
        for part, functions in PARTS.items()
        for home, name in functions
    ]
    for each in patches:
        each.start()
    try:
        yield
    finally:
        for each in patches:
            each.stop()


def _timed(function: Callable[P, R], part: str, spent: dict[str, float], counted: list[float]) -> Callable[P, R]:
    @wraps(function)
    def timed(*arguments: P.args, **named: P.kwargs) -> R:
        start, before = time.process_time(), counted[0]
        try:
            return function(*arguments, **named)
        finally:
            own = time.process_time() - start - (counted[0] - before)
            spent[part] += own
            counted[0] += own

    return timed


def _text(rows: list[list[object]], shares: dict[str, dict[str, float]]) -> str:
    milliseconds = "median (minimum) ms a step"
    header = ["", "weights", "batch", f"exact: {milliseconds}", f"float32: {milliseconds}", "target", "median ratio"]
    where = [
        [part, *(f"{spent[part]:.2f} ({percent(spent[part] / sum(spent.values()), 0)})" for spent in shares.values())]
        for part in next(iter(shares.values()))
    ]
    return f"""
Steps on MNIST from weights that a job has trained, {RUNS} runs alternating with the same network in float32 numpy
(`benchmarks/float32.py`: the same batches, columns and pools, without rounding and certificates); time of the
processor.

{table(header, rows)}

Products take float32 where a norm certifies that it is exact, and float64 elsewhere. Leaving out the pixels that are
black in a whole batch, a third of them, makes up for part of the rounding; float32 could do so too. Where the time of
an exact step goes, with one thread and a stopwatch around every part:

{table(["ms a step (share)", *shares], where)}
"""
