import os
from dataclasses import replace

import numpy as np
import pytest

from mlchain.data import digits
from mlchain.data.dataset import DataError
from mlchain.tasks import catalogue
from mlchain.tasks.catalogue import LearningTask, create_task, open_task
from mlchain.training.encoding import EncodingError, decode_result
from mlchain.training.jobs import stated_seed
from mlchain.training.layers import RecipeError
from mlchain.training.recipe import Recipe

SEED, OTHER = bytes(32), bytes([1]) * 32
NAMES = [(task, model) for task in ("fake", "digits") for model in ("softmax", "mlp")]
WITH_MNIST = pytest.mark.skipif("MNIST_DIR" not in os.environ, reason="MNIST_DIR is not set")


@pytest.mark.parametrize("names", NAMES)
def test_a_worker_opens_the_task_its_server_created(names):
    created = create_task(*names)
    opened = open_task(created.recipe)
    model = created.initial_model()

    assert opened.recipe == created.recipe
    assert len(created.recipe) <= 128
    assert opened.initial_model() == model
    assert len(model) == created.model_size
    assert opened.train(model, SEED, 1) == created.train(model, SEED, 1)


@pytest.mark.parametrize("names", NAMES)
def test_every_job_has_its_own_result_of_the_stated_size(names):
    task = create_task(*names)
    model = task.initial_model()
    results = [task.train(model, *place) for place in ((SEED, 0), (SEED, 1), (OTHER, 0))]

    assert {len(result) for result in results} == {task.result_size}
    assert len(set(results)) == 3
    assert decode_result(Recipe.from_bytes(task.recipe), results[0]).loss


@pytest.mark.parametrize("names", NAMES)
def test_a_result_depends_on_the_model(names):
    task = create_task(*names)
    model = task.initial_model()
    moved = task.aggregate(model, [task.train(model, SEED, 0)])

    assert moved != model
    assert task.train(moved, SEED, 0) != task.train(model, SEED, 0)


@pytest.mark.parametrize("names", NAMES)
def test_without_results_the_model_stays(names):
    task = create_task(*names)
    model = task.initial_model()

    assert task.aggregate(model, []) == model


def test_two_results_move_the_model_by_their_mean():
    task = create_task("fake", "softmax")
    model = task.initial_model()
    results = [task.train(model, SEED, index) for index in range(2)]
    changes = [np.frombuffer(result[: task.model_size], dtype="<i2").astype(int) for result in results]

    expected = np.frombuffer(model, dtype="<i2") + (changes[0] + changes[1] + 1) // 2
    assert np.frombuffer(task.aggregate(model, results), dtype="<i2").tolist() == expected.tolist()


@pytest.mark.parametrize("names", NAMES)
def test_a_model_or_result_of_the_wrong_size_is_refused(names):
    task = create_task(*names)
    model = task.initial_model()
    attempts = [
        lambda: task.train(model[:-2], SEED, 0),
        lambda: task.accuracy(model + b"\0\0"),
        lambda: task.aggregate(model[:-1], []),
    ]

    for attempt in attempts:
        with pytest.raises(EncodingError):
            attempt()


@pytest.mark.parametrize("names", NAMES)
def test_a_result_of_another_size_changes_nothing(names):
    task = create_task(*names)
    model = task.initial_model()
    result = task.train(model, SEED, 0)

    next_model = task.aggregate(model, [result])

    assert task.aggregate(model, [result[:-1], result, result + b"\0"]) == next_model != model
    assert task.aggregate(model, [result[:-1]]) == model


def test_an_untrained_softmax_is_right_as_often_as_its_first_class_occurs():
    task = create_task("digits", "softmax")

    zeros = int((digits.load().test_labels == 0).sum())
    assert task.accuracy(task.initial_model()) == zeros / 360


def test_a_fake_model_has_no_accuracy():
    task = create_task("fake", "softmax")

    assert task.accuracy(task.initial_model()) is None


def test_an_unknown_name_is_answered_with_the_choices():
    with pytest.raises(ValueError, match="unknown task 'cifar': choose one of fake, digits, mnist"):
        create_task("cifar", "softmax")
    with pytest.raises(ValueError, match="unknown model 'cnn': choose one of softmax, mlp"):
        create_task("digits", "cnn")


