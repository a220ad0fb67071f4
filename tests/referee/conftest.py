"""What the tests of refereed jobs share."""

import pytest

from tests.live.node import Node
from tests.referee.judging import Judge
from tests.referee.refereed import Contracts


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    """The rules of training, on an Anvil of their own."""
    node = Node(tmp_path_factory.mktemp("anvil"), 1337)
    node.start(forgets=True)
    yield Judge.deploy(node)
    node.stop()


@pytest.fixture(scope="module")
def contracts(models, server, members):
    return Contracts.deploy(models, server, members)


@pytest.fixture(scope="module")
def scene(contracts):
    """A job of three seats, which share two members with nobody."""
    return contracts.round()


@pytest.fixture
def job(scene):
    return scene.job


@pytest.fixture(scope="module")
def watcher(newcomers):
    return newcomers[0]


@pytest.fixture(scope="module")
def liar(newcomers):
    return newcomers[1]
