"""Transactions in batches: each gets its receipt, in the order of the list, whatever becomes of the others."""

from collections import Counter

import pytest
from ape import networks
from eth_account import Account
from eth_keys.datatypes import PrivateKey
from eth_utils import keccak, to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from mlchain.chain.accounts import account_from_secret, load_account
from mlchain.chain.batches import (
    BYTES_PER_REQUEST,
    ITEMS_PER_REQUEST,
    Transaction,
    _Node,
    _portions,
    _signed,
    send_batch,
    takes_batches,
)
from mlchain.chain.receipts import Receipt
from mlchain.errors import TransactionFailed
from mlchain.protocol.calls import Call
from tests.chain.anvil import anvil, connected
from tests.chain.embedded_chains import embedded_chain

ETHER = 10**18


@pytest.fixture(scope="module")
def provider():
    with anvil() as provider:
        yield provider


@pytest.fixture
def node(provider):
    with connected(provider) as chain:
        yield chain


@pytest.fixture
def people(node):
    """Accounts with an ether each, new ones for each test."""
    first = node.height
    people = [account_from_secret(keccak(text=f"{first} {number}")) for number in range(40)]
    node.transfer_all(load_account(None), {person.address: ETHER for person in people})
    return people


@pytest.fixture
def counter(node):
    return node.deploy(load_account(None), "Counter").address


def questions_of(monkeypatch):
    """Return how often a node is asked what from now on, in batches."""
    http, asked = networks.provider.web3.provider, Counter()
    ask = http.make_batch_request

    def counted(requests):
        asked.update(method for method, _ in requests)
        return ask(requests)

    monkeypatch.setattr(http, "make_batch_request", counted)
    return asked


def increments(counter, senders):
    return [(sender, Call("Counter", "increment", address=counter)) for sender in senders]


def heights(receipts):
    return [receipt.block for receipt in receipts]


def test_anvil_takes_batches_and_the_embedded_chain_does_not(provider):
    assert takes_batches(provider)
    with embedded_chain(b"seed"):
        assert not takes_batches(networks.provider)


def test_everybody_s_transaction_is_in_the_order_of_the_list(node, counter, people):
    first = node.height

    receipts = list(node.send_all(increments(counter, people)))

    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert [joined for joined, _ in node.joins(counter, first)[0]] == [person.address for person in people]
    assert heights(receipts) == [first + 1] * len(people)


def test_a_sender_s_own_transactions_keep_their_order(node, people):
    giver, *others = people[:4]
    before = node.height

    node.transfer_all(giver, {other.address: number for number, other in enumerate(others, start=1)})

    assert node.height == before + 1
    assert [node.balance_of(other.address) % ETHER for other in others] == [1, 2, 3]


def test_a_refused_transaction_is_named_and_paid_for_and_hinders_no_other(node, counter, people):
    calls = increments(counter, people[:3])
    calls.insert(1, (people[3], calls[0][1]))
    calls.insert(2, (people[3], calls[0][1]))
    before = node.balance_of(people[3].address)

    outcomes = list(node.send_all(calls))

    refused = outcomes.pop(2)
    assert isinstance(refused, TransactionFailed)
    assert str(refused) == f"the chain refused Counter.increment: AlreadyCounted(worker={people[3].address}, number=2)"
    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert refused.fee > 0
    assert before - node.balance_of(people[3].address) == refused.fee + outcomes[1].fee


def test_a_transaction_that_cannot_be_paid_for_is_one_sentence_and_hinders_no_other(node, counter, people):
    pauper = account_from_secret(keccak(text="pauper"))
    calls = increments(counter, people[:2])
    calls.insert(1, (pauper, Call("Counter", "increment", value=ETHER, address=counter)))

    one, failed, other = node.send_all(calls)

    assert isinstance(one, Receipt)
    assert isinstance(other, Receipt)
    assert str(failed).startswith("Counter.increment could not be sent: ")
    assert "\n" not in str(failed)
    assert failed.fee == 0


def test_what_does_not_fit_into_a_block_goes_into_the_next(node, counter, people):
    networks.provider.set_block_gas_limit(1_000_000)
    try:
        receipts = list(node.send_all(increments(counter, people)))
    finally:
        networks.provider.set_block_gas_limit(30_000_000)

    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    assert len(set(heights(receipts))) > 1
    assert sum(receipt.gas for receipt in receipts) > 1_000_000


