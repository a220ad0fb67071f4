"""A pay slip says what every answer came to and why, what it cost, and when the stake goes home."""

from dataclasses import replace

import pytest

from mlchain.chain.receipts import Receipt
from mlchain.errors import UserError
from mlchain.live.pay_slip import pay_slip
from mlchain.live.rendering import as_lines
from mlchain.protocol.calls import Call
from mlchain.protocol.content import content_hash
from tests.actors.scenes import Scene
from tests.actors.stage import MAX_SNAPSHOT_AGE, SERVER, STAKE, address_of

REWARD = BONUS = 10**16


def slip_of(scene, worker, senders=None):
    """Return a pay slip where every transaction takes 100 gas at 2 wei; `senders` are by block, else strangers'."""
    logs = [replace(log, transaction=f"0x{log.block}") for log in scene.stage.logs]

    def cost_of(transaction):
        block = int(transaction[2:])
        return (senders or {}).get(block, "0xstranger"), Receipt(100, 200, block)

    return pay_slip(scene.stage.view(), logs, worker, cost_of)


def played(*results, proposed=(), ruling=None, later=0):
    """Return a scene in which seats answered, some proposed and published, and all is settled."""
    scene = Scene()
    right, wrong = scene.right(), scene.wrong()
    answers = {"right": right, "wrong": wrong, "other": scene.wrong(1), None: None}
    scene.commit_all(*[answers[it] for it in results])
    for seat in proposed:
        scene.propose(seat, answers[results[seat]])
        scene.publish(seat, answers[results[seat]])
    if ruling == "void":
        scene.act(SERVER, "ruleVoid")
    elif ruling:
        scene.act(SERVER, "rule", content_hash(answers[ruling]))
    scene.stage.advance_to(scene.job.commit_end + later)
    scene.settle()
    return scene


WEEK = 7 * 24 * 3600
CASES = {
    "paid": (played, ("right", "right", "right"), {"proposed": (1,)}, 0, REWARD, "it committed to the accepted result"),
    "published": (
        played,
        ("right", "right", "right"),
        {"proposed": (0,)},
        0,
        REWARD + BONUS,
        "it committed to the accepted result, and published 1 of its 1 chunks",
    ),
    "absent": (
        played,
        (None, "right", "right"),
        {"proposed": (1,), "later": WEEK},
        0,
        -STAKE // 10,
        "it never committed, and pays the absence fee",
    ),
    "another": (
        played,
        ("wrong", "right", "right"),
        {"proposed": (0, 1), "ruling": "right"},
        0,
        -STAKE,
        "it committed to another result than the accepted one, and loses its stake",
    ),
    "junk": (
        played,
        ("wrong", "right", "right"),
        {"proposed": (1,), "later": WEEK},
        0,
        -STAKE,
        "it committed to a result that nobody proposed, and loses its stake",
    ),
    "released": (
        played,
        ("right", "wrong", "other"),
        {"proposed": (0,), "later": WEEK},
        0,
        0,
        "nothing was accepted, and its result was shown",
    ),
    "failed": (
        played,
        ("right", "wrong", "other"),
        {"proposed": (0,), "later": WEEK},
        1,
        -STAKE,
        "nobody ever proposed the result that it committed to",
    ),
    "void": (played, ("right",) * 3, {"ruling": "void"}, 0, 0, "the referee called the task broken"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_verdict_is_explained(case):
    play, results, choices, seat, amount, why = CASES[case]
    scene = play(*results, **choices)

    slip = slip_of(scene, scene.job.committee[seat])

    (job,) = slip.jobs
    assert (job.amount, job.why) == (amount, why)
    assert (slip.earned, slip.lost) == (max(0, amount), max(0, -amount))
    assert job.has_committed == (case != "absent")
    opens = case not in ("absent", "junk", "failed", "void")
    assert (job.result is not None) == opens


def test_a_job_under_way_is_awaited():
    scene = Scene()
    first, second = scene.job.committee[:2]
    scene.commit(0, scene.right())

    assert slip_of(scene, first).jobs[0].why == "it waits for the others"
    assert slip_of(scene, second).jobs[0].why == "its answer is awaited"
    scene.stage.advance_to(scene.job.commit_end)
    (job,) = slip_of(scene, first).jobs
    assert (job.why, job.verdict) == ("its seat is not settled yet", None)
    assert job.decision == "not settled, in the phase propose"


def test_gas_is_counted_per_job_and_whoever_settled_pays_for_that():
    scene = played("right", "right", "right", proposed=(0,))
    worker, settled = scene.job.committee[0], scene.stage.logs[-1].block

    others, own = slip_of(scene, worker), slip_of(scene, worker, {settled: worker})

    assert (others.jobs[0].cost.transactions, others.jobs[0].cost.gas, others.jobs[0].cost.fee) == (3, 300, 600)
    assert own.jobs[0].cost.transactions == 4
    assert (own.membership.transactions, own.cost.transactions, own.cost.fee) == (1, 5, 1_000)
    assert "  4 transactions, 400 gas for 800 wei" in as_lines(own)


def test_a_transaction_that_the_node_forgot_is_said():
    scene = played("right", "right", "right", proposed=(0,))

    slip = pay_slip(scene.stage.view(), scene.stage.logs, scene.job.committee[1], lambda _hash: None)

    assert (slip.cost.gas, slip.cost.unknown) == (0, slip.cost.transactions)
    assert any("that the node does not know any more" in line for line in as_lines(slip))


def test_a_stake_unlocks_a_number_of_blocks_after_leaving():
    scene = played("right", "right", "right", proposed=(0,))
    worker = scene.job.committee[1]
    assert slip_of(scene, worker).stake_why == "it is in the pool; a stake unlocks 129 blocks after leaving"
    scene.stage.send(worker, Call("WorkerRegistry", "leave"))
    unlocks = scene.stage.block + MAX_SNAPSHOT_AGE + 1

    locked = slip_of(scene, worker)
    scene.stage.mine(MAX_SNAPSHOT_AGE)
    free = slip_of(scene, worker)
    scene.stage.send(worker, Call("WorkerRegistry", "withdrawStake"))
    scene.stage.send(worker, Call("WorkerRegistry", "withdraw"))
    gone = slip_of(scene, worker)

    assert locked.stake_why == f"it unlocks at block {unlocks}, 129 blocks from now"
    assert (locked.withdrawable, locked.stake_unlocks_at) == (REWARD, unlocks)
    assert (free.withdrawable, free.stake_why) == (REWARD + STAKE, "it can be withdrawn")
    assert (gone.withdrawable, gone.taken_home, gone.stake_why) == (0, REWARD + STAKE, "there is none")


def test_a_stake_waits_for_a_round_that_can_have_drawn_it():
    scene = Scene()
    worker = scene.job.committee[0]
    scene.stage.send(worker, Call("WorkerRegistry", "leave"))
    scene.stage.mine(MAX_SNAPSHOT_AGE + 1)

    assert slip_of(scene, worker).stake_why.endswith("but not before round 1 is settled")
    assert slip_of(scene, worker).withdrawable == 0


def test_leaving_is_paid_for_by_who_left_and_not_by_who_was_removed():
    scene = played(None, "right", "right", proposed=(1,), later=WEEK)

    assert slip_of(scene, scene.job.committee[0]).membership.transactions == 1, "it joined"


def test_who_has_never_joined_has_no_pay_slip():
    with pytest.raises(UserError, match="has never joined the pool of this deployment, claimed or"):
        slip_of(Scene(), address_of("stranger"))
