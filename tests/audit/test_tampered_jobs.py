"""Whatever is wrong with a job, its settlement, the pool or the books is found, and its place named."""

from dataclasses import replace

import pytest

from mlchain.audit.findings import Check
from mlchain.protocol.calls import Call
from mlchain.protocol.commitments import commitment
from mlchain.protocol.content import content_hash
from mlchain.protocol.events import (
    AdmissionSet,
    Committed,
    Joined,
    Left,
    Log,
    Proposed,
    ResultChunkPublished,
    RoundClosed,
    RoundOpened,
    Ruled,
    SeatSettled,
    Settled,
    StakeWithdrawn,
    Withdrawn,
)
from mlchain.protocol.rounds import Outcome, Verdict
from tests.actors.scenes import Scene
from tests.actors.stage import MAX_SNAPSHOT_AGE, STAKE
from tests.audit.histories import RULES, STRANGER, audit_of, changed, find, findings_of, flipped, only, without

# Commitments and candidates


def test_a_seat_that_is_not_the_holder_s_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, Committed, seat=1)

    finding = findings_of(settled, changed(logs, place, worker=STRANGER), Check.COMMITMENTS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0 seat 1")
    assert finding.problem.startswith(f"who holds it is {STRANGER} and has to be 0x")


def test_a_commitment_that_comes_late_is_named(settled):
    logs = [*settled.stage.logs]
    place = find(logs, Committed, seat=1)
    late = settled.stage.ledger.rounds[0].commit_deadline
    logs[place] = replace(logs[place], timestamp=late)

    finding = findings_of(settled, logs, Check.COMMITMENTS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0 seat 1")
    assert finding.problem == f"it committed at {late}, which is not before {late}"


def test_a_vote_miscounted_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, Proposed, 1)

    finding = only(audit_of(settled, changed(logs, place, votes=2)))

    assert (finding.check, finding.block) == (Check.CANDIDATES, logs[place].block)
    assert finding.subject == "round 1 job 0"
    assert finding.problem.endswith("is 2 and has to be 1")


def test_a_proposal_before_the_commit_phase_is_over_is_named(settled):
    logs = [*settled.stage.logs]
    place = find(logs, Proposed)
    logs[place] = replace(logs[place], timestamp=logs[0].timestamp)

    _order, finding = findings_of(settled, logs, Check.CANDIDATES)[:2]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0")
    assert "in the phase commit" in finding.problem


def test_a_changed_byte_of_a_result_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, ResultChunkPublished, publisher=settled.stage.ledger.rounds[0].jobs[0].committee[0])
    told = changed(logs, place, chunk=flipped(logs[place].event.chunk))

    finding = findings_of(settled, told, Check.CANDIDATES)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0")
    assert "the hash of the published bytes" in finding.problem


def test_a_result_published_by_somebody_without_a_seat_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, ResultChunkPublished, publisher=settled.stage.ledger.rounds[0].jobs[0].committee[0])

    finding = findings_of(settled, changed(logs, place, publisher=STRANGER), Check.CANDIDATES)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0")
    assert "without a seat that has committed to it" in finding.problem


def test_a_proposal_that_no_seat_has_committed_to_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, Proposed, 1)

    finding = findings_of(settled, changed(logs, place, result_hash=bytes(31) + b"1"), Check.CANDIDATES)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0")
    assert finding.problem.endswith("which no seat has committed to")


# Outcomes and payments


def test_a_ruling_for_a_result_that_nobody_can_see_is_named(settled):
    logs = settled.stage.logs
    place, hidden = find(logs, Ruled), logs[find(logs, Proposed, 1)].event.result_hash

    finding = findings_of(settled, changed(logs, place, result_hash=hidden), Check.OUTCOMES)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0")
    assert "whose bytes are not published" in finding.problem


def test_a_result_accepted_without_a_quorum_is_named():
    scene = Scene()
    scene.commit_all(scene.right(), scene.wrong(0), scene.wrong(1))
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.stage.advance_to(scene.job.referee_end)
    scene.settle()
    logs, accepted = scene.stage.logs, content_hash(scene.right())
    place = find(logs, Settled)
    assert scene.job.decision[0] is Outcome.FAILED

    finding = findings_of(scene, changed(logs, place, outcome=Outcome.QUORUM, accepted_hash=accepted), Check.OUTCOMES)[
        0
    ]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0")
    assert finding.problem == f"it was settled as quorum, accepting 0x{accepted.hex()}, where the rules say failed"


def test_a_job_settled_before_it_was_decided_is_named(settled):
    logs = [*settled.stage.logs]
    ruled, place = find(logs, Ruled), find(logs, Settled)

    finding = findings_of(settled, without(logs, ruled), Check.OUTCOMES)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0")
    assert finding.problem.endswith("where the rules say undecided")


