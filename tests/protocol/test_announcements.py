"""A recipe that is announced before the first round is known by its hash, and an address is no recipe."""

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from mlchain.protocol.announcements import CONTAINED, announced_recipe, recipe_announcement


@given(st.binary(max_size=300))
def test_what_is_announced_is_read_again(recipe):
    assert announced_recipe(*recipe_announcement(recipe)) == recipe


@pytest.mark.parametrize("url", ["http://a/x", "", CONTAINED + "???", CONTAINED + "eA", CONTAINED + "eA==\n"])
def test_what_contains_no_recipe_is_none(url):
    assert announced_recipe(keccak(b"x"), url) is None


def test_a_recipe_under_the_hash_of_another_is_none():
    assert announced_recipe(keccak(b"y"), recipe_announcement(b"x")[1]) is None
