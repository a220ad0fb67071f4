"""Fully connected networks in exact integers; without a hidden layer, softmax regression.

Weights, images and hidden values are integers in float64. A hidden value is its sum shifted right and clipped
to 0 .. input_max of the next layer; weights are clipped to what the model's int16 can hold. So every bound
follows from the recipe alone: see `layers.bounds`.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from mlchain.training.exact import (
    Floats,
    Integers,
    matmul,
    saturate,
    shift_floor,
    shift_round,
    to_floats,
)
from mlchain.training.layers import Layer
from mlchain.training.softmax import ONE, cross_entropy, softmax

Weights = tuple[Floats, ...]  # one (inputs + 1, outputs) matrix a layer


def forward(layers: Sequence[Layer], weights: Weights, images: np.ndarray) -> tuple[list[Floats], Integers]:
    """Return the inputs of every layer, the constant one included, and the logits of images (n, pixels)."""
    inputs = [with_constant(images, layers[0].input_max)]
    for layer, following, matrix in zip(layers, layers[1:], weights, strict=False):
        sums = matmul(inputs[-1], matrix)
        hidden = saturate(shift_floor(sums, layer.scale), 0, following.input_max)
        inputs.append(with_constant(hidden, following.input_max))
    return inputs, matmul(inputs[-1], weights[-1])


def with_constant(values: np.ndarray, constant: int) -> Floats:
    """Return values (n, k) as float64 (n, k + 1) with a constant last column, the input of the bias."""
    widened = np.empty((values.shape[0], values.shape[1] + 1))
    widened[:, :-1] = values
    widened[:, -1] = constant
    return widened


def gradients(
    layers: Sequence[Layer], weights: Weights, images: np.ndarray, labels: Integers
) -> tuple[list[Integers], int]:
    """Return the gradient of every layer and the batch's loss in 1/256 bit, summed over the batch.

    The error of an output is p - 1[label] in units of 2**-16; a gradient is input times error, summed.
    """
    inputs, logits = forward(layers, weights, images)
    probabilities = softmax(logits, layers[-1].scale)
    loss = cross_entropy(probabilities, labels)

    errors = probabilities
    errors[np.arange(len(labels)), labels] -= ONE
    found: list[Integers] = []
    for depth in reversed(range(len(layers))):
        exact_errors = to_floats(errors)
        found.append(matmul(inputs[depth].T, exact_errors))
        if depth:
            errors = errors_before(layers[depth], weights[depth], inputs[depth], exact_errors)
    return found[::-1], loss


def errors_before(layer: Layer, matrix: Floats, inputs: Floats, errors: Floats) -> Integers:
    """Return the errors (n, inputs) of the layer before; a value clipped to either end passes none on."""
    passed = shift_round(matmul(errors, matrix[:-1].T), layer.error_shift)
    hidden = inputs[:, :-1]
    return passed * ((hidden > 0) & (hidden < layer.input_max))


def descend(layers: Sequence[Layer], weights: Weights, steps: Sequence[Integers]) -> Weights:
    """Return the weights after one step of gradient descent, saturated at the layer's weight range."""
    return tuple(
        saturate(matrix - shift_round(gradient, layer.learning_shift), *layer.weight_range)
        for layer, matrix, gradient in zip(layers, weights, steps, strict=True)
    )


def train(
    layers: Sequence[Layer], weights: Weights, batches: Iterable[tuple[np.ndarray, Integers]]
) -> tuple[Weights, list[int]]:
    """Return the weights after one step per batch of (images, labels), and every step's loss."""
    losses = []
    for images, labels in batches:
        steps, loss = gradients(layers, weights, images, labels)
        weights = descend(layers, weights, steps)
        losses.append(loss)
    return weights, losses


def predict(layers: Sequence[Layer], weights: Weights, images: np.ndarray) -> Integers:
    """Return the class of the greatest logit of every image; of equal logits the first."""
    return forward(layers, weights, images)[1].argmax(axis=1)
