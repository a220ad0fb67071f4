"""What the contracts have counted is one question beside the logs, and its answer is of the chain that was read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3.exceptions import Web3RPCError

from mlchain.chain.accounts import load_account
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.digest import MOST_KEPT, REACH, Expectation, digest_in, digest_question
from mlchain.chain.node_errors import NodeError
from mlchain.chain.questions import Questions
from mlchain.chain.views import ViewCall, view_question
from mlchain.chain.witness import TRIES, words_of
from mlchain.protocol.calls import Call
from tests.chain.anvil import anvil, connected
from tests.contracts.protocol_steps import STAKE

JOIN = Call("WorkerRegistry", "join", value=STAKE)
VIEWS = (
    *(("WorkerRegistry", view) for view in ("poolSize", "currentRound", "STAKE", "ABSENCE_FEE", "FACTORY")),
    *(("JobFactory", view) for view in ("latestRound", "scheduledBlock", "REGISTRY", "MIN_WINDOW")),
    *(("ModelRegistry", view) for view in ("latestVersion", "SERVER")),
)
ARGUED = (("WorkerRegistry", "workerAt"), ("WorkerRegistry", "accountOf"))
A_DIGEST, A_LOOK = {"eth_getLogs", "eth_call"}, {"eth_chainId", "eth_getBlockByNumber"}


@pytest.fixture(scope="module")
def node():
    with anvil() as node:
        yield node


@pytest.fixture(scope="module")
def deployment(node, members):
    with connected(node) as chain:
        deployment = deploy(chain, load_account(None), Parameters()).deployment
        chain.follow(deployment)
        chain.send(members[0], JOIN)
        return deployment


@pytest.fixture
def chain(node, deployment, monkeypatch):
    """A chain on the node of somebody else, which a block was read of after the beginning."""
    monkeypatch.setattr(Chain, "is_own", False)
    with connected(node) as chain:
        before = node.snapshot()
        chain.follow(deployment)
        chain.sync()
        yield chain
        node.restore(before)


def batches(monkeypatch, node, answer=lambda _method, _given, said: said):
    """Return the methods of every batch from now on; `answer` says what is answered in the place of the node."""
    http, asked = node.web3.provider, []
    make = http.make_batch_request

    def answered(batch):
        asked.append({method for method, _given in batch})
        return [answer(*question, said) for question, said in zip(batch, make(batch), strict=True)]

    monkeypatch.setattr(http, "make_batch_request", answered)
    return asked


def is_program(method, given):
    return method == "eth_call" and "to" not in given[0]


def refuse_programs(monkeypatch, node):
    """Let the node refuse to run programs, but in batches."""
    manager = node.web3.manager
    request = manager.request_blocking

    def refuse(method, given, *others):
        if is_program(method, given):
            raise Web3RPCError("no")
        return request(method, given, *others)

    monkeypatch.setattr(manager, "request_blocking", refuse)


@given(
    views=st.lists(st.sampled_from([*VIEWS, *ARGUED]), min_size=1, max_size=20),
    size=st.integers(1, 4),
    wrong=st.none() | st.integers(0, 19),
    data=st.data(),
)
def test_a_digest_is_as_expected_where_every_word_is_and_only_there(
    node, deployment, members, views, size, wrong, data
):
    given = dict(zip(ARGUED, [(0, deployment.block), (members[0].address,)], strict=True))
    calls = [ViewCall(*it, deployment.addresses[it[0]], given.get(it, ())) for it in views]
    block, ancestor = node.web3.eth.get_block("latest"), node.web3.eth.get_block(deployment.block)
    questions = Questions(node)
    expectations, is_met = [], True
    for call, answer in zip(calls, questions.ask([view_question(it, block["number"]) for it in calls]), strict=True):
        words = words_of(answer)
        places = data.draw(st.sets(st.integers(0, len(words) - 1), max_size=size))
        signs = tuple(place for place in places if data.draw(st.booleans()))
        expectations.append(Expectation(call, {place: words[place] for place in places}, signs))
    if wrong is not None and (expected := expectations[wrong % len(calls)].expected):
        place, was = next(iter(expected.items()))
        expected[place] ^= 1 << wrong
        is_met = place in expectations[wrong % len(calls)].signs and bool(was) == bool(expected[place])

    for when in (block["number"], bytes(block["hash"])):
        (answer,) = questions.ask([digest_question(expectations, ancestor["number"], when)])
        digest = digest_in(answer, expectations)
        assert digest.is_as_expected(expectations) == is_met
        assert digest.ancestor == bytes(ancestor["hash"])
        assert digest.is_of(expectations)
        assert not digest.is_of(expectations[1:])


def test_more_contracts_than_the_stack_reaches_are_asked(chain, node, newcomers):
    servers = newcomers[: MOST_KEPT + 2]
    created = [chain.deploy(server, "ModelRegistry").address for server in servers]
    expectations = [
        Expectation(ViewCall("ModelRegistry", "SERVER", address), {0: int(server.address, 16)})
        for server, address in zip(servers, created, strict=True)
    ]
    block = node.web3.eth.get_block("latest")["number"]

    for asked in (2 * expectations, 2 * expectations[::-1], [*expectations, *expectations[:3]]):
        (answer,) = Questions(node).ask([digest_question(asked, block - 1, block)])
        assert digest_in(answer, asked).is_as_expected(asked)


def test_there_is_no_digest_of_a_block_that_is_not_on_the_chain(node, deployment):
    with pytest.raises(Web3RPCError):
        Questions(node).ask([digest_question([], deployment.block, b"\x12" * 32)])


@pytest.mark.parametrize("answer", [None, "0x", "0x" + "00" * 64, b""])
def test_what_is_no_answer_to_a_program_is_no_digest(answer):
    with pytest.raises(Web3RPCError, match="are no answer to a program"):
        digest_in(answer, [])


def test_a_look_that_finds_something_is_two_short_requests(chain, node, members, monkeypatch):
    asked = batches(monkeypatch, node)
    chain.send(members[1], JOIN)
    chain.mine(2)

    assert [log.name for log in chain.sync()] == ["Joined"]
    assert asked == [A_LOOK, A_DIGEST]


def test_a_node_that_leaves_out_what_its_digest_tells_of_is_asked_again(chain, node, members, monkeypatch):
    chain.send(members[1], JOIN)
    chain.mine(2)
    with monkeypatch.context() as patch:
        batches(patch, node, lambda method, _given, said: {**said, "result": []} if method == "eth_getLogs" else said)
        with pytest.raises(NodeError, match="leaves out events"):
            chain.sync()
    assert len(chain.ledger.pool.members) == 1

    assert [log.name for log in chain.sync()] == ["Joined"]


@pytest.mark.parametrize("moment", [1, 2])
def test_blocks_replaced_during_a_look_are_noticed_in_it(chain, node, members, monkeypatch, moment):
    """After the first request of a look, and after its last one: then in the next look."""
    before = node.snapshot()
    chain.send(members[1], JOIN)
    chain.mine(2)
    asked = []

    def replace_blocks(_method, _given, said):
        asked.append(said)
        if len(asked) == 2 * moment:
            node.restore(before)
            chain.send(members[2], JOIN)
            chain.mine(4)
        return said

    batches(monkeypatch, node, replace_blocks)
    if moment == 2:
        assert len(chain.sync()) == 1
    with pytest.raises(NodeError, match="were replaced"):
        chain.sync()

    chain.sync()
    assert chain.ledger.pool.members[1:] == [members[2].address]


def test_a_block_that_was_read_and_replaced_is_noticed_by_its_descendants(chain, node, members):
    before = node.snapshot()
    chain.send(members[1], JOIN)
    chain.sync()
    node.restore(before)
    chain.send(members[2], JOIN)
    chain.mine(3)

    with pytest.raises(NodeError, match="were replaced"):
        chain.sync()


@pytest.mark.parametrize("refusal", [{"error": {"code": -32000, "message": "no"}}, {"result": "0x"}], ids=["no", "0x"])
def test_a_node_that_gives_no_digest_is_asked_for_headers_and_views(chain, node, members, refusal, monkeypatch):
    refuse_programs(monkeypatch, node)
    asked = batches(
        monkeypatch,
        node,
        lambda method, given, said: {"jsonrpc": "2.0", "id": 1, **refusal} if is_program(method, given) else said,
    )
    for member in members[1:]:
        chain.send(member, JOIN)
        chain.mine(2)
        assert [log.event.worker for log in chain.sync()] == [member.address]

    assert len(members[1:]) > TRIES
    assert asked.count(A_DIGEST) == TRIES
    assert {"eth_getLogs", "eth_getBlockByNumber"} in asked


def test_a_node_that_gives_digests_no_longer_is_asked_for_views(chain, node, monkeypatch):
    chain.mine(2)
    chain.sync()
    history, tally = chain._followed.history, chain._followed.history._tally([])
    refuse_programs(monkeypatch, node)

    history._witness.require_all(tally, chain.height)
    tally.members += 1
    with pytest.raises(NodeError, match="leaves out events"):
        history._witness.require_all(tally, chain.height)


def test_of_a_block_long_ago_no_program_knows_the_hash_and_none_is_asked(chain, node, monkeypatch):
    asked = batches(monkeypatch, node)
    node._make_request("anvil_mine", [hex(REACH + 1)])
    chain.sync()
    assert A_DIGEST not in asked
    node._make_request("anvil_mine", [hex(REACH)])
    chain.sync()
    assert A_DIGEST in asked
