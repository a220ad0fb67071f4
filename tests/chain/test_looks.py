"""A look at a chain asks for little: most blocks are known by their headers, and jobs are read by whom they concern."""

from dataclasses import replace

import pytest

from mlchain.chain import connection
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.headers import Header, header_of
from mlchain.chain.history import MOST_PASSED_OVER
from mlchain.chain.node_errors import NodeError
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


@pytest.fixture
def empty_blooms(monkeypatch):
    """Have headers that say of no contract that it has logs."""
    monkeypatch.setattr(connection, "header_of", lambda answer: replace(header_of(answer), bloom=0))


def test_a_block_without_logs_is_known_by_its_header(chain, members, asked):
    chain.mine(1)
    asked.clear()
    chain.sync()
    assert asked == ["eth_chainId", "eth_getBlockByNumber"]

    chain.send(members[0], JOIN)
    assert [log.name for log in chain.sync()] == ["Joined"]
    assert "eth_getLogs" in asked


def test_the_time_of_a_block_that_was_the_head_is_not_asked_for_again(chain, members, asked):
    chain.send(members[0], JOIN)
    asked.clear()
    (joined,) = chain.sync()
    blocks = asked.count("eth_getBlockByNumber")
    chain.send(members[1], JOIN)
    chain.mine(1)
    asked.clear()
    (later,) = chain.sync()

    assert asked.count("eth_getBlockByNumber") == blocks + 1, "it was never the head when somebody looked"
    times = [chain._provider.web3.eth.get_block(log.block)["timestamp"] for log in (joined, later)]
    assert [joined.timestamp, later.timestamp] == times


def test_blocks_that_do_not_follow_each_other_are_asked_about(chain, asked):
    chain.mine(2)
    asked.clear()

    chain.sync()

    assert "eth_getLogs" in asked


def test_headers_that_hide_logs_are_found_out_and_not_believed_again(chain, members, empty_blooms):
    chain.send(members[0], JOIN)
    assert chain.sync() == []
    chain.mine(2)

    with pytest.raises(NodeError, match="leaves out events"):
        chain.sync()

    assert [log.name for log in chain.sync()] == ["Joined"]
    chain.send(members[1], JOIN)
    assert [log.name for log in chain.sync()] == ["Joined"]


def test_headers_alone_are_believed_for_a_few_blocks_in_a_row(chain, members, empty_blooms):
    chain.send(members[0], JOIN)
    for _ in range(MOST_PASSED_OVER):
        assert chain.sync() == []
        chain.mine(1)

    with pytest.raises(NodeError, match="leaves out events"):
        chain.sync()


def test_a_bloom_tells_of_every_contract_that_has_logs():
    address = "0x0f572e5295c57f15886f9b263e2f6d2d6c7b5ec6"  # whose three bits the Yellow Paper gives
    header = Header(1, b"", b"", 0, 0, (1 << 1323) | (1 << 431) | (1 << 1319))

    assert not header.has_no_logs_of([address])
    assert replace(header, bloom=header.bloom ^ (1 << 431)).has_no_logs_of([address])
    assert replace(header, bloom=0).has_no_logs_of([])


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


def jobs_read(deployment, owner, block):
    """Return which jobs somebody asks about who has read up to a block."""
    chain = Chain()
    chain.follow_as(owner, deployment, lambda _line: None)
    history = chain._followed.history
    history.advance(block)
    asked, of_deployment = [], history._logs.of_deployment

    def note(first, last, contracts, jobs, *others):
        asked.extend(jobs)
        return of_deployment(first, last, contracts, jobs, *others)

    history._logs.of_deployment = note
    history.advance(block + 1)
    return asked
