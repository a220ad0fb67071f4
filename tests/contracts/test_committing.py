import pytest

from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import move_to, now, reverts, time_of_next_block
from tests.contracts.protocol_steps import JUNK, RIGHT, WRONG
from tests.reference.tables import Phase


def test_a_holder_commits_with_one_transaction(committee, job):
    receipt = committee.commit(1, RIGHT)

    commitment = committee.commitment(1, RIGHT)
    assert receipt.events == [job.Committed(seat=1, worker=committee.holders[1], commitment=commitment)]
    assert job.commitmentOf(1) == commitment
    assert job.progress().commits == 1
    assert job.commitEnd() == job.terms().commitDeadline
    assert job.phase() == Phase.COMMIT


def test_the_last_commit_ends_the_phase(committee, job):
    committee.commit_all(RIGHT, WRONG, None)

    committee.commit(2, JUNK)

    assert job.phase() == Phase.PROPOSE
    assert job.commitEnd() == job.progress().allCommittedAt == now()


def test_a_seat_cannot_commit_twice(committee, job):
    committee.commit(0, RIGHT)

    with reverts(job.AlreadyCommitted, seat=0):
        committee.commit(0, WRONG)


def test_a_commitment_is_never_zero(committee, job):
    with reverts(job.EmptyCommitment):
        job.commit(0, bytes(32), sender=committee.holders[0])


def test_nobody_commits_for_another(committee, job, bystander, server, stranger):
    for caller in [committee.holders[1], bystander, server, stranger]:
        with reverts(job.NotTheHolder, caller=caller, seat=0):
            job.commit(0, committee.commitment(0, RIGHT), sender=caller)


@pytest.mark.parametrize("seat", [3, 2**256 - 1])
def test_a_seat_that_does_not_exist_cannot_commit(committee, job, seat):
    with reverts(job.UnknownSeat, seat=seat, seats=3):
        job.commit(seat, committee.commitment(0, RIGHT), sender=committee.holders[0])


def test_a_commit_one_second_before_the_deadline_is_in_time(committee, job):
    time_of_next_block(job.commitEnd() - 1)

    committee.commit(0, RIGHT)

    assert job.phase() == Phase.COMMIT


def test_a_commit_at_the_deadline_is_late(committee, job):
    deadline = job.commitEnd()
    time_of_next_block(deadline)

    with reverts(job.WrongPhase, actual=Phase.PROPOSE, first=Phase.COMMIT, last=Phase.COMMIT):
        committee.commit(0, RIGHT)


def test_the_commit_phase_ends_at_the_deadline_and_not_a_second_before(job):
    deadline = job.commitEnd()

    move_to(deadline - 1)
    assert job.phase() == Phase.COMMIT

    move_to(deadline)
    assert job.phase() == Phase.PROPOSE
    assert job.commitEnd() == deadline


def test_nobody_commits_in_any_later_phase(committee, job):
    terms = job.terms()
    committee.commit_all(RIGHT, WRONG)
    end = job.commitEnd()
    for delay, phase in [
        (0, Phase.PROPOSE),
        (terms.publishWindow, Phase.REFEREE),
        (terms.publishWindow + terms.refereeWindow, Phase.DECIDED),
    ]:
        time_of_next_block(end + delay)

        with reverts(job.WrongPhase, actual=phase, first=Phase.COMMIT, last=Phase.COMMIT):
            committee.commit(2, RIGHT)


def test_the_chain_and_its_twin_agree_on_a_commitment(committee, job):
    assert job.commitmentFor(2, content_hash(RIGHT)) == committee.commitment(2, RIGHT)
