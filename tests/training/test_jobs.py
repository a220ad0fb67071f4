from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlchain.training.bounded import enclose

from mlchain.training import jobs
from mlchain.training.compression import quantise, restore
from mlchain.training.encoding import decode_result, digest_weights, encode_result
from mlchain.training.layers import Layer
from mlchain.training.networks import train
from mlchain.training.recipe import Recipe
from mlchain.training.streams import sample_order
from tests.training.strategies import recipes

NUMBERS = st.integers(0, 2**64 - 1)
SEED = jobs.stated_seed(4)
SEEDS = st.binary(min_size=32, max_size=32) | NUMBERS.map(jobs.stated_seed)
TINY = Recipe("tiny", bytes(32), 3, 2, (Layer(2, 2, 16, 12, 4, 0, 3, 9),))
IMAGES = np.array([[16, 0], [0, 16], [8, 3], [1, 9]], dtype=np.uint8)
LABELS = np.array([0, 1, 0, 1])


@given(recipes(), SEEDS, NUMBERS, SEEDS, NUMBERS)
def test_two_jobs_share_a_key_only_when_they_are_the_same(recipe, seed, index, other_seed, other_index):
    same = (seed, index) == (other_seed, other_index)

    keys = jobs.job_key(recipe, seed, index), jobs.job_key(recipe, other_seed, other_index)
    assert (keys[0] == keys[1]) == same


def test_jobs_of_other_recipes_have_other_keys():
    other = Recipe("tiny", bytes(32), 3, 1, TINY.layers)

    assert jobs.job_key(TINY, SEED, 0) != jobs.job_key(other, SEED, 0)


@given(recipes())
def test_the_initial_model_stays_within_the_stated_range(recipe):
    for layer, matrix in zip(recipe.layers, jobs.initial_model(recipe), strict=True):
        assert matrix.shape == layer.shape
        assert abs(matrix.astype(int)).max() <= layer.initial


def test_a_result_is_the_quantised_change_and_the_digest_of_the_exact_weights():
    model, key = jobs.initial_model(TINY), jobs.job_key(TINY, SEED, 1)
    result = jobs.run_job(TINY, model, IMAGES, LABELS, key)

    order = sample_order(key, 4, 6).reshape(3, 2)
    start = model[0].astype(np.int64) * 8
    batches = [(IMAGES[rows], LABELS[rows]) for rows in order]
    (end,), losses = train(TINY.layers, (enclose(start, 2**18),), batches)
    change = (end.to_integers() - start).tolist()
    assert result.change[0].tolist() == [[(value + 4) // 8 for value in row] for row in change]
    assert any(value % 8 for row in change for value in row)  # so quantising lost something
    assert result.digest == digest_weights([end.to_integers()])
    assert result.losses == tuple(losses)


def test_a_change_beyond_int16_is_clipped():
    steep = Recipe("steep", bytes(32), 3, 2, (Layer(2, 2, 16, 12, 0, 0, 0, 32767),))
    model = (np.array([[-32768, 32767], [32767, -32768], [0, 0]], dtype=np.int16),)
    result = jobs.run_job(steep, model, IMAGES, LABELS, bytes(32))

    assert {-32768, 32767} <= set(result.change[0].ravel().tolist())
    assert decode_result(steep, encode_result(steep, result)).losses == result.losses


def test_jobs_at_other_places_have_other_results():
    model = jobs.initial_model(TINY)
    places = [(jobs.stated_seed(0), 0), (jobs.stated_seed(0), 1), (jobs.stated_seed(1), 0)]
    found = {
        encode_result(TINY, jobs.run_job(TINY, model, IMAGES, LABELS, jobs.job_key(TINY, *place))) for place in places
    }

    assert len(found) == len(places)


def run(recipe: Recipe, model: tuple[np.ndarray, ...], parent: tuple[np.ndarray, ...] | None):
    key, estimate = jobs.job_key(TINY, SEED, 1), jobs.estimate_change(model, parent)
    return jobs.run_job(recipe, model, IMAGES, LABELS, key, estimate), estimate


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_compact_result_is_what_is_missing_from_the_estimate(bits):
    model = jobs.initial_model(TINY)
    parent = tuple(matrix - 3 for matrix in model)
    wide, _ = run(TINY, model, None)
    compact, estimate = run(replace(TINY, bits=bits), model, parent)

    codes, scale = quantise(wide.change[0].astype(np.int64) - 3, bits)
    assert (compact.codes[0].tolist(), compact.scales) == (codes.tolist(), (scale,))
    assert (jobs.change_of(compact, estimate)[0] - 3).tolist() == restore(codes, scale).tolist()
    assert compact.loss == sum(wide.losses)
    assert compact.digest != wide.digest  # for it covers the losses


def test_eight_bits_lose_nothing_of_what_is_close_to_the_estimate():
    model = jobs.initial_model(TINY)
    wide, _ = run(TINY, model, None)
    parent = (model[0] - wide.change[0] + np.array([[127, -127], [0, 5], [1, -1]], dtype=np.int16),)
    compact, estimate = run(replace(TINY, bits=8), model, parent)

    assert jobs.change_of(compact, estimate)[0].tolist() == wide.change[0].tolist()


def test_without_a_parent_nothing_is_expected():
    assert not jobs.estimate_change(jobs.initial_model(TINY), None)[0].any()


def test_the_expected_change_does_not_overflow_int16():
    greatest, least = np.array([[32767]], dtype=np.int16), np.array([[-32768]], dtype=np.int16)

    assert jobs.estimate_change((greatest,), (least,))[0].item() == 65535
