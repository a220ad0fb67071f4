"""One request tells what is new on a node of somebody else, and nothing is taken for new that is not on its chain."""

import pytest
from web3.exceptions import Web3RPCError

from mlchain.chain.bookmark import DEEPEST, Bookmark
from mlchain.chain.node_errors import NodeError
from mlchain.chain.witness import TRIES
from mlchain.errors import UserError
from mlchain.protocol.calls import Call
from tests.chain.strangers_node import A_HEADER, JOIN, WITH_LOGS, batches, glancing, is_program

FARTHEST = 256  # blocks before its own whose hashes a program knows


def without_logs(method, _given, said):
    return {**said, "result": []} if method == "eth_getLogs" else said


def refuse_programs(monkeypatch, node):
    """Let the node refuse to run programs, but in batches."""
    manager = node.web3.manager
    request = manager.request_blocking

    def refuse(method, given, *others):
        if is_program(method, given):
            raise Web3RPCError("no")
        return request(method, given, *others)

    monkeypatch.setattr(manager, "request_blocking", refuse)


def names_in(news):
    return [log.name for log in news]


def test_what_is_new_is_told_by_few_short_requests(chain, node, members, monkeypatch, is_glancing):
    asked = batches(monkeypatch, node)
    chain.send(members[1], JOIN)
    assert names_in(chain.sync()) == ["Joined"]
    assert asked == ([WITH_LOGS] if is_glancing else [A_HEADER, WITH_LOGS])
    assert chain.read_to == chain.height


@glancing(True)
def test_a_block_without_logs_is_not_read_yet_unless_the_chain_stands_still(chain, node, members, monkeypatch):
    """Its hash is not known: what is sent is only final with a block that was read."""
    chain.mine(3)
    asked = batches(monkeypatch, node)
    assert chain.sync() == []
    assert chain.read_to == chain.height - 1
    assert asked == [WITH_LOGS]

    chain.sync()
    assert chain.read_to == chain.height
    asked.clear()
    chain.sync()
    assert asked == [WITH_LOGS]

    chain.mine(1)
    chain.send(members[1], JOIN)
    assert names_in(chain.sync()) == ["Joined"]
    assert chain.read_to == chain.height


@glancing(True)
def test_a_glance_tells_the_time_and_the_gas_limit(chain, node):
    node._make_request("evm_setBlockGasLimit", [hex(12_345_678)])
    chain.mine(1)
    chain.sync()

    block = node.web3.eth.get_block("latest")
    assert block["gasLimit"] == chain.last_view().gas_limit == 12_345_678
    assert chain.clock.newest == block["timestamp"]


def test_a_node_that_leaves_out_what_its_digest_tells_of_is_asked_again(chain, node, members, monkeypatch):
    chain.send(members[1], JOIN)
    chain.mine(2)
    with monkeypatch.context() as patch:
        batches(patch, node, without_logs)
        with pytest.raises(NodeError, match="leaves out events"):
            chain.sync()
    assert len(chain.ledger.pool.members) == 1

    assert names_in(chain.sync()) == ["Joined"]


@glancing(True)
def test_what_happens_between_the_program_and_the_logs_is_read_later(chain, node, members, monkeypatch):
    """It is no trouble of the node, and nothing is read twice."""
    chain.send(members[1], JOIN)
    before = chain.height
    chain.send(members[2], JOIN)

    def earlier(method, given, said):
        if is_program(method, given) and given[1] == "latest":
            return node.web3.provider.make_request("eth_call", [given[0], hex(before)])
        return said

    with monkeypatch.context() as patch:
        asked = batches(patch, node, earlier)
        assert [log.event.worker for log in chain.sync()] == [members[1].address]
    assert asked == [WITH_LOGS]
    assert chain.read_to == before
    assert [log.event.worker for log in chain.sync()] == [members[2].address]


@pytest.mark.parametrize("moment", [1, 2])
@glancing(False)
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


@pytest.mark.parametrize("ends_with_logs", [True, False])
@pytest.mark.parametrize("is_sending", [True, False])
@glancing(True)
def test_blocks_replaced_between_the_program_and_the_logs_are_noticed_before_anything_is_sent(
    chain, node, members, monkeypatch, ends_with_logs, is_sending
):
    """What the contracts count is the same on both chains: as many have joined.

    It is noticed at once where a log tells the hash of the block before the program's.
    """
    before = node.snapshot()

    def play(member):
        chain.mine(1 + ends_with_logs)
        chain.send(member, JOIN)
        chain.mine(1 - ends_with_logs)

    def replaced(method, given, said):
        if is_program(method, given) and given[1] == "latest":
            node.restore(before)
            node._make_request("evm_increaseTime", [1_000])
            play(members[2])
            return said
        return node.web3.provider.make_request(method, given)

    play(members[1])
    with monkeypatch.context() as patch:
        asked = batches(patch, node, replaced)
        assert [log.event.worker for log in chain.sync()] == [members[2].address]
    assert asked == ([WITH_LOGS] if ends_with_logs else [WITH_LOGS, A_HEADER, WITH_LOGS])

    chain.mine(1)
    if ends_with_logs:
        with pytest.raises(NodeError, match="were replaced"):
            chain.post(members[3], JOIN, members[3].nonce) if is_sending else chain.sync()
    chain.sync()
    assert chain.ledger.pool.members[1:] == [members[2].address]


