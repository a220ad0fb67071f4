"""What many views say at the end of a block is one question, and its answer is of that block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web3.exceptions import Web3RPCError

from mlchain.chain.digest import MOST_KEPT, RETURNED, Expectation, digest_in, digest_question
from mlchain.chain.questions import Questions
from mlchain.chain.views import ViewCall, view_question
from mlchain.chain.witness import words_of
from tests.chain.anvil import connected

VIEWS = (
    *(("WorkerRegistry", view) for view in ("poolSize", "currentRound", "STAKE", "ABSENCE_FEE", "FACTORY")),
    *(("JobFactory", view) for view in ("latestRound", "scheduledBlock", "REGISTRY", "MIN_WINDOW")),
    *(("ModelRegistry", view) for view in ("latestVersion", "SERVER")),
)
ARGUED = (("WorkerRegistry", "workerAt"), ("WorkerRegistry", "accountOf"))


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
    block = node.web3.eth.get_block("latest")
    ancestors = data.draw(st.lists(st.integers(0, block["number"] - 1), max_size=3))
    hashes = [bytes(node.web3.eth.get_block(number)["hash"]) for number in ancestors]
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

    for when in (block["number"], bytes(block["hash"]), None):
        (answer,) = questions.ask([digest_question(expectations, when, ancestors)])
        digest = digest_in(answer, expectations)
        assert digest.is_as_expected(expectations) == is_met
        assert (digest.block, digest.timestamp, digest.gas_limit, digest.parent_hash) == (
            *(block["number"], block["timestamp"], block["gasLimit"]),
            bytes(block["parentHash"]),
        )
        assert digest.is_after(deployment.chain_id, hashes)
        assert not digest.is_after(deployment.chain_id + 1, hashes)
        assert not digest.is_after(deployment.chain_id, [*hashes, bytes(32)])
        assert not digest.is_after(deployment.chain_id, [bytes(block["hash"]), *hashes[1:]])
        assert digest.is_of(expectations)
        assert not digest.is_of(expectations[1:])


def test_more_contracts_than_the_stack_reaches_are_asked(node, newcomers):
    servers = newcomers[: MOST_KEPT + 2]
    with connected(node) as chain:
        created = [chain.deploy(server, "ModelRegistry").address for server in servers]
    expectations = [
        Expectation(ViewCall("ModelRegistry", "SERVER", address), {0: int(server.address, 16)})
        for server, address in zip(servers, created, strict=True)
    ]
    block = node.web3.eth.get_block("latest")["number"]

    for asked in (2 * expectations, 2 * expectations[::-1], [*expectations, *expectations[:3]]):
        (answer,) = Questions(node).ask([digest_question(asked, block)])
        assert digest_in(answer, asked).is_as_expected(asked)


def test_there_is_no_digest_of_a_block_that_is_not_on_the_chain(node, deployment):
    with pytest.raises(Web3RPCError):
        Questions(node).ask([digest_question([], b"\x12" * 32)])


def test_of_its_own_block_and_of_later_ones_no_program_knows_the_hash(node, deployment):
    block = node.web3.eth.get_block(deployment.block)["number"]
    (answer,) = Questions(node).ask([digest_question([], block, [block, block + 1])])
    assert digest_in(answer, []).is_after(deployment.chain_id, [bytes(32), bytes(32)])


@pytest.mark.parametrize("answer", [None, "0x", *("0x" + "00" * (RETURNED + more) for more in (-1, 1)), b""])
def test_what_is_no_answer_to_a_program_is_no_digest(answer):
    with pytest.raises(Web3RPCError, match="are no answer to a program"):
        digest_in(answer, [])
