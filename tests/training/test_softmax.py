from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training.softmax import ONE, POWERS, cross_entropy, softmax

SCALES = st.integers(8, 40)
LOGITS = hnp.arrays(np.int64, st.tuples(st.integers(1, 4), st.integers(2, 10)), elements=st.integers(-(2**53), 2**53))


def python_softmax(row: list[int], scale: int) -> list[int]:
    distances = [(max(row) - value) >> (scale - 8) for value in row]
    # A Python shift may be as long as it likes; only its memory is bounded here.
    powers = [int(POWERS[distance % 256]) >> min(distance // 256, 1000) for distance in distances]
    return [power * ONE // sum(powers) for power in powers]


def test_every_entry_of_the_table_is_the_nearest_integer_to_its_power():
    for index, entry in enumerate(POWERS.tolist()):
        # entry - 1/2 < 2**(16 - index/256) < entry + 1/2, multiplied by 2 and raised to the 256th power.
        assert (2 * entry - 1) ** 256 < 2 ** (17 * 256 - index) < (2 * entry + 1) ** 256

    assert len(POWERS) == 256


@given(LOGITS, SCALES)
def test_softmax_equals_its_definition_in_unbounded_integers(logits, scale):
    expected = [python_softmax(row, scale) for row in logits.tolist()]

    assert softmax(logits, scale).tolist() == expected


@given(LOGITS, SCALES)
def test_probabilities_sum_to_one_less_at_most_a_unit_a_class(logits, scale):
    sums = softmax(logits, scale).sum(axis=1)

    assert (sums <= ONE).all()
    assert (sums > ONE - logits.shape[1]).all()


@given(LOGITS, SCALES)
def test_a_greater_logit_never_gets_a_smaller_probability(logits, scale):
    for row, chances in zip(logits, softmax(logits, scale), strict=True):
        order = np.argsort(row)
        assert (np.diff(chances[order]) >= 0).all()


@given(LOGITS, SCALES, st.integers(-(2**53), 2**53))
def test_a_constant_added_to_all_logits_changes_nothing(logits, scale, constant):
    assert softmax(logits, scale).tolist() == softmax(logits + constant, scale).tolist()


def test_equal_logits_share_equally_and_one_bit_more_is_twice_as_likely():
    assert softmax(np.array([[7, 7]]), 8).tolist() == [[ONE // 2, ONE // 2]]
    assert softmax(np.array([[256, 0]]), 8).tolist() == [[2 * ONE // 3, ONE // 3]]


@given(st.integers(1, ONE))
def test_a_loss_is_the_logarithm_of_the_probability_to_within_a_256th_of_a_bit(chance):
    loss = cross_entropy(np.array([chance]))

    # p * 2**(loss/256) lies in [1, 2**(1/256)), up to the rounding of the table: raise it to the 256th power.
    grown = Fraction(chance, ONE) ** 256 * 2**loss
    slack = Fraction(2 * 32857 + 2, 2 * 32857) ** 256
    assert 1 / slack <= grown < 2 * slack


def test_losses_are_exact_at_powers_of_two_and_end_at_sixteen_bits():
    found = [cross_entropy(np.array([ONE >> bit])) for bit in range(17)]

    assert found == [256 * bit for bit in range(17)]
    assert cross_entropy(np.array([0])) == 4096


def test_the_loss_of_an_entry_of_the_table_is_its_index():
    assert [cross_entropy(np.array([power])) for power in POWERS.tolist()] == list(range(256))


@given(st.lists(st.integers(0, ONE), min_size=1, max_size=5))
def test_the_loss_of_a_batch_is_the_sum_of_its_samples(chances):
    single = [cross_entropy(np.array([chance])) for chance in chances]

    assert cross_entropy(np.array(chances)) == sum(single)
