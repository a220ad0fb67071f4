"""Histories that the tests tamper with."""

import pytest

from mlchain.protocol.calls import Call
from mlchain.protocol.content import content_hash
from tests.actors.scenes import Scene
from tests.actors.stage import MAX_SNAPSHOT_AGE, SERVER


@pytest.fixture(scope="module")
def settled():
    """A dispute that the referee has ruled, the next version of the model, and a second round that is open."""
    scene = Scene(pool=4, seats=3)
    scene.commit_all(scene.right(), scene.wrong(), None)
    scene.propose(0, scene.right())
    scene.propose(1, scene.wrong())
    scene.publish(0, scene.right())
    scene.act(SERVER, "rule", content_hash(scene.right()))
    scene.settle(2, 1)
    scene.settle(0)
    server = scene.server(rounds=2)
    for _ in range(4):
        scene.do(server)  # announces, publishes, schedules, deploys
    return scene


@pytest.fixture(scope="module")
def gone(settled):
    """A round that all agreed on, after which two workers left and one of them took everything home."""
    scene = Scene(pool=3)
    scene.commit_all(scene.right(), scene.right(), scene.right())
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()
    for worker in scene.job.committee[:2]:
        scene.stage.send(worker, Call("WorkerRegistry", "withdraw"))
        scene.stage.send(worker, Call("WorkerRegistry", "leave"))
    scene.stage.mine(MAX_SNAPSHOT_AGE)
    scene.stage.send(scene.job.committee[0], Call("WorkerRegistry", "withdrawStake"))
    return scene
