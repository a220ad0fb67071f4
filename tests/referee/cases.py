"""Jobs with everything that a dispute about them needs."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from mlchain.data.dataset import Dataset, fingerprint
from mlchain.referee.prover import Prover
from mlchain.tasks.task import DatasetTask
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling
from mlchain.training.recipe import Recipe
from tests.training import strategies

SEED, INDEX = bytes(range(32)), 0x0807060504030201


def case_of(task: DatasetTask, model: bytes, parent: bytes | None, version: int) -> Prover:
    """Return who has computed a job, and published the right result."""
    result = task.train(model, SEED, INDEX, parent, version)
    return Prover(task, model, SEED, INDEX, parent, version, result)


def first_case(recipe: Recipe, count: int, generator: np.random.Generator) -> Prover:
    """Return a job of the first round, on so many random samples."""
    task = task_of(recipe, count, generator)
    return case_of(task, task.initial_model(), None, 1)


def other_case(case: Prover, dice: np.random.Generator) -> Prover:
    """Return a job of the same recipe with another data set, another model and another parent."""
    plan = case.task.plan
    task = DatasetTask(plan, dataset_of(plan, len(case.task.dataset.train_labels), dice))
    model, parent = (dice.integers(-(2**15), 2**15, plan.weights).astype("<i2").tobytes() for _ in "mp")
    return replace(case, task=task, model=model, parent=None if case.parent is None else parent)


def dataset_of(recipe: Recipe, count: int, generator: np.random.Generator) -> Dataset:
    """Return a data set of random samples that fits a recipe."""
    inputs, classes = recipe.inputs, recipe.layers[-1].outputs
    parts = []
    for size in (count, 2):
        parts.append(generator.integers(0, inputs.greatest + 1, (size, inputs.sample_size), np.uint8))
        parts.append(generator.integers(0, classes, size))
    return Dataset("made", inputs, tuple(map(str, range(classes))), *parts)


@st.composite
def cases(draw: st.DrawFn) -> Prover:
    """A job of any tiny recipe; small and huge weights both occur, and parents that have and have not their size."""
    recipe = draw(strategies.recipes(strategies.ANY_BITS))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    task = task_of(recipe, draw(st.integers(1, 9)), generator)
    width = draw(st.sampled_from([2, 6, 10, 15]))
    model, parent = (generator.integers(-(2**width), 2**width, recipe.weights).astype("<i2").tobytes() for _ in "mp")
    return case_of(task, model, draw(st.sampled_from([parent, None])), draw(st.integers(1, 5)))


# Its rows are cut into leaves, its gradients are added up from parts, and one row and column of sums is not pooled.
WIDE_LAYER = Layer(2, 3, 2, 1, 1, 1, Pooling.SUM, 1, 6, 6, 0, 10, 255, 300)
LAST_LAYER = Layer(3, 0, 0, 1, 1, 0, Pooling.NONE, 0, 16, 6, 8, 10, 64, 100)
WIDE = Recipe(
    task="wide",
    fingerprint=bytes(32),
    inputs=Inputs(1, 33, 25, InputKind.UNSIGNED, 255),
    local_steps=2,
    batch=2,
    layers=(WIDE_LAYER, LAST_LAYER),
    bits=4,
    displacement=2,
)


def wide_case() -> Prover:
    """Return a job whose tensors are large enough to be cut."""
    generator = np.random.default_rng(1)
    task = task_of(WIDE, 7, generator)
    model = generator.integers(-300, 300, WIDE.weights).astype("<i2").tobytes()
    return case_of(task, model, task.initial_model(), 2)


def task_of(recipe: Recipe, count: int, generator: np.random.Generator) -> DatasetTask:
    """Return a task on random samples."""
    dataset = dataset_of(recipe, count, generator)
    return DatasetTask(replace(recipe, fingerprint=fingerprint(dataset)), dataset)
