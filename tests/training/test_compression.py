import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.training.compression import pack, quantise, restore, unpack
from tests.training.strategies import FEWER_BITS, LEFT

VALUES = hnp.arrays(np.int64, st.integers(1, 20), elements=LEFT)


def squared_error(values: np.ndarray, codes: list[int], scale: int) -> int:
    return sum((value - code * scale) ** 2 for value, code in zip(values.tolist(), codes, strict=True))


@given(VALUES, st.sampled_from([2, 4, 8]))
def test_no_power_of_two_comes_closer(values, bits):
    codes, scale = quantise(values, bits)

    greatest = 2 ** (bits - 1) - 1
    found = squared_error(values, codes.tolist(), scale)
    for shift in range(16):
        rounded = [(2 * value + 2**shift) // 2 ** (shift + 1) for value in values.tolist()]
        clipped = [min(max(code, -greatest), greatest) for code in rounded]
        assert found <= squared_error(values, clipped, 2**shift)


def test_of_two_equally_good_scales_it_is_the_less():
    codes, scale = quantise(np.array([3]), 2)

    assert (codes.tolist(), scale) == ([1], 2)  # 4 is as far away


@given(VALUES)
def test_the_scale_of_signs_is_the_mean_magnitude(values):
    codes, scale = quantise(values, 1)

    total, count = sum(map(abs, values.tolist())), len(values)
    assert scale == min((2 * total + count) // (2 * count), 2**15)
    if scale:
        assert codes.tolist() == [-1 if value < 0 else 1 for value in values.tolist()]


@given(VALUES, FEWER_BITS)
def test_what_is_found_survives_its_bytes(values, bits):
    codes, scale = quantise(values, bits)
    data = pack(codes, bits)

    assert len(data) == -(-len(values) * bits // 8)
    assert unpack(data, bits, len(values)).tolist() == codes.tolist()
    assert restore(codes, scale).tolist() == [int(code) * scale for code in codes]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_nothing_is_one_thing_only(bits):
    codes, scale = quantise(np.zeros(9, dtype=np.int64), bits)

    assert (scale, pack(codes, bits)) == (0, bytes(-(-9 * bits // 8)))
    assert not restore(codes, scale).any()


def test_the_greatest_values_are_reached_or_clipped():
    greatest = np.array([2**18 - 1, 1 - 2**18])

    assert [restore(*quantise(greatest, bits)).tolist() for bits in (1, 2, 8)] == [
        [2**15, -(2**15)],
        [2**15, -(2**15)],
        [2**18, -(2**18)],
    ]


@given(VALUES, FEWER_BITS)
def test_what_is_lost_is_made_up_for_when_the_same_change_comes_again(values, bits):
    """With the last step as the estimate, the error does not grow, and is gone before long but for a scale."""
    estimate, errors = np.zeros_like(values), []
    for _ in range(60):
        estimate = estimate + restore(*quantise(values - estimate, bits))
        errors.append(int(np.abs(values - estimate).max()))

    assert errors[-1] <= max(errors[0], 1)
