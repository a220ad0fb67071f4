"""The reference that speed and accuracy are measured beside takes the same steps as exact training."""

import numpy as np
import pytest

from benchmarks import float32
from mlchain.tasks import digits
from mlchain.tasks.catalogue import create_task
from mlchain.training import jobs
from mlchain.training.encoding import encode_model


@pytest.mark.parametrize(("model", "difference"), [("softmax", 0.01), ("mlp", 0.1)])
def test_float32_training_ends_where_exact_training_does(model, difference):
    task, data = create_task("digits", model), digits.load()
    start, key = jobs.initial_model(task.plan), jobs.job_key(task.plan, jobs.stated_seed(0), 0)

    found = float32.train(task.plan, start, data.train_images, data.train_labels, key)

    change = jobs.run_job(task.plan, start, data.train_images, data.train_labels, key).change
    exact = tuple(before + moved for before, moved in zip(start, change, strict=True))
    for rounded, wanted, first in zip(
        found, *(float32.to_weights(task.plan, version) for version in (exact, start)), strict=True
    ):
        moved = np.linalg.norm(wanted - first)
        assert rounded.dtype == np.float32
        assert np.linalg.norm(rounded - wanted) < difference * moved
    images = float32.prepared(data.test_images, task.plan.layers[0].input_max)
    assert abs(float32.accuracy(found, images, data.test_labels) - task.accuracy(encode_model(exact))) <= 0.02


def test_a_sample_that_float32_thinks_impossible_costs_as_much_as_an_exact_one():
    task = create_task("digits", "softmax")
    start = (np.full((65, 10), 0, dtype=np.int16),)
    start[0][:, 1] = 32767
    images, labels = np.full((128, 64), 16, dtype=np.uint8), np.zeros(128, dtype=np.int64)

    _, losses = float32.descend(task.plan, start, float32.prepared(images, 16), labels, np.arange(128))

    assert losses == [128 * 16]
