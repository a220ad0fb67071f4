"""Jobs whose referee is a game: who brings results, and when they are claimed."""

import pytest
from ape import project

from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Outcome
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.protocol_steps import BONUS, MIN_WINDOW, REWARD, STAKE, chunk_of, deploy_round
from tests.contracts.protocol_steps import verdict_of as settled_as
from tests.referee.refereed import (
    CLOCK,
    WINDOWS,
    WORSE,
    WRONG,
    Contracts,
    commit,
    decided,
    game_end,
    publish_end,
)
from tests.reference.tables import Phase, Verdict

UNDECIDED = (Outcome.UNDECIDED, bytes(32))


# Undisputed


@pytest.mark.parametrize(
    ("answers", "time", "outcome"),
    [
        (("right", "right", "right"), WINDOWS["challengeWindow"], Outcome.UNANIMOUS),
        (("right", "right", WRONG), WINDOWS["publishWindow"], Outcome.UNCONTESTED),
    ],
)
def test_what_nobody_disputes_is_decided_as_ever(scene, answers, time, outcome):
    commit(scene, *answers)
    scene.committee.show(0, scene.right)
    move_to(scene.job.commitEnd() + time - 1)
    assert scene.outcome() == UNDECIDED

    move_to(scene.job.commitEnd() + time)

    assert scene.outcome() == (outcome, content_hash(scene.right))


def test_a_quorum_is_accepted_where_nobody_disputes_it(scene):
    commit(scene, "right", "right", WRONG)
    scene.committee.show(0, scene.right)
    scene.committee.propose(2, WRONG)

    assert decided(scene) == (Outcome.QUORUM, content_hash(scene.right))


def test_nobody_rules_where_a_game_decides(scene, job, server, watcher):
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)

    for caller in (server, watcher, scene.committee.holders[0]):
        with reverts(job.NotTheReferee, caller=caller):
            job.rule(content_hash(scene.right), sender=caller)


@pytest.mark.parametrize("caller", ["server", "watcher"])
def test_only_the_game_says_what_stands(scene, job, caller, request):
    caller = request.getfixturevalue(caller)
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)

    with reverts(job.NotTheReferee, caller=caller):
        job.dispute(content_hash(scene.right), sender=caller)
    with reverts(job.NotTheReferee, caller=caller):
        job.setRefuted(content_hash(scene.right), True, sender=caller)


def test_a_server_that_referees_cannot_dispute_like_a_game(factory, registry, server):
    (job,) = deploy_round(factory, server)

    with reverts(job.NotTheReferee, caller=server):
        job.dispute(content_hash(WRONG), sender=server)
    with reverts(job.NotTheReferee, caller=server):
        job.setRefuted(content_hash(WRONG), True, sender=server)


@pytest.mark.parametrize(("window", "least"), [("refereeWindow", 5 * MIN_WINDOW), ("challengeWindow", MIN_WINDOW)])
def test_a_game_has_time_for_each_clock_and_a_watcher_to_begin_one(models, server, members, window, least):
    contracts = Contracts.deploy(models, server, members)
    shown = (least - 1) // 5 if window == "refereeWindow" else least - 1
    with reverts(contracts.factory.WindowTooShort, window=shown, minWindow=MIN_WINDOW):
        contracts.round(**{window: least - 1})

    contracts.round(is_scheduled=True, **{window: least})


# Who proposes and publishes


def test_anybody_proposes_what_no_seat_stands_for_and_contests_nothing_by_it(scene, liar):
    commit(scene, "right", "right", WRONG)
    scene.committee.show(0, scene.right)
    scene.bring(liar, WORSE)
    assert scene.job.progress().candidates == 1

    move_to(publish_end(scene))

    assert scene.outcome() == (Outcome.UNCONTESTED, content_hash(scene.right))


