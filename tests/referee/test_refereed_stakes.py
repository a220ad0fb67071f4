"""Disputed jobs: who wins, who loses, and where every wei goes."""

import pytest
from ape import project
from ape.utils import ZERO_ADDRESS

from mlchain.protocol.content import content_hash
from mlchain.protocol.rounds import Outcome
from tests.contracts.chain_control import move_to, reverts, time_of_next_block
from tests.contracts.protocol_steps import BONUS, REWARD, STAKE
from tests.contracts.protocol_steps import verdict_of as settled_as
from tests.referee.refereed import (
    BOND,
    CLOCK,
    WINDOWS,
    WORSE,
    WRONG,
    Trace,
    commit,
    decided,
    game_end,
    publish_end,
    refute,
)
from tests.reference.tables import Phase, Verdict

JUNK = Trace((b"", b""), (b"j" * 32, b"k" * 32))


def test_a_lie_of_all_seats_falls_by_one_watcher_who_gets_half_of_their_stakes(scene, watcher):
    commit(scene, WRONG, WRONG, WRONG)
    scene.committee.show(0, WRONG)
    scene.bring(watcher, scene.right)
    scene.claim(watcher, scene.right)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    registry, before = scene.contracts.registry, scene.contracts.registry.burnt()
    receipt = scene.committee.settle(sender=watcher)

    bounty = registry.BountyPaid(job=scene.job, finder=watcher, amount=3 * (STAKE // 2))
    assert [event for event in receipt.events if event.event_name == "BountyPaid"] == [bounty]
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.SLASHED}
    assert registry.accountOf(watcher).credit == 3 * (STAKE // 2)
    assert registry.burnt() - before == 3 * STAKE - 3 * (STAKE // 2)
    assert registry.accountOf(scene.contracts.server).credit == 3 * REWARD + BONUS, "what it has paid in, no wei more"


def test_a_lie_that_nobody_can_read_yet_does_not_have_to_be_waited_for(scene, watcher):
    """It could be published when the challenge window is over, and would stand at once."""
    commit(scene, WRONG, WRONG, WRONG)
    scene.bring(watcher, scene.right)
    scene.claim(watcher, scene.right)

    move_to(scene.job.commitEnd() + WINDOWS["challengeWindow"])
    scene.committee.show(0, WRONG)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))


def test_the_server_gets_nothing_of_what_it_claims_right(scene, server):
    commit(scene, WRONG, WRONG, "right")
    scene.committee.show(2, scene.right)
    scene.claim(server, scene.right)
    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))

    receipt = scene.committee.settle(sender=server)

    assert "BountyPaid" not in [event.event_name for event in receipt.events]
    assert scene.contracts.registry.burnt() == 2 * STAKE


def test_a_bounty_is_paid_with_the_seats_that_are_settled_and_not_for_who_was_absent(scene, watcher):
    commit(scene, WRONG, "right", None)
    scene.committee.show(1, scene.right)
    scene.claim(watcher, scene.right)
    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    registry = scene.contracts.registry

    scene.committee.settle(1, 2, sender=watcher)
    assert registry.accountOf(watcher).credit == 0
    scene.committee.settle(0, sender=watcher)

    assert registry.accountOf(watcher).credit == STAKE // 2
    assert registry.balance == registry.burnt() + 5 * STAKE - STAKE - 10**17 + 3 * REWARD + BONUS + STAKE // 2


def test_a_refuted_result_costs_its_seats_their_stakes_even_if_nothing_is_accepted(scene, watcher, liar):
    commit(scene, WRONG, WORSE, "right")
    for seat, result in enumerate((WRONG, WORSE, scene.right)):
        scene.committee.show(seat, result)
    claim = scene.claim(liar, WRONG)
    refute(scene, watcher, claim, scene.honest_trace(WRONG))

    assert scene.job.progress().standing == 0
    assert decided(scene) == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    verdicts = [settled_as(receipt, seat) for seat in range(3)]
    assert verdicts == [Verdict.SLASHED, Verdict.RELEASED, Verdict.RELEASED]
    assert scene.contracts.registry.burnt() == STAKE, "nobody has shown what is right"


def test_of_two_results_that_stand_neither_is_accepted(scene, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    scene.claim(liar, WRONG)
    scene.claim(watcher, scene.right)

    assert decided(scene) == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}


def test_the_one_result_that_stands_is_found_among_refuted_ones(scene, watcher, liar):
    commit(scene, WRONG, WORSE, "right")
    for seat, result in enumerate((WRONG, WORSE, scene.right)):
        scene.committee.show(seat, result)
    claims = [scene.claim(liar, result) for result in (WRONG, WORSE)]
    scene.claim(watcher, scene.right)
    for claim, result in zip(claims, (WRONG, WORSE), strict=True):
        refute(scene, watcher, claim, scene.honest_trace(result))

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    assert [scene.contracts.disputes.creditOf(watcher), scene.contracts.disputes.creditOf(liar)] == [4 * BOND, 0]


