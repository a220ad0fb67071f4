"""A ledger from the newest round is, in all that server and workers decide from, the one from the beginning."""

from dataclasses import replace
from itertools import accumulate

import pytest
from ape import networks
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.chain import selection
from mlchain.chain.archive import Archive
from mlchain.chain.checkpoint import Checkpoint
from mlchain.chain.connection import Chain
from mlchain.chain.node_errors import NodeError
from mlchain.chain.provider import connected_to, connected_to_new_embedded_chain
from mlchain.errors import UserError
from mlchain.protocol.events import Committed, JobDeployed, SeatSettled
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.model_events import VersionAnnounced
from mlchain.simulation.options import Options
from mlchain.simulation.simulator import Simulation, open_chain
from tests.chain.log_answers import keep_logs

BEHAVIOURS = ["colluding", "silent", "vanishing", "copying"]


def nothing(*_):
    """Say nothing, report nothing."""


UNREAD = {"commitments": {}, "candidates": {}, "ruling": None, "decision": None, "all_committed_at": None}


def concerning(current, owner, server, is_partly_read):
    """Return a round with what `owner` has to know of it: of other workers' jobs no more than who holds which seat.

    Where some settlements are left unread, it knows those of its own seat.
    """
    jobs = [job if owner == server or owner in job.committee else replace(job, **UNREAD) for job in current.jobs]
    if is_partly_read:
        own = [{seat: it for seat, it in job.settlements.items() if job.committee[seat] == owner} for job in jobs]
        jobs = [replace(job, settlements=settled) for job, settled in zip(jobs, own, strict=True)]
    return replace(current, jobs=jobs, has_unread_seats=is_partly_read)


def decisive(ledger, owner, since, is_partly_read=False):
    """Return everything of a ledger that `owner` may decide from; the past of the pool from block `since` on."""
    last = concerning(ledger.rounds[-1], owner, ledger.server, is_partly_read) if ledger.rounds else None
    newest = ledger.latest_version
    pool, size = ledger.pool, max(len(ledger.pool.members), last.pool_size if last else 0)
    return {
        "pool": [pool.members, owner in pool],
        "sizes": [pool.size_at(block) for block in range(since, since + 60)],
        "seats": [[pool.worker_at(at, block) for at in range(size)] for block in range(since, since + 60)],
        "account": ledger.account(owner),
        "rounds": [len(ledger.rounds), last, ledger.open_round is None],
        "jobs": [ledger.round_of(ledger.job_at(job.address)).number for job in (last.jobs if last else [])],
        "task": last and [ledger.task_hash_of(last), ledger.model_of(last), ledger.parent_of(last)],
        "versions": [len(ledger.versions), newest],
        "results": newest and owner == ledger.server and ledger.unmerged_results(newest.number),
        "scheduled": ledger.scheduled,
        "data": list(ledger.data_addresses.items()),
    }


class Doubting(Chain):
    """A chain on the node of somebody else, whose logs are held against what the contracts have counted."""

    is_own = False


class Story:
    """A simulation that was played, and what its logs come to at the end of any block."""

    def __init__(self, options):
        self.run = Simulation(open_chain(0), options, nothing).play()
        self.provider = networks.provider
        keep_logs(self.provider, self.run.view.block)
        self.logs = Archive(self.run.deployment).logs(self.run.view.block)
        self.owners = [self.run.server.address, *(worker.address for worker in self.run.workers)]

    def ledger_at(self, block):
        ledger = Ledger(self.run.server.address)
        for log in self.logs:
            if log.block <= block:
                ledger.fold(log)
        return ledger

    def reader(self, owner):
        """Return the history that an owner reads, of which nothing has been read."""
        chain = Doubting()
        chain.follow_as(owner, self.run.deployment, nothing)
        return chain._followed.history

    def compare(self, owner, blocks):
        """Begin at the first of these blocks and go on to the others; what is decided from is everywhere the same."""
        reader, since = self.reader(owner), None
        for block in blocks:
            reader.advance(block)
            if since is None:
                rounds = reader.ledger.rounds
                since = rounds[-1].snapshot_block if rounds else 0
            last = reader.ledger.rounds.last
            is_partly_read = last is not None and last.has_unread_seats
            assert owner in reader.ledger.pool or last is None or last.is_settled or not is_partly_read
            expected = decisive(self.ledger_at(block), owner, since, is_partly_read)
            assert decisive(reader.ledger, owner, since, is_partly_read) == expected


@pytest.fixture(
    scope="module", params=[("colluding", 1, 2, "server"), ("silent,vanishing", 2, 1, "none")], ids=lambda it: it[0]
)
def story(request, rolled_back_file):
    behaviour, evil, jobs, referee = request.param
    with connected_to_new_embedded_chain():
        yield Story(Options(4, evil, behaviour, 3, jobs, task="fake", referee=referee, seed=7))


