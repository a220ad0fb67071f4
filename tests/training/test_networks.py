"""Networks against a second implementation: lists, loops and Python's unbounded integers."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.errors import UserError
from mlchain.training import certified, convolution, networks
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling, Stage, stages
from mlchain.training.networks import Network
from tests.reference import networks as reference
from tests.training import strategies

IMAGE = Inputs(1, 28, 28, InputKind.UNSIGNED, 255)
CONV = Layer(8, 5, 5, 1, 1, 0, Pooling.MAX, 0, 12, 5, 0, 10, 255, 300)
DENSE = Layer(10, 0, 0, 1, 1, 0, Pooling.NONE, 0, 16, 6, 13, 10, 255, 100)
PAIR = Inputs(2, 1, 1, InputKind.UNSIGNED, 16)
SINGLE = Layer(2, 0, 0, 1, 1, 0, Pooling.NONE, 0, 16, 3, 0, 0, 16, 0)

Batch = tuple[np.ndarray, np.ndarray]


@st.composite
def situations(draw: st.DrawFn) -> tuple[Inputs, tuple[Layer, ...], list[np.ndarray], list[Batch]]:
    """A tiny network with weights, and some batches. Small and huge weights both occur."""
    inputs, layers = draw(strategies.networks())
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    width = draw(st.sampled_from([2, 6, 10, 15]))
    model = [generator.integers(-(2**width), 2**width, stage.weights, np.int16) for stage in stages(inputs, layers)]
    batches = []
    for _ in range(draw(st.integers(1, 3))):
        count = draw(st.integers(1, strategies.MOST_SAMPLES))
        used = generator.integers(0, 2, (1, inputs.sample_size), np.uint8)
        samples = generator.integers(0, inputs.greatest + 1, (count, inputs.sample_size), np.uint8) * used
        batches.append((samples, generator.integers(0, layers[-1].outputs, count)))
    return inputs, layers, model, batches


def volume(inputs: Inputs, sample: Sequence[int]) -> reference.Volume:
    """Return what the first layer sees of a sample."""
    rows = [sample[start : start + inputs.width] for start in range(0, len(sample), inputs.width)]
    if inputs.kind is InputKind.TOKENS:
        return [[[int(token == channel) for token in row] for row in rows] for channel in range(inputs.channels)]
    middle = 128 if inputs.kind is InputKind.SIGNED else 0
    seen = [[value - middle for value in row] for row in rows]
    return [seen[start : start + inputs.height] for start in range(0, len(seen), inputs.height)]


def volumes(inputs: Inputs, samples: np.ndarray) -> list[reference.Volume]:
    return [volume(inputs, sample) for sample in samples.tolist()]


def learn(inputs: Inputs, layers: tuple[Layer, ...], model: list, batches: list[Batch]) -> tuple[Network, int]:
    """Return the network after a step per batch, and its loss."""
    network = Network(inputs, layers, model)
    return network, sum(network.step(*batch) for batch in batches)


def assert_trains_as_the_reference(inputs: Inputs, layers: tuple[Layer, ...], model: list, batches: list) -> None:
    network, loss = learn(inputs, layers, model, batches)

    plain = [(volumes(inputs, samples), labels.tolist()) for samples, labels in batches]
    master, expected_loss = reference.train(layers, [np.asarray(matrix).tolist() for matrix in model], plain)
    assert [matrix.tolist() for matrix in network.master_weights()] == master
    assert [matrix.tolist() for matrix in network.model()] == [
        [[reference.rounded(weight, layer.quantum) for weight in row] for row in matrix]
        for layer, matrix in zip(layers, master, strict=True)
    ]
    assert loss == expected_loss


@pytest.mark.parametrize("at_once", [64, 2])
@pytest.mark.parametrize("limit", [certified.FLOAT32_LIMIT, 0], ids=["certified", "float64"])
def test_training_equals_that_of_a_slow_implementation(limit, at_once, monkeypatch):
    monkeypatch.setattr(certified, "FLOAT32_LIMIT", limit)
    monkeypatch.setattr(networks, "SAMPLES_AT_ONCE", at_once)

    @given(situations())
    def train(situation):
        assert_trains_as_the_reference(*situation)

    train()


@given(situations())
def test_logits_and_predictions_equal_those_of_a_slow_implementation(situation):
    inputs, layers, model, ((samples, _), *_) = situation
    network = Network(inputs, layers, model)

    weights = [matrix.tolist() for matrix in model]
    logits = [reference.logits(layers, weights, sample) for sample in volumes(inputs, samples)]
    assert network.logits(samples).tolist() == logits
    assert network.predict(samples).tolist() == [row.index(max(row)) for row in logits]


@given(situations())
def test_what_was_predicted_in_between_does_not_change_what_is_learned(situation):
    inputs, layers, model, batches = situation
    curious, other = Network(inputs, layers, model), Network(inputs, layers, model)
    for samples, labels in batches:
        curious.predict(samples[::-1])
        assert curious.step(samples, labels) == other.step(samples, labels)

    for left, right in zip(curious.master_weights(), other.master_weights(), strict=True):
        assert left.tolist() == right.tolist()


def test_training_leaves_the_model_and_the_samples_as_they_were():
    samples, labels = np.array([[16, 0], [0, 16]], np.uint8), np.array([0, 1])
    model = (np.array([[1, 2, 3], [4, 5, 6]], np.int16),)
    network = Network(PAIR, (SINGLE,), model)
    network.step(samples, labels)

    assert network.model()[0].tolist() != model[0].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert samples.tolist() == [[16, 0], [0, 16]]


def trained(inputs: Inputs, layers: tuple[Layer, ...], width: int, steps: int = 3) -> str:
    """Return a hash of what random weights of so many bits, and random samples, are trained to."""
    generator = np.random.default_rng(width)
    model = [generator.integers(-(2**width), 2**width, stage.weights, np.int16) for stage in stages(inputs, layers)]
    network = Network(inputs, layers, model)
    for _ in range(steps):
        samples = generator.integers(0, inputs.greatest + 1, (96, inputs.sample_size), np.uint8)
        network.step(samples, generator.integers(0, layers[-1].outputs, 96))
    return hashlib.sha256(b"".join(matrix.tobytes() for matrix in network.master_weights())).hexdigest()


LARGE = {
    "maxima": (IMAGE, (CONV, replace(CONV, outputs=16, shift=10, error_shift=10), DENSE)),
    "sums": (IMAGE, (replace(CONV, pooling=Pooling.SUM, shift=14, padding=2, signed=1), DENSE)),
    "dense": (IMAGE, (replace(DENSE, outputs=64, shift=12, error_shift=0), DENSE)),
    "signed": (replace(IMAGE, kind=InputKind.SIGNED), (replace(CONV, pooling=Pooling.NONE, stride_height=2), DENSE)),
    "tokens": (Inputs(40, 1, 30, InputKind.TOKENS, 39), (replace(CONV, kernel_height=1, pooling=Pooling.NONE), DENSE)),
}


@pytest.mark.parametrize("width", [6, 11, 15])
@pytest.mark.parametrize("name", LARGE)
def test_large_networks_end_alike_in_float64_and_where_float32_is_certified(name, width, monkeypatch):
    found = {trained(*LARGE[name], width)}
    for limit, at_once in ((0, 64), (certified.FLOAT32_LIMIT, 17)):
        monkeypatch.setattr(certified, "FLOAT32_LIMIT", limit)
        monkeypatch.setattr(networks, "SAMPLES_AT_ONCE", at_once)
        found.add(trained(*LARGE[name], width))

    assert len(found) == 1


@pytest.fixture
def checked(monkeypatch):
    """Have every product and every gradient compared with the bound that was worked out for it."""
    product, descend = certified.product, convolution.Convolution.descend

    def checked_product(left, right, bound):
        magnitudes = np.abs(left).astype(np.float64) @ np.abs(right).astype(np.float64)
        if sys._getframe(1).f_code.co_name == "_gradient":
            magnitudes = magnitudes[:-1]  # the bias is added up apart
        assert magnitudes.max(initial=0) <= bound * certified.NORM_MARGIN
        assert not certified.is_narrow(bound) or magnitudes.max(initial=0) < 2**24
        return product(left, right, bound)

    def checked_descend(layer):
        assert np.abs(layer._gradient).max() <= layer._gradient_bound * certified.NORM_MARGIN
        descend(layer)

    monkeypatch.setattr(convolution, "product", checked_product)
    monkeypatch.setattr(convolution.Convolution, "descend", checked_descend)


def test_no_product_exceeds_its_bound(checked):
    @given(situations())
    def train(situation):
        learn(*situation)

    train()


@pytest.mark.parametrize("width", [6, 11, 15])
@pytest.mark.parametrize("name", LARGE)
def test_no_product_of_a_large_network_exceeds_its_bound(name, width, checked):
    trained(*LARGE[name], width)


def test_the_bound_of_a_gradient_counts_every_sum_of_a_pool(checked):
    """Inputs and errors that are the same everywhere make gradients as great as any."""
    layer = replace(CONV, kernel_height=1, kernel_width=1, pooling=Pooling.SUM, shift=4, learning_shift=0, bias_input=0)
    stage = Stage(layer, (1, 8, 8), 255, is_first=True, is_last=False)
    layer_at_work = convolution.Convolution(stage, np.array([[1, 0]] * 8))
    layer_at_work.forward(np.full((1, 8, 8, 1), 255, np.float32), training=True)
    layer_at_work.backward(np.full((8, 4, 4, 1), 1000, np.float32))
    layer_at_work.descend()

    assert (layer_at_work.weights()[:, 0] == 2**10 - 64 * 255 * 1000).all()


def test_float32_alone_would_end_elsewhere(monkeypatch):
    """So the networks of this file have products that need float64."""
    found = {name: trained(*LARGE[name], 15) for name in ("maxima", "sums", "signed")}

    for module in certified, convolution:
        monkeypatch.setattr(module, "is_narrow", lambda _: True)
    for name, honest in found.items():
        assert trained(*LARGE[name], 15) != honest


@pytest.mark.parametrize("name", LARGE)
def test_most_products_are_certified_where_weights_are_small(name, monkeypatch):
    seen: list[bool] = []
    honest = certified.is_narrow

    def is_narrow(bound: float) -> bool:
        seen.append(honest(bound))
        return seen[-1]

    monkeypatch.setattr(certified, "is_narrow", is_narrow)
    trained(*LARGE[name], 6)

    assert 2 * sum(seen) > len(seen)


def test_a_weight_is_held_at_its_end_even_where_the_norms_of_its_step_were_too_small(monkeypatch):
    """Norms are themselves rounded, on each machine otherwise: they must decide nothing that can be seen."""
    inputs, bits = Inputs(400, 1, 1, InputKind.UNSIGNED, 255), 7
    layer = replace(SINGLE, shift=8, learning_shift=bits, bias_input=0)
    samples, labels = np.full((1, 400), 100, np.uint8), np.array([0])
    samples[0, 0] = 255  # moves its weight by 8160 a step, while the others see to it that class 0 is never believed
    model = np.zeros((2, 401), np.int16)
    model[0, :-1], model[0, 0] = -24_000, 24_640 - 8160

    small = certified.NORM_MARGIN**-0.5 + 1e-4
    for name in ("greatest_row", "greatest_column"):
        norm = getattr(convolution, name)
        monkeypatch.setattr(convolution, name, lambda matrix, norm=norm: small * norm(matrix))

    assert_trains_as_the_reference(inputs, (layer,), [model], [(samples, labels)] * 2)
    assert 24_640 + small * 8160 < 32_767 < 24_640 + 8160


def test_an_error_stops_where_the_hidden_value_is_at_either_end():
    hidden, last = replace(SINGLE, shift=0, learning_shift=0), replace(SINGLE, bias_input=1)
    inputs, labels = Inputs(1, 1, 1, InputKind.UNSIGNED, 255), np.array([0])
    moves = {}
    for value in (0, 1, 254, 255):
        model = [np.array([[1, 0], [1, 0]], np.int16), np.array([[9, -9, 0], [0, 0, 0]], np.int16)]
        network = Network(inputs, (hidden, last), model)
        network.step(np.array([[value]], np.uint8), labels)
        moves[value] = bool((network.master_weights()[0] != model[0]).any())

    assert moves == {0: False, 1: True, 254: True, 255: False}


def test_the_error_of_a_pool_goes_to_the_first_of_equally_great_sums():
    pooled = replace(CONV, outputs=2, kernel_height=1, kernel_width=1, shift=0, learning_shift=0, bias_input=0)
    inputs = Inputs(2, 2, 2, InputKind.UNSIGNED, 255)
    model = [np.array([[1, 1, 0], [1, 1, 0]], np.int16), np.array([[99, -99, 0], [0, 0, 0]], np.int16)]
    batch = np.array([[3, 4, 1, 6, 4, 3, 6, 1]], np.uint8), np.array([1])  # which all come to 7, of different inputs

    assert_trains_as_the_reference(inputs, (pooled, replace(SINGLE, error_shift=2)), model, [batch])


def test_a_step_lowers_the_loss():
    network = Network(PAIR, (replace(SINGLE, quantum=8, learning_shift=0),), (np.zeros((2, 3), np.int16),))
    samples, labels = np.array([[16, 0], [0, 16]], np.uint8), np.array([0, 1])
    losses = [network.step(samples, labels) for _ in range(5)]

    assert losses[0] == 2 * 256  # one bit a sample: a fair coin
    assert all(after < before for before, after in pairwise(losses))


def test_no_network_is_made_where_products_are_not_exact(monkeypatch):
    def refuse() -> None:
        raise UserError("not exact here")

    monkeypatch.setattr(networks, "require_exact_blas", refuse)
    with pytest.raises(UserError, match="not exact here"):
        Network(PAIR, (SINGLE,), (np.zeros((2, 3), np.int16),))
