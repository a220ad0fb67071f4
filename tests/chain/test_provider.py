"""What Ape is kept from doing when it sends a transaction or a call."""

from ape import accounts, project
from ape_ethereum.transactions import Receipt
from web3.eth import Eth

from mlchain.chain.provider import connected_provider


def test_no_transaction_is_traced_for_what_it_prints(monkeypatch):
    connected_provider()
    traced = []
    monkeypatch.setattr(Receipt, "trace", property(lambda receipt: traced.append(receipt.txn_hash)))
    counter = accounts.test_accounts[0].deploy(project.Counter)
    receipt = counter.increment(sender=accounts.test_accounts[1])
    assert traced == []
    assert receipt.debug_logs_typed == []  # what Ape would have shown
    assert traced == [receipt.txn_hash]


def test_a_call_looks_up_no_accounts(monkeypatch):
    connected_provider()
    counter = accounts.test_accounts[0].deploy(project.Counter)
    asked = []
    monkeypatch.setattr(Eth, "accounts", property(lambda eth: asked.append("accounts")))

    counter.count()

    assert asked == []
