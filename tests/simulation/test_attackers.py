"""Attackers, one attempt at a time: what each of them sends, and what stops it."""

from dataclasses import replace

import pytest

from mlchain.protocol.calls import Call
from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import VOID, Outcome, Verdict
from mlchain.simulation.attackers import (
    ADAPTIVE,
    COLLUDING,
    COPYING,
    FORGING,
    FRONT_RUNNING,
    LATE,
    LEAVING,
    RE_ENTERING,
    REFUSING,
    REPLAYING,
    SYBIL,
    VANISHING,
    WITHHOLDING,
    OnReceiving,
)
from tests.actors.scenes import DAY, Scene, act, methods, play
from tests.actors.stage import SERVER, STAKE, Refused, address_of


@pytest.fixture
def scene():
    return Scene()


def verdicts(scene):
    scene.stage.advance_to(scene.job.referee_end)
    scene.settle()
    return [scene.job.settlements[seat].verdict for seat in range(scene.seats)]


def show(scene, seat, result):
    scene.propose(seat, result)
    scene.publish(seat, result)


# Commitments


def test_a_vanishing_one_commits_to_what_nobody_can_open_and_is_slashed(scene):
    vanishing = scene.holder(2, VANISHING)
    assert scene.do(vanishing) == ["commit"]
    scene.commit_all(scene.right(), scene.right())

    scene.stage.advance_to(scene.turn_of(2))
    assert act(scene, vanishing).calls == []
    show(scene, 0, scene.right())

    assert verdicts(scene) == [Verdict.REWARDED, Verdict.REWARDED, Verdict.SLASHED]


def test_a_copier_waits_for_a_commitment_and_gets_nothing_for_it(scene):
    copier = scene.holder(2, COPYING)
    assert act(scene, copier).calls == []
    scene.commit(0, scene.right())

    assert scene.do(copier) == ["commit"]
    assert scene.job.commitments[2] == scene.job.commitments[0]
    scene.commit(1, scene.right())
    scene.stage.advance_to(scene.turn_of(2))
    assert act(scene, copier).calls == []

    show(scene, 0, scene.right())
    assert scene.job.candidates[content_hash(scene.right())].votes == 2
    assert verdicts(scene) == [Verdict.REWARDED, Verdict.REWARDED, Verdict.SLASHED]


def test_a_copier_without_a_model_commits_to_nothing(scene):
    scene.stage.advance_to(scene.job.commit_deadline - 1)

    assert act(scene, scene.holder(2, COPYING)).calls == []


def test_a_late_one_tries_to_commit_to_what_is_about_to_be_shown_and_is_refused(scene):
    late = scene.holder(2, LATE)
    assert act(scene, late).calls == []
    scene.commit_all(scene.right(), scene.right(), None)
    coming, view = act(scene, scene.holder(0)).calls, scene.stage.view()

    (call,) = [ahead for it in coming for ahead in late.front_run(view, it)]

    assert call.method == "commit"
    assert call.arguments[1] == scene.assignment(2).seal(content_hash(scene.right()))
    with pytest.raises(Refused, match="WrongPhase"):
        scene.stage.send(late.address, call)
    assert late.front_run(view, coming[0]) == []
    assert act(scene, late).calls == []


def test_a_replayer_gives_the_last_rounds_answer_which_fits_no_other_job():
    scene = Scene(pool=3, jobs=0)
    scene.jobs, scene.seats = 1, 3
    workers = [scene.worker(address) for address in scene.workers[:2]]
    replayer = scene.worker(scene.workers[2], REPLAYING)

    play(scene, scene.server(rounds=2), [*workers, replayer])

    first, second = scene.stage.ledger.rounds
    seat = second.jobs[0].seat_of(replayer.address)
    assert first.jobs[0].settlements[first.jobs[0].seat_of(replayer.address)].verdict is Verdict.REWARDED
    # The server sees the others' result contradicted and rules before the replayer's turn to propose.
    assert second.jobs[0].opens(seat, first.jobs[0].decision[1])
    assert second.jobs[0].settlements[seat].verdict is Verdict.SLASHED


# Bytes


def test_a_withholder_proposes_and_keeps_its_bytes_back():
    scene = Scene(seats=3, quorum=2)
    liars = [scene.holder(seat, WITHHOLDING) for seat in (0, 1)]
    for liar in liars:
        scene.do(liar)
    scene.commit_all(None, None, scene.right())
    scene.stage.advance_to(scene.turn_of(2))

    assert [scene.do(liar) for liar in liars] == [["propose"], []]
    assert act(scene, liars[0]).calls == []

    show(scene, 2, scene.right())
    scene.stage.advance_to(scene.job.referee_end)
    scene.settle()
    assert scene.job.decision == (Outcome.FAILED, VOID)


