"""Networks against a second implementation: lists, loops and Python's unbounded integers."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training import networks
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


def in_floats(weights: list[Rows]) -> networks.Weights:
    return tuple(np.array(matrix, dtype=np.float64) for matrix in weights)


@given(situations())
def test_gradients_and_steps_equal_those_of_a_slow_implementation(situation):
    layers, weights, images, labels = situation
    batch = np.array(images, dtype=np.uint8), np.array(labels)

    found, _ = networks.gradients(layers, in_floats(weights), *batch)
    after = networks.descend(layers, in_floats(weights), found)

    expected = slow_gradients(layers, weights, images, labels)
    assert [matrix.tolist() for matrix in found] == expected
    assert [matrix.tolist() for matrix in after] == slow_step(layers, weights, expected)


@given(situations())
def test_predictions_equal_those_of_a_slow_implementation(situation):
    layers, weights, images, _ = situation

    found = networks.predict(layers, in_floats(weights), np.array(images, dtype=np.uint8))

    logits = [slow_forward(layers, weights, image)[1] for image in images]
    assert found.tolist() == [row.index(max(row)) for row in logits]


@given(situations())
def test_no_number_exceeds_the_bounds_that_follow_from_the_recipe(situation):
    layers, weights, images, labels = situation
    inputs, logits = networks.forward(layers, in_floats(weights), np.array(images, dtype=np.uint8))
    found, _ = networks.gradients(layers, in_floats(weights), np.array(images, dtype=np.uint8), np.array(labels))

    stated = {each.of: each.bound for each in bounds(layers, len(images))}
    assert abs(logits).max() <= stated[f"sums of layer {len(layers) - 1}"]
    for depth, gradient in enumerate(found):
        assert abs(gradient).max() <= stated[f"gradient of layer {depth}"]
        assert inputs[depth].max() <= layers[depth].input_max


def test_the_bounds_are_reached_so_that_none_is_too_generous():
    layers = (Layer(2, 2, 255, 8, 0, 0, 3, 0),)
    weights = (np.full((3, 2), -(2.0**18)),)
    images, labels = np.full((4, 2), 255, dtype=np.uint8), np.zeros(4, dtype=np.int64)
    weights[0][:, 1] = 2.0**18 - 8  # class 1 is certain, label 0 is right: the error is -2**16 and 2**16

    _, logits = networks.forward(layers, weights, images)
    found, _ = networks.gradients(layers, weights, images, labels)

    stated = {each.of: each.bound for each in bounds(layers, 4)}
    assert abs(logits).max() == stated["sums of layer 0"]
    assert abs(found[0]).max() == stated["gradient of layer 0"]


def test_a_step_downhill_lowers_the_loss():
    layers = (Layer(2, 2, 16, 16, 7, 0, 0, 0),)
    images, labels = np.array([[16, 0], [0, 16]], dtype=np.uint8), np.array([0, 1])

    _, losses = networks.train(layers, (np.zeros((3, 2)),), [(images, labels)] * 5)

    assert losses[0] == 2 * 256  # one bit a sample: a fair coin
    assert all(after < before for before, after in pairwise(losses))
