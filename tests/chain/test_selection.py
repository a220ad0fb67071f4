"""Who is one of many does not read how all others are paid, and knows all the same what it decides from."""

import pytest

from mlchain.chain import selection
from mlchain.chain.connection import Chain
from mlchain.chain.digest import Digest
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import bytes_of
from mlchain.chain.raw_logs import topic_of
from mlchain.chain.witness import Witness
from mlchain.protocol.events import Left, RoundClosed, SeatSettled
from tests.chain.log_answers import answer_logs
from tests.contracts.protocol_steps import Committee, decide, deploy_round
from tests.protocol.random_rounds import record_of


@pytest.fixture
def deployment(models, factory, registry, server):
    return record_of(models, factory, registry, server)


@pytest.fixture
def committees(factory, registry, server, members):
    """Two decided jobs, of which nothing is settled."""
    committees = [Committee.of(job, server, members) for job in deploy_round(factory, server, jobs=2, seats=2)]
    for committee in committees:
        decide(committee)
    return committees


@pytest.fixture(params=[0, selection.FEW], ids=["many", "few"])
def few(request, monkeypatch):
    """From how many seats of others on they are many."""
    monkeypatch.setattr(selection, "FEW", request.param)
    return request.param


@pytest.fixture
def owner(committees):
    """The first seat of the second job."""
    return committees[1].holders[0]


class Said(Digest):
    """What a program would say if the embedded chain ran it: nothing of views, which are asked one by one then."""

    def is_after(self, _chain_id, _hashes):
        return True

    def is_of(self, _expectations):
        return False


@pytest.fixture(params=[False, True], ids=["looks", "glances"])
def reader(request, deployment, owner, committees, few, monkeypatch):
    """A chain on the node of somebody else, which a seat has read until both jobs are decided."""
    monkeypatch.setattr(Chain, "is_own", False)
    chain = Chain()
    chain.follow_as(owner.address, deployment, lambda _line: None)
    chain.sync()
    if request.param:

        def newest(first, filters, _asked, _digest_of):
            head = chain._provider.web3.eth.get_block("latest")
            where = head["number"], head["timestamp"], head["gasLimit"], bytes(head["parentHash"])
            logs, _ = chain._logs.of_deployment(first, head["number"], filters)
            return logs, Said([], *where, b"", b"")

        monkeypatch.setattr(Witness, "can_be_asked", True)
        monkeypatch.setattr(chain._logs, "newest", newest)
    return chain


def settle(committee):
    committee.settle(*range(len(committee.holders)), sender=committee.holders[0])


def settled_in(news):
    return [log.event.job for log in news if isinstance(log.event, SeatSettled)]


def test_settlements_of_others_are_read_where_they_are_few(reader, registry, committees, owner, few):
    for committee in committees:
        settle(committee)
    news = reader.sync()

    strangers, own = (committee.job.address for committee in committees)
    assert settled_in(news) == ([own] if few == 0 else [strangers, strangers, own, own])
    assert any(isinstance(log.event, RoundClosed) for log in news)
    assert reader.ledger.open_round is None
    assert reader.ledger.account(owner.address).credit == registry.accountOf(owner).credit > 0


def test_who_leaves_learns_what_others_were_paid(reader, registry, committees, owner):
    """It would settle for them again, and pay for nothing."""
    settle(committees[0])
    reader.sync()
    registry.leave(sender=owner)
    news = reader.sync()

    strangers, own = reader.ledger.open_round.jobs
    assert [type(log.event) for log in news] == [Left]
    assert strangers.is_settled
    assert own.unsettled == [0, 1]


@pytest.mark.parametrize("left_out", [SeatSettled, RoundClosed])
def test_that_a_seat_is_settled_cannot_be_left_out(reader, monkeypatch, committees, few, left_out):
    for committee in committees:
        settle(committee)
    topic = bytes_of(topic_of("WorkerRegistry", left_out.__name__))
    with monkeypatch.context() as patch:
        answer_logs(
            patch,
            reader._provider,
            lambda _length, ask: [log for log in ask() if bytes_of(log["topics"][0]) != topic],
        )
        if few and left_out is RoundClosed:  # the seats tell
            reader.sync()
        else:
            with pytest.raises(NodeError, match="leaves out events"):
                reader.sync()

    reader.sync()
    assert reader.ledger.open_round is None


def test_a_round_that_begins_and_half_ends_between_two_looks_is_read(
    reader, factory, registry, server, members, committees, owner
):
    for committee in committees:
        settle(committee)
    later = [Committee.of(job, server, members) for job in deploy_round(factory, server, jobs=2, seats=2)]
    for committee in later:
        decide(committee)
    strangers = next(it for it in later if owner not in it.holders)
    settle(strangers)
    reader.sync()

    current = reader.ledger.open_round
    assert [job.address for job in current.jobs] == [it.job.address for it in later]
    registry.leave(sender=owner)
    reader.sync()
    assert [job.is_settled for job in reader.ledger.open_round.jobs] == [it is strangers for it in later]
    for committee in later:
        if committee is not strangers:
            settle(committee)
    reader.sync()
    assert reader.ledger.open_round is None


def test_a_node_that_ignores_topics_pays_nobody_twice(reader, registry, monkeypatch, committees, owner):
    for committee in committees:
        settle(committee)
    ask = reader._logs._questions.ask

    def ignore(questions):
        return ask(
            [
                (method, [{key: it for key, it in given[0].items() if key != "topics"}, *given[1:]])
                if method == "eth_getLogs"
                else (method, given)
                for method, given in questions
            ]
        )

    monkeypatch.setattr(reader._logs._questions, "ask", ignore)
    reader.sync()

    assert reader.ledger.account(owner.address).credit == registry.accountOf(owner).credit
