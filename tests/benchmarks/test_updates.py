"""Attacks on learning with a trusted server: each sends what it says, as an update that cannot be told by its form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.updates import ATTACKS, Sight, colluding, flipping, random
from mlchain.centralized.learning.training import to_bytes, to_vector
from mlchain.training.streams import derive_key

SIZE = 500


@st.composite
def sights(draw, greatest=3_000):
    """Return what a liar sees of one to nine honest workers."""
    generator = np.random.Generator(np.random.PCG64(draw(st.integers(0, 2**32))))
    honest = generator.integers(-greatest, greatest, (draw(st.integers(1, 9)), SIZE), endpoint=True)
    owed = to_bytes(generator.integers(-greatest, greatest, SIZE, endpoint=True))
    return Sight(honest, lambda: owed, derive_key("test", draw(st.binary(max_size=8))))


@given(sights(greatest=32_767), st.sampled_from(list(ATTACKS)))
def test_a_lie_has_the_form_of_an_update_and_is_told_again_by_whoever_sees_the_same(sight, name):
    lie = ATTACKS[name](sight)

    assert len(lie) == len(sight.owed())
    assert ATTACKS[name](sight) == lie


@given(sights(), st.binary(max_size=8))
def test_colluding_liars_send_the_same_and_against_the_honest_mean(sight, other):
    mean = sight.honest.mean(axis=0)

    lie = colluding(sight)

    assert np.abs(to_vector(lie) + mean).max() <= 0.5
    assert colluding(Sight(sight.honest, lambda: b"", derive_key("test", other))) == lie


@given(sights())
def test_a_flipping_liar_sends_ten_times_the_opposite_of_what_it_owes(sight):
    lie = to_vector(flipping(sight))

    assert np.array_equal(lie, np.clip(-10 * to_vector(sight.owed()), -32_768, 32_767))


@given(sights())
def test_random_numbers_are_as_long_as_an_honest_update_and_point_nowhere(sight):
    honest = np.linalg.norm(sight.honest, axis=1).mean()

    lie = to_vector(random(sight))

    assert np.linalg.norm(lie) == pytest.approx(honest, rel=0.01)
    assert abs(lie @ sight.honest.mean(axis=0)) <= 0.3 * honest**2


@given(sights())
def test_every_liar_has_random_numbers_of_its_own(sight):
    other = Sight(sight.honest, sight.owed, derive_key("another", sight.key))

    assert random(other) != random(sight)
