"""Before seats are settled, a claim that stands speaks for the accepted result: or what liars lose is burnt."""

import pytest

from mlchain.protocol.content import content_hash
from mlchain.protocol.events import Log
from mlchain.protocol.game_events import Challenged, Claimed, Decided, GameTurn
from tests.actors.scenes import DAY, Scene, act
from tests.actors.stage import SERVER, address_of


def claimed(*claimants: str) -> Scene:
    """Return a decided scene in which so many have claimed the right result, and the first has lost its claim."""
    scene = Scene()
    scene.commit_all(scene.right(), scene.wrong(), None)
    scene.propose(0, scene.right())
    claims = [
        Claimed(at, scene.job.address, content_hash(scene.right()), claimant, bytes(32), (b"x", b"y"))
        for at, claimant in enumerate(claimants)
    ]
    for event in (*claims, Challenged(0, 0, "0xliar", 0), Decided(0, 0, GameTurn.REFUTED)):
        scene.stage.ledger.fold(Log(event, "game", scene.stage.block, 0, scene.stage.now))
    scene.stage.advance_to(scene.job.referee_end)
    return scene


def settling(scene: Scene, who: str) -> list[tuple[str, tuple[object, ...]]]:
    """Return what somebody calls to settle a scene."""
    actor = scene.server()
    if who != "server":
        scene.stage.advance_to(scene.job.referee_end + DAY)
        actor = scene.holder(0)
        if who == "a worker that leaves":
            scene.stage.ledger.pool.leave(scene.stage.block, scene.stage.ledger.pool.members.index(actor.address))
            scene.stage.ledger.account(actor.address).left_at = scene.stage.block
            actor.is_leaving = True
    return [(call.method, call.arguments) for call in act(scene, actor).calls if call.method in ("succeed", "settle")]


@pytest.mark.parametrize("who", ["server", "a worker", "a worker that leaves"])
def test_who_settles_lets_the_first_claim_that_stands_speak_for_the_result(who):
    scene = claimed("0xliar", SERVER, address_of("watcher"), address_of("other"))

    first, second, *_ = settling(scene, who)

    assert first == ("succeed", (2,))
    assert second[0] == "settle"


@pytest.mark.parametrize("claimants", [("0xliar",), ("0xliar", SERVER)], ids=["nobody", "the server"])
def test_where_nobody_can_be_paid_seats_are_settled_at_once(claimants):
    assert [method for method, _ in settling(claimed(*claimants), "server")] == ["settle"]
