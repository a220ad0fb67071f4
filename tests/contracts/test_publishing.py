import pytest

from mlchain.protocol.content import CHUNK_SIZE, chunk_hashes, content_hash
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.protocol_steps import RIGHT, WORSE, WRONG, Committee, chunk_of, deploy_round, referee_end
from tests.reference.tables import Outcome, Phase

LARGE = bytes(CHUNK_SIZE) + b"\x01" * CHUNK_SIZE + b"tail"


@pytest.fixture(scope="module")
def committee(factory, registry, server, members):
    """A committee whose result has three chunks."""
    (job,) = deploy_round(factory, server, resultSize=len(LARGE), challengeWindow=60)
    return Committee.of(job, server, members)


@pytest.fixture
def proposed(committee):
    """The committee after all have committed to the large result and the first seat has proposed it."""
    committee.commit_all(LARGE, LARGE, LARGE)
    committee.propose(0, LARGE)
    return committee


def test_seats_and_referee_publish_chunks_in_any_order(proposed, job, server):
    first, second, _ = proposed.holders

    receipts = [proposed.publish(1, LARGE, 2), proposed.publish(0, LARGE, 0)]
    receipts.append(proposed.publish_unpaid(LARGE, 1))

    for receipt, publisher, index in zip(receipts, [second, first, server], [2, 0, 1], strict=True):
        chunk = chunk_of(LARGE, index)[-1]
        assert receipt.events == [
            job.ChunkPublished(resultHash=content_hash(LARGE), index=index, publisher=publisher, chunk=chunk)
        ]
    assert [job.publisherOf(content_hash(LARGE), index) for index in range(3)] == [1, 4, 2]
    assert job.candidateOf(content_hash(LARGE)) == [3, 3, True]


def test_a_chunk_is_published_once(proposed, job):
    proposed.publish(0, LARGE, 1)

    with reverts(job.AlreadyPublished, resultHash=content_hash(LARGE), index=1):
        proposed.publish(1, LARGE, 1)
    with reverts(job.AlreadyPublished, resultHash=content_hash(LARGE), index=1):
        proposed.publish_unpaid(LARGE, 1)


def test_only_what_is_proposed_is_published(committee, job):
    committee.commit_all(LARGE, LARGE, LARGE)

    with reverts(job.NotProposed, resultHash=content_hash(LARGE)):
        committee.publish(0, LARGE)
    with reverts(job.NotProposed, resultHash=content_hash(LARGE)):
        committee.publish_unpaid(LARGE)


def test_a_seat_publishes_only_what_its_own_commitment_opens_to(committee, job):
    committee.commit_all(LARGE, LARGE, WRONG)
    committee.propose(0, LARGE)

    with reverts(job.DoesNotOpen, seat=2, resultHash=content_hash(LARGE)):
        committee.publish(2, LARGE)


def test_nobody_publishes_for_another(proposed, job, server, stranger, members):
    outsiders = [member for member in members if member not in proposed.holders]

    for caller in [proposed.holders[1], *outsiders, server, stranger]:
        with reverts(job.NotTheHolder, caller=caller, seat=0):
            job.publish(0, *chunk_of(LARGE, 0), sender=caller)


def test_a_seat_that_does_not_exist_cannot_publish(proposed, job):
    with reverts(job.UnknownSeat, seat=3, seats=3):
        job.publish(3, *chunk_of(LARGE, 0), sender=proposed.holders[0])


def test_only_the_referee_publishes_unpaid(proposed, job, stranger):
    for caller in [proposed.holders[0], stranger]:
        with reverts(job.NotTheReferee, caller=caller):
            job.publishUnpaid(*chunk_of(LARGE, 0), sender=caller)


def test_nobody_publishes_in_the_commit_phase(committee, job):
    committee.commit_all(LARGE, LARGE)

    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.publish(0, LARGE)
    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.publish_unpaid(LARGE)


def test_publishing_goes_on_until_the_referees_window_ends(proposed, job):
    end = referee_end(job)
    time_of_next_block(end - 1)
    proposed.publish(0, LARGE, 0)

    time_of_next_block(end)

    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        proposed.publish(0, LARGE, 1)


def test_nothing_is_published_after_the_decision(committee, job):
    committee.commit_all(LARGE, LARGE, WRONG)
    committee.show(0, LARGE)
    committee.propose(2, WRONG)
    committee.rule(LARGE)

    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.publish(2, WRONG)
    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.publish_unpaid(WRONG)


def test_a_list_of_another_length_than_the_results_is_refused(committee, job):
    longer = LARGE + bytes(CHUNK_SIZE)
    committee.commit_all(longer, longer, WORSE)
    committee.propose(0, longer)
    committee.propose(2, WORSE)

    with reverts(job.WrongChunkCount, actual=4, expected=3):
        committee.publish(0, longer)
    with reverts(job.WrongChunkCount, actual=1, expected=3):
        committee.publish(2, WORSE)


def test_a_list_that_does_not_hash_to_the_candidate_is_refused(proposed, job):
    result_hash, index, hashes, chunk = chunk_of(LARGE, 0)
    forged = [*hashes[:2], hashes[0]]
    listed = content_hash(LARGE[: 2 * CHUNK_SIZE] + bytes(CHUNK_SIZE))

    with reverts(job.WrongChunkHashes, actual=listed, expected=result_hash):
        job.publish(0, result_hash, index, forged, chunk, sender=proposed.holders[0])


def test_a_chunk_that_does_not_exist_is_refused(proposed, job):
    result_hash, _, hashes, chunk = chunk_of(LARGE, 2)

    with reverts(job.UnknownChunk, index=3, count=3):
        job.publish(0, result_hash, 3, hashes, chunk, sender=proposed.holders[0])


@pytest.mark.parametrize(("index", "length"), [(0, CHUNK_SIZE - 1), (2, 3), (2, 5)])
def test_a_chunk_of_another_length_is_refused(proposed, job, index, length):
    result_hash, _, hashes, _ = chunk_of(LARGE, index)
    expected = 4 if index == 2 else CHUNK_SIZE

    with reverts(job.WrongChunkLength, actual=length, expected=expected):
        job.publish(0, result_hash, index, hashes, bytes(length), sender=proposed.holders[0])


def test_other_bytes_in_a_right_list_are_refused(proposed, job):
    result_hash, index, hashes, _ = chunk_of(LARGE, 2)

    with reverts(job.WrongChunk, actual=chunk_hashes(b"liat")[0], expected=hashes[2]):
        job.publish(0, result_hash, index, hashes, b"liat", sender=proposed.holders[0])


def test_a_candidate_that_is_too_short_for_the_job_is_never_complete(committee, job):
    committee.commit_all(RIGHT, RIGHT, RIGHT)
    committee.propose(0, RIGHT)

    with reverts(job.WrongChunkCount, actual=1, expected=3):
        committee.publish(0, RIGHT)
    with reverts(job.NotComplete, resultHash=content_hash(RIGHT)):
        committee.rule(RIGHT)


def test_an_answer_stands_only_when_its_last_chunk_is_published(proposed, job):
    for index in [2, 0]:
        proposed.publish(0, LARGE, index)
    move_to(job.commitEnd() + job.terms().challengeWindow)
    assert proposed.outcome() == (Outcome.UNDECIDED, bytes(32))

    proposed.publish(1, LARGE, 1)

    assert proposed.outcome() == (Outcome.UNANIMOUS, content_hash(LARGE))
