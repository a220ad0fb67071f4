"""What is kept of a history saves questions, and is never believed where it is damaged or the chain says otherwise."""

import sqlite3
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.log_store import LogStore, Part, kept_logs
from mlchain.chain.node_errors import NodeError
from mlchain.chain.past import Past, ignore
from mlchain.chain.raw_logs import RawLog
from mlchain.protocol.calls import Call
from mlchain.protocol.pool import MAX_SNAPSHOT_AGE
from tests.chain.log_answers import answer_logs
from tests.contracts.chain_control import rollback
from tests.contracts.protocol_steps import STAKE

JOIN = Call("WorkerRegistry", "join", value=STAKE)
HASH = bytes(range(32))
LOG = RawLog(bytes(20), HASH, b"data", 5, 0, 1_000, HASH)
NUMBERS = st.integers(0, 2**63)
LOGS = st.builds(
    RawLog,
    st.binary(min_size=20, max_size=20),
    st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(b"".join),
    st.binary(max_size=200),
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.binary(min_size=32, max_size=32),
)


@given(st.lists(st.lists(LOGS, max_size=4), max_size=5))
def test_what_is_kept_comes_back(parts):
    store = LogStore()
    kept = [Part(10 * number, 10 * number + 9, HASH, logs) for number, logs in enumerate(parts)]
    for part in kept:
        store.keep(part)

    assert list(store.parts(0)) == kept
    assert store.ends(0) == [(part.first, part.last, part.hash) for part in reversed(kept)]


@pytest.fixture
def path(tmp_path):
    """A file with three parts."""
    store = LogStore(tmp_path / "logs.sqlite", "ours")
    for first in (0, 10, 20):
        store.keep(Part(first, first + 9, HASH, [LOG]))
    return tmp_path / "logs.sqlite"


def firsts(path, of="ours"):
    """Return the first blocks of the parts that are believed."""
    return [part.first for part in LogStore(path, of).parts(0)]


@pytest.mark.parametrize("column", ["last", "hash", "logs", "checksum"])
def test_a_part_that_was_changed_is_dropped_with_all_after_it(path, column):
    changed = {"last": 18}.get(column, b"something else")
    with sqlite3.connect(path) as file:
        file.execute(f"UPDATE parts SET {column} = ? WHERE first = 10", (changed,))

    assert firsts(path) == [0]


def test_parts_after_a_gap_are_dropped(path):
    with sqlite3.connect(path) as file:
        file.execute("DELETE FROM parts WHERE first = 10")

    assert firsts(path) == [0]


def test_the_file_of_another_history_is_not_believed(path):
    assert firsts(path, "theirs") == []


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(200), None])
def test_a_file_that_is_damaged_or_none_of_ours_is_begun_anew(path, content):
    path.write_bytes(path.read_bytes()[:5_000] if content is None else content)

    assert firsts(path) == []
    LogStore(path, "ours").keep(Part(0, 9, HASH, [LOG]))
    assert firsts(path) == [0]


@pytest.mark.parametrize("change", ["PRAGMA user_version = 2", "ALTER TABLE parts RENAME COLUMN hash TO root"])
def test_a_file_of_another_format_is_begun_anew(path, change):
    with sqlite3.connect(path) as file:
        file.execute(change)

    assert firsts(path) == []


