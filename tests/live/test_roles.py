"""Who acts on a live network begins only where it can go on."""

from types import SimpleNamespace

import pytest

from mlchain.actors.server import Plan
from mlchain.errors import UserError
from mlchain.live.programs import Live
from mlchain.live.roles import LiveServer, server_maker
from tests.actors.scenes import Scene, ToyTask, act, methods
from tests.actors.stage import SERVER, Stage


def live_server(task):
    return LiveServer(SERVER, task, Plan(2), lambda _round: bytes(32))


@pytest.mark.parametrize("jobs", [0, 1], ids=["before the first round", "in a round"])
def test_a_server_goes_on_with_the_task_that_is_learned_and_no_other(jobs):
    scene = Scene(jobs=jobs)
    other = ToyTask(size=99, recipe=b"another")

    assert act(scene, live_server(scene.task)) == act(scene)
    with pytest.raises(UserError, match="this deployment learns another task"):
        act(scene, live_server(other))


def test_where_nothing_is_learned_yet_a_server_begins():
    scene = Scene(jobs=0)
    scene.stage = Stage()

    assert methods(act(scene, live_server(ToyTask(size=99)))) == ["announce"]


def test_only_the_server_s_account_acts_the_server():
    make = server_maker("digits", "softmax", Plan(1), audit=0)
    deployment = SimpleNamespace(server=SERVER, chain_id=1, addresses={"JobFactory": SERVER})

    with pytest.raises(UserError, match="is not the learning server here"):
        make(Live(SimpleNamespace(address="0x1"), deployment))
