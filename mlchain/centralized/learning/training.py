"""What workers compute on their shares, and what the server makes of it: bytes in, bytes out.

An update has the bytes of a model: what the training added to every weight. Training is that of `mlchain.training`,
so a share's update is the same on every machine; but shares differ, and so nobody else's update equals it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mlchain.centralized.learning.aggregation import aggregate
from mlchain.centralized.learning.partition import Indices, Split, deal
from mlchain.errors import UserError
from mlchain.tasks.catalogue import open_task
from mlchain.tasks.task import DatasetTask
from mlchain.training import jobs
from mlchain.training.encoding import decode_model, encode_model
from mlchain.training.layers import RecipeError
from mlchain.training.recipe import WIDE


@dataclass(frozen=True, slots=True, eq=False)
class FederatedTask:
    """A task whose data is dealt out among workers; `shares` holds the sample numbers of every share."""

    task: DatasetTask
    shares: list[Indices]

    @property
    def update_size(self) -> int:
        """Return the bytes of every model and every update."""
        return self.task.model_size

    def samples(self, share: int) -> int:
        """Return how many samples a share has."""
        return len(self.shares[share])

    def train(self, model: bytes, version: int, share: int) -> bytes:
        """Return the update that training on a share gives; a model of the wrong size raises `EncodingError`."""
        samples = self.shares[share]
        # A batch holds no sample twice. Recipes say what a sample moves, not what a batch does. Updates are wide:
        # nothing of them is stored on a chain.
        plan = replace(self.task.plan, batch=min(self.task.plan.batch, len(samples)), bits=WIDE)
        key = jobs.job_key(self.task.plan, jobs.stated_seed(version), share)
        data = self.task.dataset
        start = decode_model(self.task.plan, model)
        result = jobs.run_job(plan, start, data.train_samples[samples], data.train_labels[samples], key, version + 1)
        return encode_model(tuple(codes.astype(np.int16) for codes in result.codes))

    def combine(self, rule: str, evil: int, model: bytes, updates: Sequence[bytes], weights: Sequence[float]) -> bytes:
        """Return the model moved by what the rule makes of the updates, rounded and saturated to int16."""
        rows = np.stack([to_vector(update) for update in updates])
        return to_bytes(to_vector(model) + np.rint(aggregate(rule, rows, np.array(weights), evil)))

    def accuracy(self, model: bytes) -> float:
        """Return the share of test samples classified rightly, in [0, 1]."""
        return self.task.accuracy(model)


def open_federated(recipe: bytes, split: Split) -> FederatedTask:
    """Return the task of a recipe with its data dealt out; raises UserError where there is no data to deal out."""
    try:
        task = open_task(recipe)
    except RecipeError as error:
        raise UserError(f"the recipe cannot be followed: {error}") from error
    if not isinstance(task, DatasetTask):
        raise UserError("this task has no data that could be shared out among workers")
    return FederatedTask(task, deal(split, task.dataset.train_labels))


def to_vector(data: bytes) -> NDArray[np.float64]:
    """Return the numbers of a model or an update, all layers in a row."""
    return np.frombuffer(data, dtype="<i2").astype(np.float64)


def to_bytes(vector: NDArray[np.float64]) -> bytes:
    """Return the model or update with these whole numbers, saturated to int16."""
    return np.clip(vector, -32768, 32767).astype("<i2").tobytes()