def test_what_seats_stand_for_is_left_to_them_for_half_of_their_time(scene, job, watcher):
    commit(scene, "right", "right", WRONG)
    job.proposeAny(content_hash(scene.right), sender=watcher)
    middle = job.commitEnd() + WINDOWS["publishWindow"] // 2
    time_of_next_block(middle - 1)
    with reverts(job.TooEarly, time=middle):
        job.publishUnpaid(*chunk_of(scene.right, 0), sender=watcher)

    time_of_next_block(middle)
    job.publishUnpaid(*chunk_of(scene.right, 0), sender=watcher)

    move_to(publish_end(scene))
    receipt = scene.committee.settle(sender=watcher)
    assert settled_as(receipt, 0) == Verdict.REWARDED
    pays = [event.amount for event in receipt.events if event.event_name == "SeatSettled"]
    assert pays == [REWARD, REWARD, STAKE], "who publishes without a seat earns no bonus, for nobody"
    assert scene.contracts.registry.accountOf(scene.contracts.server).credit == REWARD + BONUS


def test_nobody_brings_a_result_before_all_have_committed_or_time_is_over(scene, job, liar):
    scene.committee.commit_all(scene.right, WRONG)

    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.proposeAny(content_hash(scene.right), sender=liar)
    with reverts(job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.publishUnpaid(*chunk_of(scene.right, 0), sender=liar)


# The first claim


def test_nothing_is_claimed_while_seats_commit(scene, liar):
    scene.committee.commit_all(scene.right, scene.right)

    with reverts(project.Job.WrongPhase, actual=Phase.COMMIT, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(liar, scene.right)


def test_the_first_claim_comes_while_seats_propose(scene, watcher):
    commit(scene, WRONG, WRONG, "right")
    scene.committee.show(2, scene.right)
    scene.committee.show(0, WRONG)

    time_of_next_block(publish_end(scene))
    with reverts(project.Job.WrongPhase, actual=Phase.REFEREE, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(watcher, scene.right)


def test_the_first_claim_can_come_in_the_last_second_in_which_seats_propose(scene, watcher):
    commit(scene, WRONG, WRONG, "right")
    scene.committee.show(2, scene.right)
    scene.committee.show(0, WRONG)
    time_of_next_block(publish_end(scene) - 1)

    scene.claim(watcher, scene.right)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))


@pytest.mark.parametrize("is_proposed", [False, True])
def test_nothing_is_claimed_whose_bytes_are_not_published(scene, liar, is_proposed):
    commit(scene, WRONG, WRONG, "right")
    if is_proposed:
        scene.committee.propose(0, WRONG)

    with reverts(project.Job.NotComplete, resultHash=content_hash(WRONG)):
        scene.claim(liar, WRONG)


def test_a_disputed_job_is_undecided_until_the_game_is_over(scene, watcher):
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)
    scene.claim(watcher, scene.right)

    for time in (scene.job.commitEnd() + WINDOWS["challengeWindow"], publish_end(scene), game_end(scene) - 1):
        move_to(time)
        assert scene.outcome() == UNDECIDED
    move_to(game_end(scene))
    assert scene.outcome() == (Outcome.UPHELD, content_hash(scene.right))
    assert scene.job.phase() == Phase.DECIDED


def test_what_is_decided_cannot_be_disputed(scene, liar):
    commit(scene, "right", "right", "right")
    scene.committee.show(0, scene.right)
    scene.bring(liar, WRONG)
    move_to(scene.job.commitEnd() + WINDOWS["challengeWindow"])

    with reverts(project.Job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(liar, WRONG)


def test_other_results_of_a_disputed_job_are_claimed_until_the_first_clock_has_run_out(scene, watcher, liar):
    commit(scene, WRONG, WRONG, "right")
    scene.bring(liar, WORSE)
    scene.claim(liar, WORSE)
    time_of_next_block(publish_end(scene) + CLOCK - 4)
    scene.job.proposeAny(content_hash(scene.right), sender=watcher)
    scene.bring(watcher, scene.right)
    time_of_next_block(publish_end(scene) + CLOCK - 1)
    scene.claim(watcher, scene.right)

    with reverts(project.Disputes.WrongTime, time=publish_end(scene) + CLOCK):
        scene.claim(liar, scene.right)
