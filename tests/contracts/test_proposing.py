import pytest

from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import reverts, time_of_next_block
from tests.contracts.protocol_steps import JUNK, RIGHT, WORSE, WRONG, referee_end
from tests.reference.tables import Phase


def test_a_proposal_counts_the_commitments_that_open_to_it(committee, job):
    committee.commit_all(RIGHT, WRONG, RIGHT)

    receipt = committee.propose(2, RIGHT)

    event = job.Proposed(resultHash=content_hash(RIGHT), proposer=committee.holders[2], votes=2)
    assert receipt.events == [event]
    assert job.candidateOf(content_hash(RIGHT)) == [2, 0, True]
    assert job.leader() == content_hash(RIGHT)
    assert job.progress().candidates == 1


def test_a_candidate_without_a_quorum_does_not_lead(committee, job):
    committee.commit_all(RIGHT, WRONG, WRONG)
    committee.propose(0, RIGHT)
    assert job.leader() == bytes(32)

    committee.propose(1, WRONG)

    assert job.leader() == content_hash(WRONG)
    assert job.progress().candidates == 2


def test_a_later_candidate_without_a_quorum_does_not_take_the_lead(committee, job):
    committee.commit_all(RIGHT, WRONG, RIGHT)
    committee.propose(0, RIGHT)

    committee.propose(1, WRONG)

    assert job.leader() == content_hash(RIGHT)


def test_a_result_is_proposed_once(committee, job):
    committee.commit_all(RIGHT, RIGHT, RIGHT)
    committee.propose(0, RIGHT)

    with reverts(job.AlreadyProposed, resultHash=content_hash(RIGHT)):
        committee.propose(1, RIGHT)
    with reverts(job.AlreadyProposed, resultHash=content_hash(RIGHT)):
        committee.propose_any(RIGHT)


def test_a_seat_proposes_only_what_its_own_commitment_opens_to(committee, job):
    committee.commit_all(RIGHT, WRONG, JUNK)

    with reverts(job.DoesNotOpen, seat=1, resultHash=content_hash(RIGHT)):
        committee.propose(1, RIGHT)


def test_a_seat_that_did_not_commit_proposes_nothing(committee, job):
    committee.commit_all(RIGHT, RIGHT)
    time_of_next_block(job.commitEnd())

    with reverts(job.DoesNotOpen, seat=2, resultHash=content_hash(RIGHT)):
        committee.propose(2, RIGHT)


@pytest.mark.parametrize("role", ["another holder", "bystander", "stranger"])
def test_anybody_proposes_what_a_seat_has_committed_to(committee, job, bystander, stranger, role):
    caller = {"another holder": committee.holders[1], "bystander": bystander, "stranger": stranger}[role]
    committee.commit_all(RIGHT, WRONG, RIGHT)

    receipt = job.propose(0, content_hash(RIGHT), sender=caller)

    assert receipt.events == [job.Proposed(resultHash=content_hash(RIGHT), proposer=caller, votes=2)]


def test_nobody_but_the_referee_proposes_what_no_seat_has_committed_to(committee, job, stranger):
    committee.commit_all(RIGHT, RIGHT, RIGHT)

    for seat in range(4):  # the last one does not exist
        with reverts(job.DoesNotOpen, seat=seat, resultHash=content_hash(WRONG)):
            job.propose(seat, content_hash(WRONG), sender=stranger)


def test_the_hash_zero_is_no_candidate_while_nobody_leads(committee, job):
    committee.commit_all(RIGHT, WRONG, WORSE)
    committee.propose(0, RIGHT)

    assert job.candidateOf(bytes(32)) == [0, 0, False]
    assert job.candidateOf(content_hash(RIGHT)) == [1, 0, True]


def test_nobody_proposes_in_the_commit_phase(committee, job):
    committee.commit_all(RIGHT, RIGHT)
    time_of_next_block(job.commitEnd() - 1)

    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.PROPOSE):
        committee.propose(0, RIGHT)


def test_the_referee_proposes_nothing_in_the_commit_phase(committee, job):
    committee.commit_all(RIGHT, RIGHT)

    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.propose_any(RIGHT)


def test_seats_propose_until_the_publish_window_ends_and_no_longer(committee, job):
    committee.commit_all(RIGHT, WRONG, WORSE)
    end = job.commitEnd() + job.terms().publishWindow
    time_of_next_block(end - 1)
    committee.propose(0, RIGHT)

    time_of_next_block(end)

    with reverts(job.WrongPhase, actual=Phase.REFEREE, first=Phase.PROPOSE, last=Phase.PROPOSE):
        committee.propose(1, WRONG)


def test_the_referee_proposes_a_result_that_no_seat_has_until_its_window_ends(committee, job, server):
    committee.commit_all(WRONG, WRONG, WRONG)
    end = referee_end(job)
    time_of_next_block(end - 1)

    receipt = committee.propose_any(RIGHT)

    assert receipt.events == [job.Proposed(resultHash=content_hash(RIGHT), proposer=server, votes=0)]
    time_of_next_block(end)
    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.propose_any(WORSE)


def test_nobody_proposes_to_a_decided_job(committee, job):
    committee.commit_all(RIGHT, WRONG, WORSE)
    committee.job.ruleVoid(sender=committee.referee)

    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.PROPOSE):
        committee.propose(0, RIGHT)
    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.propose_any(RIGHT)


@pytest.mark.parametrize("role", ["holder", "bystander", "stranger"])
def test_only_the_referee_proposes_any_result(committee, job, bystander, stranger, role):
    caller = {"holder": committee.holders[0], "bystander": bystander, "stranger": stranger}[role]
    committee.commit_all(RIGHT, RIGHT, RIGHT)

    with reverts(job.NotTheReferee, caller=caller):
        job.proposeAny(content_hash(RIGHT), sender=caller)
