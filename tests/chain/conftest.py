"""A deployment on a node of somebody else, and a chain that is read from it in both ways that there are."""

import pytest

from mlchain.chain.accounts import load_account
from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from tests.chain.anvil import anvil, connected
from tests.chain.strangers_node import JOIN


@pytest.fixture(scope="module")
def node():
    with anvil() as node:
        yield node


@pytest.fixture(scope="module")
def deployment(node, members):
    with connected(node) as chain:
        deployment = deploy(chain, load_account(None), Parameters()).deployment
        chain.follow(deployment)
        chain.send(members[0], JOIN)
        return deployment


@pytest.fixture(params=[True, False], ids=["glances", "looks"])
def is_glancing(request):
    """Whether one request tells what is new, or two: where a block has to be named by its hash."""
    return request.param


@pytest.fixture
def chain(node, deployment, monkeypatch, is_glancing):
    """A chain on the node of somebody else, which a block was read of after the beginning."""
    monkeypatch.setattr(Chain, "is_own", False)
    with connected(node) as chain:
        before = node.snapshot()
        chain.follow(deployment)
        chain.sync()
        chain._followed.history._glances *= is_glancing
        yield chain
        node.restore(before)
