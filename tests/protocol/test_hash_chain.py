"""The server's random numbers: what the contract takes one after the other, and nothing that could be chosen."""

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from mlchain.protocol.hash_chain import HashChain


@given(secret=st.binary(min_size=32, max_size=32), length=st.integers(1, 40))
def test_each_number_s_hash_is_the_one_before_and_the_first_one_s_the_anchor(secret, length):
    numbers = HashChain(secret, length)

    before = [numbers.anchor, *(numbers.number_of(number) for number in range(1, length))]

    assert [keccak(numbers.number_of(number)) for number in range(1, length + 1)] == before
    assert numbers.number_of(length) == secret


@given(one=st.binary(min_size=32, max_size=32), other=st.binary(min_size=32, max_size=32))
def test_another_secret_gives_other_numbers(one, other):
    assert (HashChain(one, 3).anchor == HashChain(other, 3).anchor) == (one == other)


@pytest.mark.parametrize("number", [-1, 0, 4])
def test_there_is_no_number_for_a_round_before_the_first_or_after_the_last(number):
    with pytest.raises(IndexError, match=f"for rounds 1 to 3, not for {number}"):
        HashChain(bytes(32), 3).number_of(number)
