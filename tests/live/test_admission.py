"""Admitting workers: only the server, only to a permissioned pool, and each once."""

from dataclasses import replace

import pytest

from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.errors import UserError
from mlchain.live.admission import set_admission
from mlchain.protocol.calls import Call

WORKERS = ["0x" + 40 * "1", "0x" + 40 * "2"]


@pytest.fixture
def chain():
    return Chain()


@pytest.fixture
def deployment(chain, server):
    made = deploy(chain, server, Parameters(permissioned=True)).deployment
    chain.follow(made)
    return made


def test_workers_are_admitted_and_revoked_once(chain, deployment, server):
    def admitted():
        return [chain.read("WorkerRegistry", "isAdmitted", worker) for worker in WORKERS]

    first = list(set_admission(chain, deployment, server, WORKERS[:1], True))
    both = list(set_admission(chain, deployment, server, WORKERS, True))
    assert first == [f"{WORKERS[0]} is admitted now"]
    assert both == [f"{WORKERS[0]} was admitted already", f"{WORKERS[1]} is admitted now"]
    assert admitted() == [True, True]

    height = chain.height
    assert list(set_admission(chain, deployment, server, WORKERS, True)) == [
        f"{worker} was admitted already" for worker in WORKERS
    ]
    assert chain.height == height

    assert list(set_admission(chain, deployment, server, WORKERS[1:], False)) == [
        f"{WORKERS[1]} is not admitted any more"
    ]
    assert admitted() == [True, False]


def test_an_admitted_worker_can_join(chain, deployment, server, newcomers):
    worker = newcomers[0]
    list(set_admission(chain, deployment, server, [worker.address], True))

    chain.send(worker, Call("WorkerRegistry", "join", value=Parameters().stake))

    assert chain.read("WorkerRegistry", "isAdmitted", worker.address)


def test_a_pool_that_is_open_to_everybody_admits_nobody(chain, deployment, server):
    open_to_all = replace(deployment, parameters=Parameters())

    with pytest.raises(UserError, match=r"^anybody may join this pool"):
        list(set_admission(chain, open_to_all, server, WORKERS, True))


def test_nobody_but_the_server_admits(chain, deployment, newcomers):
    with pytest.raises(UserError, match="is not the learning server here"):
        list(set_admission(chain, deployment, newcomers[0], WORKERS, True))
