from itertools import permutations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlchain.training.aggregation import aggregate
from tests.training.strategies import matrices, recipes

MODELS = recipes().flatmap(
    lambda recipe: st.tuples(matrices(recipe), st.lists(matrices(recipe), min_size=1, max_size=4))
)


def single(value: int) -> tuple[np.ndarray]:
    return (np.array([[value]], dtype=np.int16),)


@given(MODELS)
def test_the_aggregate_equals_the_rounded_mean_in_unbounded_integers(drawn):
    model, changes = drawn
    found = aggregate(model, changes)

    count = len(changes)
    for layer, matrix in enumerate(model):
        for place in np.ndindex(matrix.shape):
            total = sum(int(change[layer][place]) for change in changes)
            moved = int(matrix[place]) + (2 * total + count) // (2 * count)
            assert found[layer][place] == min(max(moved, -32768), 32767)
        assert found[layer].dtype == np.int16


@given(MODELS)
def test_the_order_of_the_changes_does_not_matter(drawn):
    model, changes = drawn
    orders = [aggregate(model, order) for order in permutations(changes)]

    for other in orders:
        assert [m.tolist() for m in other] == [m.tolist() for m in orders[0]]


def test_halves_go_up_on_either_side_of_zero():
    means = [aggregate(single(0), [single(0), single(total)])[0].item() for total in (-3, -2, -1, 1, 2, 3)]

    assert means == [-1, -1, 0, 1, 1, 2]


def test_a_model_at_the_end_of_its_range_stays_there():
    assert aggregate(single(32767), [single(5)])[0].item() == 32767
    assert aggregate(single(-32768), [single(-5)])[0].item() == -32768


def test_without_changes_the_model_stays():
    model = single(7)

    assert aggregate(model, []) is model
