"""The ledger and the rules of a job are twins of the contracts: held equal over random rounds, at random times."""

from dataclasses import fields

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from mlchain.chain import logs
from mlchain.protocol.commitments import task_hash
from mlchain.protocol.content import chunk_hashes, content_hash, split
from mlchain.protocol.events import Committed, Event, Log
from mlchain.protocol.ledger import Ledger
from mlchain.protocol.model_events import ModelChunkPublished, VersionAnnounced
from mlchain.protocol.rounds import Job, Round
from mlchain.protocol.terms import RoundTerms
from tests.contracts.chain_control import rollback
from tests.contracts.protocol_steps import MODEL, Committee, decide, deploy_round
from tests.protocol.random_rounds import RandomRounds, compare_registry, follow, record_of

STEPS = 9  # of a round after its commits


@pytest.fixture(scope="module")
def deployment(models, factory, registry, server):
    """The record of what the fixtures have deployed."""
    return record_of(models, factory, registry, server)


@settings(max_examples=settings().max_examples // 5)
@given(seed=st.integers(0, 2**32))
def test_every_step_of_every_round_is_read_as_the_contracts_mean_it(
    deployment, factory, registry, server, members, newcomers, seed
):
    with rollback():
        rounds = RandomRounds(seed, deployment, factory, registry, server, [*members, *newcomers[:2]])
        rounds.deploy()
        rounds.commit()
        for _ in range(STEPS):
            rounds.step()
        rounds.compare_jobs()
        rounds.finish()
        rounds.compare_registry()
        for job in rounds.ledger.rounds[-1].jobs:
            event(job.decision[0].name)


def contents(ledger: Ledger) -> dict:
    """Return everything that a ledger has read."""
    return {
        "members": ledger.pool.members,
        "accounts": {owner: account for owner, account in ledger.accounts.items() if account.stake or account.credit},
        "versions": ledger.versions,
        "rounds": ledger.rounds,
        "money": (ledger.escrow, ledger.burnt, ledger.paid_in, ledger.paid_out, ledger.owed),
    }


@pytest.mark.parametrize("blocks", [1, 3])
def test_read_in_pieces_the_ledger_is_the_same(deployment, factory, registry, server, members, monkeypatch, blocks):
    for _ in range(2):
        (job,) = deploy_round(factory, server)
        committee = Committee.of(job, server, members)
        decide(committee)
        committee.settle(sender=server)
    deploy_round(factory, server, jobs=2, seats=2)
    whole = follow(deployment).view().ledger

    monkeypatch.setattr(logs, "BLOCKS_PER_REQUEST", blocks)

    assert contents(follow(deployment).view().ledger) == contents(whole)
    assert len(whole.rounds) == 3


def test_read_again_and_again_the_ledger_is_the_same(deployment, factory, registry, server, members):
    reader = follow(deployment)
    (job,) = deploy_round(factory, server)
    committee = Committee.of(job, server, members)
    for seat in range(3):
        committee.commit(seat, MODEL)
        assert len(reader.view().ledger.rounds[-1].jobs[0].commitments) == seat + 1

    assert contents(reader.view().ledger) == contents(follow(deployment).view().ledger)


def test_a_request_that_fails_is_made_up_for_by_the_next(deployment, registry, monkeypatch):
    whole = follow(deployment).view().ledger
    monkeypatch.setattr(logs, "BLOCKS_PER_REQUEST", 1)
    reader = follow(deployment)
    find = logs.Logs.of_deployment

    def find_until(reading, first, last, *others):
        if last > 5:
            raise ConnectionError("the node is gone")
        return find(reading, first, last, *others)

    with monkeypatch.context() as patch:
        patch.setattr(logs.Logs, "of_deployment", find_until)
        with pytest.raises(ConnectionError):
            reader.view()

    assert contents(reader.view().ledger) == contents(whole)


def test_a_worker_that_comes_back_is_read_as_a_member_again(deployment, factory, registry, server, members):
    reader = follow(deployment)
    deploy_round(factory, server)
    registry.leave(sender=members[0])
    compare_registry(registry, reader.view().ledger, members)

    registry.join(value=0, sender=members[0])

    compare_registry(registry, reader.view().ledger, members)
    assert reader.view().ledger.pool.members[-1] == members[0].address


def test_a_job_that_nobody_deployed_is_not_read(deployment, factory, registry, server, members):
    (job,) = deploy_round(factory, server)
    ledger = follow(deployment).view().ledger
    before = contents(ledger)
    log = Log(Committed(0, "w", bytes(32)), members[0].address, 9, 0, 9)

    ledger.fold(log)

    assert contents(ledger) == before
    assert job.address == ledger.rounds[-1].jobs[0].address


@given(st.binary(min_size=1, max_size=100_000), st.randoms(use_true_random=False))
def test_a_version_is_complete_with_its_last_chunk_in_whatever_order_they_come(data, random):
    ledger = Ledger("server")
    ledger.fold(Log(VersionAnnounced(1, 0, content_hash(data), len(data)), "models", 1, 0, 1))
    version = ledger.latest_version
    chunks = list(enumerate(split(data)))
    random.shuffle(chunks)

    for index, chunk in chunks:
        assert not version.is_complete
        ledger.fold(Log(ModelChunkPublished(1, index, chunk), "models", 1, 0, 1))

    assert version.is_complete
    assert version.data() == data
    assert len(chunk_hashes(data)) == len(chunks)


def test_the_parent_of_a_round_s_model_is_what_its_jobs_were_deployed_with_once_all_of_it_is_there():
    ledger = Ledger("server")

    def fold(event: Event) -> None:
        ledger.fold(Log(event, "models", 1, 0, 1))

    def announce(version: int) -> None:
        fold(VersionAnnounced(version, version - 1, bytes([version]) * 32, 3))

    def parent_of(version: int, bound: bytes = bytes(32)) -> bytes | None:
        terms = RoundTerms(version, *[1] * (len(fields(RoundTerms)) - 1))
        job = Job("job", 0, task_hash(b"", bytes([version]) * 32, bound, version), terms, 1, ("worker",))
        return ledger.parent_of(Round(1, terms, 0, bytes(32), 1, 1, b"", [job]))

    announce(1)
    announce(2)

    bound = bytes([1]) * 32
    assert [parent_of(1), parent_of(2, bound)] == [None, None]
    fold(ModelChunkPublished(1, 0, b"abc"))
    assert [parent_of(1), parent_of(2, bound)] == [None, b"abc"]
    assert parent_of(2) is None, "it was published whole after the jobs were deployed"
