"""Jobs with everything that a dispute about them needs."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from hypothesis import strategies as st

from mlchain.data.dataset import Dataset, fingerprint
from mlchain.protocol.content import content_hash
from mlchain.referee.evidence import DataTree, TraceReader, derive, entries_of
from mlchain.referee.reading import Statement
from mlchain.referee.statements import Description, encode_evidence
from mlchain.referee.steps import Job
from mlchain.referee.trace import Trace
from mlchain.tasks.task import DatasetTask
from mlchain.training import jobs
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling
from mlchain.training.recipe import Recipe
from tests.training import strategies


@dataclass(frozen=True, eq=False)
class Case:
    """A job of a task, its trace and what the contract is told of it."""

    task: DatasetTask
    model: bytes
    parent: bytes | None
    version: int
    seed: bytes = bytes(range(32))
    index: int = 3

    @cached_property
    def result(self) -> bytes:
        return self.task.train(self.model, self.seed, self.index, self.parent, self.version)

    @cached_property
    def job(self) -> Job:
        plan, data = self.task.plan, self.task.dataset
        key = jobs.job_key(plan, self.seed, self.index)
        return Job(plan, self.model, self.parent, self.version, key, data.train_samples, data.train_labels)

    @cached_property
    def trace(self) -> Trace:
        return Trace(self.job, self.result)

    @cached_property
    def description(self) -> Description:
        return self.described()

    def described(self, result: bytes | None = None) -> Description:
        """Return the description of the job with this result, or another."""
        parent = bytes(32) if self.parent is None else content_hash(self.parent)
        result = self.result if result is None else result
        recipe = self.task.plan.to_bytes()
        return Description(
            recipe, content_hash(self.model), parent, self.version, self.seed, self.index, content_hash(result)
        )

    @cached_property
    def statement(self) -> Statement:
        layers = self.task.plan.layers_for(self.version)
        return Statement(self.trace.layout, layers, self.job.key, self.parent is not None)

    @cached_property
    def reader(self) -> TraceReader:
        return TraceReader(self.trace, self.job, DataTree(self.task.dataset), self.result)

    def derived(self, position: int, entry: int) -> tuple[int | None, bytes]:
        """Return what an entry has to be, and the evidence."""
        value, shown = derive(self.statement, self.reader, position, entry)
        return value, encode_evidence(shown)

    def said(self, position: int) -> list[int]:
        """Return the entries of a leaf."""
        found = self.trace.layout.find(position)
        assert found is not None
        return entries_of(self.trace.leaf(position), found[1])


def dataset_of(recipe: Recipe, count: int, generator: np.random.Generator) -> Dataset:
    """Return a data set of random samples that fits a recipe."""
    inputs, classes = recipe.inputs, recipe.layers[-1].outputs
    parts = []
    for size in (count, 2):
        parts.append(generator.integers(0, inputs.greatest + 1, (size, inputs.sample_size), np.uint8))
        parts.append(generator.integers(0, classes, size))
    return Dataset("made", inputs, tuple(map(str, range(classes))), *parts)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A job of any tiny recipe; small and huge weights both occur, and parents that have and have not their size."""
    recipe = draw(strategies.recipes(strategies.ANY_BITS))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    task = task_of(recipe, draw(st.integers(1, 9)), generator)
    width = draw(st.sampled_from([2, 6, 10, 15]))
    model, parent = (generator.integers(-(2**width), 2**width, recipe.weights).astype("<i2").tobytes() for _ in "mp")
    return Case(task, model, draw(st.sampled_from([parent, None])), draw(st.integers(1, 5)))


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


def wide_case() -> Case:
    """Return a job whose tensors are large enough to be cut."""
    generator = np.random.default_rng(1)
    task = task_of(WIDE, 7, generator)
    model = generator.integers(-300, 300, WIDE.weights).astype("<i2").tobytes()
    return Case(task, model, task.initial_model(), 2)


def task_of(recipe: Recipe, count: int, generator: np.random.Generator) -> DatasetTask:
    """Return a task on random samples."""
    dataset = dataset_of(recipe, count, generator)
    return DatasetTask(replace(recipe, fingerprint=fingerprint(dataset)), dataset)