def test_a_file_that_another_process_has_locked_is_left_alone(path, monkeypatch):
    monkeypatch.setattr("mlchain.chain.log_store.PATIENCE", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    store = LogStore(path, "ours")
    store.keep(Part(0, 9, HASH, [LOG]))

    assert [part.first for part in store.parts(0)] == [0]
    other.execute("ROLLBACK")
    assert firsts(path) == [0, 10, 20]


def test_where_no_file_can_be_logs_are_kept_for_as_long_as_the_program_runs(tmp_path):
    (tmp_path / "file").write_text("in the way of a folder")
    store = LogStore(tmp_path / "file" / "logs.sqlite", "ours")
    store.keep(Part(0, 9, HASH, [LOG]))

    assert [part.first for part in store.parts(0)] == [0]


def test_two_processes_that_keep_the_same_blocks_do_not_mix_them(path):
    store = LogStore(path, "ours")
    store.keep(Part(20, 34, HASH, []))
    store.keep(Part(35, 40, HASH, []))

    assert firsts(path) == [0, 10, 20]


@pytest.fixture(scope="module")
def deployment(server):
    return deploy(Chain(), server, Parameters()).deployment


@pytest.fixture
def asked(deployment, tmp_path, monkeypatch):
    """Return the ranges of blocks whose logs were asked for; what is kept is kept in a folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ranges, read = [], Past._read
    monkeypatch.setattr(Past, "_read", lambda it, *blocks: ranges.append(blocks) or read(it, *blocks))
    return ranges


@pytest.fixture
def chain(deployment):
    """A chain to send to."""
    chain = Chain()
    chain.follow(deployment)
    return chain


def names(deployment):
    """Return the events that somebody reads who has just started."""
    chain = Chain()
    chain.follow_kept(deployment, ignore)
    logs = chain.sync()
    whole = Chain()
    whole.follow(deployment)
    assert logs == whole.sync()
    assert chain.ledger.pool.members == whole.ledger.pool.members
    return [log.event.worker for log in logs]


def test_the_second_time_only_what_is_new_is_asked_for(chain, deployment, members, asked):
    chain.send(members[0], JOIN)
    assert names(deployment) == [members[0].address]
    height = chain.height
    chain.send(members[1], JOIN)

    assert names(deployment) == [members[0].address, members[1].address]
    assert asked == [(deployment.block, height), (height + 1, height + 1)]
    asked.clear()
    assert len(names(deployment)) == 2
    assert asked == []


def test_what_was_replaced_on_the_chain_is_forgotten(chain, deployment, members, asked):
    chain.send(members[0], JOIN)
    names(deployment)
    with rollback():
        chain.send(members[1], JOIN)
        names(deployment)
    chain.send(members[2], JOIN)
    chain.mine(1)

    assert names(deployment) == [members[0].address, members[2].address]
    assert asked[-1][0] == asked[1][0], "what was kept before is still good"


def test_blocks_that_are_replaced_while_they_are_read_are_not_kept(chain, deployment, members, asked, monkeypatch):
    chain.send(members[0], JOIN)
    names(deployment)
    chain.send(members[1], JOIN)
    hashes = iter(range(99))
    with monkeypatch.context() as patch:
        patch.setattr(Past, "_hash_of", lambda _past, _block: b"%d" % next(hashes))
        reader = Chain()
        reader.follow_kept(deployment, ignore)
        with pytest.raises(NodeError, match="were replaced"):
            reader.sync()

    assert list(kept_logs(deployment).parts(deployment.block)) == []


def test_what_is_kept_of_another_deployment_is_not_mixed_in(chain, deployment, members, server, asked):
    chain.send(members[0], JOIN)
    other = deploy(Chain(), server, Parameters()).deployment

    assert names(replace(other, block=deployment.block)) == []
    assert names(deployment) == [members[0].address]


def test_what_a_node_has_left_out_is_not_kept(chain, deployment, members, asked, monkeypatch):
    chain.send(members[0], JOIN)
    with monkeypatch.context() as patch:
        patch.setattr(Chain, "is_own", False)
        answer_logs(patch, chain._provider, lambda _length, _ask: [])
        reader = Chain()
        reader.follow_kept(deployment, ignore)
        with pytest.raises(NodeError, match="leaves out events"):
            reader.sync()

    assert list(kept_logs(deployment).parts(deployment.block)) == []
    assert names(deployment) == [members[0].address]


def test_what_was_kept_is_read_again_when_it_may_lack_what_no_contract_counts(
    chain, deployment, members, asked, monkeypatch
):
    owner = members[0]
    for call in (JOIN, Call("WorkerRegistry", "leave")):
        chain.send(owner, call)
    chain.mine(MAX_SNAPSHOT_AGE)
    names(deployment)
    chain.send(owner, Call("WorkerRegistry", "withdrawStake"))
    with monkeypatch.context() as patch:
        answer_logs(patch, chain._provider, lambda _length, _ask: [])
        reader = Chain()
        reader.follow_kept(deployment, ignore)
        reader.sync()

    reader = Chain()
    reader.follow_kept(deployment, ignore)
    reader.sync()
    assert reader.ledger.account(owner.address).stake == STAKE
    reader.sync(anew=True)
    assert reader.ledger.account(owner.address).stake == 0
