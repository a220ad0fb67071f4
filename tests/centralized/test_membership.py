"""Joining a counter, and hearing of those who have joined."""

import pytest
from ape import networks, project
from eth_account import Account
from eth_account.messages import encode_defunct

from mlchain.centralized.membership import find_counter, join, watch_joins
from mlchain.chain.accounts import account_from_secret, load_account, signer_for
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy_once
from mlchain.chain.deployment import Parameters, record_path
from mlchain.errors import UserError


@pytest.fixture
def chain(monkeypatch):
    chain = Chain()
    monkeypatch.setattr(Chain, "is_embedded", False)
    return chain


@pytest.fixture(scope="module")
def counter(server):
    return server.deploy(project.Counter).address


class Enough(Exception):
    """What a watcher is stopped with."""


def heard(chain, counter, first, monkeypatch):
    """Return whom a watcher tells of before it looks a second time."""
    told = []
    monkeypatch.setattr("mlchain.centralized.membership.time.sleep", lambda _seconds: (_ for _ in ()).throw(Enough))
    with pytest.raises(Enough):
        watch_joins(chain, counter, first, lambda *join: told.append(join))
    return told


def test_a_worker_joins_once_and_is_told_its_number(chain, counter, newcomers):
    first, second = newcomers[:2]

    assert join(chain, first, counter) == (1, True)
    assert join(chain, second, counter) == (2, True)
    assert join(chain, first, counter) == (1, False)


def test_a_watcher_tells_of_everybody_who_has_joined_this_counter(chain, counter, server, newcomers, monkeypatch):
    other = server.deploy(project.Counter).address
    join(chain, newcomers[0], counter), join(chain, newcomers[1], other), join(chain, newcomers[2], counter)

    assert heard(chain, counter, 0, monkeypatch) == [(newcomers[0].address, 1), (newcomers[2].address, 2)]
    assert heard(chain, counter, chain.height, monkeypatch) == [(newcomers[2].address, 2)]
    assert heard(chain, counter, chain.height + 1, monkeypatch) == []


def test_joins_that_are_not_final_are_not_told(chain, counter, newcomers, monkeypatch):
    join(chain, newcomers[0], counter)
    monkeypatch.setattr(type(networks.provider.network), "required_confirmations", 1)

    found, following = chain.joins(counter, chain.height)

    assert (found, following) == ([], chain.height)


def test_a_node_that_does_not_answer_is_asked_again(chain, counter, monkeypatch, capsys):
    monkeypatch.setattr(Chain, "joins", lambda *_: (_ for _ in ()).throw(ConnectionError("nobody there")))

    assert heard(chain, counter, 0, monkeypatch) == []
    assert capsys.readouterr().err == "the node does not answer as it should: nobody there\n"


def test_the_counter_is_the_one_named_or_the_recorded_one(chain, counter, server, tmp_path):
    path = record_path(tmp_path, chain.network)
    with pytest.raises(UserError, match="name the counter with --counter"):
        find_counter(chain, None, tmp_path)
    record = deploy_once(chain, lambda: server, Parameters(), path).deployment

    assert find_counter(chain, None, tmp_path) == (record.addresses["Counter"], record.block)
    assert find_counter(chain, counter.lower(), tmp_path) == (counter, 0)


@pytest.mark.parametrize("address", ["nowhere", "0x" + "11" * 20])
def test_where_no_contract_is_nobody_can_join(chain, tmp_path, address):
    with pytest.raises(UserError, match="there is no contract at"):
        find_counter(chain, address, tmp_path)


def test_nobody_can_be_served_on_the_embedded_chain(tmp_path):
    with pytest.raises(UserError, match="embedded chain ends with this process"):
        find_counter(Chain(), None, tmp_path)


def test_what_an_account_signs_can_be_told_to_be_its(chain):
    account = account_from_secret(b"secret".rjust(32))

    signature = signer_for(account)("text")

    assert Account.recover_message(encode_defunct(text="text"), signature=signature) == account.address


def test_test_accounts_can_be_named(server, members):
    assert load_account("TEST::0") == server
    assert load_account("TEST::2") == members[0]
    with pytest.raises(UserError, match="there is no account 'TEST::999'"):
        load_account("TEST::999")
