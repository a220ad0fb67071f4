"""A learning task: bytes in, bytes out, for everybody who need not know what is learned."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mlchain.data.dataset import DataError, Dataset, fingerprint
from mlchain.errors import UserError
from mlchain.training import aggregation, jobs
from mlchain.training.encoding import Matrices, decode_model, decode_result, encode_model, encode_result
from mlchain.training.exact import Integers
from mlchain.training.networks import Network
from mlchain.training.recipe import Recipe
from mlchain.training.softmax import LOSS_PER_BIT

NOTHING_LEARNED = 0.95  # of the loss of guessing


class CannotTrain(UserError):
    """A job that cannot be done here: its recipe, its model, the data, or what it takes; one sentence."""


class Trainer(Protocol):
    """Who trains the jobs of a round."""

    def train(self, model: bytes, seed: bytes, job_index: int, parent: bytes | None = None, version: int = 1) -> bytes:
        """Return the one right result of a job; raises `CannotTrain` where that cannot be."""


class LearningTask(Protocol):
    """What the rest of the system sees of a task."""

    @property
    def recipe(self) -> bytes:
        """Return the canonical description published on the chain."""

    @property
    def model_size(self) -> int:
        """Return the bytes of every model."""

    @property
    def result_size(self) -> int:
        """Return the bytes of every honest result."""

    def initial_model(self) -> bytes:
        """Return the model before the first round."""

    def train(self, model: bytes, seed: bytes, job_index: int, parent: bytes | None = None, version: int = 1) -> bytes:
        """Return the one right result of a job. A model of the wrong size raises `EncodingError`.

        `seed` is its round's, `job_index` its number in the round; `parent` is the version that the model was made
        from, None for the first; `version` is the model's own number, which decides the learning rate.
        """

    def aggregate(self, model: bytes, results: Sequence[bytes], parent: bytes | None = None) -> bytes:
        """Return the next model from a round's accepted results in job order; without any, the same model.

        `parent` is the version that the model was made from, if its jobs follow from one. Results of another size than
        the recipe's change nothing.
        """

    def accuracy(self, model: bytes) -> float | None:
        """Return the share of test samples classified rightly, in [0, 1]; None when there are none."""

    def warning(self, results: Sequence[bytes]) -> str | None:
        """Return a sentence if a round whose results these are, and which is not the first, has learned nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class RecipeTask:
    """The part of a task that follows from its recipe alone."""

    plan: Recipe

    @property
    def recipe(self) -> bytes:
        """Return the recipe's canonical bytes."""
        return self.plan.to_bytes()

    @property
    def model_size(self) -> int:
        """Return the bytes of every model."""
        return self.plan.model_size

    @property
    def result_size(self) -> int:
        """Return the bytes of every honest result."""
        return self.plan.result_size

    def initial_model(self) -> bytes:
        """Return the model before the first round."""
        return encode_model(jobs.initial_model(self.plan))

    def aggregate(self, model: bytes, results: Sequence[bytes], parent: bytes | None = None) -> bytes:
        """Average the changes of a round's accepted results into the model."""
        start, estimate = self._start(model, parent)
        readable = (decode_result(self.plan, result) for result in results if len(result) == self.result_size)
        changes = (jobs.change_of(result, estimate) for result in readable)
        return encode_model(aggregation.aggregate(start, changes))

    def _start(self, model: bytes, parent: bytes | None) -> tuple[Matrices, tuple[Integers, ...]]:
        """Return a model and the change to be expected; a parent of another size, of another task then, tells none."""
        start = decode_model(self.plan, model)
        before = decode_model(self.plan, parent) if parent and len(parent) == len(model) else None
        return start, jobs.estimate_change(start, before)


@dataclass(frozen=True, slots=True, eq=False)
class DatasetTask(RecipeTask):
    """Learning from a data set."""

    dataset: Dataset

    def train(self, model: bytes, seed: bytes, job_index: int, parent: bytes | None = None, version: int = 1) -> bytes:
        """Return the one right result of a job."""
        start, estimate = self._start(model, parent)
        key = jobs.job_key(self.plan, seed, job_index)
        data = self.dataset
        result = jobs.run_job(self.plan, start, data.train_samples, data.train_labels, key, version, estimate)
        return encode_result(self.plan, result)

    def accuracy(self, model: bytes) -> float:
        """Return the share of test samples classified rightly. A float at last: it decides nothing."""
        data = self.dataset
        predicted = self.network(model).predict(data.test_samples)
        return int((predicted == data.test_labels).sum()) / len(predicted)

    def warning(self, results: Sequence[bytes]) -> str | None:
        """Return a sentence if the loss is about that of always telling how frequent each class is."""
        samples = len(results) * self.plan.local_steps * self.plan.batch
        if not samples:
            return None
        loss = sum(decode_result(self.plan, result).loss for result in results) / samples / LOSS_PER_BIT
        counts = np.bincount(self.dataset.train_labels)
        shares = counts[counts > 0] / counts.sum()
        guessing = -float((shares * np.log2(shares)).sum())
        if loss < NOTHING_LEARNED * guessing:
            return None
        return f"the loss is still {loss:.2f} bits a sample, and guessing has {guessing:.2f}: is the rate too great?"

    def network(self, model: bytes) -> Network:
        """Return the network of a model."""
        return Network(self.plan.inputs, self.plan.layers, decode_model(self.plan, model))


def with_dataset(plan: Recipe, dataset: Dataset) -> DatasetTask:
    """Return the task of a recipe, or raise `DataError` when the data set is not the recipe's."""
    found = fingerprint(dataset)
    if found != plan.fingerprint:
        raise DataError(f"data set {dataset.name} is {found.hex()}, the recipe wants {plan.fingerprint.hex()}")
    classes = plan.layers[-1].outputs
    if (plan.inputs, classes) != (dataset.inputs, len(dataset.classes)):
        raise DataError(
            f"data set {dataset.name} has {len(dataset.classes)} classes and samples of {dataset.inputs.shape}, the "
            f"recipe {classes} and {plan.inputs.shape}"
        )
    return DatasetTask(plan, dataset)
