"""What the tests of refereed jobs share."""

import pytest

from tests.referee.refereed import Contracts


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
