"""One job: from a model, a recipe and the job's place in the history to its one right result."""

import numpy as np

from mlchain.training.bounded import enclose
from mlchain.training.compression import quantise, restore
from mlchain.training.encoding import CompactResult, Matrices, Result, digest_weights
from mlchain.training.exact import AnyIntegers, Integers, saturate, shift_round
from mlchain.training.networks import Images, Weights, train
from mlchain.training.recipe import WIDE, Recipe
from mlchain.training.streams import derive_key, random_integers, sample_order

Changes = tuple[Integers, ...]  # of the weights of every layer, in units of the model


def initial_model(recipe: Recipe) -> Matrices:
    """Return the model before the first round: a function of the recipe alone."""
    key = derive_key("initial model", recipe.to_bytes())
    return tuple(
        random_integers(key, "weights", depth, layer.size, layer.initial).reshape(layer.shape).astype(np.int16)
        for depth, layer in enumerate(recipe.layers)
    )


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
    images: Images,
    labels: Integers,
    key: bytes,
    estimate: Changes = (),
) -> Result | CompactResult:
    """Return the result of training on images (n, inputs) and labels (n,), in the order the key gives.

    A recipe of fewer than 16 bits needs an estimate of the change, of which the result says what is missing.
    """
    order = sample_order(key, len(labels), recipe.local_steps * recipe.batch)
    batches = ((images.take(batch, axis=0), labels[batch]) for batch in order.reshape(recipe.local_steps, recipe.batch))
    start = to_weights(recipe, model)
    end, losses = train(recipe.layers, start, batches)
    final = tuple(matrix.to_integers() for matrix in end)
    change = _change(recipe, start, final)
    if recipe.bits == WIDE:
        clipped = tuple(saturate(matrix, -32768, 32767).astype(np.int16) for matrix in change)
        return Result(clipped, digest_weights(final), tuple(losses))
    left = [after - guess for after, guess in zip(change, estimate, strict=True)]
    codes, scales = zip(*(quantise(matrix, recipe.bits) for matrix in left), strict=True)
    return CompactResult(codes, scales, digest_weights(final, losses), sum(losses))


def estimate_change(model: Matrices, parent: Matrices | None) -> Changes:
    """Return what everybody expects a job on a model to change: as much as its parent was changed by; 0 without one."""
    if parent is None:
        return tuple(np.zeros(matrix.shape, dtype=np.int64) for matrix in model)
    return tuple(matrix.astype(np.int64) - before for matrix, before in zip(model, parent, strict=True))


def change_of(result: Result | CompactResult, estimate: Changes) -> tuple[AnyIntegers, ...]:
    """Return the change that a result stands for, in units of the model."""
    if isinstance(result, Result):
        return result.change
    pieces = zip(estimate, result.codes, result.scales, strict=True)
    return tuple(guess + restore(codes, scale) for guess, codes, scale in pieces)


def to_weights(recipe: Recipe, model: Matrices) -> Weights:
    """Return the weights a model stands for: its numbers times 2**quantum."""
    return tuple(
        enclose(matrix.astype(np.int64) << layer.quantum, -layer.weight_range[0])
        for matrix, layer in zip(model, recipe.layers, strict=True)
    )


def _change(recipe: Recipe, start: Weights, final: tuple[Integers, ...]) -> Changes:
    return tuple(
        shift_round(after - before.to_integers(), layer.quantum)
        for before, after, layer in zip(start, final, recipe.layers, strict=True)
    )
