"""The history of a deployment: read in whatever portions a node allows, and anew where blocks have been replaced."""

from contextlib import suppress
from dataclasses import replace

import pytest
from requests import Timeout
from web3.exceptions import Web3RPCError

from mlchain.chain import logs
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.node_errors import NodeError
from mlchain.errors import UserError
from mlchain.protocol.calls import Call
from tests.chain.log_answers import answer_logs
from tests.contracts.chain_control import rollback
from tests.contracts.protocol_steps import STAKE

JOIN = Call("WorkerRegistry", "join", value=STAKE)


@pytest.fixture(scope="module")
def deployment(server):
    return deploy(Chain(), server, Parameters()).deployment


@pytest.fixture
def chain(deployment):
    chain = Chain()
    chain.follow(deployment)
    return chain


def test_logs_come_once_and_in_order(chain, members):
    chain.send(members[0], JOIN)
    chain.send(members[1], JOIN)

    names = [log.name for log in chain.sync()]

    assert names == ["Joined", "Joined"]
    assert chain.sync() == []


def test_a_log_names_its_transaction(chain, members):
    chain.send(members[0], JOIN)

    (log,) = chain.sync()

    assert len(log.transaction) == 66
    assert log.transaction.startswith("0x")


def test_a_deployment_that_is_known_by_its_factory_alone_is_read(deployment, members):
    known = {name: address for name, address in deployment.addresses.items() if name != "Counter"}
    chain = Chain()
    chain.follow(replace(deployment, addresses=known))
    chain.send(members[0], JOIN)

    assert [log.name for log in chain.sync()] == ["Joined"]


def test_replaced_blocks_are_forgotten(chain, members):
    with rollback():
        chain.send(members[0], JOIN)
        chain.send(members[1], JOIN)
        chain.view()
        assert chain.ledger.pool.members == [members[0].address, members[1].address]
    chain.send(members[2], JOIN)
    chain.mine(2)

    with pytest.raises(NodeError, match="were replaced"):
        chain.sync()
    assert chain.ledger.pool.members == []
    assert [log.event.worker for log in chain.sync()] == [members[2].address]
    assert chain.ledger.pool.members == [members[2].address]


@pytest.mark.parametrize("moment", range(5))
def test_blocks_replaced_between_two_questions_are_noticed(chain, members, monkeypatch, moment):
    """Whatever the node was asked before its chain was another, nothing of the old one stays."""
    asked = []

    def counted(method, parameters, *others):
        if len(asked) == moment:
            replace()
        asked.append(method)
        return request(method, parameters, *others)

    def replace():
        monkeypatch.undo()
        chain._provider.restore(snapshot)
        chain.send(members[2], JOIN)
        chain.mine(4)

    chain.mine(1)
    chain.sync()
    snapshot = chain._provider.snapshot()
    chain.send(members[0], JOIN)
    chain.sync()
    chain.send(members[1], JOIN)
    manager = chain._provider.web3.manager
    request = manager.request_blocking
    monkeypatch.setattr(manager, "request_blocking", counted)

    with suppress(NodeError):
        chain.sync()
    assert len(asked) > moment, "the blocks were replaced"
    for _ in range(2):
        with suppress(NodeError):
            chain.sync()

    assert chain.ledger.pool.members == [members[2].address]


@pytest.mark.parametrize("is_behind", [False, True])
def test_what_was_read_before_the_node_failed_is_told_of_later(chain, members, monkeypatch, is_behind):
    """Its lines were lost: what had been folded was not read again."""
    chain.mine(1)
    chain.sync()
    with rollback():
        for member in members[:3]:
            chain.send(member, JOIN)
        history, read = chain._followed.history, []
        logs_of = history._logs.of_deployment

        def fail_at_the_third(*given):
            read.append(given)
            if len(read) == 3:
                raise Timeout("read timed out")
            return logs_of(*given)

        monkeypatch.setattr(history._logs, "of_deployment", fail_at_the_third)
        chain._logs._span = 1
        with pytest.raises(Timeout):
            chain.sync()
        told = history.advance(history.read_to) if is_behind else []
        assert len(told) == 2 * is_behind
        told += chain.sync()

        assert [log.event.worker for log in told] == [member.address for member in members[:3]]
        assert chain.sync() == []


def test_a_node_that_is_behind_is_waited_for(chain, members):
    chain.mine(1)
    with rollback():
        chain.send(members[0], JOIN)
        block = chain.view().block

    assert chain.sync() == []
    assert chain.last_view().block == block


def test_a_node_that_refuses_long_ranges_is_asked_for_shorter_ones(chain, deployment, members, monkeypatch):
    for member in members:
        chain.send(member, JOIN)
        chain.mine(3)
    asked = []

    def few(length, ask):
        asked.append(length)
        if length > 4:
            raise Web3RPCError("query exceeds the range of blocks")
        return ask()

    answer_logs(monkeypatch, chain._provider, few)

    assert [log.event.worker for log in chain.sync()] == [member.address for member in members]
    assert max(asked) > 4
    later = len(asked)
    other = Chain()
    other._logs = chain._logs
    other.follow(deployment)
    other.sync()
    assert max(asked[later:]) <= 4, "it does not ask for so much again"


def test_a_node_that_was_in_trouble_once_is_not_read_block_by_block_for_ever(chain, members, monkeypatch):
    chain.sync()
    chain.mine(2)
    troubles, asked = [Web3RPCError("busy")] * 2, []

    def all_but_twice(length, ask):
        if troubles:
            raise troubles.pop()
        asked.append(length)
        return ask()

    answer_logs(monkeypatch, chain._provider, all_but_twice)
    monkeypatch.setattr(logs, "ANSWERS_TO_TRUST", 5)
    chain.sync()
    assert asked == [1, 1], "the two halves of two blocks"

    chain.mine(30)
    chain.sync()

    assert max(asked) >= 4
    assert len(asked) < 25


def test_a_node_that_takes_too_long_is_asked_for_less(chain, members, monkeypatch):
    chain.send(members[0], JOIN)
    chain.mine(30)

    def slowly(length, ask):
        if length > 8:
            raise Timeout("too much for 20 seconds")
        return ask()

    answer_logs(monkeypatch, chain._provider, slowly)
    for _ in range(4):
        with suppress(Timeout):
            chain.sync()

    assert chain.ledger.pool.members == [members[0].address]


def test_a_node_that_refuses_a_single_block_is_not_asked_for_ever(chain, members, monkeypatch):
    chain.send(members[0], JOIN)

    def refuse(_length, _ask):
        raise Web3RPCError("not today")

    answer_logs(monkeypatch, chain._provider, refuse)

    with pytest.raises(Web3RPCError, match="not today"):
        chain.sync()


@pytest.mark.parametrize("later", [0, 2], ids=["nothing has happened since", "something has"])
def test_a_history_that_begins_too_late_is_not_acted_on(chain, deployment, members, later, monkeypatch):
    monkeypatch.setattr(Chain, "is_own", False)
    for member in members[:2]:
        chain.send(member, JOIN)
    late = Chain()
    late.follow(replace(deployment, block=chain.height + 1))
    chain.mine(1)
    for member in members[:later]:
        chain.send(member, Call("WorkerRegistry", "leave"))

    with pytest.raises(UserError, match=r"^the deployment has events before block \d+, where reading begins"):
        late.sync()
