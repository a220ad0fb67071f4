"""Fake weights and fake updates: a task for work on the protocol, as fast as its bytes can be made."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlchain.tasks.task import RecipeTask
from mlchain.training.encoding import Result, decode_model, encode_result
from mlchain.training.jobs import job_key
from mlchain.training.softmax import WORST_LOSS
from mlchain.training.streams import derive_key, random_integers, random_words

GREATEST_CHANGE = 100  # small, so that many rounds leave the model inside int16


@dataclass(frozen=True, slots=True, eq=False)
class FakeTask(RecipeTask):
    """Learning nothing: a result is random, but the same for everybody who is given the same job."""

    def train(self, model: bytes, seed: bytes, job_index: int, parent: bytes | None = None, version: int = 1) -> bytes:
        """Return a result of the recipe's shape, a function of the model, the recipe and the job's place."""
        decode_model(self.plan, model)  # refuses a wrong size, as a real task does
        key = derive_key("fake job", job_key(self.plan, seed, job_index), model)
        change = tuple(
            random_integers(key, "change", depth, stage.size, GREATEST_CHANGE).reshape(stage.weights).astype(np.int16)
            for depth, stage in enumerate(self.plan.stages)
        )
        loss = int(random_words(key, "loss", 0, 1)[0]) % (self.plan.local_steps * self.plan.batch * WORST_LOSS)
        return encode_result(self.plan, Result(change, (), derive_key("fake digest", key), loss))

    def warning(self, results: Sequence[bytes]) -> None:
        """Return None: nothing is to be learned."""

    def accuracy(self, model: bytes) -> None:
        """Return None: there is nothing to test on."""
        decode_model(self.plan, model)
