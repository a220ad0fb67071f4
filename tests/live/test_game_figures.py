"""What claims, challenges and bounties come to: in pay slips, the status, metrics and the tables of a simulation."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mlchain.chain.receipts import Receipt
from mlchain.live.metrics import standing
from mlchain.live.pay_slip import pay_slip
from mlchain.live.rendering import as_json, as_lines
from mlchain.live.status import status_of
from mlchain.protocol.content import content_hash
from mlchain.protocol.events import BountyPaid, Log, SeatSettled, Settled
from mlchain.protocol.game_events import BondsWithdrawn, Challenged, Claimed, Decided, GameTurn, Released
from mlchain.protocol.rounds import Outcome, Verdict
from mlchain.simulation.books import Pay
from mlchain.simulation.tables import AMOUNTS, GAME_AMOUNTS, pay_table
from tests.actors.scenes import Scene
from tests.actors.stage import STAKE, address_of

BOND = 10**17
NODES = (b"x", b"y")


def disputed() -> tuple[Scene, str, str]:
    """Return a scene in which a seat has refuted the claim of another, and both seats."""
    scene = Scene()
    scene.commit_all(scene.right(), scene.wrong(), None)
    scene.propose(0, scene.right())
    scene.propose(1, scene.wrong())
    finder, liar = scene.job.committee[:2]
    right, wrong = content_hash(scene.right()), content_hash(scene.wrong())
    tell(scene, Claimed(0, scene.job.address, wrong, liar, bytes(32), NODES))
    tell(scene, Claimed(1, scene.job.address, right, finder, bytes(32), NODES))
    tell(scene, Challenged(0, 0, finder, 0))
    tell(scene, Challenged(1, 1, liar, 0))
    tell(scene, Decided(0, 0, GameTurn.REFUTED))
    return scene, finder, liar


def tell(scene: Scene, event: object, address: str = "game") -> None:
    """Let an event happen, in a block and a transaction of its own."""
    stage = scene.stage
    log = Log(event, address, stage.block, 0, stage.now)
    stage.ledger.fold(log)
    stage.logs.append(log)
    stage.mine(1)


def slip_of(scene: Scene, worker: str) -> object:
    """Return a pay slip where the worker has sent every transaction of the game, for 200 wei each."""
    logs = [replace(log, transaction=f"0x{log.block}{log.address}") for log in scene.stage.logs]

    def cost_of(transaction: str) -> tuple[str, Receipt]:
        return worker if transaction.endswith("game") else "0xstranger", Receipt(100, 200, 1)

    return pay_slip(scene.stage.view(), logs, worker, cost_of, BOND)


def untested(_recipe: bytes) -> object:
    """Return a task without a test set."""
    return SimpleNamespace(accuracy=lambda _model: None)


def test_a_pay_slip_has_bonds_bounties_and_what_the_moves_cost():
    scene, finder, liar = disputed()
    tell(scene, BountyPaid(scene.job.address, finder, STAKE // 2))

    slip, other = slip_of(scene, finder), slip_of(scene, liar)

    assert (slip.bounties, slip.bonds_won, slip.bonds_held) == (STAKE // 2, BOND, 3 * BOND)
    assert (slip.game.transactions, slip.game.fee) == (5, 1_000)
    assert slip.cost.transactions == slip.game.transactions + slip.membership.transactions + 2
    said = "bounties 0.5 ether, bonds +0.1 ether, 0.3 ether of bonds not taken home; 5 transactions, 500 gas for"
    assert any(line.startswith(f"claims and challenges: {said}") for line in as_lines(slip))
    assert (other.bounties, other.bonds_won, other.bonds_held) == (0, -BOND, BOND)
    assert {"bounties", "bonds_won", "bonds_held", "game"} <= set(json.loads(as_json(slip)))


def test_a_watcher_that_has_never_joined_has_a_pay_slip_of_its_bounties_and_bonds():
    scene, watcher = disputed()[0], address_of("watcher")
    tell(scene, Challenged(2, 0, watcher, 1))
    tell(scene, BountyPaid(scene.job.address, watcher, STAKE // 2))

    slip = slip_of(scene, watcher)

    assert (slip.jobs, slip.bounties, slip.bonds_held, slip.withdrawable) == ([], STAKE // 2, BOND, STAKE // 2)
    assert {"stake 0 ether: there is none", f"{watcher}, not in the pool"} <= set(as_lines(slip))


def test_bonds_that_were_taken_home_are_held_no_more():
    scene, finder, liar = disputed()
    tell(scene, Decided(1, 1, GameTurn.UPHELD))
    tell(scene, Released(1))
    assert slip_of(scene, finder).bonds_held == 4 * BOND

    tell(scene, BondsWithdrawn(finder, 4 * BOND))

    assert (slip_of(scene, finder).bonds_won, slip_of(scene, finder).bonds_held) == (2 * BOND, 0)
    assert (slip_of(scene, liar).bonds_won, slip_of(scene, liar).bonds_held) == (-2 * BOND, 0)


def test_a_pay_slip_without_claims_does_not_speak_of_them():
    assert not any("claims" in line for line in as_lines(slip_of(Scene(), Scene().job.committee[0])))


@pytest.mark.parametrize(
    ("outcome", "accepted", "also", "why"),
    [
        (Outcome.UPHELD, True, [], "accepted by a claim that stands"),
        (Outcome.FAILED, False, [Decided(1, 1, GameTurn.REFUTED)], "failed: no claim stands"),
        (Outcome.FAILED, False, [Claimed(2, "job", b"other", "0x2", bytes(32), NODES)], "failed: several claims stand"),
    ],
)
def test_a_seat_whose_result_was_refuted_is_told_so(outcome, accepted, also, why):
    scene, _finder, liar = disputed()
    for event in also:
        tell(scene, replace(event, disputed=scene.job.address) if isinstance(event, Claimed) else event)
    address, right = scene.job.address, content_hash(scene.right())
    tell(scene, Settled(outcome, right if accepted else bytes(32), 1), address)
    tell(scene, SeatSettled(address, liar, 1, Verdict.SLASHED, STAKE))

    (job,) = slip_of(scene, liar).jobs

    assert job.decision == why
    assert job.why == "every claim of the result that it committed to was refuted, and it loses its stake"


def test_the_status_tells_of_claims_challenges_and_bonds():
    scene, _finder, _liar = disputed()
    view = replace(scene.stage.view(), balance_of=lambda who: 3 * BOND if who == "game" else 0)

    status = status_of(view, "net", "registry", None, untested, "game")

    (job,) = status.newest_round.jobs
    assert (job.claims, job.refuted, job.challenges, status.bonds) == (2, 1, 1, 3 * BOND)
    said = as_lines(status)
    assert "a contract is the referee, and holds bonds of 0.3 ether" in said
    assert any(line.endswith("0 settled, 2 claims, 1 refuted, 1 challenge open") for line in said)


def test_the_status_of_a_deployment_whose_referee_is_the_server_has_no_bonds():
    status = status_of(Scene().stage.view(), "net", "registry", None, untested)

    assert status.bonds is None
    assert not any("claim" in line or "bond" in line for line in as_lines(status))


def test_metrics_tell_of_bounties_and_bonds():
    scene, finder, _liar = disputed()
    tell(scene, BountyPaid(scene.job.address, finder, 7))

    found = standing(scene.stage.ledger, 1, finder, None, None)

    assert (found.bounties_wei, found.bonds) == (7, 3)


@pytest.mark.parametrize(("bounties", "columns"), [(0, AMOUNTS), (5 * 10**17, GAME_AMOUNTS)])
@pytest.mark.parametrize("workers", [1, 21])
def test_a_table_of_pay_has_bounties_and_bonds_where_there_are_any(bounties, columns, workers):
    pay = [Pay("0x1", "honest", 10**16, (), 10**15, bounties, -2 * bounties // 5)] * workers
    summary = SimpleNamespace(pay=pay, behaviours={"honest": workers})

    table = pay_table(summary)

    assert [column.header for column in table.columns][2:] == list(columns)
    cells = {column.header: next(iter(column.cells)) for column in table.columns}
    assert cells["net"] == f"{workers * pay[0].net / 10**18:.6f}"
    assert cells.get("bounties", "0.000000") == f"{workers * bounties / 10**18:.6f}"
