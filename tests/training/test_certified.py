"""Certified products are exact, and a BLAS that would break the certificate is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlchain.errors import UserError
from mlchain.training import certified
from mlchain.training.certified import FLOAT32_LIMIT, greatest_column, greatest_row, is_exact, is_narrow, product

ENTRIES = st.integers(-32767, 32767) | st.integers(-255, 255) | st.sampled_from([0, 1, 32767])


@st.composite
def factors(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two matrices of integers that can be multiplied, many of them with sums about 2**24."""
    rows, inner, columns = draw(st.integers(1, 4)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    left = draw(hnp.arrays(np.int64, (rows, inner), elements=ENTRIES))
    right = draw(hnp.arrays(np.int64, (inner, columns), elements=ENTRIES))
    return left, right


@given(factors())
def test_no_product_that_norms_certify_has_a_sum_of_magnitudes_beyond_what_float32_holds(drawn):
    left, right = drawn
    bound = greatest_row(left.astype(np.float32)) * greatest_column(right.astype(np.float32))

    if is_narrow(bound):
        assert (np.abs(left) @ np.abs(right)).max() < 2**24


@given(factors())
def test_a_product_equals_that_of_integers_in_whichever_type(drawn):
    left, right = drawn
    narrow = left.astype(np.float32), right.astype(np.float32)
    found = product(*narrow, greatest_row(narrow[0]) * greatest_column(narrow[1]))

    assert found.astype(np.int64).tolist() == (left @ right).tolist()


@pytest.mark.parametrize("seed", range(20))
def test_a_large_product_just_within_the_limit_is_exact(seed):
    """Vectors that are parallel, or nearly, come as close to their bound as any can."""
    generator = np.random.default_rng(seed)
    inner = int(generator.integers(1, 5000))
    side = (FLOAT32_LIMIT / inner) ** 0.5
    left = np.round(generator.uniform(0.9, 1, (7, inner)) * side).astype(np.int64)
    right = left[:, :].T + generator.integers(-1, 2, (inner, 7))
    narrow = left.astype(np.float32), right.astype(np.float32)
    bound = greatest_row(narrow[0]) * greatest_column(narrow[1])

    assert product(*narrow, bound).astype(np.int64).tolist() == (left @ right).tolist()
    assert not is_narrow(bound) or (left @ right).max() < 2**24


def test_a_product_beyond_the_limit_is_formed_in_float64_where_float32_would_round():
    left, right = np.full((1, 3), 4097.0, np.float32), np.full((3, 1), 4095.0, np.float32)

    assert product(left, right, 3 * 4097 * 4095).item() == 3 * 4097 * 4095
    assert product(left, right, 0).item() != 3 * 4097 * 4095  # as it would be, had the bound been a lie


def test_the_limit_leaves_norms_the_room_to_be_wrong_in():
    """A float32 sum of n squares is off by less than n * 2**-24 of itself: of two norms, each is by half of that."""
    worst = 1 - certified.NORM_TERMS * 2.0**-24 * 1.001

    assert FLOAT32_LIMIT / worst < 2**24


@pytest.mark.parametrize("terms", [1, 1000, certified.NORM_TERMS, certified.NORM_TERMS + 1, 2**20])
@pytest.mark.parametrize("value", [1, 255, 32767])
def test_a_norm_is_off_by_no_more_than_the_margin_however_long_the_vector(terms, value):
    row = np.full((1, terms), value, np.float32)
    row[0, ::3] = 1
    exact = float((row.astype(np.int64) ** 2).sum()) ** 0.5

    for found in (greatest_row(row), greatest_column(row.T), greatest_column(np.ascontiguousarray(row.T))):
        assert exact / certified.NORM_MARGIN**0.5 < found < exact * certified.NORM_MARGIN**0.5


def test_norms_are_those_of_the_greatest_row_and_column():
    matrix = np.array([[3, 4, 0], [0, 1, -12]], np.float32)

    assert greatest_row(matrix) == pytest.approx(145**0.5)
    assert greatest_column(matrix) == 12
    assert greatest_row(matrix[:0]) == greatest_column(matrix[:, :0]) == 0


def rounding(bits: int):
    """Return a product that keeps so many bits of every operand, as fast modes do."""

    def keep(matrix: np.ndarray) -> np.ndarray:
        mantissa, exponent = np.frexp(matrix)
        return np.ldexp(np.round(mantissa * 2.0**bits), exponent - bits).astype(np.float32)

    return lambda left, right: keep(left) @ keep(right)


def strassen(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the product in seven products of halves, added as Strassen does."""
    half = len(left) // 2
    (a, b), (c, d) = (np.hsplit(rows, 2) for rows in np.vsplit(left, 2))
    (e, f), (g, h) = (np.hsplit(rows, 2) for rows in np.vsplit(right, 2))
    assert a.shape == h.shape == (half, half)
    p, q, r, s = (a + d) @ (e + h), (c + d) @ e, a @ (f - h), d @ (g - e)
    t, u, v = (a + b) @ h, (c - a) @ (e + f), (b - d) @ (g + h)
    return np.block([[p + s - t + v, r + t], [q + s, p - q + r + u]])


def winograd(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the product in half as many multiplications, as Winograd's algorithm of 1968 forms inner products."""
    total = np.zeros((len(left), right.shape[1]), np.float32)
    for k in range(0, left.shape[1], 2):
        total += (left[:, k, None] + right[k + 1]) * (left[:, k + 1, None] + right[k])
        total -= (left[:, k] * left[:, k + 1])[:, None] + right[k] * right[k + 1]
    return total


def half_precision_sums(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the product with partial sums of 22 bits."""
    total = np.zeros((len(left), right.shape[1]), np.float32)
    for k in range(0, left.shape[1], 64):
        total = rounding(22)(total + left[:, k : k + 64] @ right[k : k + 64], np.eye(right.shape[1], dtype=np.float32))
    return total


STANDINS = {"bfloat16": rounding(8), "TF32": rounding(11), "14 bits": rounding(14)}
STANDINS |= {"Strassen": strassen, "Winograd": winograd, "short sums": half_precision_sums}


@pytest.mark.parametrize("name", STANDINS)
def test_a_blas_that_breaks_the_certificate_is_refused(name, monkeypatch):
    assert is_exact(np.matmul)
    assert not is_exact(STANDINS[name])

    monkeypatch.setattr(np, "matmul", STANDINS[name])
    with pytest.raises(UserError, match="does not multiply float32 exactly here"):
        certified.require_exact_blas.__wrapped__()


def test_the_other_products_are_right_where_nothing_is_rounded():
    generator = np.random.default_rng(0)
    left, right = (generator.integers(-9, 10, (8, 8)).astype(np.float32) for _ in range(2))

    for multiply in STANDINS.values():
        assert multiply(left, right).tolist() == (left @ right).tolist()
