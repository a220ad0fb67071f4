import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training.encoding import digest_weights
from mlchain.training.trees import matrix_root, merkle_root
from tests.reference import orders as reference

LEAVES = st.lists(st.binary(max_size=3), min_size=1, max_size=20)
INT32 = st.integers(-(2**31), 2**31 - 1)
WIDTHS = st.sampled_from([1, 2, 63, 64, 65, 127, 128, 129, 300])  # about whole and half leaves


@st.composite
def weights(draw: st.DrawFn) -> np.ndarray:
    return draw(hnp.arrays(np.int64, (draw(st.integers(1, 5)), draw(WIDTHS)), elements=INT32))


@given(LEAVES)
def test_a_root_is_that_of_the_plain_reference(leaves):
    assert merkle_root(iter(leaves)) == reference.root(leaves)


@given(LEAVES, st.data())
def test_any_other_leaf_changes_the_root(leaves, data):
    place, other = data.draw(st.integers(0, len(leaves) - 1)), data.draw(st.binary(max_size=3))
    changed = [*leaves[:place], other, *leaves[place + 1 :]]

    assert (merkle_root(changed) == merkle_root(leaves)) == (other == leaves[place])


def test_no_two_numbers_of_equal_leaves_have_the_same_root():
    assert len({merkle_root([b"leaf"] * count) for count in range(1, 40)}) == 39


@given(st.lists(weights(), min_size=1, max_size=3))
def test_the_digest_of_weights_is_that_of_the_plain_reference(drawn):
    assert digest_weights(drawn) == reference.weights_digest([matrix.tolist() for matrix in drawn])


@given(weights(), st.data())
def test_any_other_weight_changes_the_root(matrix, data):
    place, other = tuple(data.draw(st.integers(0, size - 1)) for size in matrix.shape), data.draw(INT32)
    changed = matrix.copy()
    changed[place] = other

    assert (matrix_root(changed) == matrix_root(matrix)) == (other == matrix[place])
