"""A node that gives fewer logs than there are: the contracts have counted, so it is asked again, and nobody acts."""

from dataclasses import replace
from itertools import groupby

import pytest
from requests import HTTPError
from web3 import HTTPProvider

from mlchain.chain.archive import Archive
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.digest import Expectation
from mlchain.chain.followed import FollowedDeployment
from mlchain.chain.node_errors import NodeError
from mlchain.chain.provider import connected_provider
from mlchain.chain.views import ViewCall
from mlchain.chain.witness import Witness, words_of
from mlchain.protocol.calls import Call
from mlchain.protocol.events import (
    AdmissionSet,
    BountyPaid,
    DataAnnounced,
    Forfeited,
    ResultChunkPublished,
    RoundClosed,
    Settled,
    StakeWithdrawn,
    Withdrawn,
)
from mlchain.protocol.game_events import BondsWithdrawn, Released
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from tests.chain.anvil import anvil, connected
from tests.chain.log_answers import answer_logs
from tests.contracts.protocol_steps import STAKE
from tests.simulation.runs import SMALL, simulation

JOIN = Call("WorkerRegistry", "join", value=STAKE)
# What nobody is drawn, paid or judged by: whoever does not know of it repeats a transaction, which is refused.
UNCOUNTED = (AdmissionSet, DataAnnounced, Forfeited, RoundClosed, Settled)
UNCOUNTED += (StakeWithdrawn, Withdrawn, BountyPaid, Released, BondsWithdrawn)


@pytest.fixture
def deployment(server):
    return deploy(Chain(), server, Parameters()).deployment


@pytest.fixture
def chain(deployment, monkeypatch):
    """A chain on the node of somebody else, on which nothing has been read."""
    monkeypatch.setattr(Chain, "is_own", False)
    chain = Chain()
    chain.follow(deployment)
    return chain


def follow(deployment):
    """Return the history of a deployment on the node of somebody else, of which nothing has been read."""
    chain = Chain()
    return FollowedDeployment(chain, chain._provider, chain._logs, deployment, trusted=False, clock=chain.clock).history


def is_counted(event, leaders):
    """Return whether a contract counts an event: of chunks those of results that have a quorum."""
    if isinstance(event, ResultChunkPublished):
        return event.result_hash in leaders
    return not isinstance(event, UNCOUNTED)


def leaves_out(history, monkeypatch, last):
    """Return whether the node is found out that gives no logs up to a block."""
    with monkeypatch.context() as patch:
        answer_logs(patch, connected_provider(), lambda _length, _ask: [])
        try:
            history.advance(last)
        except NodeError as error:
            return "leaves out events" in str(error)
    return False


@pytest.mark.parametrize(
    ("choices", "kinds"),
    [
        (SMALL | {"workers": 6, "evil": 1, "behaviour": "silent", "jobs": 2, "rounds": 1}, 10),
        (SMALL | {"workers": 6, "evil": 3, "behaviour": "colluding", "jobs": 2, "rounds": 1}, 11),
        ({"task": "wine", "workers": 3, "evil": 1, "behaviour": "quarrelling", "rounds": 1, "referee": "contract"}, 16),
    ],
    ids=["agreed", "ruled", "contract"],
)
def test_whatever_event_a_node_leaves_out_it_is_asked_again(choices, kinds, monkeypatch):
    missed, noticed = [], set()
    with simulation(**choices) as run:
        history = follow(run.played.deployment)
        leaders = {job.leader for current in run.played.view.ledger.rounds for job in current.jobs}
        found = Archive(run.played.deployment).logs(run.chain.height)
        for block, logs in groupby(found, lambda log: log.block):
            history.advance(block - 1)
            events = [log.event for log in logs]
            names = {type(event) for event in events}
            if leaves_out(history, monkeypatch, block):
                noticed |= names
                assert {type(log.event) for log in history.advance(block)} == names
            elif any(is_counted(event, leaders) for event in events):
                missed.append((block, names))

    assert missed == []
    assert len(noticed) > kinds


def test_what_is_left_out_is_read_at_the_next_look(chain, members, monkeypatch):
    chain.sync()
    chain.send(members[0], JOIN)
    with monkeypatch.context() as patch:
        answer_logs(patch, chain._provider, lambda _length, _ask: [])
        with pytest.raises(NodeError, match=r"^the node leaves out events up to block \d+: the contracts have counted"):
            chain.sync()
    assert chain.ledger.pool.members == []

    assert [log.name for log in chain.sync()] == ["Joined"]


