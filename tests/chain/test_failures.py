"""A transaction that fails in its block is told of with its reason and its cost."""

import pytest
from ape import accounts
from eth_account import Account
from eth_utils import to_hex

from mlchain.chain.failures import failure_of
from mlchain.protocol.calls import Call
from tests.chain.anvil import anvil, connected


@pytest.fixture(scope="module")
def node():
    with anvil() as node:
        yield node


@pytest.fixture
def mined(node):
    """Return a function that puts calls of a new counter into one block, with limits of gas, and returns the hashes."""
    with connected(node) as chain:
        sender = accounts.test_accounts[3]
        address = chain.deploy(accounts.test_accounts[0], "Counter").address
        receiver, data = chain.encode(Call("Counter", "increment", address=address))

        def send(*limits):
            node.make_request("evm_setAutomine", [False])
            first, hashes = node.web3.eth.get_transaction_count(sender.address), []
            for number, limit in enumerate(limits):
                fields = {"to": receiver, "data": data, "nonce": first + number, "gas": limit, "gasPrice": 10**10}
                signed = Account.sign_transaction(fields | {"chainId": node.chain_id}, sender.private_key)
                hashes.append(to_hex(node.web3.eth.send_raw_transaction(signed.raw_transaction)))
            node.make_request("evm_mine", [])
            node.make_request("evm_setAutomine", [True])
            return hashes

        yield send


def test_what_somebody_else_was_first_with_is_named_by_the_contract_s_error(node, mined):
    first, second = mined(100_000, 100_000)

    assert failure_of(node, first) is None
    assert failure_of(node, second).startswith("AlreadyCounted(worker=0x")
    assert failure_of(node, second).endswith("gwei") or failure_of(node, second).endswith("ether")


def test_what_ran_out_of_gas_says_so(node, mined):
    (short,) = mined(30_000)

    assert failure_of(node, short) == "out of gas, at a cost of 0.0003 ether"


def test_what_is_in_no_block_has_not_failed(node):
    assert failure_of(node, "0x" + 64 * "1") is None