def test_none_is_lost_whose_predecessor_has_no_room_in_a_block(node, people):
    giver, receiver = people[:2]
    bounds = [900_000, 30_000] * 10
    networks.provider.set_block_gas_limit(1_000_000)
    try:
        outcomes = send_batch(
            networks.provider, [Transaction(giver, receiver.address, b"", 1, "the transfer", bound) for bound in bounds]
        )
    finally:
        networks.provider.set_block_gas_limit(30_000_000)

    assert all(isinstance(outcome, Receipt) for outcome in outcomes)
    assert heights(outcomes) == sorted(heights(outcomes))
    assert len(set(heights(outcomes))) > 1


def test_the_receipts_of_a_block_are_asked_for_once(node, counter, people, monkeypatch):
    networks.provider.set_block_gas_limit(1_000_000)
    try:
        asked = questions_of(monkeypatch)
        receipts = list(node.send_all(increments(counter, people)))
    finally:
        networks.provider.set_block_gas_limit(30_000_000)

    assert asked["eth_getBlockReceipts"] == len(set(heights(receipts))) > 1
    assert asked["eth_getTransactionReceipt"] == 0


def test_a_block_that_somebody_else_makes_hides_no_receipt(node, counter, people, monkeypatch):
    mine = _Node.mine
    monkeypatch.setattr("mlchain.chain.batches._Node.mine", lambda node: [mine(node), mine(node)])
    before = node.height

    receipts = list(node.send_all(increments(counter, people)))

    assert heights(receipts) == [before + 1] * len(people)


def test_a_node_that_gives_no_receipts_of_blocks_is_asked_for_those_of_transactions(node, counter, people, monkeypatch):
    ask = networks.provider.web3.provider.make_batch_request

    def know_less(requests):
        missing = {"error": {"code": -32601, "message": "the method does not exist"}}
        return [missing] if requests[0][0] == "eth_getBlockReceipts" else ask(requests)

    monkeypatch.setattr(networks.provider.web3.provider, "make_batch_request", know_less)

    assert all(isinstance(receipt, Receipt) for receipt in node.send_all(increments(counter, people)))


@given(
    st.tuples(*[st.integers(0, 2**256 - 1)] * 2),
    st.tuples(*[st.integers(0, 2**63)] * 5),
    st.binary(max_size=100),
    st.integers(1, 2**250),
)
def test_a_transaction_is_signed_as_eth_account_signs_it(wei, numbers, data, secret):
    (value, price), (chain_id, nonce, tip, gas, to), key = wei, numbers, secret.to_bytes(32, "big")
    tip, receiver = min(tip, price), keccak(to.to_bytes(8, "big"))[:20]
    prices = {"maxPriorityFeePerGas": tip, "maxFeePerGas": price}
    fields = {"chainId": chain_id, "nonce": nonce, "gas": gas, "to": to_checksum_address(receiver), "value": value}

    ours = _signed((chain_id, nonce, tip, price, gas, receiver, value, data), PrivateKey(key))

    assert ours == Account.sign_transaction(fields | prices | {"data": data}, key).raw_transaction.to_0x_hex()


def test_a_node_that_is_slow_is_waited_for(provider):
    assert provider.web3.provider.get_request_kwargs()["timeout"] >= 600


def test_a_lost_transaction_is_not_passed_over_in_silence(node, counter, people, monkeypatch):
    monkeypatch.setattr("mlchain.chain.batches._Node.mine", lambda _node: None)

    with pytest.raises(TransactionFailed, match=r"^2 of 2 transactions are in no block: the node lost them$"):
        list(node.send_all(increments(counter, people[:2])))

    assert networks.provider.auto_mine, "the next transaction would wait for ever"


@pytest.mark.parametrize("answer", [{"error": {"message": "no batches here"}}, [{"result": "0x0"}]])
def test_a_node_that_takes_no_batches_is_one_sentence(node, counter, people, monkeypatch, answer):
    monkeypatch.setattr(networks.provider.web3.provider, "make_batch_request", lambda _requests: answer)

    with pytest.raises(TransactionFailed, match=r"^the node does not answer a JSON-RPC batch as it should$"):
        list(node.send_all(increments(counter, people[:2])))


def test_an_empty_batch_is_none(node):
    before = node.height

    assert send_batch(networks.provider, []) == []
    assert node.height == before


def test_a_request_is_neither_too_long_nor_cut():
    requests = [("send", ["0x" + "00" * size]) for size in (1, 400_000, 400_000, 700_000, 5, *[1] * 500)]

    portions = list(_portions(requests))

    assert [it for portion in portions for it in portion] == requests
    assert max(map(len, portions)) <= ITEMS_PER_REQUEST
    sizes = [sum(len(request[1][0]) for request in portion) for portion in portions]
    assert all(size <= BYTES_PER_REQUEST or len(portion) == 1 for size, portion in zip(sizes, portions, strict=True))
