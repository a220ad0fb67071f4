"""The embedded chain can be repeated: its blocks follow from a seed."""

import inspect
from importlib.metadata import version

import pytest
from ape import accounts, chain, networks
from ape_test.provider import ApeEVMBackend
from eth_tester.backends import PyEVMBackend
from web3.exceptions import TransactionNotFound

from mlchain.centralized.membership import join
from mlchain.chain.accounts import account_from_secret
from mlchain.chain.embedded import GENESIS_TIME, RepeatableBackend, make_repeatable
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


def test_a_chain_of_another_kind_is_left_alone(monkeypatch):
    node = networks.ethereum.local.get_provider("foundry")
    monkeypatch.setattr("mlchain.chain.embedded.RepeatableBackend", lambda *_: pytest.fail("a node has no backend"))

    make_repeatable(node, b"seed")

    assert not node.is_connected


def blocks_read_for(joins, monkeypatch):
    """Return how many blocks are read from the database to find who has joined, of so many."""
    with embedded_chain(b"seed") as embedded:
        funder = accounts.test_accounts[0]
        counter = embedded.deploy(funder, "Counter").address
        for number in range(1, joins + 1):
            join(embedded, accounts.test_accounts[number], counter)
        backend, read = networks.provider.tester.backend, []
        find = backend.chain.get_canonical_block_by_number
        monkeypatch.setattr(backend.chain, "get_canonical_block_by_number", lambda it: read.append(it) or find(it))
        assert len(embedded.joins(counter, 0)[0]) == joins
    return len(read)


def test_the_logs_of_blocks_cost_the_same_for_each_however_many_there_are(monkeypatch):
    three, six = blocks_read_for(3, monkeypatch), blocks_read_for(6, monkeypatch)

    assert six - three <= 5 * 3


def test_of_a_block_that_was_rolled_back_there_is_no_receipt():
    with embedded_chain(b"seed") as embedded:
        funder, snapshot = accounts.test_accounts[0], chain.snapshot()
        hash_ = funder.transfer(accounts.test_accounts[1], 1).txn_hash
        receipt = networks.provider.web3.eth.get_transaction_receipt(hash_)
        chain.restore(snapshot)

        with pytest.raises(TransactionNotFound):
            networks.provider.web3.eth.get_transaction_receipt(hash_)
        embedded.mine(3)
        with pytest.raises(TransactionNotFound):
            networks.provider.web3.eth.get_transaction_receipt(hash_)
        assert receipt["status"] == 1


def test_the_libraries_still_mine_by_the_method_that_is_replaced():
    replaced = inspect.signature(PyEVMBackend.mine_blocks).parameters
    ours = inspect.signature(RepeatableBackend.mine_blocks).parameters

    assert [(it.name, it.default) for it in ours.values()] == [(it.name, it.default) for it in replaced.values()], (
        f"eth-tester {version('eth-tester')} mines by another method: mend mlchain/chain/embedded.py"
    )
    assert "mine_blocks" not in vars(ApeEVMBackend), (
        f"Ape {version('eth-ape')} mines by a method of its own: mend mlchain/chain/embedded.py"
    )
