"""The same training as people write it: numpy and float32. The reference that exact training is measured beside."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlchain.training.layers import Layer
from mlchain.training.recipe import Recipe
from mlchain.training.softmax import ONE
from mlchain.training.streams import sample_order

Floats = NDArray[np.float32]
Model = Sequence[NDArray[np.int16] | Floats]  # in quanta; a float one was not rounded to them
Pixels = NDArray[np.integer[Any]]
Labels = NDArray[np.integer[Any]]
LEAST = np.float32(2.0**-16)  # probability: a smaller one counts as this in a loss


def train(recipe: Recipe, model: Model, images: Pixels, labels: Labels, key: bytes) -> list[Floats]:
    """Return the weights after the job that `jobs.run_job` does exactly: same start, batches and learning rate."""
    order = sample_order(key, len(labels), recipe.local_steps * recipe.batch)
    inputs = prepared(images, recipe.layers[0].input_max)
    return descend(recipe, model, inputs, labels, order)[0]


def accuracy(weights: Sequence[Floats], images: Floats, labels: Labels) -> float:
    """Return the share of `prepared` images classified rightly."""
    return float((_forward(weights, images)[-1].argmax(axis=1) == labels).mean())


def prepared(images: Pixels, greatest: int) -> Floats:
    """Return pixels as numbers from 0 to 1 and, in the last column, the constant 1."""
    return _with_constant(images.astype(np.float32) / np.float32(greatest))


def descend(
    recipe: Recipe, model: Model, inputs: Floats, labels: Labels, order: NDArray[np.int64]
) -> tuple[list[Floats], list[float]]:
    """Return the weights after a step per batch of `order` on prepared images, and every batch's loss in bits."""
    weights = to_weights(recipe, model)
    rates = [np.float32(rate) for rate in learning_rates(recipe)]
    losses = []
    for batch in order.reshape(-1, recipe.batch):
        losses.append(_step(weights, rates, inputs[batch], labels[batch]))
    return weights, losses


def _step(weights: list[Floats], rates: list[np.float32], images: Floats, labels: Labels) -> float:
    *inputs, logits = _forward(weights, images)
    rows = np.arange(len(labels))
    logits -= logits.max(axis=1, keepdims=True)
    errors = np.exp(logits)
    errors /= errors.sum(axis=1, keepdims=True)
    loss = -np.log2(np.maximum(errors[rows, labels], LEAST)).sum()
    errors[rows, labels] -= 1
    for depth in reversed(range(len(weights))):
        gradient = inputs[depth].T @ errors
        if depth:
            hidden = inputs[depth][:, :-1]
            errors = errors @ weights[depth][:-1].T
            errors *= (hidden > 0) & (hidden < 1)
        gradient *= rates[depth]
        weights[depth] -= gradient
    return float(loss)


def _forward(weights: Sequence[Floats], images: Floats) -> list[Floats]:
    """Return the inputs of every layer and, last, the logits."""
    values = [images]
    for matrix in weights[:-1]:
        values.append(_with_constant(np.clip(values[-1] @ matrix, 0, 1)))
    return [*values, values[-1] @ weights[-1]]


def _with_constant(values: Floats) -> Floats:
    widened = np.ones((values.shape[0], values.shape[1] + 1), dtype=np.float32)
    widened[:, :-1] = values
    return widened


# What an integer of the recipe stands for, so that both trainings take the same steps.


def to_weights(recipe: Recipe, model: Model) -> list[Floats]:
    """Return the weights that a model stands for where inputs, hidden values and logits are real numbers."""
    return [
        (matrix * (2.0**layer.quantum / unit)).astype(np.float32)
        for matrix, layer, unit in zip(model, recipe.layers, _units(recipe.layers), strict=True)
    ]


def learning_rates(recipe: Recipe) -> list[float]:
    """Return every layer's learning rate, per sample: the batch's gradients are summed."""
    rates, error = [], float(ONE)  # the integer that an error of 1 has
    for layer, unit in zip(reversed(recipe.layers), reversed(_units(recipe.layers)), strict=True):
        rates.append(error * layer.input_max / unit / 2.0**layer.learning_shift)
        error *= unit / 2.0**layer.error_shift
    return rates[::-1]


def _units(layers: Sequence[Layer]) -> list[float]:
    """Return the integer that a weight of 1 has in every layer; natural logits, where exact ones have base 2."""
    greatest = [*(layer.input_max for layer in layers[1:]), 1 / math.log(2)]
    return [2.0**layer.scale * following / layer.input_max for layer, following in zip(layers, greatest, strict=True)]
