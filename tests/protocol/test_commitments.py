"""Commitments and terms: the chain and its twin agree, and nothing else opens a commitment."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlchain.protocol.commitments import commitment, task_hash
from mlchain.protocol.content import chunk_hashes, content_hash
from tests.contracts.chain_control import rollback
from tests.contracts.protocol_steps import MODEL, escrow_of, job_at, next_random, schedule_round, terms_of

CHILD = b"the next model"
SIBLING = MODEL[::-1]
TASK = b"a recipe"
HASHES = st.binary(min_size=32, max_size=32)
ADDRESSES = st.binary(min_size=20, max_size=20).map(lambda word: "0x" + word.hex())
TERMS = st.tuples(
    HASHES,
    HASHES,
    *[st.integers(0, 2**bits - 1) | st.just(2**bits - 1) for bits in (32, 8, 40, 32)],
    st.integers(1, 2**16) | st.just(2**16),  # the radix of the draw
    *[st.integers(0, 2**bits - 1) | st.just(2**bits - 1) for bits in (16, 16, 24, 40, 32, 32, 32, 96, 96)],
)


@settings(max_examples=15)
@given(seat=st.integers(0, 2**256 - 1), result_hash=HASHES)
def test_the_chain_and_its_twin_commit_alike(factory, seat, result_hash):
    job = job_at(factory.IMPLEMENTATION())

    expected = commitment(job.address, seat, result_hash)

    assert job.commitmentFor(seat, result_hash) == expected


@given(
    base=st.tuples(ADDRESSES, st.integers(0, 255), HASHES),
    other=st.tuples(ADDRESSES, st.integers(0, 255), HASHES),
    place=st.integers(0, 2),
)
def test_a_commitment_names_one_job_one_seat_and_one_result(base, other, place):
    changed = (*base[:place], other[place], *base[place + 1 :])

    assert (commitment(*changed) == commitment(*base)) == (changed == base)


def jobs_of_version(factory, models, server, version, task):
    """Return the events of the jobs of a round that trains a version."""
    terms = terms_of(jobs=2, seats=1, quorum=1, modelVersion=version)
    schedule_round(factory, server)
    receipt = factory.deployRound(terms, next_random(factory), task, value=escrow_of(terms), sender=server)
    return [event for event in receipt.events if event.event_name == "JobDeployed"]


def add_version(models, server, parent, data, *, whole=True):
    models.announce(parent, content_hash(data), len(data), sender=server)
    if whole:
        models.publish(models.latestVersion(), 0, chunk_hashes(data), data, sender=server)


@settings(max_examples=4)
@given(task=st.binary(max_size=100))
def test_the_chain_and_its_twin_hash_tasks_alike(factory, models, registry, server, task):
    with rollback():
        add_version(models, server, 1, SIBLING)
        jobs = jobs_of_version(factory, models, server, 2, task)

    assert [event.taskHash for event in jobs] == [task_hash(task, content_hash(SIBLING), content_hash(MODEL), 2)] * 2


@pytest.mark.parametrize(("parent", "whole"), [(CHILD, True), (SIBLING, False)], ids=["of another size", "withheld"])
def test_nothing_follows_from_a_parent_that_not_everybody_can_use(factory, models, registry, server, parent, whole):
    add_version(models, server, 1, parent, whole=whole)
    add_version(models, server, 2, MODEL)

    jobs = jobs_of_version(factory, models, server, 3, TASK)

    assert [event.taskHash for event in jobs] == [task_hash(TASK, content_hash(MODEL), bytes(32), 3)] * 2


@given(
    base=st.tuples(st.binary(max_size=40), HASHES, HASHES, st.integers(1, 99)),
    other=st.tuples(st.binary(max_size=40), HASHES, HASHES, st.integers(1, 99)),
    place=st.integers(0, 3),
)
def test_a_task_hash_names_one_recipe_one_model_one_parent_and_one_version(base, other, place):
    changed = (*base[:place], other[place], *base[place + 1 :])

    assert (task_hash(*changed) == task_hash(*base)) == (changed == base)


@settings(max_examples=20)
@given(TERMS)
def test_terms_come_out_of_their_four_words_as_they_went_in(libraries, terms):
    assert libraries.packed(terms) == list(terms)
