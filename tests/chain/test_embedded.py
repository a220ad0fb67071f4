"""The embedded chain can be repeated: its blocks follow from a seed."""

import pytest
from ape import accounts, chain, networks

from mlchain.chain.accounts import account_from_secret
from mlchain.chain.embedded import GENESIS_TIME, make_repeatable
from tests.chain.embedded_chains import embedded_chain


def block_hashes(seed: bytes) -> list[str]:
    """Return the hashes of the blocks of a short history on a chain made from `seed`."""
    with embedded_chain(seed) as repeatable:
        funder = accounts.test_accounts[0]
        for number in range(2):
            repeatable.transfer(funder, account_from_secret(bytes([7]) * 32).address, number + 1)
        repeatable.advance_to(repeatable.now + 1_000)
        repeatable.mine(2)
        provider = networks.provider
        return [bytes(provider.get_block(number).hash).hex() for number in range(repeatable.height + 1)]


def test_the_same_seed_gives_the_same_blocks():
    hashes = block_hashes(b"seed")

    assert len(hashes) > 5
    assert block_hashes(b"seed") == hashes


def test_another_seed_gives_other_blocks():
    one, other = block_hashes(b"one"), block_hashes(b"other")

    assert one[0] == other[0]
    assert set(one[1:]).isdisjoint(other[1:])


def test_the_clock_of_a_repeatable_chain_is_not_today_s():
    with embedded_chain(b"seed") as repeatable:
        assert GENESIS_TIME <= repeatable.now < GENESIS_TIME + 10


def test_everybody_has_the_funds_of_a_test_account():
    with embedded_chain(b"seed") as repeatable:
        assert repeatable.chain_id == 1337
        assert {repeatable.balance_of(account.address) for account in accounts.test_accounts} == {10**24}


def test_the_chain_that_the_tests_run_on_is_left_as_it_is(server):
    before = (chain.blocks.head.hash, server.nonce, networks.provider.name)
    block_hashes(b"seed")

    assert (chain.blocks.head.hash, server.nonce, networks.provider.name) == before


def test_a_chain_of_another_kind_is_left_alone():
    class Node:
        name = "node"

        def __getattr__(self, name):
            pytest.fail(f"{name} of a node is touched")

    make_repeatable(Node(), b"seed")