def test_what_no_contract_counts_is_found_by_reading_anew(chain, deployment, members, monkeypatch):
    owner = members[0]
    chain.follow_as(owner.address, deployment, lambda _line: None)
    chain.sync()
    for method, value in (("join", STAKE), ("leave", 0), ("withdrawStake", 0)):
        chain.send(owner, Call("WorkerRegistry", method, value=value))
        if method == "leave":
            chain.mine(MAX_SNAPSHOT_AGE)
            chain.sync()
    with monkeypatch.context() as patch:
        answer_logs(patch, chain._provider, lambda _length, _ask: [])
        assert chain.sync() == []
    assert chain.ledger.account(owner.address).stake == STAKE

    assert chain.sync() == []
    assert chain.ledger.account(owner.address).stake == STAKE
    chain.sync(anew=True)
    assert chain.ledger.account(owner.address).stake == 0


@pytest.mark.parametrize("begins_late", [True, False])
def test_of_what_is_read_anew_only_the_news_is_told(chain, deployment, members, begins_late):
    if begins_late:
        chain.follow_as(members[0].address, deployment, lambda _line: None)
    for member in members[:2]:
        chain.send(member, JOIN)
        assert [log.event.worker for log in chain.sync(anew=True)] == [member.address]
    assert len(chain.ledger.pool.members) == 2


def test_what_was_left_out_while_a_long_history_was_read_is_read_again(chain, members, monkeypatch):
    """Of old blocks nobody can tell; at the end it shows."""
    monkeypatch.setattr("mlchain.chain.logs.BLOCKS_PER_REQUEST", 2)
    chain._logs._span = 2
    chain.send(members[0], JOIN)
    chain.mine(5)
    lies = [[]] * 2
    answer_logs(monkeypatch, chain._provider, lambda _length, ask: lies.pop() if lies else ask())

    with pytest.raises(NodeError, match="leaves out events"):
        chain.sync()

    assert [log.name for log in chain.sync()] == ["Joined"]


def test_a_leave_that_is_missing_never_ends_a_program(chain, members, monkeypatch):
    """The next event refers to it; that is no proof that reading began too late."""
    for member in members[:2]:
        chain.send(member, JOIN)
    chain.sync()
    chain.send(members[0], Call("WorkerRegistry", "leave"))
    chain.mine(1)
    history, block = chain._followed.history, chain.height
    monkeypatch.setattr(history, "_witness", None)
    history.ledger.pool.members.clear()

    with pytest.raises(NodeError, match="leaves out events"):
        history.advance(block)

    assert history.read_to == chain._followed.deployment.block - 1


def test_a_swap_in_the_pool_that_no_number_shows_is_noticed_by_the_committee(monkeypatch):
    with simulation(**SMALL) as run:
        history = follow(run.played.deployment)
        first = run.played.view.ledger.rounds[0].jobs[0]
        factory = run.played.deployment.addresses["JobFactory"]
        found = run.chain._logs.find(0, run.chain.height, [factory])
        block = next(log.block for log in found if log.name == "JobDeployed")
        history.advance(block - 1)
        pool = history.ledger.pool
        for position in range(len(pool.members)):
            pool._worker[position]._values[-1] = pool.members[position - 1]

        with pytest.raises(NodeError, match="a committee was drawn from another pool"):
            history.advance(block)

        history.advance(block)
        assert history.ledger.job_at(first.address).committee == first.committee


def test_where_the_node_has_forgotten_what_was_before_it_says_that_reading_may_begin_too_late(
    chain, deployment, members, monkeypatch
):
    chain.send(members[0], JOIN)
    late = Chain()
    late.follow(replace(deployment, block=chain.height + 1))
    chain.mine(1)
    monkeypatch.setattr(Witness, "has_begun", lambda *_: False)

    with pytest.raises(NodeError, match=r"leaves out events .*, or the deployment has events before block \d+"):
        late.sync()


def test_before_the_deployment_s_first_block_there_is_nothing_to_act_on(deployment):
    early = Chain()
    early.follow(replace(deployment, block=early.height + 1))

    with pytest.raises(NodeError, match=r"^the node has not come to block \d+ yet, where the deployment begins$"):
        early.sync()


@pytest.mark.parametrize("refusal", [None, 400, "error"])
def test_many_questions_are_one_request_where_the_node_takes_that(server, refusal, monkeypatch):
    with anvil() as node, connected(node) as chain:
        deployment = deploy(chain, server, Parameters()).deployment
        witness = Witness(node, deployment)
        make, asked = HTTPProvider.make_batch_request, []

        def refuse(http, batch):
            asked.append(len(batch))
            if refusal == "error":
                return {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no batches"}}
            if refusal:
                raise HTTPError(response=type("Answer", (), {"status_code": refusal}))
            return make(http, batch)

        monkeypatch.setattr(HTTPProvider, "make_batch_request", refuse)
        expectations = [
            Expectation(ViewCall("WorkerRegistry", view, deployment.addresses["WorkerRegistry"]), {})
            for view in ("STAKE", "ABSENCE_FEE")
        ]

        for _ in range(2):
            answers = [words_of(it) for it in witness._ask(expectations, chain.height)]
            assert answers == [[STAKE], [deployment.parameters.absence_fee]]

    assert asked == ([2] if refusal else [2, 2])
