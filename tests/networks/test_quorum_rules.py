"""Behind what imitates GoQuorum everything works, and without what makes it work nothing does."""

import pytest
from ape.exceptions import ApeException

from mlchain.chain import provider as chain_provider
from mlchain.chain.accounts import account_from_secret
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.errors import TransactionFailed
from mlchain.protocol.calls import Call
from networks.plan import write_account
from tests.live.node import Node
from tests.networks.learning import Learning, connected, learned
from tests.networks.quorum_proxy import quorum_proxy

STAKE = Parameters().stake
SERVER = account_from_secret(b"server of a quorum".rjust(32))


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A node with Istanbul's rules."""
    node = Node(tmp_path_factory.mktemp("node"))
    node.start()
    try:
        node.ask("anvil_setBalance", SERVER.address, hex(10**20))
        yield node
    finally:
        node.stop()


@pytest.fixture
def quorum(node):
    """What makes a Quorum of that node, and the address to find it at."""
    with quorum_proxy(node.url) as (proxy, url):
        yield proxy, url


def on_quorum(url):
    return connected(f"ethereum:quorum:{url}")


def test_the_contracts_are_deployed_with_free_transactions_of_the_first_type(quorum):
    proxy, url = quorum

    with on_quorum(url):
        deployed = deploy(Chain(), SERVER, Parameters())

    assert proxy.refused == []
    assert [receipt.fee for receipt in deployed.receipts.values()] == [0, 0, 0]


def test_without_reading_long_headers_nothing_works(quorum, monkeypatch):
    monkeypatch.setattr(chain_provider, "_accept_long_extra_data", lambda _web3: None)
    _proxy, url = quorum

    with on_quorum(url), pytest.raises(Exception, match="extraData"):
        deploy(Chain(), SERVER, Parameters())


def test_transactions_of_another_type_are_refused(quorum, monkeypatch):
    proxy, url = quorum

    with on_quorum(url) as provider:
        monkeypatch.setattr(provider.network.config, "default_transaction_type", 2)
        with pytest.raises(TransactionFailed, match="eth_maxPriorityFeePerGas not supported"):
            Chain().deploy(SERVER, "Counter")
        with pytest.raises(ApeException, match="transaction type not supported"):
            SERVER.transfer(SERVER, 0, max_fee=0, max_priority_fee=0, gas_limit=21_000)

    assert proxy.refused[-1] == "transaction type not supported"


def test_gas_that_costs_something_is_refused(quorum, monkeypatch):
    proxy, url = quorum

    with on_quorum(url) as provider:
        monkeypatch.setattr(type(provider), "gas_price", 7)
        with pytest.raises(TransactionFailed, match="Gas price not 0"):
            Chain().deploy(SERVER, "Counter")

    assert proxy.refused == ["Gas price not 0"]


def test_who_has_nothing_can_send_transactions(quorum):
    _proxy, url = quorum
    beggar = account_from_secret(b"beggar".rjust(32))

    with on_quorum(url):
        chain = Chain()
        counter = chain.deploy(SERVER, "Counter").address
        receipt = chain.send(beggar, Call("Counter", "increment", address=counter))
        assert chain.balance_of(beggar.address) == receipt.fee == 0
        assert chain.read("Counter", "numberOf", beggar.address, address=counter) == 1


@pytest.mark.slow
def test_programs_learn_with_workers_that_have_their_stake_and_no_more(node, quorum, tmp_path):
    proxy, url = quorum
    workers = ["worker1", "worker2", "worker3"]
    for name in ("server", *workers):
        address = write_account(tmp_path / "ape", name)
        node.ask("anvil_setBalance", address, hex(10**20 if name == "server" else STAKE))

    with Learning(tmp_path, tmp_path / "ape", "ethereum:quorum", [url], workers) as learning:
        learning.deploy()
        learning.start(rounds=1)
        learning.wait_for_server(patience=300)
        with learning.chain() as chain:
            versions = [version.data() for version in chain.ledger.versions]
            left = [chain.balance_of(learning.address_of(name)) for name in workers]

    assert versions == learned(chain.ledger)
    assert len(versions) == 2
    assert left == [0, 0, 0], "all they had is their stake: gas was free"
    assert set(proxy.refused) <= {"the method eth_feeHistory does not exist/is not available"}
