"""Logs are read as Ape reads them, and their time comes with them or in one request for all."""

from dataclasses import replace

import pytest
from ape import networks, project
from eth_abi import encode
from eth_utils import keccak, to_checksum_address, to_hex
from hexbytes import HexBytes
from hypothesis import given
from hypothesis import strategies as st
from web3.exceptions import BlockNotFound

from mlchain.chain.abi import from_abi
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import CONTRACTS, Parameters
from mlchain.chain.raw_logs import RawLog
from mlchain.protocol.calls import Call
from mlchain.protocol.events import decode
from tests.chain.log_answers import answer_logs
from tests.contracts.protocol_steps import STAKE

EVENTS = [abi for name in CONTRACTS for abi in project.get_contract(name).contract_type.events]
VALUES = {
    "uint256": st.integers(0, 2**256 - 1),
    "uint8": st.integers(0, 3),
    "address": st.binary(min_size=20, max_size=20).map(to_checksum_address),
    "bytes32": st.binary(min_size=32, max_size=32),
    "bytes32[]": st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
    "bytes": st.binary(max_size=100),
    "string": st.text(max_size=20),
    "bool": st.booleans(),
}


def values_of(kind):
    """Return a strategy for the values of a type."""
    return st.tuples(*map(values_of, kind.components)) if kind.components else VALUES[kind.type]


@st.composite
def logs(draw):
    """Return an event's ABI and a log of it."""
    abi = draw(st.sampled_from(EVENTS))
    given_ = [(it, draw(values_of(it))) for it in abi.inputs]
    topics = [keccak(text=abi.selector)]
    topics += [encode([it.canonical_type], [value]) for it, value in given_ if it.indexed]
    rest = [(it.canonical_type, value) for it, value in given_ if not it.indexed]
    data = encode([kind for kind, _ in rest], [value for _, value in rest])
    return abi, RawLog(bytes(range(20)), b"".join(topics), data, 7, 3, 1_000, bytes(range(32)))


@given(logs())
def test_a_log_is_the_event_that_ape_decodes_it_to(drawn):
    abi, raw = drawn
    topics = [to_hex(raw.topics[at : at + 32]) for at in range(0, len(raw.topics), 32)]
    place = {"blockNumber": 7, "logIndex": 3, "blockHash": HexBytes(bytes(32)), "transactionIndex": 0}
    answer = {"address": to_hex(raw.address), "topics": topics, "data": to_hex(raw.data), **place}
    answer["transactionHash"] = to_hex(raw.transaction)

    (by_ape,) = networks.provider.network.ecosystem.decode_logs([answer], abi)
    log = raw.event()

    assert log.event == decode(abi.name, {name: from_abi(value) for name, value in by_ape.event_arguments.items()})
    assert log.address == to_checksum_address(by_ape.contract_address)
    assert (log.block, log.index, log.timestamp, log.transaction) == (7, 3, 1_000, to_hex(raw.transaction))


@given(logs(), st.binary(min_size=32, max_size=32))
def test_a_log_of_something_else_is_no_event(drawn, topic):
    _, raw = drawn

    assert replace(raw, topics=topic + raw.topics[32:]).event() is None
    assert replace(raw, topics=b"").event() is None


@pytest.fixture
def chain(server, members):
    chain = Chain()
    chain.follow(deploy(chain, server, Parameters()).deployment)
    for member in members:
        chain.send(member, Call("WorkerRegistry", "join", value=STAKE))
    return chain


@pytest.fixture
def asked(chain, monkeypatch):
    """Return the questions for blocks that follow those for logs, a list for each request."""
    asked, ask = [], chain._logs._questions.ask

    def note(questions):
        if questions[:1] and questions[0][0] != "eth_getLogs":
            asked.append(questions)
        return ask(questions)

    monkeypatch.setattr(chain._logs._questions, "ask", note)
    return asked


def test_times_that_logs_do_not_say_are_asked_for_at_once(chain, asked):
    logs = chain.sync()

    assert [log.timestamp for log in logs] == [networks.provider.get_block(log.block).timestamp for log in logs]
    assert [len(questions) for questions in asked] == [len(logs) - 1], "the newest block has been seen"


def test_times_that_logs_say_are_not_asked_for(chain, asked, monkeypatch):
    answer_logs(monkeypatch, chain._provider, lambda _length, ask: [{**it, "blockTimestamp": "0x7"} for it in ask()])

    assert {log.timestamp for log in chain.sync()} == {7}
    assert asked == []


def test_a_log_whose_block_the_node_has_not_is_trouble_with_the_node(chain, monkeypatch):
    ask = chain._logs._questions.ask
    monkeypatch.setattr(
        chain._logs._questions,
        "ask",
        lambda it: ask(it) if it[:1] and it[0][0] == "eth_getLogs" else [None for _ in it],
    )

    with pytest.raises(BlockNotFound, match="and not the block"):
        chain.sync()
