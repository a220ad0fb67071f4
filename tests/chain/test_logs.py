"""Logs of many contracts are read from nodes that take few addresses in one question, however they refuse more."""

from types import SimpleNamespace

import pytest
from eth_utils import to_checksum_address, to_hex
from web3.exceptions import Web3RPCError

from benchmarks.synthetic_node import DEPLOYMENT, SyntheticChain, SyntheticNode
from mlchain.chain import logs
from mlchain.chain.history import History
from mlchain.chain.log_store import LogStore
from mlchain.chain.logs import ADDRESSES_PER_REQUEST, BLOCKS_PER_REQUEST, Logs
from mlchain.chain.past import Past, ignore
from mlchain.chain.questions import number

REFUSALS = (
    "exceed max addresses or topics per search position",  # Geth, Alchemy, dRPC
    "query exceeds the maximum of 7 addresses or topics per search position",  # Erigon
    "This query contains 500 filters. The current limit is 7.",  # Infura
    "Please, specify less number of addresses",  # PublicNode
)
CAP = 7  # addresses
CONTRACTS = [to_checksum_address(number.to_bytes(20, "big")) for number in range(1, 2 * ADDRESSES_PER_REQUEST + 100)]
LAST = BLOCKS_PER_REQUEST - 1


class CappedNode:
    """A node on which every contract has emitted something, in the reverse order, and that takes few addresses."""

    def __init__(self, refusal, cap=CAP):
        self.refusal, self.cap = refusal, cap
        self.asked, self.refused = [], 0  # (blocks, addresses) of the questions that were answered
        self.provider = SimpleNamespace(web3=SimpleNamespace(manager=self, provider=None))

    def request_blocking(self, method, parameters):
        assert method == "eth_getLogs"
        (question,) = parameters
        wanted, blocks = question["address"], range(number(question["fromBlock"]), number(question["toBlock"]) + 1)
        if len(wanted) > self.cap:
            self.refused += 1
            raise Web3RPCError(self.refusal)
        self.asked.append((len(blocks), len(wanted)))
        return [self._log(it) for it in wanted if self._block_of(it) in blocks]

    @staticmethod
    def _block_of(contract):
        return LAST - CONTRACTS.index(contract)

    def _log(self, contract):
        at, word = hex(self._block_of(contract)), to_hex(bytes(32))
        place = {"address": contract, "blockNumber": at, "blockTimestamp": at, "logIndex": "0x0"}
        return place | {"topics": [word], "data": "0x", "transactionHash": word}


def found_by(reader, contracts=CONTRACTS, last=LAST):
    return [to_checksum_address(log.address) for log in reader.find_raw(0, last, contracts)]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_where_a_node_refuses_so_many_addresses_fewer_are_asked_for_and_not_fewer_blocks(refusal):
    node = CappedNode(refusal)
    reader = Logs(node.provider)

    assert found_by(reader) == list(reversed(CONTRACTS))
    assert node.refused < 10, "it remembers how many"
    assert {blocks for blocks, _ in node.asked} == {BLOCKS_PER_REQUEST}
    assert len(node.asked) < 1.5 * len(CONTRACTS) / CAP


def test_where_a_node_does_not_say_why_it_refuses_both_are_tried():
    node = CappedNode("not today")
    reader = Logs(node.provider)

    assert found_by(reader) == list(reversed(CONTRACTS))
    assert node.refused < len(node.asked) / 5
    assert max(blocks for blocks, _ in node.asked) > BLOCKS_PER_REQUEST // 4
    assert list(reader.ranges(0, LAST)) == [(0, LAST)], "the next ranges are as long as before"


def test_no_node_is_asked_for_more_addresses_at_once_than_all_take():
    node = CappedNode("", cap=len(CONTRACTS))

    assert found_by(Logs(node.provider)) == list(reversed(CONTRACTS))
    assert max(addresses for _, addresses in node.asked) == ADDRESSES_PER_REQUEST < 1_000


def test_after_some_answers_more_addresses_are_asked_for_again(monkeypatch):
    monkeypatch.setattr(logs, "ANSWERS_TO_TRUST", 5)
    node = CappedNode(REFUSALS[0])
    reader = Logs(node.provider)
    found_by(reader, CONTRACTS[:20])
    node.cap, later = 1_000, len(node.asked)

    for _ in range(10):
        found_by(reader, CONTRACTS[:20])

    assert max(addresses for _, addresses in node.asked[later:]) == 20


def test_a_node_that_refuses_a_single_address_is_not_asked_for_ever():
    node = CappedNode(REFUSALS[0], cap=0)

    with pytest.raises(Web3RPCError, match="exceed max addresses"):
        found_by(Logs(node.provider))

    assert node.refused < 30


class CappedSyntheticNode(SyntheticNode):
    """A node with a long history that takes few addresses."""

    def _answer(self, method, params):
        if method == "eth_getLogs" and len(params[0]["address"]) > CAP:
            return {"error": {"code": -32602, "message": REFUSALS[0]}}
        return super()._answer(method, params)


def test_a_history_of_many_jobs_is_read_from_a_node_that_takes_few_addresses():
    node = CappedSyntheticNode(rounds=40, size=100)
    provider = node.provider()
    reader = Logs(provider)
    past = Past(provider, reader, DEPLOYMENT, LogStore(), ignore, trusted=False)
    history = History(SyntheticChain(), provider, reader, DEPLOYMENT, beginning=past)

    history.advance(node.head)

    assert len(history.ledger.rounds) == 40