def test_a_recipe_for_data_that_is_not_here_is_refused():
    plan = Recipe.from_bytes(create_task("fake", "softmax").recipe)

    with pytest.raises(DataError, match=f"the data set {'00' * 32}, named 'cifar', is not here: bring it with --data"):
        open_task(replace(plan, task="cifar").to_bytes())


def test_a_recipe_for_other_data_is_refused():
    plan = Recipe.from_bytes(create_task("digits", "softmax").recipe)

    with pytest.raises(DataError, match=f"digits is {plan.fingerprint.hex()}, the recipe wants {'00' * 32}"):
        open_task(replace(plan, fingerprint=bytes(32)).to_bytes())


@pytest.mark.parametrize("change", ["classes", "height", "greatest"])
def test_a_recipe_whose_network_does_not_fit_the_data_is_refused(change):
    plan = Recipe.from_bytes(create_task("digits", "softmax").recipe)
    if change == "classes":
        other = replace(plan, layers=(replace(plan.layers[0], outputs=11),))
    else:
        other = replace(plan, inputs=replace(plan.inputs, **{change: 7}))

    with pytest.raises(DataError, match="data set digits has 10 classes and samples of"):
        open_task(other.to_bytes())


@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_a_version_is_trained_at_its_own_rate(model):
    plan = replace(catalogue.default_recipe("digits", model), rate_shifts=(0, 0, 2))
    task = open_task(plan.to_bytes())
    start = task.initial_model()
    first, second, third = (task.train(start, SEED, 0, None, version) for version in (1, 2, 3))

    assert first == second == task.train(start, SEED, 0) != third


def compact(model: str, bits: int) -> LearningTask:
    return open_task(replace(catalogue.default_recipe("digits", model), bits=bits).to_bytes())


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("model", ["softmax", "mlp"])
def test_every_version_can_be_recomputed_from_the_one_before_its_parent_and_the_results(model, bits):
    task = compact(model, bits)
    versions, rounds = [task.initial_model()], []
    for number in range(3):
        parent = versions[-2] if number else None
        rounds.append([task.train(versions[-1], stated_seed(number), index, parent) for index in range(2)])
        versions.append(task.aggregate(versions[-1], rounds[-1], parent))

    # All that an onlooker needs: the recipe, the first version and the bytes of the results.
    onlooker = open_task(task.recipe)
    seen: list[bytes | None] = [None, onlooker.initial_model()]
    for results in rounds:
        seen.append(onlooker.aggregate(seen[-1], results, seen[-2]))
    assert seen[1:] == versions
    assert {len(result) for results in rounds for result in results} == {task.result_size}
    assert task.accuracy(versions[-1]) > 0.8


def test_a_compact_result_depends_on_the_parent_and_a_wide_one_does_not():
    for bits, depends in ((4, True), (16, False)):
        task = compact("softmax", bits)
        first = task.initial_model()
        second = task.aggregate(first, [task.train(first, SEED, 0)])
        results = {task.train(second, OTHER, 0, parent) for parent in (None, first)}

        assert len(results) == 1 + depends


def test_a_parent_of_another_size_tells_nothing():
    task = compact("softmax", 4)
    model = task.initial_model()

    assert task.train(model, SEED, 0, bytes(7)) == task.train(model, SEED, 0)


def test_fake_results_are_wide():
    plan = Recipe.from_bytes(create_task("fake", "softmax").recipe)

    with pytest.raises(RecipeError, match="the task 'fake' has results of 16 bits, not 4"):
        open_task(replace(plan, bits=4).to_bytes())


@WITH_MNIST
@pytest.mark.parametrize(("model", "least"), [("softmax", 0.83), ("mlp", 0.83)])
def test_a_hundred_steps_on_mnist_learn_most_of_it(model, least):
    plan = replace(catalogue.default_recipe("mnist", model), local_steps=100)
    task = open_task(plan.to_bytes())
    start = task.initial_model()

    assert task.accuracy(task.aggregate(start, [task.train(start, SEED, 0)])) >= least
