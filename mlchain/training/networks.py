"""Fully connected networks in exact integers; without a hidden layer, softmax regression.

A hidden value is its sum shifted right and clipped to 0 .. input_max of the next layer; weights are clipped to what
the model's int16 can hold. So every bound follows from the recipe alone: see `layers.bounds`.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from mlchain.training.bounded import Bounded, enclose
from mlchain.training.exact import Integers
from mlchain.training.layers import Layer
from mlchain.training.softmax import ONE, cross_entropy, softmax

Images = NDArray[np.uint8]
Weights = tuple[Bounded, ...]  # one (inputs + 1, outputs) matrix a layer


def forward(layers: Sequence[Layer], weights: Weights, images: Images) -> tuple[list[Bounded], list[Bounded], Bounded]:
    """Return the inputs of every layer, the constant one included, the hidden values, and the logits of images."""
    inputs = [enclose(images, layers[0].input_max, constant=layers[0].input_max)]
    hidden: list[Bounded] = []
    for layer, following, matrix in zip(layers, layers[1:], weights, strict=False):
        sums = inputs[-1] @ matrix
        hidden.append(sums.shift_floor(layer.scale).clip(0, following.input_max))
        inputs.append(hidden[-1].with_constant(following.input_max))
    return inputs, hidden, inputs[-1] @ weights[-1]


def downhill(layers: Sequence[Layer], weights: Weights, images: Images, labels: Integers) -> tuple[list[Bounded], int]:
    """Return what to subtract from every layer's weights, and the batch's loss in 1/256 bit, summed over the batch.

    The error of an output is p - 1[label] in units of 2**-16; a gradient is input times error, summed, and a step
    the gradient shifted right.
    """
    inputs, hidden, logits = forward(layers, weights, images)
    probabilities = softmax(logits.to_integers(), layers[-1].scale)
    of_label = np.arange(len(labels)), labels
    loss = cross_entropy(probabilities[of_label])

    probabilities[of_label] -= ONE
    errors = enclose(probabilities, ONE)
    steps: list[Bounded] = []
    for depth in reversed(range(len(layers))):
        steps.append(inputs[depth].T.multiply_and_shift(errors, layers[depth].learning_shift))
        if depth:
            errors = errors_before(layers[depth], weights[depth], hidden[depth - 1], errors)
    return steps[::-1], loss


def errors_before(layer: Layer, matrix: Bounded, hidden: Bounded, errors: Bounded) -> Bounded:
    """Return the errors (n, inputs) of the layer before; a value clipped to either end passes none on."""
    passed = errors.multiply_and_shift(matrix[:-1].T, layer.error_shift)
    return passed.only(hidden.between(0, layer.input_max))


def train(
    layers: Sequence[Layer], weights: Weights, batches: Iterable[tuple[Images, Integers]]
) -> tuple[Weights, list[int]]:
    """Return the weights after one step per batch of (images, labels), and every step's loss.

    Weights saturate at the layer's weight range.
    """
    weights = tuple(matrix.copy() for matrix in weights)
    used = np.ones(layers[0].inputs + 1, dtype=np.bool_)  # which inputs of a batch; the constant one always is
    losses = []
    for images, labels in batches:
        # A pixel that is 0 in the whole batch adds nothing to any sum and moves no weight: a third of MNIST's.
        images.any(axis=0, out=used[:-1])
        rows = np.flatnonzero(used)
        narrow = (weights[0].rows(rows), *weights[1:])
        steps, loss = downhill(layers, narrow, images.take(rows[:-1], axis=1), labels)
        for layer, matrix, step in zip(layers, narrow, steps, strict=True):
            matrix.descend(step, *layer.weight_range)
        weights[0].put_rows(rows, narrow[0])
        losses.append(loss)
    return weights, losses


def predict(layers: Sequence[Layer], weights: Weights, images: Images) -> Integers:
    """Return the class of the greatest logit of every image; of equal logits the first."""
    classes: Integers = forward(layers, weights, images)[-1].to_integers().argmax(axis=1)
    return classes
