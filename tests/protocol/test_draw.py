"""The draw: its twins agree, it is a permutation, and it is fair."""

from functools import cache
from itertools import permutations, product
from math import isqrt, sqrt

import numpy as np
import pytest
from eth_utils import keccak
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlchain.protocol import draw
from mlchain.protocol.draw import position_of, seat_of

SEEDS = st.binary(min_size=32, max_size=32)
SQUARES = [radix * radix + change for radix in (2, 3, 4, 5, 7) for change in (-1, 0, 1)]
POOL_SIZES = st.sampled_from([1, 2, *SQUARES, 30]) | st.integers(1, 40)
# How many standard deviations a chi-square may be off its mean; the seeds are the same in every run.
TOLERANCE = 5


@settings(max_examples=20)
@given(seed=SEEDS, pool_size=POOL_SIZES)
@example(seed=bytes(32), pool_size=1)
@example(seed=bytes(32), pool_size=2)
@example(seed=b"\xff" * 32, pool_size=3)
@example(seed=b"\xff" * 32, pool_size=4)
@example(seed=bytes(range(32)), pool_size=5)
def test_the_chain_and_its_twin_draw_the_same_committees(libraries, seed, pool_size):
    seats, positions = libraries.draw(seed, pool_size)

    assert seats == [seat_of(seed, pool_size, position) for position in range(pool_size)]
    assert positions == [position_of(seed, pool_size, seat) for seat in range(pool_size)]


@settings(max_examples=15)
@given(data=st.data(), seed=SEEDS)
def test_the_chain_and_its_twin_agree_on_pools_as_large_as_can_be(libraries, data, seed):
    radix = data.draw(st.integers(50, 2**16 - 1))
    pool_size = data.draw(st.sampled_from([radix * radix - 1, radix * radix, radix * radix + 1, 2**32 - 1]))
    index = data.draw(st.integers(0, pool_size - 1))

    seat, position = libraries.drawOf(seed, pool_size, index)

    assert seat == seat_of(seed, pool_size, index)
    assert position == position_of(seed, pool_size, index)


@given(seed=SEEDS, pool_size=st.integers(1, 120))
def test_g9_the_draw_is_a_permutation_and_its_inverse(seed, pool_size):
    seats = [seat_of(seed, pool_size, position) for position in range(pool_size)]

    assert sorted(seats) == list(range(pool_size))
    assert [position_of(seed, pool_size, seat) for seat in seats] == list(range(pool_size))


@given(data=st.data(), seed=SEEDS, pool_size=st.integers(1, 2**32 - 1))
def test_seat_and_position_are_inverse_in_any_pool(data, seed, pool_size):
    position = data.draw(st.integers(0, pool_size - 1))

    seat = seat_of(seed, pool_size, position)

    assert 0 <= seat < pool_size
    assert position_of(seed, pool_size, seat) == position


@pytest.mark.parametrize("find", [seat_of, position_of])
@pytest.mark.parametrize(("pool_size", "value"), [(8, 8), (8, 9), (3, 2**32), (5, -1)])
def test_whoever_is_outside_the_pool_has_no_seat(find, pool_size, value):
    with pytest.raises(ValueError, match=rf"^{value} is outside a pool of {pool_size}$"):
        find(bytes(32), pool_size, value)


def seats_of_all(pool_size: int, seeds: range) -> np.ndarray:
    """Return the seat of every position for every seed, like `seat_of` but all at once.

    A seed has few keys, 16 for each digit below the radix: they are hashed once and kept in a table.
    """
    radix = isqrt(pool_size - 1) + 1
    places = product(seeds, range(draw.ROUNDS), range(radix))
    keys = np.fromiter(
        (draw._key(seed_bytes(seed), number, digit) % radix for seed, number, digit in places), dtype=np.int16
    ).reshape(len(seeds), draw.ROUNDS, radix)

    def invert(values):
        left, right = values // radix, values % radix
        for number in reversed(range(draw.ROUNDS)):
            left, right = (right - np.take_along_axis(keys[:, number], left, axis=1)) % radix, left
        return left * radix + right

    seats = invert(np.tile(np.arange(pool_size), (len(seeds), 1)))
    while (outside := seats >= pool_size).any():
        seats = np.where(outside, invert(seats), seats)
    return seats


@cache
def seed_bytes(number: int) -> bytes:
    """Return the seed number `number` of the fairness tests."""
    return keccak(number.to_bytes(32, "big"))


def deviation(counts: np.ndarray) -> float:
    """Return how many standard deviations the chi-square of counts, equal if fair, is above its mean."""
    expected = counts.mean()
    freedom = counts.size - 1
    return (((counts - expected) ** 2 / expected).sum() - freedom) / sqrt(2 * freedom)


@pytest.fixture(scope="module", params=[5, 6, 17])
def drawn(request):
    """The size of a pool and its seats for many seeds: some thousands quickly, 200,000 thoroughly."""
    count = 200_000 if settings.get_current_profile_name() == "thorough" else 2_000
    return request.param, seats_of_all(request.param, range(count))


def test_the_table_of_keys_gives_what_the_twin_gives(drawn):
    pool_size, seats = drawn

    for seed in range(0, len(seats), len(seats) // 50):
        assert seats[seed].tolist() == [seat_of(seed_bytes(seed), pool_size, position) for position in range(pool_size)]


def test_g9_every_worker_is_as_likely_to_hold_every_seat(drawn):
    pool_size, seats = drawn

    for position in range(pool_size):
        counts = np.bincount(seats[:, position], minlength=pool_size)

        assert counts.size == pool_size
        assert abs(deviation(counts)) < TOLERANCE


def test_g9_every_pair_is_as_likely_to_hold_every_pair_of_seats(drawn):
    pool_size, seats = drawn

    for first, second in permutations(range(pool_size), 2):
        pairs = np.bincount(seats[:, first] * pool_size + seats[:, second], minlength=pool_size**2)
        counts = pairs.reshape(pool_size, pool_size)

        assert (np.diag(counts) == 0).all()
        assert abs(deviation(counts[~np.eye(pool_size, dtype=bool)])) < TOLERANCE


def test_g9_one_changed_bit_of_the_seed_draws_anew():
    seeds = [bytes(32), (1).to_bytes(32, "big"), (1 << 255).to_bytes(32, "big")]

    committees = {tuple(seat_of(seed, 30, position) for position in range(30)) for seed in seeds}

    assert len(committees) == len(seeds)
