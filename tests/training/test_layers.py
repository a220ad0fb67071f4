"""Shapes, what is refused, and bounds that nothing exceeds and something reaches."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training.convolution import Convolution
from mlchain.training.layers import (
    InputKind,
    Inputs,
    Layer,
    Pooling,
    RecipeError,
    Stage,
    bounds,
    require_layers,
    stages,
)
from mlchain.training.networks import Network
from tests.reference import networks as reference
from tests.training.strategies import networks

IMAGE = Inputs(1, 28, 28, InputKind.UNSIGNED, 255)
DENSE = Layer(10, 0, 0, 1, 1, 0, 0, 0, 16, 6, 0, 10, 255, 100)
CONV = replace(DENSE, outputs=8, kernel_height=5, kernel_width=5, pooling=Pooling.MAX, shift=12)


def shapes(inputs: Inputs, *layers: Layer) -> list[tuple[int, ...]]:
    return [stage.outputs for stage in stages(inputs, layers)]


@pytest.mark.parametrize(
    ("changes", "outputs"),
    [
        ({}, (8, 12, 12)),
        ({"pooling": 0}, (8, 24, 24)),
        ({"pooling": 0, "padding": 2}, (8, 28, 28)),
        ({"pooling": 0, "stride_height": 2, "stride_width": 3}, (8, 12, 8)),
        ({"kernel_height": 4, "kernel_width": 6}, (8, 12, 11)),  # 25 sums down: the last row is in no pool
        ({"pooling": 0, "kernel_height": 28, "kernel_width": 1}, (8, 1, 28)),
        ({"pooling": 0, "kernel_height": 0, "kernel_width": 0}, (8, 1, 1)),
    ],
)
def test_the_shape_of_the_outputs_follows_from_the_kernel_its_strides_the_edge_and_the_pool(changes, outputs):
    assert shapes(IMAGE, replace(CONV, **changes)) == [outputs]


def test_every_layer_sees_what_the_one_before_makes():
    layers = CONV, replace(CONV, outputs=16), DENSE
    found = stages(IMAGE, layers)

    assert [stage.inputs for stage in found] == [(1, 28, 28), (8, 12, 12), (16, 4, 4)]
    assert [stage.weights for stage in found] == [(8, 26), (16, 201), (10, 257)]
    assert [(stage.is_first, stage.is_last, stage.is_dense) for stage in found] == [
        (True, False, False),
        (False, False, False),
        (False, True, True),
    ]


def test_the_greatest_magnitude_is_that_of_the_kind_of_input_and_of_the_layer_before():
    signed, tokens = Inputs(3, 2, 2, InputKind.SIGNED, 255), Inputs(5, 1, 9, InputKind.TOKENS, 4)
    layers = replace(DENSE, signed=1), replace(DENSE), DENSE

    assert [stage.magnitude for stage in stages(signed, layers)] == [128, 128, 255]
    assert [stage.magnitude for stage in stages(tokens, layers)] == [1, 128, 255]
    assert (signed.sample_size, tokens.sample_size) == (12, 9)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((0, 1, 1, InputKind.UNSIGNED, 255), r"channels 0 is not an integer in 1 \.\. 65535"),
        ((1, 65536, 1, InputKind.UNSIGNED, 255), "height 65536"),
        ((1, 1, 1.0, InputKind.UNSIGNED, 255), r"width 1\.0"),
        ((1, 1, 1, InputKind.UNSIGNED, 0), "greatest byte 0"),
        ((1, 1, 1, InputKind.UNSIGNED, 256), "greatest byte 256"),
        ((1, 1, 1, InputKind.SIGNED, 254), "a greatest byte of 254 for signed input, 255 wanted"),
        ((3, 1, 1, InputKind.TOKENS, 3), "3 channels for tokens up to 3"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(inputs, message):
    with pytest.raises(RecipeError, match=message):
        Inputs(*inputs)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outputs", 0),
        ("outputs", 65536),
        ("kernel_height", 256),
        ("kernel_width", -1),
        ("stride_height", 0),
        ("stride_width", 256),
        ("padding", 256),
        ("pooling", 3),
        ("signed", 2),
        ("shift", 63),
        ("learning_shift", -1),
        ("error_shift", 63),
        ("quantum", 15),
        ("bias_input", 256),
        ("initial", 32768),
        ("initial", 1.5),
    ],
)
def test_a_field_out_of_range_is_refused_with_its_value(field, value):
    with pytest.raises(RecipeError, match=f"{field.replace('_', ' ')} {value} is not an integer in"):
        replace(DENSE, **{field: value})


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ((), r"number of layers 0 is not an integer in 1 \.\. 8"),
        ((DENSE,) * 9, "number of layers 9"),
        ((replace(DENSE, outputs=1),), "classes 1"),
        ((replace(DENSE, outputs=257),), "classes 257"),
        ((replace(DENSE, shift=7),), r"shift of the last layer 7 is not an integer in 8 \.\. 62"),
        ((replace(DENSE, pooling=1),), "pooling of the last layer 1"),
        ((replace(DENSE, signed=1),), "sign of the last layer 1"),
        ((replace(DENSE, error_shift=1),), "error shift of the first layer 1"),
        ((replace(CONV, pooling=0),), "the last layer has 24 x 24 outputs a class, 1 wanted"),
        ((CONV, CONV, CONV, DENSE), "layer 2 has kernels of 5 x 5 and pools on an input of 4 x 4"),
        ((replace(CONV, kernel_height=29, pooling=0), DENSE), "layer 0 has kernels of 29 x 5 on an input of 28 x 28"),
        ((replace(DENSE, pooling=1), DENSE), "layer 0 has kernels of 28 x 28 and pools on an input of 28 x 28"),
    ],
)
def test_layers_that_do_not_fit_together_are_refused(layers, message):
    with pytest.raises(RecipeError, match=message):
        require_layers(IMAGE, layers, 64)


def test_a_kernel_that_is_as_large_as_its_input_on_one_side_only_is_refused():
    with pytest.raises(RecipeError, match="a kernel of 0 x 5: both or neither are 0"):
        replace(DENSE, kernel_width=5)


def ones(channels: int, height: int, width: int) -> list:
    return [[[1] * width for _ in range(height)] for _ in range(channels)]


def counts(stage: Stage) -> tuple[int, int, int]:
    """Return, in plain loops, how many terms there are at most in a sum, in a gradient of a sample, in an error."""
    layer = replace(stage.layer, bias_input=1, error_shift=0)
    row, values = [1] * (stage.fan_in + 1), ones(*stage.inputs)
    sums = [reference._sums(layer, row, values)] * layer.outputs
    routes = [reference._routes(layer, channel) for channel in sums]
    spread = [[[0] * len(line) for line in channel] for channel in sums]
    for channel, pools in enumerate(routes):
        for places in (places for line in pools for places in line):
            for a, b in places:
                spread[channel][a][b] = 1
    pool = 4 if layer.pooling == Pooling.SUM else 1
    gradient = max(map(max, reference._of_weights(layer, values, spread)))
    passed = reference._passed(layer, [row] * layer.outputs, values, spread)
    return pool * max(map(max, sums[0])), gradient, max(max(map(max, channel)) for channel in passed)


def stated(network: tuple[Stage, ...], batch: int) -> dict[str, int]:
    return {each.of: each.bound for each in bounds(network, batch)}


@given(networks(), st.integers(1, 8))
def test_no_sum_has_more_terms_than_its_bound_counts(drawn, batch):
    network = stages(*drawn)
    found = stated(network, batch)
    for depth, stage in enumerate(network):
        terms, of_gradient, of_error = counts(stage)
        greatest = max(stage.magnitude, stage.layer.bias_input)
        error = 2**12 if stage.is_last else 2**15 - 1
        gradient = batch * of_gradient * greatest * error

        assert terms * greatest * 2**15 <= found[f"sums of layer {depth}"]
        assert gradient + (1 << stage.layer.learning_shift >> 1) <= found[f"gradient of layer {depth}"]
        if depth:
            passed = of_error * error * 2**15 + (1 << stage.layer.error_shift >> 1)
            assert passed <= found[f"errors passed back by layer {depth}"]


@pytest.mark.parametrize(
    "layer",
    [DENSE, replace(CONV, pooling=0), replace(CONV, pooling=Pooling.SUM), replace(CONV, stride_height=2, pooling=0)],
)
def test_no_bound_counts_a_term_that_there_is_not(layer):
    stage = Stage(layer, (2, 13, 13), 255, is_first=False, is_last=False)
    terms, of_gradient, of_error = counts(stage)
    found = stated((stage, stage), 3)

    assert found["sums of layer 1"] == terms * 255 * 2**15
    assert found["gradient of layer 1"] == 3 * of_gradient * 255 * (2**15 - 1) + (1 << layer.learning_shift >> 1)
    assert found["errors passed back by layer 1"] == of_error * (2**15 - 1) * 2**15


def test_training_reaches_the_bounds_of_sums_and_gradients():
    """Class 1 is certain and label 0 is right: the errors are -2**12 and 2**12."""
    layer = replace(DENSE, outputs=2, shift=8, learning_shift=0, quantum=14)
    inputs, samples = Inputs(3, 1, 1, InputKind.UNSIGNED, 255), np.full((4, 3), 255, np.uint8)
    network = Network(inputs, (layer,), (np.array([[-32768] * 4, [0] * 4], np.int16),))
    found = stated(stages(inputs, (layer,)), 4)

    assert -network.logits(samples).min() == found["sums of layer 0"]
    network.step(samples, np.zeros(4, np.int64))
    moved = network.master_weights()[0] - np.array([[-32768], [0]]) * 2**14
    assert np.abs(moved).max() == found["gradient of layer 0"]


def test_training_reaches_the_bound_of_the_errors_that_are_passed_back():
    layer = replace(DENSE, outputs=3, error_shift=17)
    stage = Stage(layer, (2, 1, 1), 255, is_first=False, is_last=False)
    convolution = Convolution(stage, np.full((3, 3), -32768))
    convolution.forward(np.ones((2, 1, 1, 1), np.float32), training=True)
    convolution._live[...] = True

    passed = convolution.backward(np.full((3, 1, 1, 1), 32767, np.float32))

    reached = stated((stage, stage), 1)["errors passed back by layer 1"] - 2**16  # which is half a unit
    assert passed is not None
    assert passed.tolist() == [[[[reference.rounded(-reached, 17)]]]] * 2


@pytest.mark.parametrize(
    ("layers", "batch", "message"),
    [
        ((CONV, replace(DENSE, error_shift=55)), 64, "errors passed back by layer 1 can reach"),
        ((replace(DENSE, learning_shift=54),), 64, f"gradient of layer 0 can reach {2**53 + 64 * 2**12 * 255}, which"),
        ((replace(CONV, pooling=0), DENSE), 65535, "gradient of layer 0 can reach"),
    ],
)
def test_layers_whose_arithmetic_could_leave_the_exact_integers_are_refused(layers, batch, message):
    wide = Inputs(1, 252, 252, InputKind.UNSIGNED, 255)

    with pytest.raises(RecipeError, match=f"{message}.* is not below {2**53}" if "which" not in message else message):
        require_layers(wide, layers, batch)


def test_the_first_batch_whose_gradient_could_overflow_is_refused():
    wide, layer = Inputs(1, 1024, 1024, InputKind.UNSIGNED, 255), replace(CONV, outputs=2, pooling=0, learning_shift=0)
    greatest = (2**53 - 1) // (255 * 32767 * 1020**2)
    require_layers(wide, (layer, replace(DENSE, outputs=2)), greatest)

    with pytest.raises(RecipeError, match="gradient of layer 0 can reach"):
        require_layers(wide, (layer, replace(DENSE, outputs=2)), greatest + 1)
