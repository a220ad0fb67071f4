"""The outcome, line by line of its table, at the very second at which each line begins to hold."""

import pytest

from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.protocol_steps import JUNK, RIGHT, WORSE, WRONG, Committee, deploy_round
from tests.reference.tables import Outcome, Phase

UNDECIDED = (Outcome.UNDECIDED, bytes(32))
CHALLENGE_WINDOW = 600


@pytest.fixture(scope="module")
def committee(factory, registry, server, members):
    """Five seats, a quorum of three and an audit."""
    (job,) = deploy_round(factory, server, seats=5, quorum=3, challengeWindow=CHALLENGE_WINDOW)
    return Committee.of(job, server, members)


@pytest.fixture
def ends(job):
    """The ends of audit, publish window and referee's window; to be asked for once the commit phase is over."""

    def ends():
        terms = job.terms()
        start = job.commitEnd()
        publish_end = start + terms.publishWindow
        return start + terms.challengeWindow, publish_end, publish_end + terms.refereeWindow

    return ends


def test_nothing_is_decided_before_the_commit_phase_ends(committee, job):
    assert committee.outcome() == UNDECIDED

    committee.commit_all(RIGHT, RIGHT, RIGHT, RIGHT)

    assert committee.outcome() == UNDECIDED
    assert job.phase() == Phase.COMMIT


def test_a_unanimous_answer_stands_when_the_audit_ends(committee, job, ends):
    committee.commit_all(*[RIGHT] * 5)
    committee.show(0, RIGHT)
    challenge_end, _, _ = ends()

    move_to(challenge_end - 1)
    assert committee.outcome() == UNDECIDED
    assert job.phase() == Phase.PROPOSE

    move_to(challenge_end)
    assert committee.outcome() == (Outcome.UNANIMOUS, content_hash(RIGHT))
    assert job.phase() == Phase.DECIDED


def test_silent_seats_do_not_break_unanimity(committee, job, ends):
    committee.commit_all(None, RIGHT, RIGHT, None, RIGHT)
    time_of_next_block(job.commitEnd())
    committee.show(1, RIGHT)
    challenge_end, _, _ = ends()

    move_to(challenge_end)

    assert committee.outcome() == (Outcome.UNANIMOUS, content_hash(RIGHT))


def test_a_candidate_nobody_else_committed_to_does_not_break_unanimity(committee, ends):
    committee.commit_all(*[RIGHT] * 5)
    committee.show(0, RIGHT)
    committee.propose_any(WRONG)
    challenge_end, _, _ = ends()

    move_to(challenge_end)

    assert committee.outcome() == (Outcome.UNANIMOUS, content_hash(RIGHT))


def test_an_uncontested_quorum_stands_when_the_publish_window_ends(committee, ends):
    committee.commit_all(RIGHT, RIGHT, RIGHT, JUNK, JUNK)
    committee.show(0, RIGHT)
    _, publish_end, _ = ends()

    move_to(publish_end - 1)
    assert committee.outcome() == UNDECIDED

    move_to(publish_end)
    assert committee.outcome() == (Outcome.UNCONTESTED, content_hash(RIGHT))


def test_a_contested_quorum_stands_when_the_referees_window_ends(committee, job, ends):
    committee.commit_all(WRONG, RIGHT, RIGHT, RIGHT, JUNK)
    committee.propose(0, WRONG)
    committee.show(1, RIGHT)
    _, publish_end, referee_end = ends()

    move_to(publish_end)
    assert committee.outcome() == UNDECIDED
    assert job.phase() == Phase.REFEREE

    move_to(referee_end - 1)
    assert committee.outcome() == UNDECIDED

    move_to(referee_end)
    assert committee.outcome() == (Outcome.QUORUM, content_hash(RIGHT))


def test_a_rival_proposed_by_the_referee_contests_a_quorum(committee, ends):
    committee.commit_all(WRONG, WRONG, WRONG, WRONG, JUNK)
    committee.show(0, WRONG)
    committee.propose_any(RIGHT)
    _, publish_end, _ = ends()

    move_to(publish_end)

    assert committee.outcome() == UNDECIDED


def test_a_job_without_a_quorum_fails_when_the_referees_window_ends(committee, job, ends):
    committee.commit_all(RIGHT, RIGHT, WRONG, WRONG, WORSE)
    for seat, result in [(0, RIGHT), (2, WRONG), (4, WORSE)]:
        committee.show(seat, result)
    _, _, referee_end = ends()

    move_to(referee_end - 1)
    assert committee.outcome() == UNDECIDED

    move_to(referee_end)
    assert committee.outcome() == (Outcome.FAILED, bytes(32))
    assert job.phase() == Phase.DECIDED


def test_one_vote_less_than_a_quorum_is_none_even_if_unanimous(committee, job, ends):
    committee.commit_all(RIGHT, RIGHT)
    time_of_next_block(job.commitEnd())
    committee.show(0, RIGHT)
    _, publish_end, referee_end = ends()

    move_to(publish_end)
    assert committee.outcome() == UNDECIDED

    move_to(referee_end)
    assert committee.outcome() == (Outcome.FAILED, bytes(32))


def test_a_job_that_nobody_answers_fails_when_the_referees_window_ends(committee, ends):
    _, _, referee_end = ends()

    move_to(referee_end - 1)
    assert committee.outcome() == UNDECIDED

    move_to(referee_end)
    assert committee.outcome() == (Outcome.FAILED, bytes(32))


def test_a_quorum_whose_bytes_are_withheld_fails(committee, ends):
    committee.commit_all(*[RIGHT] * 5)
    committee.propose(0, RIGHT)
    _, publish_end, referee_end = ends()

    move_to(publish_end)
    assert committee.outcome() == UNDECIDED

    move_to(referee_end)
    assert committee.outcome() == (Outcome.FAILED, bytes(32))


def test_a_quorum_completed_after_the_publish_window_stands_at_once(committee, ends):
    committee.commit_all(RIGHT, RIGHT, RIGHT, JUNK, JUNK)
    committee.propose(0, RIGHT)
    _, publish_end, _ = ends()
    time_of_next_block(publish_end + 7)

    committee.publish(0, RIGHT)

    assert committee.outcome() == (Outcome.UNCONTESTED, content_hash(RIGHT))


def test_no_rival_can_be_proposed_once_an_uncontested_answer_stands(committee, job, ends):
    committee.commit_all(RIGHT, RIGHT, RIGHT, JUNK, JUNK)
    committee.show(0, RIGHT)
    _, publish_end, _ = ends()
    time_of_next_block(publish_end)

    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.propose_any(WRONG)


@pytest.mark.parametrize("minutes", [0, 10, 60, 120, 60 * 24 * 365])
def test_once_decided_a_job_stays_so(committee, ends, minutes):
    committee.commit_all(*[RIGHT] * 5)
    committee.show(0, RIGHT)
    challenge_end, _, _ = ends()

    move_to(challenge_end + 60 * minutes)

    assert committee.outcome() == (Outcome.UNANIMOUS, content_hash(RIGHT))


def test_a_ruling_comes_before_unanimity(committee, ends):
    committee.commit_all(*[WRONG] * 5)
    committee.show(0, WRONG)
    committee.propose_any(RIGHT)
    committee.publish_unpaid(RIGHT)
    committee.rule(RIGHT)
    _, _, referee_end = ends()

    move_to(referee_end)

    assert committee.outcome() == (Outcome.RULED, content_hash(RIGHT))
