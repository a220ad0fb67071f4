"""Networks against a second implementation: lists, loops and Python's unbounded integers."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlchain.training.bounded import Bounded, enclose, shifted

from mlchain.training import networks
from mlchain.training.exact import BoundExceeded
from mlchain.training.layers import Layer, bounds
from mlchain.training.softmax import ONE, POWERS
from tests.training.strategies import layer_chains

Rows = list[list[int]]


def rounded(value: int, bits: int) -> int:
    return (2 * value + 2**bits) // 2 ** (bits + 1)


def slow_softmax(logits: list[int], scale: int) -> list[int]:
    distances = [(max(logits) - value) >> (scale - 8) for value in logits]
    powers = [int(POWERS[distance % 256]) >> (distance // 256) for distance in distances]
    return [power * ONE // sum(powers) for power in powers]


def slow_forward(layers: tuple[Layer, ...], weights: list[Rows], image: list[int]) -> tuple[Rows, list[int]]:
    values, inputs = image, []
    for depth, layer in enumerate(layers):
        inputs.append([*values, layer.input_max])
        sums = [
            sum(x * row[j] for x, row in zip(inputs[-1], weights[depth], strict=True)) for j in range(layer.outputs)
        ]
        if depth + 1 < len(layers):
            values = [min(max(total >> layer.scale, 0), layers[depth + 1].input_max) for total in sums]
    return inputs, sums


def slow_gradients(layers: tuple[Layer, ...], weights: list[Rows], images: Rows, labels: list[int]) -> list[Rows]:
    found = [[[0] * layer.outputs for _ in range(layer.inputs + 1)] for layer in layers]
    for image, label in zip(images, labels, strict=True):
        inputs, logits = slow_forward(layers, weights, image)
        errors = [p - ONE * (j == label) for j, p in enumerate(slow_softmax(logits, layers[-1].scale))]
        for depth in reversed(range(len(layers))):
            for i, x in enumerate(inputs[depth]):
                for j, error in enumerate(errors):
                    found[depth][i][j] += x * error
            passed = [sum(e * w for e, w in zip(errors, row, strict=True)) for row in weights[depth][:-1]]
            errors = [
                rounded(value, layers[depth].error_shift) if 0 < x < layers[depth].input_max else 0
                for value, x in zip(passed, inputs[depth], strict=False)
            ]
    return found


def slow_step(layers: tuple[Layer, ...], weights: list[Rows], gradients: list[Rows]) -> list[Rows]:
    return [
        [
            [
                min(
                    max(w - rounded(g, layer.learning_shift), -(2**15) << layer.quantum),
                    (2**15 - 1) << layer.quantum,
                )
                for w, g in zip(w_row, g_row, strict=True)
            ]
            for w_row, g_row in zip(w_rows, g_rows, strict=True)
        ]
        for layer, w_rows, g_rows in zip(layers, weights, gradients, strict=True)
    ]


@st.composite
def situations(draw: st.DrawFn) -> tuple[tuple[Layer, ...], list[Rows], Rows, list[int]]:
    """A tiny network with weights, and a batch. Shrinks towards zeros; small and huge weights both occur."""
    layers = draw(layer_chains())
    width = draw(st.sampled_from([4, 10, 15]))
    weights = [
        [
            [draw(st.integers(-(2**width), 2**width - 1)) << layer.quantum for _ in range(layer.outputs)]
            for _ in range(layer.inputs + 1)
        ]
        for layer in layers
    ]
    batch = draw(st.integers(1, 3))
    images = [
        [draw(st.integers(0, min(layers[0].input_max, 255))) for _ in range(layers[0].inputs)] for _ in range(batch)
    ]
    labels = [draw(st.integers(0, layers[-1].outputs - 1)) for _ in range(batch)]
    return layers, weights, images, labels


def enclosed(layers: tuple[Layer, ...], weights: list[Rows]) -> networks.Weights:
    return tuple(
        enclose(np.array(matrix, dtype=np.int64), -layer.weight_range[0])
        for layer, matrix in zip(layers, weights, strict=True)
    )


def listed(matrices: Iterable[Bounded]) -> list[Rows]:
    return [matrix.to_integers().tolist() for matrix in matrices]


@given(situations())
def test_steps_equal_those_of_a_slow_implementation(situation):
    layers, weights, images, labels = situation

    found, _ = networks.downhill(layers, enclosed(layers, weights), np.array(images, dtype=np.uint8), np.array(labels))

    expected = slow_gradients(layers, weights, images, labels)
    assert listed(found) == [
        [[rounded(value, layer.learning_shift) for value in row] for row in rows]
        for layer, rows in zip(layers, expected, strict=True)
    ]


@given(situations(), st.integers(1, 3))
def test_training_equals_that_of_a_slow_implementation(situation, steps):
    layers, weights, images, labels = situation
    start = enclosed(layers, weights)
    batch = np.array(images, dtype=np.uint8), np.array(labels)

    after, losses = networks.train(layers, start, [batch] * steps)

    expected = weights
    for _ in range(steps):
        expected = slow_step(layers, expected, slow_gradients(layers, expected, images, labels))
    assert listed(after) == expected
    assert listed(start) == weights  # what training starts from stays as it is
    assert len(losses) == steps


@given(situations(), st.data())
def test_pixels_that_are_black_in_a_whole_batch_change_nothing(situation, data):
    layers, weights, images, labels = situation
    black = data.draw(st.lists(st.booleans(), min_size=layers[0].inputs, max_size=layers[0].inputs))
    images = [[0 if off else pixel for off, pixel in zip(black, image, strict=True)] for image in images]

    after, _ = networks.train(layers, enclosed(layers, weights), [(np.array(images, dtype=np.uint8), np.array(labels))])

    assert listed(after) == slow_step(layers, weights, slow_gradients(layers, weights, images, labels))


@given(situations())
def test_predictions_equal_those_of_a_slow_implementation(situation):
    layers, weights, images, _ = situation

    found = networks.predict(layers, enclosed(layers, weights), np.array(images, dtype=np.uint8))

    logits = [slow_forward(layers, weights, image)[1] for image in images]
    assert found.tolist() == [row.index(max(row)) for row in logits]


@given(situations())
def test_no_number_exceeds_the_bounds_that_follow_from_the_recipe(situation):
    layers, weights, images, labels = situation
    batch = np.array(images, dtype=np.uint8)
    inputs, _, logits = networks.forward(layers, enclosed(layers, weights), batch)
    steps, _ = networks.downhill(layers, enclosed(layers, weights), batch, np.array(labels))

    stated = {each.of: each.bound for each in bounds(layers, len(images))}
    assert abs(logits.to_integers()).max() <= logits.bound == stated[f"sums of layer {len(layers) - 1}"]
    for depth, (layer, step) in enumerate(zip(layers, steps, strict=True)):
        reached = shifted(stated[f"gradient of layer {depth}"], layer.learning_shift)
        assert abs(step.to_integers()).max() <= step.bound == reached
        assert inputs[depth].to_integers().max() <= inputs[depth].bound == layer.input_max


def test_the_bounds_are_reached_so_that_none_is_too_generous():
    layers = (Layer(2, 2, 255, 8, 0, 0, 3, 0),)
    # Class 1 is certain, label 0 is right: the error is -2**16 and 2**16.
    weights = enclosed(layers, [[[-(2**18), 2**18 - 8]] * 3])
    images, labels = np.full((4, 2), 255, dtype=np.uint8), np.zeros(4, dtype=np.int64)

    *_, logits = networks.forward(layers, weights, images)
    steps, _ = networks.downhill(layers, weights, images, labels)

    stated = {each.of: each.bound for each in bounds(layers, 4)}
    assert abs(logits.to_integers()).max() == stated["sums of layer 0"]
    assert abs(steps[0].to_integers()).max() == stated["gradient of layer 0"]


def test_a_pixel_above_the_greatest_one_of_the_recipe_is_refused():
    layers = (Layer(2, 2, 16, 16, 7, 0, 0, 0),)
    batch = np.array([[17, 0]], dtype=np.uint8), np.array([0])

    with pytest.raises(BoundExceeded, match="enclose: the bound 17 is not below 17"):
        networks.train(layers, enclosed(layers, [[[0, 0]] * 3]), [batch])


def test_layers_that_no_recipe_may_have_are_stopped_before_anything_is_rounded():
    unshifted = Layer(2, 2, 65535, 16, 7, 0, 16, 0)
    layers = (unshifted, unshifted)  # errors of 2**48 would be multiplied by inputs of 2**16
    batch = np.zeros((1, 2), dtype=np.uint8), np.array([0])

    with pytest.raises(BoundExceeded, match="multiply_and_shift: the bound"):
        networks.train(layers, enclosed(layers, [[[0, 0]] * 3] * 2), [batch])


def test_a_step_downhill_lowers_the_loss():
    layers = (Layer(2, 2, 16, 16, 7, 0, 0, 0),)
    images, labels = np.array([[16, 0], [0, 16]], dtype=np.uint8), np.array([0, 1])

    _, losses = networks.train(layers, enclosed(layers, [[[0, 0]] * 3]), [(images, labels)] * 5)

    assert losses[0] == 2 * 256  # one bit a sample: a fair coin
    assert all(after < before for before, after in pairwise(losses))
