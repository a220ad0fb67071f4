"""The reference that speed and accuracy are measured beside takes the same steps as exact training."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import float32
from mlchain.tasks.catalogue import DATASETS, default_recipe
from mlchain.training import jobs
from mlchain.training.networks import Network
from mlchain.training.recipe import WIDE


def one_job(task, model, steps):
    recipe = replace(
        default_recipe(task, model), bits=WIDE, local_steps=steps, displacement=1 if model == "lenet" else 0
    )
    data, start, key = DATASETS[task](), jobs.initial_model(recipe), jobs.job_key(recipe, jobs.stated_seed(0), 0)
    found, loss = float32.train(recipe, start, data.train_samples, data.train_labels, key)
    exact = jobs.run_job(recipe, start, data.train_samples, data.train_labels, key, 1)
    return recipe, start, exact, found, loss


@pytest.mark.parametrize(
    ("task", "model", "steps", "difference"),
    [
        ("digits", "softmax", 90, 0.01),
        ("digits", "mlp", 60, 0.1),
        ("digits", "lenet", 5, 0.15),
        ("cancer", "mlp", 60, 0.1),
        ("wine", "softmax", 60, 0.01),
    ],
)
def test_float32_training_ends_where_exact_training_does(task, model, steps, difference):
    _, start, exact, found, loss = one_job(task, model, steps)

    assert loss == pytest.approx(exact.loss / 256, rel=0.02)
    for rounded, before, moved in zip(found, start, exact.codes, strict=True):
        assert rounded.dtype == np.float32
        assert np.linalg.norm(rounded - before - moved) < difference * np.linalg.norm(moved)


def test_float32_classifies_as_the_exact_network_of_the_same_weights_does():
    recipe, start, exact, _, _ = one_job("digits", "lenet", 60)
    data = DATASETS["digits"]()
    weights = tuple(before + moved for before, moved in zip(start, exact.codes, strict=True))

    found = float32.Network(recipe, weights).accuracy(data.test_samples, data.test_labels)

    predicted = Network(recipe.inputs, recipe.layers, weights).predict(data.test_samples)
    assert found == pytest.approx((predicted == data.test_labels).mean(), abs=0.01)


def test_a_sample_that_float32_thinks_impossible_costs_as_much_as_an_exact_one():
    recipe = default_recipe("digits", "softmax")
    start = (np.zeros((10, 65), dtype=np.int16),)
    start[0][1] = 32767
    samples, labels = np.full((128, 64), 16, dtype=np.uint8), np.zeros(128, dtype=np.int64)

    assert float32.Network(recipe, start).step(samples, labels) == 128 * 16