def test_a_forger_publishes_other_bytes_than_it_proposed_and_is_refused_both_ways():
    scene = Scene(seats=3, quorum=2)
    forgers = [scene.holder(seat, FORGING) for seat in (0, 1)]
    for forger in forgers:
        scene.do(forger)
    scene.commit_all(None, None, scene.right())
    scene.do(forgers[0])

    calls = act(scene, forgers[0]).calls

    errors = []
    for call in calls:
        with pytest.raises(Refused) as refused:
            scene.stage.send(forgers[0].address, call)
        errors.append(str(refused.value))
    assert methods_of(calls) == ["publish", "publish"]
    assert errors == ["WrongChunk", "WrongChunkHashes"]
    assert act(scene, forgers[0]).calls == []


def methods_of(calls):
    return [call.method for call in calls]


# Membership and money


def test_one_that_leaves_when_drawn_owes_its_answer_and_gets_its_stake_later(scene):
    leaver = scene.holder(0, LEAVING)
    leave, take = act(scene, leaver).calls
    scene.stage.send(leaver.address, leave)

    with pytest.raises(Refused, match="StakeLocked"):
        scene.stage.send(leaver.address, take)

    scene.commit_all(None, scene.right(), scene.right())
    show(scene, 1, scene.right())
    assert verdicts(scene)[0] is Verdict.ABSENT
    assert scene.stage.ledger.account(leaver.address).stake == STAKE - STAKE // 10


def test_many_addresses_of_one_owner_hold_one_seat_each():
    scene = Scene(pool=3)
    cartel = frozenset(scene.job.committee[:2])
    sybil = scene.worker(scene.job.committee[0], SYBIL, cartel=cartel)

    join, other, own = act(scene, sybil).calls

    with pytest.raises(Refused, match="AlreadyMember"):
        scene.stage.send(sybil.address, join)
    assert other.arguments[0] == 1
    with pytest.raises(Refused, match="NotTheHolder"):
        scene.stage.send(sybil.address, other)
    assert own.arguments[0] == 0
    scene.stage.send(sybil.address, own)


@pytest.mark.parametrize(
    ("behaviour", "reaction"), [(REFUSING, OnReceiving.REFUSE), (RE_ENTERING, OnReceiving.RE_ENTER)]
)
def test_a_contract_works_like_the_honest_and_asks_for_its_pay_once_a_job(behaviour, reaction):
    scene = Scene(jobs=0)
    scene.jobs = 1
    workers = [scene.worker(address, behaviour) for address in scene.workers]

    play(scene, scene.server(rounds=3), workers)

    asked = [sender for sender, call in scene.stage.sent if call.method == "withdraw"]
    assert [asked.count(address) for address in scene.workers] == [2, 2, 2]
    assert behaviour.on_receiving is reaction


# Order


def test_an_adaptive_one_commits_when_all_outsiders_have(scene):
    cartel = frozenset([scene.job.committee[2]])
    adaptive = scene.worker(scene.job.committee[2], ADAPTIVE, cartel=cartel)
    assert act(scene, adaptive).calls == []
    scene.commit(0, scene.right())
    waiting = act(scene, adaptive)
    assert (waiting.calls, waiting.wake) == ([], scene.job.commit_deadline - DAY // 10)
    scene.commit(1, scene.right())

    (call,) = act(scene, adaptive).calls

    assert call.arguments[1] == scene.assignment(2).seal(content_hash(scene.right()))


def test_an_adaptive_one_waits_no_longer_than_to_the_last_moment(scene):
    adaptive = scene.worker(scene.job.committee[2], ADAPTIVE, cartel=frozenset([scene.job.committee[2]]))
    last_moment = scene.job.commit_deadline - DAY // 10

    scene.stage.advance_to(last_moment - 1)
    assert act(scene, adaptive).calls == []
    scene.stage.advance_to(last_moment)

    assert methods(act(scene, adaptive)) == ["commit"]


def test_adaptive_ones_lie_together_where_nobody_else_has_committed(scene):
    cartel = frozenset(scene.job.committee)
    lie = content_hash(COLLUDING.answer(scene.assignment()))

    for seat in range(3):
        (call,) = act(scene, scene.worker(scene.job.committee[seat], ADAPTIVE, cartel=cartel)).calls
        assert call.arguments[1] == scene.assignment(seat).seal(lie)
        scene.stage.send(scene.job.committee[seat], call)


def test_a_front_runner_sends_everything_first_and_in_its_own_name(scene):
    runner = scene.holder(2, FRONT_RUNNING)
    view = scene.stage.view()
    other = scene.assignment(0)
    commit = other.call("commit", 0, b"sealed")
    settle = other.call("settle", [0])

    assert runner.front_run(view, commit) == [other.call("commit", 2, b"sealed")]
    assert runner.front_run(view, commit) == []
    assert runner.front_run(view, settle) == [settle]
    assert runner.front_run(view, Call("WorkerRegistry", "leave")) == []
    assert runner.front_run(view, replace(commit, address=address_of("elsewhere"))) == []
    assert scene.worker(SERVER, FRONT_RUNNING).front_run(view, commit) == []


def test_only_a_front_runner_reacts_to_what_is_coming(scene):
    commit = scene.assignment(0).call("commit", 0, b"sealed")

    assert scene.holder(1).front_run(scene.stage.view(), commit) == []
    assert not scene.holder(1).behaviour.watches_others
    assert FRONT_RUNNING.watches_others
