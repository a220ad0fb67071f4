"""A look at a chain asks for little: for jobs that concern who looks, and for no time that a head has told."""

import pytest

from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.digest import Digest
from mlchain.protocol.calls import Call
from mlchain.protocol.events import JobDeployed
from tests.contracts.protocol_steps import STAKE
from tests.simulation.runs import SMALL, simulation

JOIN = Call("WorkerRegistry", "join", value=STAKE)


@pytest.fixture
def chain(server, monkeypatch):
    """A chain on the node of somebody else, read to its newest block."""
    monkeypatch.setattr(Chain, "is_own", False)
    chain = Chain()
    chain.follow(deploy(chain, server, Parameters()).deployment)
    chain.sync()
    return chain


@pytest.fixture
def asked(chain, monkeypatch):
    """Return the methods that the node is asked for."""
    manager = chain._provider.web3.manager
    asked, request = [], manager.request_blocking
    monkeypatch.setattr(
        manager, "request_blocking", lambda method, *others: asked.append(method) or request(method, *others)
    )
    return asked


def test_the_time_of_a_block_that_was_the_head_is_not_asked_for_again(chain, members, asked):
    chain.send(members[0], JOIN)
    asked.clear()
    (joined,) = chain.sync()
    assert "eth_getBlockByHash" not in asked
    chain.send(members[1], JOIN)
    chain.mine(1)
    asked.clear()
    (later,) = chain.sync()

    assert asked.count("eth_getBlockByHash") == 1, "it was never the head when somebody looked"
    times = [chain._provider.web3.eth.get_block(log.block)["timestamp"] for log in (joined, later)]
    assert [joined.timestamp, later.timestamp] == times


def test_a_worker_reads_the_jobs_that_it_has_a_seat_in_and_the_server_all(monkeypatch):
    monkeypatch.setattr(Chain, "is_own", False)
    with simulation(**SMALL | {"workers": 6, "jobs": 2, "rounds": 1}) as run:
        deployment, (current,) = run.played.deployment, run.played.view.ledger.rounds
        factory = deployment.addresses["JobFactory"]
        logs = run.chain._logs.find(0, run.chain.height, [factory])
        block = max(log.block for log in logs if isinstance(log.event, JobDeployed))
        first, second = current.jobs

        read = {owner: jobs_read(deployment, owner, block) for owner in (deployment.server, first.committee[0])}

    assert read == {deployment.server: [first.address, second.address], first.committee[0]: [first.address]}


def test_up_to_the_newest_block_there_are_the_logs_of_that_range_and_later_ones_are_left_out():
    with simulation(**SMALL | {"workers": 6, "jobs": 2, "rounds": 1}) as run:
        logs, eth = run.chain._logs, run.chain._provider.web3.eth
        filters = [(run.played.deployment.fixed, [])]
        announced = logs.find(0, run.chain.height, [run.played.deployment.addresses["JobFactory"]])
        first = min(log.block for log in announced if isinstance(log.event, JobDeployed))
        told, sizes = 0, set()
        for last in (*range(first, first + 4), run.chain.height):
            block = eth.get_block(last)
            digest = Digest([], last, block["timestamp"], 0, b"", b"", b"")
            found, _ = logs.newest(first, filters, ("eth_chainId", []), lambda _answer, it=digest: it)
            expected, _ = logs.of_deployment(first, last, filters)
            told += found[-1].block == last
            sizes.add(len(found))
            assert found == expected
            assert all(log.block_hash == bytes(eth.get_block(log.block)["hash"]) for log in found)

    assert told > 2
    assert len(sizes) > 3


def jobs_read(deployment, owner, block):
    """Return which jobs somebody asks about who has read up to a block."""
    chain = Chain()
    chain.follow_as(owner, deployment, lambda _line: None)
    history = chain._followed.history
    history.advance(block)
    asked, of_deployment = set(), history._logs.of_deployment

    def note(first, last, filters, *others):
        asked.update(address for addresses, _topics in filters for address in addresses)
        return of_deployment(first, last, filters, *others)

    history._logs.of_deployment = note
    history.advance(block + 1)
    return [job.address for job in history.ledger.rounds[-1].jobs if job.address in asked]
