"""How much longer exact training takes than the same training in float32, and where the time goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from statistics import median
from typing import ParamSpec, TypeVar
from unittest.mock import patch

import numpy as np
from mlchain.tasks.mnist import load
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no types

from benchmarks import float32
from benchmarks.report import Section, table
from mlchain.console import percent
from mlchain.tasks.catalogue import MODELS, default_recipe
from mlchain.training import bounded, jobs, networks
from mlchain.training.recipe import Recipe

P = ParamSpec("P")
R = TypeVar("R")

TARGET = 1.5
RUNS = 7  # of each of two, alternating
# Where the time goes: what part of the work a function does, without what those that it calls are counted for.
PARTS = {
    "products": ((bounded.Bounded, "__matmul__"), (bounded.Bounded, "multiply_and_shift")),
    "gathering: pixels to float64, weights of the pixels that are not black": (
        (networks, "enclose"),
        (bounded.Bounded, "rows"),
        (bounded.Bounded, "put_rows"),
    ),
    "softmax and loss": ((networks, "softmax"), (networks, "cross_entropy")),
    "update: subtract and clip": ((bounded.Bounded, "descend"),),
    "hidden values: shift, clip, mask": tuple(
        (bounded.Bounded, name) for name in ("shift_floor", "clip", "with_constant", "between", "only")
    ),
    "order of the samples": ((jobs, "sample_order"),),
    "model to weights, weights to change, codes and digest": (
        (jobs, "to_weights"),
        (jobs, "_change"),
        (jobs, "quantise"),
        (jobs, "digest_weights"),
    ),
}
REST = "the rest: picking pixels, and Python between the steps"


def measure() -> Section:
    """Time both trainings of MNIST, an epoch or half of one, by turns."""
    rows, figures = [], {}
    for model in MODELS:
        recipe = default_recipe("mnist", model)
        for threads in (1, None):
            exact, floating = _by_turns(recipe, threads)
            ratio = f"{median(a / b for a, b in zip(exact, floating, strict=True)):.2f}"
            rows.append([*_row(model, recipe, threads, exact, floating), f"**{ratio} ×**"])
            figures[f"{model}-{threads or 'all'}"] = ratio
    return Section("Speed of exact training", _text(rows, {model: _shares(model) for model in MODELS}), figures)


def _by_turns(recipe: Recipe, threads: int | None) -> tuple[list[float], list[float]]:
    """Return the seconds of so many exact trainings and as many in float32, with this many threads (None: all)."""
    data = load()
    model = jobs.initial_model(recipe)
    inputs = float32.prepared(data.train_images, recipe.layers[0].input_max)
    order = np.random.Generator(np.random.PCG64(1))

    def in_float32() -> None:
        some = order.permutation(len(data.train_labels))[: recipe.local_steps * recipe.batch]
        float32.descend(recipe, model, inputs, data.train_labels, some)

    exactly = _exactly(recipe)
    with threadpool_limits(threads, "blas"):
        both = [(_seconds(exactly), _seconds(in_float32)) for _ in range(RUNS + 1)][1:]  # the first warms up
    return [exact for exact, _ in both], [floating for _, floating in both]


def _exactly(recipe: Recipe) -> Callable[[], object]:
    """Return the exact training of a job, from a model to a result."""
    data, model, key = load(), jobs.initial_model(recipe), jobs.job_key(recipe, jobs.stated_seed(0), 0)
    estimate = jobs.estimate_change(model, None)
    return partial(jobs.run_job, recipe, model, data.train_images, data.train_labels, key, estimate)


def _seconds(train: Callable[[], object]) -> float:
    start = time.perf_counter()
    train()
    return time.perf_counter() - start


def _row(model: str, recipe: Recipe, threads: int | None, exact: list[float], floating: list[float]) -> list[str]:
    steps = f"{recipe.local_steps} × {recipe.batch}"
    seconds = [f"{median(times):.3f} ({min(times):.3f})" for times in (exact, floating)]
    return [f"mnist {model}, {threads or 'all'} thread{'s' * (threads != 1)}", steps, *seconds]


def _shares(model: str) -> dict[str, float]:
    """Return the milliseconds of every part of one exact training with one thread."""
    exactly = _exactly(default_recipe("mnist", model))
    spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    with threadpool_limits(1, "blas"), _stopwatches(spent):
        whole = _seconds(exactly)
    return {part: 1000 * seconds for part, seconds in spent.items()} | {REST: 1000 * (whole - sum(spent.values()))}


@contextmanager
def _stopwatches(spent: dict[str, float]) -> Iterator[None]:
    """Let every function of PARTS add the seconds it takes to its part."""
    patches = [
        patch.object(home, name, _timed(getattr(home, name), part, spent))
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


def _timed(function: Callable[P, R], part: str, spent: dict[str, float]) -> Callable[P, R]:
    @wraps(function)
    def timed(*arguments: P.args, **named: P.kwargs) -> R:
        start = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[part] += time.perf_counter() - start

    return timed


def _text(rows: list[list[str]], shares: dict[str, dict[str, float]]) -> str:
    header = ["", "steps × batch", "exact: median (minimum) s", "float32: median (minimum) s", "median of the ratios"]
    where = [
        [
            part,
            *(f"{spent[part]:.1f}" for spent in shares.values()),
            *(_share(spent, part) for spent in shares.values()),
        ]
        for part in next(iter(shares.values()))
    ]
    return f"""
One job of MNIST from model to result, {RUNS} times, alternating with the same training in float32 numpy
(`benchmarks/float32.py`: images converted before the clock starts; the same steps, batches and learning rates; the
order of the samples drawn by numpy). The target is {TARGET} ×.

{table(header, rows)}

Exact products are float64 products, which cost twice as much as float32 ones. Leaving out the pixels that are black in
a whole batch, a third of them, makes up for most of that; float32 could do so too. Where the time of an exact job goes,
with one thread and a stopwatch around every part:

{table(["", *(f"{model}, ms" for model in shares), *shares], where)}
"""


def _share(spent: dict[str, float], part: str) -> str:
    return percent(spent[part] / sum(spent.values()), 0)
