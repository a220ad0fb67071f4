import pytest

from mlchain.protocol.content import content_hash
from tests.contracts.chain_control import reverts, time_of_next_block
from tests.contracts.protocol_steps import RIGHT, WORSE, WRONG, Ruling, referee_end
from tests.reference.tables import Outcome, Phase


def test_the_referee_accepts_a_complete_candidate_whatever_its_votes(committee, job):
    committee.commit_all(RIGHT, WRONG, WRONG)
    committee.show(0, RIGHT)
    committee.propose(1, WRONG)

    receipt = committee.rule(RIGHT)

    assert receipt.events == [job.Ruled(resultHash=content_hash(RIGHT))]
    assert committee.outcome() == (Outcome.RULED, content_hash(RIGHT))
    assert job.ruledHash() == content_hash(RIGHT)
    assert job.progress().ruling == Ruling.ACCEPT
    assert job.phase() == Phase.DECIDED


def test_the_referee_accepts_a_result_that_no_seat_committed_to(committee):
    committee.commit_all(WRONG, WRONG, WRONG)
    committee.propose_any(RIGHT)
    committee.publish_unpaid(RIGHT)

    committee.rule(RIGHT)

    assert committee.outcome() == (Outcome.RULED, content_hash(RIGHT))


def test_the_referee_calls_a_task_broken(committee, job, server):
    committee.commit_all(RIGHT, WRONG, WORSE)

    receipt = job.ruleVoid(sender=server)

    assert receipt.events == [job.Ruled(resultHash=bytes(32))]
    assert committee.outcome() == (Outcome.VOID, bytes(32))
    assert job.progress().ruling == Ruling.VOID
    assert job.phase() == Phase.DECIDED


@pytest.mark.parametrize("proposed", [False, True])
def test_no_candidate_is_accepted_whose_bytes_are_withheld(committee, job, proposed):
    committee.commit_all(RIGHT, WRONG, WRONG)
    if proposed:
        committee.propose(0, RIGHT)

    with reverts(job.NotComplete, resultHash=content_hash(RIGHT)):
        committee.rule(RIGHT)


def test_the_referee_cannot_accept_nothing(committee, job, server):
    committee.commit_all(RIGHT, WRONG, WRONG)
    job.proposeAny(bytes(32), sender=server)

    with reverts(job.NotComplete, resultHash=bytes(32)):
        job.rule(bytes(32), sender=server)


def test_only_the_referee_rules(committee, job, bystander, stranger):
    committee.commit_all(RIGHT, RIGHT, WRONG)
    committee.show(0, RIGHT)

    for caller in [committee.holders[0], bystander, stranger]:
        with reverts(job.NotTheReferee, caller=caller):
            job.rule(content_hash(RIGHT), sender=caller)
        with reverts(job.NotTheServer, caller=caller):
            job.ruleVoid(sender=caller)


def test_the_referee_does_not_rule_in_the_commit_phase(committee, job, server):
    committee.commit_all(RIGHT, RIGHT)

    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.rule(RIGHT)
    time_of_next_block(job.commitEnd() - 1)
    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.ruleVoid(sender=server)


def test_the_referee_rules_from_the_end_of_the_commit_phase(committee, job, server):
    committee.commit_all(RIGHT, RIGHT)
    time_of_next_block(job.commitEnd())

    job.ruleVoid(sender=server)

    assert committee.outcome() == (Outcome.VOID, bytes(32))


def test_the_referee_rules_until_its_window_ends_and_no_longer(committee, job, server):
    committee.commit_all(RIGHT, WRONG, WORSE)
    committee.show(0, RIGHT)
    end = referee_end(job)
    time_of_next_block(end)
    for rule in [lambda: committee.rule(RIGHT), lambda: job.ruleVoid(sender=server)]:
        with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
            rule()


def test_a_ruling_one_second_before_the_referees_window_ends_counts(committee, job):
    committee.commit_all(RIGHT, WRONG, WORSE)
    committee.show(0, RIGHT)
    time_of_next_block(referee_end(job) - 1)

    committee.rule(RIGHT)

    assert committee.outcome() == (Outcome.RULED, content_hash(RIGHT))


def test_the_referee_does_not_rule_twice(committee, job, server):
    committee.commit_all(RIGHT, WRONG, WRONG)
    committee.show(0, RIGHT)
    committee.show(1, WRONG)
    committee.rule(RIGHT)

    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        committee.rule(WRONG)
    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.ruleVoid(sender=server)