def test_a_result_that_is_claimed_again_costs_its_seats_nothing(scene, watcher, liar):
    """A copy of the right root, which its owner refutes on purpose, and another lie that nobody answers."""
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    refute(scene, liar, scene.claim(liar, scene.right), scene.honest_trace(scene.right))
    assert scene.job.progress().standing == 0

    scene.claim(watcher, scene.right)
    scene.claim(liar, WRONG)

    assert scene.job.progress().standing == 2
    assert decided(scene) == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}


@pytest.mark.parametrize("is_succeeded", [True, False])
def test_only_a_claim_that_stands_is_paid_for_the_right_result(scene, watcher, liar, is_succeeded):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    junk = scene.claim(liar, scene.right, JUNK)
    claim = scene.claim(watcher, scene.right)
    refute(scene, watcher, junk, JUNK, 0)
    if is_succeeded:
        scene.succeed(watcher, claim)

    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))
    scene.committee.settle(sender=watcher)

    paid = {who: scene.contracts.registry.accountOf(who).credit for who in (watcher, liar)}
    assert paid == {watcher: STAKE // 2 if is_succeeded else 0, liar: 0}
    assert scene.contracts.registry.burnt() == STAKE - paid[watcher]


def test_the_right_claim_is_shown_to_be_right_by_anybody(scene, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(1, scene.right)
    trace = scene.honest_trace(scene.right)
    claim = scene.claim(watcher, scene.right)
    disputes, description = scene.contracts.disputes, scene.description(content_hash(scene.right))

    for index in (0, 1):
        game = scene.challenge(liar, claim, trace, index)
        disputes.reveal(game, trace.leaves[index], sender=watcher)
        disputes.pickEntry(game, 0, sender=liar)
        disputes.prove(game, description, trace.leaves[index], b"", sender=liar)

    assert disputes.creditOf(watcher) == 2 * BOND
    assert decided(scene) == (Outcome.UPHELD, content_hash(scene.right))


def test_the_wrong_claim_is_shown_to_be_right_by_nobody(scene, watcher, liar):
    commit(scene, WRONG, WRONG, WRONG)
    scene.committee.show(1, WRONG)
    trace = scene.honest_trace(WRONG)
    game = scene.challenge(watcher, scene.claim(liar, WRONG, trace), trace, 1)
    disputes = scene.contracts.disputes
    disputes.reveal(game, trace.leaves[1], sender=liar)
    disputes.pickEntry(game, 0, sender=watcher)

    with reverts(disputes.NotDerived):
        disputes.prove(game, scene.description(content_hash(WRONG)), trace.leaves[1], b"", sender=liar)


def test_a_challenge_that_ends_too_late_changes_no_decision(scene, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    trace = scene.honest_trace(WRONG)
    game = scene.challenge(watcher, scene.claim(liar, WRONG), trace, 1)
    scene.claim(watcher, scene.right)
    assert decided(scene) == (Outcome.FAILED, bytes(32))

    scene.finish(watcher, game)

    assert scene.contracts.disputes.claimantOf(scene.job, content_hash(WRONG)) == ZERO_ADDRESS
    assert scene.job.progress().standing == 2
    assert scene.outcome() == (Outcome.FAILED, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}


# The server's veto


def test_the_server_s_only_power_is_to_call_a_disputed_task_broken(scene, job, server, watcher):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(1, scene.right)
    scene.claim(watcher, scene.right)
    for caller in (watcher, scene.contracts.workers[0]):
        with reverts(job.NotTheServer, caller=caller):
            job.ruleVoid(sender=caller)
    time_of_next_block(game_end(scene) - 1)

    job.ruleVoid(sender=server)

    assert scene.outcome() == (Outcome.VOID, bytes(32))
    receipt = scene.committee.settle(sender=watcher)
    assert {settled_as(receipt, seat) for seat in range(3)} == {Verdict.RELEASED}
    assert scene.contracts.registry.burnt() == 3 * REWARD + BONUS, "a veto costs the server the whole pay"


def test_the_server_vetoes_nothing_that_is_decided(scene, job, server, watcher):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(1, scene.right)
    scene.claim(watcher, scene.right)
    time_of_next_block(game_end(scene))

    with reverts(job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.REFEREE):
        job.ruleVoid(sender=server)


def test_bonds_come_home_from_a_job_that_the_server_has_vetoed(scene, job, server, watcher, liar):
    commit(scene, WRONG, "right", "right")
    scene.committee.show(0, WRONG)
    scene.committee.show(1, scene.right)
    wrong, right = scene.claim(liar, WRONG), scene.claim(watcher, scene.right)
    job.ruleVoid(sender=server)
    refute(scene, watcher, wrong, scene.honest_trace(WRONG))
    move_to(publish_end(scene) + 2 * CLOCK)
    disputes = scene.contracts.disputes
    disputes.release(right, sender=watcher)

    before = watcher.balance
    fees = disputes.withdraw(sender=watcher).total_fees_paid

    assert watcher.balance == before + 3 * BOND - fees
    assert disputes.balance == 0
    with reverts(project.Job.WrongPhase, actual=Phase.DECIDED, first=Phase.PROPOSE, last=Phase.PROPOSE):
        scene.claim(liar, WORSE)
