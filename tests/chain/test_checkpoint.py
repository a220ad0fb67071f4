"""A ledger from the newest round is, in all that server and workers decide from, the one from the beginning."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.chain.checkpoint import Checkpoint
from mlchain.chain.connection import Chain
from mlchain.chain.node_errors import NodeError
from mlchain.chain.provider import connected_to_new_embedded_chain
from mlchain.errors import UserError
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation, open_chain

BEHAVIOURS = ["colluding", "silent", "absent", "copying"]


def nothing(*_):
    """Say nothing, report nothing."""


def decisive(ledger, owner, since):
    """Return everything of a ledger that `owner` may decide from; the past of the pool from block `since` on."""
    last = ledger.rounds[-1] if ledger.rounds else None
    newest = ledger.latest_version
    pool, size = ledger.pool, max(len(ledger.pool.members), last.pool_size if last else 0)
    return {
        "pool": [pool.members, owner in pool],
        "sizes": [pool.size_at(block) for block in range(since, since + 60)],
        "seats": [[pool.worker_at(at, block) for at in range(size)] for block in range(since, since + 60)],
        "account": ledger.account(owner),
        "rounds": [len(ledger.rounds), last, ledger.open_round],
        "jobs": [(ledger.job_at(job.address), ledger.round_of(job)) for job in (last.jobs if last else [])],
        "task": last and [ledger.task_hash_of(last), ledger.model_of(last), ledger.parent_of(last)],
        "versions": [len(ledger.versions), newest, newest and ledger.unmerged_results(newest.number)],
        "scheduled": ledger.scheduled,
        "data": list(ledger.data_addresses.items()),
        "settled in": ledger.last_settlement_block,
    }


class Compared(Simulation):
    """A simulation beside which others begin to read at every second step, from the newest round, and go on."""

    readers: tuple | list = ()
    steps = 0

    def _act(self, actors):
        turns = super()._act(actors)
        whole = self._chain.view()
        owners = [self.run.server.address, *(worker.address for worker in self.run.workers)]
        self.steps += 1
        if self.steps % 2:
            self.readers = [*self.readers[-3:], self._reader(owners[whole.block % len(owners)])]
        for owner, since, reader in self.readers:
            reader.sync()
            assert decisive(reader.ledger, owner, since) == decisive(whole.ledger, owner, since)
        return turns

    def _reader(self, owner):
        reader = Chain()
        reader.follow_as(owner, self.run.deployment, nothing)
        reader.sync()
        rounds = reader.ledger.rounds
        return owner, rounds[-1].snapshot_block if rounds else 0, reader


@given(
    evil=st.integers(0, 3),
    behaviour=st.sampled_from(BEHAVIOURS),
    jobs=st.integers(1, 2),
    referee=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=max(2, settings.default.max_examples // 6))
def test_a_ledger_from_the_newest_round_is_the_one_from_the_beginning(evil, behaviour, jobs, referee, seed):
    options = Options(4, evil, behaviour, 3, jobs, task="fake", referee=referee, seed=seed)
    with connected_to_new_embedded_chain():
        Compared(open_chain(0), options, nothing).play()


@pytest.fixture(scope="module")
def played(rolled_back_file):
    """A simulation of three rounds, on a chain that stays connected."""
    with connected_to_new_embedded_chain():
        yield Simulation(open_chain(0), Options(3, rounds=3, task="fake", seed=7), nothing).play()


def begun(run, owner, say=nothing, **changes):
    """Return what an owner reads of a deployment that was played."""
    reader = Chain()
    reader.follow_as(owner, replace(run.deployment, **changes), say)
    reader.sync()
    return reader


def test_what_came_before_is_passed_over_in_one_line(played):
    lines = []
    reader = begun(played, played.server.address, lines.append)

    assert lines == [f"begins with round 3, at block {reader.height}: `ape run status` tells of what came before"]
    assert len(reader.ledger.rounds) == 3
    assert [current.number for current in reader.ledger.rounds] == [3]
    assert {version.number for version in reader.ledger.versions} <= {2, 3, 4}


def test_a_first_block_after_the_first_round_would_hide_losses_and_is_refused(played):
    first = played.view.ledger.rounds[1].snapshot_block

    with pytest.raises(UserError, match="the deployment has events before block"):
        begun(played, played.workers[0].address, block=first)


def test_blocks_that_are_replaced_while_it_begins_are_noticed(played, monkeypatch):
    complete = Checkpoint.complete

    def complete_on_another_chain(checkpoint, ledger, block):
        complete(checkpoint, ledger, block)
        monkeypatch.setattr(reader._followed.history, "_hash_of", lambda _block: b"another")

    reader = Chain()
    reader.follow_as(played.server.address, played.deployment, nothing)
    monkeypatch.setattr(Checkpoint, "complete", complete_on_another_chain)

    with pytest.raises(NodeError, match="were replaced"):
        reader.sync()
    monkeypatch.undo()
    assert reader.sync() == []
    assert len(reader.ledger.rounds) == 3


@pytest.mark.parametrize("event", ["RoundDeployed", "ChunkPublished"])
def test_a_node_that_hides_what_its_contracts_know_is_not_believed(played, monkeypatch, event):
    find = Checkpoint._find
    monkeypatch.setattr(Checkpoint, "_find", lambda it, *given: [] if given[1] == event else find(it, *given))

    with pytest.raises(NodeError, match="which its contracts know"):
        begun(played, played.server.address)