def test_a_swapped_verdict_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, SeatSettled, seat=0)
    told = changed(logs, place, verdict=Verdict.SLASHED, amount=STAKE)

    finding = findings_of(settled, told, Check.PAYMENTS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0 seat 0")
    assert finding.problem == "the verdict is slashed and has to be rewarded"


@pytest.mark.parametrize(("seat", "right"), [(0, 2 * 10**16), (1, STAKE), (2, STAKE // 10)])
def test_a_payment_that_is_one_wei_off_is_named(settled, seat, right):
    logs = settled.stage.logs
    place = find(logs, SeatSettled, seat=seat)

    finding = findings_of(settled, changed(logs, place, amount=right - 1), Check.PAYMENTS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, f"round 1 job 0 seat {seat}")
    assert finding.problem == f"the amount is {right - 1} wei and has to be {right} wei"


def test_a_remainder_that_is_one_wei_off_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, RoundClosed)

    finding = findings_of(settled, changed(logs, place, remainder=1), Check.PAYMENTS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1")
    assert finding.problem == "what is left of the escrow is 1 and has to be 0"


def test_a_punished_worker_that_stays_in_the_pool_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, Left)

    finding = findings_of(settled, without(logs, place), Check.PAYMENTS)[0]

    assert finding.block == logs[place].block
    assert finding.problem == "its holder was punished, and not removed"


def test_a_seat_that_is_robbed_in_the_settlement_of_another_job_is_named():
    scene = Scene(pool=6, jobs=2)
    job, robbed = scene.stage.ledger.rounds[0].jobs
    for seat in range(3):
        scene.commit(seat, scene.right(job), job)
        scene.commit(seat, scene.right(robbed), robbed)
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()
    logs, victim = scene.stage.logs, robbed.committee[0]
    place = find(logs, SeatSettled, seat=1)
    left = Left(victim, scene.stage.ledger.pool.members.index(victim))
    told = {"job": robbed.address, "worker": victim, "seat": 0, "verdict": Verdict.SLASHED, "amount": STAKE}
    told = changed(logs, place, **told)
    told.insert(place, replace(logs[place], event=left))

    finding = findings_of(scene, told, Check.PAYMENTS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 1 seat 0")
    assert finding.problem == f"its job is {robbed.address} and has to be {job.address}"


def test_a_worker_that_is_removed_with_a_settlement_that_does_not_punish_it_is_named(settled):
    logs = settled.stage.logs
    place, members = find(logs, SeatSettled, seat=0), settled.stage.ledger.pool.members
    for victim in members:
        left = replace(logs[place], event=Left(victim, members.index(victim)))

        finding = findings_of(settled, [*logs[:place], left, *logs[place:]], Check.PAYMENTS)[0]

        assert (finding.block, finding.subject) == (logs[place].block, "round 1 job 0 seat 0")
        assert finding.problem == f"{victim} was removed, and not punished"


def test_a_settlement_of_which_a_seat_is_left_out_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, SeatSettled, seat=1)

    finding = findings_of(settled, without(logs, place), Check.PAYMENTS)[0]

    assert (finding.block, finding.subject) == (logs[place].block, "round 1")
    assert finding.problem == "here 1 events are missing, SeatSettled first"


# The pool and the books


def test_a_joiner_that_pays_too_little_is_named(settled):
    logs = settled.stage.logs
    place = find(logs, Joined)

    finding = findings_of(settled, changed(logs, place, paid=STAKE - 1), Check.POOL)[0]

    assert (finding.block, finding.subject) == (logs[place].block, logs[place].event.worker)
    assert finding.problem == f"what it paid is {STAKE - 1} and has to be {STAKE}"


def test_a_joiner_that_a_permissioned_pool_has_not_admitted_is_named(settled):
    logs, rules = settled.stage.logs, replace(RULES, permissioned=True)
    joiners = [log.event.worker for log in logs if isinstance(log.event, Joined)]
    admitted = [Log(AdmissionSet(it, True), "WorkerRegistry", 1, 0, 0) for it in joiners]
    slashed = find(logs, SeatSettled, verdict=Verdict.SLASHED)
    revoked = replace(logs[slashed], event=AdmissionSet(logs[slashed].event.worker, False))

    found = audit_of(settled, rules=rules).findings

    assert [(finding.subject, finding.problem) for finding in found] == [(it, "it was not admitted") for it in joiners]
    told = [*admitted, *logs[:slashed], revoked, *logs[slashed:]]
    assert audit_of(settled, told, rules=rules).findings == []


def test_a_slashed_worker_that_stays_admitted_to_a_permissioned_pool_is_named(settled):
    logs, rules = settled.stage.logs, replace(RULES, permissioned=True)
    joiners = [log.event.worker for log in logs if isinstance(log.event, Joined)]
    admitted = [Log(AdmissionSet(it, True), "WorkerRegistry", 1, 0, 0) for it in joiners]

    (finding,) = audit_of(settled, [*admitted, *logs], rules=rules).findings

    assert (finding.subject, finding.problem) == (
        "round 1 job 0 seat 1",
        "its holder was slashed, and is still admitted",
    )


@pytest.mark.parametrize("kind", [Withdrawn, StakeWithdrawn])
def test_a_withdrawal_that_is_one_wei_off_is_named(gone, kind):
    logs = gone.stage.logs
    place = find(logs, kind)
    amount = logs[place].event.amount

    finding = findings_of(gone, changed(logs, place, amount=amount + 1), Check.POOL)[0]

    assert finding.block == logs[place].block
    assert finding.problem.endswith(f"took home is {amount + 1} and has to be {amount}")


@pytest.mark.parametrize("kind", [Withdrawn, StakeWithdrawn])
def test_a_withdrawal_of_nothing_is_named(gone, kind):
    logs = gone.stage.logs
    last = logs[find(logs, StakeWithdrawn)]
    told = replace(last, event=kind(gone.job.committee[0], 0))

    finding = only(audit_of(gone, [*logs, told]))

    assert (finding.check, finding.block, finding.subject) == (Check.POOL, last.block, gone.job.committee[0])
    assert finding.problem == "it took home nothing"


def test_joiners_that_have_each_other_s_place_are_named():
    scene = Scene(pool=2, jobs=0)
    logs, (first, second) = scene.stage.logs, scene.workers
    places = find(logs, Joined, worker=first), find(logs, Joined, worker=second)
    told = changed(changed(logs, places[0], worker=second), places[1], worker=first)

    assert {finding.subject: finding.problem for finding in findings_of(scene, told, Check.BOOKS)} == {
        f"stake, credit, position and leave block of {worker}": (
            f"the events come to ({STAKE}, 0, {said}, 0), the contracts to ({STAKE}, 0, {held}, 0)"
        )
        for worker, said, held in ((first, 2, 1), (second, 1, 2))
    }


def test_a_stake_that_goes_home_too_early_is_named(gone):
    logs = [*gone.stage.logs]
    place = find(logs, StakeWithdrawn)
    logs[place] = replace(logs[place], block=logs[place].block - 5)

    finding = findings_of(gone, logs, Check.POOL)[0]

    assert finding.block == logs[place].block
    assert "its stake is locked until block" in finding.problem


def test_a_stake_that_goes_home_while_its_round_is_open_is_named():
    scene = Scene(pool=4)
    leaver = scene.job.committee[0]
    scene.stage.send(leaver, Call("WorkerRegistry", "leave"))
    left = scene.stage.logs[-1]
    home = {"block": left.block + MAX_SNAPSHOT_AGE + 1, "timestamp": left.timestamp + MAX_SNAPSHOT_AGE + 1}
    told = replace(left, event=StakeWithdrawn(leaver, STAKE), **home)

    finding = findings_of(scene, [*scene.stage.logs, told], Check.POOL)[0]

    assert (finding.block, finding.subject) == (told.block, leaver)
    assert finding.problem == "a round that could have drawn it is open"


@pytest.mark.parametrize(("age", "is_wrong"), [(MAX_SNAPSHOT_AGE, False), (MAX_SNAPSHOT_AGE + 1, True)])
def test_a_round_whose_pool_is_too_old_is_named(age, is_wrong):
    scene = Scene(jobs=0)
    scene.jobs = 1
    scene.deploy_round()
    logs = [*scene.stage.logs]
    first = find(logs, RoundOpened)
    block = scene.stage.ledger.rounds[0].snapshot_block
    told = logs[:first] + [replace(log, block=block + age) for log in logs[first:]]

    wrong = [it.problem for it in audit_of(scene, told).findings if "its snapshot block" in it.problem]

    assert wrong == [f"its snapshot block is {block} and has to be None"] * is_wrong


def test_a_registry_that_has_less_than_it_owes_is_named(settled):
    registry = settled.stage._protocol.registry
    registry.balance -= 1
    try:
        finding = only(audit_of(settled))
    finally:
        registry.balance += 1

    assert (finding.check, finding.subject) == (Check.BOOKS, "registry")
    owes = f"it owes {registry.owed} wei and has burnt {registry.burnt} wei"
    assert finding.problem == f"{owes}, and has {registry.owed + registry.burnt - 1} wei"


def test_ether_forced_into_the_registry_is_nobody_s_and_no_problem(settled):
    registry = settled.stage._protocol.registry
    registry.balance += 1
    try:
        assert audit_of(settled).findings == []
    finally:
        registry.balance -= 1


# Training


def test_an_accepted_result_that_training_does_not_give_is_named_only_if_it_is_trained_again():
    scene = Scene()
    scene.commit_all(*[scene.wrong()] * 3)
    scene.propose(0, scene.wrong())
    scene.publish(0, scene.wrong())
    scene.settle()
    assert audit_of(scene, retrains=False).findings == []

    finding = only(audit_of(scene))

    assert (finding.check, finding.subject) == (Check.TRAINING, "round 1 job 0")
    assert finding.block == scene.stage.logs[find(scene.stage.logs, Settled)].block
    assert f"0x{content_hash(scene.wrong()).hex()}, is wrong" in finding.problem


def test_a_commitment_of_another_job_opens_to_nothing(settled):
    logs, job = settled.stage.logs, settled.stage.ledger.rounds[0].jobs[0]
    place = find(logs, Committed, seat=0)
    foreign = commitment(STRANGER, 0, content_hash(settled.right(job)))

    found = audit_of(settled, changed(logs, place, commitment=foreign)).findings

    assert {finding.check for finding in found} >= {Check.CANDIDATES, Check.PAYMENTS}
