"""One job: from a model, a recipe and the job's place in the history to its one right result."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlchain.training.compression import quantise, restore
from mlchain.training.encoding import Matrices, Result, digest_weights
from mlchain.training.exact import AnyIntegers, Integers
from mlchain.training.networks import Network, Samples
from mlchain.training.recipe import WIDE, Recipe
from mlchain.training.streams import derive_key, displacements, random_integers, sample_order

Changes = tuple[AnyIntegers, ...]  # of the weights of every layer, in units of the model


def initial_model(recipe: Recipe) -> Matrices:
    """Return the model before the first round: a function of the recipe alone."""
    key = derive_key("initial model", recipe.to_bytes())
    model = []
    for depth, stage in enumerate(recipe.stages):
        weights = random_integers(key, "weights", depth, stage.size, stage.layer.initial).reshape(stage.weights)
        weights[:, -1] = 0
        model.append(weights.astype(np.int16))
    return tuple(model)


def stated_seed(number: int) -> bytes:
    """Return the seed of a round where no chain draws one: its number, 0 .. 2**64 - 1, in 8 bytes; a chain's has 32."""
    return number.to_bytes(8, "little")


def job_key(recipe: Recipe, seed: bytes, job_index: int) -> bytes:
    """Return the key of a job's random choices, its own among all jobs of the recipe, 0 <= job_index < 2**64.

    `seed` is the round's, which on a chain nobody knows before the round is deployed.
    """
    return derive_key("job", recipe.to_bytes(), seed + job_index.to_bytes(8, "little"))


def run_job(
    recipe: Recipe,
    model: Matrices,
    samples: Samples,
    labels: Integers,
    key: bytes,
    version: int,
    estimate: Changes = (),
) -> Result:
    """Return the result of training on samples (n, bytes) and labels (n,), in the order the key gives.

    `version` is the model's number, from 1, which decides the learning rate. A recipe of fewer than 16 bits needs an
    estimate of the change: the result says what is missing from it.
    """
    network = Network(recipe.inputs, recipe.layers_for(version), model)
    loss = sum(network.step(*batch) for batch in Batches(recipe, samples, labels, key))
    digest = digest_weights(network.master_weights())
    change = [after.astype(np.int64) - before for after, before in zip(network.model(), model, strict=True)]
    if recipe.bits == WIDE:
        return Result(tuple(np.clip(matrix, -32768, 32767).astype(np.int16) for matrix in change), (), digest, loss)
    left = [after - guess for after, guess in zip(change, estimate, strict=True)]
    codes, scales = zip(*(quantise(matrix, recipe.bits) for matrix in left), strict=True)
    return Result(codes, scales, digest, loss)


class Batches(Sequence[tuple[Samples, Integers]]):
    """The samples and labels of every step, in the order that a job's key gives, each moved as it says."""

    def __init__(self, recipe: Recipe, samples: Samples, labels: Integers, key: bytes) -> None:
        """Take the data set, (n, bytes) and (n,)."""
        self._recipe, self._samples, self._labels = recipe, samples, labels
        count = recipe.local_steps * recipe.batch
        self.order = sample_order(key, len(labels), count)
        self._moves = displacements(key, count, recipe.displacement) if recipe.displacement else None

    def __len__(self) -> int:
        return self._recipe.local_steps

    def __getitem__(self, step: Any) -> Any:
        """Return the batch of a step, counted from 0."""
        if step >= len(self):
            raise IndexError(f"step {step} of {len(self)}")
        recipe = self._recipe
        part = slice(step * recipe.batch, (step + 1) * recipe.batch)
        batch = self._samples.take(self.order[part], axis=0)
        if self._moves is not None:
            batch = displaced(batch, recipe.inputs.shape, self._moves[part], recipe.displacement)
        return batch, self._labels[self.order[part]]


def displaced(samples: Samples, shape: tuple[int, int, int], moves: Integers, reach: int) -> Samples:
    """Return images (n, bytes) of channels x height x width moved down and across by (n, 2) pixels; 0 moves in."""
    count, (channels, height, width) = len(samples), shape
    wide = np.zeros((count, channels, height + 2 * reach, width + 2 * reach), dtype=np.uint8)
    wide[:, :, reach : reach + height, reach : reach + width] = samples.reshape(count, *shape)
    windows = np.lib.stride_tricks.sliding_window_view(wide, (1, *shape))[:, 0, :, :, 0]
    moved: Samples = windows[np.arange(count), reach - moves[:, 0], reach - moves[:, 1]].reshape(count, -1)
    return moved


def estimate_change(model: Matrices, parent: Matrices | None) -> tuple[Integers, ...]:
    """Return what everybody expects a job on a model to change: as much as its parent was changed by; 0 without one."""
    if parent is None:
        return tuple(np.zeros(matrix.shape, dtype=np.int64) for matrix in model)
    return tuple(matrix.astype(np.int64) - before for matrix, before in zip(model, parent, strict=True))


def change_of(result: Result, estimate: Changes) -> Changes:
    """Return the change that a result stands for, in units of the model."""
    if not result.scales:
        return result.codes
    pieces = zip(estimate, result.codes, result.scales, strict=True)
    return tuple(guess + restore(codes.astype(np.int8), scale) for guess, codes, scale in pieces)
