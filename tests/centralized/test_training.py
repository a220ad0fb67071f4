"""Workers on shares of their own learn what one learns from everything."""

from dataclasses import replace

import numpy as np
import pytest

from mlchain.centralized.learning.behaviours import flipping, honest, silent
from mlchain.centralized.learning.partition import Split
from mlchain.centralized.learning.training import open_federated, to_vector
from mlchain.errors import UserError
from mlchain.tasks.catalogue import default_recipe

RECIPE = default_recipe("digits", "softmax").to_bytes()


@pytest.fixture(scope="module")
def federated():
    return open_federated(RECIPE, Split(10))


def learned(federated, rounds, rule, liars=0, tolerated=0):
    model = federated.task.initial_model()
    for version in range(rounds):
        updates = [federated.train(model, version, share) for share in range(10)]
        updates[:liars] = [flipping(update) for update in updates[:liars]]
        model = federated.combine(rule, tolerated, model, updates, [1.0] * 10)
    return federated.accuracy(model)


def test_five_rounds_of_ten_shares_are_as_accurate_as_the_contract_mode(federated):
    assert learned(federated, 5, "average") > 0.967


def test_liars_ruin_an_average_but_no_robust_rule(federated):
    assert learned(federated, 2, "average", liars=2) < 0.5
    for rule in ("median", "trimmed-mean", "krum", "multi-krum"):
        assert learned(federated, 2, rule, liars=2, tolerated=2) > 0.85


def test_the_same_share_gives_the_same_update_and_another_one_another(federated):
    model = federated.task.initial_model()

    assert federated.train(model, 1, 3) == federated.train(model, 1, 3) != federated.train(model, 1, 4)
    assert len(federated.train(model, 1, 3)) == federated.update_size


def test_an_update_has_all_bits_whatever_the_recipe_spends_on_a_result(federated):
    compact = replace(default_recipe("digits", "softmax"), bits=1)
    other = open_federated(compact.to_bytes(), Split(10))
    model = other.task.initial_model()

    update = other.train(model, 1, 3)

    assert len(update) == other.update_size
    assert len(set(to_vector(update))) > 3


def test_a_share_of_one_sample_can_be_trained_on():
    federated = open_federated(RECIPE, Split(1437))

    assert len(federated.train(federated.task.initial_model(), 0, 1436)) == federated.update_size


def test_a_model_is_moved_by_what_the_rule_makes_and_stays_within_its_numbers(federated):
    size = federated.update_size // 2
    model = np.full(size, 32000, dtype="<i2").tobytes()
    ups = [np.full(size, up, dtype="<i2").tobytes() for up in (100, 401)]

    moved = federated.combine("average", 0, model, ups, [1.0, 2.0])
    saturated = federated.combine("average", 0, moved, [ups[1]] * 2, [1.0, 1.0])
    highest = federated.combine("average", 0, saturated, [ups[1]], [1.0])

    assert set(np.frombuffer(moved, dtype="<i2")) == {32301}  # 300 2/3 rounded
    assert set(np.frombuffer(highest, dtype="<i2")) == {32767}


@pytest.mark.parametrize(
    ("recipe", "split", "sentence"),
    [
        (default_recipe("fake", "softmax").to_bytes(), Split(2), "no data"),
        (RECIPE, Split(1438), "1437 samples cannot be split into 1438 shares"),
        (RECIPE[:-1], Split(2), "the recipe cannot be followed"),
    ],
)
def test_what_cannot_be_dealt_out_is_one_sentence(recipe, split, sentence):
    with pytest.raises(UserError, match=sentence):
        open_federated(recipe, split)


def test_a_behaviour_is_what_becomes_of_an_update():
    update = np.array([1, -2, 30000], dtype="<i2").tobytes()

    assert honest(update) == update
    assert silent(update) is None
    assert np.frombuffer(flipping(update), dtype="<i2").tolist() == [-10, 20, -32768]
