"""Learners beside each other, on digits: the same samples, and float32 as near as it has to be."""

import hashlib
import json

import pytest

from benchmarks import learning
from benchmarks.report import ROOT
from mlchain.tasks.catalogue import create_task
from mlchain.training.jobs import stated_seed

GOLDEN = json.loads((ROOT / "tests" / "golden.json").read_text())
MODELS = ["softmax", "mlp", "lenet"]


@pytest.mark.parametrize("model", MODELS)
def test_float32_learns_as_much_as_exact_integers(model):
    task = create_task("digits", model)
    seeds = [stated_seed(number) for number in range(1, 6)]
    exact = [task.accuracy(it) for it in learning.train(task, model, seeds)]

    floating = learning.by_float32(task, model, seeds)

    assert len(floating.accuracies) == 5
    assert floating.accuracies[-1] == pytest.approx(exact[-1], abs=0.03)


def test_the_golden_model_is_reproduced_or_said_not_to_be(monkeypatch):
    task = create_task("digits", "softmax")
    monkeypatch.setattr(learning, "TASK", "digits")

    last = learning.train(task, "softmax", [stated_seed(number) for number in range(learning.GOLDEN_ROUNDS)])[-1]

    assert hashlib.sha256(last).hexdigest() == GOLDEN["digits softmax"]["sha256"]
    assert learning.golden_sentence(task, "softmax").endswith("is reproduced.")
    assert learning.golden_sentence(task, "mlp").endswith("has no hash for it.")
    monkeypatch.setattr(learning, "GOLDEN_ROUNDS", 4)
    assert learning.golden_sentence(task, "softmax").endswith("is **not** reproduced.")
    assert learning.golden_sentence(task, "forest").endswith("has no hash for it.")


@pytest.mark.parametrize("model", learning.SCIKIT_LEARN)
def test_scikit_learn_sees_as_many_samples(model):
    task = create_task("digits", model)
    wanted = learning.samples_of(task, model, 2)

    learned = learning.by_scikit_learn(task, model, wanted)

    assert abs(learned.samples - wanted) <= len(task.dataset.train_labels) / 2
    assert learned.accuracies[-1] > 0.8


def test_three_tenths_of_a_point_are_no_difference():
    assert [learning.is_close(points) for points in (-0.31, -0.3, 0.0, 0.3, 0.31)] == ["no", "yes", "yes", "yes", "no"]
