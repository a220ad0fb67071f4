"""The server of a live network begins only where it can go on."""

from types import SimpleNamespace

import pytest
from eth_utils import keccak

from mlchain.actors.plan import Plan
from mlchain.chain.deployment import Parameters
from mlchain.errors import UserError
from mlchain.live.runner import Operator
from mlchain.live.server_program import Audits, LiveServer, server_is_done, server_maker
from mlchain.protocol.announcements import announced_recipe, recipe_announcement
from mlchain.protocol.hash_chain import HashChain
from mlchain.tasks.choices import Subject
from tests.actors.scenes import Scene, ToyTask, act, methods
from tests.actors.stage import SERVER, Stage

SHORTEST = (None, None, None)  # windows that are as short as the deployment allows


def live_server(task):
    return LiveServer(SERVER, task, Plan(2), lambda _round: bytes(32))


@pytest.mark.parametrize("jobs", [0, 1], ids=["before the first round", "in a round"])
def test_a_server_goes_on_with_the_task_that_is_learned_and_no_other(jobs):
    scene = Scene(jobs=jobs)
    scene.by_server("JobFactory", "announceData", *recipe_announcement(scene.task.recipe))
    other = ToyTask(size=99, recipe=b"another")

    assert act(scene, live_server(scene.task)) == act(scene)
    with pytest.raises(UserError, match="this deployment learns another task"):
        act(scene, live_server(other))


def test_where_nothing_is_learned_yet_a_server_begins():
    scene = Scene(jobs=0)
    scene.stage = Stage()

    assert methods(act(scene, live_server(ToyTask(size=99)))) == ["announce", "publish", "announceData"]


def test_before_the_first_round_a_server_announces_its_recipe_once():
    scene = Scene(jobs=0)
    server = live_server(scene.task)

    *_, announced = act(scene, server).calls
    assert announced_recipe(*announced.arguments) == scene.task.recipe
    scene.do(server)

    assert scene.stage.ledger.announced_recipe == scene.task.recipe
    assert scene.stage.ledger.data_addresses == {}
    assert "announceData" not in methods(act(scene, server))


def test_once_all_rounds_are_played_a_server_asks_for_its_credit_at_once():
    scene = Scene(jobs=1)
    scene.commit_all(scene.right(), scene.right(), None)  # whose pay is the credit
    scene.propose(0, scene.right())
    scene.publish(0, scene.right())
    scene.settle()
    server = LiveServer(SERVER, scene.task, Plan(1), lambda _round: bytes(32))
    while methods(turn := act(scene, server)) != ["withdraw"]:
        assert turn.calls, "it rests before it has its credit"
        scene.do(server)
    assert not server_is_done(server, scene.stage.view())

    scene.do(server)

    assert server_is_done(server, scene.stage.view())


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"task": "mnost"}, "unknown task 'mnost'"),
        ({"model": "mpl"}, "unknown model 'mpl'"),
        ({"audit_rate": 1.5}, "the audit rate has to be from 0 to 1, not 1.5"),
        ({"rounds": 0}, "the rounds have to be from 1 to"),
        ({"jobs": 65}, "the jobs have to be from 1 to 64, not 65"),
        ({"committee": 257}, "the seats of a job have to be from 1 to 256, not 257"),
        ({"committee": 3, "quorum": 4}, "the equal answers for a quorum have to be from 1 to 3, not 4"),
        ({"committee": 4, "quorum": 2}, "the quorum of 4 seats has to be at least 3"),
        ({"committee": 2}, "a job has at least 3 seats here"),
        ({"until_accuracy": 97}, "the accuracy to stop at has to be above 0 and at most 1, not 97"),
        ({"early_stopping": 0}, "the versions without a gain have to be 1 or more, not 0"),
        ({"min_pool": 0}, "the workers to wait for have to be from 1 to"),
        ({"reward": 0}, "the reward has to be at least 1 wei"),
        ({"windows": (599, None, None)}, "every window has to be at least 10m here, not 599s"),
        ({"windows": (None, 10**6, None)}, "the windows may add up to 7d here, not to 1001200s"),
    ],
)
def test_a_server_that_no_deployment_would_serve_does_not_begin(wish, sentence):
    choices = {"task": "digits", "model": "softmax", "audit_rate": 0, "windows": SHORTEST, "rounds": 5, **wish}
    task, model, audit_rate, windows = (choices.pop(name) for name in ("task", "model", "audit_rate", "windows"))
    deployment = SimpleNamespace(server=SERVER, chain_id=1, addresses={"JobFactory": SERVER}, parameters=Parameters())

    operator = Operator(SimpleNamespace(address=SERVER), deployment)

    with pytest.raises(UserError, match=f"^{sentence}"):
        server_maker(Subject(task, model), Plan(**choices), Audits(audit_rate), windows)(operator)


def test_windows_are_the_shortest_of_the_deployment_unless_they_are_named():
    parameters = Parameters(min_window=120)
    addresses = {"JobFactory": SERVER, "ModelRegistry": SERVER}
    deployment = SimpleNamespace(server=SERVER, chain_id=1, addresses=addresses, parameters=parameters)
    account = SimpleNamespace(address=SERVER, sign_message=lambda _text: SimpleNamespace(encode_rsv=lambda: b""))

    def windows_of(audit_rate, *windows, challenge=None):
        plan = server_maker(Subject(), Plan(1), Audits(audit_rate, challenge), windows)(
            Operator(account, deployment)
        ).plan
        assert plan.min_seats == 3
        return plan.commit_window, plan.publish_window, plan.referee_window, plan.challenge_window

    assert windows_of(0, None, None, None) == (120, 120, 120, 0)
    assert windows_of(0.5, 600, 1_200, 180) == (600, 1_200, 180, 120)
    assert windows_of(0.5, 600, 1_200, 180, challenge=300) == (600, 1_200, 180, 300)
    with pytest.raises(UserError, match=r"^the challenge window, 5m, may be at most 2m$"):
        windows_of(0.5, 600, None, 180, challenge=300)
    with pytest.raises(UserError, match=r"^a job may take the server 7s: the challenge window has to be 28s"):
        windows_of(0.5, 600, None, 180, challenge=27)


def test_when_its_random_numbers_are_used_up_a_server_says_so_in_one_sentence(monkeypatch):
    monkeypatch.setattr(Operator, "random_numbers", lambda _: HashChain(bytes(32), 2))
    addresses = {"JobFactory": SERVER, "ModelRegistry": SERVER}
    deployment = SimpleNamespace(server=SERVER, chain_id=1, addresses=addresses, parameters=Parameters())
    account = SimpleNamespace(address=SERVER, sign_message=lambda _text: SimpleNamespace(encode_rsv=lambda: b""))

    server = server_maker(Subject(), Plan(9), Audits(0), SHORTEST)(Operator(account, deployment))

    assert [server._random(number) for number in (1, 2)] == [keccak(bytes(32)), bytes(32)]
    with pytest.raises(UserError, match=r"^all 2 random numbers of this deployment are used up: deploy a new one$"):
        server._random(3)


def test_only_the_server_s_account_acts_the_server():
    make = server_maker(Subject(), Plan(1), Audits(), SHORTEST)
    deployment = SimpleNamespace(server=SERVER, chain_id=1, addresses={"JobFactory": SERVER})

    with pytest.raises(UserError, match="is not the learning server here"):
        make(Operator(SimpleNamespace(address="0x1"), deployment))
