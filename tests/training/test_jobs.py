"""A job from beginning to end, in the plain reference and by its properties."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training import jobs
from mlchain.training.compression import quantise, restore
from mlchain.training.encoding import Matrices, Result, decode_result, encode_result
from mlchain.training.layers import InputKind, Inputs, Layer, Pooling
from mlchain.training.recipe import Recipe
from tests.reference import networks, orders
from tests.training.strategies import recipes
from tests.training.test_networks import volume

NUMBERS = st.integers(0, 2**64 - 1)
SEED = jobs.stated_seed(4)
SEEDS = st.binary(min_size=32, max_size=32) | NUMBERS.map(jobs.stated_seed)
DENSE = Layer(2, 0, 0, 1, 1, 0, 0, 0, 12, 4, 0, 3, 16, 9)
TINY = Recipe("tiny", bytes(32), Inputs(2, 1, 1, InputKind.UNSIGNED, 16), 3, 2, (DENSE,))
SAMPLES = np.array([[16, 0], [0, 16], [8, 3], [1, 9]], dtype=np.uint8)
LABELS = np.array([0, 1, 0, 1])
CONV = Layer(2, 3, 3, 1, 1, 1, Pooling.MAX, 0, 4, 3, 0, 8, 255, 200)
SEEN = Inputs(1, 6, 5, InputKind.UNSIGNED, 255)
DEEP = Recipe("deep", bytes(32), SEEN, 4, 3, (CONV, replace(DENSE, error_shift=6)), 4, 2, (0, 3))


def run(recipe: Recipe, model: Matrices, parent: Matrices | None = None, version: int = 1) -> Result:
    key, estimate = jobs.job_key(recipe, SEED, 1), jobs.estimate_change(model, parent)
    return jobs.run_job(recipe, model, SAMPLES, LABELS, key, version, estimate)


@given(recipes(), SEEDS, NUMBERS, SEEDS, NUMBERS)
def test_two_jobs_share_a_key_only_when_they_are_the_same(recipe, seed, index, other_seed, other_index):
    same = (seed, index) == (other_seed, other_index)

    keys = jobs.job_key(recipe, seed, index), jobs.job_key(recipe, other_seed, other_index)
    assert (keys[0] == keys[1]) == same


def test_jobs_of_other_recipes_have_other_keys():
    assert jobs.job_key(TINY, SEED, 0) != jobs.job_key(replace(TINY, batch=1), SEED, 0)


@given(recipes())
def test_the_initial_model_stays_within_the_stated_range_and_has_no_bias(recipe):
    for stage, matrix in zip(recipe.stages, jobs.initial_model(recipe), strict=True):
        assert matrix.shape == stage.weights
        assert abs(matrix.astype(int)).max() <= stage.layer.initial
        assert not matrix[:, -1].any()


@pytest.mark.parametrize("version", [1, 2, 7])
@pytest.mark.parametrize("bits", [4, 16])
def test_a_result_is_the_one_of_the_plain_reference(version, bits):
    """Orders, displacements, training, digest, loss, and what is missing from the estimate."""
    recipe, generator = replace(DEEP, bits=bits), np.random.default_rng(version)
    samples, labels = generator.integers(0, 256, (7, 30), np.uint8), generator.integers(0, 2, 7)
    model, key = jobs.initial_model(recipe), jobs.job_key(recipe, SEED, version)
    estimate = tuple(generator.integers(-9, 10, matrix.shape) for matrix in model)
    found = jobs.run_job(recipe, model, samples, labels, key, version, estimate)

    batches = []
    for start in range(0, 12, 3):
        batch: tuple[list, list] = ([], [])
        for place in range(start, start + 3):
            number, move = orders.sample(key, place, 7), orders.displacement(key, place, 2)
            (image,) = volume(SEEN, samples[number].tolist())
            batch[0].append([orders.displaced(image, *move)])
            batch[1].append(int(labels[number]))
        batches.append(batch)
    layers = [replace(layer, learning_shift=layer.learning_shift + 3 * (version > 1)) for layer in recipe.layers]
    master, loss = networks.train(layers, [matrix.tolist() for matrix in model], batches)
    assert (found.digest, found.loss) == (orders.weights_digest(master), loss)
    for depth, (layer, weights) in enumerate(zip(layers, master, strict=True)):
        end = np.array([[networks.rounded(weight, layer.quantum) for weight in row] for row in weights])
        change = end - model[depth]
        assert change.any()
        if bits == 16:
            assert found.codes[depth].tolist() == change.tolist()
        else:
            codes, scale = quantise(change - estimate[depth], 4)
            assert (found.codes[depth].tolist(), found.scales[depth]) == (codes.tolist(), scale)
            assert jobs.change_of(found, estimate)[depth].tolist() == (estimate[depth] + codes * scale).tolist()


def test_a_change_beyond_int16_is_clipped():
    layer = replace(DENSE, learning_shift=0, quantum=0, initial=32767)
    steep = replace(TINY, layers=(layer,))
    model = (np.array([[-32768, 32767, 0], [32767, -32768, 0]], dtype=np.int16),)
    result = run(steep, model)

    assert {-32768, 32767} <= set(result.codes[0].ravel().tolist())
    assert decode_result(steep, encode_result(steep, result)).loss == result.loss


def test_jobs_at_other_places_have_other_results():
    model = jobs.initial_model(TINY)
    places = [(jobs.stated_seed(0), 0), (jobs.stated_seed(0), 1), (jobs.stated_seed(1), 0)]
    found = {
        encode_result(TINY, jobs.run_job(TINY, model, SAMPLES, LABELS, jobs.job_key(TINY, *place), 1))
        for place in places
    }

    assert len(found) == len(places)


def test_a_version_whose_rate_is_the_same_changes_nothing():
    model, slower = jobs.initial_model(TINY), replace(TINY, rate_shifts=(0, 0, 1))
    first, second, third = (encode_result(TINY, run(slower, model, version=version)) for version in (1, 2, 3))

    assert first == second != third


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.just(2), st.integers(1, 4), st.integers(1, 4))),
    st.integers(1, 5),
    st.data(),
)
def test_an_image_is_displaced_as_a_whole_and_zeros_move_in(images, reach, data):
    moves = data.draw(hnp.arrays(np.int64, (len(images), 2), elements=st.integers(-reach, reach)))
    expected = [
        [orders.displaced(channel, *move) for channel in image]
        for image, move in zip(images.tolist(), moves.tolist(), strict=True)
    ]

    found = jobs.displaced(images.reshape(len(images), -1), images.shape[1:], moves, reach)
    assert found.reshape(images.shape).tolist() == expected


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_result_of_few_bits_is_what_is_missing_from_the_estimate(bits):
    model = jobs.initial_model(TINY)
    parent = tuple(matrix - 3 for matrix in model)
    wide, few = run(TINY, model), run(replace(TINY, bits=bits), model, parent)
    estimate = jobs.estimate_change(model, parent)

    # The recipe's bytes are part of the key: only what both say of the same change can be compared.
    key = jobs.job_key(replace(TINY, bits=bits), SEED, 1)
    wide = jobs.run_job(TINY, model, SAMPLES, LABELS, key, 1)
    codes, scale = quantise(wide.codes[0].astype(np.int64) - 3, bits)
    assert (few.codes[0].tolist(), few.scales) == (codes.tolist(), (scale,))
    assert (jobs.change_of(few, estimate)[0] - 3).tolist() == restore(codes, scale).tolist()
    assert (few.digest, few.loss) == (wide.digest, wide.loss)


def test_without_a_parent_nothing_is_expected():
    assert not jobs.estimate_change(jobs.initial_model(TINY), None)[0].any()


def test_the_expected_change_does_not_overflow_int16():
    greatest, least = np.array([[32767]], dtype=np.int16), np.array([[-32768]], dtype=np.int16)

    assert jobs.estimate_change((greatest,), (least,))[0].item() == 65535