@given(
    share=st.integers(0, 199),
    steps=st.lists(st.integers(1, 30), max_size=3),
    owner=st.integers(0, 4),
    few=st.sampled_from([0, selection.FEW]),
)
@settings(max_examples=max(16, settings.default.max_examples // 4))
def test_a_ledger_from_the_newest_round_is_the_one_from_the_beginning(story, share, steps, owner, few):
    first, last = story.run.deployment.block, story.run.view.block
    begin = first + (last - first) * share // 199
    blocks = [min(last, begin + it) for it in accumulate([0, *steps])]

    with connected_to(story.provider), pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "FEW", few)
        story.compare(story.owners[owner], sorted(set(blocks)))


@pytest.mark.parametrize("owner", [1, 2])  # an honest one, and one that is punished
@pytest.mark.parametrize("story", [("colluding", 1, 2, "server")], indirect=True, ids=["two jobs"])
def test_so_it_is_block_by_block_where_others_are_many(story, owner, monkeypatch):
    monkeypatch.setattr(selection, "FEW", 0)
    last = story.run.view.block
    first = (story.run.deployment.block + last) // 2

    with connected_to(story.provider):
        story.compare(story.owners[owner], range(first, last + 1))


@pytest.mark.slow
@given(
    evil=st.integers(0, 3),
    behaviour=st.sampled_from(BEHAVIOURS),
    jobs=st.integers(1, 2),
    referee=st.sampled_from(["server", "none"]),
    seed=st.integers(0, 99),
    begin=st.integers(0, 9),
    few=st.sampled_from([0, selection.FEW]),
)
@settings(max_examples=20)
def test_so_it_is_whatever_was_played(evil, behaviour, jobs, referee, seed, begin, few):
    with connected_to_new_embedded_chain(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "FEW", few)
        story = Story(Options(4, evil, behaviour, 3, jobs, task="fake", referee=referee, seed=seed))
        last = story.run.view.block
        for owner, start in zip(story.owners, range(story.run.deployment.block + begin, last, last // 5), strict=False):
            story.compare(owner, range(start, last + 1, 4))


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


def test_so_it_is_by_who_reads_all_of_it(played, tmp_path, monkeypatch):
    """A server that compares all versions printed every line of the past."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = []

    run, reader = played, Chain()
    reader.follow_kept(run.deployment, nothing, said.append)

    assert reader.sync() == []
    assert said == [
        f"begins with round {len(run.view.ledger.rounds)}, at block {run.view.block}: "
        "`ape run status` tells of what came before"
    ]
    reader.follow_kept(run.deployment, nothing)
    assert len(reader.sync()) > 10


def test_a_first_block_after_the_first_round_would_hide_losses_and_is_refused(played):
    first = played.view.ledger.rounds[1].snapshot_block

    with pytest.raises(UserError, match="the deployment has events before block"):
        begun(played, played.workers[0].address, block=first)


def test_blocks_that_are_replaced_while_it_begins_are_noticed(played, monkeypatch):
    complete = Checkpoint.complete

    def complete_on_another_chain(checkpoint, ledger, block):
        complete(checkpoint, ledger, block)
        monkeypatch.setattr(reader._followed.history._bookmark, "hash_of", lambda _block: b"another")

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


@pytest.mark.parametrize("event", [JobDeployed, Committed, SeatSettled, VersionAnnounced])
def test_where_logs_are_left_out_nothing_is_begun(story, monkeypatch, event):
    history, last = story.reader(story.owners[1]), story.run.view.block
    block = max(log.block for log in story.logs if isinstance(log.event, event))
    logs_of = history._logs.of_deployment

    def some(*given):
        logs, answers = logs_of(*given)
        return [log for log in logs if not isinstance(log.event().event, event)], answers

    monkeypatch.setattr(history._logs, "of_deployment", some)

    with connected_to(story.provider):
        with pytest.raises(NodeError, match="leaves out events"):
            history.advance(block)
        assert len(history.ledger.rounds) == 0
        monkeypatch.undo()
        history.advance(last)
    assert len(history.ledger.rounds) == 3


def test_a_pool_that_no_committee_was_drawn_from_is_noticed(story, monkeypatch):
    block = next(log.block for log in story.logs if isinstance(log.event, JobDeployed) and log.event.round == 2)
    members = Checkpoint._members
    monkeypatch.setattr(Checkpoint, "_members", lambda *given: [*members(*given)[1:], members(*given)[0]])

    with connected_to(story.provider), pytest.raises(NodeError, match="drawn from another pool"):
        story.reader(story.owners[1]).advance(block)


def test_another_deployment_in_its_place_is_not_begun_with(story, monkeypatch):
    monkeypatch.setattr(Doubting, "genesis", "0x" + bytes(32).hex())

    with connected_to(story.provider), pytest.raises(UserError, match="any more: it is another chain, or was reset"):
        story.reader(story.owners[1]).advance(story.run.view.block)


def test_what_could_not_be_completed_is_begun_again(played, monkeypatch):
    monkeypatch.setattr(Checkpoint, "complete", lambda *_: 1 / 0)
    reader = Chain()
    worker = played.workers[0].address
    reader.follow_as(worker, played.deployment, nothing)

    with pytest.raises(ZeroDivisionError):
        reader.sync()
    monkeypatch.undo()
    reader.sync()
    assert reader.ledger.account(worker) == played.view.ledger.account(worker)