@glancing(True)
def test_logs_of_two_blocks_in_the_place_of_one_are_not_believed(chain, node, members, monkeypatch):
    chain.send(members[1], JOIN)

    def doubled(method, given, said):
        if method != "eth_getLogs" or given[0]["toBlock"] != "latest":
            return said
        (log,) = said["result"]
        return {**said, "result": [log, {**log, "blockHash": "0x" + "12" * 32, "logIndex": "0x9"}]}

    asked = batches(monkeypatch, node, doubled)
    assert names_in(chain.sync()) == ["Joined"]
    assert asked == [WITH_LOGS, A_HEADER, WITH_LOGS]


@pytest.fixture
def replaced(chain, node, members):
    """A chain of which the block that was read last is replaced, and has descendants."""
    before = node.snapshot()
    chain.send(members[1], JOIN)
    chain.sync()
    node.restore(before)
    chain.send(members[2], JOIN)
    chain.mine(3)
    return chain


def test_a_block_that_was_read_and_replaced_is_noticed_by_its_descendants(replaced):
    with pytest.raises(NodeError, match="were replaced"):
        replaced.sync()


def test_nothing_is_sent_where_the_block_read_last_was_replaced(replaced, members):
    nonce = members[3].nonce

    with pytest.raises(NodeError, match="were replaced"):
        replaced.post(members[3], JOIN, nonce)
    assert members[3].nonce == nonce


def test_a_node_on_another_chain_ends_the_program(chain, node):
    node._make_request("anvil_setChainId", [77])
    try:
        chain.mine(1)
        with pytest.raises(UserError, match="the node is on chain 77 now"):
            chain.sync()
    finally:
        node._make_request("anvil_setChainId", [chain._followed.deployment.chain_id])


@pytest.mark.parametrize("refusal", [{"error": {"code": -32000, "message": "no"}}, {"result": "0x"}], ids=["no", "0x"])
def test_a_node_that_gives_no_digest_is_asked_for_headers_and_views(
    chain, node, members, refusal, monkeypatch, is_glancing
):
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
    assert asked.count(WITH_LOGS) == TRIES * (1 + is_glancing)
    assert {"eth_getLogs", "eth_getBlockByNumber"} in asked


@glancing(True)
def test_a_node_that_runs_programs_in_blocks_named_by_hash_alone_is_soon_asked_so_at_once(
    chain, node, members, monkeypatch
):
    def refuse(method, given, said):
        is_refused = is_program(method, given) and given[1] == "latest"
        return {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no"}} if is_refused else said

    asked = batches(monkeypatch, node, refuse)
    for member in members[1:]:
        chain.send(member, JOIN)
        assert [log.event.worker for log in chain.sync()] == [member.address]

    assert len(members[1:]) > TRIES
    assert asked == TRIES * [WITH_LOGS, A_HEADER, WITH_LOGS] + (len(members) - 1 - TRIES) * [A_HEADER, WITH_LOGS]


@glancing(True)
def test_who_is_refused_now_and_then_asks_on(chain, node, members, monkeypatch):
    refused = []

    def refuse(method, given, said):
        if is_program(method, given) and given[1] == "latest":
            refused.append(len(refused) % TRIES < TRIES - 1)
            return {"jsonrpc": "2.0", "id": 1, "error": {"code": 1, "message": "no"}} if refused[-1] else said
        return said

    asked = batches(monkeypatch, node, refuse)
    for member in [*members[1:], *members[1:]]:
        chain.send(member, Call("WorkerRegistry", "leave") if member.address in chain.ledger.pool.members else JOIN)
        asked.clear()
        chain.sync()
    assert len(refused) == 2 * len(members[1:]) > 2 * TRIES


@glancing(True)
def test_who_reads_anew_begins_with_a_header(chain, node, members, monkeypatch):
    chain.send(members[1], JOIN)
    asked = batches(monkeypatch, node)
    chain.sync(anew=True)
    assert asked[0] == A_HEADER


def test_nothing_is_sent_where_the_node_does_not_know_the_block_read_last(chain, node, members, monkeypatch):
    chain.send(members[1], JOIN)
    chain.sync()
    request = node.web3.manager.request_blocking
    monkeypatch.setattr(
        node.web3.manager,
        "request_blocking",
        lambda method, *others: None if method == "eth_getBlockByNumber" else request(method, *others),
    )
    with pytest.raises(NodeError, match=f"does not know block {chain.read_to} any more"):
        chain._followed.history.require_unchanged()


def test_a_block_of_long_ago_that_the_node_does_not_know_is_no_reset(deployment, node, monkeypatch):
    place = Bookmark(node, deployment)
    for block in (200, 200 + DEEPEST):
        place.put(block, {block: block.to_bytes(32, "big")})
    place.require_no_reset()
    place.put(200 + DEEPEST, {200 + DEEPEST: bytes(32)})
    monkeypatch.setattr(place, "hash_of", lambda _block: b"another")
    with pytest.raises(UserError, match="block 200 is another one than it was long ago"):
        place.require_no_reset()


def test_a_node_that_gives_digests_no_longer_is_asked_for_views(chain, node, monkeypatch):
    chain.mine(2)
    chain.sync()
    history = chain._followed.history
    tally = history._selection.tally(history.ledger, [])
    refuse_programs(monkeypatch, node)

    history._witness.require_all(tally, chain.height)
    tally.members += 1
    with pytest.raises(NodeError, match="leaves out events"):
        history._witness.require_all(tally, chain.height)


def test_of_a_block_long_ago_no_program_knows_the_hash_and_its_header_tells(chain, node, members, monkeypatch):
    node._make_request("anvil_mine", [hex(FARTHEST + 1)])
    chain.send(members[1], JOIN)
    asked = batches(monkeypatch, node)
    assert names_in(chain.sync()) == ["Joined"]
    assert A_HEADER in asked
    assert chain.read_to == chain.height
