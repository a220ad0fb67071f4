"""Finding a deployment by the address of its factory."""

from pathlib import Path

import pytest

from mlchain.chain.connection import Chain
from mlchain.chain.deploy import deploy
from mlchain.chain.deployment import Parameters
from mlchain.chain.discovery import find_deployment
from mlchain.errors import UserError


@pytest.fixture
def chain(monkeypatch):
    monkeypatch.setattr(Chain, "is_embedded", False)
    return Chain()


@pytest.fixture
def deployment(chain, server):
    return deploy(chain, server, Parameters()).deployment


def test_the_factory_names_everything_but_the_counter(chain, deployment):
    found = find_deployment(chain, Path(), deployment.addresses["JobFactory"], deployment.block)

    assert found.addresses.items() < deployment.addresses.items()
    assert (found.server, found.parameters) == (deployment.server, deployment.parameters)


@pytest.mark.parametrize("contract", ["Counter", "ModelRegistry", "WorkerRegistry", "Job"])
def test_another_contract_is_no_factory(chain, deployment, contract):
    with pytest.raises(UserError, match=r"^the contract at 0x[0-9a-fA-F]{40} on .* is no JobFactory$"):
        find_deployment(chain, Path(), deployment.addresses[contract], 0)
